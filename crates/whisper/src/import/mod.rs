//! Readers of published whisper models, one file per form.
//!
//! Nothing of a file is believed before it is checked against the file's length; weights are read one tensor at a time.

mod ctranslate2;
mod ggml;
mod heads;
mod huggingface;
mod kind;
mod model;
mod safetensors;
mod source;
mod tokens;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Checkpoint, WhisperError};

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

/// Opens a model of any of the forms, recognised by what is in the files and not by their names. `path` is a ggml file, a
/// folder, or the file of weights in a folder.
///
/// # Errors
/// Nothing there is a whisper model of a known form, or it is damaged.
pub fn open(path: &Path) -> Result<Box<dyn Checkpoint>, WhisperError> {
    if path.is_dir() {
        return open_folder(path);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    match content(path)? {
        Content::Ggml => ggml::open(path),
        Content::CTranslate2 => ctranslate2::open(folder, path),
        Content::Safetensors => huggingface::open(folder, &[path.to_owned()]),
        Content::PyTorch => Err(WhisperError::form(path, PYTORCH)),
        Content::Gguf => Err(WhisperError::form(path, format!("a GGUF file, which whisper.cpp does not use; {FORMS}"))),
        Content::Other => Err(WhisperError::form(path, format!("no whisper model of a known form; {FORMS}"))),
    }
}

const PYTORCH: &str = "weights as a PyTorch pickle, which can run any code and is not read: save them as safetensors, in \
    Python: WhisperForConditionalGeneration.from_pretrained(FOLDER).save_pretrained(NEW, safe_serialization=True), and \
    copy tokenizer.json beside them";
const ADAPTER: &str = "a PEFT adapter (LoRA), not a whole model: join it with its base model, in Python: \
    PeftModel.from_pretrained(BASE, FOLDER).merge_and_unload().save_pretrained(NEW, safe_serialization=True), and copy \
    tokenizer.json beside it";

fn open_folder(folder: &Path) -> Result<Box<dyn Checkpoint>, WhisperError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| WhisperError::io(error, folder))? {
        let path = entry.map_err(|error| WhisperError::io(error, folder))?.path();
        files.extend(path.is_file().then_some(path));
    }
    files.sort();
    let contents = files.iter().map(|path| content(path)).collect::<Result<Vec<_>, _>>()?;
    let of = |wanted: Content| -> Vec<PathBuf> {
        files.iter().zip(&contents).filter(|(_, content)| **content == wanted).map(|(path, _)| path.clone()).collect()
    };
    if let Some(model) = of(Content::CTranslate2).first() {
        return ctranslate2::open(folder, model);
    }
    if folder.join("adapter_config.json").is_file() {
        return Err(WhisperError::form(folder, ADAPTER));
    }
    let safetensors = of(Content::Safetensors);
    if !safetensors.is_empty() {
        return huggingface::open(folder, &safetensors);
    }
    match of(Content::Ggml).as_slice() {
        [one] => ggml::open(one),
        [] if contents.contains(&Content::PyTorch) => Err(WhisperError::form(folder, PYTORCH)),
        [] => Err(WhisperError::form(folder, format!("no whisper model of a known form; {FORMS}"))),
        _ => Err(WhisperError::form(folder, "several ggml files: name the one that is meant")),
    }
}
