//! Reading parts back.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::StoreError;
use crate::schema::{SCHEMA_VERSION, TableName};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8192;

/// Columns that say what made a row.
const MADE_BY: [&str; 4] = ["ruleset_hash", "config_hash", "asr_sha256", "text_model_sha256"];

/// The same of a run that is about to write.
pub(crate) fn made_by(p: &callsift_core::Provenance) -> String {
    [&p.ruleset_hash, &p.config_hash, &p.asr_sha256, &p.text_model_sha256].map(String::as_str).join(" ")
}

/// All part files of a table, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn part_files(root: &Path, table: TableName) -> Result<Vec<PathBuf>, StoreError> {
    let folder = root.join(table.as_str());
    let mut files = Vec::new();
    for day in folders(&folder)? {
        for path in folders(&day)? {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            if name.starts_with("part-") && path.extension().is_some_and(|e| e == "parquet") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let read = || std::fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>();
    read().map_err(StoreError::io("cannot read the lake", path))
}

/// Opens a part with only some columns.
///
/// # Errors
/// Not a Parquet file, or of another schema version.
pub fn open_columns(path: &Path, columns: &[&str]) -> Result<ParquetRecordBatchReader, StoreError> {
    open(path, Some(columns))
}

/// Opens a part with all columns.
///
/// # Errors
/// Not a Parquet file, or of another schema version.
pub fn open_all(path: &Path) -> Result<ParquetRecordBatchReader, StoreError> {
    open(path, None)
}

fn open(path: &Path, columns: Option<&[&str]>) -> Result<ParquetRecordBatchReader, StoreError> {
    let fail = |e: &dyn std::fmt::Display| StoreError::parquet("cannot read a part of the lake", path)(e);
    let file = File::open(path).map_err(StoreError::io("cannot read the lake", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| fail(&e))?;
    let version =
        builder.schema().metadata().get("callsift.schema_version").cloned().unwrap_or_else(|| "none".to_owned());
    if !version.parse().is_ok_and(|v: u32| (1..=SCHEMA_VERSION).contains(&v)) {
        return Err(StoreError::SchemaVersion { path: path.to_owned(), found: version, expected: SCHEMA_VERSION });
    }
    let mask = match columns {
        Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| fail(&e))
}

/// Text of a column's row; empty for null or a column of another type.
pub fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    let strings = batch.column_by_name(column).and_then(|c| c.as_string_opt::<i32>());
    strings.filter(|s| !s.is_null(row)).map_or_else(String::new, |s| s.value(row).to_owned())
}

/// What the lake remembers of a call that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallKey {
    /// Call id.
    pub call_id: String,
    /// SHA-256 of the recording; empty where there is none.
    pub audio_sha256: String,
    /// `ok`, `empty` or `failed`.
    pub status: String,
    /// Rules, options and models that made the row, joined.
    pub made_by: String,
}

/// The key of each call of a part.
///
/// # Errors
/// The part cannot be read.
pub fn call_keys(path: &Path) -> Result<Vec<CallKey>, StoreError> {
    let mut keys = Vec::new();
    for batch in open_columns(path, &[&["call_id", "audio_sha256", "status"], &MADE_BY[..]].concat())? {
        let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", path)(&e))?;
        for row in 0..batch.num_rows() {
            let column = |name| text(&batch, name, row);
            keys.push(CallKey {
                call_id: column("call_id"),
                audio_sha256: column("audio_sha256"),
                status: column("status"),
                made_by: MADE_BY.map(column).join(" "),
            });
        }
    }
    Ok(keys)
}
