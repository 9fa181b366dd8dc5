use std::path::PathBuf;

/// What can go wrong with text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The user dictionary cannot be read.
    #[error("cannot read the user dictionary: {source}: {path}")]
    DictionaryIo {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The user dictionary has a line that is not `word [frequency [tag]]`.
    #[error("user dictionary line is not `word [frequency [tag]]`: {path}: {reason}")]
    DictionarySyntax {
        /// The file.
        path: PathBuf,
        /// What jieba said of it.
        reason: String,
    },
}
