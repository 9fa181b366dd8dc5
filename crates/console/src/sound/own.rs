//! Whether a file is the recording that a call was made of: found by name, known by its bytes.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::catalog::CallRow;
use crate::page_error::PageError;
use crate::sound::recording;

/// Files whose hash is remembered at most.
const MOST: usize = 50_000;

/// What a file was when it was read: device and number, bytes, last changes of content and state in nanoseconds.
type Stamp = (u64, u64, u64, i128, i128);

/// The sound of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Own {
    /// The file that was inspected.
    Same(PathBuf),
    /// The lake knows no hash: the transcript came from elsewhere, and named this file.
    Unchecked(PathBuf),
    /// There is a file of the name, with other bytes.
    Other,
    /// There is none.
    Missing,
}

impl Own {
    /// The file to play.
    ///
    /// # Errors
    /// There is none, or it is not the call's.
    pub(crate) fn path(self) -> Result<PathBuf, PageError> {
        match self {
            Self::Same(path) | Self::Unchecked(path) => Ok(path),
            Self::Missing => Err(PageError::NotFound),
            Self::Other => Err(PageError::Conflict(
                "同名的文件不是质检时的那个录音，不能播放 · the file of this name is not the recording that was inspected; \
                 it is not played"
                    .to_owned(),
            )),
        }
    }
}

/// Hashes of recordings as they are now. A file is read again when it changed.
#[derive(Default)]
pub(crate) struct Hashes {
    known: Mutex<HashMap<PathBuf, (Stamp, String)>>,
}

impl Hashes {
    /// The recording of a call, as far as it is the call's own.
    pub(crate) fn own(&self, root: Option<&Path>, call: &CallRow) -> Own {
        let Ok(path) = recording(root, &call.recording) else { return Own::Missing };
        match call.audio_sha256.as_deref() {
            None => Own::Unchecked(path),
            Some(wanted) => match self.of(&path) {
                Some(found) if found == wanted => Own::Same(path),
                Some(_) => Own::Other,
                None => Own::Missing,
            },
        }
    }

    /// Nothing where the file cannot be read.
    fn of(&self, path: &Path) -> Option<String> {
        let before = stamp(path)?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some((_, hash)) = known.filter(|(at, _)| *at == before) {
            return Some(hash);
        }
        let hash = callsift_audio::file_sha256(path).ok()?;
        // What changes while it is read has no hash to remember.
        if stamp(path) == Some(before) {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(path.to_owned(), (before, hash.clone()));
        }
        Some(hash)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    let at = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
    let (modified, changed) = (at(meta.mtime(), meta.mtime_nsec()), at(meta.ctime(), meta.ctime_nsec()));
    Some((meta.dev(), meta.ino(), meta.len(), modified, changed))
}
