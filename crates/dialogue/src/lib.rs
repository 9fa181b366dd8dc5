//! Turns with roles in order of time, and the measures of a conversation: silence, overlap, interruptions, pace.
//!
//! Stereo: the channel decides the role. Mono and fake stereo: roles by what is said, see [`roles`], with a
//! `role_confidence` that rules respect.

pub mod lenient;
pub mod metrics;
pub mod roles;
mod speakers;
pub mod transcript;
mod turns;

use callsift_core::{ChannelLayout, SpeakerRole, Stage, Turn, Utterance};
use serde::{Deserialize, Serialize};

pub use metrics::talk_metrics;
pub use transcript::Transcript;
pub use turns::mark_overlap;

/// Options of turn building. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialogueOptions {
    /// Utterances of one speaker with at most this pause between them, and nobody else in between, make one turn.
    /// Default 800 ms: pauses inside a sentence are shorter, answers to a question come later.
    pub merge_gap_ms: i64,
    /// Role of each channel of a stereo recording, from channel 0. Default agent, customer.
    pub channel_roles: Vec<SpeakerRole>,
    /// A turn that begins inside the other's and shares more than this with it is an interruption. Default 1000 ms.
    pub interruption_ms: i64,
    /// Shorter turns are back-channels (嗯, 好的), not interruptions. Default 4 characters.
    pub interruption_min_chars: usize,
}

impl Default for DialogueOptions {
    fn default() -> Self {
        Self {
            merge_gap_ms: 800,
            channel_roles: vec![SpeakerRole::Agent, SpeakerRole::Customer],
            interruption_ms: 1000,
            interruption_min_chars: 4,
        }
    }
}

/// Collects a call's utterances, in any order, and gives its turns at the end.
pub struct TurnBuilder {
    options: DialogueOptions,
    layout: ChannelLayout,
    utterances: Vec<Utterance>,
}

impl TurnBuilder {
    /// A builder for one call.
    pub fn new(layout: ChannelLayout, options: &DialogueOptions) -> Self {
        Self { options: options.clone(), layout, utterances: Vec::new() }
    }
}

impl Stage<Utterance, Turn> for TurnBuilder {
    type Error = std::convert::Infallible;

    fn push(&mut self, input: Utterance, _out: &mut Vec<Turn>) -> Result<(), Self::Error> {
        self.utterances.push(input);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Turn>) -> Result<(), Self::Error> {
        let utterances = std::mem::take(&mut self.utterances);
        out.extend(turns::build(utterances, self.layout, &self.options));
        Ok(())
    }
}
