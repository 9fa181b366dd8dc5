//! The one shape of a decoder.

use crate::AudioError;
use crate::remarks::Remarks;

/// What a decoder knows before its first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamSpec {
    /// Hertz.
    pub(crate) sample_rate: u32,
    /// Channels, at least 1.
    pub(crate) channels: u16,
    /// Container and codec, e.g. `wav/alaw`.
    pub(crate) format: String,
    /// Name for [`AudioInfo::decoder`](callsift_core::AudioInfo).
    pub(crate) decoder: &'static str,
    /// Length in frames, where the header is to be trusted that far.
    pub(crate) frames: Option<u64>,
    /// Length that header or container promise, in milliseconds, where what is decoded is to be compared with it.
    pub(crate) promised_ms: Option<u64>,
}

impl StreamSpec {
    /// A stream of unknown length.
    pub(crate) fn new(sample_rate: u32, channels: u16, format: &str, decoder: &'static str) -> Self {
        Self { sample_rate, channels, format: format.to_owned(), decoder, frames: None, promised_ms: None }
    }
}

/// A source of interleaved samples, full scale ±1.0, at the file's own rate.
pub(crate) trait ChannelStream: Send {
    /// Fixed for the whole stream.
    fn spec(&self) -> &StreamSpec;

    /// Appends whole frames, interleaved: at least one, at most about a second of them. `false` at the end; a file that
    /// breaks off ends there, without an error.
    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError>;

    /// What is to be said of the sound; complete only at the end.
    fn remarks(&self) -> Remarks {
        Remarks::default()
    }
}
