//! The one shape of a decoder.

use crate::AudioError;

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
}

/// A source of interleaved samples, full scale ±1.0, at the file's own rate.
pub(crate) trait ChannelStream: Send {
    /// Fixed for the whole stream.
    fn spec(&self) -> &StreamSpec;

    /// Appends whole frames, interleaved: at least one, at most about a second of them. `false` at the end; a file that
    /// breaks off ends there, without an error.
    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError>;
}
