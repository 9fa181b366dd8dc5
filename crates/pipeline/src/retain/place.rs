//! Where a recording is, seen from the recordings folder.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use callsift_core::path_of_name;

/// Where a recording is.
#[derive(Debug)]
pub(super) enum Place {
    /// A file below the folder, by its true path.
    Found(PathBuf),
    /// A link leads out of the folder.
    Outside,
    /// Nowhere.
    Missing,
    /// It cannot be told.
    Unknown(Error),
}

/// Looks for a recording below `root`, which is a true path. As the console does: links and `..` are resolved, and what does
/// not lie below the folder then is not there.
pub(super) fn place(root: &Path, name: &str) -> Place {
    if name.is_empty() {
        return Place::Missing;
    }
    match root.join(path_of_name(name)).canonicalize() {
        Ok(path) if !path.starts_with(root) => Place::Outside,
        Ok(path) if path.is_file() => Place::Found(path),
        Ok(_) => Place::Missing,
        Err(e) => match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
                Place::Missing
            }
            _ => Place::Unknown(e),
        },
    }
}

/// The link by which a recording was found, where it is one and lies below the folder itself.
pub(super) fn link(root: &Path, name: &str) -> Option<PathBuf> {
    let path = root.join(path_of_name(name));
    let folder = path.parent()?.canonicalize().ok()?;
    let is_link = path.symlink_metadata().is_ok_and(|m| m.is_symlink());
    (is_link && folder.starts_with(root)).then(|| folder.join(path.file_name().unwrap_or_default()))
}
