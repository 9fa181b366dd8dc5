//! Normalises transcripts while keeping offsets to the original; words; sounds; numbers; error rate.
//!
//! Evidence must show what was said, so nothing here rewrites a transcript: a [`NormalizedText`] carries a map from
//! every normalised character to the original ones and back.
//!
//! ```
//! use callsift_text::Normalizer;
//! let n = Normalizer::matching().normalize("您好，呃，要５條。");
//! assert_eq!(n.text(), "您好要五条");
//! // "五条" lies at normalised characters 3..5, which is "５條" in the original.
//! assert_eq!(n.original_slice(3..5), "５條");
//! ```

mod cer;
mod decode;
mod entities;
mod error;
mod invented;
mod noise;
mod normalize;
mod numbers;
mod punctuation;
mod script;
mod sensitive;
mod similarity;
mod sound;
mod words;

pub use cer::{Edit, EditCounts, align, error_rate, scored_form};
pub use decode::{Decoded, decode, utf16};
pub use entities::{EntityKind, find_entities};
pub use error::TextError;
pub use invented::{Spoken, Tags, find_tags, invented, is_echo, is_too_fast, spoken};
pub use noise::RecognitionNoise;
pub use normalize::{NormalizedText, Normalizer, Step};
pub use numbers::{Quantity, find_numbers, find_quantities, parse_number, to_spoken};
pub use punctuation::{MarkMeasure, MarkScore, punctuate};
pub use script::to_simplified;
pub use sensitive::{MaskMeasure, mask, mask_id, mask_range, sensitive_numbers};
pub use similarity::likeness;
pub use sound::{
    SoundHit, SoundIndex, SoundMatch, SoundText, Syllable, char_cost, phrase_likeness, phrase_within, sound_limit,
    strict_sound_limit, syllables,
};
pub use words::{OddLine, Segmenter};
