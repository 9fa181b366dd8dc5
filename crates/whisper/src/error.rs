//! Errors of whisper models.

use std::io;
use std::path::{Path, PathBuf};

/// Why a whisper model cannot be read, written or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WhisperError {
    /// The operating system refused.
    #[error("cannot read or write: {source}: {}", path.display())]
    Io {
        /// What it said.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// No whisper model of a known form lies there, or it is damaged.
    #[error("{detail}: {}", path.display())]
    Form {
        /// What is wrong with it.
        detail: String,
        /// The file or folder.
        path: PathBuf,
    },
    /// The model has no tensor of that name, or one of another shape.
    #[error("the model has no usable tensor {name}: {detail}")]
    Tensor {
        /// OpenAI's name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The ONNX runtime refuses.
    #[error(transparent)]
    Runtime(#[from] callsift_models::ModelError),
}

impl WhisperError {
    /// Wraps an error of the operating system.
    pub(crate) fn io(source: io::Error, path: &Path) -> Self {
        Self::Io { source, path: path.to_owned() }
    }

    /// Says what is wrong with a file or folder.
    pub(crate) fn form(path: &Path, detail: impl Into<String>) -> Self {
        Self::Form { detail: detail.into(), path: path.to_owned() }
    }
}
