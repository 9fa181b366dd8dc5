//! Tokens of a whisper model: bytes of each, ids of the special ones.

mod encode;
mod letters;
mod special;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::WhisperError;

pub use encode::Encoder;

/// Ids of the tokens that steer the decoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Special {
    /// `<|endoftext|>`.
    pub end_of_text: u32,
    /// `<|startoftranscript|>`.
    pub start: u32,
    /// `<|transcribe|>`.
    pub transcribe: u32,
    /// `<|translate|>`.
    pub translate: u32,
    /// `<|startofprev|>`: before a prompt.
    pub previous: u32,
    /// `<|nospeech|>` (`<|nocaptions|>` in older vocabularies).
    pub no_speech: u32,
    /// `<|notimestamps|>`.
    pub no_timestamps: u32,
    /// `<|0.00|>`; each following id is 20 ms more, up to `<|30.00|>`.
    pub time_begin: u32,
    /// Language tokens: code (`zh`) and id, in order of ids. Empty for English-only models, whose language tokens were
    /// never trained.
    pub languages: Vec<(String, u32)>,
}

/// Tokens and special ids of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// Bytes of each text token by id; ids from `special.end_of_text` on have none.
    pub tokens: Vec<Vec<u8>>,
    /// Special ids.
    pub special: Special,
}

/// How a vocabulary lies in the engine's folder.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    special: Special,
    /// Bytes as GPT-2's letters.
    tokens: Vec<String>,
}

impl Vocabulary {
    /// From the text tokens of a ggml file; special ids follow from OpenAI's order.
    pub(crate) fn of_bytes(mut tokens: Vec<Vec<u8>>, n_vocab: usize) -> Result<Self, String> {
        // Some converters write special tokens behind those of text.
        if let Some(end) = tokens.iter().position(|token| token == b"<|endoftext|>") {
            tokens.truncate(end);
        }
        let special = special::by_order(tokens.len(), n_vocab)?;
        Ok(Self { tokens, special })
    }

    /// From names as tokenizers write them: GPT-2's letters, and `<|…|>` for special tokens.
    pub(crate) fn of_names(names: &HashMap<String, u32>, n_vocab: usize) -> Result<Self, String> {
        let ids = names.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        let special = special::by_name(&ids, n_vocab)?;
        let end = special.end_of_text;
        let mut tokens = vec![None; end as usize];
        for (name, id) in names.iter().filter(|(_, id)| **id < end) {
            // A token that somebody added by hand stands there as it is.
            tokens[*id as usize] = Some(letters::read(name).unwrap_or_else(|| name.as_bytes().to_vec()));
        }
        let missing = tokens.iter().position(Option::is_none);
        match missing {
            // Lists one name per line cannot hold the empty token that ends OpenAI's multilingual vocabulary.
            Some(id) if id + 1 < tokens.len() => Err(format!("the vocabulary has no token {id} of {end}")),
            _ => Ok(Self { tokens: tokens.into_iter().map(Option::unwrap_or_default).collect(), special }),
        }
    }

    /// Reads `vocabulary.json` of the engine's folder.
    ///
    /// # Errors
    /// The file cannot be read, or is not what [`Vocabulary::save`] writes.
    pub fn load(path: &Path) -> Result<Self, WhisperError> {
        let text = fs::read_to_string(path).map_err(|error| WhisperError::io(error, path))?;
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|error| WhisperError::form(path, format!("broken vocabulary: {error}")))?;
        let tokens: Option<Vec<_>> = stored.tokens.iter().map(|token| letters::read(token)).collect();
        let tokens =
            tokens.ok_or_else(|| WhisperError::form(path, "broken vocabulary: a token is not written in letters"))?;
        if tokens.len() != stored.special.end_of_text as usize {
            return Err(WhisperError::form(path, "broken vocabulary: tokens and special ids do not fit together"));
        }
        special::check(&stored.special, usize::MAX).map_err(|detail| WhisperError::form(path, detail))?;
        Ok(Self { tokens, special: stored.special })
    }

    /// Writes `vocabulary.json` of the engine's folder: the same bytes for the same vocabulary.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), WhisperError> {
        let tokens = self.tokens.iter().map(|token| letters::written(token)).collect();
        let stored = Stored { special: self.special.clone(), tokens };
        let text = serde_json::to_string(&stored).map_err(|error| WhisperError::form(path, error.to_string()))?;
        fs::write(path, text).map_err(|error| WhisperError::io(error, path))
    }

    /// Id of a language token: `zh`; `None` where the model does not know the language.
    pub fn language_id(&self, code: &str) -> Option<u32> {
        self.special.languages.iter().find(|(known, _)| known == code).map(|(_, id)| *id)
    }

    /// Bytes of a token; none for special ones. A character may be spread over several tokens.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.tokens.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// Bytes of a row of tokens, special ones left out.
    pub fn decode(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().flat_map(|id| self.bytes(*id)).copied().collect()
    }

    /// Text as the fewest merges of the vocabulary write it. Builds an [`Encoder`]: for many texts keep one.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        Encoder::new(self).encode(text)
    }

    /// Tokens that say how something sounds instead of what was said, such as `♪` and `(`; in order of ids.
    ///
    /// The list of OpenAI's `tokenizer.non_speech_tokens`, looked up in this vocabulary.
    pub fn non_speech_tokens(&self) -> Vec<u32> {
        encode::non_speech(&Encoder::new(self))
    }
}
