//! ONNX graphs of a whisper model, for the ONNX runtime.
//!
//! Three graphs share one file of weights. `encoder` takes one window, so its cost follows the window's length.
//! `cross` turns the hidden states of a batch of windows into keys and values, once. `decoder` makes a step for all
//! rows of the batch. In 8 bits each row is quantised by its own scale, so that what a row becomes depends on no other
//! row of the batch.

#![expect(clippy::many_single_char_names, reason = "x, q, k, v, w as in the papers and in the reference")]

mod builder;
mod decoder;
mod encoder;
mod layers;
mod onnx;

use std::path::Path;

pub use layers::Precision;

use self::builder::{Builder, WeightFile};
use self::decoder::Tokens;
use self::layers::Layers;
use crate::{Checkpoint, WhisperError};

/// File names inside the engine's folder.
pub const ENCODER: &str = "encoder.onnx";
/// Keys and values of cross-attention.
pub const CROSS: &str = "cross.onnx";
/// One step of the decoder.
pub const DECODER: &str = "decoder.onnx";
/// Weights of all graphs.
pub const WEIGHTS: &str = "weights.bin";

/// Writes the three graphs and their weights into a folder; gives the alignment heads in the order of the decoder's
/// `alignment` output.
///
/// # Errors
/// The model lacks a tensor or has one of another shape; the folder cannot be written.
pub fn write(
    model: &mut dyn Checkpoint,
    folder: &Path,
    precision: Precision,
) -> Result<Vec<(usize, usize)>, WhisperError> {
    let dims = *model.dims();
    let heads = decoder::usable_heads(model);
    let suppressed = model.vocabulary().non_speech_tokens();
    let special = &model.vocabulary().special;
    let (end_of_text, time_begin) = (special.end_of_text, special.time_begin);
    let tokens = Tokens { end_of_text, time_begin, suppressed: &suppressed };
    let path = folder.join(WEIGHTS);
    let mut weights = WeightFile::create(&path)?;
    let layers = Layers { b: Builder::new("encoder", &mut weights), model, precision };
    encoder::encoder(layers, &dims)?.save(&folder.join(ENCODER))?;
    let layers = Layers { b: Builder::new("cross", &mut weights), model, precision };
    encoder::cross(layers, &dims)?.save(&folder.join(CROSS))?;
    let layers = Layers { b: Builder::new("decoder", &mut weights), model, precision };
    decoder::decoder(layers, &dims, &tokens, &heads)?.save(&folder.join(DECODER))?;
    weights.finish(&path)?;
    Ok(heads)
}
