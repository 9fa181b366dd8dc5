//! Speech found and recognised on one channel.

use serde::{Deserialize, Serialize};

use crate::TimeSpan;

/// A stretch of speech on one channel, as found by voice activity detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechSegment {
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// Where the speech lies, padding included.
    pub span: TimeSpan,
}

/// One recognised character with its time and probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimedChar {
    /// The character, simplified Chinese.
    pub ch: char,
    /// When it was said, on the recording's clock.
    pub span: TimeSpan,
    /// Recogniser's probability of the token that holds it, 0 to 1.
    pub prob: f32,
}

impl TimedChar {
    /// Spreads a text evenly over a span: for turns whose characters carry no time of their own.
    pub fn spread(text: &str, span: TimeSpan, prob: f32) -> Vec<Self> {
        let n = text.chars().count().max(1) as i64;
        let at = |i: i64| span.start_ms + span.len_ms() * i / n;
        (0i64..).zip(text.chars()).map(|(i, ch)| Self { ch, span: TimeSpan::new(at(i), at(i + 1)), prob }).collect()
    }
}

/// Why recognised text is not to be taken as speech, or only with care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Text known to be made up on silence (subtitle credits and the like).
    Hallucination,
    /// The same words over and over.
    Loop,
    /// Mean token log-probability under the limit.
    LowConfidence,
    /// More characters per second than a person can say.
    TooFast,
    /// Speech that the recogniser left without text.
    Uncovered,
}

impl Mark {
    /// Name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hallucination => "hallucination",
            Self::Loop => "loop",
            Self::LowConfidence => "low_confidence",
            Self::TooFast => "too_fast",
            Self::Uncovered => "uncovered",
        }
    }

    /// Reads the table name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hallucination, Self::Loop, Self::LowConfidence, Self::TooFast, Self::Uncovered]
            .into_iter()
            .find(|mark| mark.as_str() == name)
    }

    /// True for marks that forbid any judgement on the text, or say that there is none.
    pub fn is_unusable(self) -> bool {
        matches!(self, Self::Hallucination | Self::Loop | Self::TooFast | Self::Uncovered)
    }
}

/// What one channel said in one stretch, as recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// Where it was said.
    pub span: TimeSpan,
    /// Characters with times; their concatenation is the text.
    pub chars: Vec<TimedChar>,
    /// Mean token log-probability, ≤ 0.
    pub mean_logprob: f32,
    /// Reasons for care, sorted, without repeats.
    pub marks: Vec<Mark>,
}

impl Utterance {
    /// The recognised text.
    pub fn text(&self) -> String {
        self.chars.iter().map(|c| c.ch).collect()
    }
}
