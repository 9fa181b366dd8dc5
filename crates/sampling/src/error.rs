//! Errors.

use std::path::PathBuf;

/// What can go wrong with sampling.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A plan cannot be read.
    #[error("cannot read the plan: {source}: {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A plan is malformed.
    #[error("the plan is wrong: {reason}: {path}")]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        reason: String,
    },
    /// A plan by risk was drawn without findings.
    #[error("this plan orders calls by their findings and none were given: draw it with findings and review records")]
    NeedsFindings,
}
