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

mod classifier;
mod config;
mod error;
mod trend;

pub use classifier::TextClassifier;
pub use config::{Activation, Head, ModelConfig};
pub use error::SentimentError;
pub use trend::trend;
