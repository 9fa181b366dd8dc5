//! Finds speech in a stream of samples.
//!
//! ```text
//! SampleBlock ─frames of 32 ms→ SpeechProbability (Silero | energy) ─SegmentBuilder→ SpeechSegment
//! ```
//!
//! [`Vad`] is one channel's stage: blocks in any size go in, segments come out as soon as nothing can change them any
//! more. How the audio was cut into blocks never changes a segment.

mod cross_talk;
mod energy;
mod error;
mod options;
mod probability;
mod segments;
mod silero;
mod stage;
mod tonality;

pub use cross_talk::CrossTalkGate;
pub use energy::EnergyVad;
pub use error::VadError;
pub use options::VadOptions;
pub use probability::{FRAME_MS, FRAME_SAMPLES, SpeechProbability};
pub use segments::SegmentBuilder;
pub use silero::{SILERO_FILE, SileroVad};
pub use stage::Vad;
