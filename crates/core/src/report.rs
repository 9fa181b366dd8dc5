//! Everything that is known of one call after the line.

use serde::{Deserialize, Serialize};

use crate::{AudioMark, ChannelLayout, ChannelQuality, Finding, Recording, TimeSpan, Turn};

/// Stage of the line, for failures and timings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Finding and reading metadata.
    Input,
    /// Probing, decoding, resampling.
    Audio,
    /// Voice activity detection.
    Vad,
    /// Recognition.
    Asr,
    /// Turns and roles.
    Dialogue,
    /// Text models.
    Sentiment,
    /// Rules.
    Rules,
}

impl StageName {
    /// Name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Audio => "audio",
            Self::Vad => "vad",
            Self::Asr => "asr",
            Self::Dialogue => "dialogue",
            Self::Sentiment => "sentiment",
            Self::Rules => "rules",
        }
    }
}

/// How a call ended its way through the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// All stages ran.
    Ok,
    /// All stages ran but nobody spoke.
    Empty,
    /// A stage failed; the batch went on.
    Failed {
        /// Where.
        stage: StageName,
        /// Why, for people, with the mend where there is one.
        reason: String,
    },
}

impl Outcome {
    /// Name used in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What the audio stage learned of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Container and codec, e.g. `wav/alaw`.
    pub format: String,
    /// What decoded it: `callsift-riff`, `symphonia`, `ffmpeg`.
    pub decoder: String,
    /// Sample rate of the file, hertz.
    pub sample_rate: u32,
    /// Channels in the file.
    pub channels: u16,
    /// How channels relate to speakers.
    pub layout: ChannelLayout,
    /// Length in milliseconds.
    pub duration_ms: i64,
    /// Per channel, in order.
    pub quality: Vec<ChannelQuality>,
    /// What is or may be wrong with the sound, sorted, without repeats.
    pub marks: Vec<AudioMark>,
    /// Stretches that hold silence because nothing was recorded or could be decoded there, in order.
    pub gaps: Vec<TimeSpan>,
    /// Level over time per channel, in order; dropped once the turns have their levels.
    pub levels: Vec<crate::LevelTrack>,
}

/// Measures of the conversation as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TalkMetrics {
    /// Agent's speech in milliseconds.
    pub agent_speech_ms: i64,
    /// Customer's speech in milliseconds.
    pub customer_speech_ms: i64,
    /// Time in which both spoke.
    pub overlap_ms: i64,
    /// Time in which nobody spoke, from first to last word.
    pub silence_ms: i64,
    /// Longest stretch of it.
    pub longest_silence_ms: i64,
    /// Times the agent began while the customer was speaking, and went on (抢话).
    pub agent_interruptions: i64,
    /// The same the other way round.
    pub customer_interruptions: i64,
    /// Agent's pace in characters per minute of speech; 0 where nothing was said.
    pub agent_cpm: f64,
    /// Customer's pace.
    pub customer_cpm: f64,
    /// Agent's share of all speech, 0 to 1; 0 where nothing was said.
    pub agent_talk_share: f64,
}

/// Mean sentiment per quarter of the call, −1 (negative) to 1 (positive); `None` where the role said nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SentimentTrend {
    /// Agent, four quarters.
    pub agent: [Option<f64>; 4],
    /// Customer, four quarters.
    pub customer: [Option<f64>; 4],
}

/// What made the result: same provenance, same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of callsift.
    pub code_version: String,
    /// Name of the speech model.
    pub asr_model: String,
    /// Its SHA-256.
    pub asr_sha256: String,
    /// SHA-256 of the voice activity model, or `energy`.
    pub vad_sha256: String,
    /// SHA-256 of the text model; empty where none ran.
    pub text_model_sha256: String,
    /// Hash of all rule files in force.
    pub ruleset_hash: String,
    /// Hash of every option that can change a result.
    pub config_hash: String,
}

/// One call after the whole line.
#[derive(Debug, Clone, PartialEq)]
pub struct CallReport {
    /// The recording with its metadata.
    pub recording: Recording,
    /// How it went.
    pub outcome: Outcome,
    /// What the audio was; `None` for calls transcribed elsewhere or not decodable.
    pub audio: Option<AudioInfo>,
    /// Who said what.
    pub turns: Vec<Turn>,
    /// Measures of the conversation.
    pub metrics: TalkMetrics,
    /// Sentiment over time.
    pub trend: SentimentTrend,
    /// One per rule that is in force, sorted by rule id.
    pub findings: Vec<Finding>,
    /// 100 less the points of all hits, never under 0; 0 after a fatal hit.
    pub score: Option<f64>,
}
