//! How fast the speech model is here, from speech that it recognises, and what would make it faster.

use std::fmt;

use anyhow::{Context, Result};
use callsift_asr::{DecodeEffort, Window};
use callsift_audio::{AudioLimits, AudioReader};
use callsift_core::SAMPLE_RATE;
use callsift_pipeline::Config;
use callsift_whisper::{ModelFolder, Precision};

use crate::cpu;
use crate::load::{self, SpeechModel};

/// A few seconds of speech (public domain), so that the decoder writes tokens as in a call: noise would cost the encoder alone.
const CLIP: &[u8] = include_bytes!("../../../../../models/whisper-mini-zh/eval/held-back-voice-10.opus");
/// Windows that are measured, one batch of the engine.
const WINDOWS: usize = 6;

/// Recognises a batch of full windows twice and gives what the second time cost.
pub fn measure(model: &SpeechModel, config: &Config, cores: usize) -> Result<String> {
    let mut options = config.asr.clone();
    options.max_window_ms = options.max_window_ms.min(model.max_window_ms.unwrap_or(i64::MAX)).max(1000);
    let mut decoder = load::recognizer(&model.path, &model.name, &options)?.decoder()?;
    let window = window(options.max_window_ms)?;
    let windows = [&window; WINDOWS];
    decoder.decode(&windows, &options.initial_prompt, DecodeEffort::Greedy)?;
    let start = cpu::spent();
    let heard = decoder.decode(&windows, &options.initial_prompt, DecodeEffort::Greedy)?;
    let spent = cpu::spent().saturating_sub(start).as_secs_f64();
    let chars = heard.iter().map(|one| one.text().chars().count()).sum::<usize>();
    let seconds = window.len_ms() as f64 / 1000.0;
    Ok(format!(
        "{spent:.2} s of CPU for {WINDOWS} windows of {seconds:.0} s, {chars} characters; about {:.0} hours of speech an hour on \
         {cores} cores",
        WINDOWS as f64 * seconds / spent.max(0.001) * cores as f64
    ))
}

/// The clip again and again, until the window is full.
fn window(len_ms: i64) -> Result<Window> {
    let file = tempfile::Builder::new().suffix(".opus").tempfile().context("no temporary file can be made")?;
    std::fs::write(file.path(), CLIP)?;
    let mut reader = AudioReader::open(file.path(), &AudioLimits::default())?;
    let (mut clip, mut blocks) = (Vec::new(), Vec::new());
    while reader.next_blocks(&mut blocks)? {
        for block in blocks.drain(..).filter(|block| block.channel == 0) {
            clip.extend(block.samples);
        }
    }
    let len = usize::try_from(len_ms)? * SAMPLE_RATE as usize / 1000;
    Ok(Window::of_samples(0, &clip.iter().copied().cycle().take(len).collect::<Vec<f32>>()))
}

/// Which code multiplies the numbers of a model on this CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// Of the ONNX runtime, with the instructions that they are made of; `dot` where those multiply four bytes at once.
    Engine { precision: Precision, instructions: &'static str, dot: bool },
    /// Of whisper.cpp, as it was compiled.
    WhisperCpp,
}

impl Kernels {
    /// Those that a model is run with.
    pub fn of_model(model: &SpeechModel) -> Result<Self> {
        if !ModelFolder::is_one(&model.path) {
            return Ok(Self::WhisperCpp);
        }
        let precision = ModelFolder::open(&model.path)?.info.precision;
        let (instructions, dot) = match precision {
            Precision::Int8 => bytes(),
            Precision::Fp32 => (floats(), false),
        };
        Ok(Self::Engine { precision, instructions, dot })
    }

    /// What would make recognition faster, in a sentence.
    pub fn faster(self, model: &SpeechModel) -> String {
        match self {
            Self::WhisperCpp => format!(
                "callsift's own engine: `callsift models import {} --name NAME`, then --model NAME",
                model.path.display()
            ),
            Self::Engine { precision: Precision::Fp32, .. } => {
                "weights of 8 bits: import or pull the model again with --precision int8".to_owned()
            }
            Self::Engine { dot: false, .. } => {
                "a CPU that multiplies bytes at once (x86: AVX512-VNNI or AVX-VNNI; ARM: dot product or i8mm)"
                    .to_owned()
            }
            Self::Engine { .. } => "more cores, or a smaller model".to_owned(),
        }
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WhisperCpp => f.write_str("whisper.cpp, for the CPU that it was compiled for"),
            Self::Engine { precision: Precision::Int8, instructions, .. } => write!(f, "8-bit kernels: {instructions}"),
            Self::Engine { precision: Precision::Fp32, instructions, .. } => {
                write!(f, "32-bit kernels: {instructions}")
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn bytes() -> (&'static str, bool) {
    use std::arch::is_x86_feature_detected as has;
    match () {
        () if has!("avx512vnni") => ("AVX512-VNNI", true),
        () if has!("avxvnni") => ("AVX-VNNI", true),
        () if has!("avx512bw") => ("AVX-512", false),
        () if has!("avx2") => ("AVX2", false),
        () => ("SSE", false),
    }
}

#[cfg(target_arch = "x86_64")]
fn floats() -> &'static str {
    use std::arch::is_x86_feature_detected as has;
    match () {
        () if has!("avx512f") => "AVX-512",
        () if has!("avx2") && has!("fma") => "AVX2 with FMA",
        () if has!("avx") => "AVX",
        () => "SSE",
    }
}

#[cfg(target_arch = "aarch64")]
fn bytes() -> (&'static str, bool) {
    use std::arch::is_aarch64_feature_detected as has;
    match () {
        () if has!("i8mm") => ("i8mm", true),
        () if has!("dotprod") => ("dot product", true),
        () => ("NEON", false),
    }
}

#[cfg(target_arch = "aarch64")]
fn floats() -> &'static str {
    "NEON"
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn bytes() -> (&'static str, bool) {
    (std::env::consts::ARCH, false)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn floats() -> &'static str {
    std::env::consts::ARCH
}

#[cfg(test)]
mod tests {
    use super::window;

    /// The clip is speech, and fills the window.
    #[test]
    fn the_window_that_is_measured_is_full_of_sound() {
        let window = window(24_000).unwrap();
        assert_eq!(window.len_ms(), 24_000);
        for second in window.samples.chunks(32_000) {
            assert!(second.iter().any(|sample| sample.abs() > 0.05), "two seconds of silence");
        }
    }
}
