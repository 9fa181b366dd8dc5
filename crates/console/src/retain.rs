//! What the console made of calls and recordings that were removed for their age.

use std::path::Path;

use crate::app::{SOUND, catalog_path};
use crate::catalog;
use crate::error::ConsoleError;
use crate::sound;

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Files of decoded sound and waveforms.
    pub sound_files: usize,
    /// Parts of the lake that left the catalogue.
    pub parts: usize,
}

/// Empties the cache of sound and takes out of the catalogue what the lake no longer holds; also while the console runs.
/// `deleted` says that calls were removed from the lake just now. `data` is the console's folder; where there is none, or
/// no catalogue in it, there is nothing to forget.
///
/// # Errors
/// A file cannot be removed or read; the catalogue is in use.
pub fn forget_removed(data: &Path, lake: &Path, deleted: bool) -> Result<Forgotten, ConsoleError> {
    let sound_files = sound::clear(&data.join(SOUND));
    let path = catalog_path(data);
    let parts = if path.is_file() { catalog::forget(&mut catalog::open(&path)?, lake, deleted)? } else { 0 };
    Ok(Forgotten { sound_files: sound_files?, parts })
}
