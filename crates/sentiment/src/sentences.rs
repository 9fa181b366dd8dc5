//! Vectors of sentences: what a text means as a row of numbers.

use std::fmt;
use std::path::Path;

use callsift_models::onnx;
use ort::session::Session;
use tokenizers::{Encoding, Tokenizer};

use crate::SentimentError;
use crate::classifier::need;
use crate::tokens::{clip, failed, in_batches, inputs, names, pad_of, read_tokenizer};

/// Characters of a text that are read, and tokens: a long turn.
const MOST: usize = 128;
/// Texts computed at once, those of like length together.
const BATCH: usize = 32;
/// The graph's output.
const OUTPUT: &str = "sentence";

/// A sentence encoder: a folder with `model.onnx` (`input_ids`, `attention_mask` to `sentence`, vectors of length 1) and
/// `tokenizer.json`. Same texts: same bytes out. Not shared between threads: open one per thread.
pub struct SentenceEncoder {
    session: Session,
    tokenizer: Tokenizer,
    pad: i64,
}

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder").finish_non_exhaustive()
    }
}

impl SentenceEncoder {
    /// Opens a folder.
    ///
    /// # Errors
    /// A file is missing, or is no sentence encoder.
    pub fn load(folder: &Path) -> Result<Self, SentimentError> {
        need(folder, &["model.onnx", "tokenizer.json"])?;
        let tokenizer = read_tokenizer(folder, MOST)?;
        let session = onnx::session(&folder.join("model.onnx"), 1)?;
        let (takes, gives) = names(&session);
        if takes != ["input_ids", "attention_mask"] || gives != [OUTPUT] {
            let detail = format!("takes {takes:?} and gives {gives:?}, not input_ids and attention_mask, and {OUTPUT}");
            return Err(SentimentError::Graph { detail, folder: folder.to_owned() });
        }
        let pad = pad_of(&tokenizer);
        Ok(Self { session, tokenizer, pad })
    }

    /// The vector of each text, in their order.
    ///
    /// # Errors
    /// The runtime refuses.
    pub fn vectors(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, SentimentError> {
        let encode = |text: &String| {
            let encoded = self.tokenizer.encode(clip(text, MOST), true);
            encoded.map_err(|error| SentimentError::Run(error.to_string()))
        };
        let encodings = texts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        in_batches(&encodings, BATCH, |batch| self.run(batch))
    }

    fn run(&mut self, encodings: &[&Encoding]) -> Result<Vec<Vec<f32>>, SentimentError> {
        let inputs = inputs(encodings, self.pad, false).map_err(failed)?;
        let results = self.session.run(inputs).map_err(failed)?;
        let (shape, values) = results[OUTPUT].try_extract_tensor::<f32>().map_err(failed)?;
        match shape[..] {
            [rows, width] if rows == encodings.len() as i64 && width > 0 => {
                Ok(values.chunks_exact(width as usize).map(<[f32]>::to_vec).collect())
            }
            _ => Err(SentimentError::Run(format!("{OUTPUT} has shape {shape:?} for {} texts", encodings.len()))),
        }
    }
}
