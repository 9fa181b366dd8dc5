//! Tells stereo recordings from mono ones that were written twice.
//!
//! In a true stereo call each person is loud in one channel only, whatever leaks into the other, so over both speakers
//! the correlation of the channels is low. In fake stereo one channel is the other, perhaps scaled, inverted or late by
//! a few milliseconds: correlation near 1 at one lag. A single speaker who leaks into the other channel looks the same,
//! which is why the channels must also be about equally loud, and why the look-ahead is used up before that verdict.

use callsift_core::ChannelLayout;

use crate::AudioError;
use crate::stream::ChannelStream;

/// Audio looked at, in seconds; cross-talk of one long opening by the agent must not decide.
const LOOK_AHEAD_S: u64 = 120;
/// Audio looked at where nearly nobody speaks, in seconds.
const LONGEST_LOOK_AHEAD_S: u64 = 600;
/// Active signal under which the longer look-ahead applies, in seconds.
const LITTLE_ACTIVE_S: f64 = 2.0;
/// Active signal after which uncorrelated channels are stereo for certain, in seconds.
const ENOUGH_ACTIVE_S: f64 = 5.0;
/// Active signal without which nothing is said of the channels, in seconds.
const LEAST_ACTIVE_S: f64 = 0.2;
/// Correlation from which channels are the same signal.
const SAME: f64 = 0.98;
/// Correlation under which they are not.
const DIFFERENT: f64 = 0.9;
/// Greatest difference in level of copies, in dB: cross-talk lies 10 dB and more below its source.
const MAX_GAIN_DB: f64 = 6.0;
/// Level from which a frame is active, as a mean square: −50 dBFS.
const ACTIVE_POWER: f64 = 1e-5;
/// Rate at which channels are compared, in hertz: the telephone band.
const COMPARE_RATE: u32 = 8_000;
/// Frame and greatest lag at that rate: 64 ms and ±10 ms.
const FRAME: usize = 512;
const LAG: usize = 80;

/// Reads as much of a fresh stream as the verdict needs.
pub(crate) fn detect(stream: &mut dyn ChannelStream) -> Result<ChannelLayout, AudioError> {
    let (channels, rate) = (stream.spec().channels, stream.spec().sample_rate);
    match channels {
        0 | 1 => return Ok(ChannelLayout::Mono),
        2 => {}
        _ => return Ok(ChannelLayout::Stereo),
    }
    let mut comparison = Comparison::new(rate);
    let mut samples = Vec::new();
    let mut frames = 0;
    while stream.read(&mut samples)? {
        frames += samples.len() as u64 / 2;
        comparison.push(&samples);
        samples.clear();
        if comparison.surely_different() || frames >= comparison.look_ahead_s() * u64::from(rate) {
            break;
        }
    }
    Ok(if comparison.same() { ChannelLayout::FakeStereo } else { ChannelLayout::Stereo })
}

/// Running cross-correlation of two channels over their active frames.
struct Comparison {
    /// Samples averaged into one, and how many of the current one are there.
    step: u32,
    filled: u32,
    sums: [f32; 2],
    left: Vec<f32>,
    right: Vec<f32>,
    rate: f64,
    active_frames: u64,
    /// Σ left², over the middle of each frame.
    left_power: f64,
    /// Σ right² and Σ left·right per lag.
    right_power: Vec<f64>,
    cross: Vec<f64>,
}

impl Comparison {
    fn new(sample_rate: u32) -> Self {
        let step = (sample_rate / COMPARE_RATE).max(1);
        Self {
            step,
            filled: 0,
            sums: [0.0; 2],
            left: Vec::with_capacity(FRAME),
            right: Vec::with_capacity(FRAME),
            rate: f64::from(sample_rate) / f64::from(step),
            active_frames: 0,
            left_power: 0.0,
            right_power: vec![0.0; 2 * LAG + 1],
            cross: vec![0.0; 2 * LAG + 1],
        }
    }

    /// Takes interleaved samples of two channels.
    fn push(&mut self, samples: &[f32]) {
        for pair in samples.as_chunks::<2>().0 {
            self.sums[0] += pair[0];
            self.sums[1] += pair[1];
            self.filled += 1;
            if self.filled == self.step {
                self.left.push(self.sums[0] / self.step as f32);
                self.right.push(self.sums[1] / self.step as f32);
                (self.filled, self.sums) = (0, [0.0; 2]);
            }
            if self.left.len() == FRAME {
                self.end_frame();
            }
        }
    }

    fn end_frame(&mut self) {
        let mean = |samples: &[f32]| power(samples) / FRAME as f64;
        if mean(&self.left).max(mean(&self.right)) >= ACTIVE_POWER {
            self.active_frames += 1;
            self.compare();
        }
        self.left.clear();
        self.right.clear();
    }

    fn compare(&mut self) {
        let middle = &self.left[LAG..FRAME - LAG];
        self.left_power += power(middle);
        for (lag, (cross, right_power)) in self.cross.iter_mut().zip(&mut self.right_power).enumerate() {
            let shifted = &self.right[lag..lag + middle.len()];
            *cross += f64::from(middle.iter().zip(shifted).map(|(l, r)| l * r).sum::<f32>());
            *right_power += power(shifted);
        }
    }

    fn active_s(&self) -> f64 {
        self.active_frames as f64 * FRAME as f64 / self.rate
    }

    fn look_ahead_s(&self) -> u64 {
        if self.active_s() < LITTLE_ACTIVE_S { LONGEST_LOOK_AHEAD_S } else { LOOK_AHEAD_S }
    }

    /// Greatest correlation over all lags, and the level of the right channel over the left there, in dB.
    fn best(&self) -> (f64, f64) {
        let mut best = (0.0, 0.0);
        for (cross, right_power) in self.cross.iter().zip(&self.right_power) {
            let correlation = cross.abs() / (self.left_power * right_power).sqrt().max(f64::MIN_POSITIVE);
            if correlation > best.0 {
                best = (correlation, 10.0 * (right_power / self.left_power).log10());
            }
        }
        best
    }

    fn surely_different(&self) -> bool {
        self.active_s() >= ENOUGH_ACTIVE_S && self.best().0 < DIFFERENT
    }

    fn same(&self) -> bool {
        let (correlation, gain_db) = self.best();
        self.active_s() >= LEAST_ACTIVE_S && correlation > SAME && gain_db.abs() <= MAX_GAIN_DB
    }
}

fn power(samples: &[f32]) -> f64 {
    f64::from(samples.iter().map(|sample| sample * sample).sum::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamSpec;

    struct Pairs(Vec<f32>, usize, StreamSpec);

    impl ChannelStream for Pairs {
        fn spec(&self) -> &StreamSpec {
            &self.2
        }
        fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
            let end = (self.1 + 16_000).min(self.0.len());
            out.extend_from_slice(&self.0[self.1..end]);
            let more = end > self.1;
            self.1 = end;
            Ok(more)
        }
    }

    /// Bursts of noise of one "speaker": even or odd seconds.
    fn speaker(seed: u32, odd: usize, frames: usize) -> Vec<f32> {
        let mut state = seed;
        (0..frames)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / 8_388_608.0 - 1.0;
                if n / 8000 % 2 == odd { 0.2 * noise } else { 0.0 }
            })
            .collect()
    }

    fn layout(left: &[f32], right: &[f32]) -> ChannelLayout {
        let samples = left.iter().zip(right).flat_map(|(l, r)| [*l, *r]).collect();
        let spec = StreamSpec { sample_rate: 8000, channels: 2, format: String::new(), decoder: "", frames: None };
        detect(&mut Pairs(samples, 0, spec)).unwrap()
    }

    #[test]
    fn copies_are_fake_stereo_whatever_their_level_sign_or_lag() {
        let mono: Vec<f32> = speaker(1, 0, 80_000).iter().zip(speaker(2, 1, 80_000)).map(|(a, b)| a + b).collect();
        let scaled: Vec<f32> = mono.iter().map(|s| -0.7 * s).collect();
        let late = [vec![0.0; 40], mono.clone()].concat();
        for right in [&mono, &scaled, &late] {
            assert_eq!(layout(&mono, right), ChannelLayout::FakeStereo);
        }
    }

    #[test]
    fn two_speakers_are_stereo_even_with_cross_talk() {
        let (a, b) = (speaker(1, 0, 80_000), speaker(2, 1, 80_000));
        let mix = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x + 0.18 * y).collect::<Vec<_>>();
        assert_eq!(layout(&mix(&a, &b), &mix(&b, &a)), ChannelLayout::Stereo);
    }

    #[test]
    fn one_speaker_who_leaks_is_stereo() {
        let a = speaker(1, 0, 80_000);
        let leak: Vec<f32> = a.iter().map(|s| 0.18 * s).collect();
        assert_eq!(layout(&a, &leak), ChannelLayout::Stereo);
        assert_eq!(layout(&a, &vec![0.0; a.len()]), ChannelLayout::Stereo);
    }

    #[test]
    fn silence_and_too_little_signal_say_nothing() {
        assert_eq!(layout(&vec![0.0; 8000], &vec![0.0; 8000]), ChannelLayout::Stereo);
        let short = speaker(1, 0, 800);
        assert_eq!(layout(&short, &short), ChannelLayout::Stereo);
    }
}
