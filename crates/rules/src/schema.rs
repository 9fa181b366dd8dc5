//! The shape of a rule file. Unknown keys are errors.

use std::collections::BTreeMap;

use callsift_core::{ChannelLayout, Direction, Severity, SpeakerRole, TimeSpan, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::compile::Compiler;
use crate::expression::Words;
use crate::logic::Condition;

/// One rule: one file `rules/<category>/<id>.yaml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Version of this file format; 1.
    #[schemars(with = "u32")]
    pub version: Spanned<u32>,
    /// Names the fault in kebab-case; equals the file's name.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// Title in Chinese, as QA staff see it.
    pub title: String,
    /// Row of the requirements that the rule covers, e.g. `A1`.
    pub requirement: String,
    /// How grave the fault is: minor, moderate, severe, fatal; a fatal hit makes the score 0.
    #[schemars(with = "SeverityName")]
    pub severity: Severity,
    /// Points off the score of 100 for a hit.
    #[schemars(with = "f64")]
    pub points: Spanned<f64>,
    /// Points for each place that hits, up to this many in all; without it a call costs `points` once.
    #[schemars(with = "Option<f64>")]
    #[serde(default)]
    pub points_cap: Option<Spanned<f64>>,
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
    /// Lists of words with a name: `{name}` in an expression of this rule stands for any of the list. Entries may be
    /// expressions and name other lists.
    #[serde(default)]
    pub words: Words,
    /// Conditions with a name, for `expr` in this rule.
    #[serde(default)]
    pub conditions: BTreeMap<String, Condition>,
    /// With `violation_when: found`: where the mean character probability of the turns in scope is under this, 0 to 1, not
    /// finding it proves nothing and the answer is `cannot_tell`.
    #[schemars(with = "Option<f64>")]
    #[serde(default)]
    pub min_confidence: Option<Spanned<f64>>,
    /// What is looked for.
    #[schemars(with = "Condition")]
    pub condition: Spanned<Condition>,
    /// A condition on the whole call that excuses the fault.
    #[serde(default)]
    pub except: Option<Box<Condition>>,
    /// Where this holds in the turns in scope, the rule says `cannot_tell` instead of `hit`: what may well be the expected act,
    /// or may not be the fault, in words that nobody foresaw.
    #[serde(default)]
    pub cannot_tell_when: Option<Box<Condition>>,
    /// The rule's own tests; at least one hit and one clear.
    pub tests: Vec<TestCase>,
    /// Folder of the file; filled in on loading.
    #[serde(skip)]
    pub category: String,
    /// True where a scope somewhere in the rule names a role; filled in on loading.
    #[serde(skip)]
    pub names_role: bool,
}

/// When the condition is the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViolationWhen {
    /// Finding it is the fault (a forbidden phrase).
    Found,
    /// Not finding it is the fault (a greeting).
    Missing,
}

/// Which calls a rule concerns.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Applies {
    /// `inbound`, `outbound`; empty: both. A call of unknown direction is then none of them.
    #[schemars(with = "Vec<DirectionName>")]
    pub directions: Vec<Direction>,
    /// Queues; empty: all.
    pub queues: Vec<String>,
    /// Business types, as the metadata field `business` has them; empty: all.
    pub business: Vec<String>,
    /// First day of calls that the rule concerns, `YYYY-MM-DD`.
    #[schemars(with = "Option<String>")]
    pub from: Option<Spanned<String>>,
    /// Last day of calls that the rule concerns, `YYYY-MM-DD`.
    #[schemars(with = "Option<String>")]
    pub until: Option<Spanned<String>>,
    /// A condition on the whole call; where it does not hold the rule is `not_applicable`.
    pub when: Option<Box<Condition>>,
}

/// Which turns a condition looks at. All given limits hold at once.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Whose turns, `agent` or `customer`; anyone's where absent.
    #[schemars(with = "Option<RoleName>")]
    pub role: Option<SpeakerRole>,
    /// Only the first N turns of that role.
    #[schemars(with = "Option<usize>")]
    pub first_turns: Option<Spanned<usize>>,
    /// Only the last N turns of that role.
    #[schemars(with = "Option<usize>")]
    pub last_turns: Option<Spanned<usize>>,
    /// Only turns that begin within so many milliseconds of the first word of the call.
    #[schemars(with = "Option<i64>")]
    pub first_ms: Option<Spanned<i64>>,
    /// Only turns that end within so many milliseconds of the last word of the call.
    #[schemars(with = "Option<i64>")]
    pub last_ms: Option<Spanned<i64>>,
    /// Only turns that begin in the first N percent of the call.
    #[schemars(with = "Option<f64>")]
    pub first_percent: Option<Spanned<f64>>,
    /// Only turns that end in the last N percent of the call.
    #[schemars(with = "Option<f64>")]
    pub last_percent: Option<Spanned<f64>>,
}

impl Scope {
    /// Adds a problem for each limit that selects nothing.
    pub fn compile(&self, cx: &mut Compiler<'_>) {
        for (name, value) in [("first_turns", &self.first_turns), ("last_turns", &self.last_turns)] {
            if let Some(v) = value {
                cx.expect(v.value > 0, &v.referenced, format!("`{name}` must be at least 1; 0 selects no turn"));
            }
        }
        for (name, value) in [("first_ms", &self.first_ms), ("last_ms", &self.last_ms)] {
            if let Some(v) = value {
                cx.expect(v.value > 0, &v.referenced, format!("`{name}` must be more than 0 milliseconds"));
            }
        }
        for (name, value) in [("first_percent", &self.first_percent), ("last_percent", &self.last_percent)] {
            if let Some(v) = value {
                let good = v.value > 0.0 && v.value <= 100.0;
                cx.expect(good, &v.referenced, format!("`{name}` must be more than 0 and at most 100"));
            }
        }
        if self.role == Some(SpeakerRole::Unknown) {
            cx.wrong_somewhere("`role` is `agent` or `customer`");
        }
    }

    /// The stretch of a call that the limits in time leave; `None` where there is no such limit.
    pub fn limits(&self, call: TimeSpan) -> Option<TimeSpan> {
        let share = |p: &Spanned<f64>| (call.len_ms() as f64 * p.value / 100.0).ceil() as i64;
        let first = [self.first_ms.as_ref().map(|v| v.value), self.first_percent.as_ref().map(share)];
        let last = [self.last_ms.as_ref().map(|v| v.value), self.last_percent.as_ref().map(share)];
        let (first, last) = (first.into_iter().flatten().min(), last.into_iter().flatten().min());
        if first.is_none() && last.is_none() {
            return None;
        }
        let start = last.map_or(call.start_ms, |ms| call.end_ms.saturating_sub(ms).max(call.start_ms));
        let end = first.map_or(call.end_ms, |ms| call.start_ms.saturating_add(ms).min(call.end_ms));
        Some(TimeSpan::new(start, end))
    }
}

/// A call of a test: turns and whatever else of it matters.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestCase {
    /// What the case shows.
    pub name: String,
    /// The call, turn by turn.
    pub turns: Vec<TestTurn>,
    /// The verdict that must come out.
    #[schemars(with = "VerdictName")]
    pub expect: Option<Verdict>,
    /// Direction of the call.
    #[schemars(with = "Option<DirectionName>")]
    pub direction: Direction,
    /// Queue of the call.
    pub queue: Option<String>,
    /// Day of the call, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The order as the order system has it: `item=quantity unit;…`.
    pub order: Option<String>,
    /// Other fields of the metadata.
    pub metadata: BTreeMap<String, String>,
    /// Length of the recording in milliseconds.
    pub duration_ms: Option<i64>,
    /// How channels relate to speakers; one speaker a channel where absent.
    #[schemars(with = "Option<LayoutName>")]
    pub layout: Option<ChannelLayout>,
    /// Not part of `rules test --noise`: the case is about letters, not sounds.
    pub no_noise: bool,
}

/// A turn of a test: `agent: 您好`, or with times, confidence and labels spelled out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TestTurn {
    /// `role: text`; times are laid out at 240 characters a minute with pauses of 300 ms.
    Line(String),
    /// Everything spelled out.
    Full(FullTurn),
}

/// A test turn with its measures.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FullTurn {
    /// Who speaks.
    #[schemars(with = "RoleName")]
    pub role: SpeakerRole,
    /// What is said.
    pub text: String,
    /// Start in milliseconds; after the turn before where absent.
    pub start_ms: Option<i64>,
    /// End in milliseconds.
    pub end_ms: Option<i64>,
    /// Pause in milliseconds after the turn before, instead of `start_ms`.
    pub after_ms: Option<i64>,
    /// Mean character probability, 0 to 1; 0.95 where absent.
    pub confidence: Option<f64>,
    /// How sure the role is, 0 to 1; 1 where absent.
    pub role_confidence: Option<f64>,
    /// Level in dBFS.
    pub loudness_dbfs: Option<f64>,
    /// True for text that the recogniser made up.
    pub hallucination: bool,
    /// Labels of text models with their probabilities.
    pub labels: BTreeMap<String, f64>,
}

/// Names of verdicts, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its JSON schema is used")]
enum VerdictName {
    Hit,
    Clear,
    CannotTell,
    NotApplicable,
}

/// Names of severities, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its JSON schema is used")]
enum SeverityName {
    Minor,
    Moderate,
    Severe,
    Fatal,
}

/// Names of directions, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its JSON schema is used")]
enum DirectionName {
    Inbound,
    Outbound,
}

/// Names of roles, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its JSON schema is used")]
pub(crate) enum RoleName {
    Agent,
    Customer,
}

/// Names of layouts, for the JSON schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its JSON schema is used")]
enum LayoutName {
    Mono,
    Stereo,
    FakeStereo,
}
