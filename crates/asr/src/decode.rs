//! What a backend gives: text with times on the window's clock.

use std::ops::Range;

use callsift_core::TimeSpan;

use crate::{AsrError, Window};

/// How hard a backend tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeEffort {
    /// Best token at each step, over the window's own length.
    Greedy,
    /// Beam search over the full context: slower, steadier.
    Beam,
}

/// One character as a backend wrote it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodedChar {
    /// The character.
    pub ch: char,
    /// Probability of the token that holds it, 0 to 1.
    pub prob: f32,
    /// When it was said, on the window's clock; `None` where the backend did not measure it.
    pub span: Option<TimeSpan>,
}

/// One stretch of text between two time marks.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedText {
    /// Start on the window's clock, milliseconds.
    pub start_ms: i64,
    /// End on the window's clock, milliseconds.
    pub end_ms: i64,
    /// The characters in order.
    pub chars: Vec<DecodedChar>,
}

/// What a backend made of a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Texts in order of time.
    pub texts: Vec<DecodedText>,
    /// Mean token log-probability, ≤ 0; 0 where there is no text.
    pub mean_logprob: f32,
    /// True where the backend stopped at its token limit or in a loop, so that text may be missing.
    pub cut_off: bool,
}

impl Decoded {
    /// All characters without their times.
    pub fn text(&self) -> String {
        self.texts.iter().flat_map(|t| t.chars.iter().map(|c| c.ch)).collect()
    }
}

/// One decoder with its own state: what a backend implements. Used by one thread at a time.
pub trait Decoder: Send {
    /// Decodes windows of one call, in order; `prompt` steers the text and may be empty. What a window becomes depends
    /// on nothing but the window, the prompt and the effort, or at most on the other windows of the same call.
    ///
    /// # Errors
    /// The backend failed; the windows are lost, the decoder stays usable.
    fn decode(&mut self, windows: &[&Window], prompt: &str, effort: DecodeEffort) -> Result<Vec<Decoded>, AsrError>;

    /// How likely other texts are than the one that was written down, given the sound of a window. `None` where the backend
    /// cannot say, or a text is longer than it can take.
    ///
    /// # Errors
    /// As above.
    fn inquire(&mut self, _window: &Window, _inquiry: &Inquiry<'_>) -> Result<Option<Answer>, AsrError> {
        Ok(None)
    }
}

/// What is asked about a window that was written down.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry<'a> {
    /// What was written down.
    pub written: &'a str,
    /// Texts that may have been said instead.
    pub texts: &'a [String],
    /// Phrases of which one may have been said somewhere in it, each group for itself.
    pub phrases: &'a [Vec<String>],
}

/// The answer: log-probability of each text with its end, natural logarithm, less that of what was written down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Of each text.
    pub texts: Vec<f64>,
    /// Phrases at their likeliest places: of each group one at least, unless it is empty.
    pub spotted: Vec<Spotted>,
}

/// A phrase at its likeliest place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spotted {
    /// The phrase.
    pub phrase: String,
    /// Characters of what was written down in whose place it stands.
    pub range: Range<usize>,
    /// As of a text.
    pub score: f64,
}
