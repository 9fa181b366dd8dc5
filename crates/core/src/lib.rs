//! One type per stage of the line; no IO, no model runtime, no clock.
//!
//! ```text
//! Recording ─audio→ SampleBlock ─vad→ SpeechSegment ─asr→ Utterance ─dialogue→ Turn ─rules→ Finding ─pipeline→ CallReport
//! ```
//!
//! All times are integer milliseconds from the start of the recording; all character offsets count Unicode scalar
//! values (`char`), never bytes.

pub mod audio;
pub mod failure;
pub mod finding;
pub mod recording;
pub mod report;
pub mod speech;
pub mod stage;
pub mod stats;
pub mod time;
pub mod turn;
pub mod visible;

pub use audio::{AudioMark, ChannelLayout, ChannelQuality, LevelTrack, SAMPLE_RATE, SampleBlock};
pub use finding::{AbsenceProof, Evidence, Finding, MatchKind, NearMiss, Severity, Verdict};
pub use recording::{CallMeta, Direction, Recording, name_of_path, path_of_name};
pub use report::{AudioInfo, CallReport, Outcome, Provenance, SentimentTrend, StageName, TalkMetrics};
pub use speech::{Mark, SpeechSegment, TimedChar, Utterance};
pub use stage::Stage;
pub use time::TimeSpan;
pub use turn::{Alternative, LabelScore, SpeakerRole, Turn, doubtful_share};
pub use visible::{visible, visible_json, visible_line};

/// Bytes as lower-case hexadecimal: how hashes stand in tables.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
