//! Measuring recognition on calls whose words and times are known: error rate, text in its own turn, error of times.

mod references;
mod score;

pub use references::{Heard, SpokenTurn, read_hypotheses, read_references};
pub use score::{SpeechMeasure, SpeechScore, TURN_SLACK_MS, score};
