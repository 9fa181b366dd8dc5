//! What the audio stage hands on.

use serde::{Deserialize, Serialize};

/// Sample rate of every [`SampleBlock`], in hertz.
pub const SAMPLE_RATE: u32 = 16_000;

/// A run of consecutive mono samples of one channel, 16 kHz, full scale ±1.0.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleBlock {
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// Index of the first sample on the channel's own 16 kHz clock.
    pub start_sample: u64,
    /// The samples.
    pub samples: Vec<f32>,
}

/// How the channels of a recording relate to the people on the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelLayout {
    /// One channel that holds every speaker.
    Mono,
    /// One speaker per channel.
    Stereo,
    /// Two channels with the same signal: treated as mono.
    FakeStereo,
}

impl ChannelLayout {
    /// Name used in tables and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::Stereo => "stereo",
            Self::FakeStereo => "fake_stereo",
        }
    }
}

/// Signal quality of one channel over the whole recording.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ChannelQuality {
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// Root mean square level in dBFS (0 = full-scale square wave); −120 for digital silence.
    pub rms_dbfs: f64,
    /// Highest absolute sample in dBFS; −120 for digital silence.
    pub peak_dbfs: f64,
    /// Signal to noise ratio in dB: 95th against 10th percentile of 20 ms frame levels.
    pub snr_db: f64,
    /// Share of samples at or beyond the clipping level, 0 to 1.
    pub clipped_ratio: f64,
    /// Runs of digital zero of 20 ms to 2 s inside active signal: lost packets or recorder gaps.
    pub dropouts: i64,
}
