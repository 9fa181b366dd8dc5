//! What is old enough and may go. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use callsift_store::{AgedCall, Part, aged_calls, part_bytes, stored_parts};

use super::place::{Place, place};
use super::{Left, RetainRequest, RetainSummary};
use crate::error::PipelineError;
use crate::metadata::check_date;

/// A part with calls that go.
pub(super) struct AgedPart {
    pub(super) part: Part,
    pub(super) going: Vec<AgedCall>,
    /// All calls of the part, those that stay as well.
    pub(super) all: usize,
}

impl AgedPart {
    pub(super) fn whole(&self) -> bool {
        self.going.len() == self.all
    }

    /// Of a file of the part, what goes: about, where some calls stay.
    fn share(&self, bytes: u64) -> u64 {
        (u128::from(bytes) * self.going.len() as u128 / self.all.max(1) as u128) as u64
    }
}

/// A file that goes.
pub(super) struct AgedRecording {
    /// As calls name it; more than one where links lead to it.
    pub(super) names: BTreeSet<String>,
    /// What its bytes may be: those that calls were made from. Empty where a call does not know.
    pub(super) sha256: BTreeSet<String>,
}

/// What goes.
pub struct RetainPlan {
    pub(super) parts: Vec<AgedPart>,
    pub(super) recordings: BTreeMap<PathBuf, AgedRecording>,
    pub(super) lake: PathBuf,
    /// The recordings folder by its true path.
    pub(super) root: Option<PathBuf>,
    /// In numbers.
    pub summary: RetainSummary,
}

/// Finds what goes.
///
/// # Errors
/// The lake or the recordings folder cannot be read; the folder holds none of the recordings.
pub fn plan(request: RetainRequest<'_>) -> Result<RetainPlan, PipelineError> {
    let true_path = |r: &Path| r.canonicalize().map_err(|source| PipelineError::Io { path: r.to_owned(), source });
    let summary = RetainSummary {
        calls_before: request.calls_before.map(str::to_owned),
        recordings_before: request.recordings.and(request.recordings_before).map(str::to_owned),
        ..RetainSummary::default()
    };
    let root = request.recordings.map(true_path).transpose()?;
    let lake = request.lake.to_owned();
    let mut plan = RetainPlan { parts: Vec::new(), recordings: BTreeMap::new(), lake, root, summary };
    let (mut parts, mut named) = (Vec::new(), 0);
    for part in stored_parts(request.lake, None, None)? {
        match aged_calls(request.lake, &part) {
            Err(damage) if damage.is_damage() => plan.summary.unread.push(damage.to_string()),
            calls => {
                calls?;
                parts.push(part);
            }
        }
    }
    for part in parts.iter().filter(|p| request.is_old(p)) {
        named += plan.add(&request, part)?;
    }
    plan.spare_shared(&request, &parts, named)?;
    plan.count();
    Ok(plan)
}

impl RetainRequest<'_> {
    fn calls_go(&self, part: &Part) -> bool {
        is_before(part, self.calls_before)
    }

    fn recordings_go(&self, part: &Part) -> bool {
        self.recordings.is_some() && is_before(part, self.recordings_before)
    }

    fn is_old(&self, part: &Part) -> bool {
        self.calls_go(part) || self.recordings_go(part)
    }
}

fn is_before(part: &Part, day: Option<&str>) -> bool {
    // A folder whose name is no day says nothing of its age. ISO days sort as text.
    let is_day = || check_date(&part.date).is_ok_and(|d| d == part.date);
    day.is_some_and(|day| part.date.as_str() < day) && is_day()
}

impl RetainPlan {
    /// Adds what goes of a part; gives how many recordings it names.
    fn add(&mut self, request: &RetainRequest<'_>, part: &Part) -> Result<usize, PipelineError> {
        let calls = aged_calls(request.lake, part)?;
        let (all, mut named) = (calls.len(), 0);
        let mut going = Vec::new();
        for call in calls {
            if let Some(why) = request.held.get(&call.call_id) {
                *self.summary.held.entry(why).or_default() += 1;
                continue;
            }
            if request.recordings_go(part) {
                named += usize::from(was_heard(&call));
                self.add_recording(&call);
            }
            if request.calls_go(part) {
                going.push(call);
            }
        }
        if !going.is_empty() {
            self.parts.push(AgedPart { part: part.clone(), going, all });
        }
        Ok(named)
    }

    fn add_recording(&mut self, call: &AgedCall) {
        let Some(root) = &self.root else { return };
        let left = |why: String| Left { recording: call.recording.clone(), why };
        match place(root, &call.recording) {
            Place::Found(path) => {
                let none = || AgedRecording { names: BTreeSet::new(), sha256: BTreeSet::new() };
                let file = self.recordings.entry(path).or_insert_with(none);
                file.names.insert(call.recording.clone());
                file.sha256.insert(call.audio_sha256.clone());
            }
            Place::Outside => self.summary.left.push(left("a link leads out of the recordings folder".to_owned())),
            Place::Missing => self.summary.recordings_missing += usize::from(was_heard(call)),
            Place::Unknown(error) => self.summary.failed.push(left(error.to_string())),
        }
    }

    /// Takes back recordings that a call which stays needs, and looks whether the folder is the right one.
    fn spare_shared(&mut self, request: &RetainRequest<'_>, parts: &[Part], named: usize) -> Result<(), PipelineError> {
        let looked_for = named > 0 || !self.recordings.is_empty();
        let Some(root) = self.root.clone().filter(|_| looked_for) else { return Ok(()) };
        let any_there = !self.recordings.is_empty() || named > self.summary.recordings_missing;
        let (mut others, mut others_there) = (0, 0);
        for part in parts {
            for call in aged_calls(request.lake, part)? {
                let goes = request.recordings_go(part) && !request.held.contains_key(&call.call_id);
                if goes {
                    continue;
                }
                others += usize::from(was_heard(&call));
                let Place::Found(path) = place(&root, &call.recording) else { continue };
                others_there += 1;
                if self.recordings.remove(&path).is_some() {
                    let why = format!("call {}, which stays, has the same recording", call.call_id);
                    self.summary.left.push(Left { recording: call.recording, why });
                }
            }
        }
        // Nothing old and nothing new is there: not mounted, or another folder. Calls that went now would leave recordings
        // behind that nothing leads to.
        if !any_there && others > 0 && others_there == 0 {
            return Err(PipelineError::OtherRecordings(root));
        }
        Ok(())
    }

    fn count(&mut self) {
        let summary = &mut self.summary;
        for aged in &self.parts {
            summary.calls += aged.going.len();
            if aged.whole() {
                summary.parts_removed += 1;
            } else {
                summary.parts_rewritten += 1;
            }
            for (table, bytes) in part_bytes(&self.lake, &aged.part) {
                *summary.bytes.entry(table.as_str()).or_default() += aged.share(bytes);
            }
        }
        summary.days = self.parts.iter().map(|p| &p.part.date).collect::<BTreeSet<_>>().len();
        summary.recordings = self.recordings.len();
        summary.recording_bytes = self.recordings.keys().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum();
    }
}

/// Whether the call was made from a recording that could be read; a transcript from elsewhere has a file and a line instead.
fn was_heard(call: &AgedCall) -> bool {
    !call.audio_sha256.is_empty()
}
