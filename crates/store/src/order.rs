//! The lake's order of rows: by call id, and inside a call as the call was written.
//!
//! Compacted parts have it in all three tables and say so in their metadata. So they can be read and rewritten a few
//! calls at a time, however large they are, and statistics of row groups lead to a call. Rows are written in blocks
//! of so many calls from the beginning of the part, so that bytes depend on the rows alone.

use std::path::Path;

use crate::arrow::array::{Array, AsArray, UInt64Array};
use crate::arrow::compute::{concat_batches, take_record_batch};
use crate::arrow::record_batch::{RecordBatch, RecordBatchReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::file::metadata::KeyValue;

use crate::error::StoreError;
use crate::files::{TableWriter, write_parquet};
use crate::lake::Part;
use crate::read;
use crate::schema::{Table, TableName};
use crate::tables;

/// Calls that are read, judged and written together.
pub(crate) const BLOCK_CALLS: usize = 1024;

const ORDER: &str = "callsift.order";
const TARGET: &str = "callsift.target_bytes";

/// What the metadata of a compacted file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Size of a part's `turns` from which the next part begins, bytes.
    pub(crate) target_bytes: u64,
}

impl Order {
    pub(crate) fn metadata(self) -> [KeyValue; 2] {
        [
            KeyValue::new(ORDER.to_owned(), "call_id".to_owned()),
            KeyValue::new(TARGET.to_owned(), self.target_bytes.to_string()),
        ]
    }

    pub(crate) fn parse(metadata: Option<&Vec<KeyValue>>) -> Option<Self> {
        let value = |key: &str| metadata?.iter().find(|kv| kv.key == key)?.value.as_deref();
        (value(ORDER) == Some("call_id")).then_some(())?;
        Some(Self { target_bytes: value(TARGET)?.parse().ok()? })
    }

    /// That of a part: of all these files of it, or none.
    pub(crate) fn of_part(root: &Path, part: &Part, tables: &[TableName]) -> Result<Option<Self>, StoreError> {
        let mut orders = tables.iter().map(|table| Ok(read::footer(&part.path(root, *table))?.order));
        let first = orders.next().transpose()?.flatten();
        for other in orders {
            if other? != first {
                return Ok(None);
            }
        }
        Ok(first)
    }
}

/// Rows of any version as a table has them now.
pub(crate) type Upgrade = Box<dyn Fn(&RecordBatch) -> Result<RecordBatch, crate::arrow::error::ArrowError>>;

/// The schema of a table of a run, and what brings older rows to it.
pub(crate) fn shape(table: TableName) -> (crate::arrow::datatypes::SchemaRef, Upgrade) {
    fn of<R: 'static>(table: Table<R>) -> (crate::arrow::datatypes::SchemaRef, Upgrade) {
        (table.schema(), Box::new(move |rows| table.upgraded(rows)))
    }
    match table {
        TableName::Turns => of(tables::turns()),
        TableName::Findings => of(tables::findings()),
        _ => of(tables::calls()),
    }
}

/// A file's rows, taken from the front.
pub(crate) struct Rows {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, crate::arrow::error::ArrowError>>>,
    /// What was read and not yet taken.
    open: Option<RecordBatch>,
    path: std::path::PathBuf,
}

impl Rows {
    /// Rows of a reader in the order in which they lie there.
    pub(crate) fn new(path: &Path, reader: ParquetRecordBatchReader) -> Self {
        Self { batches: Box::new(reader), open: None, path: path.to_owned() }
    }

    /// All rows of a file by call id; where they lie so, without holding more than a block of them.
    pub(crate) fn by_call(path: &Path) -> Result<Self, StoreError> {
        if in_order(path)? {
            return Ok(Self::new(path, read::open_all(path)?));
        }
        let reader = read::open_all(path)?;
        let schema = reader.schema();
        let fail = |e: &dyn std::fmt::Display| cannot_read(path, e);
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|e| fail(&e))?;
        let all = concat_batches(&schema, &batches).map_err(|e| fail(&e))?;
        let ids: Vec<&str> = (0..all.num_rows()).map(|row| id_at(&all, row)).collect();
        let mut order: Vec<u64> = (0..all.num_rows() as u64).collect();
        // Stable: rows of a call keep their order.
        order.sort_by_key(|row| ids[*row as usize]);
        let sorted = take_record_batch(&all, &UInt64Array::from(order)).map_err(|e| fail(&e))?;
        Ok(Self { batches: Box::new(std::iter::once(Ok(sorted))), open: None, path: path.to_owned() })
    }

    fn next_open(&mut self) -> Result<Option<RecordBatch>, StoreError> {
        if let Some(open) = self.open.take().filter(|b| b.num_rows() > 0) {
            return Ok(Some(open));
        }
        for batch in self.batches.by_ref() {
            let batch = batch.map_err(|e| cannot_read(&self.path, &e))?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Takes the rows up to a call id, its own included.
    pub(crate) fn take_to(&mut self, last: &str, out: &mut Vec<RecordBatch>) -> Result<(), StoreError> {
        while let Some(batch) = self.next_open()? {
            let end = rows_to(&batch, last);
            let (all, taken) = (batch.num_rows(), batch.slice(0, end));
            self.open = (end < all).then(|| batch.slice(end, all - end));
            if end > 0 {
                out.push(taken);
            }
            if end < all {
                break;
            }
        }
        Ok(())
    }

    /// Takes so many rows, fewer at the end.
    pub(crate) fn take_rows(&mut self, rows: usize, out: &mut Vec<RecordBatch>) -> Result<(), StoreError> {
        let mut missing = rows;
        while missing > 0
            && let Some(batch) = self.next_open()?
        {
            let end = missing.min(batch.num_rows());
            out.push(batch.slice(0, end));
            self.open = Some(batch.slice(end, batch.num_rows() - end));
            missing -= end;
        }
        Ok(())
    }
}

/// Rows at the front of a batch in order whose call id is not after `last`.
fn rows_to(batch: &RecordBatch, last: &str) -> usize {
    let (mut low, mut high) = (0, batch.num_rows());
    while low < high {
        let middle = usize::midpoint(low, high);
        if id_at(batch, middle) <= last { low = middle + 1 } else { high = middle }
    }
    low
}

/// Call id of a row; empty where there is none.
pub(crate) fn id_at(batch: &RecordBatch, row: usize) -> &str {
    let ids = batch.column_by_name("call_id").and_then(|c| c.as_string_opt::<i32>());
    ids.filter(|ids| !ids.is_null(row)).map_or("", |ids| ids.value(row))
}

/// Call ids of a file in the order of its rows, once for rows that follow each other.
pub(crate) fn ids(path: &Path) -> Result<Vec<String>, StoreError> {
    read::contained(path, || {
        let mut ids: Vec<String> = Vec::new();
        for batch in read::open_columns(path, &["call_id"])? {
            let batch = batch.map_err(|e| cannot_read(path, &e))?;
            for row in 0..batch.num_rows() {
                let id = id_at(&batch, row);
                if ids.last().is_none_or(|last| last != id) {
                    ids.push(id.to_owned());
                }
            }
        }
        Ok(ids)
    })
}

fn in_order(path: &Path) -> Result<bool, StoreError> {
    Ok(ids(path)?.is_sorted())
}

pub(crate) fn cannot_read(path: &Path, e: &dyn std::fmt::Display) -> StoreError {
    StoreError::parquet("cannot read a part of the lake", path)(e)
}

/// Batches as one, as a table has them now.
pub(crate) fn block(
    (schema, upgrade): &(crate::arrow::datatypes::SchemaRef, Upgrade),
    batches: &[RecordBatch],
    path: &Path,
) -> Result<RecordBatch, StoreError> {
    let upgraded: Vec<RecordBatch> =
        batches.iter().map(upgrade).collect::<Result<_, _>>().map_err(|e| cannot_read(path, &e))?;
    concat_batches(schema, &upgraded).map_err(|e| cannot_read(path, &e))
}

/// Writes a part's file anew with the rows of calls that stay, as a fresh run or a fresh compaction would: block by
/// block where the part has the lake's order. Gives how many calls stay.
pub(crate) fn rewrite(
    root: &Path,
    part: &Part,
    table: TableName,
    order: Option<Order>,
    gone: &std::collections::BTreeSet<&str>,
    to: &Path,
) -> Result<(), StoreError> {
    let path = part.path(root, table);
    let shape = shape(table);
    let stays = |batch: &RecordBatch| -> Result<RecordBatch, StoreError> {
        let mask: crate::arrow::array::BooleanArray =
            (0..batch.num_rows()).map(|row| Some(!gone.contains(id_at(batch, row)))).collect();
        crate::arrow::compute::filter_record_batch(batch, &mask).map_err(|e| cannot_read(&path, &e))
    };
    let mut rows = Rows::new(&path, read::open_all(&path)?);
    let Some(order) = order else {
        let mut all = Vec::new();
        rows.take_rows(usize::MAX, &mut all)?;
        let all: Vec<RecordBatch> = all.iter().map(stays).collect::<Result<_, _>>()?;
        return write_parquet(to, &block(&shape, &all, &path)?);
    };
    let staying: Vec<String> =
        ids(&part.path(root, TableName::Calls))?.into_iter().filter(|id| !gone.contains(id.as_str())).collect();
    let mut writer = TableWriter::create(to, std::sync::Arc::clone(&shape.0), Some(order))?;
    for calls in staying.chunks(BLOCK_CALLS) {
        let mut taken = Vec::new();
        if let Some(last) = calls.last() {
            rows.take_to(last, &mut taken)?;
        }
        let taken: Vec<RecordBatch> = taken.iter().map(stays).collect::<Result<_, _>>()?;
        writer.write(&block(&shape, &taken, &path)?)?;
    }
    writer.finish()
}
