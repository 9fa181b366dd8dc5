//! A model that reads what other models made of the turns: vectors of the turn and of the turn before it, and the logits
//! of another text model.

use std::path::{Path, PathBuf};

use callsift_models::{Places, file_sha256, onnx};
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;

use crate::config::{Joins, Part};
use crate::tokens::{failed, names, outputs_of, rows};
use crate::{ModelConfig, SentenceEncoder, SentimentError, TextClassifier};

/// Inputs of the graph, each `[turns, numbers]`.
const INPUTS: [&str; 3] = ["own", "before", "labels"];

/// The graph and the models before it.
pub(crate) struct Joined {
    session: Session,
    outputs: Vec<String>,
    sentences: SentenceEncoder,
    labels: TextClassifier,
}

impl Joined {
    pub(crate) fn load(folder: &Path, config: &ModelConfig, joins: &Joins) -> Result<Self, SentimentError> {
        let sentences = SentenceEncoder::load(&find(folder, &joins.sentences)?)?;
        let labels = TextClassifier::load(&find(folder, &joins.labels)?)?;
        let session = onnx::session(&folder.join("model.onnx"), 1)?;
        let (takes, gives) = names(&session);
        let graph = |detail| SentimentError::Graph { detail, folder: folder.to_owned() };
        if takes != INPUTS {
            return Err(graph(format!("takes {takes:?}, not {INPUTS:?}")));
        }
        let outputs = outputs_of(config, &gives).map_err(graph)?;
        Ok(Self { session, outputs, sentences, labels })
    }

    /// Logits of all heads, side by side, of the texts at these places.
    pub(crate) fn logits(
        &mut self,
        config: &ModelConfig,
        texts: &[String],
        places: &[usize],
    ) -> Result<Vec<Vec<f32>>, SentimentError> {
        // One pass per turn: the vector of a turn serves the next turn too. Last comes the vector of nothing said.
        let mut all = texts.to_vec();
        all.push(String::new());
        let vectors = self.sentences.vectors(&all)?;
        let labels = self.labels.logits(texts, places)?;
        let before = |at: usize| at.checked_sub(1).unwrap_or(texts.len());
        let mut out = Vec::with_capacity(places.len());
        for (places, labels) in places.chunks(config.batch).zip(labels.chunks(config.batch)) {
            let own = places.iter().map(|&at| &vectors[at]);
            let earlier = places.iter().map(|&at| &vectors[before(at)]);
            out.extend(self.run(config, &[own.collect(), earlier.collect(), labels.iter().collect()])?);
        }
        Ok(out)
    }

    fn run(&mut self, config: &ModelConfig, inputs: &[Vec<&Vec<f32>>; 3]) -> Result<Vec<Vec<f32>>, SentimentError> {
        let turns = inputs[0].len();
        let mut named = Vec::with_capacity(INPUTS.len());
        for (name, numbers) in INPUTS.into_iter().zip(inputs) {
            let width = numbers.first().map_or(0, |row| row.len());
            let values: Vec<f32> = numbers.iter().flat_map(|row| row.iter().copied()).collect();
            let tensor = Tensor::from_array(([turns, width], values)).map_err(failed)?;
            named.push((name.to_owned(), SessionInputValue::from(tensor)));
        }
        let results = self.session.run(named).map_err(failed)?;
        rows(config, &self.outputs, &results, turns)
    }
}

/// Folder of a joined model: beside the one that joins it, else where all models lie. Its graph is the one that the heads
/// were trained with, or nothing is labelled.
fn find(folder: &Path, part: &Part) -> Result<PathBuf, SentimentError> {
    let beside = folder.parent().map(Path::to_owned);
    let places = beside.into_iter().chain(Places::of_process().model_folders());
    let folders: Vec<PathBuf> = places.map(|place| place.join(&part.model)).collect();
    let Some(found) = folders.iter().find(|folder| folder.join("model.onnx").is_file()) else {
        let searched: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        return Err(SentimentError::Part {
            model: part.model.clone(),
            folder: folder.to_owned(),
            searched: searched.join(", "),
        });
    };
    let sha256 = file_sha256(&found.join("model.onnx"))?;
    if sha256 != part.sha256 {
        let detail = format!("joins {} of SHA-256 {}, but {} has {sha256}", part.model, part.sha256, found.display());
        return Err(SentimentError::Graph { detail, folder: folder.to_owned() });
    }
    Ok(found.clone())
}
