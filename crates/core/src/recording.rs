//! A recording and what is known of its call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Who started the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer called the centre.
    Inbound,
    /// An agent called the customer.
    Outbound,
    /// Not given in the metadata.
    #[default]
    Unknown,
}

impl Direction {
    /// Name used in tables and rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the names that centres write: `in`, `inbound`, `incoming`, `呼入`, `来电`, `out`, `outbound`, `outgoing`, `呼出`, `外呼`,
    /// `去电`; anything else is unknown.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "in" | "inbound" | "incoming" | "呼入" | "来电" => Self::Inbound,
            "out" | "outbound" | "outgoing" | "呼出" | "外呼" | "去电" => Self::Outbound,
            _ => Self::Unknown,
        }
    }
}

/// Metadata of a call; everything but the id may be absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallMeta {
    /// Unique id of the call; the file stem where no metadata gives one.
    pub call_id: String,
    /// Agent's number (工号).
    pub agent_id: Option<String>,
    /// Agent's name.
    pub agent_name: Option<String>,
    /// Queue or skill group.
    pub queue: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// Customer's code.
    pub customer_id: Option<String>,
    /// Start of the call, microseconds since the Unix epoch (UTC).
    pub started_at_us: Option<i64>,
    /// Calendar day of the call at the centre, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The order as recorded by the order system, `item=quantity unit;…`.
    pub order: Option<String>,
    /// Any other field of the metadata, kept by name.
    pub extra: BTreeMap<String, String>,
}

/// One recording to inspect.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Where the audio lies.
    pub path: PathBuf,
    /// Path relative to the recordings folder, with `/` between parts: what tables show; see [`name_of_path`].
    pub name: String,
    /// SHA-256 of the file's bytes before it was decoded; empty where it could not be read or nobody looked.
    pub sha256: String,
    /// What is known of the call.
    pub meta: CallMeta,
}

/// Stands before the two hexadecimal digits of a byte that is no UTF-8.
const NOT_UTF8: char = '\u{fffd}';

/// A relative path as text, `/` between its parts. Paths that are not UTF-8 stay distinct and lead back to their file
/// ([`path_of_name`]): each byte that is none becomes `\u{fffd}` and two hexadecimal digits.
pub fn name_of_path(relative: &Path) -> String {
    relative.components().map(|c| escaped(c.as_os_str().as_encoded_bytes())).collect::<Vec<_>>().join("/")
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let escape = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            out.push(NOT_UTF8);
            out.push_str(&crate::hex(&[*byte]).to_ascii_uppercase());
        }
    };
    for chunk in bytes.utf8_chunks() {
        // A name may hold the sign itself: its own bytes are written out, so that no two names become one.
        for (i, piece) in chunk.valid().split(NOT_UTF8).enumerate() {
            if i > 0 {
                escape(&mut out, NOT_UTF8.encode_utf8(&mut [0; 4]).as_bytes());
            }
            out.push_str(piece);
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

/// The relative path that [`name_of_path`] made a name of.
pub fn path_of_name(name: &str) -> PathBuf {
    if name.contains(NOT_UTF8) { unescaped(name).unwrap_or_else(|| name.into()) } else { name.into() }
}

#[cfg(unix)]
fn unescaped(name: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut pieces = name.split(NOT_UTF8);
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn unescaped(_: &str) -> Option<PathBuf> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::{name_of_path, path_of_name};

    #[test]
    fn names_that_are_not_utf8_stay_apart_and_lead_back() {
        let raw: [&[u8]; 6] = [
            b"day/k.wav",
            b"day/\xc4\xe3.wav",
            b"day/\xc4\xe4.wav",
            "day/\u{fffd}C4.wav".as_bytes(),
            b"\xff",
            "\u{4f60}/\u{597d}".as_bytes(),
        ];
        let paths = raw.map(|bytes| Path::new(OsStr::from_bytes(bytes)));
        let names = paths.map(name_of_path);
        assert_eq!((names[0].as_str(), names[1].as_str()), ("day/k.wav", "day/\u{fffd}C4\u{fffd}E3.wav"));
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        for (path, name) in paths.iter().zip(&names) {
            assert_eq!(path_of_name(name), *path);
        }
        // A name of an older lake, with nothing behind the sign, stays as it is.
        assert_eq!(path_of_name("day/\u{fffd}.wav"), Path::new("day/\u{fffd}.wav"));
    }
}
