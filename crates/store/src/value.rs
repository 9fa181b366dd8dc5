//! Cell values and their Arrow columns.

use std::borrow::Cow;
use std::sync::Arc;

use crate::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use crate::arrow::datatypes::{DataType, Field, TimeUnit};

/// Type of a column: the safe set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 64-bit floating point.
    Float64,
    /// True or false.
    Bool,
    /// Microseconds since the epoch, UTC.
    Timestamp,
    /// Days since the epoch.
    Date,
    /// List of texts.
    TextList,
    /// List of 64-bit integers.
    Int64List,
    /// List of 64-bit floating points; elements may be null.
    Float64List,
}

/// One cell; texts are borrowed from the row where it has them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'r> {
    /// No value.
    Null,
    /// For [`Kind::Text`].
    Text(Cow<'r, str>),
    /// For [`Kind::Int32`].
    Int32(i32),
    /// For [`Kind::Int64`] and [`Kind::Timestamp`].
    Int64(i64),
    /// For [`Kind::Float64`].
    Float64(f64),
    /// For [`Kind::Bool`].
    Bool(bool),
    /// For [`Kind::Date`].
    Date(i32),
    /// For [`Kind::TextList`].
    TextList(Vec<String>),
    /// For [`Kind::Int64List`].
    Int64List(Vec<i64>),
    /// For [`Kind::Float64List`].
    Float64List(Vec<Option<f64>>),
}

impl<'r> From<&'r str> for Value<'r> {
    fn from(v: &'r str) -> Self {
        Self::Text(Cow::Borrowed(v))
    }
}

impl From<String> for Value<'_> {
    fn from(v: String) -> Self {
        Self::Text(Cow::Owned(v))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(v: Option<String>) -> Self {
        v.map_or(Self::Null, Self::from)
    }
}

impl From<Option<f64>> for Value<'_> {
    fn from(v: Option<f64>) -> Self {
        v.map_or(Self::Null, Self::Float64)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(v: Option<i64>) -> Self {
        v.map_or(Self::Null, Self::Int64)
    }
}

impl Kind {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
        match self {
            Self::Text => DataType::Utf8,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::TextList => list(DataType::Utf8),
            Self::Int64List => list(DataType::Int64),
            Self::Float64List => list(DataType::Float64),
        }
    }

    /// Name in the dictionary, as `DuckDB` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Int32 => "INTEGER",
            Self::Int64 => "BIGINT",
            Self::Float64 => "DOUBLE",
            Self::Bool => "BOOLEAN",
            Self::Timestamp => "TIMESTAMP WITH TIME ZONE",
            Self::Date => "DATE",
            Self::TextList => "VARCHAR[]",
            Self::Int64List => "BIGINT[]",
            Self::Float64List => "DOUBLE[]",
        }
    }

    /// Builds a column; a value of another kind becomes null, which a non-null column then refuses.
    pub fn column<'r>(self, values: impl Iterator<Item = Value<'r>>) -> ArrayRef {
        macro_rules! build {
            ($builder:expr, $variant:path) => {{
                let mut builder = $builder;
                values.for_each(|v| builder.append_option(if let $variant(v) = v { Some(v) } else { None }));
                Arc::new(builder.finish())
            }};
        }
        match self {
            Self::Text => build!(StringBuilder::new(), Value::Text),
            Self::Int32 => build!(Int32Builder::new(), Value::Int32),
            Self::Int64 => build!(Int64Builder::new(), Value::Int64),
            Self::Float64 => build!(Float64Builder::new(), Value::Float64),
            Self::Bool => build!(BooleanBuilder::new(), Value::Bool),
            Self::Timestamp => build!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), Value::Int64),
            Self::Date => build!(Date32Builder::new(), Value::Date),
            Self::TextList => {
                let mut b = ListBuilder::new(StringBuilder::new());
                values.for_each(|v| {
                    b.append_value(if let Value::TextList(v) = v { v } else { Vec::new() }.into_iter().map(Some));
                });
                Arc::new(b.finish())
            }
            Self::Int64List => {
                let mut b = ListBuilder::new(Int64Builder::new());
                values.for_each(|v| {
                    b.append_value(if let Value::Int64List(v) = v { v } else { Vec::new() }.into_iter().map(Some));
                });
                Arc::new(b.finish())
            }
            Self::Float64List => {
                let mut b = ListBuilder::new(Float64Builder::new());
                values.for_each(|v| b.append_value(if let Value::Float64List(v) = v { v } else { Vec::new() }));
                Arc::new(b.finish())
            }
        }
    }
}
