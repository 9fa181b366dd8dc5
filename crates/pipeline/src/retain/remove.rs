//! Removing what the plan names: recordings, then calls.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::Path;

use callsift_audio::file_sha256;
use callsift_store::{Lake, part_bytes};

use super::place::{Place, link, place};
use super::plan::AgedRecording;
use super::{Left, RetainPlan, RetainSummary};
use crate::error::PipelineError;

/// What became of a recording.
enum Fate {
    Gone(u64),
    /// It is not the one that the call was made from.
    Other,
}

/// Carries a plan out. `lake` is the open lake that the plan was made of: nobody else writes to it meanwhile. What was done
/// before an error is in `summary`.
///
/// # Errors
/// The lake cannot be read or written. A recording that cannot be removed is no error: the summary names it.
pub fn carry_out(plan: &RetainPlan, lake: &mut Lake, summary: &mut RetainSummary) -> Result<(), PipelineError> {
    carry_out_with(plan, lake, summary, &|path| std::fs::remove_file(path))
}

pub(super) fn carry_out_with(
    plan: &RetainPlan,
    lake: &mut Lake,
    summary: &mut RetainSummary,
    remove_file: &dyn Fn(&Path) -> IoResult<()>,
) -> Result<(), PipelineError> {
    // What the plan found out about what stays holds; what goes is counted as it goes.
    *summary = RetainSummary {
        done: true,
        calls_before: plan.summary.calls_before.clone(),
        recordings_before: plan.summary.recordings_before.clone(),
        recordings_missing: plan.summary.recordings_missing,
        unread: plan.summary.unread.clone(),
        held: plan.summary.held.clone(),
        left: plan.summary.left.clone(),
        failed: plan.summary.failed.clone(),
        ..RetainSummary::default()
    };
    let gone = remove_recordings(plan, summary, remove_file);
    remove_calls(plan, lake, summary, &gone)
}

/// Gives the names of the recordings that went.
fn remove_recordings<'p>(
    plan: &'p RetainPlan,
    summary: &mut RetainSummary,
    remove_file: &dyn Fn(&Path) -> IoResult<()>,
) -> BTreeSet<&'p str> {
    let mut gone = BTreeSet::new();
    let Some(root) = &plan.root else { return gone };
    for (path, file) in &plan.recordings {
        let left = |why: String| file.names.iter().map(move |n| Left { recording: n.clone(), why: why.clone() });
        match remove_recording(root, path, file, remove_file) {
            Ok(Fate::Gone(bytes)) => {
                summary.recordings += 1;
                summary.recording_bytes += bytes;
                gone.extend(file.names.iter().map(String::as_str));
            }
            Ok(Fate::Other) => summary.left.extend(left("it is not the file that was inspected".to_owned())),
            Err(error) => summary.failed.extend(left(error.to_string())),
        }
    }
    gone
}

fn remove_recording(
    root: &Path,
    path: &Path,
    file: &AgedRecording,
    remove_file: &dyn Fn(&Path) -> IoResult<()>,
) -> IoResult<Fate> {
    // Looked at again: a folder may have become a link since the plan was made.
    for name in &file.names {
        match place(root, name) {
            Place::Found(now) if now == path => {}
            Place::Unknown(error) => return Err(error),
            _ => return Err(Error::other("it was moved meanwhile")),
        }
    }
    // A name may be used again every day: only the bytes say that this is the recording of the call. A call whose recording
    // could not be read knows no bytes; there the name has to do.
    if !file.sha256.contains("") && !file.sha256.contains(&file_sha256(path).map_err(Error::other)?) {
        return Ok(Fate::Other);
    }
    let bytes = path.metadata().map_or(0, |m| m.len());
    let links: Vec<_> = file.names.iter().filter_map(|name| link(root, name)).collect();
    // The file before links to it: without them nobody would find it the next time.
    for path in [path].into_iter().chain(links.iter().map(std::path::PathBuf::as_path)) {
        match remove_file(path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(Fate::Gone(bytes))
}

fn remove_calls(
    plan: &RetainPlan,
    lake: &mut Lake,
    summary: &mut RetainSummary,
    recordings: &BTreeSet<&str>,
) -> Result<(), PipelineError> {
    let failed: BTreeSet<String> = summary.failed.iter().map(|f| f.recording.clone()).collect();
    let mut days = BTreeSet::new();
    for aged in &plan.parts {
        let going = || aged.going.iter().filter(|c| !failed.contains(&c.recording));
        let ids: BTreeSet<&str> = going().map(|c| c.call_id.as_str()).collect();
        if ids.is_empty() {
            continue;
        }
        let calls = going().count();
        // Those whose recording went cannot come back; the others could, by the next run.
        let others = going().filter(|c| !recordings.contains(c.recording.as_str()));
        lake.mark_removed(&aged.part.date, others.map(|c| (c.call_id.as_str(), c.audio_sha256.as_str())))?;
        let before = part_bytes(&plan.lake, &aged.part);
        lake.remove_calls(&aged.part, &ids)?;
        for ((table, before), (_, after)) in before.into_iter().zip(part_bytes(&plan.lake, &aged.part)) {
            *summary.bytes.entry(table.as_str()).or_default() += before.saturating_sub(after);
        }
        let whole = calls == aged.all;
        *(if whole { &mut summary.parts_removed } else { &mut summary.parts_rewritten }) += 1;
        summary.calls += calls;
        days.insert(&aged.part.date);
        summary.days = days.len();
    }
    Ok(())
}
