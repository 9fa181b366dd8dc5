//! Days of a lake made few files, one after the other.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use callsift_store::{CompactedDay, DayCompaction, Lake, stored_parts};

use crate::error::PipelineError;

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct CompactSummary {
    /// Days looked at.
    pub days: usize,
    /// Those that were written anew.
    pub compacted: Vec<CompactedDay>,
    /// Days that stay as they are, because a part cannot be read or a call stands twice: why.
    pub left: Vec<String>,
    /// Days left for next time, because the compaction was stopped.
    pub not_reached: usize,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

/// Makes the days of a lake few files of a target size, each day at once and for itself: a compaction that was
/// stopped or killed is simply run again. `progress` is told days done and days in all.
///
/// # Errors
/// Another process holds the lake; it cannot be read or written.
pub fn compact(
    root: &Path,
    days: (Option<&str>, Option<&str>),
    target_bytes: u64,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<CompactSummary, PipelineError> {
    let started = Instant::now();
    let mut lake = Lake::open(root, callsift_text::Segmenter::default())?;
    let parts = stored_parts(root, days.0, days.1)?;
    let days: BTreeSet<&str> = parts.iter().map(|p| p.date.as_str()).collect();
    let mut summary = CompactSummary { days: days.len(), ..CompactSummary::default() };
    compact_days(&mut lake, days, target_bytes, stop, &mut summary, progress)?;
    summary.wall_ms = started.elapsed().as_millis() as u64;
    Ok(summary)
}

pub(crate) fn compact_days(
    lake: &mut Lake,
    days: BTreeSet<&str>,
    target_bytes: u64,
    stop: &AtomicBool,
    summary: &mut CompactSummary,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), PipelineError> {
    let all = days.len();
    for (done, day) in days.into_iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            summary.not_reached = all - done;
            break;
        }
        match lake.compact_day(day, target_bytes)? {
            DayCompaction::AsItWas => {}
            DayCompaction::Done(day) => summary.compacted.push(day),
            DayCompaction::Left(why) => summary.left.push(why),
        }
        progress(done + 1, all);
    }
    Ok(())
}
