//! The parts of arrow that tables need, under the names of its umbrella crate.

pub(crate) use arrow_schema::ArrowError;

pub(crate) mod array {
    pub(crate) use arrow_array::builder::*;
    pub(crate) use arrow_array::cast::AsArray;
    pub(crate) use arrow_array::*;
}

pub(crate) mod compute {
    pub(crate) use arrow_select::concat::concat_batches;
    pub(crate) use arrow_select::filter::filter_record_batch;
    pub(crate) use arrow_select::take::take_record_batch;
}

pub(crate) mod datatypes {
    pub(crate) use arrow_array::types::*;
    pub(crate) use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
}

pub(crate) mod error {
    pub(crate) use super::ArrowError;
}

pub(crate) mod record_batch {
    pub(crate) use arrow_array::{RecordBatch, RecordBatchReader};
}
