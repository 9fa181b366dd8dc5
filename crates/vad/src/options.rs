//! Options of segmentation, with units and sources.

use serde::{Deserialize, Serialize};

use crate::VadError;

/// When speech begins, when it ends, and what is kept around it. All times are rounded to frames of 32 ms inside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadOptions {
    /// Probability from which a frame begins speech, 0 to 1. Default 0.5 (Silero's own default).
    pub threshold: f32,
    /// Probability under which a frame may end it, at most `threshold`. Default 0.35 (Silero: threshold − 0.15).
    pub neg_threshold: f32,
    /// Speech shorter than this is dropped, milliseconds. Default 200: a Mandarin syllable such as 喂 or 对 lasts 200 ms
    /// and more, a click less (Silero: 250).
    pub min_speech_ms: u32,
    /// Silence that ends a segment, milliseconds. Default 300: shorter pauses lie inside a phrase. Silero's 100 cuts
    /// phrases apart, the 2000 of faster-whisper merges turns.
    pub min_silence_ms: u32,
    /// Audio kept before and after speech, milliseconds; never beyond half of the way to the next segment. Default 200:
    /// unvoiced initials (s, sh, f, h) are quiet and lie before what the model hears.
    pub pad_ms: u32,
    /// Longest speech in one segment, milliseconds; longer speech is split at its longest dip. Default 20 000: a window of
    /// Mandarin must stay under Whisper's limit of 220 tokens.
    pub max_speech_ms: u32,
}

impl Default for VadOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            neg_threshold: 0.35,
            min_speech_ms: 200,
            min_silence_ms: 300,
            pad_ms: 200,
            max_speech_ms: 20_000,
        }
    }
}

impl VadOptions {
    /// Refuses values that make no sense, by name.
    pub fn check(&self) -> Result<(), VadError> {
        let refuse = |option, value: String, allowed| Err(VadError::Option { option, value, allowed });
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            return refuse("threshold", self.threshold.to_string(), "between 0 and 1");
        }
        if !(self.neg_threshold > 0.0 && self.neg_threshold <= self.threshold) {
            return refuse("neg_threshold", self.neg_threshold.to_string(), "above 0 and at most the threshold");
        }
        if self.max_speech_ms < 1_000 || self.max_speech_ms < 2 * self.min_speech_ms {
            let allowed = "at least 1000 and at least twice min_speech_ms";
            return refuse("max_speech_ms", self.max_speech_ms.to_string(), allowed);
        }
        for (option, value) in [("min_silence_ms", self.min_silence_ms), ("pad_ms", self.pad_ms)] {
            if value > 10_000 {
                return refuse(option, value.to_string(), "at most 10000");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_and_nonsense_is_named() {
        let good = VadOptions::default();
        assert!(good.check().is_ok());
        let cases = [
            (VadOptions { threshold: f32::NAN, ..good }, "threshold"),
            (VadOptions { neg_threshold: 0.9, ..good }, "neg_threshold"),
            (VadOptions { max_speech_ms: 10, ..good }, "max_speech_ms"),
            (VadOptions { pad_ms: 60_000, ..good }, "pad_ms"),
        ];
        for (options, name) in cases {
            let error = options.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("vad option {name} is ")), "{error}");
        }
    }
}
