//! Text classifiers over turns: any Hugging Face-style ONNX folder.
//!
//! A folder holds `model.onnx` (inputs `input_ids`, `attention_mask`, perhaps `token_type_ids`; output `logits`, or
//! `<head>_logits` per head), `tokenizer.json` and `config.json`. The last names the labels: `id2label` as Hugging Face
//! writes it, and where there is more to say an object `callsift` (see [`Head`]):
//!
//! ```json
//! { "callsift": { "max_length": 128, "pair_input": true, "heads": [
//!     { "name": "sentiment", "labels": ["negative", "neutral", "positive"], "temperature": 1.3,
//!       "thresholds": { "negative": 0.6 } } ] } }
//! ```
//!
//! A model may also read what others made of the turns (`callsift.joins`, see [`Joins`]): the vectors of a
//! [`SentenceEncoder`] for the turn and the turn before it, and the logits of another text model. Such a folder has no
//! tokenizer; the graph takes `own`, `before` and `labels`.

mod classifier;
mod config;
mod error;
mod joined;
mod sentences;
mod tokens;
mod trend;

pub use classifier::TextClassifier;
pub use config::{Activation, Head, Joins, ModelConfig, Part};
pub use error::SentimentError;
pub use sentences::SentenceEncoder;
pub use trend::trend;
