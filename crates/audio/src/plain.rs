//! Which files browsers play just as they are heard here, and seek in exactly.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::chunks;
use crate::frames::{self, mpeg_frame};
use crate::probe::find;
use crate::riff::{TAG_FLOAT, TAG_PCM};
use crate::riff_source::header_error;
use crate::{AudioError, AudioLimits};

/// Rates that every browser plays, hertz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// Samples by which a table of an MP3 file may be off: two frames.
const TABLE_SLACK: u64 = 2 * 1152;

/// The type under which a file may be served as it is; `None` where a browser may not play it, plays less or more of it than
/// is heard here, or jumps to another place than it was told. WAV: one stretch of sound with right sizes, integers or 32-bit
/// floats, one or two channels. MP3: frames of one size, all of them whole.
///
/// # Errors
/// The file cannot be read, or is no recording.
pub fn exact_mime(path: &Path, limits: &AudioLimits) -> Result<Option<&'static str>, AudioError> {
    let io = |error| AudioError::io(error, path);
    let found = find(path, &limits.headerless)?;
    if found.after_junk {
        return Ok(None);
    }
    let exact = match found.format.name {
        "wav/pcm" if found.start == 0 => {
            let survey = chunks::survey(File::open(path).map_err(io)?, 0).map_err(|error| header_error(error, path))?;
            let header = survey.header;
            let sample = matches!((header.tag, header.sample_bytes), (TAG_PCM, 1..=3) | (TAG_FLOAT, 4));
            let plain = survey.riff && survey.pieces.len() == 1 && survey.remarks.marks().is_empty();
            sample && plain && header.channels <= 2 && RATES.contains(&header.sample_rate)
        }
        "mp3" => {
            let survey = frames::survey(File::open(path).map_err(io)?, mpeg_frame).map_err(io)?;
            let right = survey.promised.is_none_or(|promised| promised.abs_diff(survey.samples) <= TABLE_SLACK);
            !survey.varies && !survey.cut && right
        }
        _ => false,
    };
    Ok(exact.then_some(if found.format.name == "mp3" { "audio/mpeg" } else { "audio/wav" }))
}

/// Whether a file is WAV of format and samples alone. Anything else may hold words: names and numbers in tags, remarks of the
/// recorder, or what stands behind the sound.
///
/// # Errors
/// The file cannot be read.
pub fn holds_sound_alone(path: &Path) -> Result<bool, AudioError> {
    let io = |error| AudioError::io(error, path);
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut head = [0; 12];
    if length < 12 {
        return Ok(false);
    }
    file.read_exact(&mut head).map_err(io)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Ok(false);
    }
    let mut at = 12;
    while at + 8 <= length {
        let mut chunk = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut chunk)).map_err(io)?;
        let size = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        let known = match &chunk[..4] {
            // The largest form is 40 bytes; what stands behind it is no format.
            b"fmt " => size <= 40,
            b"fact" => size == 4,
            b"data" => true,
            _ => false,
        };
        if !known {
            return Ok(false);
        }
        at += 8 + size + size % 2;
    }
    // An odd last chunk may lack its filling.
    Ok(at == length || at == length + 1)
}

#[cfg(test)]
mod tests {
    use super::{exact_mime, holds_sound_alone};
    use crate::AudioLimits;
    use crate::riff::tests::wav;

    fn mime(bytes: &[u8]) -> Option<&'static str> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        std::fs::write(&path, bytes).unwrap();
        exact_mime(&path, &AudioLimits::default()).unwrap()
    }

    /// MPEG-2.5 layer III at 8 kHz.
    fn frames(kbit: u8, count: usize) -> Vec<u8> {
        let mut frame = vec![0xff, 0xe3, ((kbit / 8) << 4) | 8, 0xc4];
        frame.resize(72 * usize::from(kbit) / 8, 0);
        frame.repeat(count)
    }

    #[test]
    fn only_what_browsers_play_and_seek_as_it_is_heard_here_is_served_as_it_is() {
        let data = [7; 9_600];
        assert_eq!(mime(&wav(1, 2, 8000, 16, 16, None, &data)), Some("audio/wav"));
        assert_eq!(mime(&wav(3, 1, 16000, 32, 16, None, &data)), Some("audio/wav"));
        assert_eq!(mime(&frames(16, 20)), Some("audio/mpeg"));
        let rf64 = [b"RF64".to_vec(), wav(1, 1, 8000, 16, 16, None, &data)[4..].to_vec()].concat();
        let vbr = [frames(8, 10), frames(16, 10)].concat();
        for (what, bytes) in [
            ("64-bit floats", wav(3, 1, 8000, 64, 16, None, &data)),
            ("three channels", wav(1, 3, 8000, 16, 16, None, &data)),
            ("no size", wav(1, 1, 8000, 16, 16, Some(0), &data)),
            ("too great a size", wav(1, 1, 8000, 16, 16, Some(99_999), &data)),
            ("joined", wav(1, 1, 8000, 16, 16, None, &data).repeat(2)),
            ("RF64", rf64),
            ("A-law", wav(6, 1, 8000, 8, 16, None, &data)),
            ("no table", vbr),
            ("cut", frames(16, 20)[..2_800].to_vec()),
            ("junk before", [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), wav(1, 1, 8000, 16, 16, None, &data)].concat()),
        ] {
            assert_eq!(mime(&bytes), None, "{what}");
        }
    }

    #[test]
    fn tags_are_more_than_sound() {
        let dir = tempfile::tempdir().unwrap();
        let alone = |bytes: &[u8]| {
            let path = dir.path().join("a.wav");
            std::fs::write(&path, bytes).unwrap();
            holds_sound_alone(&path).unwrap()
        };
        let plain = wav(1, 1, 8000, 2, 16, None, &[0; 64]);
        assert!(alone(&plain));
        assert!(!alone(&[&plain[..], b"LIST\x04\0\0\0INFO"].concat()));
        assert!(!alone(&[&plain[..], b"13812345678"].concat()));
        assert!(!alone(b"ID3\x04\0\0\0\0\0\x05abcde") && !alone(b"") && !alone(b"RIFF"));
    }
}
