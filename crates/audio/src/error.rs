//! What can go wrong with a recording, by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// What to do where there is no ffmpeg.
const INSTALL_FFMPEG: &str = "install it (apt-get install ffmpeg) or set CALLSIFT_FFMPEG to its path";

/// Why a recording gives no audio. Every message ends with the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file cannot be read: try again, or mend the storage or its permissions.
    #[error("cannot read the recording: {source}: {}", path.display())]
    Io {
        /// What the operating system said.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The file has no bytes: the recorder or the copy failed.
    #[error("file is empty: {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else under the name of a recording.
    #[error("not a recording but {what}: {}", path.display())]
    NotAudio {
        /// What it is, with its article: `an HTML page`.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Nothing here decodes it.
    #[error("unsupported format {format}: {mend}: {}", path.display())]
    Unsupported {
        /// The format as far as it is known.
        format: String,
        /// What the user can do.
        mend: String,
        /// The file.
        path: PathBuf,
    },
    /// The format is known but its structure is broken before any sample.
    #[error("malformed {format}: {detail}: {}", path.display())]
    Malformed {
        /// The format that it claims to be.
        format: String,
        /// What is wrong.
        detail: String,
        /// The file.
        path: PathBuf,
    },
    /// The header is there but not one sample follows.
    #[error("{format} holds no audio: the recording was cut off after its header: {}", path.display())]
    NoSamples {
        /// The format.
        format: String,
        /// The file.
        path: PathBuf,
    },
    /// The recording goes beyond [`AudioLimits`](crate::AudioLimits): raise the limit if it is genuine.
    #[error("{what} of {value} is outside the limit of {max}: {}", path.display())]
    Limit {
        /// The measure with its unit, e.g. `duration in ms`.
        what: &'static str,
        /// Found.
        value: u64,
        /// Allowed: the maximum, or the minimum where the value lies under it.
        max: u64,
        /// The file.
        path: PathBuf,
    },
    /// The format needs `ffmpeg`, which is not installed.
    #[error("{format} needs ffmpeg, which was not found: {mend}: {}", path.display())]
    FfmpegMissing {
        /// The format.
        format: String,
        /// What the user can do.
        mend: String,
        /// The file.
        path: PathBuf,
    },
    /// `ffmpeg` ran and failed.
    #[error("ffmpeg cannot decode {format}: {detail}: {}", path.display())]
    Ffmpeg {
        /// The format.
        format: String,
        /// Its last words, or how it ended.
        detail: String,
        /// The file.
        path: PathBuf,
    },
    /// The decoder gave up in the middle, or misbehaved.
    #[error("cannot decode {format}: {detail}: {}", path.display())]
    Decode {
        /// The format.
        format: String,
        /// What the decoder said.
        detail: String,
        /// The file.
        path: PathBuf,
    },
}

impl AudioError {
    /// Wraps an error of the operating system.
    pub(crate) fn io(source: io::Error, path: &Path) -> Self {
        Self::Io { source, path: path.to_owned() }
    }

    /// What only ffmpeg decodes, where it is not installed.
    pub(crate) fn ffmpeg_missing(format: &str, path: &Path) -> Self {
        Self::FfmpegMissing { format: format.to_owned(), mend: INSTALL_FFMPEG.to_owned(), path: path.to_owned() }
    }

    /// A failure of a decoder in the middle of a stream.
    pub(crate) fn decode(format: &str, detail: impl Into<String>, path: &Path) -> Self {
        Self::Decode { format: format.to_owned(), detail: detail.into(), path: path.to_owned() }
    }

    /// A broken structure before any sample.
    pub(crate) fn malformed(format: &str, detail: impl Into<String>, path: &Path) -> Self {
        Self::Malformed { format: format.to_owned(), detail: detail.into(), path: path.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use callsift_core::failure::reason_zh;

    use super::AudioError::{
        self, Decode, Empty, Ffmpeg, FfmpegMissing, Io, Limit, Malformed, NoSamples, NotAudio, Unsupported,
    };

    /// The match makes whoever adds an error come here.
    fn kind(error: &AudioError) -> usize {
        match error {
            Io { .. } => 0,
            Empty { .. } => 1,
            NotAudio { .. } => 2,
            Unsupported { .. } => 3,
            Malformed { .. } => 4,
            NoSamples { .. } => 5,
            Limit { .. } => 6,
            FfmpegMissing { .. } => 7,
            Ffmpeg { .. } => 8,
            Decode { .. } => 9,
        }
    }

    #[test]
    fn every_error_is_known_in_chinese() {
        let (path, text) = (PathBuf::from("x.bin"), String::new);
        let errors = [
            Io { source: std::io::Error::other("x"), path: path.clone() },
            Empty { path: path.clone() },
            NotAudio { what: "an HTML page", path: path.clone() },
            Unsupported { format: text(), mend: text(), path: path.clone() },
            Malformed { format: text(), detail: text(), path: path.clone() },
            NoSamples { format: text(), path: path.clone() },
            Limit { what: "duration in ms", value: 1, max: 0, path: path.clone() },
            FfmpegMissing { format: text(), mend: text(), path: path.clone() },
            Ffmpeg { format: text(), detail: text(), path: path.clone() },
            Decode { format: text(), detail: text(), path },
        ];
        let words: std::collections::BTreeSet<&str> = errors.iter().filter_map(|e| reason_zh(&e.to_string())).collect();
        assert_eq!(words.len(), errors.len(), "each has words of its own: {words:?}");
        assert!(errors.iter().enumerate().all(|(i, e)| kind(e) == i));
    }
}
