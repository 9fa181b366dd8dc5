//! Where the recordings of a file begin and end, for containers that others decode: joined files are several recordings, a
//! container that breaks off gets the size that it really has, tags behind the sound are left out.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use callsift_core::AudioMark;

/// An `ID3v1` tag at the end.
const ID3V1: u64 = 128;
/// Boxes or chunks at the top of a file; more are no container.
const MOST: usize = 100_000;

/// One recording of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) bytes: Range<u64>,
    /// Bytes of the file that are to be read otherwise: sizes that promise more than is there.
    pub(crate) patches: Vec<(u64, Vec<u8>)>,
    /// It breaks off.
    pub(crate) truncated: bool,
    /// Its length was never written, and what is there ends with a whole element: live streams do so, and whether more
    /// was to come nobody knows.
    pub(crate) open_end: bool,
}

impl Part {
    /// What is to be said where it ends, whatever its reader says.
    pub(crate) fn at_end(&self) -> Option<AudioMark> {
        self.open_end.then_some(AudioMark::Unfinished)
    }
}

/// The recordings of a file of a format, from a byte on; at least one.
pub(crate) fn parts(file: File, start: u64, format: &str) -> io::Result<Vec<Part>> {
    let mut look = Look { end: file.metadata()?.len(), input: BufReader::with_capacity(1 << 16, file) };
    if look.end >= start + ID3V1 && look.bytes(look.end - ID3V1, 3)? == b"TAG" {
        look.end -= ID3V1;
    }
    let mut parts = Vec::new();
    let mut at = start;
    loop {
        let mut part = match format {
            "m4a/aac" => look.boxes(at)?,
            "aiff" => look.aiff(at)?,
            "webm" => look.matroska(at)?,
            "flac" => look.until(at, b"fLaC\0\0\0\x22", |_| true)?,
            _ => Part::default(),
        };
        if part.bytes.is_empty() {
            part.bytes = at..look.end;
        }
        at = part.bytes.end;
        parts.push(part);
        if at >= look.end || parts.len() > 1000 || !look.begins(at, format)? {
            return Ok(parts);
        }
    }
}

struct Look {
    input: BufReader<File>,
    /// Bytes of the file, without a tag.
    end: u64,
}

impl Look {
    fn bytes(&mut self, at: u64, count: u64) -> io::Result<Vec<u8>> {
        self.input.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(count.min(self.end.saturating_sub(at))).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether a recording of the format begins at a byte.
    fn begins(&mut self, at: u64, format: &str) -> io::Result<bool> {
        let head = self.bytes(at, 64)?;
        Ok(match format {
            "m4a/aac" => head.get(4..8) == Some(b"ftyp"),
            "aiff" => head.starts_with(b"FORM"),
            "webm" => is_matroska(&head),
            "flac" => head.starts_with(b"fLaC"),
            _ => false,
        })
    }

    /// Boxes of an MPEG-4 file (ISO 14496-12), up to the next `ftyp`.
    fn boxes(&mut self, start: u64) -> io::Result<Part> {
        let (mut part, mut at) = (Part::default(), start);
        for _ in 0..MOST {
            let head = self.bytes(at, 16)?;
            let Some(short) = number(&head, 0, 4).filter(|_| head.len() >= 8) else { break };
            if at > start && &head[4..8] == b"ftyp" {
                break;
            }
            let size = match short {
                0 => self.end - at,
                1 => number(&head, 8, 8).unwrap_or(0),
                size => size,
            };
            if size < 8 {
                break;
            }
            if size > self.end - at {
                part.truncated = true;
                let there = self.end - at;
                part.patches.push(match short {
                    1 => (at + 8, there.to_be_bytes().to_vec()),
                    _ => (at, (there.min(u64::from(u32::MAX)) as u32).to_be_bytes().to_vec()),
                });
                at = self.end;
                break;
            }
            at += size;
        }
        part.bytes = start..at;
        Ok(part)
    }

    /// Chunks of an AIFF file: `FORM`, and `SSND` with the sound.
    fn aiff(&mut self, start: u64) -> io::Result<Part> {
        let stated = number(&self.bytes(start + 4, 4)?, 0, 4).unwrap_or(0);
        let whole = start + 8 + stated + (stated & 1);
        let mut part = Part { bytes: start..whole.min(self.end), ..Part::default() };
        let mut at = start + 12;
        for _ in 0..MOST {
            let head = self.bytes(at, 8)?;
            let Some(size) = number(&head, 4, 4) else { break };
            let there = self.end.saturating_sub(at + 8);
            if size > there {
                part.truncated = true;
                part.patches.push((at + 4, (there as u32).to_be_bytes().to_vec()));
                part.patches.push((start + 4, ((self.end - start - 8) as u32).to_be_bytes().to_vec()));
                break;
            }
            at += 8 + size + (size & 1);
            if at >= part.bytes.end {
                break;
            }
        }
        Ok(part)
    }

    /// A Matroska file: its head, and the segment with everything else.
    fn matroska(&mut self, start: u64) -> io::Result<Part> {
        let head = self.bytes(start, 256)?;
        let place = head.windows(4).position(|window| window == b"\x18\x53\x80\x67");
        let stated = place.and_then(|place| Some((place + 4, vint(head.get(place + 4..)?)?)));
        let Some((place, (size, width))) = stated else { return Ok(Part::default()) };
        let body = start + (place + width) as u64;
        match size {
            Some(size) if body + size <= self.end => Ok(Part { bytes: start..body + size, ..Part::default() }),
            // A segment of unknown size goes on to the end: what is there is read as far as it goes.
            Some(_) => {
                let mut unknown = vec![0xff; width];
                unknown[0] = 0xff >> (width - 1);
                let patches = vec![(start + place as u64, unknown)];
                Ok(Part { bytes: start..self.end, patches, truncated: true, open_end: false })
            }
            None => {
                let part = self.until(start, b"\x1a\x45\xdf\xa3", is_matroska)?;
                let open_end = self.elements_end(body, part.bytes.end)?;
                Ok(Part { open_end, ..part })
            }
        }
    }

    /// Whether elements of Matroska lead from a place exactly to an end; those of unknown size are entered.
    fn elements_end(&mut self, start: u64, end: u64) -> io::Result<bool> {
        let (mut at, mut head) = (start, Vec::new());
        self.input.seek(SeekFrom::Start(at))?;
        while at < end {
            head.clear();
            self.input.by_ref().take(12).read_to_end(&mut head)?;
            let id = head.first().map_or(usize::MAX, |byte| byte.leading_zeros() as usize + 1);
            let Some((size, width)) = head.get(id..).filter(|_| id <= 4).and_then(vint) else { return Ok(false) };
            let step = (id + width) as u64 + size.unwrap_or(0);
            at = at.saturating_add(step);
            if at <= end {
                // Stays in what is buffered, mostly.
                self.input.seek_relative(step as i64 - head.len() as i64)?;
            }
        }
        Ok(at == end)
    }

    /// Up to where such bytes stand again, and `sure` takes what stands there for a beginning.
    fn until(&mut self, start: u64, sign: &[u8], sure: impl Fn(&[u8]) -> bool) -> io::Result<Part> {
        const BLOCK: u64 = 1 << 16;
        let mut at = start + 1;
        while at < self.end {
            let block = self.bytes(at, BLOCK + 64)?;
            let found = block
                .windows(sign.len())
                .take(BLOCK as usize)
                .enumerate()
                .find(|(place, window)| *window == sign && sure(&block[*place..]));
            if let Some((place, _)) = found {
                return Ok(Part { bytes: start..at + place as u64, ..Part::default() });
            }
            at += BLOCK;
        }
        Ok(Part { bytes: start..self.end, ..Part::default() })
    }
}

fn is_matroska(head: &[u8]) -> bool {
    let named = |name: &[u8]| head.windows(name.len()).take(64).any(|window| window == name);
    head.starts_with(b"\x1a\x45\xdf\xa3") && (named(b"webm") || named(b"matroska"))
}

/// A number of so many bytes, high byte first.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    bytes.get(at..at + count).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// A size of Matroska and its width in bytes; `None` inside where it is not known.
fn vint(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let value = number(bytes, 0, width).filter(|_| width <= 8)? & ((1 << (7 * width)) - 1);
    Some(((value != (1 << (7 * width)) - 1).then_some(value), width))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn look(bytes: &[u8], format: &str) -> Vec<Part> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        parts(file.reopen().unwrap(), 0, format).unwrap()
    }

    fn mp4(name: &str, body: usize) -> Vec<u8> {
        [&(8 + body as u32).to_be_bytes()[..], name.as_bytes(), &vec![0; body]].concat()
    }

    #[test]
    fn joined_recordings_are_parts_and_what_breaks_off_gets_its_true_size() {
        let one = [mp4("ftyp", 8), mp4("moov", 20), mp4("mdat", 100)].concat();
        let two = look(&one.repeat(2), "m4a/aac");
        assert_eq!(two.iter().map(|p| p.bytes.clone()).collect::<Vec<_>>(), [0..152, 152..304]);
        let cut = look(&one[..100], "m4a/aac");
        assert_eq!(
            cut[0],
            Part { bytes: 0..100, patches: vec![(44, 56u32.to_be_bytes().to_vec())], truncated: true, open_end: false }
        );
        let tagged = look(&[&one[..], b"TAG", &[0; 125]].concat(), "m4a/aac");
        assert_eq!((tagged.len(), tagged[0].bytes.clone()), (1, 0..152));
        let flac = [&b"fLaC\0\0\0\x22"[..], &vec![7; 70_000]].concat();
        assert_eq!(look(&flac.repeat(3), "flac").len(), 3);
        let webm = [&b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x41\x00"[..], &[0; 256]].concat();
        assert_eq!(look(&webm.repeat(2), "webm").len(), 2);
        let cut = look(&webm[..200], "webm");
        assert_eq!((cut[0].patches.clone(), cut[0].truncated), (vec![(16, vec![0x7f, 0xff])], true));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for (format, head) in [("m4a/aac", &b"\0\0\0\x08ftyp"[..]), ("aiff", b"FORM"), ("webm", b"\x1a\x45\xdf\xa3"), ("flac", b"fLaC")] {
                let _ = look(&[head, &bytes].concat(), format);
            }
        }
    }
}
