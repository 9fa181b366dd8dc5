//! The classifier: turns in, calibrated probabilities out.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use callsift_core::{LabelScore, SpeakerRole, Turn};
use callsift_models::file_sha256;

use crate::joined::Joined;
use crate::tokens::TokenGraph;
use crate::{Head, ModelConfig, SentimentError};

/// A text model. Same turns, same model: same bytes out, for batches are made in a fixed order and computed on one thread.
/// Not shared between threads: open one per thread.
pub struct TextClassifier {
    graph: Graph,
    config: ModelConfig,
    sha256: String,
}

/// What gives the logits.
enum Graph {
    Tokens(Box<TokenGraph>),
    Joined(Box<Joined>),
}

impl fmt::Debug for TextClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextClassifier").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

impl TextClassifier {
    /// Opens a folder. Models that it joins are looked for beside it, then where all models lie.
    ///
    /// # Errors
    /// A file is missing or cannot be used, or a joined model is not there.
    pub fn load(folder: &Path) -> Result<Self, SentimentError> {
        need(folder, &["model.onnx", "config.json"])?;
        let config = read_config(folder)?;
        let graph = if let Some(joins) = &config.joins {
            Graph::Joined(Box::new(Joined::load(folder, &config, joins)?))
        } else {
            need(folder, &["tokenizer.json"])?;
            Graph::Tokens(Box::new(TokenGraph::load(folder, &config)?))
        };
        let sha256 = file_sha256(&folder.join("model.onnx"))?;
        Ok(Self { graph, config, sha256 })
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
        let spoken: Vec<usize> = (0..texts.len()).filter(|&at| texts[at].chars().any(char::is_alphanumeric)).collect();
        for (&at, logits) in spoken.iter().zip(self.logits(texts, &spoken)?) {
            let mut rest = logits.as_slice();
            for head in &self.config.heads {
                let (own, others) = rest.split_at(head.labels.len().min(rest.len()));
                rest = others;
                let scores = head.labels.iter().zip(head.probabilities(own));
                out[at].extend(scores.map(|(label, prob)| LabelScore {
                    threshold: head.thresholds.get(label).copied(),
                    label: label.clone(),
                    prob,
                }));
            }
        }
        Ok(out)
    }

    /// Logits of all heads, side by side, of the texts at these places.
    pub(crate) fn logits(&mut self, texts: &[String], places: &[usize]) -> Result<Vec<Vec<f32>>, SentimentError> {
        match &mut self.graph {
            Graph::Tokens(graph) => graph.logits(&self.config, texts, places),
            Graph::Joined(graph) => graph.logits(&self.config, texts, places),
        }
    }
}

/// That a folder has these files.
pub(crate) fn need(folder: &Path, files: &[&'static str]) -> Result<(), SentimentError> {
    match files.iter().find(|file| !folder.join(file).is_file()) {
        Some(file) => Err(SentimentError::Missing { file, folder: folder.to_owned() }),
        None => Ok(()),
    }
}

fn read_config(folder: &Path) -> Result<ModelConfig, SentimentError> {
    let broken = |detail: String| SentimentError::Config { detail, folder: folder.to_owned() };
    let json = fs::read_to_string(folder.join("config.json")).map_err(|error| broken(error.to_string()))?;
    ModelConfig::parse(&json).map_err(broken)
}
