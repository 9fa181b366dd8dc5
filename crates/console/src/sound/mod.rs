//! What people hear: recordings as browsers can play them, with numbers silenced for those who may not hear them.
//!
//! A recording that hides nothing, and that browsers play just as it was heard and seek in exactly, is served as it is
//! ([`callsift_audio::exact_mime`]). Everything else is decoded once into a WAV file (16 kHz, 16 bits, the recording's channels) in a cache of bounded size, so that ranges work and seeking is exact.

mod cache;
mod clear;
mod own;
mod peaks;
mod wav;

pub(crate) use cache::SoundCache;
pub(crate) use clear::clear;
pub(crate) use own::{Hashes, Own};
pub(crate) use peaks::BUCKETS;

use std::path::{Path, PathBuf};

use callsift_core::{TimeSpan, path_of_name};

use crate::error::ConsoleError;
use crate::page_error::PageError;

/// A file to be served, and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Playable {
    pub(crate) path: PathBuf,
    pub(crate) mime: &'static str,
}

/// The recording of a call: below the recordings folder, whatever the lake says.
pub(crate) fn recording(root: Option<&Path>, name: &str) -> Result<PathBuf, PageError> {
    let root = root.ok_or(PageError::NotFound)?;
    // Resolves links and `..` on both sides: what does not lie below the root is not there.
    let root = root.canonicalize().map_err(|_| PageError::NotFound)?;
    let path = root.join(path_of_name(name)).canonicalize().map_err(|_| PageError::NotFound)?;
    if path.starts_with(&root) && path.is_file() { Ok(path) } else { Err(PageError::NotFound) }
}

/// The file to serve for a recording, with these stretches silenced. `whole`: also what stands in the file beside the sound.
pub(crate) fn playable(
    cache: &SoundCache,
    path: &Path,
    silenced: &[TimeSpan],
    whole: bool,
) -> Result<Playable, ConsoleError> {
    if silenced.is_empty()
        && (whole || callsift_audio::holds_sound_alone(path)?)
        && let Some(mime) = callsift_audio::exact_mime(path, cache.limits())?
    {
        return Ok(Playable { path: path.to_owned(), mime });
    }
    Ok(Playable { path: cache.wav(path, silenced)?, mime: "audio/wav" })
}

/// A stretch of a recording as a WAV file, silenced likewise; at most ten minutes. Nothing where the recording ends before.
pub(crate) fn clip(
    cache: &SoundCache,
    path: &Path,
    silenced: &[TimeSpan],
    span: TimeSpan,
) -> Result<Option<Vec<u8>>, ConsoleError> {
    const MOST_MS: i64 = 600_000;
    let whole = cache.wav(path, silenced)?;
    let span = TimeSpan::new(span.start_ms, span.end_ms.min(span.start_ms + MOST_MS));
    wav::cut(&whole, span)
}

#[cfg(test)]
mod tests {
    use super::recording;

    #[test]
    fn only_what_lies_below_the_folder_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("recordings");
        std::fs::create_dir_all(root.join("day")).unwrap();
        std::fs::write(root.join("day/a.wav"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        assert!(recording(Some(&root), "day/a.wav").is_ok());
        for name in ["../secret", "day/../../secret", "/etc/hostname", "day", "none.wav", ""] {
            assert!(recording(Some(&root), name).is_err(), "{name}");
        }
        std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link")).unwrap();
        assert!(recording(Some(&root), "link").is_err());
        assert!(recording(None, "day/a.wav").is_err());
    }
}
