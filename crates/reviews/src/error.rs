//! What can go wrong.

use std::path::PathBuf;

/// Errors of the reviews database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewsError {
    /// The file cannot be opened, read or written.
    #[error("reviews database {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file was made by a newer callsift, or is no reviews database.
    #[error("reviews database {path}: {reason}; use the callsift that made it, or a backup")]
    Version {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A statement failed.
    #[error("reviews database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// Another person is at the call.
    #[error("{by} is at this call")]
    Claimed {
        /// Who, by display name.
        by: String,
        /// Until when, microseconds since the epoch.
        until_us: i64,
    },
    /// The person has not claimed the call, or not any more.
    #[error("the call is not claimed by this person (any more)")]
    NotClaimed,
    /// Another verdict came first.
    #[error("{by} was quicker")]
    Overtaken {
        /// Who, by display name.
        by: String,
    },
    /// It does not exist, or not for this person.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The time for it is over, or it is done already.
    #[error("{0}")]
    TooLate(&'static str),
    /// A value that cannot be kept.
    #[error("{0}")]
    Bad(String),
}

impl ReviewsError {
    /// Whether somebody else's work stands in the way, so that looking again helps.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::NotClaimed | Self::Overtaken { .. } | Self::TooLate(_))
    }
}
