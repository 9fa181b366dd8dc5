//! A lake as it was at one moment, while others go on writing.
//!
//! Parts are never written into: each file appears, and is replaced, by a rename. A snapshot links the files (or copies them, on
//! another disk) and then looks again: it stands only where nothing was swapped meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::lake::Part;
use crate::read::{open_columns, text};
use crate::schema::TableName;
use crate::stored::stored_parts;

/// So often a snapshot is begun before a replay is too quick for it.
const ATTEMPTS: usize = 50;

/// What a snapshot holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Snapshot {
    /// Parts.
    pub parts: usize,
    /// Calls by the hash of the rules that judged them.
    pub rule_sets: BTreeMap<String, usize>,
}

/// Makes a snapshot of the run's tables at `to`, which must not be there yet. `pause` is called between two attempts.
///
/// # Errors
/// `to` is there; a file cannot be read or written; parts were swapped during every attempt.
pub fn snapshot(lake: &Path, to: &Path, pause: &mut dyn FnMut()) -> Result<Snapshot, StoreError> {
    let fail = |source| StoreError::io("cannot make a snapshot", to)(source);
    if to.exists() {
        return Err(fail(io::ErrorKind::AlreadyExists.into()));
    }
    let half = to.with_added_extension("part");
    let clear = || if half.exists() { fs::remove_dir_all(&half) } else { Ok(()) };
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            pause();
        }
        clear().map_err(fail)?;
        let before = state(lake)?;
        if !swapping(lake)? && link(lake, &half, &before)? && !swapping(lake)? && state(lake)? == before {
            let found = count(&half, &before)?;
            fs::rename(&half, to).map_err(fail)?;
            return Ok(found);
        }
    }
    clear().map_err(fail)?;
    Err(fail(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "a replay or compaction is rewriting the lake; try again when it is done",
    )))
}

/// Size, time and place on the disk of each file of each part.
type State = BTreeMap<Part, Vec<(u64, Option<std::time::SystemTime>, u64)>>;

fn state(lake: &Path) -> Result<State, StoreError> {
    let of = |part: &Part| {
        let files = TableName::ALL.iter().map(|table| {
            let meta = fs::metadata(part.path(lake, *table)).ok();
            meta.map_or((0, None, 0), |m| (m.len(), m.modified().ok(), number(&m)))
        });
        files.collect()
    };
    Ok(stored_parts(lake, None, None)?.into_iter().map(|part| (part.clone(), of(&part))).collect())
}

#[cfg(unix)]
fn number(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn number(_: &fs::Metadata) -> u64 {
    0
}

/// Whether files of a part are being swapped; see [`crate::replace`].
fn swapping(lake: &Path) -> Result<bool, StoreError> {
    let read = || fs::read_dir(lake)?.map(|e| e.map(|e| e.file_name())).collect::<io::Result<Vec<_>>>();
    let names = read().map_err(StoreError::io("cannot read the lake", lake))?;
    Ok(names.iter().any(|n| n.to_string_lossy().starts_with(".replace-")))
}

/// False where a file went meanwhile.
fn link(lake: &Path, to: &Path, parts: &State) -> Result<bool, StoreError> {
    for part in parts.keys() {
        for table in TableName::ALL {
            let (from, to) = (part.path(lake, table), part.path(to, table));
            match link_file(&from, &to) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
                done => done.map_err(StoreError::io("cannot make a snapshot", &to))?,
            }
        }
    }
    Ok(true)
}

fn link_file(from: &PathBuf, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

fn count(lake: &Path, parts: &State) -> Result<Snapshot, StoreError> {
    let mut out = Snapshot { parts: parts.len(), ..Snapshot::default() };
    for part in parts.keys() {
        let path = part.path(lake, TableName::Calls);
        for batch in open_columns(&path, &["ruleset_hash"])? {
            let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", &path)(&e))?;
            for row in 0..batch.num_rows() {
                *out.rule_sets.entry(text(&batch, "ruleset_hash", row)).or_default() += 1;
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use callsift_core::Provenance;

    use super::snapshot;
    use crate::Judged;
    use crate::lake::tests::{open, report};
    use crate::{Part, TableName, read_findings};

    fn made_by(rules: &str) -> Provenance {
        Provenance { ruleset_hash: rules.to_owned(), ..Provenance::default() }
    }

    fn replay(root: &Path, part: &Part, rules: &str) {
        let judged = [Judged { call_id: "a".to_owned(), findings: report("a", false).findings, score: Some(1.0) }];
        open(root).unwrap().replace_findings(part, &judged, &made_by(rules)).unwrap();
    }

    #[test]
    fn a_snapshot_stays_what_it_was_when_rules_are_replayed() {
        let folder = tempfile::tempdir().unwrap();
        let (lake, copy) = (folder.path().join("lake"), folder.path().join("now"));
        let part = open(&lake).unwrap().write_part("2026-11-16", &[report("a", false)], &made_by("old")).unwrap();
        let found = snapshot(&lake, &copy, &mut || {}).unwrap();
        assert_eq!((found.parts, found.rule_sets.into_iter().collect::<Vec<_>>()), (1, vec![("old".to_owned(), 1)]));
        replay(&lake, &part, "new");
        let rules = |root: &Path| read_findings(root, &part).unwrap()[0].ruleset_hash.clone();
        assert_eq!((rules(&copy), rules(&lake)), ("old".to_owned(), "new".to_owned()));
        assert!(snapshot(&lake, &copy, &mut || {}).is_err(), "nothing is overwritten");
    }

    #[test]
    fn there_is_none_while_files_of_a_part_are_swapped() {
        let folder = tempfile::tempdir().unwrap();
        let (lake, copy) = (folder.path().join("lake"), folder.path().join("now"));
        let part = open(&lake).unwrap().write_part("2026-11-16", &[report("a", false)], &made_by("old")).unwrap();
        let journal = lake.join(".replace-2026-11-16-00000");
        fs::write(&journal, "").unwrap();
        let error = snapshot(&lake, &copy, &mut || {}).unwrap_err().to_string();
        assert!(error.contains("replay") && !copy.exists() && !copy.with_added_extension("part").exists(), "{error}");
        // The swap ends while the snapshot waits.
        let mut end = || {
            let _ = fs::remove_file(&journal);
        };
        snapshot(&lake, &copy, &mut end).unwrap();
        assert!(TableName::ALL.iter().all(|t| part.path(&copy, *t).exists()));
    }
}
