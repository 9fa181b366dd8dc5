//! What a backend gives: text with times on the window's clock.

use crate::AsrError;

/// How hard a backend tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeEffort {
    /// Best token at each step, over the window's own length.
    Greedy,
    /// Beam search over the full context: slower, steadier.
    Beam,
}

/// One stretch of text between two time marks.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedText {
    /// Start on the window's clock, milliseconds.
    pub start_ms: i64,
    /// End on the window's clock, milliseconds.
    pub end_ms: i64,
    /// Characters with the probability of the token that holds them.
    pub chars: Vec<(char, f32)>,
}

/// What a backend made of a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Texts in order of time.
    pub texts: Vec<DecodedText>,
    /// Mean token log-probability, ≤ 0; 0 where there is no text.
    pub mean_logprob: f32,
    /// True where the backend stopped at its token limit, so that text may be missing.
    pub cut_off: bool,
}

impl Decoded {
    /// All characters without their times.
    pub fn text(&self) -> String {
        self.texts.iter().flat_map(|t| t.chars.iter().map(|c| c.0)).collect()
    }
}

/// One decoder with its own state: what a backend implements. Used by one thread at a time.
pub trait Decoder: Send {
    /// Decodes 16 kHz mono samples; `prompt` steers the text and may be empty.
    ///
    /// # Errors
    /// The backend failed; the window is lost, the decoder stays usable.
    fn decode(&mut self, samples: &[f32], prompt: &str, effort: DecodeEffort) -> Result<Decoded, AsrError>;
}
