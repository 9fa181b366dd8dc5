//! Errors that point at the line.

use std::fmt;
use std::path::PathBuf;

/// One thing wrong with one rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 where the whole line is meant.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// The line itself.
    pub excerpt: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path.display(), self.line, self.column, self.message)?;
        if !self.excerpt.is_empty() {
            let caret = " ".repeat(self.column.saturating_sub(1));
            write!(f, "\n    | {}\n    | {caret}^", self.excerpt)?;
        }
        Ok(())
    }
}

/// What can go wrong with rules.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A folder or file cannot be read.
    #[error("cannot read rules: {source}: {path}")]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// Why it could not.
        source: std::io::Error,
    },
    /// The folder holds no rule.
    #[error("no *.yaml rule files found: {0}")]
    NoRules(PathBuf),
    /// One or more files are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<RuleProblem>),
    /// A profile that is not in the folder.
    #[error("no profile is called `{name}`; there are: {known}")]
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A rule id that is not in the set.
    #[error("no rule has the id `{id}`; known: {known}")]
    UnknownRule {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
}
