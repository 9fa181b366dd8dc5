//! Checksums of parts: each file of the lake holds the SHA-256 of all its bytes in its own footer.
//!
//! The footer has a value of 64 digits under `callsift.sha256`, and says under `callsift.checksum` that it has. The hash
//! is that of the file with zeros in their place, so that it covers the footer, too, stays with the file wherever that is
//! copied, and needs no second file that could fall out of step. Zstandard as Parquet uses it has none of its own: a byte
//! that changed may well decompress, to other words.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use callsift_core::hex;
use parquet::file::metadata::KeyValue;
use sha2::{Digest, Sha256};

use crate::error::StoreError;

const KEY: &str = "callsift.sha256";
/// Says that there is a hash, so that a file which lost the place of it is not taken for an old one.
const SAID: &str = "callsift.checksum";
/// Digits of the hash.
const DIGITS: usize = 64;
/// Length of the footer and `PAR1`, at the end of each Parquet file.
const END: u64 = 8;
/// A longer footer is none of ours.
const LONGEST_FOOTER: u64 = 64 << 20;
/// What is hashed at once.
const CHUNK: usize = 1 << 20;

/// What goes into the footer of a file that is being written.
pub(crate) fn blank() -> [KeyValue; 2] {
    [KeyValue::new(SAID.to_owned(), "sha256".to_owned()), KeyValue::new(KEY.to_owned(), "0".repeat(DIGITS))]
}

/// Where the hash is in a file.
enum Place {
    /// Its digits begin here.
    At(u64),
    /// It is said to be there, and is not.
    Lost,
    /// A file of an earlier version, or none of callsift's.
    Never,
}

/// Writes the hash into a file that is otherwise whole and has the place for it.
pub(crate) fn seal(file: &mut File) -> io::Result<()> {
    let Place::At(at) = place(file)? else { return Err(io::Error::other("the footer has no place for a checksum")) };
    let digits = digits(file, at)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(digits.as_bytes())
}

/// Whether a file holds a hash, and it is that of the file. A file of an earlier version has none.
///
/// # Errors
/// It is damaged, or cannot be read.
pub(crate) fn verify(path: &Path) -> Result<bool, StoreError> {
    let fail = |e| StoreError::io("cannot read the lake", path)(e);
    let mut file = File::open(path).map_err(fail)?;
    let damaged = |why: &str| Err(StoreError::parquet("cannot read a part of the lake", path)(&why));
    let at = match place(&mut file).map_err(fail)? {
        Place::At(at) => at,
        Place::Lost => return damaged("the place of its checksum is gone: bytes changed after they were written"),
        Place::Never => return Ok(false),
    };
    let mut said = [0; DIGITS];
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut said)).map_err(fail)?;
    if digits(&mut file, at).map_err(fail)?.as_bytes() == said {
        return Ok(true);
    }
    damaged("its checksum is not that of its bytes: they changed after they were written")
}

fn place(file: &mut File) -> io::Result<Place> {
    let len = file.metadata()?.len();
    let Some(end) = len.checked_sub(END) else { return Ok(Place::Never) };
    let mut last = [0; END as usize];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(&mut last)?;
    let (size, magic) = last.split_at(4);
    let size = size.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let Some(start) = end.checked_sub(size).filter(|_| magic == b"PAR1" && size <= LONGEST_FOOTER) else {
        return Ok(Place::Never);
    };
    let mut footer = vec![0; size as usize];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut footer)?;
    // As the footer is encoded (Thrift, compact): the next field, a text, of 64 bytes.
    let head = [KEY.as_bytes(), &[0x18, DIGITS as u8]].concat();
    let find = |what: &[u8]| footer.windows(what.len()).position(|w| w == what);
    let found = find(&head).map(|i| i + head.len()).filter(|i| i + DIGITS <= footer.len());
    Ok(match found {
        Some(i) => Place::At(start + i as u64),
        None if find(SAID.as_bytes()).is_some() => Place::Lost,
        None => Place::Never,
    })
}

/// The hash of a file with zeros where its digits begin.
fn digits(file: &mut File, at: u64) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Sha256::new();
    hash_some(&mut hash, file, at)?;
    hash.update([b'0'; DIGITS]);
    file.seek(SeekFrom::Current(DIGITS as i64))?;
    hash_some(&mut hash, file, u64::MAX)?;
    Ok(hex(&hash.finalize()))
}

fn hash_some(hash: &mut Sha256, file: &mut File, bytes: u64) -> io::Result<()> {
    let mut left = file.take(bytes);
    let mut chunk = vec![0; CHUNK];
    loop {
        match left.read(&mut chunk)? {
            0 => return Ok(()),
            n => hash.update(&chunk[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use callsift_core::Provenance;

    use super::verify;
    use crate::lake::tests::{open, report};
    use crate::schema::TableName;

    #[test]
    fn every_changed_byte_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let part = open(root).unwrap().write_part("2026-11-16", &[report("a", false)], &Provenance::default()).unwrap();
        for table in TableName::ALL {
            let path = part.path(root, table);
            assert!(verify(&path).unwrap());
            let whole = fs::read(&path).unwrap();
            for at in (0..whole.len()).step_by(11).chain(whole.len() - 8..whole.len()) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                fs::write(&path, bytes).unwrap();
                // Where even the place of the hash is gone, the file cannot be read either.
                let unread = || crate::read::open_all(&path).is_err();
                assert!(verify(&path).map_or_else(|e| e.is_damage(), |sealed| !sealed && unread()), "{table:?} {at}");
            }
            fs::write(&path, &whole).unwrap();
        }
    }
}
