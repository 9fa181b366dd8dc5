//! Silences what one channel of a stereo call only hears of the other, so that it is not taken for a second speaker.
//!
//! Headsets, echo of the line and induction put a quiet copy of each speaker into the other's channel. A frame is such a
//! copy where the other channel was at least 10 dB louder within the last 100 ms and the two are correlated at one steady
//! lag. Speech of both at once is louder than a copy and uncorrelated, so it stays.
//!
//! The gated samples are for voice activity detection only; the recogniser gets the original ones.

use callsift_core::SampleBlock;

use crate::FRAME_SAMPLES;

/// A copy lies at least so far under its source, as a ratio of powers: 10 dB.
const LEAST_RATIO: f32 = 10.0;
/// Correlation from which a quiet frame is a copy. Two people's voices reach 0.4 for moments, not at a steady lag.
const COPY: f32 = 0.5;
/// Quieter frames need no decision: −65 dBFS as a mean square, as loud as the detector of speech will hear them.
const SILENCE: f32 = 3e-7;
/// Share of the past that stays in the running correlation per frame: about 0.3 s of memory.
const MEMORY: f32 = 0.9;
/// Correlation is computed at 8 kHz: every second sample of a mean of two.
const STEP: usize = 2;
const FRAME: usize = FRAME_SAMPLES / STEP;
/// Longest way from one channel into the other, 100 ms, and the other way round for channels that start late, 4 ms.
const LATEST: usize = 800;
const EARLIEST: usize = 32;

/// Gates the two channels of a stereo call against each other; any other number of channels passes as it is.
#[derive(Default)]
pub struct CrossTalkGate {
    lanes: Vec<Lane>,
    /// By how much each channel will be raised behind the gate; 1 where nothing is said.
    gains: Vec<f32>,
    /// First sample of the frame that is being filled.
    start_sample: u64,
}

/// One channel.
#[derive(Default)]
struct Lane {
    channel: u16,
    /// By how much the channel will be raised, as a factor.
    gain: f32,
    /// Samples not yet judged.
    pending: Vec<f32>,
    /// What was heard at 8 kHz: the last frames as far as the longest lag reaches.
    heard: Vec<f32>,
    /// Correlation with the other channel per lag, and the powers that norm it.
    cross: Vec<f32>,
    other_power: Vec<f32>,
    power: f32,
}

impl CrossTalkGate {
    /// A gate before channels that will be raised by these factors: a copy that is silence here may be loud enough there.
    pub fn before(gains: Vec<f32>) -> Self {
        Self { gains, ..Self::default() }
    }

    /// Takes one block per channel, all of the same stretch and in order of channels as a reader gives them, and appends
    /// the gated copies in whole frames.
    pub fn push(&mut self, blocks: &[SampleBlock], out: &mut Vec<SampleBlock>) {
        if self.lanes.is_empty() {
            let gain = |channel: u16| self.gains.get(usize::from(channel)).copied().unwrap_or(1.0);
            let lane = |b: &SampleBlock| Lane { channel: b.channel, gain: gain(b.channel), ..Lane::default() };
            self.lanes = blocks.iter().map(lane).collect();
        }
        for (lane, block) in self.lanes.iter_mut().zip(blocks) {
            lane.pending.extend_from_slice(&block.samples);
        }
        let ready = self.lanes.iter().map(|lane| lane.pending.len()).min().unwrap_or(0);
        self.emit(ready - ready % FRAME_SAMPLES, out);
    }

    /// Appends the last partial frame, ungated. The gate is ready for the next call.
    pub fn finish(&mut self, out: &mut Vec<SampleBlock>) {
        let start_sample = self.start_sample;
        let left = self.lanes.drain(..).filter(|lane| !lane.pending.is_empty());
        out.extend(left.map(|lane| SampleBlock { channel: lane.channel, start_sample, samples: lane.pending }));
        self.start_sample = 0;
    }

    fn emit(&mut self, ready: usize, out: &mut Vec<SampleBlock>) {
        if ready == 0 {
            return;
        }
        let mut gated: Vec<Vec<f32>> =
            self.lanes.iter_mut().map(|lane| lane.pending.drain(..ready).collect()).collect();
        if let ([left, right], [left_lane, right_lane]) = (&mut gated[..], &mut self.lanes[..]) {
            for (left, right) in left.chunks_mut(FRAME_SAMPLES).zip(right.chunks_mut(FRAME_SAMPLES)) {
                left_lane.hear(left);
                right_lane.hear(right);
                let copies = (left_lane.is_copy_of(&right_lane.heard), right_lane.is_copy_of(&left_lane.heard));
                if copies.0 {
                    left.fill(0.0);
                }
                if copies.1 {
                    right.fill(0.0);
                }
            }
        }
        for (lane, samples) in self.lanes.iter().zip(gated) {
            out.push(SampleBlock { channel: lane.channel, start_sample: self.start_sample, samples });
        }
        self.start_sample += ready as u64;
    }
}

impl Lane {
    /// Remembers a frame at 8 kHz.
    fn hear(&mut self, frame: &[f32]) {
        let length = FRAME + LATEST + EARLIEST;
        self.heard.resize(length, 0.0);
        self.heard.copy_within(FRAME.., 0);
        for (half, pair) in self.heard[length - FRAME..].iter_mut().zip(frame.as_chunks::<STEP>().0) {
            *half = f32::midpoint(pair[0], pair[1]);
        }
    }

    /// The stretch that is compared: it ends before the newest samples, so that the other may also lie later.
    fn own(&self) -> &[f32] {
        let end = self.heard.len() - EARLIEST;
        &self.heard[end - FRAME..end]
    }

    /// True where the newest frame is only a copy of what the other channel heard.
    fn is_copy_of(&mut self, other: &[f32]) -> bool {
        let own_power = power(self.own());
        let loudest = other.chunks_exact(FRAME / 2).map(power).fold(0.0, f32::max) * 2.0;
        if own_power * self.gain * self.gain < SILENCE * FRAME as f32 || loudest < own_power * LEAST_RATIO {
            // Nobody, or a speaker of one's own: what was learnt of the way between the channels fades.
            self.cross.iter_mut().chain(&mut self.other_power).for_each(|value| *value *= MEMORY);
            self.power *= MEMORY;
            return false;
        }
        self.correlate(other, own_power);
        let best = self.cross.iter().zip(&self.other_power).map(|(cross, other)| cross * cross / other.max(1e-12));
        best.fold(0.0, f32::max) >= COPY * COPY * self.power
    }

    fn correlate(&mut self, other: &[f32], own_power: f32) {
        let lags = other.len() - FRAME + 1;
        self.cross.resize(lags, 0.0);
        self.other_power.resize(lags, 0.0);
        self.power = self.power * MEMORY + own_power;
        let own = self.own().to_vec();
        let mut running = power(&other[..FRAME]);
        for lag in 0..lags {
            let shifted = &other[lag..lag + FRAME];
            self.cross[lag] = self.cross[lag] * MEMORY + dot(&own, shifted);
            self.other_power[lag] = self.other_power[lag] * MEMORY + running.max(0.0);
            if let Some(next) = other.get(lag + FRAME) {
                running += next * next - shifted[0] * shifted[0];
            }
        }
    }
}

fn power(samples: &[f32]) -> f32 {
    dot(samples, samples)
}

/// Sum of products. Sixteen sums side by side, so that the compiler may use wide registers: one sum would have to be
/// added in order.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|i| sums[i] += a[i] * b[i]);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = 16_000;

    /// Noise of one speaker, low-passed like speech.
    fn noise(seed: u32, samples: usize, gain: f32) -> Vec<f32> {
        let (mut state, mut last) = (seed, 0.0);
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            last = 0.7 * last + 0.3 * ((state >> 8) as f32 / 8_388_608.0 - 1.0);
            last * gain
        };
        (0..samples).map(next).collect()
    }

    fn add(a: &[f32], b: &[f32], gain: f32, delay: usize) -> Vec<f32> {
        (0..a.len()).map(|n| a[n] + if n < delay { 0.0 } else { gain * b[n - delay] }).collect()
    }

    /// Gated right channel.
    fn gate(left: &[f32], right: &[f32], block: usize) -> Vec<f32> {
        gate_before(Vec::new(), left, right, block)
    }

    fn gate_before(gains: Vec<f32>, left: &[f32], right: &[f32], block: usize) -> Vec<f32> {
        let mut gate = CrossTalkGate::before(gains);
        let mut out = Vec::new();
        for (n, (left, right)) in left.chunks(block).zip(right.chunks(block)).enumerate() {
            let make = |channel, samples: &[f32]| SampleBlock {
                channel,
                start_sample: (n * block) as u64,
                samples: samples.to_vec(),
            };
            gate.push(&[make(0, left), make(1, right)], &mut out);
        }
        gate.finish(&mut out);
        let mut samples = Vec::new();
        for block in out.into_iter().filter(|block| block.channel == 1) {
            assert_eq!(block.start_sample, samples.len() as u64);
            samples.extend(block.samples);
        }
        assert_eq!(samples.len(), right.len());
        samples
    }

    fn kept(samples: &[f32]) -> f64 {
        samples.iter().filter(|&&sample| sample != 0.0).count() as f64 / samples.len() as f64
    }

    #[test]
    fn copies_go_at_any_lag_and_own_speech_stays() {
        let agent = noise(1, 2 * SECOND, 0.5);
        let hiss = noise(3, 2 * SECOND, 0.002);
        for delay in [0, 160, 1_500] {
            let copy = add(&hiss, &agent, 0.1, delay);
            assert!(kept(&gate(&agent, &copy, 16_000)) < 0.1, "delay {delay}");
        }
        let customer = noise(2, 2 * SECOND, 0.3);
        let both = add(&customer, &agent, 0.1, 160);
        assert!(kept(&gate(&agent, &both, 16_000)) > 0.99, "both speak");
        let quiet = noise(2, 2 * SECOND, 0.05);
        assert!(kept(&gate(&agent, &quiet, 16_000)) > 0.9, "a quiet speaker under a loud one");
        assert!(kept(&gate(&vec![0.0; 2 * SECOND], &customer, 16_000)) > 0.99, "alone");
    }

    #[test]
    fn a_copy_in_a_quiet_channel_goes_where_the_channel_will_be_raised() {
        let agent = noise(1, 2 * SECOND, 0.01);
        let copy = add(&noise(3, 2 * SECOND, 0.00004), &agent, 0.1, 160);
        assert!(kept(&gate(&agent, &copy, 16_000)) > 0.99, "nobody hears it");
        assert!(kept(&gate_before(vec![30.0, 30.0], &agent, &copy, 16_000)) < 0.1, "raised, it would be speech");
    }

    #[test]
    fn the_cut_of_the_audio_does_not_matter() {
        let agent = noise(1, 40_000, 0.5);
        let mix = add(&noise(2, 40_000, 0.02), &agent, 0.1, 160);
        let whole = gate(&agent, &mix, 40_000);
        for block in [100, 512, 16_001] {
            assert_eq!(gate(&agent, &mix, block), whole, "blocks of {block}");
        }
    }

    #[test]
    fn other_channel_counts_pass() {
        let mut gate = CrossTalkGate::default();
        let block = SampleBlock { channel: 0, start_sample: 0, samples: noise(1, 1000, 0.1) };
        let mut out = Vec::new();
        gate.push(std::slice::from_ref(&block), &mut out);
        gate.finish(&mut out);
        assert_eq!(out.into_iter().flat_map(|block| block.samples).collect::<Vec<_>>(), block.samples);
    }
}
