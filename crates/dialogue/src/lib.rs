//! Turns with roles in order of time, and the measures of a conversation: silence, overlap, interruptions, pace.
//!
//! Stereo: the channel decides the role, unless the words say that the legs are the other way round ([`legs`]). Mono,
//! fake stereo and calls of which one channel only holds speech: roles by what is said, see [`roles`]. Where neither
//! is sure,
//! `role_confidence` says so, and rules respect it.

pub mod legs;
pub mod lenient;
pub mod metrics;
pub mod readable;
pub mod roles;
mod speakers;
pub mod transcript;
mod turns;

use std::collections::BTreeMap;

use callsift_core::{ChannelLayout, LevelTrack, SpeakerRole, Stage, Turn, Utterance};
use serde::{Deserialize, Serialize};

pub use metrics::talk_metrics;
pub use readable::{lacks_punctuation, readable};
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
    /// Other roles for calls of some queue, direction or metadata column; the first that fits counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channel_roles_for: Vec<ChannelRolesFor>,
    /// A turn that begins inside the other's and shares more than this with it is an interruption. Default 1000 ms.
    pub interruption_ms: i64,
    /// Shorter turns are back-channels (嗯, 好的), not interruptions. Default 4 characters.
    pub interruption_min_chars: usize,
}

/// Roles of the channels of some calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRolesFor {
    /// Metadata fields (`queue`, `direction`, any column) with the value that each must have.
    pub when: BTreeMap<String, String>,
    /// Role of each channel, from channel 0.
    pub roles: Vec<SpeakerRole>,
}

impl DialogueOptions {
    /// The options for a call, whose fields `field` gives by their names.
    #[must_use]
    pub fn for_call(&self, field: impl Fn(&str) -> Option<String>) -> Self {
        let fits =
            |rule: &&ChannelRolesFor| rule.when.iter().all(|(name, value)| field(name).as_deref() == Some(value));
        let roles = self.channel_roles_for.iter().find(fits).map_or(&self.channel_roles, |rule| &rule.roles);
        Self { channel_roles: roles.clone(), ..self.clone() }
    }
}

impl Default for DialogueOptions {
    fn default() -> Self {
        Self {
            merge_gap_ms: 800,
            channel_roles: vec![SpeakerRole::Agent, SpeakerRole::Customer],
            channel_roles_for: Vec::new(),
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
    levels: Vec<LevelTrack>,
}

impl TurnBuilder {
    /// A builder for one call.
    pub fn new(layout: ChannelLayout, options: &DialogueOptions) -> Self {
        Self { options: options.clone(), layout, utterances: Vec::new(), levels: Vec::new() }
    }

    /// Levels of the channels, by which the speaker of what both hold is found.
    #[must_use]
    pub fn with_levels(mut self, levels: &[LevelTrack]) -> Self {
        self.levels = levels.to_vec();
        self
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
        out.extend(turns::build(utterances, self.layout, &self.levels, &self.options));
        Ok(())
    }
}
