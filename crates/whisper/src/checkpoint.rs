//! A whisper model in memory or on disk, whatever form it was published in.

use crate::{Vocabulary, WhisperError};

/// Sizes of a whisper model, named as in OpenAI's `ModelDimensions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dims {
    /// Mel bands: 80, or 128 from large-v3 on.
    pub n_mels: usize,
    /// Encoder positions for 30 s of sound: 1500.
    pub n_audio_ctx: usize,
    /// Width of the encoder.
    pub n_audio_state: usize,
    /// Attention heads of the encoder.
    pub n_audio_head: usize,
    /// Layers of the encoder.
    pub n_audio_layer: usize,
    /// Entries of the vocabulary, special tokens included.
    pub n_vocab: usize,
    /// Decoder positions: 448.
    pub n_text_ctx: usize,
    /// Width of the decoder.
    pub n_text_state: usize,
    /// Attention heads of the decoder.
    pub n_text_head: usize,
    /// Layers of the decoder.
    pub n_text_layer: usize,
}

/// One tensor, row-major, as 32-bit floats.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Dimensions, outermost first, as PyTorch has them: a linear layer is `[out, in]`, a convolution `[out, in,
    /// width]`.
    pub shape: Vec<usize>,
    /// Values; as many as the product of `shape`.
    pub data: Vec<f32>,
}

/// A model that was opened. Tensors are read one by one, so that a large model needs no memory for all of them.
///
/// Names are OpenAI's: `encoder.conv1.weight`, `encoder.blocks.0.attn.query.weight`,
/// `decoder.blocks.0.cross_attn.key.weight`,
/// `decoder.blocks.0.mlp.0.bias`, `decoder.token_embedding.weight`, `decoder.positional_embedding`,
/// `decoder.ln.weight`, …
pub trait Checkpoint {
    /// Sizes of the model.
    fn dims(&self) -> &Dims;

    /// One tensor by OpenAI's name; keys of attention have no bias.
    ///
    /// # Errors
    /// There is none of that name, it has an impossible shape, or the file ends early.
    fn tensor(&mut self, name: &str) -> Result<Tensor, WhisperError>;

    /// Tokens and special ids.
    fn vocabulary(&self) -> &Vocabulary;

    /// `(layer, head)` of the decoder whose cross-attention follows the sound; where the publisher names none, those
    /// that OpenAI published for a model of these sizes, else all heads of the upper half.
    fn alignment_heads(&self) -> Vec<(usize, usize)>;
}
