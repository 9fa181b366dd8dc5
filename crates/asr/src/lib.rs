//! Turns speech segments into timed text.
//!
//! [`Packer`] cuts one channel's speech into [`Window`]s of bounded length; a [`Recognizer`] session turns a window
//! into [`callsift_core::Utterance`]s on the recording's clock, with guards against what recognisers make up.
//! A backend only has to implement [`Decoder`]; packing, mapping and guards are shared.

pub mod backends;
pub mod decode;
pub mod error;
pub mod guard;
pub mod mapping;
pub mod options;
pub mod packer;
pub mod recognize;
pub mod window;

pub use backends::onnx::OnnxModel;
pub use backends::whisper::WhisperModel;
pub use decode::{Answer, DecodeEffort, Decoded, DecodedChar, DecodedText, Decoder, Inquiry, Spotted};
pub use error::AsrError;
pub use options::{AsrOptions, Backend};
pub use packer::Packer;
pub use recognize::{Recognizer, Repeats, Session};
pub use window::{Piece, Window};
