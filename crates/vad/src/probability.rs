//! The one shape of a speech detector.

use crate::VadError;

/// Samples of one frame, at 16 kHz.
pub const FRAME_SAMPLES: usize = 512;
/// Length of one frame in milliseconds, exactly.
pub const FRAME_MS: i64 = 32;

/// Gives each frame of a channel its probability of speech.
pub trait SpeechProbability {
    /// Takes whole frames (a multiple of [`FRAME_SAMPLES`]) and appends one probability from 0 to 1 for each.
    fn frames(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), VadError>;

    /// Forgets the stream, so that the next begins afresh.
    fn reset(&mut self);
}
