//! Errors that end a run before or while it works; a call that fails is a row instead.

use std::path::PathBuf;

/// What ends a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A file or folder cannot be read.
    #[error("cannot read: {source}: {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds nothing that could be a recording.
    #[error("no recordings in {0} or its subfolders; tables, text and pictures are passed over")]
    NoRecordings(PathBuf),
    /// A recordings folder that holds none of the lake's recordings, neither old ones nor new ones.
    #[error(
        "none of the lake's recordings is here; name the folder that `run` was given, and see that it is mounted: {0}"
    )]
    OtherRecordings(PathBuf),
    /// The configuration is wrong.
    #[error("bad configuration: {path}\n{reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Place and expectation.
        reason: String,
    },
    /// A metadata file is wrong.
    #[error("bad metadata: {path}:{line}: {reason}")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A day that is no day.
    #[error("`{0}` is not a day; write YYYY-MM-DD")]
    BadDate(String),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// Recognition cannot start.
    #[error(transparent)]
    Asr(#[from] callsift_asr::AsrError),
    /// Voice activity detection cannot start.
    #[error(transparent)]
    Vad(#[from] callsift_vad::VadError),
    /// The text model cannot start.
    #[error(transparent)]
    Sentiment(#[from] callsift_sentiment::SentimentError),
    /// Text resources cannot be read.
    #[error(transparent)]
    Text(#[from] callsift_text::TextError),
    /// The lake cannot be read or written.
    #[error(transparent)]
    Store(#[from] callsift_store::StoreError),
    /// An offset from UTC that is none.
    #[error("metadata.utc_offset: write `+08:00`, not `{0}`")]
    BadOffset(String),
    /// Threads could not be started.
    #[error("cannot start threads: {0}")]
    Pool(String),
    /// The rules are wrong.
    #[error(transparent)]
    Rules(#[from] callsift_rules::RuleError),
    /// A lake that other options made.
    #[error(
        "call `{call_id}` was made with other options than these; name the configuration that made it with --config, or \
         say --other-options to judge it by the present limits"
    )]
    OtherOptions {
        /// The first such call.
        call_id: String,
    },
    /// A file of labelled calls that is malformed.
    #[error("not a file of labelled calls: {reason}: {path}")]
    Labelled {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
}

impl PipelineError {
    /// For `map_err`.
    #[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
    pub(crate) fn pool(error: rayon::ThreadPoolBuildError) -> Self {
        Self::Pool(error.to_string())
    }
}
