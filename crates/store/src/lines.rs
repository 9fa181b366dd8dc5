//! Rows of the lake as plain values: for reports, comparison and explanations.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use callsift_core::{ChannelLayout, LabelScore, Mark, SpeakerRole, TimeSpan, TimedChar, Turn};

use crate::error::StoreError;
use crate::read::{open_columns, part_files, text};
use crate::schema::TableName;

/// What reports need of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallLine {
    /// Call id.
    pub call_id: String,
    /// `ok`, `empty` or `failed`.
    pub status: String,
    /// Stage that failed.
    pub fail_stage: String,
    /// Why.
    pub fail_reason: String,
    /// Agent's number; empty where unknown.
    pub agent_id: String,
    /// Queue; empty where unknown.
    pub queue: String,
    /// Direction.
    pub direction: String,
    /// Layout; `None` for calls without audio.
    pub layout: Option<ChannelLayout>,
    /// Length in milliseconds; 0 where unknown.
    pub duration_ms: i64,
    /// Machine score.
    pub score: Option<f64>,
}

/// What reports need of a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingLine {
    /// Call id.
    pub call_id: String,
    /// Rule.
    pub rule_id: String,
    /// Its title.
    pub title: String,
    /// The verdict.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// When, milliseconds.
    pub start_ms: i64,
    /// Which place, from 0.
    pub hit_index: i32,
}

/// Calls of a lake, or of one day, in order of day, part and row.
///
/// # Errors
/// A part cannot be read.
pub fn call_lines(lake: &Path, date: Option<&str>) -> Result<Vec<CallLine>, StoreError> {
    const COLUMNS: [&str; 10] = [
        "call_id",
        "status",
        "fail_stage",
        "fail_reason",
        "agent_id",
        "queue",
        "direction",
        "layout",
        "duration_ms",
        "score",
    ];
    each_row(lake, TableName::Calls, date, &COLUMNS, |b, row| CallLine {
        call_id: text(b, "call_id", row),
        status: text(b, "status", row),
        fail_stage: text(b, "fail_stage", row),
        fail_reason: text(b, "fail_reason", row),
        agent_id: text(b, "agent_id", row),
        queue: text(b, "queue", row),
        direction: text(b, "direction", row),
        layout: layout(&text(b, "layout", row)),
        duration_ms: int64(b, "duration_ms", row).unwrap_or(0),
        score: float(b, "score", row),
    })
}

/// Findings of a lake, or of one day.
///
/// # Errors
/// A part cannot be read.
pub fn finding_lines(lake: &Path, date: Option<&str>) -> Result<Vec<FindingLine>, StoreError> {
    const COLUMNS: [&str; 7] = ["call_id", "rule_id", "title", "verdict", "reason", "start_ms", "hit_index"];
    each_row(lake, TableName::Findings, date, &COLUMNS, |b, row| FindingLine {
        call_id: text(b, "call_id", row),
        rule_id: text(b, "rule_id", row),
        title: text(b, "title", row),
        verdict: text(b, "verdict", row),
        reason: text(b, "reason", row),
        start_ms: int64(b, "start_ms", row).unwrap_or(0),
        hit_index: int32(b, "hit_index", row),
    })
}

/// The turns of one call, as rules need them.
///
/// # Errors
/// A part cannot be read.
pub fn read_turns(lake: &Path, call_id: &str) -> Result<Vec<Turn>, StoreError> {
    const COLUMNS: [&str; 15] = [
        "call_id",
        "turn",
        "role",
        "role_confidence",
        "channel",
        "start_ms",
        "end_ms",
        "text",
        "char_start_ms",
        "char_end_ms",
        "char_prob",
        "confidence",
        "marks",
        "overlap_ms",
        "labels",
    ];
    let columns: Vec<&str> = COLUMNS.into_iter().chain(["label_probs"]).collect();
    let rows = each_row(lake, TableName::Turns, None, &columns, |b, row| {
        (text(b, "call_id", row) == call_id).then(|| turn(b, row))
    })?;
    let mut turns: Vec<Turn> = rows.into_iter().flatten().collect();
    turns.sort_by_key(|t| t.index);
    Ok(turns)
}

fn turn(b: &RecordBatch, row: usize) -> Turn {
    let (starts, ends) = (int64_list(b, "char_start_ms", row), int64_list(b, "char_end_ms", row));
    let probs = float_list(b, "char_prob", row);
    let written = text(b, "text", row);
    let times = starts.into_iter().zip(ends).zip(probs);
    let chars = written
        .chars()
        .zip(times)
        .map(|(ch, ((start, end), prob))| TimedChar { ch, span: TimeSpan::new(start, end), prob: prob as f32 })
        .collect();
    let labels = text_list(b, "labels", row).into_iter().zip(float_list(b, "label_probs", row));
    Turn {
        index: int32(b, "turn", row) as u32,
        role: SpeakerRole::parse(&text(b, "role", row)),
        role_confidence: float(b, "role_confidence", row).unwrap_or(0.0),
        channel: int32(b, "channel", row) as u16,
        span: TimeSpan::new(int64(b, "start_ms", row).unwrap_or(0), int64(b, "end_ms", row).unwrap_or(0)),
        chars,
        confidence: float(b, "confidence", row).unwrap_or(0.0),
        marks: text_list(b, "marks", row).iter().filter_map(|m| Mark::parse(m)).collect(),
        overlap_ms: int64(b, "overlap_ms", row).unwrap_or(0),
        labels: labels.map(|(label, prob)| LabelScore { label, prob }).collect(),
    }
}

fn each_row<T>(
    lake: &Path,
    table: TableName,
    date: Option<&str>,
    columns: &[&str],
    take: impl Fn(&RecordBatch, usize) -> T,
) -> Result<Vec<T>, StoreError> {
    let mut out = Vec::new();
    for path in part_files(lake, table)? {
        let of_day = date.is_none_or(|d| path.parent().is_some_and(|p| p.ends_with(format!("dt={d}"))));
        if !of_day {
            continue;
        }
        for batch in open_columns(&path, columns)? {
            let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", &path)(&e))?;
            out.extend((0..batch.num_rows()).map(|row| take(&batch, row)));
        }
    }
    Ok(out)
}

fn layout(name: &str) -> Option<ChannelLayout> {
    [ChannelLayout::Mono, ChannelLayout::Stereo, ChannelLayout::FakeStereo].into_iter().find(|l| l.as_str() == name)
}

fn int64(b: &RecordBatch, column: &str, row: usize) -> Option<i64> {
    let array = b.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
    (!array.is_null(row)).then(|| array.value(row))
}

fn int32(b: &RecordBatch, column: &str, row: usize) -> i32 {
    let array = b.column_by_name(column).and_then(|c| c.as_primitive_opt::<Int32Type>());
    array.filter(|a| !a.is_null(row)).map_or(0, |a| a.value(row))
}

fn float(b: &RecordBatch, column: &str, row: usize) -> Option<f64> {
    let array = b.column_by_name(column)?.as_primitive_opt::<Float64Type>()?;
    (!array.is_null(row)).then(|| array.value(row))
}

fn list(b: &RecordBatch, column: &str, row: usize) -> Option<arrow::array::ArrayRef> {
    let array = b.column_by_name(column)?.as_list_opt::<i32>()?;
    (!array.is_null(row)).then(|| array.value(row))
}

fn int64_list(b: &RecordBatch, column: &str, row: usize) -> Vec<i64> {
    let values = list(b, column, row);
    values.and_then(|v| v.as_primitive_opt::<Int64Type>().map(|a| a.values().to_vec())).unwrap_or_default()
}

fn float_list(b: &RecordBatch, column: &str, row: usize) -> Vec<f64> {
    let values = list(b, column, row);
    values.and_then(|v| v.as_primitive_opt::<Float64Type>().map(|a| a.values().to_vec())).unwrap_or_default()
}

fn text_list(b: &RecordBatch, column: &str, row: usize) -> Vec<String> {
    let values = list(b, column, row);
    let strings = values.as_ref().and_then(|v| v.as_string_opt::<i32>());
    strings.map_or_else(Vec::new, |s| s.iter().flatten().map(str::to_owned).collect())
}
