//! The classifier: tokens in, calibrated probabilities out.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use callsift_core::{LabelScore, SpeakerRole, Turn};
use callsift_models::{file_sha256, onnx};
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::Tensor;
use tokenizers::{EncodeInput, Encoding, Tokenizer, TruncationParams};

use crate::{Head, ModelConfig, SentimentError};

/// Files of a model.
const FILES: [&str; 3] = ["model.onnx", "tokenizer.json", "config.json"];

/// A text model. Same turns, same model: same bytes out, for batches are made in a fixed order and computed on one thread.
/// Not shared between threads: open one per thread.
pub struct TextClassifier {
    session: Session,
    tokenizer: Tokenizer,
    config: ModelConfig,
    /// Output of each head.
    outputs: Vec<String>,
    /// True where the graph asks which of the two texts a token belongs to.
    token_types: bool,
    pad: i64,
    sha256: String,
}

impl fmt::Debug for TextClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextClassifier").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

impl TextClassifier {
    /// Opens a folder.
    pub fn load(folder: &Path) -> Result<Self, SentimentError> {
        if let Some(file) = FILES.into_iter().find(|file| !folder.join(file).is_file()) {
            return Err(SentimentError::Missing { file, folder: folder.to_owned() });
        }
        let config = read_config(folder)?;
        let tokenizer = read_tokenizer(folder, &config)?;
        let model = folder.join("model.onnx");
        let session = onnx::session(&model, 1)?;
        let (outputs, token_types) = check_graph(&session, &config)
            .map_err(|detail| SentimentError::Graph { detail, folder: folder.to_owned() })?;
        let pad = tokenizer.token_to_id("[PAD]").or_else(|| tokenizer.token_to_id("<pad>")).unwrap_or(0);
        let sha256 = file_sha256(&model)?;
        Ok(Self { session, tokenizer, config, outputs, token_types, pad: pad.into(), sha256 })
    }

    /// SHA-256 of `model.onnx`.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The questions that it answers, in the order of the labels given out.
    pub fn heads(&self) -> &[Head] {
        &self.config.heads
    }

    /// Probability from which each label is to be believed, as the model's `config.json` says; labels without one are absent.
    pub fn thresholds(&self) -> BTreeMap<&str, f64> {
        let all = self.config.heads.iter().flat_map(|head| &head.thresholds);
        all.map(|(label, &limit)| (label.as_str(), limit)).collect()
    }

    /// Puts labels on turns that may be judged: heard well enough, and spoken by somebody known.
    pub fn label(&mut self, turns: &mut [Turn]) -> Result<(), SentimentError> {
        let labels = self.classify(turns)?;
        for (turn, labels) in turns.iter_mut().zip(labels) {
            if !turn.is_unusable() && turn.role != SpeakerRole::Unknown {
                turn.labels = labels;
            }
        }
        Ok(())
    }

    /// Labels of every turn, in the order of the heads and their labels; none for a turn without words.
    pub fn classify(&mut self, turns: &[Turn]) -> Result<Vec<Vec<LabelScore>>, SentimentError> {
        let texts: Vec<String> = turns.iter().map(Turn::text).collect();
        self.classify_texts(&texts)
    }

    /// The same for the texts of consecutive turns: where the model reads pairs, each is read after the one before it.
    pub fn classify_texts(&mut self, texts: &[String]) -> Result<Vec<Vec<LabelScore>>, SentimentError> {
        let mut out = vec![Vec::new(); texts.len()];
        let spoken = (0..texts.len()).filter(|&at| texts[at].chars().any(char::is_alphanumeric));
        let mut encodings =
            spoken.map(|at| Ok((at, self.encode(texts, at)?))).collect::<Result<Vec<_>, SentimentError>>()?;
        // Turns of one length together: little padding. The sort is stable, so the batches are the same every time.
        encodings.sort_by_key(|(_, encoding)| encoding.len());
        for batch in encodings.chunks(self.config.batch) {
            for ((at, _), labels) in batch.iter().zip(self.run(batch)?) {
                out[*at] = labels;
            }
        }
        Ok(out)
    }

    fn encode(&self, texts: &[String], at: usize) -> Result<Encoding, SentimentError> {
        // A character is at most a few tokens; what the tokenizer would cut off anyhow is not given to it.
        let clip = |text: &str| text.chars().take(self.config.max_length).collect::<String>();
        let own = clip(&texts[at]);
        let input = if self.config.pair_input {
            let before = at.checked_sub(1).map_or(String::new(), |before| clip(&texts[before]));
            EncodeInput::Dual(before.into(), own.into())
        } else {
            EncodeInput::Single(own.into())
        };
        self.tokenizer.encode(input, true).map_err(|error| SentimentError::Run(error.to_string()))
    }

    /// Labels of every encoding of a batch.
    fn run(&mut self, encodings: &[(usize, Encoding)]) -> Result<Vec<Vec<LabelScore>>, SentimentError> {
        let inputs = self.inputs(encodings).map_err(|error| SentimentError::Run(error.to_string()))?;
        let (heads, outputs) = (&self.config.heads, &self.outputs);
        let results = self.session.run(inputs).map_err(|error| SentimentError::Run(error.to_string()))?;
        let mut rows = vec![Vec::new(); encodings.len()];
        for (head, output) in heads.iter().zip(outputs) {
            add_labels(head, output, &results, &mut rows).map_err(SentimentError::Run)?;
        }
        Ok(rows)
    }

    /// Tensors `[turns, tokens]`, padded at the end to the longest of the batch.
    fn inputs(&self, encodings: &[(usize, Encoding)]) -> Result<Vec<(String, SessionInputValue<'static>)>, ort::Error> {
        let length = encodings.iter().map(|(_, encoding)| encoding.len()).max().unwrap_or(0);
        let tensor = |pad: i64, values: fn(&Encoding) -> &[u32]| {
            let mut all = Vec::with_capacity(encodings.len() * length);
            for (_, encoding) in encodings {
                let row = values(encoding).iter().map(|&value| i64::from(value));
                all.extend(row.chain(std::iter::repeat(pad)).take(length));
            }
            Tensor::from_array(([encodings.len(), length], all)).map(SessionInputValue::from)
        };
        let mut inputs = vec![
            ("input_ids".to_owned(), tensor(self.pad, Encoding::get_ids)?),
            ("attention_mask".to_owned(), tensor(0, Encoding::get_attention_mask)?),
        ];
        if self.token_types {
            inputs.push(("token_type_ids".to_owned(), tensor(0, Encoding::get_type_ids)?));
        }
        Ok(inputs)
    }
}

fn add_labels(
    head: &Head,
    output: &str,
    results: &SessionOutputs<'_>,
    rows: &mut [Vec<LabelScore>],
) -> Result<(), String> {
    let (shape, logits) = results[output].try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
    let labels = head.labels.len();
    if shape[..] != [rows.len() as i64, labels as i64] {
        return Err(format!("output {output} has shape {shape:?}, but head {} has {labels} labels", head.name));
    }
    for (row, logits) in rows.iter_mut().zip(logits.chunks_exact(labels)) {
        let scores = head.labels.iter().zip(head.probabilities(logits));
        row.extend(scores.map(|(label, prob)| LabelScore {
            threshold: head.thresholds.get(label).copied(),
            label: label.clone(),
            prob,
        }));
    }
    Ok(())
}

fn read_config(folder: &Path) -> Result<ModelConfig, SentimentError> {
    let broken = |detail: String| SentimentError::Config { detail, folder: folder.to_owned() };
    let json = fs::read_to_string(folder.join("config.json")).map_err(|error| broken(error.to_string()))?;
    ModelConfig::parse(&json).map_err(broken)
}

fn read_tokenizer(folder: &Path, config: &ModelConfig) -> Result<Tokenizer, SentimentError> {
    let path: PathBuf = folder.join("tokenizer.json");
    let broken = |detail: String| SentimentError::Tokenizer { detail, folder: folder.to_owned() };
    let mut tokenizer = Tokenizer::from_file(path).map_err(|error| broken(error.to_string()))?;
    // Padding is done here, to the longest of a batch; the longer text of a pair is cut first.
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: config.max_length, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(|error| broken(error.to_string()))?;
    Ok(tokenizer)
}

/// Names of the heads' outputs, and whether the graph takes token types.
fn check_graph(session: &Session, config: &ModelConfig) -> Result<(Vec<String>, bool), String> {
    let inputs: Vec<&str> = session.inputs().iter().map(ort::value::Outlet::name).collect();
    let outputs: Vec<&str> = session.outputs().iter().map(ort::value::Outlet::name).collect();
    let known = ["input_ids", "attention_mask", "token_type_ids"];
    if !inputs.contains(&known[0]) || !inputs.contains(&known[1]) || inputs.iter().any(|name| !known.contains(name)) {
        return Err(format!("takes {inputs:?}, not input_ids, attention_mask and perhaps token_type_ids"));
    }
    let output_of = |head: &Head| {
        let own = format!("{}_logits", head.name);
        let found = outputs.iter().any(|name| *name == own);
        let plain = (config.heads.len() == 1 && outputs.contains(&"logits")).then(|| "logits".to_owned());
        found.then_some(own).or(plain).ok_or_else(|| format!("gives {outputs:?}, no logits for head {}", head.name))
    };
    let names = config.heads.iter().map(output_of).collect::<Result<_, _>>()?;
    Ok((names, inputs.contains(&known[2])))
}
