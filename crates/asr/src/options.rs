//! Options of packing and recognition.

use serde::{Deserialize, Serialize};

/// What recognises. A model that is given by its path says so itself: a folder of the engine, or a ggml file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Backend {
    /// callsift's own engine on the ONNX runtime.
    #[default]
    #[serde(rename = "onnx")]
    Onnx,
    /// whisper.cpp, with the ggml file of the model.
    #[serde(rename = "whisper-cpp")]
    WhisperCpp,
}

impl Backend {
    /// True for the default, which is not written: lakes keep the hash that they have.
    pub fn is_onnx(&self) -> bool {
        *self == Self::Onnx
    }
}

/// Options of packing and recognition. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AsrOptions {
    /// Which of a model's forms a name means: the engine's folder (default), or the ggml file for whisper.cpp.
    #[serde(skip_serializing_if = "Backend::is_onnx")]
    pub backend: Backend,
    /// Longest packed window in milliseconds. Default 24000: whisper stops a window after 220 tokens, and dense
    /// Mandarin needs about 9 tokens a second. A model's manifest entry may ask for less.
    pub max_window_ms: i64,
    /// Silence put between two packed segments, in milliseconds. Default 300.
    pub gap_ms: i64,
    /// A source gap longer than this many milliseconds ends the window. Default 30000: whisper sees no context
    /// across windows anyway, and short windows waste the encoder.
    pub max_source_gap_ms: i64,
    /// Run the encoder only over the window's own length plus a margin. Default true; a window that looks wrong is
    /// repeated over the full 30 s (whisper.cpp issue 1855: too short a context makes loops).
    pub trim_audio_ctx: bool,
    /// Beam width of the second attempt. Default 5.
    pub beam_size: u8,
    /// Mean token log-probability under which a window is tried again and marked. Default −1.0 (whisper's own).
    pub min_logprob: f32,
    /// Characters per second of speech beyond which text is not believed. Default 12.
    pub max_chars_per_sec: f64,
    /// Speech at least so long (milliseconds) must have text. A segment without any is recognised again alone, and
    /// marked where nothing comes; a hole of this length inside a segment makes a second attempt. Default 1500.
    pub min_uncovered_ms: i64,
    /// Language token. Default `zh`.
    pub language: String,
    /// Text given to the model before each window, to steer script, punctuation and names; empty: none.
    pub initial_prompt: String,
    /// Prompts per queue, instead of `initial_prompt`.
    pub queue_prompts: std::collections::BTreeMap<String, String>,
}

impl Default for AsrOptions {
    fn default() -> Self {
        Self {
            backend: Backend::Onnx,
            max_window_ms: 24_000,
            gap_ms: 300,
            max_source_gap_ms: 30_000,
            trim_audio_ctx: true,
            beam_size: 5,
            min_logprob: -1.0,
            max_chars_per_sec: 12.0,
            min_uncovered_ms: 1500,
            language: "zh".to_owned(),
            initial_prompt: String::new(),
            queue_prompts: std::collections::BTreeMap::new(),
        }
    }
}

impl AsrOptions {
    /// The prompt for a queue.
    pub fn prompt(&self, queue: Option<&str>) -> &str {
        queue.and_then(|q| self.queue_prompts.get(q)).unwrap_or(&self.initial_prompt)
    }
}
