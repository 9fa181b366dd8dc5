//! What is loaded once and shared by all threads.

use std::path::{Path, PathBuf};

use callsift_asr::Recognizer;
use callsift_core::Provenance;
use callsift_rules::RuleSet;
use callsift_sentiment::TextClassifier;
use callsift_text::Segmenter;
use callsift_vad::{EnergyVad, SileroVad, SpeechProbability, Vad, VadError};

use crate::config::{Config, VadBackend};
use crate::error::PipelineError;

/// The configured detector of speech.
pub enum Detector {
    /// Silero.
    Silero(Box<SileroVad>),
    /// Level against an adaptive noise floor.
    Energy(EnergyVad),
}

impl SpeechProbability for Detector {
    fn frames(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), VadError> {
        match self {
            Self::Silero(vad) => vad.frames(samples, out),
            Self::Energy(vad) => vad.frames(samples, out),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Silero(vad) => vad.reset(),
            Self::Energy(vad) => vad.reset(),
        }
    }
}

/// Models, rules and options of a run.
pub struct Engine {
    /// All options.
    pub config: Config,
    /// The rules in force.
    pub rules: RuleSet,
    /// The speech model; `None` for runs over transcripts.
    pub recognizer: Option<Box<dyn Recognizer>>,
    /// File of the Silero model.
    pub vad_model: PathBuf,
    /// Folder of the text model; `None`: no labels.
    pub text_model: Option<PathBuf>,
    /// What made the results.
    pub provenance: Provenance,
}

impl Engine {
    /// A voice activity detector for one channel; used again for call after call.
    ///
    /// # Errors
    /// The model or its runtime is missing; the error says what mends it.
    pub fn vad(&self) -> Result<Vad<Detector>, PipelineError> {
        let detector = match self.config.vad.backend {
            VadBackend::Silero => Detector::Silero(Box::new(SileroVad::open(&self.vad_model)?)),
            VadBackend::Energy => Detector::Energy(EnergyVad::default()),
        };
        Ok(Vad::new(self.config.vad.options, detector)?)
    }

    /// A text classifier for one thread.
    ///
    /// # Errors
    /// The folder lacks a file, or the runtime is missing.
    pub fn classifier(&self) -> Result<Option<TextClassifier>, PipelineError> {
        let load = |folder: &PathBuf| TextClassifier::load(folder).map_err(PipelineError::from);
        self.text_model.as_ref().map(load).transpose()
    }

    /// Words with the centre's dictionary.
    ///
    /// # Errors
    /// The dictionary cannot be read.
    pub fn segmenter(&self) -> Result<Segmenter, PipelineError> {
        let path = &self.config.text.user_dictionary;
        let given = !path.as_os_str().is_empty();
        Ok(Segmenter::new(given.then_some(Path::new(path)))?)
    }
}
