//! Readers of published whisper models, one file per form.
//!
//! Nothing of a file is believed before it is checked against the file's length; weights are read one tensor at a
//! time.

mod ctranslate2;
mod ggml;
mod heads;
mod huggingface;
mod kind;
mod model;
mod safetensors;
mod source;
mod tokens;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use callsift_models::file_sha256;
use serde_json::Value;

use crate::{Checkpoint, Origin, WhisperError};

/// Pairs of whole numbers of a JSON file: `"alignment_heads": [[3, 1], [4, 2]]`.
fn pairs(json: &Value, key: &str) -> Option<Vec<(usize, usize)>> {
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let pair = |value: &Value| Some((number(value.get(0)?)?, number(value.get(1)?)?));
    json.get(key)?.as_array()?.iter().map(pair).collect()
}

/// What can be imported, for messages.
const FORMS: &str = "callsift imports ggml files of whisper.cpp, Hugging Face folders (config.json, model.safetensors, \
    tokenizer.json) and CTranslate2 folders (model.bin, config.json, tokenizer.json)";

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Ggml,
    CTranslate2,
    Safetensors,
    /// PyTorch writes ZIP archives of pickles.
    PyTorch,
    Gguf,
    Other,
}

fn content(path: &Path) -> Result<Content, WhisperError> {
    let file = File::open(path).map_err(|error| WhisperError::io(error, path))?;
    let len = file.metadata().map_err(|error| WhisperError::io(error, path))?.len();
    let mut head = Vec::new();
    file.take(32).read_to_end(&mut head).map_err(|error| WhisperError::io(error, path))?;
    Ok(match head.as_slice() {
        head if head.starts_with(ggml::MAGIC) => Content::Ggml,
        head if head.starts_with(b"GGUF") => Content::Gguf,
        head if head.starts_with(b"PK") || head.starts_with(b"\x80\x02") => Content::PyTorch,
        head if ctranslate2::is_model(head) => Content::CTranslate2,
        head if safetensors::is_file(head, len) => Content::Safetensors,
        _ => Content::Other,
    })
}

/// A model that was found: its form, its folder, its files of weights.
struct Found {
    form: Content,
    folder: PathBuf,
    weights: Vec<PathBuf>,
}

/// Opens a model of any of the forms, recognised by what is in the files and not by their names. `path` is a ggml
/// file, a folder, or the file of weights in a folder.
///
/// # Errors
/// Nothing there is a whisper model of a known form, or it is damaged.
pub fn open(path: &Path) -> Result<Box<dyn Checkpoint>, WhisperError> {
    let Found { form, folder, weights } = find(path)?;
    match (form, weights.as_slice()) {
        (Content::Ggml, [file, ..]) => ggml::open(file),
        (Content::CTranslate2, [file, ..]) => ctranslate2::open(&folder, file),
        _ => huggingface::open(&folder, &weights),
    }
}

/// The form of a model, and SHA-256 of every file that [`open`] reads of it.
///
/// # Errors
/// Nothing there is a whisper model of a known form, or a file cannot be read.
pub fn origin(path: &Path) -> Result<Origin, WhisperError> {
    let Found { form, folder, weights } = find(path)?;
    let form = match form {
        Content::Ggml => "ggml",
        Content::CTranslate2 => "ctranslate2",
        _ => "huggingface",
    };
    let beside = ["config.json", "generation_config.json", huggingface::INDEX].into_iter().chain(tokens::FILES);
    let beside = beside.map(|name| folder.join(name)).filter(|path| form != "ggml" && path.is_file());
    let mut files = BTreeMap::new();
    for path in weights.iter().cloned().chain(beside) {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        files.insert(name, file_sha256(&path)?);
    }
    Ok(Origin { form: form.to_owned(), files })
}

fn find(path: &Path) -> Result<Found, WhisperError> {
    if path.is_dir() {
        return find_in_folder(path);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new(".")).to_owned();
    match content(path)? {
        Content::PyTorch => Err(WhisperError::form(path, PYTORCH)),
        Content::Gguf => Err(WhisperError::form(path, format!("a GGUF file, not of whisper.cpp; {FORMS}"))),
        Content::Other => Err(WhisperError::form(path, format!("no whisper model of a known form; {FORMS}"))),
        form => Ok(Found { form, folder, weights: vec![path.to_owned()] }),
    }
}

const PYTORCH: &str = "weights as a PyTorch pickle, which can run any code and is not read: save them as safetensors, \
    in Python: WhisperForConditionalGeneration.from_pretrained(FOLDER).save_pretrained(NEW, safe_serialization=True), and \
    copy tokenizer.json beside them";
const ADAPTER: &str = "a PEFT adapter (LoRA), not a whole model: join it with its base model, in Python: \
    PeftModel.from_pretrained(BASE, FOLDER).merge_and_unload().save_pretrained(NEW, safe_serialization=True), and copy \
    tokenizer.json beside it";

fn find_in_folder(folder: &Path) -> Result<Found, WhisperError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| WhisperError::io(error, folder))? {
        let path = entry.map_err(|error| WhisperError::io(error, folder))?.path();
        files.extend(path.is_file().then_some(path));
    }
    files.sort();
    let contents = files.iter().map(|path| content(path)).collect::<Result<Vec<_>, _>>()?;
    let found = |form: Content| {
        let weights =
            files.iter().zip(&contents).filter(|(_, content)| **content == form).map(|(path, _)| path.clone());
        Found { form, folder: folder.to_owned(), weights: weights.collect() }
    };
    let converted = found(Content::CTranslate2);
    if !converted.weights.is_empty() {
        return Ok(converted);
    }
    if folder.join("adapter_config.json").is_file() {
        return Err(WhisperError::form(folder, ADAPTER));
    }
    let safetensors = found(Content::Safetensors);
    if !safetensors.weights.is_empty() {
        return Ok(Found { weights: huggingface::weights(folder, &safetensors.weights)?, ..safetensors });
    }
    let ggml = found(Content::Ggml);
    match ggml.weights.len() {
        1 => Ok(ggml),
        0 if contents.contains(&Content::PyTorch) => Err(WhisperError::form(folder, PYTORCH)),
        0 => Err(WhisperError::form(folder, format!("no whisper model of a known form; {FORMS}"))),
        _ => Err(WhisperError::form(folder, "several ggml files: name the one that is meant")),
    }
}
