//! whisper.cpp through whisper-rs: any ggml whisper model.
//!
//! Called as measurement found necessary: no flash attention on CPU (slower), one thread per state (a pool per graph
//! costs more than it gains, and sums stay bitwise equal), no temperature fallback inside (its random numbers depend
//! on what a state saw before), no built-in VAD or no-speech probability (inert and wrong in whisper.cpp 1.8.3), no
//! safe abort callback (unsound in whisper-rs 0.16), parameters built once per prompt (setters leak their strings).

use std::collections::HashMap;
use std::path::Path;

use callsift_core::SAMPLE_RATE;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::reader::{TextToken, TokenReader};
use crate::decode::{DecodeEffort, Decoded, Decoder};
use crate::{AsrError, AsrOptions, Recognizer, Window};

/// Encoder frames per second of audio.
const FRAMES_PER_SEC: usize = 50;
/// Frames added to a trimmed context, and its floor: smaller ones make whisper loop (whisper.cpp issue 1855).
const CTX_MARGIN: usize = 128;
const CTX_FLOOR: usize = 384;
const CTX_FULL: usize = 1500;
/// whisper.cpp stops a window after half the text context less four tokens.
const TOKEN_LIMIT: usize = 448 / 2 - 4;
/// Milliseconds per step of a time token.
const TIME_STEP_MS: i64 = 20;
/// whisper.cpp 1.8.3 reads past the end of very short audio; a second is safe.
const MIN_SAMPLES: usize = SAMPLE_RATE as usize;

/// A loaded whisper model.
pub struct WhisperModel {
    context: WhisperContext,
    name: String,
    options: AsrOptions,
}

impl WhisperModel {
    /// Loads a ggml model from a file.
    ///
    /// # Errors
    /// The file is missing, damaged or of another form.
    pub fn load(path: &Path, name: &str, options: &AsrOptions) -> Result<Self, AsrError> {
        if !path.is_file() {
            return Err(AsrError::ModelMissing(path.to_owned()));
        }
        // whisper.cpp writes its loading log to stderr otherwise.
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|e| AsrError::ModelLoad { path: path.to_owned(), reason: e.to_string() })?;
        Ok(Self { context, name: name.to_owned(), options: options.clone() })
    }
}

impl Recognizer for WhisperModel {
    fn decoder(&self) -> Result<Box<dyn Decoder>, AsrError> {
        let state = self.context.create_state().map_err(|e| AsrError::State(e.to_string()))?;
        Ok(Box::new(WhisperDecoder {
            state,
            begin: self.context.token_beg(),
            end_of_text: self.context.token_eot(),
            options: self.options.clone(),
            params: HashMap::new(),
        }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// One state; 150 to 750 MB of memory for real models, so it is kept for the life of its thread.
struct WhisperDecoder {
    state: WhisperState,
    begin: i32,
    end_of_text: i32,
    options: AsrOptions,
    params: HashMap<(String, bool), FullParams<'static, 'static>>,
}

impl WhisperDecoder {
    fn params(&mut self, prompt: &str, effort: DecodeEffort) -> FullParams<'static, 'static> {
        let beam = effort == DecodeEffort::Beam;
        let options = &self.options;
        self.params.entry((prompt.to_owned(), beam)).or_insert_with(|| build_params(options, prompt, beam)).clone()
    }

    fn audio_ctx(&self, samples: usize, effort: DecodeEffort) -> usize {
        if !self.options.trim_audio_ctx || effort == DecodeEffort::Beam {
            return CTX_FULL;
        }
        let frames = (samples * FRAMES_PER_SEC).div_ceil(SAMPLE_RATE as usize) + CTX_MARGIN;
        frames.next_multiple_of(8).clamp(CTX_FLOOR, CTX_FULL)
    }

    fn read(&self, len_ms: i64) -> Decoded {
        let mut reader = TokenReader::default();
        let mut tokens = 0;
        for segment in self.state.as_iter() {
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                tokens += 1;
                let data = token.token_data();
                if data.id < self.end_of_text {
                    let bytes = token.to_bytes().unwrap_or_default();
                    reader.text(TextToken { bytes, logprob: data.plog, span: None });
                } else if data.id >= self.begin {
                    reader.time(i64::from(data.id - self.begin) * TIME_STEP_MS);
                }
            }
        }
        let mut decoded = reader.finish(len_ms);
        decoded.cut_off = tokens >= TOKEN_LIMIT - 1;
        decoded
    }
}

impl Decoder for WhisperDecoder {
    fn decode(&mut self, windows: &[&Window], prompt: &str, effort: DecodeEffort) -> Result<Vec<Decoded>, AsrError> {
        windows.iter().map(|window| self.decode_one(&window.samples, prompt, effort)).collect()
    }
}

impl WhisperDecoder {
    fn decode_one(&mut self, samples: &[f32], prompt: &str, effort: DecodeEffort) -> Result<Decoded, AsrError> {
        let mut params = self.params(prompt, effort);
        params.set_audio_ctx(self.audio_ctx(samples.len().max(MIN_SAMPLES), effort) as i32);
        let len_ms = (samples.len() as i64 * 1000) / i64::from(SAMPLE_RATE);
        let run = if samples.len() < MIN_SAMPLES {
            let mut padded = samples.to_vec();
            padded.resize(MIN_SAMPLES, 0.0);
            self.state.full(params, &padded)
        } else {
            self.state.full(params, samples)
        };
        run.map_err(|e| AsrError::Decode(e.to_string()))?;
        Ok(self.read(len_ms))
    }
}

fn build_params(options: &AsrOptions, prompt: &str, beam: bool) -> FullParams<'static, 'static> {
    let strategy = if beam {
        SamplingStrategy::BeamSearch { beam_size: i32::from(options.beam_size.max(1)), patience: -1.0 }
    } else {
        SamplingStrategy::Greedy { best_of: 1 }
    };
    let mut params = FullParams::new(strategy);
    params.set_n_threads(1);
    // The setter leaks a copy of its own; this one leak per prompt gives it the lifetime that it asks for.
    params.set_language(Some(Box::leak(options.language.clone().into_boxed_str())));
    params.set_translate(false);
    params.set_no_context(true);
    params.set_single_segment(true);
    params.set_no_timestamps(false);
    params.set_token_timestamps(false);
    params.set_suppress_blank(true);
    params.set_suppress_nst(true);
    params.set_temperature(0.0);
    params.set_temperature_inc(0.0);
    params.set_print_special(false);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    if !prompt.is_empty() {
        params.set_initial_prompt(&prompt.replace('\0', ""));
    }
    params
}
