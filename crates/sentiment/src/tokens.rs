//! One graph that reads tokens: a Hugging Face-style folder.

use std::path::{Path, PathBuf};

use callsift_models::onnx;
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::Tensor;
use tokenizers::{EncodeInput, Encoding, Tokenizer, TruncationParams};

use crate::{Head, ModelConfig, SentimentError};

/// The graph of a folder, its tokenizer, and where the heads' logits come out.
pub(crate) struct TokenGraph {
    session: Session,
    tokenizer: Tokenizer,
    /// Output of each head.
    outputs: Vec<String>,
    /// True where the graph asks which of the two texts a token belongs to.
    token_types: bool,
    pad: i64,
}

impl TokenGraph {
    pub(crate) fn load(folder: &Path, config: &ModelConfig) -> Result<Self, SentimentError> {
        let tokenizer = read_tokenizer(folder, config.max_length)?;
        let session = onnx::session(&folder.join("model.onnx"), 1)?;
        let (outputs, token_types) = check_graph(&session, config)
            .map_err(|detail| SentimentError::Graph { detail, folder: folder.to_owned() })?;
        let pad = pad_of(&tokenizer);
        Ok(Self { session, tokenizer, outputs, token_types, pad })
    }

    /// Logits of all heads, side by side, of the texts at these places.
    pub(crate) fn logits(
        &mut self,
        config: &ModelConfig,
        texts: &[String],
        places: &[usize],
    ) -> Result<Vec<Vec<f32>>, SentimentError> {
        let encodings = places.iter().map(|&at| self.encode(config, texts, at)).collect::<Result<Vec<_>, _>>()?;
        in_batches(&encodings, config.batch, |batch| self.run(config, batch))
    }

    fn encode(&self, config: &ModelConfig, texts: &[String], at: usize) -> Result<Encoding, SentimentError> {
        let own = clip(&texts[at], config.max_length);
        let input = if config.pair_input {
            let before = at.checked_sub(1).map_or(String::new(), |before| clip(&texts[before], config.max_length));
            EncodeInput::Dual(before.into(), own.into())
        } else {
            EncodeInput::Single(own.into())
        };
        self.tokenizer.encode(input, true).map_err(|error| SentimentError::Run(error.to_string()))
    }

    /// Logits of every encoding of a batch.
    fn run(&mut self, config: &ModelConfig, encodings: &[&Encoding]) -> Result<Vec<Vec<f32>>, SentimentError> {
        let inputs = inputs(encodings, self.pad, self.token_types).map_err(failed)?;
        let results = self.session.run(inputs).map_err(failed)?;
        rows(config, &self.outputs, &results, encodings.len())
    }
}

/// The runtime refused.
#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
pub(crate) fn failed(error: ort::Error) -> SentimentError {
    SentimentError::Run(error.to_string())
}

/// What `run` gives for each encoding, in their order. Those of like length are run together: little padding. The sort is
/// stable, so the batches are the same every time.
pub(crate) fn in_batches(
    encodings: &[Encoding],
    batch: usize,
    mut run: impl FnMut(&[&Encoding]) -> Result<Vec<Vec<f32>>, SentimentError>,
) -> Result<Vec<Vec<f32>>, SentimentError> {
    let mut order: Vec<usize> = (0..encodings.len()).collect();
    order.sort_by_key(|at| encodings[*at].len());
    let mut out = vec![Vec::new(); encodings.len()];
    for batch in order.chunks(batch) {
        let together: Vec<&Encoding> = batch.iter().map(|at| &encodings[*at]).collect();
        for (at, row) in batch.iter().zip(run(&together)?) {
            out[*at] = row;
        }
    }
    Ok(out)
}

/// Logits of all heads, side by side, a row per turn.
pub(crate) fn rows(
    config: &ModelConfig,
    outputs: &[String],
    results: &SessionOutputs<'_>,
    turns: usize,
) -> Result<Vec<Vec<f32>>, SentimentError> {
    let mut rows = vec![Vec::new(); turns];
    for (head, output) in config.heads.iter().zip(outputs) {
        let (shape, logits) = results[output.as_str()].try_extract_tensor::<f32>().map_err(failed)?;
        check_shape(head, output, shape, turns).map_err(SentimentError::Run)?;
        for (row, logits) in rows.iter_mut().zip(logits.chunks_exact(head.labels.len())) {
            row.extend_from_slice(logits);
        }
    }
    Ok(rows)
}

/// The start of a text: a character is at most a few tokens, and what the tokenizer would cut off anyhow is not given
/// to it.
pub(crate) fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Tensors `[turns, tokens]`, padded at the end to the longest of the batch.
pub(crate) fn inputs(
    encodings: &[&Encoding],
    pad: i64,
    token_types: bool,
) -> Result<Vec<(String, SessionInputValue<'static>)>, ort::Error> {
    let length = encodings.iter().map(|encoding| encoding.len()).max().unwrap_or(0);
    let tensor = |pad: i64, values: fn(&Encoding) -> &[u32]| {
        let mut all = Vec::with_capacity(encodings.len() * length);
        for encoding in encodings {
            let row = values(encoding).iter().map(|&value| i64::from(value));
            all.extend(row.chain(std::iter::repeat(pad)).take(length));
        }
        Tensor::from_array(([encodings.len(), length], all)).map(SessionInputValue::from)
    };
    let mut inputs = vec![
        ("input_ids".to_owned(), tensor(pad, Encoding::get_ids)?),
        ("attention_mask".to_owned(), tensor(0, Encoding::get_attention_mask)?),
    ];
    if token_types {
        inputs.push(("token_type_ids".to_owned(), tensor(0, Encoding::get_type_ids)?));
    }
    Ok(inputs)
}

/// That an output has a row per turn and a number per label.
fn check_shape(head: &Head, output: &str, shape: &[i64], turns: usize) -> Result<(), String> {
    let labels = head.labels.len();
    if shape == [turns as i64, labels as i64] {
        return Ok(());
    }
    Err(format!("output {output} has shape {shape:?}, but head {} has {labels} labels", head.name))
}

/// A folder's tokenizer. Padding is done here, to the longest of a batch; the longer text of a pair is cut first.
pub(crate) fn read_tokenizer(folder: &Path, max_length: usize) -> Result<Tokenizer, SentimentError> {
    let path: PathBuf = folder.join("tokenizer.json");
    let broken = |detail: String| SentimentError::Tokenizer { detail, folder: folder.to_owned() };
    let mut tokenizer = Tokenizer::from_file(path).map_err(|error| broken(error.to_string()))?;
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(|error| broken(error.to_string()))?;
    Ok(tokenizer)
}

/// The token that fills up a batch.
pub(crate) fn pad_of(tokenizer: &Tokenizer) -> i64 {
    tokenizer.token_to_id("[PAD]").or_else(|| tokenizer.token_to_id("<pad>")).unwrap_or(0).into()
}

/// Names of a graph's inputs and of its outputs.
pub(crate) fn names(session: &Session) -> (Vec<&str>, Vec<&str>) {
    let name = ort::value::Outlet::name;
    (session.inputs().iter().map(name).collect(), session.outputs().iter().map(name).collect())
}

/// Name of each head's output.
pub(crate) fn outputs_of(config: &ModelConfig, outputs: &[&str]) -> Result<Vec<String>, String> {
    let output_of = |head: &Head| {
        let own = format!("{}_logits", head.name);
        let found = outputs.iter().any(|name| *name == own);
        let plain = (config.heads.len() == 1 && outputs.contains(&"logits")).then(|| "logits".to_owned());
        found.then_some(own).or(plain).ok_or_else(|| format!("gives {outputs:?}, no logits for head {}", head.name))
    };
    config.heads.iter().map(output_of).collect()
}

/// Names of the heads' outputs, and whether the graph takes token types.
fn check_graph(session: &Session, config: &ModelConfig) -> Result<(Vec<String>, bool), String> {
    let (inputs, outputs) = names(session);
    let known = ["input_ids", "attention_mask", "token_type_ids"];
    if !inputs.contains(&known[0]) || !inputs.contains(&known[1]) || inputs.iter().any(|name| !known.contains(name)) {
        return Err(format!("takes {inputs:?}, not input_ids, attention_mask and perhaps token_type_ids"));
    }
    Ok((outputs_of(config, &outputs)?, inputs.contains(&known[2])))
}
