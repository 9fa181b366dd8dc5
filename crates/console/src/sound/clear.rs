//! Emptying the cache of decoded sound.

use std::path::Path;

use crate::error::ConsoleError;

/// Removes all sound and waveforms: their names do not tell whose they are. What the console needs it makes again. Gives
/// how many files went.
pub(crate) fn clear(folder: &Path) -> Result<usize, ConsoleError> {
    if !folder.is_dir() {
        return Ok(0);
    }
    let (mut removed, mut failed) = (0, None);
    for entry in std::fs::read_dir(folder).map_err(ConsoleError::io("cannot read", folder))?.flatten() {
        let path = entry.path();
        let made_here = path.extension().is_some_and(|e| e == "wav" || e == "peaks" || e == "part");
        if !made_here {
            continue;
        }
        match std::fs::remove_file(&path) {
            Ok(()) => removed += 1,
            // The console makes room by itself.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => failed = Some(ConsoleError::io("cannot remove", &path)(e)),
        }
    }
    failed.map_or(Ok(removed), Err)
}

#[cfg(test)]
mod tests {
    use super::clear;

    #[test]
    fn sound_goes_and_whatever_else_lies_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.wav", "a.peaks", "b.part", "notes.txt"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        assert_eq!(clear(dir.path()).unwrap(), 3);
        assert!(dir.path().join("notes.txt").exists());
        assert_eq!(clear(&dir.path().join("none")).unwrap(), 0);
    }
}
