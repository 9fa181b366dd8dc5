//! What a rule says of a call, and the proof.

use serde::{Deserialize, Serialize};

use crate::{SpeakerRole, TimeSpan};

/// Answer of one rule for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The fault is there, with evidence or proof of absence.
    Hit,
    /// The fault is not there.
    Clear,
    /// Coverage or confidence does not allow an answer.
    CannotTell,
    /// The rule does not concern this call.
    NotApplicable,
}

impl Verdict {
    /// All verdicts, in table order.
    pub const ALL: [Self; 4] = [Self::Hit, Self::Clear, Self::CannotTell, Self::NotApplicable];

    /// Name used in tables and rule tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Clear => "clear",
            Self::CannotTell => "cannot_tell",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Reads the table name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == name)
    }
}

/// How grave a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a note (轻微).
    Minor,
    /// Costs points (一般).
    Moderate,
    /// Must be heard by a person (严重).
    Severe,
    /// Zeroes the score (致命).
    Fatal,
}

impl Severity {
    /// All, from minor to fatal.
    pub const ALL: [Self; 4] = [Self::Minor, Self::Moderate, Self::Severe, Self::Fatal];

    /// Name used in tables and rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
            Self::Fatal => "fatal",
        }
    }

    /// Reads [`Severity::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// How the text met the rule's phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// Same characters after normalisation.
    Exact,
    /// A regular expression.
    Pattern,
    /// Same sound within a cost.
    Sound,
    /// Like a sentence.
    Similar,
    /// A text model's label.
    Model,
    /// A measured quantity: silence, overlap.
    Measure,
    /// Nothing was found where something had to be.
    Absence,
}

impl MatchKind {
    /// Name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Pattern => "pattern",
            Self::Sound => "sound",
            Self::Similar => "similar",
            Self::Model => "model",
            Self::Measure => "measure",
            Self::Absence => "absence",
        }
    }
}

/// Where a hit stands: the sentence and the second that prove it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Turn that holds it.
    pub turn: u32,
    /// Who spoke.
    pub role: SpeakerRole,
    /// First character in the turn's original text.
    pub char_start: u32,
    /// First character after it.
    pub char_end: u32,
    /// When it was said.
    pub span: TimeSpan,
    /// What was said, original characters.
    pub text: String,
    /// How it matched.
    pub kind: MatchKind,
    /// Cost of the match: 0 exact; sound costs, 1 − likeness of sentences, 1 − probability for models.
    pub cost: f64,
    /// The condition that fired, as a path into the rule: `any[1].keyword`.
    pub condition: String,
}

/// The closest thing to a missing phrase that was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearMiss {
    /// Turn that holds it.
    pub turn: u32,
    /// When it was said.
    pub span: TimeSpan,
    /// What was said.
    pub text: String,
    /// The phrase that it resembles.
    pub phrase: String,
    /// Likeness by sound, 0 to 1.
    pub score: f64,
}

/// Why a missing phrase counts as missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbsenceProof {
    /// The stretch of the call that was searched.
    pub window: TimeSpan,
    /// Speech of the right role in it, milliseconds.
    pub speech_ms: i64,
    /// Mean character probability of that speech, 0 to 1.
    pub mean_confidence: f64,
    /// Turns searched.
    pub turns: u32,
    /// Best near miss, if anything came close.
    pub near_miss: Option<NearMiss>,
}

/// One rule's answer for one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Rule id, kebab-case.
    pub rule_id: String,
    /// Rule's title in Chinese.
    pub title: String,
    /// Folder of the rule: its category.
    pub category: String,
    /// How grave the fault is.
    pub severity: Severity,
    /// Points that a hit costs, after the rule's cap.
    pub points: f64,
    /// The answer.
    pub verdict: Verdict,
    /// Why, in Chinese, for people: what was found, what was searched, or why no answer is given.
    pub reason: String,
    /// One entry per hit, in order of time; empty unless `verdict` is a hit.
    pub evidence: Vec<Evidence>,
    /// Proof for rules about something missing.
    pub proof: Option<AbsenceProof>,
}
