//! Published forms of whisper models: what is in them comes out, and nothing broken is believed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod hostile;
mod made;
mod round_trip;
mod vocabularies;
