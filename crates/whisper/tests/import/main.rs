//! Published forms of whisper models: what is in them comes out, and nothing broken is believed.

mod hostile;
mod made;
mod round_trip;
mod vocabularies;
