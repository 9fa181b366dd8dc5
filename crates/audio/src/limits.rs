//! How large a recording may be before it is refused, and what files without a header hold.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::AudioError;
use crate::headerless::Headerless;

/// Caps that keep a hostile or mistaken file from taking the machine; genuine calls stay far inside the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioLimits {
    /// Longest recording, in milliseconds. Default 12 h: a shift recorded in one file still passes.
    pub max_duration_ms: u64,
    /// Most channels. Default 8: conference bridges write up to that many.
    pub max_channels: u16,
    /// Lowest sample rate, in hertz. Default 4 000: half of telephony; below it no speech is left.
    pub min_sample_rate: u32,
    /// Highest sample rate, in hertz. Default 192 000: the top of studio equipment.
    pub max_sample_rate: u32,
    /// What files without a header hold, by their names; the first that fits counts. Default none: only extensions that
    /// say it all (`.ulaw`, `.sln16` …) are read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headerless: Vec<Headerless>,
}

impl Default for AudioLimits {
    fn default() -> Self {
        Self {
            max_duration_ms: 12 * 3_600_000,
            max_channels: 8,
            min_sample_rate: 4_000,
            max_sample_rate: 192_000,
            headerless: Vec::new(),
        }
    }
}

impl AudioLimits {
    /// Checks what a header says; called before any memory is sized by it.
    pub(crate) fn check_shape(&self, channels: u16, sample_rate: u32, path: &Path) -> Result<(), AudioError> {
        let limit = |what, value: u64, max: u64| Err(AudioError::Limit { what, value, max, path: path.to_owned() });
        if channels > self.max_channels {
            return limit("channel count", channels.into(), self.max_channels.into());
        }
        if sample_rate > self.max_sample_rate {
            return limit("sample rate in Hz", sample_rate.into(), self.max_sample_rate.into());
        }
        if sample_rate < self.min_sample_rate {
            return limit("sample rate in Hz", sample_rate.into(), self.min_sample_rate.into());
        }
        Ok(())
    }

    /// Checks a length in frames (one sample per channel).
    pub(crate) fn check_frames(&self, frames: u64, sample_rate: u32, path: &Path) -> Result<(), AudioError> {
        let value = frames.saturating_mul(1000) / u64::from(sample_rate.max(1));
        if value > self.max_duration_ms {
            let max = self.max_duration_ms;
            return Err(AudioError::Limit { what: "duration in ms", value, max, path: path.to_owned() });
        }
        Ok(())
    }
}
