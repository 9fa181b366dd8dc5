//! One file or folder per backend.

pub mod onnx;
mod reader;
pub mod whisper;
