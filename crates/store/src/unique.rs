//! An id stands once: whoever writes a call takes the row that it replaces out in the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use callsift_core::CallReport;

use crate::error::StoreError;
use crate::lake::{Lake, Part};
use crate::replace::{self, Step};

impl Lake {
    /// Has the row `old_id` go in the moment in which the call `new_id` is written: it is the same call, which was filed under
    /// another id while it could not be read.
    pub fn replace_when_written(&mut self, new_id: &str, old_id: &str) {
        self.replaced.entry(new_id.to_owned()).or_default().push(old_id.to_owned());
    }

    /// Rows that these calls stand in the place of, by part.
    pub(crate) fn going(&mut self, reports: &[CallReport]) -> Result<BTreeMap<Part, BTreeSet<String>>, StoreError> {
        let mut going: BTreeMap<Part, BTreeSet<String>> = BTreeMap::new();
        for report in reports {
            let id = &report.recording.meta.call_id;
            let others = self.replaced.remove(id).unwrap_or_default();
            for old in others.iter().chain([id]) {
                let rows = self.index.by_id(old)?;
                for row in rows.into_iter().filter(|row| !row.double || self.is_forgotten(row)) {
                    going.entry(row.call.part).or_default().insert(old.clone());
                }
            }
        }
        Ok(going)
    }

    /// Publishes a part and takes rows out of others; all of it or nothing, also when killed.
    pub(crate) fn swap(
        &self,
        part: &Part,
        mut staged: Vec<(PathBuf, PathBuf)>,
        going: &BTreeMap<Part, BTreeSet<String>>,
    ) -> Result<(), StoreError> {
        // The commit mark of the new part comes last: a reader meets the old rows, none, or the new ones, and never both.
        let mark = staged.pop();
        let mut steps: Vec<Step> = staged.into_iter().map(|(from, to)| Step::Move(from, to)).collect();
        for (old, ids) in going {
            steps.extend(self.without(old, &ids.iter().map(String::as_str).collect())?);
        }
        steps.extend(mark.map(|(from, to)| Step::Move(from, to)));
        replace::commit(&self.root, &self.commits, part, &steps)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use callsift_core::{CallReport, Provenance};

    use crate::lake::tests::{open, report};

    fn write(root: &Path, ids: &[&str]) {
        let reports: Vec<CallReport> = ids.iter().map(|id| report(id, id.starts_with('f'))).collect();
        open(root).unwrap().write_part("2026-11-16", &reports, &Provenance::default()).unwrap();
    }

    #[test]
    fn a_call_that_is_written_again_stands_once_also_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, &["a", "b"]);
        write(root, &["f1"]);
        let mut lake = open(root).unwrap();
        lake.replace_when_written("c", "f1");
        let part =
            lake.write_part("2026-11-17", &[report("b", false), report("c", false)], &Provenance::default()).unwrap();
        let day = |n: u32| crate::Part { date: "2026-11-16".to_owned(), number: n };
        let ids = |part: &crate::Part| -> Vec<String> {
            crate::read_calls(root, part).unwrap().into_iter().map(|c| c.meta.call_id).collect()
        };
        assert_eq!((ids(&day(0)), ids(&part)), (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
        let left = crate::TableName::ALL.iter().filter(|t| day(1).path(root, **t).exists()).count();
        assert_eq!(left, 0, "a part without rows goes");
        assert_eq!(crate::read_findings(root, &day(0)).unwrap().len(), 2);
        drop(lake);
        // Killed when all was written and nothing renamed: the next to open finishes it.
        let moved = part.path(root, crate::TableName::Calls);
        fs::create_dir_all(root.join(".staging")).unwrap();
        fs::rename(&moved, root.join(".staging/calls.tmp")).unwrap();
        let relative = "calls/dt=2026-11-17/part-00000.parquet";
        let journal = format!("\tcalls/dt=2026-11-16/part-00000.parquet\n.staging/calls.tmp\t{relative}\n");
        fs::write(root.join(".replace-2026-11-17-00000"), journal).unwrap();
        let lake = open(root).unwrap();
        assert_eq!(lake.done().unwrap().keys().collect::<Vec<_>>(), ["b", "c"]);
        assert!(!root.join("calls/dt=2026-11-16").exists());
    }

    #[test]
    fn ids_that_stand_twice_in_an_older_lake_are_known() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(folder.path(), &["a", "b"]);
        write(other.path(), &["b"]);
        for table in crate::TableName::ALL {
            let name = |n: u32| format!("{}/dt=2026-11-16/part-{n:05}.parquet", table.as_str());
            fs::copy(other.path().join(name(0)), folder.path().join(name(1))).unwrap();
        }
        let mut lake = open(folder.path()).unwrap();
        assert_eq!(lake.done().unwrap()["b"].part.number, 0);
        assert_eq!(
            lake.doubles().unwrap().iter().map(|row| (row.call_id.as_str(), row.call.part.number)).collect::<Vec<_>>(),
            [("b", 1)]
        );
        // What is written then stands in the place of the first; the other stays as it is.
        lake.write_part("2026-11-16", &[report("b", false)], &Provenance::default()).unwrap();
        assert_eq!(lake.doubles().unwrap().len(), 1);
    }
}
