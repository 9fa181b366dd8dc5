//! From any rate to 16 kHz, without shift and without changing the length.

use callsift_core::SAMPLE_RATE;
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _};

/// Least frames per FFT. 1024 at 8 kHz: a filter of 128 ms, images under −80 dB.
const CHUNK_FRAMES: u32 = 1024;

/// Streaming resampler of several channels.
///
/// The output of a whole stream is `round(input × 16000 / rate)` samples per channel, and sample `n` of it lies at the
/// same time as in the input: the filter's delay is taken off. At 16 kHz samples pass untouched.
pub struct Resampler {
    fft: Option<Fft<f32>>,
    sample_rate: u32,
    /// Input not yet resampled, per channel.
    pending: Vec<Vec<f32>>,
    /// One chunk in rubato's shape.
    chunk_out: Vec<Vec<f32>>,
    frames_in: u64,
    frames_out: u64,
    /// Output frames of filter delay still to be dropped.
    delay: usize,
}

impl Resampler {
    /// Sets up for one stream; `Err` with the reason where rubato refuses the ratio.
    pub fn new(sample_rate: u32, channels: u16) -> Result<Self, String> {
        let count = usize::from(channels);
        let fft = match sample_rate {
            SAMPLE_RATE => None,
            rate => Some(
                Fft::new(rate as usize, SAMPLE_RATE as usize, chunk_frames(rate), count, FixedSync::Both)
                    .map_err(|error| error.to_string())?,
            ),
        };
        let chunk = fft.as_ref().map_or(0, rubato::Resampler::output_frames_max);
        let delay = fft.as_ref().map_or(0, rubato::Resampler::output_delay);
        let pending = vec![Vec::new(); count];
        Ok(Self {
            fft,
            sample_rate,
            pending,
            chunk_out: vec![vec![0.0; chunk]; count],
            frames_in: 0,
            frames_out: 0,
            delay,
        })
    }

    /// Takes the same number of samples for every channel and appends what is ready to each of `out`.
    pub fn push(&mut self, input: &[impl AsRef<[f32]>], out: &mut [Vec<f32>]) -> Result<(), String> {
        self.frames_in += input.first().map_or(0, |samples| samples.as_ref().len()) as u64;
        let target = if self.fft.is_some() { &mut self.pending[..] } else { &mut out[..] };
        for (channel, samples) in target.iter_mut().zip(input) {
            channel.extend_from_slice(samples.as_ref());
        }
        self.run(out, u64::MAX)
    }

    /// Appends the tail.
    pub fn finish(&mut self, out: &mut [Vec<f32>]) -> Result<(), String> {
        let Some(fft) = &self.fft else { return Ok(()) };
        let rate = u64::from(self.sample_rate);
        let wanted = (self.frames_in * u64::from(SAMPLE_RATE) + rate / 2) / rate;
        let chunk = fft.input_frames_next();
        while self.frames_out < wanted {
            let length = self.pending.first().map_or(0, Vec::len);
            let padded = (length + 1).next_multiple_of(chunk);
            self.pending.iter_mut().for_each(|channel| channel.resize(padded, 0.0));
            self.run(out, wanted)?;
        }
        Ok(())
    }

    /// Resamples every whole chunk that is pending, up to `limit` output frames in all.
    fn run(&mut self, out: &mut [Vec<f32>], limit: u64) -> Result<(), String> {
        let Some(fft) = &mut self.fft else { return Ok(()) };
        let (chunk, channels) = (fft.input_frames_next(), self.pending.len());
        while self.pending.first().is_some_and(|samples| samples.len() >= chunk) {
            let frames = self.chunk_out.first().map_or(0, Vec::len);
            let input = SequentialSliceOfVecs::new(&self.pending, channels, chunk).map_err(|e| e.to_string())?;
            let mut output = SequentialSliceOfVecs::new_mut(&mut self.chunk_out, channels, frames)
                .map_err(|error| error.to_string())?;
            let (_, made) = fft.process_into_buffer(&input, &mut output, None).map_err(|error| error.to_string())?;
            let drop = self.delay.min(made);
            self.delay -= drop;
            let keep = (made - drop).min((limit - self.frames_out) as usize);
            for (samples, made) in out.iter_mut().zip(&self.chunk_out) {
                samples.extend_from_slice(&made[drop..drop + keep]);
            }
            self.frames_out += keep as u64;
            self.pending.iter_mut().for_each(|samples| drop_front(samples, chunk));
        }
        Ok(())
    }
}

/// The chunk must hold whole periods of the ratio, and an even number of them: rubato's filter is centred on a whole
/// sample only then, and an odd one shifts the audio by half an input sample.
fn chunk_frames(rate: u32) -> usize {
    let period = rate / gcd(rate, SAMPLE_RATE);
    (CHUNK_FRAMES.div_ceil(period).next_multiple_of(2) * period) as usize
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn drop_front(samples: &mut Vec<f32>, count: usize) {
    samples.copy_within(count.., 0);
    samples.truncate(samples.len() - count);
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn resample(rate: u32, input: &[f32], block: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate, 1).unwrap();
        let mut out = vec![Vec::new()];
        for samples in input.chunks(block) {
            resampler.push(&[samples.to_vec()], &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out.remove(0)
    }

    fn sine(rate: u32, hertz: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn length_is_exact_at_every_rate() {
        for rate in [4000, 6000, 8000, 11025, 15999, 16000, 22050, 44100, 48000] {
            for frames in [0usize, 1, 7, 1023, 1024, 1025, 12345] {
                let got = resample(rate, &vec![0.1; frames], 997).len() as u64;
                let want = (frames as u64 * 16_000 + u64::from(rate) / 2) / u64::from(rate);
                assert_eq!(got, want, "{frames} frames at {rate} Hz");
            }
        }
    }

    #[test]
    fn content_is_neither_shifted_nor_bent() {
        for rate in [8000, 11025, 44100, 48000] {
            let out = resample(rate, &sine(rate, 440.0, rate as usize), 4096);
            let want = sine(16_000, 440.0, 16_000);
            // The first and last 50 ms hold the edge of the sine, which has no bounded spectrum.
            let worst = (800..15_200).map(|n| (out[n] - want[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{rate} Hz is off by {worst}");
        }
    }

    #[test]
    fn images_above_the_telephone_band_are_gone() {
        let out = resample(8000, &sine(8000, 3000.0, 16_000), 1000);
        // A 3 kHz tone would mirror to 5 kHz: correlate with it (one second: 16000 samples, whole periods).
        let power = |hertz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &sample) in out[4000..20_000].iter().enumerate() {
                let phase = TAU * hertz * n as f64 / 16_000.0;
                re += f64::from(sample) * phase.cos();
                im += f64::from(sample) * phase.sin();
            }
            re.hypot(im)
        };
        assert!(20.0 * (power(5000.0) / power(3000.0)).log10() < -80.0);
    }

    #[test]
    fn the_cut_of_the_input_does_not_matter() {
        let input = sine(8000, 300.0, 5000);
        let whole = resample(8000, &input, 5000);
        for block in [1, 3, 1024, 4999] {
            assert_eq!(resample(8000, &input, block), whole);
        }
    }
}
