//! Side notes for files without a header: what the samples are, by the file's name.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::formats::Encoding;
use crate::riff::{TAG_ALAW, TAG_FLOAT, TAG_PCM, TAG_ULAW, WavHeader};

/// What files of such names hold, where nothing inside says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headerless {
    /// Names of files: `*` stands for any characters, `?` for one; upper and lower case are the same.
    pub files: String,
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second, hertz. Default 8 000.
    #[serde(default = "telephone_rate")]
    pub sample_rate: u32,
    /// Channels, interleaved. Default 1.
    #[serde(default = "one")]
    pub channels: u16,
}

fn telephone_rate() -> u32 {
    8_000
}

fn one() -> u16 {
    1
}

impl Headerless {
    /// The first note that fits a file.
    pub(crate) fn of<'h>(notes: &'h [Self], path: &Path) -> Option<&'h Self> {
        let name: Vec<char> = path.file_name()?.to_string_lossy().to_lowercase().chars().collect();
        notes.iter().find(|note| fits(&note.files.to_lowercase().chars().collect::<Vec<_>>(), &name))
    }
}

/// The header that such a file lacks.
pub(crate) fn header(encoding: Encoding, sample_rate: u32, channels: u16) -> WavHeader {
    let (tag, sample_bytes) = match encoding {
        Encoding::Alaw => (TAG_ALAW, 1),
        Encoding::Mulaw => (TAG_ULAW, 1),
        Encoding::U8 => (TAG_PCM, 1),
        Encoding::S16le => (TAG_PCM, 2),
        Encoding::S24le => (TAG_PCM, 3),
        Encoding::S32le => (TAG_PCM, 4),
        Encoding::F32le => (TAG_FLOAT, 4),
    };
    let (channels, sample_rate) = (channels.max(1), sample_rate.max(1));
    WavHeader { tag, channels, sample_rate, sample_bytes, data_bytes: None }
}

/// Wildcards against a name.
fn fits(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
        (Some(('?', rest)), Some((_, left))) => fits(rest, left),
        (Some((a, rest)), Some((b, left))) => a == b && fits(rest, left),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Encoding, Headerless};

    #[test]
    fn the_first_note_whose_pattern_fits_the_name_counts() {
        let note = |files: &str, channels| Headerless {
            files: files.to_owned(),
            encoding: Encoding::Mulaw,
            sample_rate: 8000,
            channels,
        };
        let notes = [note("OUT-*.raw", 2), note("*.raw", 1), note("??.pcm", 3)];
        let found = |name: &str| Headerless::of(&notes, Path::new(name)).map(|n| n.channels);
        assert_eq!(found("day/out-1.RAW"), Some(2));
        assert_eq!((found("in.raw"), found("ab.pcm"), found("abc.pcm"), found("raw")), (Some(1), Some(3), None, None));
    }
}
