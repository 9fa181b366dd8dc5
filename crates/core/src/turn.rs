//! Turns: who said what, in order of time.

use serde::{Deserialize, Serialize};

use crate::{Mark, TimeSpan, TimedChar};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerRole {
    /// The centre's agent (坐席).
    Agent,
    /// The customer (客户).
    Customer,
    /// Not known.
    #[default]
    Unknown,
}

impl SpeakerRole {
    /// Name used in tables and rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
            Self::Unknown => "unknown",
        }
    }

    /// Reads `agent`, `customer`, `坐席`, `客户`; anything else is unknown.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "agent" | "坐席" | "客服" => Self::Agent,
            "customer" | "客户" => Self::Customer,
            _ => Self::Unknown,
        }
    }
}

/// One label of a text model with its calibrated probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelScore {
    /// Label as the model's configuration names it, e.g. `negative`, `rhetorical`.
    pub label: String,
    /// Calibrated probability, 0 to 1.
    pub prob: f64,
    /// Probability from which the model's own configuration believes the label; `None` where it names none.
    pub threshold: Option<f64>,
}

/// Another way to read a turn, which the recogniser was asked about after it had written the turn down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The whole turn, read this way.
    pub text: String,
    /// Log-probability of this reading minus that of what was written down, natural logarithm, given the sound: about 0 where
    /// both are as likely, negative where the recogniser stands by what it wrote.
    pub score: f64,
}

/// What one person said until the other took over or fell silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Position in the call, from 0, in order of start time.
    pub index: u32,
    /// Who spoke.
    pub role: SpeakerRole,
    /// How sure the role is, 0 to 1; 1 where the channel decides.
    pub role_confidence: f64,
    /// Channel in the recording, from 0.
    pub channel: u16,
    /// When.
    pub span: TimeSpan,
    /// Recognised characters; for turns from another system the time is spread evenly.
    pub chars: Vec<TimedChar>,
    /// Mean probability of the characters, 0 to 1.
    pub confidence: f64,
    /// Reasons for care, sorted, without repeats.
    pub marks: Vec<Mark>,
    /// Milliseconds of it during which the other side spoke too.
    pub overlap_ms: i64,
    /// Level of the voice in dBFS; `None` where there is no recording.
    pub loudness_dbfs: Option<f64>,
    /// Labels of the text models, empty where none ran.
    pub labels: Vec<LabelScore>,
    /// Other readings that were asked about, the likeliest first; empty where nothing hung on the turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// Share of spoken characters that are less likely than not, 0 to 1.
pub fn doubtful_share<'a>(chars: impl IntoIterator<Item = &'a TimedChar>) -> f64 {
    let spoken: Vec<f32> = chars.into_iter().filter(|c| c.ch.is_alphanumeric()).map(|c| c.prob).collect();
    spoken.iter().filter(|prob| **prob < 0.5).count() as f64 / spoken.len().max(1) as f64
}

impl Turn {
    /// A turn whose characters carry no time of their own: spread evenly over the span, all with one probability. The agent
    /// is on channel 0, the customer on channel 1; the role is sure unless it is unknown.
    pub fn from_text(index: u32, role: SpeakerRole, span: TimeSpan, text: &str, prob: f32) -> Self {
        Self {
            index,
            role,
            role_confidence: if role == SpeakerRole::Unknown { 0.0 } else { 1.0 },
            channel: u16::from(role == SpeakerRole::Customer),
            span,
            chars: TimedChar::spread(text, span, prob),
            confidence: f64::from(prob),
            marks: Vec::new(),
            overlap_ms: 0,
            loudness_dbfs: None,
            labels: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    /// What was said, as recognised.
    pub fn text(&self) -> String {
        self.chars.iter().map(|c| c.ch).collect()
    }

    /// Share of its characters that are less likely than not, 0 to 1.
    pub fn doubtful_share(&self) -> f64 {
        doubtful_share(&self.chars)
    }

    /// True where no rule may judge the text: a mark forbids it, or there are no words (`...`, ♪).
    pub fn is_unusable(&self) -> bool {
        self.spoken_chars() == 0 || self.marks.iter().any(|mark| mark.is_unusable())
    }

    /// A label with its probability; `None` where no model gave it.
    pub fn label(&self, name: &str) -> Option<&LabelScore> {
        self.labels.iter().find(|score| score.label == name)
    }

    /// Characters that are spoken: no punctuation, no space.
    pub fn spoken_chars(&self) -> usize {
        self.chars.iter().filter(|c| c.ch.is_alphanumeric()).count()
    }
}
