//! The folder from which the engine runs a model: graphs, weights, vocabulary, and `model.json` that says what they
//! are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use callsift_models::file_sha256;
use serde::{Deserialize, Serialize};

use crate::graph::{self, Precision};
use crate::{Checkpoint, Dims, Vocabulary, WhisperError};

/// The file that makes a folder a model of the engine.
pub const MODEL_FILE: &str = "model.json";
/// Tokens and special ids.
pub const VOCABULARY_FILE: &str = "vocabulary.json";
/// Version of the folder's form; a folder of another one must be imported again.
const FORM: u32 = 1;

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `ggml`, `huggingface` or `ctranslate2`.
    pub form: String,
    /// SHA-256 of each file that was read, by name.
    pub files: BTreeMap<String, String>,
}

/// `model.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Version of the folder's form.
    pub form: u32,
    /// Sizes.
    pub dims: Dims,
    /// Precision of the weights.
    pub precision: Precision,
    /// `(layer, head)` of each row of the decoder's `alignment` output.
    pub alignment_heads: Vec<(usize, usize)>,
    /// What it was made from.
    pub origin: Origin,
    /// SHA-256 of each file of the folder, by name.
    pub files: BTreeMap<String, String>,
}

/// A model's folder that was found and read.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// What `model.json` says.
    pub info: ModelInfo,
    /// Tokens and special ids.
    pub vocabulary: Vocabulary,
}

impl ModelFolder {
    /// True where a folder has the file that makes it a model of the engine.
    pub fn is_one(path: &Path) -> bool {
        path.join(MODEL_FILE).is_file()
    }

    /// Reads `model.json` and the vocabulary.
    ///
    /// # Errors
    /// A file is missing, damaged, or of another version's form.
    pub fn open(path: &Path) -> Result<Self, WhisperError> {
        let file = path.join(MODEL_FILE);
        let text = fs::read(&file).map_err(|source| WhisperError::io(source, &file))?;
        let wrong = |detail: String| WhisperError::form(&file, detail);
        let info: ModelInfo = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("no description of a speech model ({error}); import the model again")))?;
        if info.form != FORM {
            return Err(wrong(format!(
                "made by another version of callsift (form {}); import the model again",
                info.form
            )));
        }
        for name in info.files.keys() {
            if !path.join(name).is_file() {
                return Err(wrong(format!("{name} is missing beside it; import the model again")));
            }
        }
        let vocabulary = Vocabulary::load(&path.join(VOCABULARY_FILE))?;
        Ok(Self { path: path.to_owned(), info, vocabulary })
    }
}

/// SHA-256 of a folder's `model.json`, which holds those of all its other files: names the model in results.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(folder: &Path) -> Result<String, WhisperError> {
    Ok(file_sha256(&folder.join(MODEL_FILE))?)
}

/// Writes a model's folder. It appears whole or not at all: everything is written beside it first, then renamed.
///
/// # Errors
/// The model lacks something, or the folder cannot be written.
pub fn write(
    model: &mut dyn Checkpoint,
    folder: &Path,
    precision: Precision,
    origin: Origin,
) -> Result<(), WhisperError> {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let staged = folder.with_file_name(format!(".{name}.part"));
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| WhisperError::io(source, &path)
    };
    if staged.exists() {
        fs::remove_dir_all(&staged).map_err(io(&staged))?;
    }
    fs::create_dir_all(&staged).map_err(io(&staged))?;
    let alignment_heads = graph::write(model, &staged, precision)?;
    model.vocabulary().save(&staged.join(VOCABULARY_FILE))?;
    let mut files = BTreeMap::new();
    for file in [graph::ENCODER, graph::CROSS, graph::DECODER, graph::WEIGHTS, VOCABULARY_FILE] {
        files.insert(file.to_owned(), file_sha256(&staged.join(file))?);
    }
    let info = ModelInfo { form: FORM, dims: *model.dims(), precision, alignment_heads, origin, files };
    let text = serde_json::to_vec_pretty(&info)
        .map_err(|error| WhisperError::form(&staged.join(MODEL_FILE), error.to_string()))?;
    fs::write(staged.join(MODEL_FILE), text).map_err(io(&staged))?;
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(io(folder))?;
    }
    fs::rename(&staged, folder).map_err(io(folder))
}
