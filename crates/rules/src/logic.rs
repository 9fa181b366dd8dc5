//! Conditions and their three-valued logic.

use callsift_core::Evidence;
use serde::Deserialize;

use crate::operators::{
    keyword::Keyword, model::ModelLabel, overlap::Overlap, readback::Readback, regex::Pattern, silence::Silence,
};
use crate::schema::Scope;
use crate::view::{CallView, Selection};

/// What a rule looks for: an operator, or conditions joined.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Holds where every part holds.
    All(Vec<Condition>),
    /// Holds where one part holds.
    Any(Vec<Condition>),
    /// Holds where the part does not.
    Not(Box<Condition>),
    /// Looks at other turns than the rule's scope.
    Within(Within),
    /// Phrases.
    Keyword(Keyword),
    /// A regular expression.
    Regex(Pattern),
    /// A text model's label.
    Model(ModelLabel),
    /// Nobody speaks.
    Silence(Silence),
    /// Both speak.
    Overlap(Overlap),
    /// The agent repeats the customer's order.
    Readback(Readback),
}

/// A condition with a scope of its own, chosen from the whole call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// Which turns.
    pub scope: Scope,
    /// What is looked for there.
    pub condition: Box<Condition>,
}

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The condition holds.
    Yes,
    /// It does not.
    No,
    /// It cannot be told.
    Unknown,
}

/// How a condition came out, part by part: what `explain` prints.
#[derive(Debug, Clone)]
pub struct Eval {
    /// Path into the rule: `condition.any[1].keyword`.
    pub path: String,
    /// The answer.
    pub truth: Truth,
    /// Where it holds.
    pub evidence: Vec<Evidence>,
    /// What was seen, in Chinese.
    pub note: String,
    /// Parts of a joined condition.
    pub parts: Vec<Eval>,
}

impl Eval {
    /// An operator's answer: yes where there is evidence.
    pub fn found(path: &str, evidence: Vec<Evidence>, note: String) -> Self {
        let truth = if evidence.is_empty() { Truth::No } else { Truth::Yes };
        Self { path: path.to_owned(), truth, evidence, note, parts: Vec::new() }
    }

    /// An operator's answer where it cannot answer.
    pub fn unknown(path: &str, note: String) -> Self {
        Self { path: path.to_owned(), truth: Truth::Unknown, evidence: Vec::new(), note, parts: Vec::new() }
    }
}

impl Condition {
    /// Evaluates over the selected turns; `path` is the condition's place in the rule.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        match self {
            Self::All(parts) => join(call, on, &format!("{path}.all"), parts, true),
            Self::Any(parts) => join(call, on, &format!("{path}.any"), parts, false),
            Self::Not(part) => negate(part.eval(call, on, &format!("{path}.not")), path),
            Self::Within(within) => {
                let all = call.everything();
                within.condition.eval(call, &call.select(&within.scope, &all), &format!("{path}.within"))
            }
            Self::Keyword(op) => op.eval(call, on, &format!("{path}.keyword")),
            Self::Regex(op) => op.eval(call, on, &format!("{path}.regex")),
            Self::Model(op) => op.eval(call, on, &format!("{path}.model")),
            Self::Silence(op) => op.eval(call, on, &format!("{path}.silence")),
            Self::Overlap(op) => op.eval(call, on, &format!("{path}.overlap")),
            Self::Readback(op) => op.eval(call, on, &format!("{path}.readback")),
        }
    }

    /// Every condition in the tree, this one first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Condition)) {
        visit(self);
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|p| p.walk(visit)),
            Self::Not(part) => part.walk(visit),
            Self::Within(within) => within.condition.walk(visit),
            _ => {}
        }
    }

    /// Prepares every operator (regular expressions, sounds).
    ///
    /// # Errors
    /// Place and reason of each thing that is wrong.
    pub fn compile(&mut self, problems: &mut Vec<(usize, usize, String)>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                if parts.is_empty() {
                    problems.push((0, 0, "`all` and `any` need at least one condition".to_owned()));
                }
                for part in parts {
                    part.compile(problems);
                }
            }
            Self::Not(part) => part.compile(problems),
            Self::Within(within) => {
                within.scope.check(problems);
                within.condition.compile(problems);
            }
            Self::Keyword(op) => op.compile(problems),
            Self::Regex(op) => op.compile(problems),
            Self::Model(op) => op.check(problems),
            Self::Silence(op) => op.check(problems),
            Self::Overlap(op) => op.check(problems),
            Self::Readback(op) => op.check(problems),
        }
    }
}

impl Scope {
    /// Adds a problem for each limit that selects nothing.
    pub fn check(&self, problems: &mut Vec<(usize, usize, String)>) {
        let counts = [("first_turns", &self.first_turns), ("last_turns", &self.last_turns)];
        for (name, value) in counts.into_iter().filter_map(|(n, v)| v.as_ref().map(|v| (n, v))) {
            if value.value == 0 {
                problems.push(at(&value.referenced, format!("`{name}` must be at least 1; 0 selects no turn")));
            }
        }
        let times = [("first_ms", &self.first_ms), ("last_ms", &self.last_ms)];
        for (name, value) in times.into_iter().filter_map(|(n, v)| v.as_ref().map(|v| (n, v))) {
            if value.value <= 0 {
                problems.push(at(&value.referenced, format!("`{name}` must be more than 0 milliseconds")));
            }
        }
    }
}

/// A problem at a place in the file.
pub(crate) fn at(location: &serde_saphyr::Location, message: String) -> (usize, usize, String) {
    (location.line() as usize, location.column() as usize, message)
}

fn join(call: &CallView<'_>, on: &Selection, path: &str, parts: &[Condition], all: bool) -> Eval {
    let parts: Vec<Eval> = parts.iter().enumerate().map(|(i, p)| p.eval(call, on, &format!("{path}[{i}]"))).collect();
    let (stops, passes) = if all { (Truth::No, Truth::Yes) } else { (Truth::Yes, Truth::No) };
    let truth = if parts.iter().any(|p| p.truth == stops) {
        stops
    } else if parts.iter().any(|p| p.truth == Truth::Unknown) {
        Truth::Unknown
    } else {
        passes
    };
    let mut evidence: Vec<Evidence> = if truth == Truth::Yes {
        parts.iter().filter(|p| p.truth == Truth::Yes).flat_map(|p| p.evidence.clone()).collect()
    } else {
        Vec::new()
    };
    evidence.sort_by_key(|e| (e.span.start_ms, e.turn, e.char_start));
    let note = if all { "须全部满足" } else { "满足其一即可" };
    Eval { path: path.to_owned(), truth, evidence, note: note.to_owned(), parts }
}

fn negate(part: Eval, path: &str) -> Eval {
    let truth = match part.truth {
        Truth::Yes => Truth::No,
        Truth::No => Truth::Yes,
        Truth::Unknown => Truth::Unknown,
    };
    Eval { path: format!("{path}.not"), truth, evidence: Vec::new(), note: "取反".to_owned(), parts: vec![part] }
}
