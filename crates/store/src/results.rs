//! What became of one recording as one row: the form in which results leave `callsift worker`, as an Arrow IPC stream.
//!
//! The tables of the lake stand in it as lists of structs. Every field may be null, lists and structs never are, so
//! that all batches of all workers have one schema, whatever happened. The version stands in the schema's metadata
//! and in each row.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

use arrow_buffer::OffsetBuffer;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use callsift_core::{CallReport, Outcome, Provenance};
use callsift_text::Segmenter;

use crate::arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int32Array, ListArray, StringArray, StructArray};
use crate::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use crate::arrow::error::ArrowError;
use crate::arrow::record_batch::RecordBatch;
use crate::lake::finding_rows;
use crate::schema::{SCHEMA_VERSION, Table};
use crate::tables::{self, CallRow, FindingRow, TurnRow};
use crate::value::Kind;

/// Version of the row. Raised with [`SCHEMA_VERSION`], and whenever a column of its own is added.
pub const RESULTS_VERSION: u32 = 100 + SCHEMA_VERSION;

/// A recording as the manifest named it, and how often it was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its id, as it stood in the manifest.
    pub recording_id: String,
    /// 1, and 1 more for each time that the process died while it was at work on it. The only column that does not
    /// follow from recording, models and rules.
    pub attempt: i32,
}

/// Columns of the row before the tables: name, type, meaning.
const OWN: [(&str, Kind, &str); 6] = [
    ("recording_id", Kind::Text, "id of the manifest"),
    ("dt", Kind::Date, "day of the call; null where nothing says it"),
    ("status", Kind::Text, "`ok` or `error`"),
    ("error", Kind::Text, "stage and reason; null where none"),
    ("attempt", Kind::Int32, "times that the recording was begun"),
    ("results_version", Kind::Int32, "version of this schema"),
];

fn open<R>(table: &Table<R>) -> Fields {
    table.columns.iter().map(|c| Field::new(c.name, c.kind.arrow(), true)).collect()
}

fn item(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(fields), true))
}

/// The schema of all rows.
pub fn results_schema() -> SchemaRef {
    let own = OWN.iter().map(|(name, kind, _)| Field::new(*name, kind.arrow(), true));
    let list = |name: &str, fields| Field::new(name, DataType::List(item(fields)), true);
    let tables = [
        list("calls", open(&tables::calls())),
        list("turns", open(&tables::turns())),
        list("findings", open(&tables::findings())),
    ];
    let version = HashMap::from([("callsift.results_version".to_owned(), RESULTS_VERSION.to_string())]);
    Arc::new(Schema::new(own.chain(tables).collect::<Vec<_>>()).with_metadata(version))
}

/// The schema in the words of Spark SQL, a column a line.
pub fn results_ddl() -> String {
    let own = OWN.iter().map(|(name, kind, _)| match *name {
        // Whoever reads the words can compare it with what a worker's stream says of itself.
        "results_version" => format!("{name} {} COMMENT '{RESULTS_VERSION}'", spark(*kind)),
        name => format!("{name} {}", spark(*kind)),
    });
    let tables = [spark_list(&tables::calls()), spark_list(&tables::turns()), spark_list(&tables::findings())];
    own.chain(tables).collect::<Vec<_>>().join(",\n") + "\n"
}

fn spark_list<R>(table: &Table<R>) -> String {
    let fields: Vec<String> = table.columns.iter().map(|c| format!("{}: {}", c.name, spark(c.kind))).collect();
    format!("{} ARRAY<STRUCT<{}>>", table.name.as_str(), fields.join(", "))
}

fn spark(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "STRING",
        Kind::Int32 => "INT",
        Kind::Int64 => "BIGINT",
        Kind::Float64 => "DOUBLE",
        Kind::Bool => "BOOLEAN",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Date => "DATE",
        Kind::TextList => "ARRAY<STRING>",
        Kind::Int64List => "ARRAY<BIGINT>",
        Kind::Float64List => "ARRAY<DOUBLE>",
    }
}

/// Makes rows of reports.
pub struct ResultRows<'a> {
    provenance: &'a Provenance,
    words: Segmenter,
    schema: SchemaRef,
}

impl<'a> ResultRows<'a> {
    /// For reports that were made by these models and rules.
    pub fn new(provenance: &'a Provenance, words: Segmenter) -> Self {
        Self { provenance, words, schema: results_schema() }
    }

    /// The row of a report.
    ///
    /// # Errors
    /// A column that may not be null has no value.
    pub fn row(&self, report: &CallReport, answered: &Answered) -> Result<RecordBatch, ArrowError> {
        let call_id = report.recording.meta.call_id.as_str();
        let calls = [CallRow { report, provenance: self.provenance }];
        let turns: Vec<TurnRow<'_>> =
            report.turns.iter().map(|turn| TurnRow { report, turn, words: &self.words }).collect();
        let hash = &self.provenance.ruleset_hash;
        let findings: Vec<FindingRow<'_>> =
            report.findings.iter().flat_map(|finding| finding_rows(call_id, finding, hash)).collect();
        let error = match &report.outcome {
            Outcome::Failed { stage, reason } => Some(format!("{}: {reason}", stage.as_str())),
            _ => None,
        };
        let day = report.recording.meta.date.as_deref().and_then(days_since_epoch);
        let own: [ArrayRef; 6] = [
            Arc::new(StringArray::from(vec![answered.recording_id.as_str()])),
            Arc::new(Date32Array::from(vec![day])),
            Arc::new(StringArray::from(vec![if error.is_some() { "error" } else { "ok" }])),
            Arc::new(StringArray::from(vec![error])),
            Arc::new(Int32Array::from(vec![answered.attempt])),
            Arc::new(Int32Array::from(vec![RESULTS_VERSION as i32])),
        ];
        let tables = [
            nested(&tables::calls(), &calls)?,
            nested(&tables::turns(), &turns)?,
            nested(&tables::findings(), &findings)?,
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), own.into_iter().chain(tables).collect())
    }
}

/// The id that a row answers for.
pub fn recording_id_of(row: &RecordBatch) -> Option<&str> {
    let ids = row.column_by_name("recording_id")?.as_string_opt::<i32>()?;
    (ids.len() == 1).then(|| ids.value(0))
}

fn days_since_epoch(day: &str) -> Option<i32> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let since = day.since(jiff::civil::date(1970, 1, 1)).ok()?;
    Some(since.get_days())
}

/// The rows of a table as one list of structs.
fn nested<R>(table: &Table<R>, rows: &[R]) -> Result<ArrayRef, ArrowError> {
    let batch = table.batch(rows)?;
    let fields = open(table);
    let structs = StructArray::try_new_with_length(fields.clone(), batch.columns().to_vec(), None, rows.len())?;
    let offsets = OffsetBuffer::from_lengths([rows.len()]);
    Ok(Arc::new(ListArray::try_new(item(fields), offsets, Arc::new(structs), None)?))
}

/// Writes rows as an Arrow IPC stream; each is with the reader when `write` returns.
pub struct ResultsWriter<W: Write>(StreamWriter<W>);

impl<W: Write> ResultsWriter<W> {
    /// Begins the stream with its schema.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(out: W) -> Result<Self, ArrowError> {
        let mut writer = StreamWriter::try_new(out, &results_schema())?;
        writer.flush()?;
        Ok(Self(writer))
    }

    /// Writes one row.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write(&mut self, row: &RecordBatch) -> Result<(), ArrowError> {
        self.0.write(row)?;
        self.0.flush()
    }

    /// Ends the stream; the mark of its end is written.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn finish(mut self) -> Result<(), ArrowError> {
        self.0.finish()?;
        self.0.flush()
    }
}

/// Reads rows that a [`ResultsWriter`] writes, as they come.
pub struct ResultsReader<R: Read>(StreamReader<R>);

impl<R: Read> ResultsReader<R> {
    /// Waits for the schema, and refuses another one than this version's.
    ///
    /// # Errors
    /// The stream ends before, or is another.
    pub fn new(stream: R) -> Result<Self, ArrowError> {
        let reader = StreamReader::try_new(stream, None)?;
        if reader.schema() != results_schema() {
            return Err(ArrowError::SchemaError("results of another version".to_owned()));
        }
        Ok(Self(reader))
    }
}

impl<R: Read> Iterator for ResultsReader<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::{CallReport, Provenance};
    use callsift_text::Segmenter;

    use super::{Answered, ResultRows, ResultsReader, ResultsWriter, results_ddl, results_schema};
    use crate::arrow::array::{Array, AsArray};
    use crate::arrow::datatypes::{DataType, Date32Type};
    use crate::lake::tests::report;

    fn stream(reports: &[CallReport]) -> Vec<u8> {
        let provenance = Provenance::default();
        let rows = ResultRows::new(&provenance, Segmenter::default());
        let mut bytes = Vec::new();
        let mut writer = ResultsWriter::new(&mut bytes).unwrap();
        for report in reports {
            let answered = Answered { recording_id: report.recording.meta.call_id.clone(), attempt: 1 };
            writer.write(&rows.row(report, &answered).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn each_recording_is_a_batch_and_what_failed_is_one_too() {
        let mut dated = report("a", false);
        dated.recording.meta.date = Some("1970-01-11".to_owned());
        let bytes = stream(&[dated, report("f", true)]);
        let batches: Vec<_> = ResultsReader::new(bytes.as_slice()).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(super::RecordBatch::num_rows).collect::<Vec<_>>(), [1, 1]);
        let text = |row: usize, name: &str| {
            let column = batches[row].column_by_name(name).unwrap().as_string::<i32>().clone();
            (!column.is_null(0)).then(|| column.value(0).to_owned())
        };
        assert_eq!((text(0, "status").as_deref(), text(0, "error")), (Some("ok"), None));
        assert_eq!(text(1, "status").as_deref(), Some("error"));
        assert_eq!(text(1, "error").as_deref(), Some("audio: file is empty"));
        let day = |row: usize| batches[row].column_by_name("dt").unwrap().as_primitive::<Date32Type>().clone();
        assert!(day(0).value(0) == 10 && day(1).is_null(0));
        let length =
            |row: usize, name: &str| batches[row].column_by_name(name).unwrap().as_list::<i32>().value_length(0);
        // One finding with two places: two rows, as in the lake.
        assert_eq!(["calls", "turns", "findings"].map(|name| length(0, name)), [1, 1, 2]);
        let calls = batches[0].column_by_name("calls").unwrap().as_list::<i32>().value(0);
        assert_eq!(calls.as_struct().column_by_name("call_id").unwrap().as_string::<i32>().value(0), "a");
    }

    #[test]
    fn the_same_reports_make_the_same_stream_and_a_cut_one_is_no_row() {
        let reports = [report("a", false), report("f", true)];
        let bytes = stream(&reports);
        assert_eq!(bytes, stream(&reports));
        for cut in [10, bytes.len() / 3, bytes.len() * 2 / 3] {
            let whole = ResultsReader::new(&bytes[..cut]).map_or(0, |rows| rows.flatten().count());
            assert!(whole < 2, "{cut}");
        }
    }

    /// Nullability is one for all fields, and no type is used that an engine refuses.
    #[test]
    fn the_schema_is_of_safe_types_alone_and_the_ddl_says_the_same() {
        fn check(kind: &DataType) {
            match kind {
                DataType::List(inner) => {
                    assert!(inner.is_nullable());
                    check(inner.data_type());
                }
                DataType::Struct(fields) => fields.iter().for_each(|f| {
                    assert!(f.is_nullable(), "{}", f.name());
                    check(f.data_type());
                }),
                DataType::Utf8
                | DataType::Int32
                | DataType::Int64
                | DataType::Float64
                | DataType::Boolean
                | DataType::Date32 => {}
                DataType::Timestamp(unit, zone) => {
                    assert_eq!((format!("{unit:?}").as_str(), zone.as_deref()), ("Microsecond", Some("UTC")));
                }
                other => panic!("{other}"),
            }
        }
        let (schema, ddl) = (results_schema(), results_ddl());
        for (field, line) in schema.fields().iter().zip(ddl.lines()) {
            assert!(field.is_nullable() && line.starts_with(&format!("{} ", field.name())), "{line}");
            check(field.data_type());
        }
        assert_eq!(schema.fields().len(), ddl.lines().count());
    }
}
