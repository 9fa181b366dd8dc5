//! CTranslate2 folders: what faster-whisper runs.
//!
//! `model.bin`: version, name and revision of the specification, variables (name, shape, number form, bytes), aliases.
//! Query, key and value of self-attention are one stacked layer, and so are key and value of cross-attention.

use std::collections::HashMap;
use std::path::Path;

use crate::checkpoint::{Checkpoint, Dims};
use crate::{Vocabulary, WhisperError};

use super::kind::Kind;
use super::model::{Model, Parts, Place, checked};
use super::source::{Source, json};
use super::{pairs, tokens};

/// Versions whose files are laid out alike; all that converters wrote since whisper was published.
const VERSIONS: std::ops::RangeInclusive<u32> = 4..=6;

/// What is stored under a name.
struct Variable {
    place: Option<Place>,
    /// The stored bytes of short ones, such as the number of heads.
    short: Vec<u8>,
}

/// True for the first bytes of a model file of CTranslate2 for whisper.
pub(super) fn is_model(head: &[u8]) -> bool {
    let version = head.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    version.is_some_and(|version| (1..100).contains(&version)) && head.get(6..17) == Some(b"WhisperSpec")
}

/// Opens the model file `model` of the folder.
pub(super) fn open(folder: &Path, model: &Path) -> Result<Box<dyn Checkpoint>, WhisperError> {
    let mut source = Source::open(model)?;
    let variables = variables(&mut source)?;
    let dims = checked(model, dims(&source, &variables)?)?;
    let config = folder.join("config.json");
    let heads = if config.is_file() { pairs(&json(&config)?, "alignment_heads") } else { None };
    let vocabulary: Vocabulary = tokens::of_folder(folder, dims.n_vocab)?;
    let parts = Parts { dims, files: vec![source], vocabulary, heads };
    Model::assemble(model, parts, |name| {
        let (variable, part) = variable_of(name)?;
        let place = variables.get(&variable)?.place.as_ref()?;
        match part {
            None => Some(place.clone()),
            Some((index, of)) => {
                let rows = place.shape.first()? / of;
                place.rows(index * rows, rows)
            }
        }
    })
}

fn string(source: &mut Source, what: &str) -> Result<String, WhisperError> {
    let length = source.u16(what)?;
    let mut bytes = source.take(length.into(), what)?;
    if bytes.pop() != Some(0) {
        return Err(source.wrong(format!("damaged: {what} does not end where it should")));
    }
    String::from_utf8(bytes).map_err(|_| source.wrong(format!("damaged: {what} is not UTF-8")))
}

fn variables(source: &mut Source) -> Result<HashMap<String, Variable>, WhisperError> {
    let version = source.u32("the version")?;
    let spec = string(source, "the specification")?;
    let revision = source.u32("the revision")?;
    if !VERSIONS.contains(&version) || spec != "WhisperSpec" || revision != 3 {
        return Err(source.wrong(format!(
            "a CTranslate2 file of version {version}, {spec} revision {revision}; read are versions 4 to 6, \
             WhisperSpec revision 3: convert the model again with a present ct2-transformers-converter"
        )));
    }
    let mut all = HashMap::new();
    for _ in 0..source.u32("the number of variables")? {
        let (name, variable) = variable(source)?;
        all.insert(name, variable);
    }
    join_scales(source, &mut all)?;
    for _ in 0..source.u32("the number of aliases")? {
        let (alias, name) = (string(source, "an alias")?, string(source, "an alias")?);
        let target = all.get(&name).ok_or_else(|| source.wrong(format!("damaged: {alias} stands for nothing")))?;
        let copy = Variable { place: target.place.clone(), short: target.short.clone() };
        all.insert(alias, copy);
    }
    Ok(all)
}

fn variable(source: &mut Source) -> Result<(String, Variable), WhisperError> {
    let name = string(source, "the name of a variable")?;
    let rank = source.u8(&name)?;
    let shape = (0..rank).map(|_| Ok(source.u32(&name)? as usize)).collect::<Result<Vec<_>, WhisperError>>()?;
    let form = source.u8(&name)?;
    let bytes = source.u32(&name)?;
    let offset = source.at();
    let (kind, size) = match form {
        0 => (Some(Kind::F32), 4),
        1 => (Some(Kind::I8), 1),
        4 => (Some(Kind::F16), 2),
        5 => (Some(Kind::Bf16), 2),
        2 => (None, 2),
        3 => (None, 4),
        _ => return Err(source.wrong(format!("damaged, or newer than callsift: {name} has number form {form}"))),
    };
    let count = shape.iter().try_fold(1_u64, |product, dim| product.checked_mul(*dim as u64));
    if count.and_then(|count| count.checked_mul(size)) != Some(bytes.into()) {
        return Err(source.wrong(format!("damaged: {name} of shape {shape:?} cannot have {bytes} bytes")));
    }
    let short = if bytes <= 8 { source.take(bytes.into(), &name)? } else { Vec::new() };
    source.skip(u64::from(bytes) - short.len() as u64, &name)?;
    if form == 2 && shape.len() > 1 {
        return Err(
            source.wrong("weights of 16-bit integers are not read: convert with --quantization float16 or int8")
        );
    }
    let place = kind.map(|kind| Place { file: 0, offset, shape, kind, scale: None });
    Ok((name, Variable { place, short }))
}

/// Gives 8-bit weights the scales that are stored beside them.
fn join_scales(source: &Source, all: &mut HashMap<String, Variable>) -> Result<(), WhisperError> {
    let scales: HashMap<String, Place> = all
        .iter()
        .filter_map(|(name, variable)| Some((name.strip_suffix("_scale")?.to_owned(), variable.place.clone()?)))
        .collect();
    for (name, variable) in all {
        let Some(place) = variable.place.as_mut().filter(|place| place.kind == Kind::I8 && place.shape.len() > 1)
        else {
            continue;
        };
        let rows = place.shape[0];
        match scales.get(name) {
            Some(scale) if scale.kind == Kind::F32 && scale.shape == [rows] => place.scale = Some(scale.offset),
            Some(_) => return Err(source.wrong(format!("damaged: the scales of {name} are not one float per row"))),
            None => return Err(source.wrong(format!("damaged: {name} has no scales"))),
        }
    }
    Ok(())
}

fn dims(source: &Source, all: &HashMap<String, Variable>) -> Result<Dims, WhisperError> {
    let shape = |name: &str, rank: usize| {
        let found = all.get(name).and_then(|v| v.place.as_ref()).map(|place| place.shape.clone());
        found
            .filter(|shape| shape.len() == rank)
            .ok_or_else(|| source.wrong(format!("no whisper model: {name} is missing")))
    };
    let heads = |name: &str| match all.get(name).map(|v| v.short.as_slice()) {
        Some([low, high]) => Ok(usize::from(u16::from_le_bytes([*low, *high]))),
        Some([one]) => Ok(usize::from(*one)),
        _ => Err(source.wrong(format!("no whisper model: {name} is missing"))),
    };
    let layers = |side: &str| {
        (0..all.len())
            .take_while(|i| all.contains_key(&format!("{side}/layer_{i}/self_attention/linear_0/weight")))
            .count()
    };
    let conv = shape("encoder/conv1/weight", 3)?;
    let sound = shape("encoder/position_encodings/encodings", 2)?;
    let text = shape("decoder/position_encodings/encodings", 2)?;
    Ok(Dims {
        n_mels: conv[1],
        n_audio_ctx: sound[0],
        n_audio_state: sound[1],
        n_audio_head: heads("encoder/num_heads")?,
        n_audio_layer: layers("encoder"),
        n_vocab: shape("decoder/embeddings/weight", 2)?[0],
        n_text_ctx: text[0],
        n_text_state: text[1],
        n_text_head: heads("decoder/num_heads")?,
        n_text_layer: layers("decoder"),
    })
}

/// The variable that holds a tensor of OpenAI's name, and which of how many stacked parts it is.
fn variable_of(name: &str) -> Option<(String, Option<(usize, usize)>)> {
    let whole = |variable: &str| Some((variable.to_owned(), None));
    match name {
        "encoder.positional_embedding" => return whole("encoder/position_encodings/encodings"),
        "decoder.positional_embedding" => return whole("decoder/position_encodings/encodings"),
        "decoder.token_embedding.weight" => return whole("decoder/embeddings/weight"),
        _ => {}
    }
    let (module, leaf) = name.rsplit_once('.')?;
    let norm = |place: &str| Some((format!("{place}/{}", if leaf == "weight" { "gamma" } else { "beta" }), None));
    match module {
        "encoder.ln_post" => return norm("encoder/layer_norm"),
        "decoder.ln" => return norm("decoder/layer_norm"),
        "encoder.conv1" | "encoder.conv2" => return Some((name.replace('.', "/"), None)),
        _ => {}
    }
    let (side, rest) = module.split_once(".blocks.")?;
    let (layer, part) = rest.split_once('.')?;
    let at = format!("{side}/layer_{layer}");
    let linear = |layer: &str, part| Some((format!("{at}/{layer}/{leaf}"), part));
    match part {
        "attn_ln" => norm(&format!("{at}/self_attention/layer_norm")),
        "cross_attn_ln" => norm(&format!("{at}/attention/layer_norm")),
        "mlp_ln" => norm(&format!("{at}/ffn/layer_norm")),
        "mlp.0" => linear("ffn/linear_0", None),
        "mlp.2" => linear("ffn/linear_1", None),
        "attn.query" => linear("self_attention/linear_0", Some((0, 3))),
        "attn.key" => linear("self_attention/linear_0", Some((1, 3))),
        "attn.value" => linear("self_attention/linear_0", Some((2, 3))),
        "attn.out" => linear("self_attention/linear_1", None),
        "cross_attn.query" => linear("attention/linear_0", None),
        "cross_attn.key" => linear("attention/linear_1", Some((0, 2))),
        "cross_attn.value" => linear("attention/linear_1", Some((1, 2))),
        "cross_attn.out" => linear("attention/linear_2", None),
        _ => None,
    }
}
