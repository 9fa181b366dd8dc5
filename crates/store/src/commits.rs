//! The number of each day's last change, so that a reader can tell whether calls, turns and findings belong together.
//!
//! `<lake>/commits/dt=YYYY-MM-DD.json` is one line: `{"dt":"2026-11-16","commit":7,"writing":false}`. Before a file
//! of a day gets a name, another content or goes, `writing` becomes true; when the day is whole again `commit` is one
//! more and `writing` false. Who reads the line before and after the tables and finds it the same, and not `writing`,
//! has read the day as it was at one moment. Numbers are a history and no part of the tables: the same calls may have
//! come in more or fewer commits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::StoreError;

const FOLDER: &str = "commits";

/// What is known of a day's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCommit {
    /// Day, `YYYY-MM-DD`.
    pub dt: String,
    /// Changes of the day so far.
    pub commit: u64,
    /// One is being made.
    pub writing: bool,
}

/// Days that this process is changing, each with the number of changes under way.
#[derive(Debug, Default)]
pub(crate) struct Commits(Mutex<BTreeMap<String, usize>>);

impl Commits {
    /// Says that files of these days are about to change, does it, and says that they have changed. After an error
    /// the days stay marked until somebody opens the lake for writing and puts it in order.
    pub(crate) fn make<T>(
        &self,
        root: &Path,
        days: &[&str],
        change: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        days.iter().try_for_each(|day| self.begin(root, day))?;
        let made = change()?;
        days.iter().try_for_each(|day| self.end(root, day))?;
        Ok(made)
    }

    fn begin(&self, root: &Path, day: &str) -> Result<(), StoreError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = open.entry(day.to_owned()).or_default();
        *under_way += 1;
        if *under_way > 1 {
            return Ok(());
        }
        let before = read_day(root, day)?;
        // On the disk before anything of the day changes.
        write(root, &DayCommit { writing: true, ..before }, true)
    }

    fn end(&self, root: &Path, day: &str) -> Result<(), StoreError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = open.entry(day.to_owned()).or_default();
        *under_way = under_way.saturating_sub(1);
        if *under_way > 0 {
            return Ok(());
        }
        open.remove(day);
        whole(root, read_day(root, day)?)
    }
}

fn whole(root: &Path, day: DayCommit) -> Result<(), StoreError> {
    // A power cut may take this back; the next to open the lake says it again.
    write(root, &DayCommit { commit: day.commit + 1, writing: false, ..day }, false)
}

/// Says of the days that a killed command left marked that they are whole: for whoever opens the lake and put it in
/// order.
pub(crate) fn settle(root: &Path) -> Result<(), StoreError> {
    for day in day_commits(root)?.into_iter().filter(|day| day.writing) {
        whole(root, day)?;
    }
    Ok(())
}

/// All days, sorted. A line that cannot be read counts as one of a day that is being written.
///
/// # Errors
/// The folder cannot be read.
pub fn day_commits(root: &Path) -> Result<Vec<DayCommit>, StoreError> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let fail = |e| StoreError::io("cannot read the lake", &folder)(e);
    let mut days = Vec::new();
    for entry in fs::read_dir(&folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
        let day = name.strip_prefix("dt=").and_then(|n| n.strip_suffix(".json"));
        if let Some(day) = day {
            days.push(read_day(root, day)?);
        }
    }
    days.sort_by(|a, b| a.dt.cmp(&b.dt));
    Ok(days)
}

fn file(root: &Path, day: &str) -> PathBuf {
    root.join(FOLDER).join(format!("dt={day}.json"))
}

/// A day's line; number 0 where there is none.
pub(crate) fn read_day(root: &Path, day: &str) -> Result<DayCommit, StoreError> {
    let path = file(root, day);
    let none = |writing| DayCommit { dt: day.to_owned(), commit: 0, writing };
    match fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(none(false)),
        text => {
            let text = text.map_err(StoreError::io("cannot read the lake", &path))?;
            let read = serde_json::from_str::<DayCommit>(&text).ok().filter(|read| read.dt == day);
            Ok(read.unwrap_or_else(|| none(true)))
        }
    }
}

fn write(root: &Path, day: &DayCommit, surely: bool) -> Result<(), StoreError> {
    let (folder, path) = (root.join(FOLDER), file(root, &day.dt));
    // No reader's pattern meets the half file.
    let half = folder.join(format!(".{}.tmp", day.dt));
    let text = serde_json::to_string(day).unwrap_or_default() + "\n";
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&folder)?;
        let mut file = File::create(&half)?;
        file.write_all(text.as_bytes())?;
        if surely {
            file.sync_all()?;
        }
        fs::rename(&half, &path)?;
        if surely { File::open(&folder)?.sync_all() } else { Ok(()) }
    };
    write().map_err(StoreError::io("cannot write to the lake (is the disk full?)", &path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Commits, DayCommit, day_commits, settle};
    use crate::error::StoreError;

    #[test]
    fn a_day_is_marked_while_it_changes_and_counts_its_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (root, commits) = (folder.path(), Commits::default());
        let line = |commit, writing| vec![DayCommit { dt: "2026-11-16".to_owned(), commit, writing }];
        let during = commits.make(root, &["2026-11-16"], || {
            // Two threads at two parts of a day: whole when both are done.
            commits.make(root, &["2026-11-16"], || day_commits(root))?;
            day_commits(root)
        });
        assert_eq!(during.unwrap(), line(0, true));
        assert_eq!(day_commits(root).unwrap(), line(1, false));
        let failed: Result<(), _> = commits.make(root, &["2026-11-16"], || Err(StoreError::Locked(root.to_owned())));
        assert!(failed.is_err());
        assert_eq!(day_commits(root).unwrap(), line(1, true));
        settle(root).unwrap();
        assert_eq!(day_commits(root).unwrap(), line(2, false));
        fs::write(root.join("commits/dt=2026-11-16.json"), "{").unwrap();
        assert_eq!(day_commits(root).unwrap(), line(0, true));
    }
}
