//! Finds out what a file is, by its first bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::chunks::survey;
use crate::formats::Sign;
use crate::frames::{FrameOf, adts_frame, mpeg_frame};
use crate::headerless::Headerless;
use crate::riff_source::header_error;
use crate::{AudioError, FORMATS, Format};

/// Bytes looked at: enough for three MP3 frames after some junk.
const HEAD_BYTES: u64 = 16 * 1024;

/// Most `ID3v2` tags before the first sample.
const MAX_TAGS: usize = 8;

/// A recording inside a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) format: &'static Format,
    /// First byte of it.
    pub(crate) start: u64,
    /// True where something else than tags lies before.
    pub(crate) after_junk: bool,
}

/// Says what a file is, without decoding it.
pub fn probe(path: &Path) -> Result<&'static Format, AudioError> {
    find(path, &[]).map(|found| found.format)
}

/// Says what a file is and where it begins.
pub(crate) fn find(path: &Path, notes: &[Headerless]) -> Result<Found, AudioError> {
    let io = |error| AudioError::io(error, path);
    // Opening a pipe waits for a writer, and a device may never end.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(AudioError::NotAudio { what: "a folder, a pipe or a device", path: path.to_owned() });
    }
    let mut file = File::open(path).map_err(io)?;
    let whole = read_head(&mut file, 0).map_err(io)?;
    if whole.is_empty() {
        return Err(AudioError::Empty { path: path.to_owned() });
    }
    let (mut start, mut head) = (0, whole.clone());
    for _ in 0..MAX_TAGS {
        let tag_bytes = id3_bytes(&head);
        if tag_bytes == 0 {
            break;
        }
        start += tag_bytes;
        head = read_head(&mut file, start).map_err(io)?;
    }
    let found = |format, start, after_junk| Ok(Found { format, start, after_junk });
    if is_wav(&head) {
        return found(probe_wav(file, start, path)?, start, false);
    }
    let by_magic = |head: &[u8]| FORMATS.iter().find(|format| format.has_magic(head));
    if let Some(format) = by_magic(&head) {
        return found(format, start, false);
    }
    if let Some((format, at)) = frame_format(&head) {
        // A strong sign before frames that may stand inside anything.
        match junk_before(&head[..at.min(head.len())]) {
            Some(junk) if is_wav(&head[junk..]) || by_magic(&head[junk..]).is_some() => {}
            _ => return found(format, if format.name == "mp3" { 0 } else { start }, false),
        }
    }
    if let Some(junk) = junk_before(&head) {
        let at = start + junk as u64;
        if is_wav(&head[junk..]) {
            return found(probe_wav(file, at, path)?, at, true);
        }
        if let Some(format) = by_magic(&head[junk..]) {
            return found(format, at, true);
        }
    }
    if Headerless::of(notes, path).is_some()
        && let Some(format) = Format::named("headerless")
    {
        return found(format, 0, false);
    }
    // An ID3 tag stands before MP3 unless something else was recognised behind it.
    if start > 0 {
        return Format::named("mp3").map_or_else(|| Err(unknown(&head, path)), |mp3| found(mp3, 0, false));
    }
    if let Some(what) = not_audio(&head) {
        return Err(AudioError::NotAudio { what, path: path.to_owned() });
    }
    by_extension(path).map_or_else(|| Err(unknown(&head, path)), |format| found(format, 0, false))
}

/// Where a recording begins behind a byte order mark, the head of a download or other bytes that are not its own: at the
/// first sign that can hardly stand there by chance.
fn junk_before(head: &[u8]) -> Option<usize> {
    let sure = |rest: &[u8]| {
        is_wav(rest)
            || rest.starts_with(b"fLaC\0\0\0\x22")
            || rest.starts_with(b"OggS\0\x02")
            || rest.starts_with(b"#!AMR")
            || rest.starts_with(b"\x1a\x45\xdf\xa3")
                && rest.get(..64).is_some_and(|r| r.windows(4).any(|w| w == b"webm" || w == b"matr"))
            || rest.starts_with(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9")
            || rest.starts_with(b"\0\0\0") && rest.get(4..8) == Some(b"ftyp")
            || rest.starts_with(b"FORM") && rest.get(8..11) == Some(b"AIF")
    };
    (1..head.len()).find(|&at| sure(&head[at..]))
}

fn read_head(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// Length of an `ID3v2` tag with its header; 0 where there is none.
fn id3_bytes(head: &[u8]) -> u64 {
    match head {
        [b'I', b'D', b'3', _, _, _, size @ ..] if size.len() >= 4 => {
            10 + size[..4].iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7f))
        }
        _ => 0,
    }
}

fn is_wav(head: &[u8]) -> bool {
    let riff = [&b"RIFF"[..], b"RF64", b"BW64"].iter().any(|id| head.starts_with(id));
    riff && head.get(8..12) == Some(b"WAVE")
}

fn probe_wav(file: File, start: u64, path: &Path) -> Result<&'static Format, AudioError> {
    let header = survey(file, start).map_err(|error| header_error(error, path))?.header;
    let holds = |format: &&Format| match format.sign {
        Sign::WavTag(tags) => tags.is_empty() || tags.contains(&header.tag),
        _ => false,
    };
    FORMATS.iter().find(holds).ok_or_else(|| unknown(&[], path))
}

/// MP3 and AAC have no magic, only frames: three in a row at the distances that they state are proof.
/// Gives the place of the first.
fn frame_format(head: &[u8]) -> Option<(&'static Format, usize)> {
    let first = |frame_of: FrameOf| (0..head.len().min(4096)).find(|&at| frames_from(head, at, frame_of));
    let (name, at) = match (first(mpeg_frame), first(adts_frame)) {
        (Some(mpeg), Some(adts)) if adts < mpeg => ("aac", adts),
        (None, Some(adts)) => ("aac", adts),
        (Some(mpeg), _) => ("mp3", mpeg),
        (None, None) => return None,
    };
    Format::named(name).map(|format| (format, at))
}

/// True where frames begin at `at`; of a short file one whole frame up to its end suffices, or two that break off.
fn frames_from(head: &[u8], mut at: usize, frame_of: FrameOf) -> bool {
    for seen in 0..3 {
        match head.get(at..).and_then(frame_of) {
            Some(frame) => at += frame.bytes,
            None => return seen > 0 && at == head.len() || seen > 1 && at > head.len(),
        }
    }
    true
}

/// Things that end up under the name of a recording: error pages of a download, archives, listings.
fn not_audio(head: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 10] = [
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"\x7fELF", "a program"),
        (b"SQLite format 3", "a database"),
        (b"PAR1", "a Parquet file"),
    ];
    if let Some((_, what)) = SIGNS.iter().find(|(sign, _)| head.starts_with(sign)) {
        return Some(what);
    }
    let text = as_text(head)?.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    Some(match text.as_str() {
        t if t.starts_with("<!doctype html") || t.starts_with("<html") || t.contains("<body") => "an HTML page",
        t if t.starts_with('<') => "an XML document",
        t if t.starts_with('{') || t.starts_with('[') => "a JSON document",
        _ => "a text file",
    })
}

/// The head as text, if it is that: UTF-8 (perhaps cut in a character) without control characters.
fn as_text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (text.len() >= 4 && text.chars().all(plain)).then_some(text)
}

fn by_extension(path: &Path) -> Option<&'static Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let matches = |format: &&Format| format.sign == Sign::Extension && format.extensions.contains(&extension.as_str());
    FORMATS.iter().find(matches)
}

/// Extensions of files without a header that do not say what the samples are.
const VAGUE: [&str; 8] = ["pcm", "raw", "lpcm", "snd", "bin", "dat", "s16", "audio"];

fn unknown(head: &[u8], path: &Path) -> AudioError {
    let zeros = !head.is_empty() && head.iter().all(|&byte| byte == 0);
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let (format, mend) = if VAGUE.contains(&extension.as_str()) {
        (
            "without header",
            "say in callsift.toml, [audio] headerless, what its samples are, or give it the extension that says it: ulaw, alaw, \
             sln (16 bits, 8 kHz), sln16, sln48, vox, g722 …",
        )
    } else if zeros {
        ("unknown (the file begins with zeros)", "the recorder or a copy broke off: fetch it again")
    } else {
        ("unknown (no known header)", "convert it to WAV, or fetch it again if it ought to play")
    };
    AudioError::Unsupported { format: format.to_owned(), mend: mend.to_owned(), path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::riff::tests::wav;

    fn probe_bytes(name: &str, bytes: &[u8]) -> Result<&'static str, AudioError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        probe(&path).map(|format| format.name)
    }

    #[test]
    fn the_extension_never_beats_the_content() {
        let alaw = wav(6, 2, 8000, 8, 16, None, &[0xd5; 64]);
        assert_eq!(probe_bytes("call.mp3", &alaw).unwrap(), "wav/alaw");
        assert_eq!(probe_bytes("call.wav", b"fLaC\0\0\0\0").unwrap(), "flac");
        assert_eq!(probe_bytes("call.wav", &wav(0x31, 1, 8000, 0, 20, None, &[0; 65])).unwrap(), "wav/gsm");
        assert_eq!(probe_bytes("call.wav", &wav(0x1234, 1, 8000, 0, 20, None, &[0; 65])).unwrap(), "wav/other");
    }

    #[test]
    fn headerless_formats_go_by_extension() {
        assert_eq!(probe_bytes("call.AL", &[0xd5, 0x80, 0x11]).unwrap(), "alaw");
        assert_eq!(probe_bytes("call.vox", &[0x80, 0x13, 0xa1]).unwrap(), "vox");
        assert!(matches!(probe_bytes("call.wav", &[0x80, 0x13, 0xa1]), Err(AudioError::Unsupported { .. })));
    }

    #[test]
    fn what_is_no_recording_is_named() {
        let cases: [(&[u8], &str); 5] = [
            (b"\n<!DOCTYPE html><title>404</title>", "an HTML page"),
            (b"{\"error\": \"no such call\"}", "a JSON document"),
            ("没有这个录音 no such recording".as_bytes(), "a text file"),
            (b"PK\x03\x04\x14\0", "a ZIP archive"),
            (b"<?xml version=\"1.0\"?><Error/>", "an XML document"),
        ];
        for (bytes, want) in cases {
            assert!(matches!(probe_bytes("call.wav", bytes), Err(AudioError::NotAudio { what, .. }) if what == want));
        }
        assert!(matches!(probe_bytes("call.wav", b""), Err(AudioError::Empty { .. })));
        assert!(matches!(probe(Path::new("/no/such/call.wav")), Err(AudioError::Io { .. })));
    }

    #[test]
    fn mp3_frames_are_found_behind_junk_and_tags() {
        // MPEG-2.5 layer III, 8 kbit/s, 8 kHz: 72 bytes per frame.
        let mut frame = vec![0xff, 0xe3, 0x18, 0xc4];
        frame.resize(72, 0);
        let frames = frame.repeat(4);
        assert_eq!(probe_bytes("a", &frames).unwrap(), "mp3");
        assert_eq!(probe_bytes("a", &[&[0; 100][..], &frames].concat()).unwrap(), "mp3");
        let tag = [&b"ID3\x04\0\0\0\0\0\x05"[..], b"12345"].concat();
        assert_eq!(probe_bytes("a", &[&tag[..], &frames].concat()).unwrap(), "mp3");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = probe_bytes("x.wav", &bytes);
            let _ = (frame_format(&bytes), not_audio(&bytes), id3_bytes(&bytes));
        }
    }
}
