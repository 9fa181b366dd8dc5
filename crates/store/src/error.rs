//! Errors of the lake.

use std::path::PathBuf;

/// What can go wrong with the lake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("{what}: {source}: {path}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A Parquet file cannot be written or read.
    #[error("{what}: {reason}: {path}")]
    Parquet {
        /// What was being done.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
    /// Another run writes to the lake.
    #[error("another callsift command is writing to this lake; wait until it is done, nothing was changed: {0}")]
    Locked(PathBuf),
    /// The index of calls beside the lake cannot be read or written.
    #[error("the index of the lake: {source}; remove {path}/.index, it is made anew")]
    Index {
        /// The lake.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The lake holds tables of a later version, or what callsift did not write.
    #[error(
        "a part of the lake has schema version {found}, this callsift reads versions 1 to {expected}: use the newer \
         callsift that wrote it: {path}"
    )]
    SchemaVersion {
        /// A part of that version.
        path: PathBuf,
        /// Its version.
        found: String,
        /// Ours.
        expected: u32,
    },
}

impl StoreError {
    /// A part is damaged or a file of it gone, so that the rest may go on without it: not the disk's refusal to read, nor a part
    /// of a newer version.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Parquet { .. } => true,
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn index(path: impl Into<PathBuf>) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.into();
        move |source| Self::Index { path, source }
    }

    pub(crate) fn parquet(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        let path = path.into();
        move |e| Self::Parquet { what, path, reason: e.to_string() }
    }
}
