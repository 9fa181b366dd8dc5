//! Whisper models as callsift's own engine runs them.
//!
//! [`import::open`] reads a published model (ggml, Hugging Face, CTranslate2) as a [`Checkpoint`]: sizes, weights by
//! OpenAI's names, vocabulary, alignment heads. From it the engine's folder is written: graphs for the ONNX runtime,
//! the weights, the vocabulary.

pub mod checkpoint;
pub mod error;
pub mod folder;
pub mod graph;
pub mod import;
pub mod mel;
pub mod names;
pub mod vocabulary;

pub use checkpoint::{Checkpoint, Dims, Tensor};
pub use error::WhisperError;
pub use folder::{ModelFolder, ModelInfo, Origin};
pub use graph::Precision;
pub use mel::LogMel;
pub use vocabulary::{Encoder, Special, Vocabulary};
