//! The lake: schema of its tables, Parquet in and out, atomic parts, resume.
//!
//! `<lake>/{calls,turns,findings}/dt=YYYY-MM-DD/part-NNNNN.parquet`. A part of `calls` appears last, by rename: it is
//! the commit mark of the parts of the same number in the other tables. Only types that `DuckDB`, Polars, pandas,
//! pyarrow, Spark and `DataFusion` all read are used (no dictionary, view, unsigned, duration or struct columns; lists
//! are never null).

mod arrow;
pub mod check;
pub mod commits;
pub mod compact;
pub mod dictionary;
pub mod error;
mod files;
pub mod groups;
pub mod index;
pub mod lake;
pub mod lines;
mod lock;
pub mod manifest;
mod merge;
mod order;
pub mod people;
pub mod questions;
pub mod read;
pub mod rejudge;
pub mod removed;
pub mod replace;
pub mod results;
pub mod retain;
pub mod schema;
mod seal;
mod shared;
pub mod snapshot;
pub mod sources;
pub mod stored;
pub mod stored_findings;
mod tables;
mod unique;
pub mod value;
pub mod views;

pub use arrow_array::RecordBatch as ResultBatch;
pub use check::{Checked, Damaged, QUARANTINE, check};
pub use commits::{DayCommit, day_commits};
pub use compact::{CompactedDay, DayCompaction, TARGET_BYTES};
pub use dictionary::dictionary_markdown;
pub use error::StoreError;
pub use groups::{CallGroup, PartReader};
pub use index::IndexedCall;
pub use lake::{DoneCall, Lake, Part};
pub use manifest::{ManifestRow, ManifestRows};
pub use people::{FormRow, ReviewRow, SampleRow};
pub use read::strangers;
pub use rejudge::{Judged, Replacement};
pub use results::{
    Answered, RESULTS_VERSION, ResultRows, ResultsReader, ResultsWriter, recording_id_of, results_ddl, results_schema,
};
pub use retain::{AgedCall, aged_calls, part_bytes};
pub use schema::{SCHEMA_VERSION, Table, TableName};
pub use snapshot::{Snapshot, snapshot};
pub use sources::KnownSource;
pub use stored::{StoredCall, read_calls, read_part, stored_parts};
pub use stored_findings::{StoredFinding, each_finding, read_findings};
pub use tables::{calls, findings, turns};
