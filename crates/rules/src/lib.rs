//! Loads, checks, tests, explains and evaluates rule files.
//!
//! One rule is one YAML file with its own tests; [`RuleSet::load`] reads a folder of them, [`RuleSet::evaluate`] is a
//! pure function from turns to findings: same call and same rules give the same findings in the same order.
//!
//! To add an operator: one file in `operators/`, one variant in [`logic::Condition`] with its line in
//! `operator_of!`, one line in [`operators::OPERATORS`], what it says in `sentences.rs`, in Chinese and English; a test fails
//! until its documentation and example are there.

mod absence;
mod again;
mod amount;
mod check;
pub mod compile;
pub mod docs;
pub mod error;
pub mod evaluate;
pub mod explain;
mod expression;
mod literals;
pub mod load;
pub mod logic;
pub mod operators;
pub mod orders;
pub mod phrases;
mod prefilter;
pub mod profile;
mod quoted;
pub mod schema;
pub mod score;
pub mod selftest;
mod sentences;
pub mod view;

pub use again::{Answers, Doubts, Question, Reading, UNHEARD, Wanted};
pub use error::{RuleError, RuleProblem};
pub use evaluate::EvalOptions;
pub use load::{RuleFile, RuleSet, default_profile};
pub use operators::{OPERATORS, OperatorDoc};
pub use schema::Rule;
pub use score::{ScoreItem, score, score_items};
pub use selftest::{CaseResult, NoiseResult, run_noisy, run_tests, run_tests_of};
pub use sentences::english;
pub use view::{CallFacts, CallView};
