//! Wires the stages: finds recordings and metadata, decodes, recognises on all cores, judges, writes parts.
//!
//! ```text
//! main ──jobs──▶ front (decode, VAD, packing) ──windows──▶ asr-0 … asr-N ──┐
//!   ▲                    └────────────────── call facts ──────────────────┤
//!   └──reports── analyse (dialogue, text models, rules) ◀──whole calls── gather
//! ```
//!
//! All channels are bounded; a ticket per call bounds how far the front may run ahead of the oldest unwritten call,
//! so memory depends on options and not on the day. Reports are written in the order of the input, whatever the
//! order in which threads finish, so that parts have the same bytes for any number of workers.

mod again;
pub mod analyse;
pub mod compact;
pub mod config;
pub mod engine;
pub mod error;
pub mod facts;
pub mod front;
pub mod identity;
pub mod input;
pub mod intake;
pub mod labelled;
pub mod line;
pub mod manifest;
pub mod metadata;
mod parts;
pub mod progress;
pub mod replay;
pub mod retain;
pub mod run;
pub mod shard;
pub mod speech;
pub mod spoken;
pub mod transcripts;
pub mod walk;

pub use again::SecondHearing;
pub use callsift_store::CompactedDay;
pub use compact::{CompactSummary, compact};
pub use config::{Config, Punctuation, VadBackend};
pub use engine::Engine;
pub use error::PipelineError;
pub use identity::Job;
pub use input::{InputPlan, plan_input};
pub use intake::{Intake, Note, NoteKind};
pub use labelled::{RuleMeasure, measure};
pub use line::{WINDOWS_PER_JOB, calls_ahead, stream};
pub use manifest::{Fetch, ManifestReader, plan_manifest};
pub use progress::{Event, RuleCount, Summary};
pub use replay::{Change, Differences, ReplayPlan, ReplaySummary, compare, replay};
pub use run::{RunOptions, run, run_shard};
pub use shard::Share;
pub use walk::{Quiet, Walk, walk};
