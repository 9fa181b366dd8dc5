//! Conditions and their three-valued logic.

mod count;
mod expr;
mod near;
mod reference;
mod sequence;

use callsift_core::Evidence;
use schemars::JsonSchema;
use serde::Deserialize;

pub use count::Count;
pub use expr::Expr;
pub use near::Near;
pub use reference::{Library, Reference};
pub use sequence::Sequence;

use crate::compile::Compiler;
use crate::operators::{self as op, Operator};
use crate::schema::Scope;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What a rule looks for: an operator, or conditions joined.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Holds where every part holds.
    All(Vec<Condition>),
    /// Holds where one part holds.
    Any(Vec<Condition>),
    /// Holds where the part does not.
    Not(Box<Condition>),
    /// Named conditions joined by `&&`, `||`, `!` and brackets.
    Expr(Expr),
    /// Looks at other turns than the rule's scope.
    Within(Within),
    /// Looks before, after or around the places of another condition.
    Near(Near),
    /// Counts the places or turns of a condition.
    Count(Count),
    /// Steps that must come one after the other.
    Sequence(Sequence),
    /// The condition of another rule.
    Rule(Reference),
    /// Phrases.
    Keyword(op::keyword::Keyword),
    /// A regular expression.
    Regex(op::regex::Pattern),
    /// A sentence that is like one of the examples.
    Similar(op::similar::Similar),
    /// Something said again.
    Repeat(op::repeat::Repeat),
    /// Amounts, quantities, numbers, dates, products.
    Entity(op::entity::Entity),
    /// A share of one list of words among two.
    Share(op::share::Share),
    /// Nobody speaks.
    Silence(op::silence::Silence),
    /// Speech rate.
    Pace(op::pace::Pace),
    /// Both speak.
    Overlap(op::overlap::Overlap),
    /// Level of the voice.
    Loudness(op::loudness::Loudness),
    /// Who speaks.
    Role(op::role::Role),
    /// How the call ends.
    HangUp(op::hang_up::HangUp),
    /// How long until the first word.
    SlowAnswer(op::slow_answer::SlowAnswer),
    /// Length of the call or of one side's talk.
    Duration(op::duration::Duration),
    /// Number of turns.
    Turns(op::turns::Turns),
    /// A text model's label.
    Model(op::model::ModelLabel),
    /// A field of the metadata.
    Metadata(op::metadata::Metadata),
    /// A question without its answer.
    Unanswered(op::unanswered::Unanswered),
    /// The customer orders something.
    Order(op::order::Order),
    /// The agent repeats the customer's order.
    Readback(op::readback::Readback),
    /// What the agent repeats differs from the order.
    OrderMismatch(op::order_mismatch::OrderMismatch),
}

/// A condition with a scope of its own, chosen from the whole call.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
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
    /// What was searched in vain, where that is not the rule's own scope.
    pub searched: Option<Selection>,
    /// Phrases of the table that were looked for in vain.
    pub missed: Vec<u32>,
    /// True where what was not recorded of the call could change the answer.
    pub open: bool,
}

impl Eval {
    /// An answer.
    pub fn new(path: &str, truth: Truth, evidence: Vec<Evidence>, note: String) -> Self {
        let (parts, searched, missed) = (Vec::new(), None, Vec::new());
        Self { path: path.to_owned(), truth, evidence, note, parts, searched, missed, open: false }
    }

    /// An operator's answer: yes where there is evidence.
    pub fn found(path: &str, evidence: Vec<Evidence>, note: String) -> Self {
        let truth = Truth::from(!evidence.is_empty());
        Self::new(path, truth, evidence, note)
    }

    /// An operator's answer where it cannot answer.
    pub fn unknown(path: &str, note: std::fmt::Arguments<'_>) -> Self {
        Self::new(path, Truth::Unknown, Vec::new(), note.to_string())
    }

    /// Phrases that were looked for in vain and whose absence made the answer.
    pub fn missed_phrases(&self) -> Vec<u32> {
        if self.truth == Truth::Yes {
            return Vec::new();
        }
        let inside = self.parts.iter().flat_map(Self::missed_phrases);
        self.missed.iter().copied().chain(inside).collect()
    }

    /// The selection of the first part that failed, if it was one of its own.
    pub fn failed_selection(&self) -> Option<&Selection> {
        self.searched.as_ref().or_else(|| self.parts.iter().find_map(Self::failed_selection))
    }
}

/// The operator behind a condition with its name in rule files, shared or mutable; `None` for what joins conditions.
macro_rules! operator_of {
    ($condition:expr) => {
        Some(match $condition {
            Condition::Keyword(o) => (op::keyword::DOC.name, o),
            Condition::Regex(o) => (op::regex::DOC.name, o),
            Condition::Similar(o) => (op::similar::DOC.name, o),
            Condition::Repeat(o) => (op::repeat::DOC.name, o),
            Condition::Entity(o) => (op::entity::DOC.name, o),
            Condition::Share(o) => (op::share::DOC.name, o),
            Condition::Silence(o) => (op::silence::DOC.name, o),
            Condition::Pace(o) => (op::pace::DOC.name, o),
            Condition::Overlap(o) => (op::overlap::DOC.name, o),
            Condition::Loudness(o) => (op::loudness::DOC.name, o),
            Condition::Role(o) => (op::role::DOC.name, o),
            Condition::HangUp(o) => (op::hang_up::DOC.name, o),
            Condition::SlowAnswer(o) => (op::slow_answer::DOC.name, o),
            Condition::Duration(o) => (op::duration::DOC.name, o),
            Condition::Turns(o) => (op::turns::DOC.name, o),
            Condition::Model(o) => (op::model::DOC.name, o),
            Condition::Metadata(o) => (op::metadata::DOC.name, o),
            Condition::Unanswered(o) => (op::unanswered::DOC.name, o),
            Condition::Order(o) => (op::order::DOC.name, o),
            Condition::Readback(o) => (op::readback::DOC.name, o),
            Condition::OrderMismatch(o) => (op::order_mismatch::DOC.name, o),
            Condition::All(_)
            | Condition::Any(_)
            | Condition::Not(_)
            | Condition::Expr(_)
            | Condition::Within(_)
            | Condition::Near(_)
            | Condition::Count(_)
            | Condition::Sequence(_)
            | Condition::Rule(_) => return None,
        })
    };
}

impl Condition {
    /// Evaluates over the selected turns; `path` is the condition's place in the rule.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        match self {
            Self::All(parts) => join(call, on, &call.words(format_args!("{path}.all")), parts, true),
            Self::Any(parts) => join(call, on, &call.words(format_args!("{path}.any")), parts, false),
            Self::Not(part) => negate(call, part.eval(call, on, &call.words(format_args!("{path}.not"))), path),
            Self::Expr(expr) => expr.eval(call, on, &call.words(format_args!("{path}.expr"))),
            Self::Within(within) => within.eval(call, &call.words(format_args!("{path}.within"))),
            Self::Near(near) => near.eval(call, on, &call.words(format_args!("{path}.near"))),
            Self::Count(count) => count.eval(call, on, &call.words(format_args!("{path}.count"))),
            Self::Sequence(sequence) => sequence.eval(call, on, &call.words(format_args!("{path}.sequence"))),
            Self::Rule(rule) => rule.eval(call, on, &call.words(format_args!("{path}.rule"))),
            operator => match operator.operator() {
                Some((name, op)) => {
                    let eval = op.eval(call, on, &call.words(format_args!("{path}.{name}")));
                    let open = op.open(call, on, &eval);
                    Eval { open, ..eval }
                }
                None => Eval::unknown(path, said!(NO_OPERATOR)),
            },
        }
    }

    /// The operator behind a condition that joins nothing, with its name in rule files.
    pub fn operator(&self) -> Option<(&'static str, &dyn Operator)> {
        operator_of!(self)
    }

    fn operator_mut(&mut self) -> Option<(&'static str, &mut dyn Operator)> {
        operator_of!(self)
    }

    /// The conditions directly inside.
    pub fn parts(&self) -> Vec<&Condition> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().collect(),
            Self::Not(part) => vec![part],
            Self::Expr(expr) => expr.tree().into_iter().collect(),
            Self::Within(within) => vec![&within.condition],
            Self::Near(near) => vec![&near.anchor, &near.condition],
            Self::Count(count) => vec![&count.of],
            Self::Sequence(sequence) => sequence.steps.iter().map(|s| &s.condition).collect(),
            Self::Rule(rule) => rule.condition().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Every condition in the tree, this one first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Condition)) {
        visit(self);
        for part in self.parts() {
            part.walk(visit);
        }
    }

    /// Prepares every operator (phrases, regular expressions, sounds) and collects what is wrong.
    pub fn compile(&mut self, cx: &mut Compiler<'_>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                if parts.is_empty() {
                    cx.wrong_somewhere("`all` and `any` need at least one condition");
                }
                for part in parts {
                    part.compile(cx);
                }
            }
            Self::Not(part) => part.compile(cx),
            Self::Expr(expr) => expr.compile(cx),
            Self::Within(within) => {
                within.scope.compile(cx);
                within.condition.compile(cx);
            }
            Self::Near(near) => near.compile(cx),
            Self::Count(count) => count.compile(cx),
            Self::Sequence(sequence) => sequence.compile(cx),
            Self::Rule(rule) => rule.compile(cx),
            operator => {
                if let Some((_, op)) = operator.operator_mut() {
                    op.compile(cx);
                }
            }
        }
    }
}

impl Within {
    fn eval(&self, call: &CallView<'_>, path: &str) -> Eval {
        let selection = call.select(&self.scope, &call.everything());
        let mut eval = self.condition.eval(call, &selection, path);
        if eval.truth != Truth::Yes && eval.searched.is_none() {
            eval.searched = Some(selection);
        }
        eval
    }
}

/// Evidence in order of place.
pub(crate) fn sort_evidence(evidence: &mut [Evidence]) {
    evidence.sort_by_key(|e| (e.span.start_ms, e.turn, e.char_start, e.char_end));
}

fn join(call: &CallView<'_>, on: &Selection, path: &str, parts: &[Condition], all: bool) -> Eval {
    let (stops, passes) = if all { (Truth::No, Truth::Yes) } else { (Truth::Yes, Truth::No) };
    let mut done = Vec::with_capacity(parts.len());
    for (i, part) in parts.iter().enumerate() {
        done.push(part.eval(call, on, &call.words(format_args!("{path}[{i}]"))));
        // Evidence of every part of `any` counts; what fails needs no more than to fail, unless it is to be explained.
        if all && !call.is_traced() && done[i].truth == stops {
            break;
        }
    }
    let parts = done;
    let truth = if parts.iter().any(|p| p.truth == stops) {
        stops
    } else if parts.iter().any(|p| p.truth == Truth::Unknown) {
        Truth::Unknown
    } else {
        passes
    };
    // What stops holds whatever else is said; what passes hangs on every part.
    let deciding = |p: &&Eval| p.truth == truth;
    let open = if truth == stops {
        parts.iter().filter(deciding).all(|p| p.open)
    } else {
        parts.iter().filter(deciding).any(|p| p.open)
    };
    let mut evidence: Vec<Evidence> = if truth == Truth::Yes {
        parts.iter().filter(|p| p.truth == Truth::Yes).flat_map(|p| p.evidence.clone()).collect()
    } else {
        Vec::new()
    };
    sort_evidence(&mut evidence);
    let note = if all { call.words(said!(ALL)) } else { call.words(said!(ANY)) };
    Eval { parts, open, ..Eval::new(path, truth, evidence, note) }
}

fn negate(call: &CallView<'_>, part: Eval, path: &str) -> Eval {
    let truth = match part.truth {
        Truth::Yes => Truth::No,
        Truth::No => Truth::Yes,
        Truth::Unknown => Truth::Unknown,
    };
    Eval {
        open: part.open,
        parts: vec![part],
        ..Eval::new(&call.words(format_args!("{path}.not")), truth, Vec::new(), said!(NOT).to_string())
    }
}
