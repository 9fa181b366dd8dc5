//! Errors of recognition.

use std::path::PathBuf;

/// What can go wrong in recognition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsrError {
    /// The model file is not there.
    #[error("the speech model is missing; get it with `callsift models pull` or name another with --model: {0}")]
    ModelMissing(PathBuf),
    /// The file is there but whisper.cpp does not take it.
    #[error("whisper.cpp cannot load the speech model (damaged or not in ggml form?): {path}: {reason}")]
    ModelLoad {
        /// The file.
        path: PathBuf,
        /// What whisper.cpp said.
        reason: String,
    },
    /// The folder of a model is damaged, or the ONNX runtime is missing.
    #[error(transparent)]
    Model(#[from] callsift_whisper::WhisperError),
    /// The model has no token for the language.
    #[error("the speech model does not know the language {language}: {path}")]
    Language {
        /// As in the options.
        language: String,
        /// The model's folder.
        path: PathBuf,
    },
    /// A state could not be made: most often memory.
    #[error("cannot create a recogniser state ({0}); fewer workers need less memory")]
    State(String),
    /// A window could not be decoded.
    #[error("recognition failed: {0}")]
    Decode(String),
}

impl From<callsift_models::ModelError> for AsrError {
    fn from(error: callsift_models::ModelError) -> Self {
        Self::Model(error.into())
    }
}

impl<T> From<ort::Error<T>> for AsrError {
    fn from(error: ort::Error<T>) -> Self {
        Self::Decode(error.to_string())
    }
}
