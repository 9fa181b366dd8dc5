//! Vocabularies of model folders: `tokenizer.json`, `vocab.json` with `added_tokens.json`, `vocabulary.json`,
//! `vocabulary.txt`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::{Vocabulary, WhisperError};

use super::source::{json, text};

/// Files that hold a vocabulary or a part of it.
pub(super) const FILES: [&str; 5] =
    ["tokenizer.json", "vocab.json", "added_tokens.json", "vocabulary.json", "vocabulary.txt"];

/// Names and ids.
type Names = Result<HashMap<String, u32>, WhisperError>;

type Reader = fn(&Path) -> Names;

/// The vocabulary of a folder.
pub(super) fn of_folder(folder: &Path, n_vocab: usize) -> Result<Vocabulary, WhisperError> {
    let readers: [(&str, Reader); 4] =
        [("tokenizer.json", tokenizer), ("vocab.json", vocab), ("vocabulary.json", list), ("vocabulary.txt", lines)];
    let Some((path, read)) =
        readers.map(|(name, read)| (folder.join(name), read)).into_iter().find(|(p, _)| p.is_file())
    else {
        return Err(WhisperError::form(
            folder,
            "the vocabulary is missing: tokenizer.json (or vocab.json, vocabulary.json, vocabulary.txt)",
        ));
    };
    let names = read(&path)?;
    Vocabulary::of_names(&names, n_vocab).map_err(|detail| WhisperError::form(&path, detail))
}

fn id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

fn map(path: &Path, value: Option<&Value>) -> Names {
    let entries = value.and_then(Value::as_object);
    let names = entries.and_then(|map| map.iter().map(|(name, value)| Some((name.clone(), id(value)?))).collect());
    names.ok_or_else(|| WhisperError::form(path, "no whisper vocabulary: it has no table of names and ids"))
}

fn tokenizer(path: &Path) -> Names {
    let all = json(path)?;
    let mut names = map(path, all.pointer("/model/vocab"))?;
    let added = all.get("added_tokens").and_then(Value::as_array);
    let added = added.iter().copied().flatten();
    names.extend(added.filter_map(|token| Some((token.get("content")?.as_str()?.to_owned(), id(token.get("id")?)?))));
    Ok(names)
}

fn vocab(path: &Path) -> Names {
    let mut names = map(path, Some(&json(path)?))?;
    let added = path.with_file_name("added_tokens.json");
    if added.is_file() {
        names.extend(map(&added, Some(&json(&added)?))?);
    }
    Ok(names)
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<String, u32> {
    names.map(str::to_owned).zip(0..).collect()
}

fn list(path: &Path) -> Names {
    let all = json(path)?;
    let names: Option<Vec<&str>> = all.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let names = names.ok_or_else(|| WhisperError::form(path, "no whisper vocabulary: not a list of tokens"))?;
    Ok(numbered(names.into_iter()))
}

fn lines(path: &Path) -> Names {
    let text = text(path)?;
    Ok(numbered(text.strip_suffix('\n').unwrap_or(&text).split('\n')))
}
