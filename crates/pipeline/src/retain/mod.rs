//! Retention: calls and recordings that are older than the centre wants to keep them.
//!
//! First a plan is made ([`plan()`]), which changes nothing. Carrying it out ([`carry_out()`]) removes recordings first and calls
//! after them: as long as a recording is there, a call of the lake says where. A call whose recording cannot be removed
//! therefore stays, and the next time tries again. Whatever moment a kill comes at, the next time goes on from there.

mod place;
mod plan;
mod remove;

use std::collections::BTreeMap;
use std::path::Path;

use callsift_store::Lake;

use crate::error::PipelineError;

pub use plan::{RetainPlan, plan};
pub use remove::carry_out;

/// What to keep.
#[derive(Debug, Clone, Copy)]
pub struct RetainRequest<'a> {
    /// The lake.
    pub lake: &'a Path,
    /// The recordings folder; without it recordings are not looked for.
    pub recordings: Option<&'a Path>,
    /// Calls of earlier days go; none where absent.
    pub calls_before: Option<&'a str>,
    /// Recordings of calls of earlier days go; not before those of `calls_before` do.
    pub recordings_before: Option<&'a str>,
    /// Calls that stay with their recordings, however old, each with the reason.
    pub held: &'a BTreeMap<String, &'static str>,
}

/// What goes, or went.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RetainSummary {
    /// It was done; false where it was only planned.
    pub done: bool,
    /// Calls of earlier days go.
    pub calls_before: Option<String>,
    /// Recordings of calls of earlier days go.
    pub recordings_before: Option<String>,
    /// Calls that go from the lake.
    pub calls: usize,
    /// Days that they are of.
    pub days: usize,
    /// Parts that go as a whole.
    pub parts_removed: usize,
    /// Parts that are written anew, since other calls of theirs stay.
    pub parts_rewritten: usize,
    /// Bytes by table. A plan does not know how small a part becomes that is written anew, and counts its share of calls.
    pub bytes: BTreeMap<&'static str, u64>,
    /// Recordings that go.
    pub recordings: usize,
    /// Their bytes.
    pub recording_bytes: u64,
    /// Recordings of calls that are old enough, which are not below the folder (any more).
    pub recordings_missing: usize,
    /// Parts that cannot be read: their calls and recordings stay.
    pub unread: Vec<String>,
    /// Old calls that stay, by reason.
    pub held: BTreeMap<&'static str, usize>,
    /// Recordings that stay though their calls are old enough.
    pub left: Vec<Left>,
    /// Recordings that could not be removed; their calls stay, too.
    pub failed: Vec<Left>,
}

/// A recording that is still there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Left {
    /// As the lake names it.
    pub recording: String,
    /// Why.
    pub why: String,
}

/// Opens a lake to remove calls from it: nobody else writes to it until it is dropped, and what a killed command left half
/// done is finished.
///
/// # Errors
/// Another process holds the lake; it cannot be read or written.
pub fn open(lake: &Path) -> Result<Lake, PipelineError> {
    Ok(Lake::open(lake, callsift_text::Segmenter::default())?)
}

#[cfg(test)]
mod tests;
