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
    /// The user dictionary is in no encoding that is known.
    #[error("the user dictionary is not text in UTF-8, UTF-16 with byte order mark, or GBK; save it as UTF-8: {path}")]
    DictionaryEncoding {
        /// The file.
        path: PathBuf,
    },
}
