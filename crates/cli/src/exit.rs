//! Exit codes.

use std::process::ExitCode;

use callsift_objects::ObjectError;
use callsift_pipeline::PipelineError;
use callsift_reviews::ReviewsError;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// Some calls failed, some tests did not pass, or something differs.
    Some = 1,
    /// Bad usage, configuration, rules, or a missing model.
    Usage = 2,
    /// The run could not go on: disk full, lake locked. What was written stays.
    Broken = 3,
    /// `worker`: the input is no manifest.
    BadInput = 65,
    /// `worker`: something that should not happen.
    Internal = 70,
    /// `worker`: the machine or the reader of the results failed; the same may work the next time, perhaps elsewhere.
    Temporary = 75,
}

impl Exit {
    /// For `main`.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    /// The code of an error that ended the command.
    pub fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<PipelineError>() {
            Some(PipelineError::Store(_) | PipelineError::Thread(_)) => Self::Broken,
            _ if error.downcast_ref::<ObjectError>().is_some_and(ObjectError::may_pass) => Self::Broken,
            _ if error.downcast_ref::<ReviewsError>().is_some_and(|e| matches!(e, ReviewsError::Sql(_))) => {
                Self::Broken
            }
            _ => Self::Usage,
        }
    }
}
