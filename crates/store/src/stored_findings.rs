//! Findings as they lie in the lake, for people who look at them.

use std::path::Path;

use crate::arrow::array::Float64Array;

use crate::error::StoreError;
use crate::lake::Part;
use crate::schema::TableName;
use crate::stored::{Columns, each_batch};

/// A row of `findings`: a rule's answer for a call, or one of its hits. The dictionary says what the fields mean.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "fields are the columns of the table, documented in tables.rs")]
pub struct StoredFinding {
    pub call_id: String,
    pub rule_id: String,
    pub title: String,
    pub category: String,
    pub severity: String,
    pub verdict: String,
    pub reason: String,
    pub points: f64,
    pub turn: Option<i64>,
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
    pub char_start: Option<i64>,
    pub char_end: Option<i64>,
    pub text: Option<String>,
    pub match_kind: Option<String>,
    pub match_cost: Option<f64>,
    pub condition: Option<String>,
    pub searched_speech_ms: Option<i64>,
    pub searched_turns: Option<i64>,
    pub searched_confidence: Option<f64>,
    pub near_miss_text: Option<String>,
    pub near_miss_phrase: Option<String>,
    pub near_miss_score: Option<f64>,
    pub near_miss_start_ms: Option<i64>,
    pub ruleset_hash: String,
}

pub(crate) const COLUMNS: [&str; 25] = [
    "call_id",
    "rule_id",
    "title",
    "category",
    "severity",
    "verdict",
    "reason",
    "points",
    "turn",
    "start_ms",
    "end_ms",
    "char_start",
    "char_end",
    "text",
    "match_kind",
    "match_cost",
    "condition",
    "searched_speech_ms",
    "searched_turns",
    "searched_confidence",
    "near_miss_text",
    "near_miss_phrase",
    "near_miss_score",
    "near_miss_start_ms",
    "ruleset_hash",
];

/// The findings of a part, in order.
///
/// # Errors
/// The part cannot be read.
pub fn read_findings(lake: &Path, part: &Part) -> Result<Vec<StoredFinding>, StoreError> {
    let mut out = Vec::new();
    each_finding(lake, part, |finding| out.push(finding))?;
    Ok(out)
}

/// The findings of a part, in order, one at a time: a large part is not held as a whole.
///
/// # Errors
/// The part cannot be read; some of its findings may have been given.
pub fn each_finding(lake: &Path, part: &Part, mut take: impl FnMut(StoredFinding)) -> Result<(), StoreError> {
    each_batch(&part.path(lake, TableName::Findings), &COLUMNS, |columns| {
        (0..columns.batch.num_rows()).for_each(|row| take(finding(columns, row)));
    })
}

pub(crate) fn finding(columns: &Columns<'_>, row: usize) -> StoredFinding {
    let optional = |name: &str| columns.text(name, row).map(str::to_owned);
    let text = |name: &str| optional(name).unwrap_or_default();
    let int = |name: &str| columns.int(name, row).or_else(|| columns.small_int(name, row));
    let float = |name: &str| columns.value::<Float64Array>(name, row).map(|a| a.value(row));
    StoredFinding {
        call_id: text("call_id"),
        rule_id: text("rule_id"),
        title: text("title"),
        category: text("category"),
        severity: text("severity"),
        verdict: text("verdict"),
        reason: text("reason"),
        points: float("points").unwrap_or(0.0),
        turn: int("turn"),
        start_ms: int("start_ms"),
        end_ms: int("end_ms"),
        char_start: int("char_start"),
        char_end: int("char_end"),
        text: optional("text"),
        match_kind: optional("match_kind"),
        match_cost: float("match_cost"),
        condition: optional("condition"),
        searched_speech_ms: int("searched_speech_ms"),
        searched_turns: int("searched_turns"),
        searched_confidence: float("searched_confidence"),
        near_miss_text: optional("near_miss_text"),
        near_miss_phrase: optional("near_miss_phrase"),
        near_miss_score: float("near_miss_score"),
        near_miss_start_ms: int("near_miss_start_ms"),
        ruleset_hash: text("ruleset_hash"),
    }
}
