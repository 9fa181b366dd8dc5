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

use crate::decode::{DecodeEffort, Decoded, DecodedText, Decoder};
use crate::{AsrError, AsrOptions, Recognizer};

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
        let mut reader = TokenReader { begin: self.begin, ..TokenReader::default() };
        let mut tokens = 0;
        for segment in self.state.as_iter() {
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                tokens += 1;
                let data = token.token_data();
                if data.id < self.end_of_text {
                    reader.text(token.to_bytes().unwrap_or_default(), data.p, data.plog);
                } else if data.id >= self.begin {
                    reader.time(data.id);
                }
            }
        }
        let mut decoded = reader.finish(len_ms);
        decoded.cut_off = tokens >= TOKEN_LIMIT - 1;
        decoded
    }
}

impl Decoder for WhisperDecoder {
    fn decode(&mut self, samples: &[f32], prompt: &str, effort: DecodeEffort) -> Result<Decoded, AsrError> {
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

/// Reads tokens into texts: joins the bytes of characters that tokens split, and pairs time marks.
#[derive(Default)]
struct TokenReader {
    begin: i32,
    done: Vec<DecodedText>,
    start_ms: i64,
    last_ms: i64,
    chars: Vec<(char, f32)>,
    bytes: Vec<u8>,
    logprob: f64,
    tokens: usize,
}

impl TokenReader {
    fn text(&mut self, bytes: &[u8], prob: f32, plog: f32) {
        self.logprob += f64::from(plog);
        self.tokens += 1;
        self.bytes.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.bytes.len(),
            Err(e) if e.error_len().is_some() => {
                // A broken sequence: keep what is whole, drop the rest.
                let good = e.valid_up_to();
                self.take(good, prob);
                self.bytes.clear();
                return;
            }
            Err(e) => e.valid_up_to(),
        };
        self.take(complete, prob);
    }

    fn take(&mut self, len: usize, prob: f32) {
        let rest = self.bytes.split_off(len);
        let whole = std::mem::replace(&mut self.bytes, rest);
        let text = String::from_utf8_lossy(&whole);
        self.chars.extend(text.chars().filter(|c| !c.is_control()).map(|c| (c, prob)));
    }

    fn time(&mut self, id: i32) {
        let ms = i64::from(id - self.begin) * TIME_STEP_MS;
        self.close(ms);
        self.start_ms = ms;
    }

    fn close(&mut self, end_ms: i64) {
        self.bytes.clear();
        let chars = std::mem::take(&mut self.chars);
        if chars.iter().any(|c| c.0.is_alphanumeric()) {
            self.done.push(DecodedText { start_ms: self.start_ms, end_ms, chars });
        }
        self.last_ms = end_ms;
    }

    fn finish(mut self, len_ms: i64) -> Decoded {
        self.close(len_ms);
        let mean_logprob = if self.tokens == 0 { 0.0 } else { (self.logprob / self.tokens as f64) as f32 };
        Decoded { texts: self.done, mean_logprob, cut_off: false }
    }
}

#[cfg(test)]
mod tests {
    use super::TokenReader;

    #[test]
    fn characters_split_over_tokens_are_joined_and_pairs_kept() {
        let mut reader = TokenReader { begin: 100, ..TokenReader::default() };
        reader.time(100);
        let bytes = "您好".as_bytes();
        reader.text(&bytes[..2], 0.9, -0.1);
        reader.text(&bytes[2..5], 0.8, -0.2);
        reader.text(&bytes[5..], 0.7, -0.3);
        reader.time(150);
        reader.time(175);
        reader.text("吗".as_bytes(), 0.5, -0.7);
        let decoded = reader.finish(6000);
        let texts: Vec<(i64, i64, String)> =
            decoded.texts.iter().map(|t| (t.start_ms, t.end_ms, t.chars.iter().map(|c| c.0).collect())).collect();
        assert_eq!(texts, vec![(0, 1000, "您好".to_owned()), (1500, 6000, "吗".to_owned())]);
        assert!((decoded.mean_logprob + 0.325).abs() < 1e-6);
    }

    #[test]
    fn broken_bytes_do_not_spoil_what_follows() {
        let mut reader = TokenReader { begin: 100, ..TokenReader::default() };
        reader.text(&[0xe6, 0x41], 0.9, -0.1);
        reader.text("好".as_bytes(), 0.9, -0.1);
        assert_eq!(reader.finish(1000).text(), "好");
    }
}
