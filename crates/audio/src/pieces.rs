//! Stretches of a file as if they were one file: what lies before, between and behind them is not there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use symphonia::core::io::MediaSource;

/// A file of which only some stretches are seen, one after the other.
pub(crate) struct Pieces {
    file: File,
    seen: Vec<Range<u64>>,
    /// Bytes of the file that are read otherwise.
    patches: Vec<(u64, Vec<u8>)>,
    /// Read from front to back: what the file says of places further on is not to be believed.
    only_forward: bool,
    /// Position among the bytes that are seen.
    at: u64,
}

impl Pieces {
    /// Stretches in bytes of the file.
    pub(crate) fn new(file: File, seen: Vec<Range<u64>>) -> Self {
        Self { file, seen, patches: Vec::new(), only_forward: false, at: 0 }
    }

    /// Puts other bytes in the place of some of the file's.
    pub(crate) fn patched(self, patches: Vec<(u64, Vec<u8>)>) -> Self {
        Self { patches, ..self }
    }

    /// Lets nobody jump.
    pub(crate) fn only_forward(self, only_forward: bool) -> Self {
        Self { only_forward, ..self }
    }

    /// Bytes that are seen.
    pub(crate) fn len(&self) -> u64 {
        self.seen.iter().map(|piece| piece.end - piece.start).sum()
    }

    /// Where the position lies in the file, and how many bytes of its stretch are left; `None` at the end.
    fn place(&self) -> Option<(u64, u64)> {
        let mut before = 0;
        for piece in &self.seen {
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
        for (at, bytes) in &self.patches {
            for (byte, at) in bytes.iter().zip(*at..) {
                if let Some(out) = at.checked_sub(place).and_then(|i| out[..got].get_mut(i as usize)) {
                    *out = *byte;
                }
            }
        }
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
        !self.only_forward
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len()).filter(|_| !self.only_forward)
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
        let mut patched = pieces.patched(vec![(6, b"xy".to_vec()), (11, b"-z".to_vec())]);
        let mut text = String::new();
        patched.rewind().unwrap();
        patched.read_to_string(&mut text).unwrap();
        assert_eq!(text, "HExyzODY");
    }
}
