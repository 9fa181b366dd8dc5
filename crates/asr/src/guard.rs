//! Guards against what recognisers make up: loops, subtitle credits, impossible pace, low probability.

use callsift_core::Mark;

use crate::AsrOptions;

/// Marks that a text earns by itself, sorted. `speech_ms` is the speech that it came from.
pub fn marks(text: &str, mean_logprob: f32, speech_ms: i64, options: &AsrOptions) -> Vec<Mark> {
    let mut marks = callsift_text::invented(text);
    if mean_logprob < options.min_logprob {
        marks.push(Mark::LowConfidence);
    }
    if callsift_text::is_too_fast(text, speech_ms, options.max_chars_per_sec) {
        marks.push(Mark::TooFast);
    }
    marks
}
