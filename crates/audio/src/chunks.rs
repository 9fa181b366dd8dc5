//! Where the sound of a WAV file lies, whatever its headers say.
//!
//! Sizes lie: recorders that were killed leave 0, 0xFFFFFFFF or some great number, appended recordings leave the old
//! length, more than 4 GiB wraps. Chunks follow without their byte of padding. Tags are written behind the sound, whole
//! recordings are joined. What is sound is therefore decided by what the file holds, and what its header says otherwise
//! is marked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use callsift_core::AudioMark;

use crate::remarks::Remarks;
use crate::riff::{RiffError, WavHeader, read_ds64, read_fmt, sample_bytes_or_one};
use crate::tail::{is_sound, is_text, tail_start};

/// A file with more chunks than this is not a recording.
const MAX_CHUNKS: usize = 4096;
/// How far a lost `data` or `fmt ` chunk is looked for, in bytes.
const RESYNC_BYTES: u64 = 1 << 20;
/// A size that is off by no more than this many bytes loses nothing: header lengths counted as sound.
const SLACK_BYTES: u64 = 64;
/// Sizes from here on that lie beyond the file are placeholders of recorders that never came back to write the length.
const PLACEHOLDER: u64 = 0x7ff0_0000;
/// Bytes behind the declared end count as sound if they last at least so long, as a share of a second.
const LEAST_SURPLUS_PER_SECOND: u64 = 2;
/// Identifiers that are met in WAV files.
const KNOWN: [&[u8; 4]; 34] = [
    b"fmt ", b"data", b"fact", b"LIST", b"list", b"bext", b"iXML", b"cue ", b"smpl", b"inst", b"PEAK", b"JUNK",
    b"junk", b"FLLR", b"PAD ", b"id3 ", b"ID3 ", b"ds64", b"axml", b"chna", b"_PMX", b"cart", b"umid", b"mext",
    b"levl", b"plst", b"labl", b"note", b"ltxt", b"afsp", b"DISP", b"minf", b"elm1", b"RIFF",
];

/// The sound of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Format of the sound; its size is that of all pieces.
    pub(crate) header: WavHeader,
    /// Stretches of the file that are sound, whole frames each.
    pub(crate) pieces: Vec<Range<u64>>,
    /// What is to be said of it.
    pub(crate) remarks: Remarks,
    /// A plain `RIFF` file: no `RF64`.
    pub(crate) riff: bool,
}

/// Goes through the chunks of a file from the byte where its `RIFF` stands.
pub(crate) fn survey(file: File, start: u64) -> Result<Survey, RiffError> {
    let end = file.metadata()?.len();
    let mut walk = Walk {
        input: BufReader::new(file),
        end,
        format: None,
        ds64: None,
        pieces: Vec::new(),
        remarks: Remarks::default(),
    };
    let riff = walk.bytes(start, 4)? == b"RIFF";
    walk.recording(start)?;
    let Walk { format, mut pieces, remarks, .. } = walk;
    let mut header = format.ok_or(RiffError::Malformed("audio before its format"))?;
    let frame = frame_bytes(&header);
    for piece in &mut pieces {
        piece.end -= (piece.end - piece.start) % frame;
    }
    pieces.retain(|piece| !piece.is_empty());
    header.data_bytes = Some(pieces.iter().map(|piece| piece.end - piece.start).sum());
    Ok(Survey { header, pieces, remarks, riff })
}

fn frame_bytes(header: &WavHeader) -> u64 {
    u64::from(header.channels) * u64::from(sample_bytes_or_one(header))
}

struct Walk {
    input: BufReader<File>,
    /// Bytes of the file.
    end: u64,
    format: Option<WavHeader>,
    ds64: Option<u64>,
    pieces: Vec<Range<u64>>,
    remarks: Remarks,
}

impl Walk {
    /// One `RIFF`, and whatever follows it.
    fn recording(&mut self, start: u64) -> Result<(), RiffError> {
        let mut at = self.head(start)?;
        for _ in 0..MAX_CHUNKS {
            let Some((id, size)) = self.chunk(at)? else { break };
            let body = at + 8;
            match &id {
                b"fmt " => self.take_format(body, size)?,
                b"ds64" => {
                    self.input.seek(SeekFrom::Start(body))?;
                    self.ds64 = read_ds64(&mut self.input, size)?;
                }
                b"data" => {
                    at = self.take_sound(body, size)?;
                    continue;
                }
                b"RIFF" | b"RF64" | b"BW64" if self.is_head(at)? => {
                    if !self.joined(at)? {
                        break;
                    }
                    at = body + 4;
                    continue;
                }
                _ => {}
            }
            at = match self.next_chunk(id, body, size)? {
                Some(next) => next,
                None if self.pieces.is_empty() => return Err(lost(id)),
                None => {
                    if !self.remarks.marks().contains(&AudioMark::Unheard) {
                        self.remarks.mark(AudioMark::TrailingData);
                    }
                    break;
                }
            };
        }
        match (self.pieces.is_empty(), self.format) {
            (true, None) => Err(RiffError::Malformed("the file ends inside its header")),
            _ => Ok(()),
        }
    }

    fn head(&mut self, start: u64) -> Result<u64, RiffError> {
        if self.is_head(start)? { Ok(start + 12) } else { Err(RiffError::Malformed("no RIFF/WAVE header")) }
    }

    fn is_head(&mut self, at: u64) -> io::Result<bool> {
        let head = self.bytes(at, 12)?;
        Ok(matches!(head.get(..4), Some(b"RIFF" | b"RF64" | b"BW64")) && head.get(8..) == Some(b"WAVE"))
    }

    /// Up to so many bytes from a place.
    fn bytes(&mut self, at: u64, count: u64) -> io::Result<Vec<u8>> {
        self.input.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Identifier and size at a place; `None` where the file ends before.
    fn chunk(&mut self, at: u64) -> io::Result<Option<([u8; 4], u64)>> {
        let bytes = self.bytes(at, 8)?;
        let words = bytes.as_chunks::<4>().0;
        Ok(match words {
            [id, size] => Some((*id, u64::from(u32::from_le_bytes(*size)))),
            _ => None,
        })
    }

    fn take_format(&mut self, body: u64, size: u64) -> Result<(), RiffError> {
        self.input.seek(SeekFrom::Start(body))?;
        let found = read_fmt(&mut self.input, size)?;
        match self.format {
            Some(first) if first != found => self.remarks.mark(AudioMark::Unheard),
            _ => self.format = Some(found),
        }
        Ok(())
    }

    /// Another recording behind this one: true where it is of the same kind, so that its sound is taken, too.
    fn joined(&mut self, at: u64) -> Result<bool, RiffError> {
        self.ds64 = None;
        let mut look = at + 12;
        while let Some((id, size)) = self.chunk(look)? {
            if &id == b"fmt " {
                self.input.seek(SeekFrom::Start(look + 8))?;
                let found = read_fmt(&mut self.input, size)?;
                let same = self.format.is_none_or(|kind| kind == found);
                self.remarks.mark(if same { AudioMark::Chained } else { AudioMark::Unheard });
                return Ok(same);
            }
            let Some(next) = self.next_chunk(id, look + 8, size)?.filter(|next| *next > look) else { break };
            look = next;
        }
        self.remarks.mark(AudioMark::TrailingData);
        Ok(false)
    }

    /// Where the chunk behind this one stands: padded to an even length, or straight behind it where the writer left the
    /// padding out; where neither is a chunk, the next sign of the sound. `None` where the file ends or nothing is found.
    fn next_chunk(&mut self, id: [u8; 4], body: u64, size: u64) -> io::Result<Option<u64>> {
        let plain = body.saturating_add(size);
        let padded = plain + (size & 1);
        let mut likely = |at: u64| -> io::Result<u8> { Ok(self.chunk(at)?.map_or(0, |(id, _)| likeness(id))) };
        let (a, b) = if size & 1 == 1 { (likely(padded)?, likely(plain)?) } else { (likely(plain)?, 0) };
        if a.max(b) == 2 || a.max(b) == 1 && self.pieces.is_empty() {
            return Ok(Some(if b > a { plain } else { padded }));
        }
        if plain >= self.end && plain <= self.end + 1 || padded == self.end {
            return Ok(Some(self.end));
        }
        if !self.pieces.is_empty() {
            return Ok(None);
        }
        // The size of this chunk is wrong: the sound still begins somewhere behind.
        let wanted: &[u8] = if self.format.is_none() && &id != b"fmt " { b"fmt " } else { b"data" };
        let bytes = self.bytes(body, RESYNC_BYTES)?;
        let found = bytes.windows(4).position(|window| window == wanted);
        if found.is_some() {
            self.remarks.mark(AudioMark::HeaderMismatch);
        }
        Ok(found.map(|at| body + at as u64))
    }

    /// The sound that begins at `body`; gives where it ends.
    fn take_sound(&mut self, body: u64, size: u64) -> Result<u64, RiffError> {
        let header = self.format.ok_or(RiffError::Malformed("audio before its format"))?;
        let there = self.end.saturating_sub(body);
        let declared =
            if size == 0xffff_ffff { self.ds64.filter(|&bytes| bytes > 0) } else { Some(size).filter(|&s| s > 0) };
        if size == 0 && self.nothing_follows(body)? {
            return Ok(body);
        }
        let end = match declared {
            Some(bytes) if bytes <= there => self.surplus(&header, body, body + bytes)?,
            Some(bytes) if bytes - there <= SLACK_BYTES => self.end,
            _ => {
                let placeholder = declared.is_none_or(|bytes| bytes >= PLACEHOLDER);
                let (end, tags) = self.sound_end(&header, body)?;
                // Whoever wrote tags behind the sound was done with it.
                self.remarks.mark(match (tags, placeholder) {
                    (true, _) => AudioMark::HeaderMismatch,
                    (false, true) => AudioMark::Unfinished,
                    (false, false) => AudioMark::Truncated,
                });
                end
            }
        };
        if !self.pieces.is_empty() {
            self.remarks.mark(AudioMark::Chained);
        }
        self.pieces.push(body..end);
        let known = |at: u64, walk: &mut Self| -> io::Result<bool> {
            Ok(walk.chunk(at)?.is_some_and(|(id, _)| likeness(id) == 2))
        };
        // Behind an odd length stands a byte of padding, if the writer thought of it.
        let padded = end + ((end - body) & 1);
        Ok(if !known(padded, self)? && known(end, self)? { end } else { padded })
    }

    /// Chunks alone follow up to the end of the file: a `data` chunk of size 0 before them is really empty.
    fn nothing_follows(&mut self, body: u64) -> io::Result<bool> {
        let end = self.end;
        Ok(tail_start(&mut self.input, body, end, 1, true)?.is_some_and(|start| start == body))
    }

    /// End of sound of unknown length, and whether tags lie behind it.
    fn sound_end(&mut self, header: &WavHeader, body: u64) -> io::Result<(u64, bool)> {
        let (end, frame) = (self.end, frame_bytes(header));
        let tail = tail_start(&mut self.input, body, end, frame, false)?;
        Ok((tail.unwrap_or(end), tail.is_some()))
    }

    /// Where sound ends that the header ends at `declared`: there, or later where what follows is no chunk but sound.
    fn surplus(&mut self, header: &WavHeader, body: u64, declared: u64) -> io::Result<u64> {
        let odd = (declared - body) & 1;
        let chunk = |at: u64, walk: &mut Self| -> io::Result<bool> {
            Ok(walk.chunk(at)?.is_some_and(|(id, _)| likeness(id) == 2 || &id[..3] == b"ID3" || &id[..3] == b"TAG"))
        };
        if self.end - declared <= SLACK_BYTES || chunk(declared, self)? || chunk(declared + odd, self)? {
            return Ok(declared);
        }
        // Chunks that nobody knows, which lead to the end as chunks do.
        if self.nothing_follows(declared)? || odd == 1 && self.nothing_follows(declared + odd)? {
            return Ok(declared);
        }
        let (end, tags) = self.sound_end(header, declared)?;
        let second = u64::from(header.sample_rate) * frame_bytes(header);
        let kept = end - declared;
        if kept * LEAST_SURPLUS_PER_SECOND >= second && is_sound(&mut self.input, header, declared, end)? {
            self.remarks.mark(AudioMark::HeaderMismatch);
            return Ok(end);
        }
        let bytes = self.bytes(declared, 1 << 16)?;
        let nothing = bytes.iter().all(|byte| *byte == bytes[0]) || is_text(&bytes);
        let filler = nothing || tags || kept * LEAST_SURPLUS_PER_SECOND < second;
        self.remarks.mark(if filler { AudioMark::TrailingData } else { AudioMark::Unheard });
        Ok(declared)
    }
}

/// How much four bytes look like the identifier of a chunk: 2 where it is known, 1 where it is printable.
fn likeness(id: [u8; 4]) -> u8 {
    if KNOWN.contains(&&id) || matches!(&id, b"RF64" | b"BW64") {
        2
    } else {
        u8::from(id.iter().all(|byte| (0x20..0x7f).contains(byte)))
    }
}

fn lost(id: [u8; 4]) -> RiffError {
    let name: String =
        id.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '?' }).collect();
    RiffError::Chunk(name)
}
