//! Which file each call was made from, so that a recording that changed is told from another one with the same name.
//!
//! `<lake>/.sources/<day>` has two lines per call: 16 digits of a SHA-256 over its id, and over its id and source (the true path
//! of the recording, or the hash of its line in a file of transcripts). It says of a call and a file at hand whether they belong
//! together, and nothing to those who have neither.

use std::fs;
use std::io::Write;

use crate::error::StoreError;
use crate::lake::Lake;
use crate::removed::mark;

/// Folder of the marks of calls and their sources.
pub(crate) const FOLDER: &str = ".sources";

/// What the lake knows of the source of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownSource {
    /// The call was made from this one.
    Same,
    /// It was made from another one.
    Other,
    /// Nothing was written down: an older version made the call.
    Unknown,
}

impl Lake {
    /// Whether a call was made from this source.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn source_of(&self, call_id: &str, source: &[u8]) -> Result<KnownSource, StoreError> {
        let has = |source: &[u8]| self.index.has_mark(FOLDER, mark(call_id, source));
        Ok(match (has(b"")?, has(source)?) {
            (_, true) => KnownSource::Same,
            (true, false) => KnownSource::Other,
            (false, false) => KnownSource::Unknown,
        })
    }

    /// Writes down what calls are made from. On the disk when this returns; it comes before the calls, and says nothing where
    /// they then do not come.
    ///
    /// # Errors
    /// The disk is full or not writable.
    pub fn remember_sources<'a>(
        &mut self,
        date: &str,
        calls: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), StoreError> {
        let marks = calls.flat_map(|(id, source)| [mark(id, b""), mark(id, source)]);
        let mut new: Vec<u64> = Vec::new();
        for mark in marks {
            if !new.contains(&mark) && !self.index.has_mark(FOLDER, mark)? {
                new.push(mark);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let folder = self.root.join(FOLDER);
        fs::create_dir_all(&folder).map_err(StoreError::io("cannot write to the lake", &folder))?;
        // A kill may have cut the last line: a line feed first, so that it spoils no other.
        let text: String = new.iter().flat_map(|m| ["\n".to_owned(), format!("{m:016x}")]).collect();
        let path = folder.join(date);
        let write = || -> std::io::Result<()> {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        write().map_err(StoreError::io("cannot write to the lake (is the disk full?)", &path))?;
        self.index.marks_added(FOLDER, date, &new)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::KnownSource;
    use crate::lake::tests::open;

    #[test]
    fn sources_outlive_the_process_and_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        open(root).unwrap().remember_sources("2026-11-16", [("a", &b"/rec/a.wav"[..])].into_iter()).unwrap();
        let file = root.join(".sources/2026-11-16");
        fs::write(&file, [fs::read(&file).unwrap(), b"0123".to_vec()].concat()).unwrap();
        open(root).unwrap().remember_sources("2026-11-16", [("b", &b"/rec/b.wav"[..])].into_iter()).unwrap();
        let lake = open(root).unwrap();
        for (id, source, known) in [
            ("a", "/rec/a.wav", KnownSource::Same),
            ("a", "/rec/b.wav", KnownSource::Other),
            ("b", "/rec/b.wav", KnownSource::Same),
            ("c", "/rec/a.wav", KnownSource::Unknown),
        ] {
            assert_eq!(lake.source_of(id, source.as_bytes()).unwrap(), known, "{id} {source}");
        }
    }
}
