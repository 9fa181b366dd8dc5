//! What people said, as tables of the lake: made whole from the reviews database each time, so that analysts join it with
//! what the machine said. One part a day; a part appears by rename.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::StoreError;
use crate::files::{publish, write_parquet};
use crate::lake::{Part, batch};
use crate::schema::{Table, TableName};
use crate::tables::{optional, required};
use crate::value::{Kind, Value};

/// A verdict of a person; the dictionary says what the fields mean.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "fields are the columns of the table, documented below")]
pub struct ReviewRow {
    pub verdict_id: i64,
    pub call_id: String,
    pub rule_id: String,
    pub place: String,
    pub duplicate: bool,
    pub source: String,
    pub verdict: String,
    pub current: bool,
    pub replaces: Option<i64>,
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
    pub text: Option<String>,
    pub note: String,
    pub reviewer: String,
    pub at_us: i64,
    pub ruleset_hash: String,
    pub cause: Option<String>,
}

/// A listening form.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "fields are the columns of the table, documented below")]
pub struct FormRow {
    pub call_id: String,
    pub duplicate: bool,
    pub score: f64,
    pub items: String,
    pub strengths: String,
    pub weaknesses: String,
    pub keep: bool,
    pub whole: bool,
    pub reviewer: String,
    pub at_us: i64,
}

/// A call of a draw's frame.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "fields are the columns of the table, documented below")]
pub struct SampleRow {
    pub draw_id: i64,
    pub title: String,
    pub seed: String,
    pub frame_hash: String,
    pub drawn_us: i64,
    pub call_id: String,
    pub picked: bool,
    pub probability: Option<f64>,
    pub whole_probability: Option<f64>,
    pub part: String,
    pub why: String,
    pub reviewer: Option<String>,
    pub duplicate_reviewer: Option<String>,
}

/// The table of verdicts.
pub fn reviews() -> Table<ReviewRow> {
    Table {
        name: TableName::Reviews,
        doc: "One row per verdict of a person, with its history; `dt` is the day of the verdict. Written by `callsift reviews export`.",
        columns: vec![
            required("verdict_id", Kind::Int64, "Number of the verdict.", |r| Value::Int64(r.verdict_id)),
            required("call_id", Kind::Text, "Call.", |r| r.call_id.as_str().into()),
            required("rule_id", Kind::Text, "Rule.", |r| r.rule_id.as_str().into()),
            required(
                "place",
                Kind::Text,
                "Place in the call: `t<turn>:<first character>-<end>`, `m<start ms>-<end ms>` for misses; \
              empty for the whole call.",
                |r| r.place.as_str().into(),
            ),
            required("duplicate", Kind::Bool, "A blind second review, for agreement only.", |r| {
                Value::Bool(r.duplicate)
            }),
            required("source", Kind::Text, "`finding` of the machine, `missed` by it, or `appeal`.", |r| {
                r.source.as_str().into()
            }),
            required("verdict", Kind::Text, "`confirmed`, `rejected`, `unsure` or `withdrawn`.", |r| {
                r.verdict.as_str().into()
            }),
            required("current", Kind::Bool, "It stands; false where a later one replaced it.", |r| {
                Value::Bool(r.current)
            }),
            optional("replaces", Kind::Int64, "Number of the verdict that it replaced.", |r| r.replaces.into()),
            optional("start_ms", Kind::Int64, "Where, milliseconds of the recording.", |r| r.start_ms.into()),
            optional("end_ms", Kind::Int64, "End of it.", |r| r.end_ms.into()),
            optional("text", Kind::Text, "What was said there.", |r| r.text.as_deref().map_or(Value::Null, Into::into)),
            required("note", Kind::Text, "Remark; the reason of a decision.", |r| r.note.as_str().into()),
            required("reviewer", Kind::Text, "Login name of who said it.", |r| r.reviewer.as_str().into()),
            required("at", Kind::Timestamp, "When.", |r| Value::Int64(r.at_us)),
            required("ruleset_hash", Kind::Text, "Rules that made the finding.", |r| r.ruleset_hash.as_str().into()),
            // New in the table, and last, so that nobody's place in it moves. It is made whole by each export and nothing of
            // ours reads it, so the schema's version stays: lakes from before are as readable as they were.
            optional(
                "cause",
                Kind::Text,
                "Why it was rejected or doubted: `misheard`, `wrong_speaker`, `context` (quoted, negated, joked, excused), \
              `rule` (takes in too much) or `other`; null where nobody said.",
                |r| r.cause.as_deref().map_or(Value::Null, Into::into),
            ),
        ],
    }
}

/// The table of listening forms.
pub fn forms() -> Table<FormRow> {
    Table {
        name: TableName::Forms,
        doc: "One row per listening form (电话监控记录表) that stands; `dt` is the day it was handed in. Written by `callsift reviews export`.",
        columns: vec![
            required("call_id", Kind::Text, "Call.", |r| r.call_id.as_str().into()),
            required("duplicate", Kind::Bool, "Of a blind second review.", |r| Value::Bool(r.duplicate)),
            required("score", Kind::Float64, "Listening score, 0 to 100.", |r| Value::Float64(r.score)),
            required("items", Kind::Text, "Points off by rule, a JSON object.", |r| r.items.as_str().into()),
            required("strengths", Kind::Text, "优点.", |r| r.strengths.as_str().into()),
            required("weaknesses", Kind::Text, "不足.", |r| r.weaknesses.as_str().into()),
            required("keep", Kind::Bool, "Kept for training.", |r| Value::Bool(r.keep)),
            required("whole", Kind::Bool, "Heard as a whole, not only at flagged places.", |r| Value::Bool(r.whole)),
            required("reviewer", Kind::Text, "Login name of who handed it in.", |r| r.reviewer.as_str().into()),
            required("at", Kind::Timestamp, "When.", |r| Value::Int64(r.at_us)),
        ],
    }
}

/// The table of draws.
pub fn samples() -> Table<SampleRow> {
    Table {
        name: TableName::Samples,
        doc: "One row per call of the frame of each draw, drawn or not; `dt` is the day of the draw. Written by `callsift reviews export`.",
        columns: vec![
            required("draw_id", Kind::Int64, "Number of the draw.", |r| Value::Int64(r.draw_id)),
            required("title", Kind::Text, "Title of the plan.", |r| r.title.as_str().into()),
            required("seed", Kind::Text, "Seed.", |r| r.seed.as_str().into()),
            required("frame_hash", Kind::Text, "Hash of all calls that could be drawn.", |r| {
                r.frame_hash.as_str().into()
            }),
            required("drawn_at", Kind::Timestamp, "When.", |r| Value::Int64(r.drawn_us)),
            required("call_id", Kind::Text, "Call.", |r| r.call_id.as_str().into()),
            required(
                "picked",
                Kind::Bool,
                "It was drawn; true, too, of calls worth a place in a risk queue that had been heard before: `why` says so.",
                |r| Value::Bool(r.picked),
            ),
            optional(
                "probability",
                Kind::Float64,
                "Probability that the draw has its flagged places heard, 0 to 1; null where \
              the plan looks at the call's own traits.",
                |r| r.probability.map_or(Value::Null, Value::Float64),
            ),
            optional("whole_probability", Kind::Float64, "Probability that it has the call heard as a whole.", |r| {
                r.whole_probability.map_or(Value::Null, Value::Float64)
            }),
            required("part", Kind::Text, "`plan`, `risk` or `random`; empty where it was not drawn.", |r| {
                r.part.as_str().into()
            }),
            required("why", Kind::Text, "Why it was drawn, in Chinese.", |r| r.why.as_str().into()),
            optional("reviewer", Kind::Text, "Login name of who hears it.", |r| {
                r.reviewer.as_deref().map_or(Value::Null, Into::into)
            }),
            optional("duplicate_reviewer", Kind::Text, "Login name of who hears it a second time, blindly.", |r| {
                r.duplicate_reviewer.as_deref().map_or(Value::Null, Into::into)
            }),
        ],
    }
}

/// Writes a table, one part a day, in the place of what was there. Other days stay.
///
/// # Errors
/// The disk is full or not writable; a day that was not reached is as it was.
pub fn write_days<R>(root: &Path, table: &Table<R>, days: &BTreeMap<String, Vec<R>>) -> Result<(), StoreError> {
    let folder = root.join(table.name.as_str());
    fs::create_dir_all(&folder).map_err(StoreError::io("cannot write to the lake", &folder))?;
    for (date, rows) in days {
        let part = Part { date: date.clone(), number: 0 };
        let path = part.path(root, table.name);
        // Beside the days, where no reader looks, and not in the staging folder, which the next run clears.
        let half = folder.join(format!(".{date}.tmp"));
        write_parquet(&half, &batch(table, rows, &path)?)?;
        // What people said is for those who keep the console, until they pass it on.
        let owner = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&half, owner).map_err(StoreError::io("cannot write to the lake", &half))?;
        publish(&half, &path)?;
    }
    Ok(())
}
