//! The shape of a table: one declaration drives writing, the dictionary and the tests.

use std::sync::Arc;

use crate::arrow::datatypes::{Field, Schema, SchemaRef};
use crate::arrow::error::ArrowError;
use crate::arrow::record_batch::RecordBatch;

use crate::value::{Kind, Value};

/// Version of the tables; in the metadata of every file. Raised whenever a column is added or changes its meaning. Parts of
/// every older version are read, too: see [`Column::since`].
pub const SCHEMA_VERSION: u32 = 4;

/// The tables of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableName {
    /// One row per call.
    Calls,
    /// One row per turn.
    Turns,
    /// One row per rule and call, and one per hit.
    Findings,
    /// One row per verdict of a person.
    Reviews,
    /// One row per listening form.
    Forms,
    /// One row per call of a draw's frame.
    Samples,
}

impl TableName {
    /// Those that a run writes, in the order in which parts are published: `calls` last, as the commit mark.
    pub const ALL: [Self; 3] = [Self::Turns, Self::Findings, Self::Calls];

    /// Folder name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Turns => "turns",
            Self::Findings => "findings",
            Self::Reviews => "reviews",
            Self::Forms => "forms",
            Self::Samples => "samples",
        }
    }
}

/// One column of a table over rows of type `R`.
pub struct Column<R> {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// May hold nulls.
    pub nullable: bool,
    /// Version of the tables that brought the column. In parts of older ones it reads as null, or as an empty list.
    pub since: u32,
    /// Meaning, with units.
    pub doc: &'static str,
    /// The value of a row.
    pub get: fn(&R) -> Value<'_>,
}

/// A table.
pub struct Table<R> {
    /// Which.
    pub name: TableName,
    /// What a row is.
    pub doc: &'static str,
    /// Columns in order.
    pub columns: Vec<Column<R>>,
}

impl<R> Table<R> {
    /// The Arrow schema, with table name and version in its metadata.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self.columns.iter().map(|c| Field::new(c.name, c.kind.arrow(), c.nullable)).collect();
        let metadata = std::collections::HashMap::from([
            ("callsift.table".to_owned(), self.name.as_str().to_owned()),
            ("callsift.schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        ]);
        Arc::new(Schema::new(fields).with_metadata(metadata))
    }

    /// Rows of a part of any version as this version has them: what an older part lacks is null or an empty list.
    ///
    /// # Errors
    /// A column that the part's version had is not there, or of another type.
    pub fn upgraded(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let absent = |c: &Column<R>| c.kind.column((0..rows.num_rows()).map(|_| Value::Null));
        let columns = self.columns.iter().map(|c| match rows.column_by_name(c.name) {
            Some(column) => Ok(Arc::clone(column)),
            None if c.since > 1 => Ok(absent(c)),
            None => Err(ArrowError::SchemaError(format!("the column `{}` is missing", c.name))),
        });
        RecordBatch::try_new(self.schema(), columns.collect::<Result<_, _>>()?)
    }

    /// Rows as one record batch.
    ///
    /// # Errors
    /// A column that may not be null has no value.
    pub fn batch(&self, rows: &[R]) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter().map(|c| c.kind.column(rows.iter().map(c.get))).collect();
        RecordBatch::try_new(self.schema(), columns)
    }
}
