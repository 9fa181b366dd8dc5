//! Taking calls out of the lake for their age.
//!
//! A part all of whose calls go loses its files, `calls` first: from then on no reader looks for the others. A part
//! some of whose calls stay is written anew with only those. Either happens through the journal of
//! [`crate::replace`].

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::error::StoreError;
use crate::files::staging;
use crate::lake::{Lake, Part};
use crate::order::{self, Order};
use crate::read::text;
use crate::replace::{self, Step};
use crate::schema::TableName;
use crate::stored::{Columns, each_batch};

/// What its age is judged by, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgedCall {
    /// Call id.
    pub call_id: String,
    /// Path of the recording, relative to the recordings folder; empty where there is none.
    pub recording: String,
    /// SHA-256 of its bytes; empty where it could not be read or there is none.
    pub audio_sha256: String,
}

/// The calls of a part, in order.
///
/// # Errors
/// The part cannot be read.
pub fn aged_calls(lake: &Path, part: &Part) -> Result<Vec<AgedCall>, StoreError> {
    let path = part.path(lake, TableName::Calls);
    let mut calls = Vec::new();
    each_batch(&path, &["call_id", "recording", "audio_sha256"], |Columns { batch }| {
        calls.extend((0..batch.num_rows()).map(|row| AgedCall {
            call_id: text(batch, "call_id", row),
            recording: text(batch, "recording", row),
            audio_sha256: text(batch, "audio_sha256", row),
        }));
    })?;
    Ok(calls)
}

/// Bytes of a part's file of each table; 0 where there is none.
pub fn part_bytes(lake: &Path, part: &Part) -> [(TableName, u64); 3] {
    TableName::ALL.map(|table| (table, fs::metadata(part.path(lake, table)).map_or(0, |m| m.len())))
}

impl Lake {
    /// Takes calls out of a part.
    ///
    /// # Errors
    /// The part cannot be read, or the disk is full or not writable. The part is then as it was, or, where only the
    /// removal of its files failed, gone for readers.
    pub fn remove_calls(&mut self, part: &Part, gone: &BTreeSet<&str>) -> Result<(), StoreError> {
        replace::commit(&self.root, &self.commits, part, &self.without(part, gone)?)?;
        self.index.read_again(part)
    }

    /// What takes rows out of a part: its files written anew without them, or its removal where no call stays.
    pub(crate) fn without(&self, part: &Part, gone: &BTreeSet<&str>) -> Result<Vec<Step>, StoreError> {
        let all = order::ids(&part.path(&self.root, TableName::Calls))?;
        // `calls` first: the others without it belong to nothing, and it without them could not be read.
        let tables = TableName::ALL.into_iter().rev();
        if all.iter().all(|id| gone.contains(id.as_str())) {
            return Ok(tables.map(|table| Step::Remove(part.path(&self.root, table))).collect());
        }
        let (staging, order) = (staging(&self.root)?, Order::of_part(&self.root, part, &TableName::ALL)?);
        let mut steps = Vec::new();
        for table in tables {
            let from = staging.join(format!("retain-{}-{}-{:05}.tmp", table.as_str(), part.date, part.number));
            order::rewrite(&self.root, part, table, order, gone, &from)?;
            steps.push(Step::Move(from, part.path(&self.root, table)));
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use callsift_core::{CallReport, Provenance};

    use super::{aged_calls, part_bytes};
    use crate::lake::Part;
    use crate::lake::tests::{open, report};
    use crate::read::part_files;
    use crate::schema::TableName;

    fn write(root: &Path, date: &str, ids: &[&str]) -> Part {
        let reports: Vec<CallReport> = ids.iter().map(|id| report(id, id.starts_with('f'))).collect();
        open(root).unwrap().write_part(date, &reports, &Provenance::default()).unwrap()
    }

    fn files(root: &Path) -> usize {
        TableName::ALL.iter().map(|t| part_files(root, *t).unwrap().len()).sum()
    }

    #[test]
    fn a_part_whose_calls_all_go_is_gone_with_its_day() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (old, new) = (write(root, "2026-05-01", &["a", "b"]), write(root, "2026-11-16", &["c"]));
        assert_eq!(aged_calls(root, &old).unwrap()[1].recording, "b.wav");
        let mut lake = open(root).unwrap();
        lake.remove_calls(&old, &BTreeSet::from(["a", "b"])).unwrap();
        assert_eq!(lake.done().unwrap().keys().collect::<Vec<_>>(), ["c"]);
        assert!(!root.join("turns/dt=2026-05-01").exists() && new.path(root, TableName::Turns).exists());
        assert!(part_bytes(root, &old).iter().all(|(_, bytes)| *bytes == 0));
    }

    #[test]
    fn a_part_some_of_whose_calls_stay_is_as_if_the_others_never_were() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let part = write(one.path(), "2026-05-01", &["a", "f1", "b", "c"]);
        write(two.path(), "2026-05-01", &["f1", "c"]);
        open(one.path()).unwrap().remove_calls(&part, &BTreeSet::from(["a", "b"])).unwrap();
        for table in TableName::ALL {
            let bytes = |root: &Path| fs::read(part.path(root, table)).unwrap();
            assert!(bytes(one.path()) == bytes(two.path()), "{table:?}");
        }
        assert_eq!(open(one.path()).unwrap().done().unwrap().len(), 2);
    }

    #[test]
    fn a_kill_between_two_files_is_made_good_by_the_next_to_open() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let part = write(root, "2026-05-01", &["a"]);
        write(root, "2026-11-16", &["c"]);
        fs::remove_file(part.path(root, TableName::Calls)).unwrap();
        fs::create_dir_all(root.join(".staging")).unwrap();
        fs::write(root.join(".staging/retain-calls-2026-05-01-00000.tmp"), "half").unwrap();
        assert_eq!(files(root), 5);
        drop(open(root).unwrap());
        assert_eq!(files(root), 3);
        assert!(!root.join(".staging").exists());
    }
}
