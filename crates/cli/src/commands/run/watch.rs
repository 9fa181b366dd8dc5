//! `callsift run --watch`: run after run, as recordings arrive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use callsift_pipeline::{PipelineError, walk};
use callsift_store::StoreError;

use super::{Job, metrics, pause};
use crate::exit::Exit;
use crate::output::{emit, error, note};

/// Name, size and time of the last change of every file that a run would look at.
type Seen = BTreeMap<PathBuf, Option<(u64, SystemTime)>>;

/// Runs whenever the folder or the metadata changed, until it is told to stop. A pass that fails is tried again with
/// the next; what cannot ever work ends the command: bad rules, a missing model.
pub fn run(job: &mut Job<'_>, folder: &Path) -> Result<Exit> {
    let every = Duration::from_secs(job.args.every.into());
    note(&format!("每 {} 秒查看 {} 中的新录音；Ctrl-C 结束", every.as_secs(), folder.display()));
    let mut done = Seen::new();
    while !job.stop.load(Ordering::Relaxed) {
        let now = seen(folder, job.args.metadata.as_deref());
        // Files that were still being written are in the next look with another size or time.
        if now.as_ref().is_ok_and(|now| *now != done && !now.is_empty()) || now.is_err() {
            match pass(job, folder) {
                Ok(()) => done = now.unwrap_or_default(),
                Err(why) if passes(&why) => error(&why.context("will be tried again")),
                Err(why) => return Err(why),
            }
        }
        pause(every, &job.stop);
    }
    Ok(Exit::Done)
}

fn pass(job: &mut Job<'_>, folder: &Path) -> Result<()> {
    let summary = job.recordings(folder);
    metrics::written(job.args.metrics.as_deref(), summary.as_ref().ok())?;
    let summary = summary?;
    if job.args.json {
        emit(&format!("{}\n", serde_json::to_string(&summary)?));
    } else if summary.calls > 0 {
        emit(&super::text(&summary, job.options.workers));
    }
    Ok(())
}

fn seen(folder: &Path, metadata: Option<&Path>) -> Result<Seen> {
    let files = walk(folder)?.files.into_iter().map(|file| file.path);
    let files = files.chain(metadata.map(Path::to_owned));
    let state = |path: PathBuf| {
        let state = std::fs::metadata(&path).ok().and_then(|meta| Some((meta.len(), meta.modified().ok()?)));
        (path, state)
    };
    Ok(files.map(state).collect())
}

/// Whether an error may be gone the next time: another command holds the lake, a share is not mounted, a table is
/// half written.
fn passes(why: &anyhow::Error) -> bool {
    matches!(
        why.downcast_ref::<PipelineError>(),
        Some(
            PipelineError::Io { .. }
                | PipelineError::NoRecordings(_)
                | PipelineError::Metadata { .. }
                | PipelineError::Store(StoreError::Locked(_))
        )
    )
}
