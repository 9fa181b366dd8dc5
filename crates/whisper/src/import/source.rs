//! A file whose every length is checked before anything is read or kept.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::WhisperError;

/// Longest JSON or text file of a model folder that is read: tokenizers are 2 to 4 MB.
const TEXT_LIMIT: u64 = 64 << 20;

/// A file that is read piece by piece, and knows its length and its name.
pub(super) struct Source {
    file: BufReader<File>,
    path: PathBuf,
    len: u64,
    at: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, WhisperError> {
        let file = File::open(path).map_err(|error| WhisperError::io(error, path))?;
        let len = file.metadata().map_err(|error| WhisperError::io(error, path))?.len();
        Ok(Self { file: BufReader::new(file), path: path.to_owned(), len, at: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes after the place that was reached.
    pub(super) fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    /// The place that was reached.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// What is wrong with this file.
    pub(super) fn wrong(&self, detail: impl Into<String>) -> WhisperError {
        WhisperError::form(&self.path, detail)
    }

    fn want(&self, bytes: u64, what: &str) -> Result<(), WhisperError> {
        if bytes > self.left() {
            let left = self.left();
            return Err(
                self.wrong(format!("damaged or cut off: {what} has {bytes} bytes, {left} are left in the file"))
            );
        }
        Ok(())
    }

    /// The next bytes; an error where the file does not have as many.
    pub(super) fn take(&mut self, bytes: u64, what: &str) -> Result<Vec<u8>, WhisperError> {
        self.want(bytes, what)?;
        let mut buffer = vec![0; bytes as usize];
        self.file.read_exact(&mut buffer).map_err(|error| WhisperError::io(error, &self.path))?;
        self.at += bytes;
        Ok(buffer)
    }

    pub(super) fn skip(&mut self, bytes: u64, what: &str) -> Result<(), WhisperError> {
        self.want(bytes, what)?;
        self.go_to(self.at + bytes)
    }

    fn go_to(&mut self, at: u64) -> Result<(), WhisperError> {
        self.file.seek(SeekFrom::Start(at)).map_err(|error| WhisperError::io(error, &self.path))?;
        self.at = at;
        Ok(())
    }

    /// Bytes from a place on.
    pub(super) fn at_offset(&mut self, offset: u64, bytes: u64, what: &str) -> Result<Vec<u8>, WhisperError> {
        if offset > self.len {
            return Err(self.wrong(format!("damaged or cut off: {what} lies behind the end of the file")));
        }
        self.go_to(offset)?;
        self.take(bytes, what)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, WhisperError> {
        Ok(self.take(1, what)?[0])
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, WhisperError> {
        let bytes = self.take(2, what)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, WhisperError> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// A JSON or text file of a model folder.
pub(super) fn text(path: &Path) -> Result<String, WhisperError> {
    let mut source = Source::open(path)?;
    if source.len() > TEXT_LIMIT {
        return Err(source.wrong(format!("{} bytes, where at most {TEXT_LIMIT} make sense", source.len())));
    }
    let bytes = source.take(source.len(), "the text")?;
    String::from_utf8(bytes).map_err(|_| source.wrong("is not UTF-8"))
}

/// A JSON file of a model folder, of any content.
pub(super) fn json(path: &Path) -> Result<serde_json::Value, WhisperError> {
    serde_json::from_str(&text(path)?).map_err(|error| WhisperError::form(path, format!("broken JSON: {error}")))
}
