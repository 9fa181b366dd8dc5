//! Parquet files: how they are written, and how they get their names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::arrow::datatypes::SchemaRef;
use crate::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::StoreError;
use crate::order::Order;
use crate::schema::SCHEMA_VERSION;
use crate::seal;

/// Rows per row group: small enough that a reader can skip, large enough to compress.
const ROW_GROUP_ROWS: usize = 65_536;

/// A Parquet file that is being written, under a name where no reader looks.
pub(crate) struct TableWriter {
    writer: ArrowWriter<File>,
    path: PathBuf,
}

impl TableWriter {
    /// Begins a file. `order` is written into a file whose rows have the lake's order.
    pub(crate) fn create(path: &Path, schema: SchemaRef, order: Option<Order>) -> Result<Self, StoreError> {
        let version = KeyValue::new("callsift.schema_version".to_owned(), SCHEMA_VERSION.to_string());
        let named = order.map(Order::metadata).into_iter().flatten();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(|e| cannot_write(path, &e))?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by(format!("callsift {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(std::iter::once(version).chain(named).chain(seal::blank()).collect()))
            .build();
        // Read again for its checksum.
        let opened = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let file = opened.map_err(StoreError::io("cannot write to the lake", path))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|e| cannot_write(path, &e))?;
        Ok(Self { writer, path: path.to_owned() })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.writer.write(batch).map_err(|e| cannot_write(&self.path, &e))
    }

    /// Bytes of the file so far, about: what is not yet a row group is estimated. The same rows give the same number.
    pub(crate) fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    /// Ends the file; it is on the disk when this returns.
    pub(crate) fn finish(self) -> Result<(), StoreError> {
        let mut file = self.writer.into_inner().map_err(|e| cannot_write(&self.path, &e))?;
        seal::seal(&mut file)
            .and_then(|()| file.sync_all())
            .map_err(StoreError::io("cannot write to the lake", &self.path))
    }
}

fn cannot_write(path: &Path, e: &dyn std::fmt::Display) -> StoreError {
    StoreError::parquet("cannot write to the lake (is the disk full?)", path)(e)
}

/// Writes a file of one batch.
pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch) -> Result<(), StoreError> {
    let mut writer = TableWriter::create(path, batch.schema(), None)?;
    writer.write(batch)?;
    writer.finish()
}

/// The folder where files are made before they get their names.
pub(crate) fn staging(root: &Path) -> Result<PathBuf, StoreError> {
    let staging = root.join(".staging");
    fs::create_dir_all(&staging).map_err(StoreError::io("cannot write to the lake", &staging))?;
    Ok(staging)
}

pub(crate) fn publish(from: &Path, to: &Path) -> Result<(), StoreError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::io("cannot write to the lake", folder))?;
    fs::rename(from, to).map_err(StoreError::io("cannot publish a part", to))?;
    // The rename itself must survive a power cut before the next one is made.
    File::open(folder).and_then(|d| d.sync_all()).map_err(StoreError::io("cannot publish a part", folder))
}

pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("cannot remove", path)(e)),
        _ => Ok(()),
    }
}
