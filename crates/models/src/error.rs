//! What can go wrong with a model, and the command that mends it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a model cannot be found, fetched or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The operating system refused.
    #[error("cannot read or write: {source}: {}", path.display())]
    Io {
        /// What it said.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The manifest does not have the form of [`Manifest`](crate::Manifest).
    #[error("broken model manifest: {detail}")]
    Manifest {
        /// What is wrong, with line and column.
        detail: String,
    },
    /// No model of that name.
    #[error("no model is called {name}; known: {known}")]
    Unknown {
        /// As asked for.
        name: String,
        /// Names in the manifest, separated by commas.
        known: String,
    },
    /// The file lies in none of the places where it may.
    #[error("{name} was not found: {mend}; searched: {searched}")]
    Missing {
        /// Model or file.
        name: String,
        /// Command that mends it.
        mend: String,
        /// Every place, separated by commas.
        searched: String,
    },
    /// The manifest gives no address: the model comes with callsift or is made by the user.
    #[error("{name} cannot be pulled: {note}")]
    NoUrl {
        /// Model.
        name: String,
        /// The manifest's note.
        note: String,
    },
    /// The manifest does not say what the file must be.
    #[error("{name} cannot be pulled: the manifest gives no size and SHA-256, so nobody could tell what came")]
    Unpinned {
        /// Model.
        name: String,
    },
    /// No server gave the file.
    #[error("cannot fetch {name} after {attempts} attempts, the last at {url}: {detail}")]
    Fetch {
        /// Model.
        name: String,
        /// Requests made.
        attempts: u32,
        /// Address of the last.
        url: String,
        /// What it ended with.
        detail: String,
    },
    /// Neither addresses nor packages gave the file.
    #[error("no source has {name}: {detail}")]
    NoSource {
        /// Model.
        name: String,
        /// What each source ended with.
        detail: String,
    },
    /// The bytes are not those that the manifest names: a broken copy, or another file.
    #[error("wrong {what}: expected {expected}, found {found}: {}", path.display())]
    WrongContent {
        /// `size` or `sha256`.
        what: &'static str,
        /// By the manifest, or by the lock file of the first pull.
        expected: String,
        /// In the file.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The ONNX Runtime library is missing or cannot be used.
    #[error("onnx runtime is not usable: {detail}; {mend}")]
    Runtime {
        /// What happened.
        detail: String,
        /// Command that mends it.
        mend: String,
    },
    /// The runtime refuses the model.
    #[error("cannot open model: {detail}: {}", path.display())]
    Session {
        /// What the runtime said.
        detail: String,
        /// The model.
        path: PathBuf,
    },
}

impl ModelError {
    /// Wraps an error of the operating system.
    pub(crate) fn io(source: io::Error, path: &Path) -> Self {
        Self::Io { source, path: path.to_owned() }
    }
}
