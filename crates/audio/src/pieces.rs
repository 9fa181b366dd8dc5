//! Stretches of a file as if they were one file: what lies before, between and behind them is not there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use symphonia::core::io::MediaSource;

/// A file of which only some stretches are seen, one after the other.
pub(crate) struct Pieces {
    file: File,
    pieces: Vec<Range<u64>>,
    /// Position among the bytes that are seen.
    at: u64,
}

impl Pieces {
    /// Stretches in bytes of the file.
    pub(crate) fn new(file: File, pieces: Vec<Range<u64>>) -> Self {
        Self { file, pieces, at: 0 }
    }

    /// Everything from a byte on.
    pub(crate) fn from(file: File, start: u64) -> io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self::new(file, vec![start.min(end)..end]))
    }

    /// Bytes that are seen.
    pub(crate) fn len(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.end - piece.start).sum()
    }

    /// Where the position lies in the file, and how many bytes of its stretch are left; `None` at the end.
    fn place(&self) -> Option<(u64, u64)> {
        let mut before = 0;
        for piece in &self.pieces {
            let length = piece.end - piece.start;
            if self.at < before + length {
                let into = self.at - before;
                return Some((piece.start + into, length - into));
            }
            before += length;
        }
        None
    }
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some((place, left)) = self.place() else { return Ok(0) };
        let most = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.file.seek(SeekFrom::Start(place))?;
        let got = self.file.read(&mut out[..most])?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Pieces {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom, Write};

    use super::Pieces;

    #[test]
    fn what_lies_between_is_not_there() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"junkHEADjunkBODYjunk").unwrap();
        let mut pieces = Pieces::new(file, vec![4..8, 12..16]);
        let mut text = String::new();
        pieces.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), pieces.len()), ("HEADBODY", 8));
        pieces.seek(SeekFrom::End(-5)).unwrap();
        let mut rest = String::new();
        pieces.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "DBODY");
        assert!(pieces.seek(SeekFrom::Current(-9)).is_err());
    }
}
