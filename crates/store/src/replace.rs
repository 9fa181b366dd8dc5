//! Files of parts that change together: new ones in the place of old ones, or their removal.
//!
//! The new files are staged and synced; then a journal that lists the renames is written and synced: from here on the
//! change will happen. Whoever opens the lake next after a kill finishes what the journal lists.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::commits::Commits;
use crate::error::StoreError;
use crate::files::{publish, remove};
use crate::lake::Part;
use crate::read;
use crate::schema::TableName;

fn journal(root: &Path, part: &Part) -> PathBuf {
    root.join(format!(".replace-{}-{:05}", part.date, part.number))
}

/// What a replacement does to one file.
pub(crate) enum Step {
    /// A staged file gets its name.
    Move(PathBuf, PathBuf),
    /// A file goes.
    Remove(PathBuf),
}

/// Takes the steps in their order, surely. The days that they touch are marked meanwhile.
pub(crate) fn commit(root: &Path, commits: &Commits, part: &Part, steps: &[Step]) -> Result<(), StoreError> {
    let path = journal(root, part);
    let fail = |e| StoreError::io("cannot write to the lake", &path)(e);
    let relative = |p: &Path| p.strip_prefix(root).unwrap_or(p).to_string_lossy().into_owned();
    let (mut lines, mut days) = (String::new(), BTreeSet::new());
    for step in steps {
        // Nothing before the tab: the file goes.
        let (from, to) = match step {
            Step::Move(from, to) => (relative(from), to),
            Step::Remove(file) => (String::new(), file),
        };
        lines.push_str(&[from, relative(to)].join("\t"));
        lines.push('\n');
        days.extend(to.parent().and_then(read::day_of));
    }
    commits.make(root, &days.into_iter().collect::<Vec<_>>(), || {
        let half = path.with_extension("tmp");
        let mut file = File::create(&half).map_err(fail)?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
        fs::rename(&half, &path).and_then(|()| File::open(root)?.sync_all()).map_err(fail)?;
        finish_one(root, &path)
    })
}

/// Finishes what killed replacements left.
pub(crate) fn finish(root: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(root).map_err(StoreError::io("cannot read the lake", root))?;
    for entry in entries {
        let path = entry.map_err(StoreError::io("cannot read the lake", root))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(".replace-") {
            if path.extension().is_some_and(|e| e == "tmp") { remove(&path)? } else { finish_one(root, &path)? }
        }
    }
    Ok(())
}

fn finish_one(root: &Path, journal: &Path) -> Result<(), StoreError> {
    let text = fs::read_to_string(journal).map_err(StoreError::io("cannot read the lake", journal))?;
    for (from, to) in text.lines().filter_map(|l| l.split_once('\t')) {
        let (staged, to) = (root.join(from), root.join(to));
        if from.is_empty() {
            remove_surely(&to)?;
        } else if staged.exists() {
            publish(&staged, &to)?;
        }
    }
    remove(journal)
}

/// Removes what a killed command left half done.
pub(crate) fn clean(root: &Path) -> Result<(), StoreError> {
    let staging = root.join(".staging");
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(StoreError::io("cannot clean up after a killed run", &staging))?;
    }
    for table in [TableName::Turns, TableName::Findings] {
        for path in read::part_files(root, table)? {
            let orphan = Part::parse(&path).is_some_and(|p| !p.path(root, TableName::Calls).exists());
            if orphan {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

/// Removes a file of a part so that the removal survives a power cut before the next step; a day without parts goes, too.
pub(crate) fn remove_surely(path: &Path) -> Result<(), StoreError> {
    remove(path)?;
    let Some(day) = path.parent().filter(|d| d.is_dir()) else { return Ok(()) };
    File::open(day).and_then(|d| d.sync_all()).map_err(StoreError::io("cannot remove", day))?;
    // A day that still has parts refuses, as it should.
    let _ = fs::remove_dir(day);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Step, commit, finish};
    use crate::commits::Commits;
    use crate::lake::Part;

    #[test]
    fn what_the_journal_lists_happens_even_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join(".staging")).unwrap();
        let part = Part { date: "2026-11-16".to_owned(), number: 0 };
        let moves = ["a", "b"].map(|n| (root.join(".staging").join(n), root.join("findings").join(n)));
        for (from, _) in &moves {
            fs::write(from, "new").unwrap();
        }
        // Killed after the first of two renames.
        fs::write(root.join(".replace-2026-11-16-00000"), ".staging/a\tfindings/a\n.staging/b\tfindings/b\n").unwrap();
        fs::create_dir_all(root.join("findings")).unwrap();
        fs::rename(&moves[0].0, &moves[0].1).unwrap();
        finish(root).unwrap();
        assert!(moves.iter().all(|(_, to)| to.exists()));
        assert!(!root.join(".replace-2026-11-16-00000").exists());
        fs::write(&moves[0].0, "newer").unwrap();
        commit(
            root,
            &Commits::default(),
            &part,
            &[Step::Move(moves[0].0.clone(), moves[0].1.clone()), Step::Remove(moves[1].1.clone())],
        )
        .unwrap();
        assert_eq!(fs::read_to_string(&moves[0].1).unwrap(), "newer");
        assert!(!moves[1].1.exists());
    }
}
