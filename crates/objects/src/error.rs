//! Errors of object storage, in words that say who can mend them.

use std::error::Error as _;
use std::path::PathBuf;

/// What can go wrong with object storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// No address that is understood.
    #[error("`{0}` is no address of object storage: write s3://bucket/path, gs://bucket/path or az://container/path")]
    Address(String),
    /// The server does not let us.
    #[error("{address}: the credentials are missing, wrong or not allowed to {what}: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// What was being done.
        what: &'static str,
        /// What the server said.
        reason: String,
    },
    /// There is no such bucket or object.
    #[error("{address}: there is no such bucket or object: {reason}")]
    Missing {
        /// Where.
        address: String,
        /// What the server said.
        reason: String,
    },
    /// The server does not answer, or answers with errors of its own, also after many tries.
    #[error("{address}: cannot {what}; the server does not answer as it should: {reason}")]
    Server {
        /// Where.
        address: String,
        /// What was being done.
        what: &'static str,
        /// What was seen.
        reason: String,
    },
    /// Somebody else changed the lake since it was read.
    #[error(
        "{0}: another callsift command changed this lake meanwhile; run the same command again, nothing of this step was published"
    )]
    Changed(String),
    /// A change of the lake is under way and does not end.
    #[error("{0}: a change of this lake is under way; wait, or let a command that writes the lake finish it")]
    UnderWay(String),
    /// Another process on this machine works with the same mirror.
    #[error("another callsift command on this machine works with this address: {0}")]
    InUse(PathBuf),
    /// A name that is no path.
    #[error("{address}: the object `{key}` has a name that cannot be a file here")]
    Name {
        /// Where.
        address: String,
        /// Its name.
        key: String,
    },
    /// The mirror cannot be read or written.
    #[error("cannot keep a mirror of object storage: {source}: {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ObjectError {
    /// Whether the same may work later, without anybody mending anything.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Server { .. } | Self::Changed(_) | Self::UnderWay(_) | Self::InUse(_) | Self::Io { .. })
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Sorts what the library says by who can mend it.
    pub(crate) fn of(what: &'static str, address: &str, error: &object_store::Error) -> Self {
        let (address, reason) = (address.to_owned(), reason(error));
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        let refused =
            ["AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "403 Forbidden", "401 Unauthorized"];
        match error {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Refused { address, what, reason }
            }
            _ if says(&refused) => Self::Refused { address, what, reason },
            object_store::Error::NotFound { .. } => Self::Missing { address, reason },
            _ if says(&["NoSuchBucket", "404 Not Found"]) => Self::Missing { address, reason },
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
                Self::Changed(address)
            }
            _ => Self::Server { address, what, reason },
        }
    }
}

/// The error with its causes, on one line that is not too long.
fn reason(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(400).collect()
}
