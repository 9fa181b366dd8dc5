//! SHA-256 of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use callsift_core::hex;
use sha2::{Digest, Sha256};

use crate::ModelError;

/// SHA-256 of a file, lower-case hexadecimal.
pub fn file_sha256(path: &Path) -> Result<String, ModelError> {
    let mut file = File::open(path).map_err(|error| ModelError::io(error, path))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(|error| ModelError::io(error, path))? {
            0 => return Ok(hex(&hash.finalize())),
            got => hash.update(&buffer[..got]),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-4, appendix B.1.
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::file_sha256(&path).unwrap(), want);
    }
}
