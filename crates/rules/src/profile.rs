//! Profiles: which rules are in force for a kind of call centre work.

use std::path::Path;

use serde::Deserialize;

use crate::error::{RuleError, RuleProblem};
use crate::schema::Rule;

/// Folder of profiles inside the folder of rules.
pub const PROFILES: &str = "profiles";
/// The profile that is taken where none is named.
pub const DEFAULT_PROFILE: &str = "order-hotline";

/// One profile: `rules/profiles/<name>.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What people call it.
    pub title: String,
    /// Ids of the rules in force.
    pub rules: Vec<String>,
    /// The file, for the hash of the rules in force.
    #[serde(skip)]
    pub text: String,
    #[serde(skip)]
    path: std::path::PathBuf,
}

impl Profile {
    /// Reads a profile of a folder of rules.
    ///
    /// # Errors
    /// There is none of that name; the file is malformed.
    pub fn load(root: &Path, name: &str) -> Result<Self, RuleError> {
        let path = root.join(PROFILES).join(format!("{name}.yaml"));
        if !path.is_file() {
            return Err(RuleError::UnknownProfile { name: name.to_owned(), known: names(root).join(", ") });
        }
        let text = std::fs::read_to_string(&path).map_err(|source| RuleError::Io { path: path.clone(), source })?;
        let mut profile: Self = serde_saphyr::from_str(&text).map_err(|error| {
            let (line, column) = error.location().map_or((0, 0), |l| (l.line() as usize, l.column() as usize));
            let message = error.without_snippet().to_string();
            let excerpt = line.checked_sub(1).and_then(|l| text.lines().nth(l)).unwrap_or("").to_owned();
            RuleError::Invalid(vec![RuleProblem { path: path.clone(), line, column, message, excerpt }])
        })?;
        profile.text = text;
        profile.path = path;
        Ok(profile)
    }

    /// Keeps the rules that the profile names.
    ///
    /// # Errors
    /// It names a rule that is not there.
    pub fn select(&self, rules: &mut Vec<Rule>) -> Result<(), RuleError> {
        let unknown: Vec<RuleProblem> = self
            .rules
            .iter()
            .filter(|id| !rules.iter().any(|r| r.id.value == **id))
            .map(|id| RuleProblem {
                path: self.path.clone(),
                line: 0,
                column: 0,
                message: format!("no rule has the id `{id}`"),
                excerpt: String::new(),
            })
            .collect();
        if !unknown.is_empty() {
            return Err(RuleError::Invalid(unknown));
        }
        rules.retain(|r| self.rules.contains(&r.id.value));
        Ok(())
    }
}

/// Names of the profiles of a folder of rules, sorted.
pub fn names(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(PROFILES)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|e| e.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names
}
