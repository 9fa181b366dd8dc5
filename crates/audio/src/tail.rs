//! What lies behind the sound of a WAV file: tags, or more sound.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::riff::WavHeader;
use crate::riff_source::convert;

/// Chunks that are written behind the sound.
const TAGS: [&[u8; 4]; 18] = [
    b"LIST", b"list", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"inst", b"PEAK", b"JUNK", b"junk",
    b"FLLR", b"PAD ", b"_PMX", b"axml", b"fact", b"cart",
];
/// Bytes read at once while looking for them.
const BLOCK: usize = 1 << 16;
/// An `ID3v1` tag, always at the very end.
const ID3V1: u64 = 128;
/// Bytes of surplus that are looked at to tell sound from anything else.
const PROBE_BYTES: u64 = 1 << 18;
/// Correlation of neighbouring samples from which bytes are sound: of compressed or encrypted ones it is near 0.
const SOUND: f64 = 0.3;
/// Mean square under which samples are a quiet line, −45 dBFS; random bytes are always loud.
const QUIET: f64 = 3.2e-5;

/// First byte of the tags that reach from there to the end of the file; `None` where there are none. Sound before them is
/// whole frames; `only_here` looks at the first byte alone.
pub(crate) fn tail_start(
    input: &mut BufReader<File>,
    from: u64,
    end: u64,
    frame: u64,
    only_here: bool,
) -> io::Result<Option<u64>> {
    if only_here {
        return Ok(reaches_end(input, from, end)?.then_some(from));
    }
    let (mut at, mut block) = (from, Vec::new());
    while at < end {
        block.clear();
        input.seek(SeekFrom::Start(at))?;
        // Blocks overlap, so that no identifier lies across two.
        input.by_ref().take(BLOCK as u64 + 7).read_to_end(&mut block)?;
        for (place, window) in block.windows(8).enumerate().take(BLOCK) {
            let start = at + place as u64;
            let tag = TAGS.iter().any(|tag| window.starts_with(*tag))
                || window.starts_with(b"ID3")
                || may_be_chunk(window, end - start);
            // A byte of padding may stand between frames and tags.
            if tag && (start - from) % frame <= 1 && reaches_end(input, start, end)? {
                return Ok(Some(start));
            }
        }
        at += BLOCK as u64;
    }
    let id3v1 = end.saturating_sub(ID3V1);
    Ok((id3v1 >= from && starts_with(input, id3v1, b"TAG")?).then_some(id3v1))
}

/// Four characters and a size that stays within the file, as chunks of a maker's own have them: whether it leads exactly
/// to the end is looked at next. Hardly one place among ten thousand of sound passes.
fn may_be_chunk(head: &[u8], left: u64) -> bool {
    match head {
        [a, b, c, d, size @ ..] if is_id([*a, *b, *c, *d]) => {
            size.first_chunk().is_some_and(|size| 8 + u64::from(u32::from_le_bytes(*size)) <= left)
        }
        _ => false,
    }
}

fn is_id(id: [u8; 4]) -> bool {
    id.iter().all(|byte| (0x20..0x7f).contains(byte))
}

fn starts_with(input: &mut BufReader<File>, at: u64, bytes: &[u8]) -> io::Result<bool> {
    input.seek(SeekFrom::Start(at))?;
    let mut found = Vec::new();
    input.by_ref().take(bytes.len() as u64).read_to_end(&mut found)?;
    Ok(found == bytes)
}

/// True where one tag after the other leads from a place exactly to the end of the file.
fn reaches_end(input: &mut BufReader<File>, start: u64, end: u64) -> io::Result<bool> {
    let mut at = start;
    for _ in 0..64 {
        if at == end || at + 1 == end {
            return Ok(at > start);
        }
        if at + ID3V1 == end && starts_with(input, at, b"TAG")? {
            return Ok(true);
        }
        input.seek(SeekFrom::Start(at))?;
        let mut head = [0; 10];
        let mut taken = Vec::new();
        input.by_ref().take(10).read_to_end(&mut taken)?;
        if taken.len() < 8 {
            return Ok(false);
        }
        head[..taken.len()].copy_from_slice(&taken);
        let [a, b, c, d, s0, s1, s2, s3, s4, s5] = head;
        let size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        at = match [a, b, c, d] {
            [b'I', b'D', b'3', 2..=4] => {
                10 + at + [s2, s3, s4, s5].iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7f))
            }
            id if (TAGS.contains(&&id) || is_id(id)) && at + 8 + size <= end => {
                let (plain, padded) = (at + 8 + size, at + 8 + size + (size & 1));
                let bare = size & 1 == 1 && !TAGS.iter().any(|tag| starts_with(input, padded, *tag).unwrap_or(false));
                if bare && padded < end { plain } else { padded.min(end) }
            }
            _ => return Ok(false),
        };
    }
    Ok(false)
}

/// Whether bytes are text: XML and the like, which some write behind the sound without a chunk. As samples its bytes
/// would be alike, as those of sound are.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let words = |text: &str| {
        let odd = |c: char| c.is_control() && !c.is_whitespace() && c != '\0';
        let plain = text.chars().filter(char::is_ascii_graphic).count();
        let first = text.chars().next();
        !text.contains(odd) && plain * 4 >= text.chars().count() && text.chars().any(|c| Some(c) != first)
    };
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // What was read may end amid a character.
        Err(e) if e.error_len().is_none() => bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()),
        Err(_) => None,
    };
    let wide = |read: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| read(*pair));
        char::decode_utf16(units).collect::<Result<String, _>>().is_ok_and(|text| words(&text))
    };
    whole.is_some_and(words) || wide(u16::from_le_bytes) || wide(u16::from_be_bytes)
}

/// Whether bytes behind the declared end of the sound are more of it: neighbouring samples of sound are alike.
pub(crate) fn is_sound(input: &mut BufReader<File>, header: &WavHeader, from: u64, end: u64) -> io::Result<bool> {
    if header.sample_bytes == 0 {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(from))?;
    input.by_ref().take((end - from).min(PROBE_BYTES)).read_to_end(&mut bytes)?;
    if is_text(&bytes) {
        return Ok(false);
    }
    let frame = usize::from(header.channels) * usize::from(header.sample_bytes);
    let mut samples = Vec::new();
    convert(header, &bytes[..bytes.len() / frame * frame], &mut samples);
    let step = usize::from(header.channels);
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    let alike = |lag: usize| -> f64 {
        let pairs = samples.iter().zip(samples.iter().skip(lag * step));
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / power.max(f64::MIN_POSITIVE)
    };
    let quiet = power / (samples.len().max(1) as f64) < QUIET;
    Ok(power.is_finite() && (quiet || alike(1).abs().max(alike(2).abs()) > SOUND))
}
