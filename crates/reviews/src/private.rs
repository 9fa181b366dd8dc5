//! Files that are nobody else's business: folders that their owner alone enters (0700), files that nobody else reads (0600),
//! whatever the umask says.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes a folder, and those above it, where they are not there. What is there stays as it is: somebody may have opened it on
/// purpose, and is told ([`open_to_others`]).
///
/// # Errors
/// It cannot be made.
pub fn folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(FOLDER))
}

/// Makes an empty file where there is none; `SQLite` gives its log the rights of the file.
///
/// # Errors
/// It cannot be made.
pub fn file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(FILE)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

/// Takes from others what rights they have to a file.
///
/// # Errors
/// They cannot be changed.
pub fn close(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(FILE))
}

/// Those of these files and folders that others may read, or enter. What is not there is passed over.
pub fn open_to_others(paths: &[PathBuf]) -> Vec<&Path> {
    let others = |path: &&PathBuf| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    paths.iter().filter(others).map(PathBuf::as_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_the_owners_and_what_was_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (deep, open) = (dir.path().join("a/b"), dir.path().join("open"));
        folder(&deep).unwrap();
        file(&deep.join("f")).unwrap();
        assert_eq!((mode(&dir.path().join("a")), mode(&deep), mode(&deep.join("f"))), (0o700, 0o700, 0o600));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        folder(&open).unwrap();
        let all = [deep.clone(), open.clone(), dir.path().join("none")];
        assert_eq!(open_to_others(&all), [open.as_path()]);
        fs::write(deep.join("f"), "x").unwrap();
        file(&deep.join("f")).unwrap();
        assert_eq!(fs::read(deep.join("f")).unwrap(), b"x", "nothing is lost");
    }
}
