//! What can go wrong.

use std::path::{Path, PathBuf};

/// Errors of the console.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// A file cannot be read or written.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] callsift_store::StoreError),
    /// The catalogue cannot be read or written.
    #[error("catalogue: {0}")]
    Catalog(#[from] rusqlite::Error),
    /// The text model failed on what was tried.
    #[error("text model: {0}")]
    Model(String),
    /// The reviews database said no.
    #[error(transparent)]
    Reviews(#[from] callsift_reviews::ReviewsError),
    /// A recording cannot be read.
    #[error(transparent)]
    Audio(#[from] callsift_audio::AudioError),
    /// The address is not this machine's own and nothing protects what is sent.
    #[error(
        "{0} can be reached from other machines: give --tls-cert and --tls-key, or --insecure where something before it does TLS"
    )]
    Unprotected(std::net::SocketAddr),
    /// The certificate or its key.
    #[error("TLS certificate or key: {0}")]
    Tls(String),
    /// A workbook cannot be made.
    #[error("workbook: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
}

impl ConsoleError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}
