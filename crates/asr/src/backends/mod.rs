//! One file per backend.

pub mod whisper;
