//! Calls that were removed for their age, so that a recording of theirs that is still there is not inspected again.
//!
//! `<lake>/.removed/<day>` has a line per call: 16 digits of a SHA-256 over call id and recording. It says of a call at
//! hand whether it was removed, and nothing to those who have no such call.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::files::publish;
use crate::lake::Lake;

/// Folder of the marks of removed calls.
pub(crate) const FOLDER: &str = ".removed";

impl Lake {
    /// Whether a call was removed for its age. `audio_sha256` is asked for only where any call was removed.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn was_removed(&self, call_id: &str, audio_sha256: impl FnOnce() -> String) -> Result<bool, StoreError> {
        let known = |sha256: &str| self.index.has_mark(FOLDER, mark(call_id, sha256.as_bytes()));
        // A call that was removed without a recording, or whose recording could not be read, goes by its id alone.
        Ok(self.index.any_mark(FOLDER)? && (known("")? || known(&audio_sha256())?))
    }

    /// Marks calls, each with the SHA-256 of its recording (empty where there is none), as removed. On the disk when this
    /// returns: marks come before the removal, so that no kill lets a call come back.
    ///
    /// # Errors
    /// The disk is full or not writable.
    pub fn mark_removed<'a>(
        &mut self,
        date: &str,
        calls: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), StoreError> {
        let path = folder(&self.root).join(date);
        let mut marks: BTreeSet<u64> = if path.is_file() { read(&path)?.collect() } else { BTreeSet::new() };
        let before = marks.len();
        marks.extend(calls.map(|(call_id, sha256)| mark(call_id, sha256.as_bytes())));
        if marks.len() == before {
            return Ok(());
        }
        let folder = folder(&self.root);
        fs::create_dir_all(&folder).map_err(StoreError::io("cannot write to the lake", &folder))?;
        let half = folder.join(format!("{date}.tmp"));
        let text: String = marks.iter().flat_map(|m| [format!("{m:016x}"), "\n".to_owned()]).collect();
        let write = || fs::write(&half, &text).and_then(|()| fs::File::open(&half)?.sync_all());
        write().map_err(StoreError::io("cannot write to the lake (is the disk full?)", &half))?;
        publish(&half, &path)?;
        self.index.marks_added(FOLDER, date, &marks.into_iter().collect::<Vec<_>>())
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

pub(crate) fn read(path: &Path) -> Result<impl Iterator<Item = u64> + use<>, StoreError> {
    let text = fs::read(path).map_err(StoreError::io("cannot read the lake", path))?;
    let marks: Vec<u64> = String::from_utf8_lossy(&text)
        .lines()
        .filter(|l| l.len() == 16)
        .filter_map(|l| u64::from_str_radix(l, 16).ok())
        .collect();
    Ok(marks.into_iter())
}

/// Beside ten million marks, a call that was not removed is taken for one that was with a chance of 5 in 10^13.
pub(crate) fn mark(call_id: &str, source: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(call_id.as_bytes());
    hasher.update([0]);
    hasher.update(source);
    hasher.finalize().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::lake::tests::open;

    #[test]
    fn marks_outlive_the_process_and_say_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(
            !open(root).unwrap().was_removed("a", || unreachable!("nothing was removed: no file is read")).unwrap()
        );
        open(root).unwrap().mark_removed("2026-05-01", [("a", "sha-a"), ("t", "")].into_iter()).unwrap();
        open(root).unwrap().mark_removed("2026-05-01", [("b", "sha-b")].into_iter()).unwrap();
        fs::write(root.join(".removed/2026-05-02"), [0xff, b'\n', b'x']).unwrap();
        fs::write(root.join(".removed/2026-05-01.tmp"), "half").unwrap();
        let lake = open(root).unwrap();
        let was = |id: &str, sha: &str| lake.was_removed(id, || sha.to_owned()).unwrap();
        assert!(was("a", "sha-a") && was("b", "sha-b") && was("t", "any"));
        assert!(!was("a", "sha-b") && !was("c", "sha-a") && !was("b", ""));
        let text = fs::read_to_string(root.join(".removed/2026-05-01")).unwrap();
        assert!(text.lines().count() == 3 && text.lines().all(|l| l.len() == 16), "{text}");
    }
}
