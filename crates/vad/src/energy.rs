//! A detector by loudness alone, for machines without the ONNX library, and only where the user asks for it.

use crate::tonality::Tonality;
use crate::{FRAME_SAMPLES, SpeechProbability, VadError};

/// Level of a quiet telephone line, dBFS: the floor before anything is known, so that speech at sample 0 is found.
const START_FLOOR_DB: f32 = -60.0;
/// Speech lies this far over the floor, dB: probability one half.
const MARGIN_DB: f32 = 10.0;
/// Steepness of the probability, dB.
const SOFTNESS_DB: f32 = 2.0;
/// The floor falls to a quieter frame by this share, and rises by so many dB per frame (3 dB per second).
const FALL: f32 = 0.3;
const RISE_DB: f32 = 0.096;

/// Probability from the level over an adaptive noise floor. Line tones and simple music are told by how steady they are; songs,
/// keyboards and breath count as speech.
#[derive(Debug, Clone)]
pub struct EnergyVad {
    floor_db: f32,
    tonality: Tonality,
}

impl Default for EnergyVad {
    fn default() -> Self {
        Self { floor_db: START_FLOOR_DB, tonality: Tonality::default() }
    }
}

impl SpeechProbability for EnergyVad {
    fn frames(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), VadError> {
        for frame in samples.as_chunks::<FRAME_SAMPLES>().0 {
            let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME_SAMPLES as f32;
            let level = 10.0 * power.max(1e-10).log10();
            let over = level - self.floor_db.max(START_FLOOR_DB) - MARGIN_DB;
            let tone = over > 0.0 && self.tonality.is_tone(frame);
            out.push(if tone { 0.0 } else { 1.0 / (1.0 + (-over / SOFTNESS_DB).exp()) });
            self.floor_db += if level < self.floor_db { FALL * (level - self.floor_db) } else { RISE_DB };
        }
        Ok(())
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(db: f32, frames: usize) -> Vec<f32> {
        let amplitude = 10f32.powf(db / 20.0);
        let mut state = 1u32;
        let noise = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { amplitude } else { -amplitude }
        };
        (0..frames * FRAME_SAMPLES).map(noise).collect()
    }

    fn probabilities(samples: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        EnergyVad::default().frames(samples, &mut out).unwrap();
        out
    }

    #[test]
    fn loud_is_speech_and_quiet_is_not_from_the_first_frame_on() {
        assert!(probabilities(&level(-25.0, 3)).iter().all(|&p| p > 0.99));
        assert!(probabilities(&level(-65.0, 3)).iter().all(|&p| p < 0.01));
        assert!(probabilities(&[0.0; FRAME_SAMPLES]).iter().all(|&p| p < 0.01));
    }

    #[test]
    fn steady_noise_becomes_the_floor() {
        let got = probabilities(&[level(-40.0, 400), level(-20.0, 10)].concat());
        assert!(got[0] > 0.9 && got[399] < 0.1 && got[405] > 0.9, "{} {} {}", got[0], got[399], got[405]);
    }
}
