//! Tokens of a whisper model: bytes of each, ids of the special ones.

use serde::{Deserialize, Serialize};

/// Ids of the tokens that steer the decoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Language tokens: code (`zh`) and id, in order of ids.
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

impl Vocabulary {
    /// TEMP
    pub fn non_speech_tokens(&self) -> Vec<u32> {
        Vec::new()
    }
}
