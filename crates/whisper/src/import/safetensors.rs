//! Safetensors files: the length of a header, the header in JSON, then the bytes of all tensors.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::WhisperError;

use super::kind::Kind;
use super::model::Place;
use super::source::Source;

/// Longest header, as the format's own reader has it.
const HEADER_LIMIT: u64 = 100_000_000;

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// True for the first bytes of such a file.
pub(super) fn is_file(head: &[u8], len: u64) -> bool {
    let header = head.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    header.is_some_and(|header| header < len && header < HEADER_LIMIT) && head.get(8) == Some(&b'{')
}

/// The tensors of a file, which is the `file`th of its model. Those of forms that no weights have are left out.
pub(super) fn open(path: &Path, file: usize) -> Result<(Source, HashMap<String, Place>), WhisperError> {
    let mut source = Source::open(path)?;
    let length = source.take(8, "the length of the header")?;
    let length = length.first_chunk::<8>().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
    if length > HEADER_LIMIT {
        return Err(source.wrong(format!("no safetensors file, or damaged: a header of {length} bytes")));
    }
    let header = source.take(length, "the header")?;
    let broken = |error: serde_json::Error| source.wrong(format!("no safetensors file, or damaged: {error}"));
    let mut infos: HashMap<String, serde_json::Value> = serde_json::from_slice(&header).map_err(broken)?;
    infos.remove("__metadata__");
    let mut places = HashMap::new();
    for (name, info) in infos {
        let Info { dtype, shape, data_offsets: (first, end) } = serde_json::from_value(info).map_err(broken)?;
        let kind = match dtype.as_str() {
            "F32" => Kind::F32,
            "F16" => Kind::F16,
            "BF16" => Kind::Bf16,
            _ => continue,
        };
        let size = end.checked_sub(first);
        let inside = end.checked_add(8 + length).is_some_and(|end| end <= source.len());
        if kind.bytes(&shape) != size || !inside {
            return Err(source.wrong(format!("damaged or cut off: {name} does not lie within the file as it should")));
        }
        places.insert(name, Place { file, offset: 8 + length + first, shape, kind, scale: None });
    }
    Ok((source, places))
}
