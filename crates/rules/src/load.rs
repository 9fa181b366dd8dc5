//! Reading a folder of rule files, with every mistake at its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callsift_core::Verdict;
use sha2::{Digest, Sha256};

use crate::error::{RuleError, RuleProblem};
use crate::logic::at;
use crate::schema::Rule;

/// Checked rules, sorted by id.
#[derive(Debug, Clone)]
pub struct RuleSet {
    rules: Vec<Rule>,
    hash: String,
}

impl RuleSet {
    /// Reads and checks every `*.yaml` under a folder, or one file.
    ///
    /// # Errors
    /// All problems of all files at once, each with path, line and column.
    pub fn load(root: &Path) -> Result<Self, RuleError> {
        let files = rule_files(root)?;
        if files.is_empty() {
            return Err(RuleError::NoRules(root.to_owned()));
        }
        let (mut rules, mut problems, mut hasher) = (Vec::new(), Vec::new(), Sha256::new());
        for path in &files {
            let text = std::fs::read_to_string(path).map_err(|source| RuleError::Io { path: path.clone(), source })?;
            hasher.update(path.strip_prefix(root).unwrap_or(path).to_string_lossy().as_bytes());
            hasher.update([0]);
            hasher.update(text.as_bytes());
            hasher.update([0]);
            match parse(path, &text) {
                Ok(rule) => rules.push((path.clone(), text, rule)),
                Err(mut found) => problems.append(&mut found),
            }
        }
        problems.extend(duplicates(&rules));
        if !problems.is_empty() {
            return Err(RuleError::Invalid(problems));
        }
        let mut rules: Vec<Rule> = rules.into_iter().map(|(_, _, rule)| rule).collect();
        rules.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        let hash = callsift_core::hex(&hasher.finalize());
        Ok(Self { rules, hash })
    }

    /// The rules, sorted by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// SHA-256 over the names and bytes of all rule files.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The rule with an id.
    ///
    /// # Errors
    /// No such rule; the error lists the ids that exist.
    pub fn get(&self, id: &str) -> Result<&Rule, RuleError> {
        self.rules.iter().find(|r| r.id.value == id).ok_or_else(|| {
            let known = self.rules.iter().map(|r| r.id.value.as_str()).collect::<Vec<_>>().join(", ");
            RuleError::UnknownRule { id: id.to_owned(), known }
        })
    }
}

fn rule_files(root: &Path) -> Result<Vec<PathBuf>, RuleError> {
    if root.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let io = |source| RuleError::Io { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Parses and checks one file.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Rule, Vec<RuleProblem>> {
    let problem = |(line, column, message): (usize, usize, String)| RuleProblem {
        path: path.to_owned(),
        line,
        column,
        message,
        excerpt: line.checked_sub(1).and_then(|l| text.lines().nth(l)).unwrap_or("").to_owned(),
    };
    let mut rule: Rule = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or((0, 0), |l| (l.line() as usize, l.column() as usize));
        let message = error.without_snippet().to_string();
        vec![problem((place.0, place.1, message.lines().next().unwrap_or("").to_owned()))]
    })?;
    rule.category =
        path.parent().and_then(Path::file_name).map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut problems = Vec::new();
    check(path, &mut rule, &mut problems);
    if problems.is_empty() { Ok(rule) } else { Err(problems.into_iter().map(problem).collect()) }
}

fn check(path: &Path, rule: &mut Rule, problems: &mut Vec<(usize, usize, String)>) {
    if rule.version.value != 1 {
        problems.push(at(&rule.version.referenced, "`version` must be 1".to_owned()));
    }
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if rule.id.value != stem {
        problems.push(at(&rule.id.referenced, format!("`id` must equal the file name `{stem}`")));
    }
    let kebab = rule.id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !kebab || rule.id.value.is_empty() {
        problems.push(at(&rule.id.referenced, "`id` must be kebab-case: a-z, 0-9 and -".to_owned()));
    }
    if !(0.0..=100.0).contains(&rule.points.value) {
        problems.push(at(&rule.points.referenced, "`points` must be 0 to 100".to_owned()));
    }
    rule.scope.check(problems);
    rule.condition.compile(problems);
    if let Some(when) = rule.applies.when.as_mut() {
        when.compile(problems);
    }
    for (verdict, wanted) in [(Verdict::Hit, "hit"), (Verdict::Clear, "clear")] {
        if !rule.tests.iter().any(|t| t.expect == verdict) {
            problems.push((0, 0, format!("`tests` needs at least one case with `expect: {wanted}`")));
        }
    }
    if let Some(bad) = rule.tests.iter().find(|t| t.turns.is_empty()) {
        problems.push((0, 0, format!("test `{}` has no turns", bad.name)));
    }
}

fn duplicates(rules: &[(PathBuf, String, Rule)]) -> Vec<RuleProblem> {
    let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, text, rule) in rules {
        if let Some(first) = seen.insert(&rule.id.value, path) {
            let (line, column) = (rule.id.referenced.line() as usize, rule.id.referenced.column() as usize);
            problems.push(RuleProblem {
                path: path.clone(),
                line,
                column,
                message: format!("id `{}` is already used by {}", rule.id.value, first.display()),
                excerpt: text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_owned(),
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::parse;

    const GOOD: &str = "version: 1\nid: x\ntitle: 测试\nrequirement: A1\nseverity: minor\npoints: 5\nwhy: 因为\n\
        scope: { role: agent }\nviolation_when: found\ncondition:\n  keyword: { any: [笨] }\ntests:\n\
        \x20 - { name: a, turns: [\"agent: 你真笨\"], expect: hit }\n  - { name: b, turns: [\"agent: 您好\"], expect: clear }\n";

    fn message(text: &str) -> String {
        parse(Path::new("rules/c/x.yaml"), text).map_or_else(|p| p[0].to_string(), |_| String::new())
    }

    #[test]
    fn a_good_rule_loads() {
        assert_eq!(message(GOOD), "");
    }

    #[test]
    fn mistakes_are_shown_at_their_place() {
        let unknown = message(&GOOD.replace("keyword:", "keywrod:"));
        assert!(unknown.starts_with("rules/c/x.yaml:11:3:") && unknown.contains("keyword"), "{unknown}");
        let key = message(&GOOD.replace("points: 5", "points: 5\nponts: 5"));
        assert!(key.contains(":7:1:") && key.contains("ponts"), "{key}");
        let regex = message(&GOOD.replace("keyword: { any: [笨] }", "regex: { pattern: \"(笨\" }"));
        assert!(regex.contains(":11:") && regex.contains("bad regular expression"), "{regex}");
        let id = message(&GOOD.replace("id: x", "id: y"));
        assert!(id.contains(":2:5:") && id.contains("file name `x`"), "{id}");
        assert!(message(&GOOD.replace("expect: clear", "expect: hit")).contains("expect: clear"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_loader_panic(cut in 0usize..400, junk in "\\PC{0,20}") {
            let mut text: String = GOOD.chars().take(cut).collect();
            text.push_str(&junk);
            let _ = parse(Path::new("rules/c/x.yaml"), &text);
        }
    }
}
