//! What can go wrong.

use std::path::PathBuf;

use rusqlite::ErrorCode;

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
    /// The file is not what it was: damaged, empty, gone, or another program's.
    #[error(
        "reviews database {path}: {reason}. Nothing was changed, and no new one is begun. \
         To go on from a copy: callsift reviews --lake LAKE restore COPY; {newest}"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// Which nightly copy is the newest.
        newest: String,
    },
    /// A console runs over the folder.
    #[error("a console runs over {0}: end it first")]
    InUse(PathBuf),
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
    #[error(transparent)]
    TooLate(#[from] TooLate),
    /// A value that cannot be kept.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A copy cannot be made.
    #[error("backup {path}: {reason}")]
    Backup {
        /// The copy.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder of the database cannot be made.
    #[error("cannot make {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gives no random bytes, or a password cannot be hashed.
    #[error("passwords and tokens: {0}")]
    Secret(String),
}

/// What is over, or done already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLate {
    /// An appeal stands against the verdict.
    #[error("an appeal was made; only its decision changes the verdict")]
    UnderAppeal,
    /// There is nothing to appeal against.
    #[error("only a confirmed violation can be disputed, and only once")]
    NotConfirmed,
    /// The one appeal was made.
    #[error("an appeal was made already")]
    Appealed,
    /// The reviewer gave another verdict and did not hand it in yet.
    #[error("the reviewer is changing this verdict; wait until the form is handed in again")]
    Changing,
    /// The days in which one may appeal are over.
    #[error("the time for an appeal is over")]
    TimeOver,
    /// The decision is final.
    #[error("the appeal is decided")]
    Decided,
    /// A summary waits for the manager, or is approved.
    #[error("the summary is submitted")]
    Submitted,
    /// The manager decided on the summary, or another copy was submitted.
    #[error("the summary is decided")]
    SummaryDecided,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// No login name.
    #[error("a login name is needed")]
    NameMissing,
    /// Somebody has the login name.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// An agent without a number.
    #[error("agent {0} needs an agent number")]
    AgentNumber(String),
    /// Too short a password.
    #[error("a password needs at least {min} characters")]
    PasswordShort {
        /// Shortest that is taken.
        min: usize,
    },
    /// A score that is none.
    #[error("a score lies between 0 and 100")]
    Score,
    /// A cause of what is neither rejected nor doubted.
    #[error("only what is rejected or doubted has a cause")]
    Cause,
    /// An appeal without a reason.
    #[error("an appeal needs a reason")]
    AppealReason,
    /// A team lead without a team.
    #[error("team lead {0} needs a team")]
    Unit(String),
    /// A version of the centre's own items that is known with other items.
    #[error("version {0} of the form's own items is known with other items: give the changed file another version")]
    SheetVersion(String),
    /// A task for somebody who reviews no calls.
    #[error("{0} reviews no calls")]
    NoReviewer(String),
    /// A correction that changes nothing.
    #[error("a correction says what stands there already")]
    SameWords,
    /// An example without a title or a stretch.
    #[error("an example needs a title and a stretch of the call")]
    Lesson,
    /// A fault that is acknowledged without a remark.
    #[error("what is acknowledged needs a remark")]
    AckRemark,
    /// A summary that is returned without a remark.
    #[error("what is returned needs a remark")]
    ReturnReason,
    /// A summary that would be approved by whoever submitted it.
    #[error("nobody approves the own summary")]
    OwnSummary,
    /// A decision without a reason.
    #[error("a decision needs a reason")]
    DecisionReason,
}

impl ReviewsError {
    /// Whether the disk took nothing more: it is full, not to be written, or refuses.
    pub fn is_no_room(&self) -> bool {
        let code = match self {
            Self::Sql(e) | Self::Open { source: e, .. } => e.sqlite_error_code(),
            _ => None,
        };
        let refused = [ErrorCode::DiskFull, ErrorCode::ReadOnly, ErrorCode::SystemIoFailure, ErrorCode::CannotOpen];
        code.is_some_and(|code| refused.contains(&code))
    }

    /// Whether somebody else's work stands in the way, so that looking again helps.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::NotClaimed | Self::Overtaken { .. } | Self::TooLate(_))
    }
}
