//! What is learnt of a channel before anything listens to it: a steady offset, how loud speech is, whether it is dead.

/// A mean over a second from which a channel has an offset; sound itself has none: −46 dBFS.
const OFFSET: f64 = 0.005;
/// Lowest frequency that is left where an offset is taken off, hertz.
const OFFSET_HZ: f64 = 10.0;
/// Loudest stretch by which a channel is judged, in frames of 20 ms: half a second.
const LOUDEST_FRAMES: u32 = 25;
/// The loudest half second of speech lies about here, dBFS; quieter channels are raised to it.
const TARGET_DBFS: f64 = -16.0;
/// From here on a channel is heard as it is, dBFS.
const QUIET_DBFS: f64 = -28.0;
/// Greatest gain, dB: what lies lower is lost in the steps of 16 bits.
const MOST_GAIN_DB: f64 = 45.0;
/// Speech swings so far between its loudest and its quietest frames, dB; steady noise does not.
const SWING_DB: f64 = 10.0;
/// A channel whose loudest frame lies no more than this over its quiet ones holds nothing but noise, dB.
const DEAD_SWING_DB: f64 = 8.0;
/// A channel that is nowhere louder is silent, dBFS.
const SILENT_DBFS: f64 = -70.0;

/// Levels from −100 dBFS in steps of half a decibel.
const BINS: usize = 213;

/// Measures one channel at the file's own rate, in one pass.
pub(crate) struct LevelProbe {
    frame: (u32, f64, f64),
    frame_length: u32,
    second: (u32, f64),
    rate: u32,
    /// Mean of the first second, and the greatest of all.
    first_mean: Option<f64>,
    greatest_mean: f64,
    levels: Box<[u32; BINS]>,
    frames: u32,
}

impl LevelProbe {
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            frame: (0, 0.0, 0.0),
            frame_length: (rate / 50).max(1),
            second: (0, 0.0),
            rate: rate.max(1),
            first_mean: None,
            greatest_mean: 0.0,
            levels: Box::new([0; BINS]),
            frames: 0,
        }
    }

    pub(crate) fn push(&mut self, sample: f32) {
        let sample = f64::from(sample);
        self.frame = (self.frame.0 + 1, self.frame.1 + sample, self.frame.2 + sample * sample);
        self.second = (self.second.0 + 1, self.second.1 + sample);
        if self.frame.0 == self.frame_length {
            self.end_frame();
        }
        if self.second.0 == self.rate {
            self.end_second();
        }
    }

    /// Level of a frame without its mean: an offset is no sound.
    fn end_frame(&mut self) {
        let (count, sum, squares) = std::mem::take(&mut self.frame);
        let mean = sum / f64::from(count.max(1));
        let power = (squares / f64::from(count.max(1)) - mean * mean).max(1e-10);
        let bin = ((10.0 * power.log10() + 100.0) * 2.0).clamp(0.0, BINS as f64 - 1.0);
        self.levels[bin as usize] += 1;
        self.frames += 1;
    }

    fn end_second(&mut self) {
        let (count, sum) = std::mem::take(&mut self.second);
        if count > 0 {
            let mean = sum / f64::from(count);
            self.first_mean.get_or_insert(mean);
            self.greatest_mean = self.greatest_mean.max(mean.abs());
        }
    }

    /// What was learnt.
    pub(crate) fn finish(mut self) -> Level {
        self.end_second();
        let loudest = self.over(LOUDEST_FRAMES.min(self.frames.div_ceil(4)));
        let peak = self.over(1);
        let quiet = self.over(self.audible() * 9 / 10);
        let speaks = loudest < QUIET_DBFS && loudest > -95.0 && loudest - quiet >= SWING_DB;
        let gain_db = if speaks { (TARGET_DBFS - loudest).min(MOST_GAIN_DB) } else { 0.0 };
        let (filter, gain) = (|start: f64| OffsetFilter::new(start, self.rate), 10f64.powf(gain_db / 20.0));
        Level {
            // A quiet channel's offset is raised with it.
            offset: self.first_mean.filter(|_| self.greatest_mean * gain >= OFFSET).map(filter),
            gain: gain as f32,
            dead: peak < SILENT_DBFS || peak - quiet < DEAD_SWING_DB && peak < QUIET_DBFS,
        }
    }

    /// Frames that are not digital silence.
    fn audible(&self) -> u32 {
        self.frames - self.levels[0]
    }

    /// Level that so many frames reach, dBFS.
    fn over(&self, frames: u32) -> f64 {
        let mut seen = 0;
        let bin = (0..BINS).rev().find(|&bin| {
            seen += self.levels[bin];
            seen >= frames.max(1)
        });
        bin.map_or(-100.0, |bin| bin as f64 / 2.0 - 100.0)
    }
}

/// What is known of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    /// Takes the offset off, where there is one.
    pub(crate) offset: Option<OffsetFilter>,
    /// By how much speech is raised for those who listen; 1 where it is loud enough.
    pub(crate) gain: f32,
    /// Nothing but silence or steady noise.
    pub(crate) dead: bool,
}

impl Level {
    /// How far speech lies under the level from which on it is heard as it is, dB; 0 for noise, and where it is loud enough.
    pub(crate) fn below_db(&self) -> f64 {
        (20.0 * f64::from(self.gain).max(1.0).log10() - (TARGET_DBFS - QUIET_DBFS)).max(0.0)
    }
}

/// A high pass that begins settled on the offset.
#[derive(Debug, Clone)]
pub(crate) struct OffsetFilter {
    keep: f64,
    before: f64,
    out: f64,
}

impl OffsetFilter {
    fn new(start: f64, rate: u32) -> Self {
        Self { keep: (-std::f64::consts::TAU * OFFSET_HZ / f64::from(rate)).exp(), before: start, out: 0.0 }
    }

    pub(crate) fn apply(&mut self, samples: &mut [f32]) {
        for sample in samples {
            let now = f64::from(*sample);
            self.out = now - self.before + self.keep * self.out;
            self.before = now;
            *sample = self.out as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, count: usize, level: f32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * ((state >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        (0..count).map(next).collect()
    }

    /// Syllables with pauses.
    fn speech(level: f32) -> Vec<f32> {
        let gate = |n: usize| if n / 800 % 3 == 2 { 0.005 } else { 1.0 };
        noise(1, 80_000, level).into_iter().enumerate().map(|(n, s)| s * gate(n)).collect()
    }

    fn level(samples: &[f32]) -> Level {
        let mut probe = LevelProbe::new(8000);
        for sample in samples {
            probe.push(*sample);
        }
        probe.finish()
    }

    #[test]
    fn quiet_speech_is_raised_and_noise_is_not() {
        let raised = |down_db: f32| {
            let found = level(&speech(0.4 * 10f32.powf(-down_db / 20.0)));
            assert!(!found.dead);
            20.0 * found.gain.log10() - down_db
        };
        for down_db in [30.0, 40.0] {
            assert!((raised(down_db) - raised(20.0)).abs() < 1.0, "{down_db} dB quieter, {down_db} dB more gain");
        }
        let loud = level(&speech(0.4));
        assert!(loud.gain < 1.001 && loud.offset.is_none() && !loud.dead);
        let hiss = level(&noise(2, 80_000, 0.0008));
        assert!(hiss.gain < 1.001 && hiss.dead);
        assert!(level(&vec![0.0; 8000]).dead && level(&[]).gain < 1.001);
    }

    #[test]
    fn an_offset_is_taken_off_and_counts_as_no_sound() {
        let shifted: Vec<f32> = speech(0.012).iter().map(|s| s + 0.2).collect();
        let found = level(&shifted);
        let mut clean = shifted.clone();
        found.offset.unwrap().apply(&mut clean);
        let mean = clean.iter().map(|s| f64::from(*s)).sum::<f64>() / clean.len() as f64;
        assert!(mean.abs() < 1e-4 && clean[..400].iter().all(|s| s.abs() < 0.03), "{mean}");
        assert!(found.gain > 10.0);
        let slight: Vec<f32> = speech(0.004).iter().map(|s| s + 0.002).collect();
        assert!(level(&slight).offset.is_some(), "raised with the channel it would be as loud as speech");
        let loud: Vec<f32> = speech(0.4).iter().map(|s| s + 0.002).collect();
        assert!(level(&loud).offset.is_none(), "beside loud speech it is nothing");
        let only: Vec<f32> = vec![0.3; 8000];
        assert!(level(&only).dead, "an offset is no sound");
    }
}
