//! Files and folders that are named on the command line.

use std::path::Path;

use anyhow::{Result, bail};
use callsift_objects::is_address;

use crate::nearest::{nearest_path, typed};

/// That a path is none of object storage: commands that read such were given a mirror in its place.
///
/// # Errors
/// It is.
pub fn of_this_machine(path: &Path) -> Result<()> {
    if is_address(path) {
        bail!("{}: this command takes files and folders of this machine only; mount or copy it", path.display());
    }
    Ok(())
}

/// That a file or folder is there; the error names the option, where it is one, and the nearest path that exists.
///
/// # Errors
/// It is not.
pub fn file(option: &str, path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    of_this_machine(path)?;
    if path.exists() {
        return Ok(());
    }
    let near = match nearest_path(path) {
        Some(near) if near.file_name() != path.file_name() && std::path::absolute(path)?.starts_with(&near) => {
            format!("; nothing in {} is called like it", near.display())
        }
        Some(near) => format!("; did you mean {}?", typed(&near)),
        None => String::new(),
    };
    let option = if option.is_empty() { String::new() } else { format!("{option}: ") };
    bail!("{option}{} does not exist{near}", path.display())
}
