//! Whisper's log-mel features.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples of a second.
const RATE: f64 = 16000.0;
/// Samples of a frame: 25 ms.
const FRAME: usize = 400;
/// Samples between the starts of frames: 10 ms.
const HOP: usize = 160;
/// Power below which the logarithm is cut off.
const FLOOR: f32 = 1e-10;
/// Decades below the loudest value that are kept.
const RANGE: f32 = 8.0;

/// Computes log-mel features; plan, filters and buffers are made once and used for every window.
pub struct LogMel {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    filters: Vec<Filter>,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
}

/// The bins of a mel band that are not zero.
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

impl LogMel {
    /// For models of so many mel bands: 80, or 128 from large-v3 on.
    pub fn new(n_mels: usize) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FRAME);
        let turn = |at: usize| 2.0 * std::f64::consts::PI * at as f64 / FRAME as f64;
        Self {
            hann: (0..FRAME).map(|at| (0.5 - 0.5 * turn(at).cos()) as f32).collect(),
            filters: slaney(n_mels),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; FRAME / 2 + 1],
            fft,
        }
    }

    /// Features of 16 kHz samples, `[n_mels, frames]` row by row: 10 ms a frame, filled up with zeros or cut off so
    /// that there are `frames` of them.
    ///
    /// Frame `i` is centred on sample `160 i`; beyond both ends of `160 frames` samples the signal is reflected. The
    /// values are those of the reference for a window of that length. The reference lays 30 s of zeros and sound
    /// before it takes the loudest value, below which 8 decades are kept; zeros are never the loudest, so a shorter
    /// window gives the same values as long as at least 200 zeros follow the sound.
    pub fn compute(&mut self, samples: &[f32], frames: usize) -> Vec<f32> {
        let samples = &samples[..samples.len().min(frames * HOP)];
        let mut features = vec![FLOOR.log10(); self.filters.len() * frames];
        let mut loudest = FLOOR.log10();
        for at in 0..frames {
            if !self.power(samples, at, frames * HOP) {
                continue;
            }
            for (band, filter) in self.filters.iter().enumerate() {
                let bins = &self.power[filter.first..filter.first + filter.weights.len()];
                let energy: f32 = bins.iter().zip(&filter.weights).map(|(power, weight)| power * weight).sum();
                let value = energy.max(FLOOR).log10();
                loudest = loudest.max(value);
                features[band * frames + at] = value;
            }
        }
        for value in &mut features {
            *value = (value.max(loudest - RANGE) + 4.0) / 4.0;
        }
        features
    }

    /// Power spectrum of a frame; false where the frame is silent.
    fn power(&mut self, samples: &[f32], at: usize, length: usize) -> bool {
        // The frame begins half a frame before its centre; sample `i + FRAME / 2` is the `i`th of the signal.
        let start = at * HOP;
        let mut silent = true;
        for (offset, (value, hann)) in self.frame.iter_mut().zip(&self.hann).enumerate() {
            let index = (start + offset).abs_diff(FRAME / 2);
            let index = if index < length { index } else { (2 * length - 2).saturating_sub(index) };
            let sample = samples.get(index).copied().unwrap_or(0.0);
            silent &= sample == 0.0;
            *value = sample * hann;
        }
        // The buffers were made by the plan, so their lengths are never refused.
        if silent || self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch).is_err() {
            return false;
        }
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr();
        }
        true
    }
}

/// Triangular bands of equal area, evenly spaced on Slaney's mel scale between 0 and 8 kHz: librosa's `filters.mel`.
fn slaney(n_mels: usize) -> Vec<Filter> {
    let top = mel(RATE / 2.0);
    let edges: Vec<f64> = (0..n_mels + 2).map(|at| hertz(top * at as f64 / (n_mels + 1) as f64)).collect();
    edges.windows(3).map(|edges| band(edges[0], edges[1], edges[2])).collect()
}

fn band(low: f64, centre: f64, high: f64) -> Filter {
    let weight = |bin: usize| {
        let frequency = bin as f64 * RATE / FRAME as f64;
        let slope = ((frequency - low) / (centre - low)).min((high - frequency) / (high - centre));
        (slope.max(0.0) * 2.0 / (high - low)) as f32
    };
    let all: Vec<f32> = (0..=FRAME / 2).map(weight).collect();
    let first = all.iter().position(|weight| *weight > 0.0).unwrap_or(0);
    let weights = all[first..].iter().copied().take_while(|weight| *weight > 0.0).collect();
    Filter { first, weights }
}

/// Slaney's scale: linear up to 1 kHz, 15 mel; logarithmic above, 27 mel for a factor of 6.4.
const LINEAR: f64 = 200.0 / 3.0;

fn mel(hertz: f64) -> f64 {
    if hertz < 1000.0 { hertz / LINEAR } else { 15.0 + 27.0 * (hertz / 1000.0).ln() / 6.4_f64.ln() }
}

fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * LINEAR } else { 1000.0 * 6.4_f64.powf((mel - 15.0) / 27.0) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn signal() -> Vec<f32> {
        let sample = |at: i64| ((at * at * 7 + at * 131) % 6000 - 3000) * (at / 1600 % 3);
        (0..24000).map(|at| sample(at) as f32 / 32768.0).collect()
    }

    /// Values of the reference implementation's filters for a 30 s window; test-data/mel.py wrote them:
    /// `python3 crates/whisper/test-data/mel.py mel_filters.npz > crates/whisper/test-data/mel.json`
    #[test]
    fn values_of_the_reference() {
        let reference: Value = serde_json::from_str(include_str!("../test-data/mel.json")).unwrap();
        for bands in [80, 128] {
            let rows = reference["features"][bands.to_string()].as_array().unwrap();
            // A window of 2 s has the values of the 30 s of the reference.
            for frames in [200, 3000] {
                let got = LogMel::new(bands).compute(&signal(), frames);
                assert_eq!(got.len(), bands * frames);
                for (frame, row) in reference["frames"].as_array().unwrap().iter().zip(rows) {
                    let frame = frame.as_u64().unwrap() as usize;
                    for (band, want) in row.as_array().unwrap().iter().enumerate() {
                        let (got, want) = (f64::from(got[band * frames + frame]), want.as_f64().unwrap());
                        assert!((got - want).abs() < 1e-4, "band {band} of {bands}, frame {frame}: {got} for {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_buffers_give_the_same_values() {
        let mut mel = LogMel::new(80);
        let first = mel.compute(&signal(), 150);
        mel.compute(&signal()[4000..9000], 40);
        assert_eq!(mel.compute(&signal(), 150), first);
    }

    #[test]
    fn silence_and_nothing() {
        // log10 of the floor, raised by 4, a fourth.
        assert!(LogMel::new(80).compute(&[0.0; 3200], 20).iter().all(|value| (value + 1.5).abs() < 1e-6));
        assert_eq!(LogMel::new(80).compute(&[], 1).len(), 80);
        assert!(LogMel::new(80).compute(&[1.0; 50], 1).iter().all(|value| value.is_finite()));
        assert_eq!(LogMel::new(80).compute(&[1.0; 500], 0), Vec::<f32>::new());
        // More sound than frames: what is behind the last frame is not looked at, not even by the reflection.
        let long = signal();
        assert_eq!(LogMel::new(80).compute(&long, 50), LogMel::new(80).compute(&long[..8000], 50));
    }
}
