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

/// Level of one channel over time, one value per 100 ms, in steps of half a decibel.
///
/// Kept small because it lives as long as the call is worked on: ten hours are 360 kB a channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LevelTrack {
    /// −dBFS × 2 of each frame, at most 240 (−120 dBFS).
    frames: Vec<u8>,
    /// Sum of squares and number of samples of the frame that is being filled.
    #[serde(skip)]
    open: (f64, u32),
}

impl LevelTrack {
    /// Length of a frame in milliseconds.
    pub const FRAME_MS: i64 = 100;
    const FRAME_SAMPLES: u32 = SAMPLE_RATE / 10;

    /// Takes the next samples, 16 kHz, full scale ±1.0.
    pub fn push(&mut self, samples: &[f32]) {
        for &sample in samples {
            self.open.0 += f64::from(sample) * f64::from(sample);
            self.open.1 += 1;
            if self.open.1 == Self::FRAME_SAMPLES {
                let mean = (self.open.0 / f64::from(Self::FRAME_SAMPLES)).max(1e-12);
                self.frames.push((-20.0 * mean.log10()).clamp(0.0, 240.0).round() as u8);
                self.open = (0.0, 0);
            }
        }
    }

    /// Mean level of a span in dBFS; `None` where the track holds nothing of it.
    pub fn mean_dbfs(&self, span: crate::TimeSpan) -> Option<f64> {
        let frame = |ms: i64| (ms.max(0) / Self::FRAME_MS) as usize;
        let (from, to) = (frame(span.start_ms), frame(span.end_ms + Self::FRAME_MS - 1).min(self.frames.len()));
        let inside = self.frames.get(from..to).filter(|f| !f.is_empty())?;
        let power = |half_db: &u8| 10f64.powf(-f64::from(*half_db) / 20.0);
        let mean = inside.iter().map(power).sum::<f64>() / inside.len() as f64;
        Some((mean.log10() * 100.0).round() / 10.0)
    }
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
    /// Reads the table name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Mono, Self::Stereo, Self::FakeStereo].into_iter().find(|l| l.as_str() == name)
    }

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

/// What is, or may be, wrong with the sound of a recording: heard as far as it is there, and said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioMark {
    /// It breaks off: the header or the container promises more than is there.
    Truncated,
    /// The recorder never wrote its length: whether the end is there cannot be told.
    Unfinished,
    /// The header names another length than the file holds; what the file holds was heard.
    HeaderMismatch,
    /// Several recordings lie one after the other in the file; all were heard, in that order.
    Chained,
    /// A part of the file was not heard: another recording that does not fit, or bytes that nothing here can read.
    Unheard,
    /// Bytes behind the sound that are no sound.
    TrailingData,
    /// Bytes before the recording's own first byte were passed over.
    LeadingData,
    /// The times of the packets jump forward; silence lies where nothing was recorded.
    GapFilled,
    /// The times of the packets go back; the sound was laid end to end.
    TimesGoBack,
    /// Some packets could not be decoded; silence lies in their place.
    Damaged,
}

impl AudioMark {
    /// All marks with what they mean, in table order.
    pub const ALL: [(Self, &str); 10] = [
        (Self::Truncated, "breaks off: less is there than the header or container promises"),
        (Self::Unfinished, "the recorder never wrote the length: whether the end is there is not known"),
        (Self::HeaderMismatch, "the header names another length than the file holds; all of the file was heard"),
        (Self::Chained, "several recordings one after the other in the file; all were heard"),
        (Self::Unheard, "a part of the file was not heard"),
        (Self::TrailingData, "bytes behind the sound that are no sound"),
        (Self::LeadingData, "bytes before the recording's first byte, passed over"),
        (Self::GapFilled, "times of packets jump forward; silence lies in the gaps"),
        (Self::TimesGoBack, "times of packets go back; the sound was laid end to end"),
        (Self::Damaged, "packets that could not be decoded; silence lies in their place"),
    ];

    /// Name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Unfinished => "unfinished",
            Self::HeaderMismatch => "header_mismatch",
            Self::Chained => "chained",
            Self::Unheard => "unheard",
            Self::TrailingData => "trailing_data",
            Self::LeadingData => "leading_data",
            Self::GapFilled => "gap_filled",
            Self::TimesGoBack => "times_go_back",
            Self::Damaged => "damaged",
        }
    }

    /// Reads the table name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(mark, _)| mark).find(|mark| mark.as_str() == name)
    }

    /// True where the end of the call may lie outside of what was heard: nothing may be claimed of it.
    pub fn leaves_end_open(self) -> bool {
        matches!(self, Self::Truncated | Self::Unfinished | Self::Unheard)
    }
}

#[cfg(test)]
mod tests {
    use super::LevelTrack;
    use crate::TimeSpan;

    #[test]
    fn levels_are_means_of_power_over_the_span() {
        let mut track = LevelTrack::default();
        track.push(&vec![0.1; 16_000]);
        track.push(&vec![0.0; 16_000]);
        assert_eq!(track.mean_dbfs(TimeSpan::new(0, 1000)), Some(-20.0));
        assert_eq!(track.mean_dbfs(TimeSpan::new(0, 2000)), Some(-23.0));
        assert_eq!(track.mean_dbfs(TimeSpan::new(1500, 1900)), Some(-120.0));
        assert_eq!(track.mean_dbfs(TimeSpan::new(5000, 6000)), None);
    }
}
