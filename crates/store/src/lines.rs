//! Rows of the lake as plain values: for reports, comparison and explanations.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::arrow::array::{Array, AsArray, RecordBatch};
use crate::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use callsift_core::ChannelLayout;

use crate::error::StoreError;
use crate::lake::Part;
use crate::read::{day_of, open_columns, part_files, text};
use crate::schema::TableName;

/// Rows of all parts that can be read.
#[derive(Debug)]
pub struct Rows<T> {
    /// In order of day, part and row.
    pub rows: Vec<T>,
    /// Why parts could not be read, each with its path.
    pub unread: Vec<StoreError>,
}

/// What reports need of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallLine {
    /// Call id.
    pub call_id: String,
    /// Part that holds it, `dt=YYYY-MM-DD/part-NNNNN.parquet`.
    pub part: Arc<str>,
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
    /// Length in milliseconds; `None` where there was no recording to measure.
    pub duration_ms: Option<i64>,
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
    /// Points off the score.
    pub points: f64,
}

/// Calls of a lake, or of some days. A part that cannot be read costs only its own calls.
///
/// # Errors
/// A folder cannot be read.
pub fn call_lines(lake: &Path, days: Option<&BTreeSet<String>>) -> Result<Rows<CallLine>, StoreError> {
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
    each_row(lake, TableName::Calls, days, &COLUMNS, |part, b, row| CallLine {
        call_id: text(b, "call_id", row),
        part: Arc::clone(part),
        status: text(b, "status", row),
        fail_stage: text(b, "fail_stage", row),
        fail_reason: text(b, "fail_reason", row),
        agent_id: text(b, "agent_id", row),
        queue: text(b, "queue", row),
        direction: text(b, "direction", row),
        layout: ChannelLayout::parse(&text(b, "layout", row)),
        duration_ms: int64(b, "duration_ms", row),
        score: float(b, "score", row),
    })
}

/// Findings of a lake, or of some days, likewise.
///
/// # Errors
/// A folder cannot be read.
pub fn finding_lines(lake: &Path, days: Option<&BTreeSet<String>>) -> Result<Rows<FindingLine>, StoreError> {
    const COLUMNS: [&str; 8] = ["call_id", "rule_id", "title", "verdict", "reason", "start_ms", "hit_index", "points"];
    each_row(lake, TableName::Findings, days, &COLUMNS, |_, b, row| FindingLine {
        call_id: text(b, "call_id", row),
        rule_id: text(b, "rule_id", row),
        title: text(b, "title", row),
        verdict: text(b, "verdict", row),
        reason: text(b, "reason", row),
        start_ms: int64(b, "start_ms", row).unwrap_or(0),
        hit_index: int32(b, "hit_index", row),
        points: float(b, "points", row).unwrap_or(0.0),
    })
}

/// Rules that hit, once per call that they hit, in a part.
///
/// # Errors
/// The part cannot be read.
pub fn rules_hit(lake: &Path, part: &Part) -> Result<Vec<String>, StoreError> {
    let path = part.path(lake, TableName::Findings);
    let mut out = Vec::new();
    for batch in open_columns(&path, &["rule_id", "verdict", "hit_index"])? {
        let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", &path)(&e))?;
        let hit = |row: &usize| text(&batch, "verdict", *row) == "hit" && int32(&batch, "hit_index", *row) == 0;
        out.extend((0..batch.num_rows()).filter(hit).map(|row| text(&batch, "rule_id", row)));
    }
    Ok(out)
}

fn each_row<T>(
    lake: &Path,
    table: TableName,
    days: Option<&BTreeSet<String>>,
    columns: &[&str],
    take: impl Fn(&Arc<str>, &RecordBatch, usize) -> T,
) -> Result<Rows<T>, StoreError> {
    let mut out = Rows { rows: Vec::new(), unread: Vec::new() };
    for path in part_files(lake, table)? {
        let day = path.parent().and_then(day_of);
        let of_day = days.is_none_or(|days| day.is_some_and(|day| days.contains(day)));
        if of_day {
            match part_rows(&path, columns, &take) {
                Ok(rows) => out.rows.extend(rows),
                Err(error) => out.unread.push(error),
            }
        }
    }
    Ok(out)
}

fn part_rows<T>(
    path: &Path,
    columns: &[&str],
    take: &impl Fn(&Arc<str>, &RecordBatch, usize) -> T,
) -> Result<Vec<T>, StoreError> {
    let part: Arc<str> = path
        .iter()
        .skip(path.iter().count().saturating_sub(2))
        .map(|p| p.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
        .into();
    let mut out = Vec::new();
    for batch in open_columns(path, columns)? {
        let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", path)(&e))?;
        out.extend((0..batch.num_rows()).map(|row| take(&part, &batch, row)));
    }
    Ok(out)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use callsift_core::Provenance;

    use super::{call_lines, finding_lines};
    use crate::lake::tests::{open, report};

    #[test]
    fn a_part_that_cannot_be_read_costs_only_its_own_calls() {
        let folder = tempfile::tempdir().unwrap();
        for id in ["a", "b"] {
            open(folder.path())
                .unwrap()
                .write_part("2026-11-16", &[report(id, false)], &Provenance::default())
                .unwrap();
        }
        fs::write(folder.path().join("calls/dt=2026-11-16/part-00000.parquet"), "not parquet").unwrap();
        let calls = call_lines(folder.path(), None).unwrap();
        assert_eq!(
            calls.rows.iter().map(|c| (c.call_id.as_str(), &*c.part)).collect::<Vec<_>>(),
            [("b", "dt=2026-11-16/part-00001.parquet")]
        );
        assert!(calls.unread[0].to_string().contains("part-00000.parquet"));
        assert_eq!(finding_lines(folder.path(), None).unwrap().rows.len(), 4);
    }
}
