//! Tells line tones and music from voices: a sum of a few steady tones follows from its own last samples almost exactly.
//!
//! The measure is the prediction gain of a linear predictor of order 8 at 8 kHz (covariance method): 8 to 25 dB in speech, 25 to
//! 40 dB in ring-back, busy and key tones and in hold music. One frame proves nothing, half a second does.

use std::collections::VecDeque;

/// Coefficients of the predictor.
const ORDER: usize = 8;
/// Loud frames of 32 ms by whose median the matter is decided: half a second.
const FRAMES: usize = 16;
/// Median from which they are tones, dB.
const TONES_DB: f64 = 24.5;

/// The last loud frames of a channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tonality {
    gains: VecDeque<f64>,
}

impl Tonality {
    /// Takes a loud frame of 16 kHz; true where it and those before it are tones.
    pub(crate) fn is_tone(&mut self, frame: &[f32]) -> bool {
        let halved: Vec<f64> = frame.as_chunks::<2>().0.iter().map(|[a, b]| f64::from(a + b) / 2.0).collect();
        self.gains.push_back(prediction_gain_db(&halved));
        if self.gains.len() > FRAMES {
            self.gains.pop_front();
        }
        let mut sorted: Vec<f64> = self.gains.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2] >= TONES_DB
    }
}

/// How much of the signal the samples before it explain.
fn prediction_gain_db(x: &[f64]) -> f64 {
    if x.len() <= 2 * ORDER {
        return 0.0;
    }
    let past = |n: usize, k: usize| x[n - k];
    let product = |i: usize, j: usize| (ORDER..x.len()).map(|n| past(n, i) * past(n, j)).sum::<f64>();
    let mut matrix = [[0.0; ORDER]; ORDER];
    let mut right = [0.0; ORDER];
    for i in 0..ORDER {
        for (j, value) in matrix[i].iter_mut().enumerate() {
            *value = product(i + 1, j + 1);
        }
        // Tones leave the matrix singular; the last bits of 16 are noise anyway.
        matrix[i][i] += 1e-9 * x.len() as f64;
        right[i] = product(0, i + 1);
    }
    let coefficients = solve(matrix, right);
    let error: f64 = (ORDER..x.len())
        .map(|n| x[n] - coefficients.iter().enumerate().map(|(k, a)| a * past(n, k + 1)).sum::<f64>())
        .map(|e| e * e)
        .sum();
    10.0 * ((product(0, 0) + 1e-12) / (error + 1e-12)).log10()
}

/// Gauss with pivots.
fn solve(mut matrix: [[f64; ORDER]; ORDER], mut right: [f64; ORDER]) -> [f64; ORDER] {
    for column in 0..ORDER {
        let by_size = |a: &usize, b: &usize| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs());
        let pivot = (column..ORDER).max_by(by_size).unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let head = matrix[column];
        if head[column].abs() < 1e-30 {
            continue;
        }
        for row in column + 1..ORDER {
            let factor = matrix[row][column] / head[column];
            matrix[row].iter_mut().zip(head).skip(column).for_each(|(value, above)| *value -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    let mut out = [0.0; ORDER];
    for row in (0..ORDER).rev() {
        let known: f64 = (row + 1..ORDER).map(|k| matrix[row][k] * out[k]).sum();
        out[row] = if matrix[row][row].abs() < 1e-30 { 0.0 } else { (right[row] - known) / matrix[row][row] };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(sound: impl Fn(f32) -> f32) -> Vec<Vec<f32>> {
        let samples: Vec<f32> = (0..32 * 512).map(|n| sound(n as f32 / 16_000.0)).collect();
        // As 16-bit files have it.
        samples.chunks(512).map(|c| c.iter().map(|s| (s * 32_768.0).round() / 32_768.0).collect()).collect()
    }

    fn tones(sound: impl Fn(f32) -> f32) -> usize {
        let mut tonality = Tonality::default();
        frames(sound).iter().filter(|frame| tonality.is_tone(frame)).count()
    }

    #[test]
    fn line_tones_and_chords_are_tones_and_buzzing_with_breath_is_not() {
        let sine = |hertz: f32, t: f32| (std::f32::consts::TAU * hertz * t).sin();
        assert_eq!(tones(|t| 0.2 * sine(450.0, t)), 32);
        assert_eq!(tones(|t| 0.2 * (sine(697.0, t) + sine(1209.0, t))), 32);
        assert_eq!(tones(|t| 0.1 * (sine(262.0, t) + sine(330.0, t) + 0.5 * sine(524.0, t))), 32);
        // A voice: many harmonics that wander, and noise.
        let noise = |t: f32| ((t * 12_345.678).sin() * 43_758.547).fract() - 0.5;
        let voice = |t: f32| {
            let pitch = 140.0 + 30.0 * sine(3.0, t);
            (1u8..20).map(|k| sine(pitch * f32::from(k), t) / f32::from(k)).sum::<f32>() * 0.1 + 0.02 * noise(t)
        };
        assert_eq!(tones(voice), 0);
        assert_eq!(tones(|_| 0.0), 0);
    }
}
