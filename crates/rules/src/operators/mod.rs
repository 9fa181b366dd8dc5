//! One file per operator; the registry that documentation, JSON schema and completeness tests are made from.
//!
//! To add one: a file here, a variant in [`Condition`](crate::logic::Condition) with its line in `operator_of!`, and a
//! line in [`OPERATORS`]. A test runs every example and compares the parameters with the type's.

use callsift_core::SpeakerRole;

use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::view::{CallView, Selection};

pub mod duration;
pub mod entity;
pub mod hang_up;
pub mod keyword;
pub mod loudness;
pub mod metadata;
pub mod model;
pub mod order;
pub mod order_mismatch;
pub mod overlap;
pub mod pace;
pub mod readback;
pub mod regex;
pub mod repeat;
pub mod role;
pub mod share;
pub mod silence;
pub mod similar;
pub mod slow_answer;
pub mod turns;
pub mod unanswered;

/// Words that may have been said where something else was heard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// In matching form.
    pub words: String,
    /// Who may have said them; `None`: whom the rule looks at.
    pub role: Option<SpeakerRole>,
}

impl Awaited {
    /// Words of those whom the rule looks at.
    pub fn of_searched(words: impl Into<String>) -> Self {
        Self { words: words.into(), role: None }
    }

    /// Words of one side.
    pub fn of(role: SpeakerRole, words: impl Into<String>) -> Self {
        Self { words: words.into(), role: Some(role) }
    }
}

/// What every operator does.
pub trait Operator {
    /// Prepares phrases and expressions, and says what is wrong with the parameters.
    fn compile(&mut self, cx: &mut Compiler<'_>);

    /// Looks at the selected turns; `path` is the operator's place in the rule.
    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval;

    /// Words of which one, said, could make the operator hold; none for what does not hang on words.
    fn awaited(&self, _call: &CallView<'_>) -> Vec<Awaited> {
        Vec::new()
    }

    /// Words of which one, said beside what was found, would excuse it.
    fn excusing(&self, _call: &CallView<'_>) -> Vec<Awaited> {
        Vec::new()
    }

    /// True where the operator compares what two sides said, so that it may hold because one of them was misheard.
    fn compares(&self) -> bool {
        false
    }

    /// Words of which one, said in place of others, could make such an operator not hold.
    fn contrary(&self, _call: &CallView<'_>) -> Vec<Awaited> {
        Vec::new()
    }

    /// Whether what was not recorded of the call could change the answer. Most operators look for something: what is there
    /// stays there, what was not found may have been said where nothing was recorded.
    fn open(&self, _call: &CallView<'_>, on: &Selection, eval: &Eval) -> bool {
        on.unheard && eval.truth == Truth::No
    }
}

/// Documentation of one operator, in Chinese for rule writers.
#[derive(Debug, Clone, Copy)]
pub struct OperatorDoc {
    /// Name in rule files.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it checks.
    pub checks: &'static str,
    /// Parameters with their units and defaults.
    pub params: &'static [(&'static str, &'static str)],
    /// A condition.
    pub example: &'static str,
    /// A call, as in a rule's tests, where the example holds.
    pub holds: &'static str,
    /// A call where it does not.
    pub fails: &'static str,
    /// What it does not see.
    pub blind_spots: &'static str,
}

/// Every operator, in the order of the documentation.
pub const OPERATORS: &[OperatorDoc] = &[
    keyword::DOC,
    regex::DOC,
    similar::DOC,
    repeat::DOC,
    entity::DOC,
    share::DOC,
    model::DOC,
    silence::DOC,
    pace::DOC,
    overlap::DOC,
    loudness::DOC,
    role::DOC,
    hang_up::DOC,
    slow_answer::DOC,
    duration::DOC,
    turns::DOC,
    metadata::DOC,
    unanswered::DOC,
    order::DOC,
    readback::DOC,
    order_mismatch::DOC,
];

/// What `except` means everywhere.
pub(crate) const EXCEPT: (&str, &str) = ("except", "豁免短语：话轮里出现其中之一就不算");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{OPERATORS, Truth};
    use crate::logic::Condition;
    use crate::selftest::{eval_case, parse_case};

    #[test]
    fn every_example_holds_where_it_should_and_only_there() {
        for op in OPERATORS {
            assert!(op.checks.chars().count() > 10 && op.blind_spots.chars().count() > 5, "{} lacks words", op.name);
            assert!(op.example.starts_with(op.name), "{}: the example must show the operator", op.name);
            for (case, wanted) in [(op.holds, Truth::Yes), (op.fails, Truth::No)] {
                let eval = eval_case(op.example, &parse_case(case));
                assert_eq!(eval.truth, wanted, "{}: {case}: {}", op.name, eval.note);
            }
        }
    }

    #[test]
    fn every_parameter_is_documented() {
        let schema = serde_json::to_value(schemars::schema_for!(Condition)).unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        let join = ["all", "any", "not", "expr", "within", "near", "count", "sequence", "rule"];
        let mut seen = BTreeSet::new();
        for variant in variants {
            let (name, body) = variant["properties"].as_object().unwrap().iter().next().unwrap();
            if join.contains(&name.as_str()) {
                continue;
            }
            let doc = OPERATORS.iter().find(|op| op.name == name).unwrap_or_else(|| panic!("{name} is not registered"));
            let reference = body["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            let type_of: BTreeSet<&str> =
                schema["$defs"][reference]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let written: BTreeSet<&str> = doc.params.iter().map(|(n, _)| *n).collect();
            assert_eq!(type_of, written, "parameters of {name}");
            seen.insert(name.clone());
        }
        assert_eq!(seen.len(), OPERATORS.len());
    }
}
