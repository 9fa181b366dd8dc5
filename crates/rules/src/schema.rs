//! The shape of a rule file. Unknown keys are errors.

use std::collections::BTreeMap;

use callsift_core::{Severity, SpeakerRole, Verdict};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::logic::Condition;

/// One rule: one file `rules/<category>/<id>.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Version of this file format; 1.
    pub version: Spanned<u32>,
    /// Names the fault in kebab-case; equals the file's name.
    pub id: Spanned<String>,
    /// Title in Chinese, as QA staff see it.
    pub title: String,
    /// Row of the requirements that the rule covers, e.g. `A1`.
    pub requirement: String,
    /// How grave the fault is.
    pub severity: Severity,
    /// Points off the score of 100 for the first hit.
    pub points: Spanned<f64>,
    /// Why the rule is there, for the agent who reads the finding.
    pub why: String,
    /// Which calls the rule concerns; all where absent.
    #[serde(default)]
    pub applies: Applies,
    /// Which turns the condition looks at.
    #[serde(default)]
    pub scope: Scope,
    /// Whether finding the condition is the fault, or missing it.
    pub violation_when: ViolationWhen,
    /// What is looked for.
    pub condition: Condition,
    /// The rule's own tests; at least one hit and one clear.
    pub tests: Vec<TestCase>,
    /// Folder of the file; filled in on loading.
    #[serde(skip)]
    pub category: String,
}

/// When the condition is the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationWhen {
    /// Finding it is the fault (a forbidden phrase).
    Found,
    /// Not finding it is the fault (a greeting).
    Missing,
}

/// Which calls a rule concerns.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Applies {
    /// `inbound`, `outbound`; empty: both. Calls of unknown direction are judged.
    pub directions: Vec<DirectionName>,
    /// Queues; empty: all.
    pub queues: Vec<String>,
    /// A condition on the whole call; where it does not hold the rule is `not_applicable`.
    pub when: Option<Box<Condition>>,
}

/// Direction as rule files write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectionName {
    /// The customer called.
    Inbound,
    /// The agent called.
    Outbound,
}

/// Which turns a condition looks at. All given limits hold at once.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Whose turns; anyone's where absent.
    pub role: Option<RoleName>,
    /// Only the first N turns of that role.
    pub first_turns: Option<Spanned<usize>>,
    /// Only the last N turns of that role.
    pub last_turns: Option<Spanned<usize>>,
    /// Only turns that begin within so many milliseconds of the first word of the call.
    pub first_ms: Option<Spanned<i64>>,
    /// Only turns that end within so many milliseconds of the last word of the call.
    pub last_ms: Option<Spanned<i64>>,
}

/// Role as rule files write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// The agent's turns.
    Agent,
    /// The customer's turns.
    Customer,
}

impl From<RoleName> for SpeakerRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Agent => Self::Agent,
            RoleName::Customer => Self::Customer,
        }
    }
}

/// One test of a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What the case shows.
    pub name: String,
    /// The call, turn by turn.
    pub turns: Vec<TestTurn>,
    /// The verdict that must come out.
    pub expect: Verdict,
    /// Direction of the call.
    #[serde(default)]
    pub direction: Option<DirectionName>,
    /// Queue of the call.
    #[serde(default)]
    pub queue: Option<String>,
}

/// A turn of a test: `agent: 您好`, or with times, confidence and labels spelled out.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum TestTurn {
    /// `role: text`; times are laid out at 240 characters a minute with pauses of 300 ms.
    Line(String),
    /// Everything spelled out.
    Full(FullTurn),
}

/// A test turn with its measures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullTurn {
    /// Who speaks.
    pub role: RoleName,
    /// What is said.
    pub text: String,
    /// Start in milliseconds; after the turn before where absent.
    pub start_ms: Option<i64>,
    /// End in milliseconds.
    pub end_ms: Option<i64>,
    /// Mean character probability, 0 to 1; 0.95 where absent.
    pub confidence: Option<f64>,
    /// How sure the role is, 0 to 1; 1 where absent.
    pub role_confidence: Option<f64>,
    /// Labels of text models with their probabilities.
    #[serde(default)]
    pub labels: BTreeMap<String, f64>,
}
