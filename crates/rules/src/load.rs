//! Reading a folder of rule files, with every mistake at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use callsift_core::Verdict;
use sha2::{Digest, Sha256};

use crate::check;
use crate::compile::{Compiler, Problem};
use crate::error::{RuleError, RuleProblem};
use crate::logic::Library;
use crate::phrases::{PhraseIndex, PhraseTable};
use crate::profile::{DEFAULT_PROFILE, PROFILES, Profile};
use crate::schema::{Rule, ViolationWhen};

/// Checked rules, sorted by id, with all their phrases in one index.
#[derive(Debug, Clone)]
pub struct RuleSet {
    rules: Vec<Rule>,
    files: BTreeMap<String, RuleFile>,
    index: PhraseIndex,
    hash: String,
}

/// The file of a rule, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Below the folder of the rules.
    pub path: PathBuf,
    /// The text, byte by byte.
    pub text: String,
}

impl RuleFile {
    fn new(root: &Path, path: &Path, text: String) -> Self {
        let below = path.strip_prefix(root).ok().filter(|p| !p.as_os_str().is_empty());
        // A single file may be given instead of a folder.
        let path = below.or(path.file_name().map(Path::new)).unwrap_or(path);
        Self { path: path.to_owned(), text }
    }
}

impl RuleSet {
    /// Reads and checks every `*.yaml` under a folder, or one file. All rules are in force.
    ///
    /// # Errors
    /// All problems of all files at once, each with path, line and column.
    pub fn load(root: &Path) -> Result<Self, RuleError> {
        Self::load_profile(root, None)
    }

    /// The same, with the rules that a profile of the folder selects: by name; `None`: all rules; the default profile is
    /// taken where [`default_profile`] finds it.
    ///
    /// # Errors
    /// As above; no such profile; it names a rule that is not there.
    pub fn load_profile(root: &Path, profile: Option<&str>) -> Result<Self, RuleError> {
        let files = rule_files(root)?;
        if files.is_empty() {
            return Err(RuleError::NoRules(root.to_owned()));
        }
        let profile = profile.map(|name| Profile::load(root, name)).transpose()?;
        let read = |path: &PathBuf| match std::fs::read_to_string(path) {
            Ok(text) => Ok((path.clone(), text)),
            Err(source) => Err(RuleError::Io { path: path.clone(), source }),
        };
        let texts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Self::from_texts(root, &texts, profile)
    }

    /// Rules from texts with the paths that they would have under `root`.
    ///
    /// # Errors
    /// All problems of all texts at once; the profile names a rule that is not there.
    pub fn from_texts(root: &Path, texts: &[(PathBuf, String)], profile: Option<Profile>) -> Result<Self, RuleError> {
        let (mut rules, mut problems, mut hasher) = (Vec::new(), Vec::new(), Sha256::new());
        let as_written = |(path, text): &(PathBuf, String)| match serde_saphyr::from_str::<Rule>(text) {
            Ok(rule) => (rule.id.value.clone(), Some(rule)),
            Err(_) => (stem(path), None),
        };
        let library: Library = texts.iter().map(as_written).collect();
        let mut table = PhraseTable::default();
        for (path, text) in texts {
            for part in [path.strip_prefix(root).unwrap_or(path).to_string_lossy().as_bytes(), text.as_bytes()] {
                hasher.update(part);
                hasher.update([0]);
            }
            match parse(path, text, &mut table, &library) {
                Ok(rule) => rules.push((path.clone(), text.clone(), rule)),
                Err(mut found) => problems.append(&mut found),
            }
        }
        problems.extend(duplicates(&rules));
        if !problems.is_empty() {
            return Err(RuleError::Invalid(problems));
        }
        let mut files = BTreeMap::new();
        let keep = |(path, text, rule): (PathBuf, String, Rule)| {
            files.insert(rule.id.value.clone(), RuleFile::new(root, &path, text));
            rule
        };
        let mut rules: Vec<Rule> = rules.into_iter().map(keep).collect();
        rules.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        if let Some(profile) = profile {
            hasher.update(profile.text.as_bytes());
            profile.select(&mut rules)?;
        }
        let hash = callsift_core::hex(&hasher.finalize());
        Ok(Self { rules, files, index: table.build(), hash })
    }

    /// The rules, sorted by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The file that a rule was read from; also of rules that the profile leaves out.
    pub fn file(&self, id: &str) -> Option<&RuleFile> {
        self.files.get(id)
    }

    /// SHA-256 over the names and bytes of all rule files, and of the profile.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// All phrases of the rules.
    pub fn index(&self) -> &PhraseIndex {
        &self.index
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

/// The default profile's name where the folder has it.
pub fn default_profile(root: &Path) -> Option<&'static str> {
    root.join(PROFILES).join(format!("{DEFAULT_PROFILE}.yaml")).is_file().then_some(DEFAULT_PROFILE)
}

/// The name of a rule's file, which is the rule's id.
fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
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
                if path != root.join(PROFILES) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Parses and checks one file, which may refer to rules of the library; its phrases enter the table.
pub fn parse(path: &Path, text: &str, table: &mut PhraseTable, library: &Library) -> Result<Rule, Vec<RuleProblem>> {
    let located = |p: Problem| RuleProblem {
        path: path.to_owned(),
        line: p.line,
        column: p.column,
        message: p.message,
        excerpt: p.line.checked_sub(1).and_then(|l| text.lines().nth(l)).unwrap_or("").to_owned(),
    };
    let mut rule: Rule = serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |l| (l.line() as usize, l.column() as usize));
        let message = error.without_snippet().to_string();
        vec![located(Problem { line, column, message: message.lines().next().unwrap_or("").to_owned() })]
    })?;
    rule.category =
        path.parent().and_then(Path::file_name).map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut cx = Compiler::new(table, library);
    prepare(path, &mut rule, &mut cx);
    let problems = std::mem::take(&mut cx.problems);
    if problems.is_empty() { Ok(rule) } else { Err(problems.into_iter().map(located).collect()) }
}

fn prepare(path: &Path, rule: &mut Rule, cx: &mut Compiler<'_>) {
    cx.expect(rule.version.value == 1, &rule.version.referenced, "`version` must be 1");
    let stem = stem(path);
    cx.expect(rule.id.value == stem, &rule.id.referenced, format!("`id` must equal the file name `{stem}`"));
    let kebab = rule.id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let kebab = kebab && !rule.id.value.is_empty();
    cx.expect(kebab, &rule.id.referenced, "`id` must be kebab-case: a-z, 0-9 and -");
    for points in [Some(&rule.points), rule.points_cap.as_ref()].into_iter().flatten() {
        cx.expect((0.0..=100.0).contains(&points.value), &points.referenced, "points must be 0 to 100");
    }
    if let Some(least) = &rule.min_confidence {
        cx.expect((0.0..=1.0).contains(&least.value), &least.referenced, "`min_confidence` is a probability, 0 to 1");
    }
    rule.scope.compile(cx);
    // Where missing it is the fault, hearing it excuses.
    cx.lenient = rule.violation_when == ViolationWhen::Missing;
    cx.accuses = rule.violation_when == ViolationWhen::Found;
    cx.enter(rule);
    // What nothing uses may be wrong, too.
    rule.conditions.values_mut().for_each(|condition| condition.compile(cx));
    let before = cx.problems.len();
    rule.condition.value.compile(cx);
    // What has no place of its own stands somewhere in the condition.
    let place = rule.condition.referenced;
    for problem in cx.problems[before..].iter_mut().filter(|p| p.line == 0) {
        (problem.line, problem.column) = (place.line() as usize, place.column() as usize);
    }
    let excuses = [(&mut rule.except, false), (&mut rule.cannot_tell_when, false)];
    for (condition, accuses) in excuses.into_iter().chain([(&mut rule.applies.when, true)]) {
        if let Some(condition) = condition {
            cx.accusing(accuses, |cx| condition.compile(cx));
        }
    }
    check::rule(rule, cx);
    rule.names_role = check::names_role(rule);
    let mut seen = BTreeSet::new();
    cx.problems.retain(|p| seen.insert((p.line, p.column, p.message.clone())));
    tests(rule, cx);
}

fn tests(rule: &Rule, cx: &mut Compiler<'_>) {
    for (verdict, wanted) in [(Verdict::Hit, "hit"), (Verdict::Clear, "clear")] {
        if !rule.tests.iter().any(|t| t.expect == Some(verdict)) {
            cx.wrong_somewhere(format!("`tests` needs at least one case with `expect: {wanted}`"));
        }
    }
    for case in &rule.tests {
        if case.turns.is_empty() || case.expect.is_none() || case.name.trim().is_empty() {
            cx.wrong_somewhere(format!("test `{}` needs `name`, `turns` and `expect`", case.name));
        }
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
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::{Library, RuleSet, parse};
    use crate::phrases::PhraseTable;

    const GOOD: &str = "version: 1\nid: x\ntitle: 测试\nrequirement: A1\nseverity: minor\npoints: 5\nwhy: 因为\n\
        scope: { role: agent }\nviolation_when: found\ncondition:\n  keyword: { any: [笨] }\ntests:\n\
        \x20 - { name: a, turns: [\"agent: 你真笨\"], expect: hit }\n  - { name: b, turns: [\"agent: 您好\"], expect: clear }\n";

    fn message(text: &str) -> String {
        parse(Path::new("rules/c/x.yaml"), text, &mut PhraseTable::default(), &Library::new())
            .map_or_else(|p| p[0].to_string(), |_| String::new())
    }

    fn with_condition(condition: &str) -> String {
        message(&GOOD.replace("keyword: { any: [笨] }", condition))
    }

    #[test]
    fn a_good_rule_loads() {
        assert_eq!(message(GOOD), "");
    }

    #[test]
    fn a_file_that_is_no_rule_is_one_mistake_whoever_refers_to_it() {
        let refers = GOOD.replace("keyword: { any: [笨] }", "rule: y");
        let wrong = |y: &str| {
            let texts = [("r/c/x.yaml", refers.as_str()), ("r/c/y.yaml", y)];
            let texts = texts.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
            RuleSet::from_texts(Path::new("r"), &texts, None).unwrap_err().to_string()
        };
        assert!(!wrong("version: [").contains("there is no rule"), "what y is tells its own message");
        assert!(wrong(&GOOD.replace("id: x", "id: z")).contains("there is no rule `y`"));
    }

    #[test]
    fn files_are_kept_as_they_were_read_and_named_below_the_folder() {
        let of = |root: &str, path: &str| {
            let texts = [(PathBuf::from(path), GOOD.to_owned())];
            RuleSet::from_texts(Path::new(root), &texts, None).unwrap()
        };
        for (root, path, name) in [("/a/rules", "/a/rules/c/x.yaml", "c/x.yaml"), ("/a/x.yaml", "/a/x.yaml", "x.yaml")]
        {
            let rules = of(root, path);
            let file = rules.file("x").unwrap();
            assert_eq!((file.path.as_path(), file.text.as_str()), (Path::new(name), GOOD));
            assert!(rules.file("y").is_none());
        }
    }

    #[test]
    fn a_rule_may_use_the_condition_of_another() {
        let user = GOOD.replace("id: x", "id: y").replace("keyword: { any: [笨] }", "rule: x");
        let load = |texts: &[(&str, &str)]| {
            let texts: Vec<_> = texts.iter().map(|(p, t)| (PathBuf::from(p), (*t).to_owned())).collect();
            RuleSet::from_texts(Path::new("r"), &texts, None).map_err(|e| e.to_string())
        };
        let rules = load(&[("r/c/y.yaml", &user), ("r/c/x.yaml", GOOD)]).unwrap();
        assert!(crate::run_tests(&rules, &crate::EvalOptions::default()).iter().all(crate::CaseResult::passed));
        let named = GOOD
            .replace(
                "condition:\n",
                "conditions:\n  rude: { keyword: { any: [笨] } }\ncondition:\n  not: { not: { expr: rude } }\n",
            )
            .replace("  keyword: { any: [笨] }\ntests", "tests");
        let user_of_named = user.replace("rule: x", "rule: x.rude");
        let rules = load(&[("r/c/y.yaml", &user_of_named), ("r/c/x.yaml", &named)]).unwrap();
        assert!(crate::run_tests(&rules, &crate::EvalOptions::default()).iter().all(crate::CaseResult::passed));
        let unnamed = load(&[("r/c/y.yaml", &user_of_named), ("r/c/x.yaml", GOOD)]).unwrap_err();
        assert!(unnamed.contains("no condition named `rude`"), "{unnamed}");
        let missing = load(&[("r/c/y.yaml", &user)]).unwrap_err();
        assert!(missing.contains("y.yaml:11:") && missing.contains("there is no rule `x`"), "{missing}");
        let circle = GOOD.replace("keyword: { any: [笨] }", "rule: y");
        let circle = load(&[("r/c/y.yaml", &user), ("r/c/x.yaml", &circle)]).unwrap_err();
        assert!(circle.contains("leads back to itself"), "{circle}");
    }

    #[test]
    fn mistakes_are_shown_at_their_place() {
        let unknown = with_condition("keywrod: { any: [笨] }");
        assert!(unknown.starts_with("rules/c/x.yaml:11:3:") && unknown.contains("keyword"), "{unknown}");
        let key = message(&GOOD.replace("points: 5", "points: 5\nponts: 5"));
        assert!(key.contains(":7:1:") && key.contains("ponts"), "{key}");
        let regex = with_condition("regex: { pattern: \"(笨\" }");
        assert!(regex.contains(":11:") && regex.contains("bad regular expression"), "{regex}");
        let id = message(&GOOD.replace("id: x", "id: y"));
        assert!(id.contains(":2:5:") && id.contains("file name `x`"), "{id}");
        assert!(message(&GOOD.replace("expect: clear", "expect: hit")).contains("expect: clear"));
    }

    #[test]
    fn expressions_point_at_their_column() {
        let named = GOOD.replace(
            "condition:\n  keyword: { any: [笨] }",
            "conditions:\n  rude: { keyword: { any: [笨] } }\ncondition:\n  expr: \"EXPR\"",
        );
        let of = |expr: &str| message(&named.replace("EXPR", expr));
        assert_eq!(of("rude"), "");
        assert!(of("rude || !(rude && rude)").contains("always holds"));
        let unknown = of("rude && rued");
        assert!(unknown.contains(":13:18:") && unknown.contains("`rued` is not among"), "{unknown}");
        let open = of("rude && (rude");
        assert!(open.contains(":13:18:") && open.contains("never closed"), "{open}");
        assert!(of("rude & rude").contains("means nothing here"));
        assert!(of("rude &&").contains("found the end"));
        assert!(of(&"(".repeat(200)).contains("nested"));
    }

    #[test]
    fn conditions_that_cannot_do_anything_are_errors() {
        assert!(
            with_condition("all: [{ keyword: { any: [笨] } }, { not: { keyword: { any: [笨] } } }]")
                .contains("never hold")
        );
        assert!(with_condition("keyword: { any: [真的笨], except: [笨] }").contains("can never be met"));
        assert!(with_condition("regex: { pattern: \"笨*\" }").contains("empty text"));
        assert!(
            with_condition("count: { of: { keyword: { any: [笨] } }, at_least: 3, at_most: 2 }").contains("never hold")
        );
        assert!(with_condition("keyword: { any: [笨, 笨] }").contains("already"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_loader_panic(cut in 0usize..400, junk in "\\PC{0,20}") {
            let mut text: String = GOOD.chars().take(cut).collect();
            text.push_str(&junk);
            let _ = parse(Path::new("rules/c/x.yaml"), &text, &mut PhraseTable::default(), &Library::new());
        }
    }
}
