//! What can go wrong with a text model.

use std::path::PathBuf;

use callsift_models::ModelError;

/// Why a text model cannot be opened or does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SentimentError {
    /// The folder is not complete.
    #[error("text model lacks {file}: a folder needs model.onnx, tokenizer.json and config.json: {}", folder.display())]
    Missing {
        /// What is not there.
        file: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// `config.json` cannot be used.
    #[error("text model's config.json: {detail}: {}", folder.display())]
    Config {
        /// What is wrong.
        detail: String,
        /// The folder.
        folder: PathBuf,
    },
    /// `tokenizer.json` cannot be used.
    #[error("text model's tokenizer.json: {detail}: {}", folder.display())]
    Tokenizer {
        /// What is wrong.
        detail: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The graph does not have the inputs and outputs that the configuration needs.
    #[error("text model's graph: {detail}: {}", folder.display())]
    Graph {
        /// What is wrong.
        detail: String,
        /// The folder.
        folder: PathBuf,
    },
    /// A model that this one joins is not on this machine.
    #[error(
        "text model joins {model}, which was not found: `make setup` in a checkout of callsift makes the sentence encoder, \
         and the folder may be copied to one of {searched}: {}", folder.display()
    )]
    Part {
        /// The model that is missing.
        model: String,
        /// The folder of the model that joins it.
        folder: PathBuf,
        /// Where it was looked for.
        searched: String,
    },
    /// The model or the ONNX runtime cannot be opened.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model failed on a batch.
    #[error("text model failed: {0}")]
    Run(String),
}
