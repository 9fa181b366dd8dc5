//! Signal quality of a channel, in one pass and constant memory.

use callsift_core::ChannelQuality;

/// Level of digital silence in tables, dBFS.
const SILENCE_DBFS: f64 = -120.0;
/// From here on a sample counts as clipped: G.711 reaches only 0.980 (µ-law) and 0.984 (A-law) of full scale.
const CLIP_LEVEL: f32 = 0.98;
/// What recorders write as "nothing": zero, or the quietest code of A-law (8/32768).
const NOTHING: f32 = 8.5 / 32768.0;
/// Around a dropout there must be signal of at least −45 dBFS, as a mean square; a gate that closes in a pause does not
/// count as one.
const ACTIVE_POWER: f64 = 3.162e-5;
/// Shortest and longest gap that counts as a dropout, in milliseconds.
const DROPOUT_MS: std::ops::RangeInclusive<u64> = 20..=2_000;

/// Frame levels are counted in bins of 0.25 dB from −100 dBFS to +6 dBFS.
const BINS_PER_DB: f64 = 4.0;
const FLOOR_DBFS: f64 = -100.0;
const BINS: usize = 424;

/// Measures one channel at the file's own sample rate, before resampling or clamping.
pub struct QualityMeter {
    sample_rate: u32,
    samples: u64,
    power_sum: f64,
    peak: f32,
    clipped: u64,
    frame: Frame,
    /// Levels of 20 ms frames that hold any signal.
    levels: Box<[u32; BINS]>,
    gaps: GapFinder,
}

/// The 20 ms frame that is being filled.
#[derive(Default)]
struct Frame {
    samples: u32,
    power_sum: f64,
    /// True while every sample so far was "nothing".
    silent: bool,
}

impl QualityMeter {
    /// Starts a channel; the sample rate is in hertz.
    pub fn new(sample_rate: u32) -> Self {
        let frame = Frame { silent: true, ..Frame::default() };
        let (gaps, levels) = (GapFinder::new(sample_rate), Box::new([0; BINS]));
        Self { sample_rate, samples: 0, power_sum: 0.0, peak: 0.0, clipped: 0, frame, levels, gaps }
    }

    /// Counts the clipped among samples as they lie in the file, before anything is done to them.
    pub fn count_clipped(&mut self, samples: &[f32]) {
        self.clipped += samples.iter().filter(|sample| sample.abs() >= CLIP_LEVEL).count() as u64;
    }

    /// Takes the next samples; full scale is ±1.0, and floating-point files may go beyond.
    pub fn push(&mut self, samples: &[f32]) {
        let frame_length = (self.sample_rate / 50).max(1);
        for &sample in samples {
            let (level, power) = (sample.abs(), f64::from(sample) * f64::from(sample));
            self.peak = self.peak.max(level);
            self.power_sum += power;
            self.frame.samples += 1;
            self.frame.power_sum += power;
            self.frame.silent &= level <= NOTHING;
            self.gaps.push(sample, power);
            if self.frame.samples == frame_length {
                self.end_frame();
            }
        }
        self.samples += samples.len() as u64;
    }

    fn end_frame(&mut self) {
        if !self.frame.silent {
            let level = dbfs(self.frame.power_sum / f64::from(self.frame.samples));
            let bin = ((level - FLOOR_DBFS) * BINS_PER_DB).clamp(0.0, BINS as f64 - 1.0);
            self.levels[bin as usize] += 1;
        }
        self.frame = Frame { silent: true, ..Frame::default() };
    }

    /// The measures of everything taken so far.
    pub fn finish(mut self, channel: u16) -> ChannelQuality {
        self.gaps.end();
        let count = self.samples.max(1) as f64;
        ChannelQuality {
            channel,
            rms_dbfs: dbfs(self.power_sum / count),
            peak_dbfs: dbfs(f64::from(self.peak).powi(2)),
            snr_db: self.percentile(0.95) - self.percentile(0.10),
            clipped_ratio: self.clipped as f64 / count,
            dropouts: self.gaps.found,
        }
    }

    /// Level in dBFS under which the given share of frames lies; 0 where there is no frame.
    fn percentile(&self, share: f64) -> f64 {
        let total: u64 = self.levels.iter().map(|&count| u64::from(count)).sum();
        let rank = (share * total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let bin = self.levels.iter().position(|&count| {
            below += u64::from(count);
            below >= rank
        });
        bin.map_or(0.0, |bin| FLOOR_DBFS + (bin as f64 + 0.5) / BINS_PER_DB)
    }
}

/// Mean square as a level; full scale is 1.0.
fn dbfs(power: f64) -> f64 {
    if power > 0.0 { (10.0 * power.log10()).max(SILENCE_DBFS) } else { SILENCE_DBFS }
}

/// Counts runs of one and the same "nothing" that cut into active signal.
struct GapFinder {
    sample_rate: u64,
    /// Signal power, smoothed over about 10 ms.
    power: f64,
    smoothing: f64,
    value: f32,
    run: u64,
    /// Signal was active where the current run began.
    active_before: bool,
    /// Samples left, and power so far, of the 20 ms that must be active behind a gap.
    behind: Option<(u64, f64)>,
    found: i64,
}

impl GapFinder {
    fn new(sample_rate: u32) -> Self {
        let smoothing = 100.0 / f64::from(sample_rate.max(100));
        let sample_rate = u64::from(sample_rate);
        Self { sample_rate, power: 0.0, smoothing, value: 1.0, run: 0, active_before: false, behind: None, found: 0 }
    }

    #[expect(clippy::float_cmp, reason = "digital silence repeats one code exactly")]
    fn push(&mut self, sample: f32, power: f64) {
        self.look_behind(power);
        if sample == self.value && sample.abs() <= NOTHING {
            self.run += 1;
        } else {
            self.end_run();
            self.value = sample;
            self.run = 1;
            self.active_before = self.power >= ACTIVE_POWER;
        }
        self.power += (power - self.power) * self.smoothing;
    }

    fn end_run(&mut self) {
        let gap_ms = self.run * 1000 / self.sample_rate;
        if self.active_before && DROPOUT_MS.contains(&gap_ms) {
            self.behind = Some((self.sample_rate / 50, 0.0));
        }
    }

    fn look_behind(&mut self, power: f64) {
        let Some((left, sum)) = self.behind else { return };
        let window = (self.sample_rate / 50) as f64;
        self.behind = if left > 1 { Some((left - 1, sum + power)) } else { None };
        if self.behind.is_none() && (sum + power) / window >= ACTIVE_POWER {
            self.found += 1;
        }
    }

    /// A gap at the very end has no signal behind it and does not count.
    fn end(&mut self) {
        self.behind = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| level * (n as f32 * 0.7).sin()).collect()
    }

    fn measure(samples: &[f32]) -> ChannelQuality {
        let mut meter = QualityMeter::new(8000);
        for block in samples.chunks(777) {
            meter.count_clipped(block);
            meter.push(block);
        }
        meter.finish(0)
    }

    #[test]
    fn levels_are_in_dbfs() {
        let got = measure(&tone(0.5, 80_000));
        assert!((got.rms_dbfs - -9.03).abs() < 0.05 && (got.peak_dbfs - -6.02).abs() < 0.05, "{got:?}");
        let silence = measure(&vec![0.0; 8000]);
        assert_eq!((silence.rms_dbfs, silence.peak_dbfs, silence.snr_db), (-120.0, -120.0, 0.0));
        assert_eq!(measure(&[]).dropouts, 0);
    }

    #[test]
    fn snr_is_speech_over_noise() {
        let call: Vec<f32> = (0..20).flat_map(|n| tone(if n % 2 == 0 { 0.5 } else { 0.005 }, 8000)).collect();
        assert!((measure(&call).snr_db - 40.0).abs() < 1.0);
    }

    #[test]
    fn clipping_counts_samples_at_the_rails() {
        let mut call = tone(0.5, 1000);
        call[..100].fill(1.0);
        assert!((measure(&call).clipped_ratio - 0.1).abs() < 1e-9);
        let loudest_ulaw = 32124.0 / 32768.0;
        assert!((measure(&[loudest_ulaw; 10]).clipped_ratio - 1.0).abs() < 1e-9);
    }

    #[test]
    fn only_gaps_inside_signal_are_dropouts() {
        let gap = |frames: usize, filler: f32| [tone(0.3, 4000), vec![filler; frames], tone(0.3, 4000)].concat();
        assert_eq!(measure(&gap(400, 0.0)).dropouts, 1);
        assert_eq!(measure(&gap(400, 8.0 / 32768.0)).dropouts, 1, "A-law silence");
        assert_eq!(measure(&gap(100, 0.0)).dropouts, 0, "too short");
        assert_eq!(measure(&gap(20_000, 0.0)).dropouts, 0, "too long: a pause");
        let faded = [tone(0.3, 4000), tone(0.001, 800), vec![0.0; 400], tone(0.3, 4000)].concat();
        assert_eq!(measure(&faded).dropouts, 0, "a noise gate");
        assert_eq!(measure(&[tone(0.3, 4000), vec![0.0; 400]].concat()).dropouts, 0, "the end of the call");
    }
}
