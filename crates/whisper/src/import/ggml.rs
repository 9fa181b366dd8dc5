//! ggml files: what whisper.cpp runs.
//!
//! Magic, eleven sizes, mel filters, text tokens, tensors under OpenAI's names with dimensions innermost first.

use std::collections::HashMap;
use std::path::Path;

use crate::checkpoint::{Checkpoint, Dims};
use crate::{Vocabulary, WhisperError};

use super::kind::Kind;
use super::model::{Model, Parts, Place, checked};
use super::source::Source;

/// First bytes of a file.
pub(super) const MAGIC: &[u8] = b"lmgg";

/// Opens a file.
pub(super) fn open(path: &Path) -> Result<Box<dyn Checkpoint>, WhisperError> {
    let mut source = Source::open(path)?;
    source.skip(MAGIC.len() as u64, "the magic")?;
    let dims = checked(path, header(&mut source)?)?;
    let tokens = tokens(&mut source)?;
    let vocabulary = Vocabulary::of_bytes(tokens, dims.n_vocab).map_err(|detail| source.wrong(detail))?;
    let mut places = HashMap::new();
    while source.left() > 0 {
        let (name, place) = tensor(&mut source)?;
        places.insert(name, place);
    }
    let parts = Parts { dims, files: vec![source], vocabulary, heads: None };
    Model::assemble(path, parts, |name| places.get(name).cloned())
}

fn header(source: &mut Source) -> Result<Dims, WhisperError> {
    let mut size = || source.u32("the header").map(|size| size as usize);
    let (n_vocab, n_audio_ctx, n_audio_state, n_audio_head, n_audio_layer) =
        (size()?, size()?, size()?, size()?, size()?);
    let (n_text_ctx, n_text_state, n_text_head, n_text_layer, n_mels) = (size()?, size()?, size()?, size()?, size()?);
    // The form of most weights, which each tensor says again.
    size()?;
    let (bands, bins) = (source.u32("the mel filters")?, source.u32("the mel filters")?);
    // callsift computes its own filters.
    source.skip(u64::from(bands).saturating_mul(bins.into()).saturating_mul(4), "the mel filters")?;
    Ok(Dims {
        n_mels,
        n_audio_ctx,
        n_audio_state,
        n_audio_head,
        n_audio_layer,
        n_vocab,
        n_text_ctx,
        n_text_state,
        n_text_head,
        n_text_layer,
    })
}

fn tokens(source: &mut Source) -> Result<Vec<Vec<u8>>, WhisperError> {
    let count = source.u32("the number of tokens")?;
    (0..count)
        .map(|_| {
            let length = source.u32("a token")?;
            source.take(length.into(), "a token")
        })
        .collect()
}

fn tensor(source: &mut Source) -> Result<(String, Place), WhisperError> {
    let (rank, length, form) = (source.u32("a tensor")?, source.u32("a tensor")?, source.u32("a tensor")?);
    if !(1..=4).contains(&rank) {
        return Err(source.wrong(format!("damaged: a tensor of {rank} dimensions")));
    }
    let mut shape =
        (0..rank).map(|_| Ok(source.u32("a tensor")? as usize)).collect::<Result<Vec<_>, WhisperError>>()?;
    shape.reverse();
    let name = source.take(length.into(), "the name of a tensor")?;
    let name = String::from_utf8(name).map_err(|_| source.wrong("damaged: the name of a tensor is not UTF-8"))?;
    let kind = match form {
        0 => Kind::F32,
        1 => Kind::F16,
        2 => Kind::Q4_0,
        3 => Kind::Q4_1,
        6 => Kind::Q5_0,
        7 => Kind::Q5_1,
        8 => Kind::Q8_0,
        _ => {
            let read = "f32, f16, q4_0, q4_1, q5_0, q5_1 and q8_0 are read";
            return Err(source.wrong(format!("{name} is damaged or stored in ggml's form {form}; {read}")));
        }
    };
    let bytes = kind.bytes(&shape);
    let bytes = bytes.ok_or_else(|| source.wrong(format!("damaged: {name} cannot have the shape {shape:?}")))?;
    let place = Place { file: 0, offset: source.at(), shape, kind, scale: None };
    source.skip(bytes, &name)?;
    Ok((name, place))
}
