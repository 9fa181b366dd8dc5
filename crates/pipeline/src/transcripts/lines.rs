//! Where the calls of a file stand.

use callsift_text::{decode, utf16};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::PipelineError;

/// Bytes that show how a file is written.
const HEAD: usize = 1024;

/// Where a call stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: usize,
    offset: u64,
    bytes: usize,
}

/// A file with a call a line, or the whole text of one that is written otherwise.
pub(super) enum Lines {
    File(PathBuf, Mutex<File>),
    Memory(Vec<u8>),
}

impl Lines {
    /// Goes through all calls; `take` gets the place and bytes of each.
    pub(super) fn open(path: &Path, take: &mut dyn FnMut(Place, &[u8])) -> Result<Self, PipelineError> {
        let io = |source| PipelineError::Io { path: path.to_owned(), source };
        let mut input = BufReader::new(File::open(path).map_err(io)?);
        let mut head = Vec::new();
        input.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
        let unmarked = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let is_array = unmarked.trim_ascii_start().first() == Some(&b'[');
        if utf16(&head).is_none() && !is_array {
            let mark = head.len() - unmarked.len();
            input.seek(SeekFrom::Start(mark as u64)).map_err(io)?;
            by_line(&mut input, mark as u64, take).map_err(io)?;
            return Ok(Self::File(path.to_owned(), Mutex::new(input.into_inner())));
        }
        input.read_to_end(&mut head).map_err(io)?;
        let text = decode(&head).map(|d| d.text.into_owned().into_bytes()).unwrap_or(head);
        if text.trim_ascii_start().first() == Some(&b'[') {
            by_element(&text, take);
        } else {
            by_line(&mut text.as_slice(), 0, take).map_err(io)?;
        }
        Ok(Self::Memory(text))
    }

    /// The bytes of a call.
    pub(super) fn read(&self, place: Place) -> Result<Vec<u8>, PipelineError> {
        match self {
            Self::Memory(text) => {
                let start = place.offset as usize;
                Ok(text.get(start..start + place.bytes).unwrap_or_default().to_vec())
            }
            Self::File(path, file) => {
                let mut line = vec![0; place.bytes];
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let read = file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut line));
                read.map_err(|source| PipelineError::Io { path: path.clone(), source })?;
                Ok(line)
            }
        }
    }
}

fn by_line(input: &mut dyn BufRead, start: u64, take: &mut dyn FnMut(Place, &[u8])) -> std::io::Result<()> {
    let (mut offset, mut line) = (start, Vec::new());
    for number in 1.. {
        line.clear();
        let bytes = input.read_until(b'\n', &mut line)?;
        if bytes == 0 {
            break;
        }
        if !line.trim_ascii().is_empty() {
            take(Place { line: number, offset, bytes }, &line);
        }
        offset += bytes as u64;
    }
    Ok(())
}

/// The elements of a JSON array, each with the line on which it begins. What is broken is one element up to where the array goes
/// on, or to the end.
fn by_element(text: &[u8], take: &mut dyn FnMut(Place, &[u8])) {
    let (mut depth, mut inside, mut escaped) = (0usize, false, false);
    let (mut line, mut start): (usize, Option<(usize, usize)>) = (1, None);
    let mut end = |start: &mut Option<(usize, usize)>, to: usize| {
        if let Some((from, line)) = start.take() {
            let bytes = text[from..to].trim_ascii_end();
            take(Place { line, offset: from as u64, bytes: bytes.len() }, bytes);
        }
    };
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'\n' => line += 1,
            _ if inside => {
                inside = *byte != b'"' || escaped;
                escaped = *byte == b'\\' && !escaped;
            }
            b',' | b']' if depth == 1 => {
                end(&mut start, i);
                depth -= usize::from(*byte == b']');
            }
            b'[' if depth == 0 => depth = 1,
            b' ' | b'\t' | b'\r' => {}
            _ => {
                start = start.or(Some((i, line)).filter(|_| depth > 0));
                match byte {
                    b'"' => (inside, escaped) = (true, false),
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
    }
    end(&mut start, text.len());
}
