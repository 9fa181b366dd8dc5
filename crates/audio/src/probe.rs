//! Finds out what a file is, by its first bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::formats::Sign;
use crate::riff::read_header;
use crate::riff_source::header_error;
use crate::{AudioError, FORMATS, Format};

/// Bytes looked at: enough for three MP3 frames after some junk.
const HEAD_BYTES: u64 = 16 * 1024;

/// Says what a file is, without decoding it.
pub fn probe(path: &Path) -> Result<&'static Format, AudioError> {
    let io = |error| AudioError::io(error, path);
    // Opening a pipe waits for a writer, and a device may never end.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(AudioError::NotAudio { what: "a folder, a pipe or a device", path: path.to_owned() });
    }
    let mut file = File::open(path).map_err(io)?;
    let mut head = read_head(&mut file, 0).map_err(io)?;
    if head.is_empty() {
        return Err(AudioError::Empty { path: path.to_owned() });
    }
    let tag_bytes = id3_bytes(&head);
    if tag_bytes > 0 {
        head = read_head(&mut file, tag_bytes).map_err(io)?;
    }
    if tag_bytes == 0 && is_wav(&head) {
        return probe_wav(file, path);
    }
    let by_magic = FORMATS.iter().find(|format| format.has_magic(&head));
    // An ID3 tag stands before MP3 unless something else was recognised behind it.
    let by_tag = || if tag_bytes > 0 { Format::named("mp3") } else { None };
    if let Some(format) = by_magic.or_else(|| frame_format(&head)).or_else(by_tag) {
        return Ok(format);
    }
    if let Some(what) = not_audio(&head) {
        return Err(AudioError::NotAudio { what, path: path.to_owned() });
    }
    by_extension(path).ok_or_else(|| unknown(&head, path))
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

fn probe_wav(mut file: File, path: &Path) -> Result<&'static Format, AudioError> {
    file.rewind().map_err(|error| AudioError::io(error, path))?;
    let header = read_header(&mut BufReader::new(file)).map_err(|error| header_error(error, path))?;
    let holds = |format: &&Format| match format.sign {
        Sign::WavTag(tags) => tags.is_empty() || tags.contains(&header.tag),
        _ => false,
    };
    FORMATS.iter().find(holds).ok_or_else(|| unknown(&[], path))
}

/// MP3 and AAC have no magic, only frames: three in a row at the distances that they state are proof.
fn frame_format(head: &[u8]) -> Option<&'static Format> {
    let first =
        |length: fn(&[u8]) -> Option<usize>| (0..head.len().min(4096)).find(|&at| frames_from(head, at, length));
    match (first(mpeg_frame_bytes), first(adts_frame_bytes)) {
        (Some(mpeg), Some(adts)) if adts < mpeg => Format::named("aac"),
        (None, Some(_)) => Format::named("aac"),
        (Some(_), _) => Format::named("mp3"),
        (None, None) => None,
    }
}

/// True where frames begin at `at`; of a short file one whole frame up to its end suffices, or two that break off.
fn frames_from(head: &[u8], mut at: usize, length: fn(&[u8]) -> Option<usize>) -> bool {
    for seen in 0..3 {
        match head.get(at..).and_then(length) {
            Some(bytes) => at += bytes,
            None => return seen > 0 && at == head.len() || seen > 1 && at > head.len(),
        }
    }
    true
}

/// Length of the MPEG audio frame (layer II or III) at the start of `bytes`, by ISO 11172-3 and 13818-3.
fn mpeg_frame_bytes(bytes: &[u8]) -> Option<usize> {
    const BITRATES: [[u16; 15]; 4] = [
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [0xff, b1, b2, _, ..] = *bytes else { return None };
    let (version, layer) = ((b1 >> 3) & 3, (b1 >> 1) & 3);
    let rate = [44_100usize, 48_000, 32_000].get(usize::from((b2 >> 2) & 3))?;
    if b1 & 0xe0 != 0xe0 || version == 1 || !(layer == 1 || layer == 2) {
        return None;
    }
    let mpeg1 = version == 3;
    let rate = rate >> [2, 0, 1, 0][usize::from(version)];
    let row = if mpeg1 { usize::from(layer - 1) } else { 2 };
    let kbit = usize::from(*BITRATES[row].get(usize::from(b2 >> 4))?);
    let factor = if layer == 1 && !mpeg1 { 72_000 } else { 144_000 };
    (kbit > 0).then(|| factor * kbit / rate + usize::from((b2 >> 1) & 1))
}

/// Length of the ADTS frame at the start of `bytes`, by ISO 13818-7.
fn adts_frame_bytes(bytes: &[u8]) -> Option<usize> {
    let [0xff, b1, _, b3, b4, b5, ..] = *bytes else { return None };
    let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5) >> 5;
    (b1 & 0xf6 == 0xf0 && length > 7).then_some(length)
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

fn unknown(head: &[u8], path: &Path) -> AudioError {
    let zeros = !head.is_empty() && head.iter().all(|&byte| byte == 0);
    let format = if zeros { "unknown (the file begins with zeros)" } else { "unknown (no known header)" };
    let mend =
        "convert it to WAV, or give a headerless telephone format its usual extension (.al, .ul, .vox, .g722, …)";
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
        assert_eq!(mpeg_frame_bytes(&frame), Some(72));
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
