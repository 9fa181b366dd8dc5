//! The cache: files that can be made again, and never more than so many bytes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use callsift_audio::AudioLimits;
use callsift_core::TimeSpan;
use callsift_reviews::private;
use sha2::{Digest, Sha256};

use crate::error::ConsoleError;
use crate::sound::peaks::Peaks;
use crate::sound::wav;

/// Bytes that are kept: 4 GiB, some 18 hours of two channels.
const MOST_BYTES: u64 = 4 << 30;
/// Of these for one recording: twelve hours of two channels, the longest that runs take, are 2.8 GB.
const MOST_OF_ONE: u64 = 3 << 30;

/// Raised whenever recordings are decoded otherwise, so that nothing that was made before is served.
const DECODING: &str = "2\0";

/// Recordings that are decoded at a time, at most.
const LANES: usize = 8;

/// Decoded recordings and waveforms.
pub(crate) struct SoundCache {
    folder: PathBuf,
    limits: AudioLimits,
    /// Two people who open a call do not decode it twice; who opens another one does not wait for them.
    decoding: [Mutex<()>; LANES],
}

impl SoundCache {
    /// Makes the folder, and clears what a killed process left half written.
    pub(crate) fn open(folder: PathBuf, limits: AudioLimits) -> Result<Self, ConsoleError> {
        private::folder(&folder).map_err(ConsoleError::io("cannot make", &folder))?;
        for entry in std::fs::read_dir(&folder).map_err(ConsoleError::io("cannot read", &folder))?.flatten() {
            if entry.path().extension().is_some_and(|e| e == "part") {
                // Whoever cannot remove it will overwrite it.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(Self { folder, limits, decoding: Default::default() })
    }

    /// How recordings are read: the same as when they were inspected.
    pub(super) fn limits(&self) -> &AudioLimits {
        &self.limits
    }

    /// The recording as a WAV file, with these stretches silenced.
    pub(super) fn wav(&self, path: &Path, silenced: &[TimeSpan]) -> Result<PathBuf, ConsoleError> {
        let target = self.folder.join(format!("{}.wav", key(path, silenced)?));
        self.made(&target, |part| wav::write(path, part, silenced, &self.limits, MOST_OF_ONE))?;
        Ok(target)
    }

    /// The waveform of a recording.
    pub(crate) fn peaks(&self, path: &Path) -> Result<Peaks, ConsoleError> {
        let target = self.folder.join(format!("{}.peaks", key(path, &[])?));
        self.made(&target, |part| {
            // Numbers in lists always serialise.
            let text = serde_json::to_vec(&Peaks::of(path, &self.limits)?).unwrap_or_default();
            std::fs::write(part, text).map_err(ConsoleError::io("cannot write", part))
        })?;
        let text = std::fs::read(&target).map_err(ConsoleError::io("cannot read", &target))?;
        Ok(serde_json::from_slice(&text).unwrap_or(Peaks(Vec::new())))
    }

    /// Makes the file where it is not there, and puts it in place whole.
    fn made(&self, target: &Path, make: impl FnOnce(&Path) -> Result<(), ConsoleError>) -> Result<(), ConsoleError> {
        if target.is_file() {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        target.hash(&mut hasher);
        let _one = self.decoding[hasher.finish() as usize % LANES].lock().unwrap_or_else(PoisonError::into_inner);
        if target.is_file() {
            return Ok(());
        }
        let part = part_of(target);
        private::file(&part).map_err(ConsoleError::io("cannot write", &part))?;
        let done = make(&part);
        if done.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        done?;
        std::fs::rename(&part, target).map_err(ConsoleError::io("cannot write", target))?;
        self.shrink(target);
        Ok(())
    }

    /// Takes out the oldest files until the rest fits; what cannot be read or removed is left.
    fn shrink(&self, keep: &Path) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter_map(|e| e.metadata().ok().map(|m| (m.modified().unwrap_or(UNIX_EPOCH), m.len(), e.path())))
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|f| f.1).sum();
        for (_, size, path) in files {
            if bytes <= MOST_BYTES {
                break;
            }
            // What is being made counts, and stays.
            let made = path.extension().is_some_and(|x| x != "part");
            if made && path != keep && std::fs::remove_file(&path).is_ok() {
                bytes -= size;
            }
        }
    }
}

/// Where a file is made. Sound and waveform of a recording differ in nothing but the extension, and are made side by side.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Name of a file made from this recording as it is now.
fn key(path: &Path, silenced: &[TimeSpan]) -> Result<String, ConsoleError> {
    let meta = std::fs::metadata(path).map_err(ConsoleError::io("cannot read", path))?;
    let modified = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    let mut hasher = Sha256::new();
    hasher.update(DECODING.as_bytes());
    hasher.update(path.to_string_lossy().as_bytes());
    hasher.update(format!("\0{}\0{modified}", meta.len()).as_bytes());
    for span in silenced {
        hasher.update(format!("\0{}-{}", span.start_ms, span.end_ms).as_bytes());
    }
    Ok(callsift_core::hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::SoundCache;

    /// Whoever opens a call asks for its sound and its waveform in one moment.
    #[test]
    fn sound_and_waveform_are_made_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let cache = SoundCache::open(dir.path().join("sound"), callsift_audio::AudioLimits::default()).unwrap();
        let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/demo/recordings");
        for name in ["c05-rhetorical-question.wav", "c07-shirking-angry.wav", "c01-clean-order.wav"] {
            let path = demo.join(name);
            let (wav, peaks) = std::thread::scope(|scope| {
                let (wav, peaks) = (scope.spawn(|| cache.wav(&path, &[])), scope.spawn(|| cache.peaks(&path)));
                (wav.join().unwrap().unwrap(), peaks.join().unwrap().unwrap())
            });
            assert!(std::fs::read(wav).unwrap().starts_with(b"RIFF"));
            assert!(peaks.0.len() == 2 && peaks.0.iter().all(|channel| channel.len() > 100), "{name}");
        }
    }
}
