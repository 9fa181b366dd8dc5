//! Reading parts back.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::arrow::array::{Array, AsArray};
use crate::arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::StoreError;
use crate::lake::Part;
use crate::order::Order;
use crate::schema::{SCHEMA_VERSION, TableName};
use crate::seal;

/// Rows that are read at once.
const BATCH_ROWS: usize = 8192;

/// Columns that say what made a row.
const MADE_BY: [&str; 4] = ["ruleset_hash", "config_hash", "asr_sha256", "text_model_sha256"];

/// Columns that say which call a row is.
const KEY: [&str; 5] = ["call_id", "audio_sha256", "recording", "status", "fail_stage"];

/// The same of a run that is about to write.
pub(crate) fn made_by(p: &callsift_core::Provenance) -> String {
    [&p.ruleset_hash, &p.config_hash, &p.asr_sha256, &p.text_model_sha256].map(String::as_str).join(" ")
}

/// All part files of a table, sorted: `dt=YYYY-MM-DD/part-NNNNN.parquet`. Whatever else lies there is no part of the lake
/// for any command; [`strangers`] names it.
///
/// # Errors
/// A folder cannot be read.
pub fn part_files(root: &Path, table: TableName) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for day in folders(&root.join(table.as_str()))? {
        if day_of(&day).is_some() {
            files.extend(folders(&day)?.into_iter().filter(|path| Part::parse(path).is_some()));
        }
    }
    files.sort();
    Ok(files)
}

/// What lies among the days and parts of a run's tables and is neither: a copied `dt=` folder, a renamed part. Sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn strangers(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let hidden = |path: &Path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    let mut found = Vec::new();
    for table in TableName::ALL {
        for day in folders(&root.join(table.as_str()))?.into_iter().filter(|p| !hidden(p)) {
            if day_of(&day).is_none() {
                found.push(day);
            } else {
                found.extend(folders(&day)?.into_iter().filter(|p| Part::parse(p).is_none() && !hidden(p)));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The day of a folder `dt=YYYY-MM-DD`.
pub(crate) fn day_of(folder: &Path) -> Option<&str> {
    let day = folder.file_name()?.to_str()?.strip_prefix("dt=")?;
    is_day(day).then_some(day)
}

/// Whether a text is a day of the calendar in the form `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok_and(|day| day.to_string() == text)
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

/// Opens a part with all columns, to look at or rewrite all of it: what changed since it was written goes no further.
///
/// # Errors
/// Not a Parquet file, of another schema version, or its checksum is not that of its bytes.
pub fn open_all(path: &Path) -> Result<ParquetRecordBatchReader, StoreError> {
    seal::verify(path)?;
    open(path, None)
}

/// What the footer of a part's file says of it.
pub(crate) struct Footer {
    /// Version of its tables.
    pub(crate) version: u32,
    /// Its order, where it is compacted.
    pub(crate) order: Option<Order>,
}

/// Reads the footer of a part's file.
pub(crate) fn footer(path: &Path) -> Result<Footer, StoreError> {
    contained(path, || {
        let (builder, version) = builder(path)?;
        Ok(Footer { version, order: Order::parse(builder.metadata().file_metadata().key_value_metadata()) })
    })
}

fn builder(path: &Path) -> Result<(ParquetRecordBatchReaderBuilder<File>, u32), StoreError> {
    let file = File::open(path).map_err(StoreError::io("cannot read the lake", path))?;
    let damaged = |e: &dyn std::fmt::Display| StoreError::parquet("cannot read a part of the lake", path)(e);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(&e))?;
    let found = builder.schema().metadata().get("callsift.schema_version").cloned();
    let found = found.unwrap_or_else(|| "none".to_owned());
    match found.parse() {
        Ok(version) if (1..=SCHEMA_VERSION).contains(&version) => Ok((builder, version)),
        _ => {
            // A digit that changed is damage, which the rest goes on without.
            seal::verify(path)?;
            Err(StoreError::SchemaVersion { path: path.to_owned(), found, expected: SCHEMA_VERSION })
        }
    }
}

/// Opens a part with these columns, or all, whatever its checksum says.
pub(crate) fn open(path: &Path, columns: Option<&[&str]>) -> Result<ParquetRecordBatchReader, StoreError> {
    let fail = |e: &dyn std::fmt::Display| StoreError::parquet("cannot read a part of the lake", path)(e);
    let (builder, _) = builder(path)?;
    let mask = match columns {
        Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| fail(&e))
}

/// Runs what reads a part: a reader that panics over damaged bytes is an error like others.
pub(crate) fn contained<T>(path: &Path, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // Unwind safety: what the reader held is dropped with it.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(StoreError::parquet("cannot read a part of the lake", path)(&"the reader gave up")))
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
    /// Path of the recording, relative to the recordings folder.
    pub recording: String,
    /// `ok`, `empty` or `failed`.
    pub status: String,
    /// Stage that failed; empty where none did.
    pub fail_stage: String,
    /// Rules, options and models that made the row, joined.
    pub made_by: String,
}

/// The key of each call of a part.
///
/// # Errors
/// The part cannot be read.
pub fn call_keys(path: &Path) -> Result<Vec<CallKey>, StoreError> {
    contained(path, || keys_of(path))
}

fn keys_of(path: &Path) -> Result<Vec<CallKey>, StoreError> {
    let mut keys = Vec::new();
    for batch in open_columns(path, &[&KEY[..], &MADE_BY[..]].concat())? {
        let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", path)(&e))?;
        for row in 0..batch.num_rows() {
            let column = |name| text(&batch, name, row);
            keys.push(CallKey {
                call_id: column("call_id"),
                audio_sha256: column("audio_sha256"),
                recording: column("recording"),
                status: column("status"),
                fail_stage: column("fail_stage"),
                made_by: MADE_BY.map(column).join(" "),
            });
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{is_day, part_files, strangers};
    use crate::schema::TableName;

    #[test]
    fn only_days_are_days() {
        for day in ["2026-11-16", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_day(day), "{day}");
        }
        for other in [
            "2026-11-16 (copy)",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-11-31",
            "2026-1-1",
            "",
            "2026-11-1\u{660}",
            "+026-11-16",
        ] {
            assert!(!is_day(other), "{other}");
        }
    }

    #[test]
    fn copies_of_folders_and_parts_belong_to_nothing_and_are_named() {
        let lake = tempfile::tempdir().unwrap();
        let calls = lake.path().join("calls");
        let names = [
            "dt=2026-11-16/part-00000.parquet",
            "dt=2026-11-16/part-00000 (1).parquet",
            "dt=2026-11-16/part-00001.parquet.bak",
        ];
        let copies = [
            "dt=2026-11-16 (copy)/part-00000.parquet",
            "dt=2026-11-16.bak/part-00000.parquet",
            "old/part-00000.parquet",
        ];
        for name in names.iter().chain(&copies).chain(&[".hidden/x", "dt=2026-11-16/.nfs0001"]) {
            let path = calls.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let parts = part_files(lake.path(), TableName::Calls).unwrap();
        assert_eq!(parts, [calls.join(names[0])]);
        let found = strangers(lake.path()).unwrap();
        let wanted = [copies[0], copies[1], names[1], names[2], copies[2]].map(|n| calls.join(n));
        let folder_of = |p: &std::path::PathBuf| {
            if p.parent() == Some(&calls.join("dt=2026-11-16")) { p.clone() } else { p.parent().unwrap().to_owned() }
        };
        let mut wanted = wanted.iter().map(folder_of).collect::<Vec<_>>();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}
