//! callsift's own engine: whisper by the ONNX runtime, many windows at once.
//!
//! The encoder runs window by window over the window's own length. The decoder writes all windows of a batch together;
//! the caller gives the windows of one call, and batches are cut from them in order. In 8 bits a row's numbers depend
//! on no other row; in 32 bits the last digits may depend on the size of the batch, which only the call decides. So
//! results depend neither on the number of workers nor on other calls.

mod align;
mod inquire;
mod rules;
mod search;
mod sessions;
mod spot;
mod weigh;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use callsift_core::TimeSpan;
use callsift_whisper::ModelFolder;

use self::align::Alignment;
use self::rules::TokenRules;
use self::search::{Hypothesis, Search};
use self::sessions::{Sessions, Shared};
use super::reader::{TextToken, TokenReader};
use crate::decode::{Answer, DecodeEffort, Decoded, Decoder, Inquiry};
use crate::{AsrError, AsrOptions, Recognizer, Window};

/// Milliseconds of one position of the encoder.
const POSITION_MS: i64 = 20;
/// Silence after the window's own sound, in positions, and the fewest positions: with less whisper loops (whisper.cpp
/// issue 1855).
const MARGIN: usize = 48;
const FLOOR: usize = 384;
/// Windows that are written together. More cost memory (keys and values of 24 s: 32 MB with whisper base) and gain
/// little.
const BATCH: usize = 4;
/// Most tokens for a window, as in the reference: half the decoder's positions.
fn token_limit(n_text_ctx: usize) -> usize {
    n_text_ctx / 2
}

/// A model's folder, open for any number of threads.
pub struct OnnxModel {
    folder: Arc<ModelFolder>,
    shared: Arc<Shared>,
    language: u32,
    name: String,
    options: AsrOptions,
}

impl OnnxModel {
    /// Opens a folder that was made by `callsift models import` or `pull`.
    ///
    /// # Errors
    /// The folder is damaged, the ONNX runtime is missing, or the model does not know the language.
    pub fn load(path: &Path, name: &str, options: &AsrOptions) -> Result<Self, AsrError> {
        let folder = ModelFolder::open(path)?;
        let language = folder
            .vocabulary
            .language_id(&options.language)
            .ok_or_else(|| AsrError::Language { language: options.language.clone(), path: path.to_owned() })?;
        let shared = Arc::new(Shared::new()?);
        let (folder, name, options) = (Arc::new(folder), name.to_owned(), options.clone());
        Ok(Self { folder, shared, language, name, options })
    }
}

impl Recognizer for OnnxModel {
    fn decoder(&self) -> Result<Box<dyn Decoder>, AsrError> {
        Ok(Box::new(OnnxDecoder {
            sessions: Sessions::open(&self.folder, &self.shared)?,
            rules: TokenRules::new(&self.folder.vocabulary.special, self.folder.info.dims.n_vocab),
            folder: Arc::clone(&self.folder),
            language: self.language,
            options: self.options.clone(),
            prefixes: HashMap::new(),
        }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

struct OnnxDecoder {
    sessions: Sessions,
    rules: TokenRules,
    folder: Arc<ModelFolder>,
    language: u32,
    options: AsrOptions,
    /// Tokens before the text, for each prompt that came: a vocabulary is taken up anew for each text that it encodes.
    prefixes: HashMap<String, Arc<[u32]>>,
}

impl Decoder for OnnxDecoder {
    fn decode(&mut self, windows: &[&Window], prompt: &str, effort: DecodeEffort) -> Result<Vec<Decoded>, AsrError> {
        let prefix = self.prefix(prompt);
        let mut all = Vec::with_capacity(windows.len());
        for batch in windows.chunks(BATCH) {
            all.extend(self.batch(batch, &prefix, effort)?);
        }
        Ok(all)
    }

    fn inquire(&mut self, window: &Window, inquiry: &Inquiry<'_>) -> Result<Option<Answer>, AsrError> {
        let positions = self.positions(window, DecodeEffort::Greedy);
        let (folder, language) = (Arc::clone(&self.folder), self.language);
        inquire::Inquirer::new(&folder, language, &mut self.sessions).ask(window, positions, inquiry)
    }
}

impl OnnxDecoder {
    fn prefix(&mut self, prompt: &str) -> Arc<[u32]> {
        if let Some(known) = self.prefixes.get(prompt) {
            return Arc::clone(known);
        }
        let special = &self.folder.vocabulary.special;
        let mut prefix = Vec::new();
        if !prompt.is_empty() {
            let tokens = self.folder.vocabulary.encode(prompt);
            // The end of a long prompt counts, as in the reference.
            let kept = tokens.len().min(token_limit(self.folder.info.dims.n_text_ctx) - 1);
            prefix.push(special.previous);
            prefix.extend(&tokens[tokens.len() - kept..]);
        }
        prefix.extend([special.start, self.language, special.transcribe]);
        let prefix: Arc<[u32]> = prefix.into();
        self.prefixes.insert(prompt.to_owned(), Arc::clone(&prefix));
        prefix
    }

    fn positions(&self, window: &Window, effort: DecodeEffort) -> usize {
        let full = self.folder.info.dims.n_audio_ctx;
        if !self.options.trim_audio_ctx || effort == DecodeEffort::Beam {
            return full;
        }
        (own_positions(window) + MARGIN).next_multiple_of(8).clamp(FLOOR.min(full), full)
    }

    fn batch(&mut self, windows: &[&Window], prefix: &[u32], effort: DecodeEffort) -> Result<Vec<Decoded>, AsrError> {
        let mut hidden = Vec::with_capacity(windows.len());
        let mut frames = Vec::with_capacity(windows.len());
        for window in windows {
            let positions = self.positions(window, effort);
            hidden.push(self.sessions.encode(&window.samples, positions)?);
            frames.push(own_positions(window).clamp(1, positions));
        }
        let heard = self.sessions.hear(&hidden)?;
        let limit = token_limit(self.folder.info.dims.n_text_ctx);
        let search = Search {
            rules: &self.rules,
            prefix,
            end: self.folder.vocabulary.special.end_of_text,
            limit: limit.min(self.folder.info.dims.n_text_ctx.saturating_sub(prefix.len())),
            width: if effort == DecodeEffort::Beam { usize::from(self.options.beam_size.max(1)) } else { 1 },
        };
        let found = search.run(&mut self.sessions, heard, &frames)?;
        Ok(found.iter().zip(windows).zip(frames).map(|((h, window), frames)| self.read(h, window, frames)).collect())
    }

    /// Tokens to timed text.
    fn read(&self, hypothesis: &Hypothesis, window: &Window, frames: usize) -> Decoded {
        let (mut rows, mut marked) = (Vec::new(), Vec::new());
        let mut after_mark = false;
        for (token, attention) in hypothesis.tokens.iter().zip(&hypothesis.attention) {
            if self.rules.is_text(*token) {
                rows.push(Arc::clone(attention));
                marked.push(std::mem::take(&mut after_mark));
            } else {
                after_mark = true;
            }
        }
        let heads = self.folder.info.alignment_heads.len();
        let alignment = Alignment { rows: &rows, marked: &marked, heads, frames };
        let mut spans = alignment.spans(&segments(window, frames)).into_iter();
        let mut reader = TokenReader::default();
        for (token, logprob) in hypothesis.tokens.iter().zip(&hypothesis.logprobs) {
            if self.rules.is_text(*token) {
                let ms = |frame: usize| frame as i64 * POSITION_MS;
                let span = spans.next().map(|s| TimeSpan::new(ms(s.start), ms(s.end)));
                reader.text(TextToken { bytes: self.folder.vocabulary.bytes(*token), logprob: *logprob, span });
            } else if self.rules.is_time(*token) {
                reader.time(self.rules.time_ms(*token));
            }
        }
        let decoded = reader.finish(window.len_ms());
        Decoded { cut_off: hypothesis.cut_off, ..decoded }
    }
}

/// The window's segments in positions.
fn segments(window: &Window, frames: usize) -> Vec<Range<usize>> {
    let position = |ms: i64| usize::try_from(ms / POSITION_MS).unwrap_or(0).min(frames);
    window.pieces.iter().map(|p| position(p.window.start_ms)..position(p.window.end_ms)).collect()
}

fn own_positions(window: &Window) -> usize {
    usize::try_from((window.len_ms() + POSITION_MS - 1) / POSITION_MS).unwrap_or(0)
}
