//! Hugging Face folders of whisper: `config.json`, weights in safetensors, the tokenizer; what fine-tunes are
//! published as.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::WhisperError;
use crate::checkpoint::{Checkpoint, Dims};

use super::model::{Model, Parts, checked};
use super::source::json;
use super::{pairs, safetensors, tokens};

/// Lists which tensor lies in which file of a model in several files.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Opens the folder; `weights` are its safetensors files.
pub(super) fn open(folder: &Path, weights: &[PathBuf]) -> Result<Box<dyn Checkpoint>, WhisperError> {
    let config = folder.join("config.json");
    if !config.is_file() {
        return Err(WhisperError::form(folder, "safetensors without config.json: get the whole folder of the model"));
    }
    let dims = checked(&config, dims(&config)?)?;
    let (mut files, mut places) = (Vec::new(), HashMap::new());
    for path in weights {
        let (file, found) = safetensors::open(path, files.len())?;
        files.push(file);
        places.extend(found);
    }
    let generation = folder.join("generation_config.json");
    let heads = if generation.is_file() { pairs(&json(&generation)?, "alignment_heads") } else { None };
    let vocabulary = tokens::of_folder(folder, dims.n_vocab)?;
    let parts = Parts { dims, files, vocabulary, heads };
    Model::assemble(folder, parts, |name| {
        let name = name_of(name)?;
        let found = places.get(&name).or_else(|| places.get(name.strip_prefix("model.")?));
        // Output and input share their weights; some files keep the name of the output only.
        let tied = || places.get("proj_out.weight").filter(|_| name.ends_with("embed_tokens.weight"));
        found.or_else(tied).cloned()
    })
}

fn dims(path: &Path) -> Result<Dims, WhisperError> {
    let config = json(path)?;
    let kind = config.get("model_type").and_then(Value::as_str).unwrap_or("nothing");
    if kind != "whisper" {
        let detail = format!("a model of type {kind}; only whisper models can be imported");
        return Err(WhisperError::form(path, detail));
    }
    let size = |key: &str| {
        let found = config.get(key).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        found.ok_or_else(|| WhisperError::form(path, format!("{key} is missing or is no number")))
    };
    Ok(Dims {
        n_mels: size("num_mel_bins")?,
        n_audio_ctx: size("max_source_positions")?,
        n_audio_state: size("d_model")?,
        n_audio_head: size("encoder_attention_heads")?,
        n_audio_layer: size("encoder_layers")?,
        n_vocab: size("vocab_size")?,
        n_text_ctx: size("max_target_positions")?,
        n_text_state: size("d_model")?,
        n_text_head: size("decoder_attention_heads")?,
        n_text_layer: size("decoder_layers")?,
    })
}

/// The files of weights among the safetensors files of a folder: the one file there is, else those that the index
/// names.
pub(super) fn weights(folder: &Path, safetensors: &[PathBuf]) -> Result<Vec<PathBuf>, WhisperError> {
    let (whole, index) = (folder.join("model.safetensors"), folder.join(INDEX));
    match safetensors {
        _ if whole.is_file() => Ok(vec![whole]),
        _ if index.is_file() => shards(folder, &index),
        [one] => Ok(vec![one.clone()]),
        _ => {
            let detail =
                format!("several safetensors files and no {INDEX}: which of them are the model cannot be told");
            Err(WhisperError::form(folder, detail))
        }
    }
}

fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, WhisperError> {
    let wrong = |detail: &str| WhisperError::form(index, detail);
    let all = json(index)?;
    let map = all.get("weight_map").and_then(Value::as_object).ok_or_else(|| wrong("it has no weight_map"))?;
    let names: Option<BTreeSet<&str>> = map.values().map(Value::as_str).collect();
    let names = names.ok_or_else(|| wrong("weight_map does not name files"))?;
    // The files lie beside the index: a name that leads elsewhere is not followed.
    if names.iter().any(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
        return Err(wrong("weight_map names files outside the folder"));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The name that a tensor of OpenAI's name has here.
fn name_of(name: &str) -> Option<String> {
    let whole = match name {
        "encoder.positional_embedding" => "encoder.embed_positions.weight",
        "decoder.positional_embedding" => "decoder.embed_positions.weight",
        "decoder.token_embedding.weight" => "decoder.embed_tokens.weight",
        _ => "",
    };
    if !whole.is_empty() {
        return Some(format!("model.{whole}"));
    }
    let (module, leaf) = name.rsplit_once('.')?;
    let module = match module {
        "encoder.ln_post" => "encoder.layer_norm".to_owned(),
        "decoder.ln" => "decoder.layer_norm".to_owned(),
        "encoder.conv1" | "encoder.conv2" => module.to_owned(),
        _ => {
            let (side, rest) = module.split_once(".blocks.")?;
            let (layer, part) = rest.split_once('.')?;
            format!("{side}.layers.{layer}.{}", part_of(part)?)
        }
    };
    Some(format!("model.{module}.{leaf}"))
}

fn part_of(part: &str) -> Option<&'static str> {
    Some(match part {
        "attn.query" => "self_attn.q_proj",
        "attn.key" => "self_attn.k_proj",
        "attn.value" => "self_attn.v_proj",
        "attn.out" => "self_attn.out_proj",
        "attn_ln" => "self_attn_layer_norm",
        "cross_attn.query" => "encoder_attn.q_proj",
        "cross_attn.key" => "encoder_attn.k_proj",
        "cross_attn.value" => "encoder_attn.v_proj",
        "cross_attn.out" => "encoder_attn.out_proj",
        "cross_attn_ln" => "encoder_attn_layer_norm",
        "mlp.0" => "fc1",
        "mlp.2" => "fc2",
        "mlp_ln" => "final_layer_norm",
        _ => return None,
    })
}
