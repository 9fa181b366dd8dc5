//! A manifest that comes as an Arrow IPC stream: each row as texts by column name.
//!
//! Whoever writes the stream need not know callsift's types: texts, integers, floating points, booleans, days and
//! times of every unit are taken, in any order of columns. A cell without a value is left out.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow_ipc::reader::StreamReader;
use jiff::Timestamp;
use jiff::civil::date;

use crate::arrow::array::{Array, ArrayRef, AsArray};
use crate::arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use crate::arrow::error::ArrowError;
use crate::arrow::record_batch::RecordBatch;

/// One row: values by column.
pub type ManifestRow = BTreeMap<String, String>;

/// Reads the rows of a stream, as they come.
pub struct ManifestRows<R: Read> {
    stream: StreamReader<R>,
    batch: Option<RecordBatch>,
    row: usize,
}

impl<R: Read> ManifestRows<R> {
    /// Waits for the schema; `needed` are columns that it must have.
    ///
    /// # Errors
    /// It is no stream, lacks a column, or has one of a type that is not understood.
    pub fn new(stream: R, needed: &[&str]) -> Result<Self, ArrowError> {
        let stream = StreamReader::try_new(stream, None)?;
        let schema = stream.schema();
        if let Some(name) = needed.iter().find(|name| schema.column_with_name(name).is_none()) {
            let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            return Err(ArrowError::SchemaError(format!("no column `{name}`; there are {}", names.join(", "))));
        }
        if let Some(field) = schema.fields().iter().find(|f| !is_known(f.data_type())) {
            let text =
                format!("the column `{}` has the type {}, which is not understood", field.name(), field.data_type());
            return Err(ArrowError::SchemaError(text));
        }
        Ok(Self { stream, batch: None, row: 0 })
    }
}

impl<R: Read> Iterator for ManifestRows<R> {
    type Item = Result<ManifestRow, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|b| self.row < b.num_rows()) {
                let row = self.row;
                self.row += 1;
                let cell = |(field, column): (&Arc<_>, &ArrayRef)| {
                    let field: &crate::arrow::datatypes::Field = field;
                    Some((field.name().clone(), text(column, row)?))
                };
                return Some(Ok(batch.schema().fields().iter().zip(batch.columns()).filter_map(cell).collect()));
            }
            match self.stream.next()? {
                Ok(batch) => (self.batch, self.row) = (Some(batch), 0),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn is_known(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(..)
                | DataType::Null
        )
}

/// A cell as text: days as `YYYY-MM-DD`, instants in UTC, times without a zone without one.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    macro_rules! number {
        ($kind:ty) => {
            Some(column.as_primitive::<$kind>().value(row).to_string())
        };
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Some(column.as_string_view().value(row).to_owned()),
        DataType::Boolean => Some(column.as_boolean().value(row).to_string()),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Date32 => day(i64::from(column.as_primitive::<Date32Type>().value(row))),
        DataType::Date64 => day(column.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000)),
        DataType::Timestamp(unit, zone) => {
            let at = match unit {
                TimeUnit::Second => Timestamp::from_second(column.as_primitive::<TimestampSecondType>().value(row)),
                TimeUnit::Millisecond => {
                    Timestamp::from_millisecond(column.as_primitive::<TimestampMillisecondType>().value(row))
                }
                TimeUnit::Microsecond => {
                    Timestamp::from_microsecond(column.as_primitive::<TimestampMicrosecondType>().value(row))
                }
                TimeUnit::Nanosecond => {
                    let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
                    Timestamp::from_nanosecond(i128::from(nanos))
                }
            };
            let text = at.ok()?.to_string();
            // A clock on the wall, of whichever place the configuration names.
            Some(if zone.is_some() { text } else { text.trim_end_matches('Z').to_owned() })
        }
        _ => None,
    }
}

fn day(since_epoch: i64) -> Option<String> {
    let span = jiff::Span::new().try_days(since_epoch).ok()?;
    date(1970, 1, 1).checked_add(span).ok().map(|day| day.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_ipc::writer::StreamWriter;

    use super::{ManifestRow, ManifestRows};
    use crate::arrow::array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, LargeStringArray, ListArray, StringArray,
        StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };
    use crate::arrow::datatypes::Int32Type;
    use crate::arrow::record_batch::RecordBatch;

    fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch.slice(0, 0)).unwrap();
        writer.write(&batch.slice(1, 1)).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn cells_of_every_type_become_texts_and_nulls_are_left_out() {
        let bytes = stream(vec![
            ("uri", Arc::new(LargeStringArray::from(vec!["a.wav", "b.wav"]))),
            ("recording_id", Arc::new(StringViewArray::from(vec!["k1", "k2"]))),
            ("agent_id", Arc::new(StringArray::from(vec![None, Some("3021")]))),
            ("dt", Arc::new(Date32Array::from(vec![20_773, -1]))),
            ("started_at", Arc::new(TimestampMillisecondArray::from(vec![1_500, 0]).with_timezone("Asia/Shanghai"))),
            ("local", Arc::new(TimestampNanosecondArray::from(vec![0, 1_000_000_000]))),
            ("desk", Arc::new(Int32Array::from(vec![7, -7]))),
            ("long", Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
            ("vip", Arc::new(BooleanArray::from(vec![true, false]))),
            ("share", Arc::new(Float64Array::from(vec![0.5, 2.0]))),
        ]);
        let rows = ManifestRows::new(bytes.as_slice(), &["recording_id", "uri"]).unwrap();
        let rows: Vec<ManifestRow> = rows.map(Result::unwrap).collect();
        // The second row stands twice, as it was written.
        assert_eq!((rows.len(), &rows[1]), (3, &rows[2]));
        let shown = |row: &ManifestRow| row.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
        assert_eq!(
            shown(&rows[0]),
            "desk=7 dt=2026-11-16 local=1970-01-01T00:00:00 long=18446744073709551615 recording_id=k1 share=0.5 \
             started_at=1970-01-01T00:00:01.5Z uri=a.wav vip=true"
        );
        assert!(shown(&rows[1]).starts_with("agent_id=3021 desk=-7 dt=1969-12-31 local=1970-01-01T00:00:01 long=0"));
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_the_reason() {
        let why = |bytes: &[u8]| ManifestRows::new(bytes, &["recording_id", "uri"]).err().unwrap().to_string();
        assert!(why(&stream(vec![("uri", Arc::new(StringArray::from(vec!["a", "b"])))])).contains("recording_id"));
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]), None]);
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let odd = stream(vec![("recording_id", Arc::clone(&ids)), ("uri", ids), ("tags", Arc::new(list))]);
        assert!(why(&odd).contains("`tags`"), "{}", why(&odd));
        why(b"recording_id,uri\nk1,a.wav\n");
        why(b"");
        // A stream that ends within a batch gives an error, not fewer rows.
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let whole = stream(vec![("recording_id", Arc::clone(&ids)), ("uri", ids)]);
        let cut = ManifestRows::new(&whole[..whole.len() * 2 / 3], &[]).unwrap();
        assert!(cut.into_iter().any(|row| row.is_err()));
    }
}
