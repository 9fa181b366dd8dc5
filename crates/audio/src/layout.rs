//! Tells how the two channels of a file relate to the people on the call, by where sound is over the whole file.
//!
//! In a stereo call each person has sound of one channel's own: what the other channel does not hold, or holds louder. A
//! channel without any sound of its own is either a copy of the other (quieter, inverted, late by up to a quarter of a second)
//! or a dead leg. One speaker who leaks into the other channel looks like a copy, too: who speaks is then told by the
//! words, which is right for both.
//!
//! Thresholds lie so many dB lower for a channel as it is too quiet to be heard as it is (`level`): a call, or one person's
//! leg, that was recorded 40 dB too low is judged like any other.

use std::collections::VecDeque;
use std::sync::Arc;

use callsift_core::ChannelLayout;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::level::Level;

/// Rate at which channels are compared, in hertz: the telephone band.
const COMPARE_RATE: u32 = 8_000;
/// Samples looked at together at that rate: half a second.
const SEGMENT: usize = 4_096;
/// Greatest way from one channel into the other, 256 ms.
const LAG: usize = 2_048;
/// Samples of a stretch that is one channel's own or not: 64 ms.
const STRETCH: usize = 512;
/// Segments by which the lag is found, before the first stretch is judged: a minute.
const HELD: usize = 120;
/// How far the lag may wander from one stretch to the next: clocks drift.
const DRIFT: usize = 2;
/// Share of a stretch's power that the other channel explains, from which it is a copy.
const COPY: f64 = 0.5;
/// How far the levels of a copy differ from stretch to stretch, dB; cross-talk lies 10 dB and more below its source.
const SAME_RATIO_DB: usize = 8;
/// Louder stretches show the ratio of levels, dBFS.
const LOUD_DBFS: f64 = -50.0;
/// So far below the loudest stretch before it one still shows how the lag wanders, as a ratio of powers, and never above
/// −60 dBFS.
const LAG_SHARE: f64 = 1e-4;
const LAG_POWER: f64 = 1e-6;
/// So far over its own floor a stretch is sound, dB.
const OVER_FLOOR_DB: f64 = 12.0;
/// A floor is no higher than this, dBFS: what seems to be one is speech without a pause.
const HIGHEST_FLOOR_DBFS: f64 = -55.0;
/// Quieter stretches are none, dBFS.
const LEAST_DBFS: f64 = -65.0;
/// However far a channel is raised, less than one step of 16 bits is no sound, dBFS.
const STEP_DBFS: f64 = -90.0;
/// A channel has a voice of its own from so many seconds on, and from this share of what both hold in common.
const OWN_S: f64 = 0.19;
const OWN_SHARE: f64 = 0.01;
/// Share of a channel's sound that the other one must hold, too, to be a copy.
const COPIED_SHARE: f64 = 0.5;
/// Signal without which nothing is said of the channels, in seconds.
const LEAST_ACTIVE_S: f64 = 0.2;

/// What two channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) layout: ChannelLayout,
    /// The channel that holds everything, where one does.
    pub(crate) only: Option<usize>,
}

const STEREO: Verdict = Verdict { layout: ChannelLayout::Stereo, only: None };

/// Compares two channels, in constant memory.
pub(crate) struct Comparison {
    step: u32,
    filled: u32,
    sums: [f32; 2],
    channels: [Vec<f32>; 2],
    stretch_s: f64,
    held: VecDeque<[Vec<f32>; 2]>,
    correlation: Correlation,
    lag: Option<isize>,
    tally: Tally,
}

impl Comparison {
    /// For interleaved samples of a rate in hertz.
    pub(crate) fn new(sample_rate: u32) -> Self {
        let step = (sample_rate / COMPARE_RATE).max(1);
        Self {
            step,
            filled: 0,
            sums: [0.0; 2],
            channels: [Vec::new(), Vec::new()],
            stretch_s: STRETCH as f64 * f64::from(step) / f64::from(sample_rate.max(1)),
            held: VecDeque::new(),
            correlation: Correlation::new(),
            lag: None,
            tally: Tally::default(),
        }
    }

    pub(crate) fn push(&mut self, left: f32, right: f32) {
        self.sums[0] += left;
        self.sums[1] += right;
        self.filled += 1;
        if self.filled < self.step {
            return;
        }
        for (channel, sum) in self.channels.iter_mut().zip(self.sums) {
            channel.push(sum / self.step as f32);
        }
        (self.filled, self.sums) = (0, [0.0; 2]);
        if self.channels[0].len() == SEGMENT {
            self.end_segment();
        }
    }

    fn end_segment(&mut self) {
        let mut segment = std::mem::take(&mut self.channels);
        for samples in &mut segment {
            without_mean(samples);
        }
        if let Some(lag) = self.lag {
            self.lag = Some(self.tally.judge(&segment, lag));
            return;
        }
        self.correlation.add(&segment);
        self.held.push_back(segment);
        if self.held.len() >= HELD {
            self.judge_held();
        }
    }

    fn judge_held(&mut self) {
        let mut lag = self.correlation.lag();
        for segment in self.held.drain(..) {
            lag = self.tally.judge(&segment, lag);
        }
        self.lag = Some(lag);
    }

    /// The verdict over everything that was pushed, by what is known of the level of each channel.
    pub(crate) fn finish(mut self, levels: [&Level; 2]) -> Verdict {
        if !self.channels[0].is_empty() {
            self.channels.iter_mut().for_each(|samples| samples.resize(SEGMENT, 0.0));
            self.end_segment();
        }
        if self.lag.is_none() {
            self.judge_held();
        }
        self.tally.verdict(self.stretch_s, levels)
    }
}

fn without_mean(samples: &mut [f32]) {
    let mean = samples.iter().sum::<f32>() / samples.len().max(1) as f32;
    for sample in samples {
        *sample -= mean;
    }
}

/// Cross-correlation of many segments, each with the same weight.
struct Correlation {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    sum: Vec<Complex<f32>>,
}

impl Correlation {
    fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(2 * SEGMENT), planner.plan_fft_inverse(2 * SEGMENT));
        let sum = forward.make_output_vec();
        Self { forward, back, sum }
    }

    fn add(&mut self, segment: &[Vec<f32>; 2]) {
        let norm = (power(&segment[0]) * power(&segment[1])).sqrt() as f32;
        if norm < 1e-6 {
            return;
        }
        let spectrum = |samples: &[f32]| {
            let mut input = samples.to_vec();
            input.resize(2 * SEGMENT, 0.0);
            let mut out = self.forward.make_output_vec();
            // The lengths are those that the plan was made for.
            self.forward.process(&mut input, &mut out).ok().map(|()| out)
        };
        let (Some(left), Some(right)) = (spectrum(&segment[0]), spectrum(&segment[1])) else { return };
        for ((sum, left), right) in self.sum.iter_mut().zip(&left).zip(&right) {
            *sum += left.conj() * right / norm;
        }
    }

    /// Samples by which the right channel is late.
    fn lag(&self) -> isize {
        let mut spectrum = self.sum.clone();
        // A real signal has real ends; rounding must not make the transform refuse.
        if let [first, .., last] = &mut spectrum[..] {
            (first.im, last.im) = (0.0, 0.0);
        }
        let mut out = self.back.make_output_vec();
        if self.back.process(&mut spectrum, &mut out).is_err() {
            return 0;
        }
        let at = |lag: isize| out[lag.rem_euclid(2 * SEGMENT as isize) as usize].abs();
        let most = LAG as isize;
        (-most..=most).max_by(|a, b| at(*a).total_cmp(&at(*b)).then((b.abs()).cmp(&a.abs()))).unwrap_or(0)
    }
}

/// Levels of stretches in whole dB from −100 dBFS.
type Levels = [u32; 107];

/// What was counted of the stretches.
struct Tally {
    /// All stretches, by channel.
    all: [Levels; 2],
    /// What the other channel does not explain, by channel.
    own: [Levels; 2],
    /// Stretches that both hold, by the level in each.
    common: [Levels; 2],
    /// The same by the level in the louder channel, and by how much louder the right one is: dB, from −60.
    ratios: Vec<Ratios>,
    /// Power of the loudest stretch so far.
    loudest: f64,
}

/// Stretches by how much louder the right channel is, in whole dB from −60.
type Ratios = [u32; 121];

impl Default for Tally {
    fn default() -> Self {
        let (all, own, common) = ([[0; 107]; 2], [[0; 107]; 2], [[0; 107]; 2]);
        Self { all, own, common, ratios: vec![[0; 121]; 107], loudest: 0.0 }
    }
}

fn bin(power: f64) -> usize {
    (10.0 * power.max(1e-10).log10() + 100.0).clamp(0.0, 106.0) as usize
}

impl Tally {
    /// Counts the stretches of a segment; gives the lag as it is at its end.
    fn judge(&mut self, segment: &[Vec<f32>; 2], mut lag: isize) -> isize {
        let [left, right] = segment;
        let starts = (0..SEGMENT).step_by(STRETCH);
        for start in starts {
            let a = &left[start..start + STRETCH];
            let (found, share) = Self::copied(a, right, start, lag);
            let Some(share) = share else { continue };
            let powers = [power(a), share.power].map(|p| p / STRETCH as f64);
            self.loudest = self.loudest.max(powers[0]).max(powers[1]);
            if share.share >= COPY {
                if powers[1] > LAG_POWER.min(LAG_SHARE * self.loudest) {
                    lag = found;
                }
                let ratio_db = 10.0 * (powers[1].max(1e-10) / powers[0].max(1e-10)).log10();
                let louder = bin(powers[0].max(powers[1]));
                self.ratios[louder][(ratio_db + 60.0).clamp(0.0, 120.0) as usize] += 1;
            }
            for (channel, power) in powers.into_iter().enumerate() {
                self.all[channel][bin(power)] += 1;
                if share.share >= COPY {
                    self.common[channel][bin(power)] += 1;
                } else {
                    self.own[channel][bin(power * (1.0 - share.share))] += 1;
                }
            }
        }
        lag
    }

    /// How much of a stretch the other channel holds near a lag, and the best lag; `None` where it lies outside.
    fn copied(a: &[f32], other: &[f32], start: usize, lag: isize) -> (isize, Option<Shared>) {
        let mut best = (lag, None::<Shared>);
        for near in lag - DRIFT as isize..=lag + DRIFT as isize {
            let Some(from) = start.checked_add_signed(near) else { continue };
            let Some(b) = other.get(from..from + STRETCH) else { continue };
            let cross: f64 = f64::from(a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>());
            let power_b = power(b);
            let share = cross * cross / (power(a) * power_b).max(f64::MIN_POSITIVE);
            if best.1.is_none_or(|found| share > found.share) {
                best = (near, Some(Shared { share, power: power_b }));
            }
        }
        best
    }

    fn verdict(&self, stretch_s: f64, channels: [&Level; 2]) -> Verdict {
        let (dead, below_db) = (channels.map(|level| level.dead), channels.map(Level::below_db));
        let floor = |channel: usize| {
            let levels = &self.all[channel];
            // Digital silence is no floor of a line.
            let total: u32 = levels[1..].iter().sum();
            let mut seen = 0;
            let bin = (1..levels.len()).find(|&bin| {
                seen += levels[bin];
                seen * 10 >= total.max(1)
            });
            (bin.unwrap_or(0) as f64 - 100.0).min(HIGHEST_FLOOR_DBFS - below_db[channel])
        };
        let seconds = |levels: &Levels, channel: usize| {
            let least = (LEAST_DBFS - below_db[channel]).max(STEP_DBFS);
            let from = (floor(channel) + OVER_FLOOR_DB).max(least);
            f64::from(levels[((from + 100.0) as usize).min(106)..].iter().sum::<u32>()) * stretch_s
        };
        let (own, common) = ([0, 1].map(|c| seconds(&self.own[c], c)), [0, 1].map(|c| seconds(&self.common[c], c)));
        if (0..2).all(|c| own[c] + common[c] < LEAST_ACTIVE_S) {
            return STEREO;
        }
        let common_s = common[0].max(common[1]);
        let most = OWN_S.max(OWN_SHARE * common_s);
        // A copy has one level; two people who leak into each other's channel are loud in turns.
        let loud = LOUD_DBFS - below_db[0].min(below_db[1]);
        if f64::from(self.other_ratios(loud)) * stretch_s >= most {
            return STEREO;
        }
        let alive = [0, 1].map(|c| !dead[c] && own[c] >= most);
        let louder = usize::from(self.mean_bin(1) > self.mean_bin(0));
        let copied = |c: usize| common[c] >= COPIED_SHARE * (own[c] + common[c]);
        match alive {
            [true, true] => STEREO,
            [false, false] if dead == [true, true] => STEREO,
            // Somebody speaks on the quieter channel alone, and the louder one leaks into it: neither holds both.
            _ if alive[1 - louder] && !dead[louder] => STEREO,
            _ if !dead[0] && !dead[1] && (0..2).any(copied) && common_s >= LEAST_ACTIVE_S => {
                Verdict { layout: ChannelLayout::FakeStereo, only: Some(louder) }
            }
            _ if dead[1] && !dead[0] => Verdict { layout: ChannelLayout::Mono, only: Some(0) },
            _ if dead[0] && !dead[1] => Verdict { layout: ChannelLayout::Mono, only: Some(1) },
            _ => STEREO,
        }
    }

    /// Stretches whose ratio of levels is not the usual one, of those louder than a level in dBFS.
    fn other_ratios(&self, loud: f64) -> u32 {
        let mut ratios: Ratios = [0; 121];
        for row in self.ratios.iter().skip((loud.max(STEP_DBFS) + 100.0) as usize) {
            ratios.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        let total: u32 = ratios.iter().sum();
        let mut seen = 0;
        let usual = ratios.iter().position(|count| {
            seen += count;
            seen * 2 >= total.max(1)
        });
        let usual = usual.unwrap_or(0);
        let apart = |(ratio, _): &(usize, &u32)| ratio.abs_diff(usual) > SAME_RATIO_DB;
        ratios.iter().enumerate().filter(apart).map(|(_, count)| count).sum()
    }

    /// Mean level of what both hold.
    fn mean_bin(&self, channel: usize) -> f64 {
        let levels = self.common[channel].iter().enumerate().skip(1);
        let (sum, count) = levels.fold((0.0, 0.0), |(s, n), (b, c)| (s + b as f64 * f64::from(*c), n + f64::from(*c)));
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

/// What a stretch and the other channel have in common.
#[derive(Debug, Clone, Copy)]
struct Shared {
    /// Share of the power, 0 to 1.
    share: f64,
    /// Power of the other channel's stretch.
    power: f64,
}

fn power(samples: &[f32]) -> f64 {
    f64::from(samples.iter().map(|sample| sample * sample).sum::<f32>())
}

#[cfg(test)]
mod tests;
