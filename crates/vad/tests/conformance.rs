//! The contract of every streaming stage, for each detector: the cut of the audio does not matter, speech at the very
//! start and to the very end counts, and a finished stage is as good as a new one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use callsift_audio::{AudioLimits, AudioReader};
use callsift_core::{SampleBlock, SpeechSegment, Stage};
use callsift_vad::{EnergyVad, SileroVad, SpeechProbability, Vad, VadError, VadOptions};

/// A vowel-like buzz (150 Hz with harmonics, swelling four times a second), which is loud like speech.
fn voice(samples: usize) -> Vec<f32> {
    let tau = std::f32::consts::TAU;
    let at = |n: usize| {
        let t = n as f32 / 16_000.0;
        let buzz: f32 = (1..20).map(|k| formant(150.0 * k as f32) * (tau * 150.0 * k as f32 * t).sin()).sum();
        0.15 * buzz * (0.6 + 0.4 * (tau * 4.0 * t).sin())
    };
    (0..samples).map(at).collect()
}

/// Weights of harmonics as in the vowel a: formants near 750, 1250 and 2600 Hz.
fn formant(hertz: f32) -> f32 {
    [(750.0, 1.0), (1250.0, 0.7), (2600.0, 0.2)]
        .iter()
        .map(|(at, gain)| gain / (1.0 + ((hertz - at) / 90.0f32).powi(2)))
        .sum()
}

fn run<P: SpeechProbability>(vad: &mut Vad<P>, samples: &[f32], block: usize) -> Vec<SpeechSegment> {
    let mut out = Vec::new();
    let mut start_sample = 0;
    for samples in samples.chunks(block) {
        let block = SampleBlock { channel: 1, start_sample, samples: samples.to_vec() };
        vad.push(&block, &mut out).unwrap();
        start_sample += samples.len() as u64;
    }
    vad.finish(&mut out).unwrap();
    out
}

fn conforms<P: SpeechProbability>(mut vad: Vad<P>) {
    let call = [voice(40_000), vec![0.0; 30_000], voice(35_000), vec![0.0; 33_339], voice(50_000)].concat();
    let whole = run(&mut vad, &call, call.len());
    assert_eq!(whole.len(), 3, "{whole:?}");
    assert_eq!(whole[0].span.start_ms, 0, "speech at sample 0");
    assert_eq!(whole[2].span.end_ms, call.len() as i64 / 16 + 1, "speech to the very end");
    assert!(whole.iter().all(|segment| segment.channel == 1));
    for block in [1, 511, 512, 513, 16_000, 16_385] {
        assert_eq!(run(&mut vad, &call, block), whole, "blocks of {block}");
    }
    for quiet in [0, 1, 512, 100_000] {
        assert_eq!(run(&mut vad, &vec![0.0; quiet], 4096), [], "{quiet} samples of silence");
    }
    assert_eq!(run(&mut vad, &call, 8000), whole, "after other streams");
}

#[test]
fn energy_conforms() {
    conforms(Vad::new(VadOptions::default(), EnergyVad::default()).unwrap());
}

/// The agent's channel of a bundled demo call, at 16 kHz.
fn demo_call() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/demo/recordings/c01-clean-order.wav");
    let mut reader = AudioReader::open(path.as_ref(), &AudioLimits::default()).unwrap();
    let (mut blocks, mut samples) = (Vec::new(), Vec::new());
    while reader.next_blocks(&mut blocks).unwrap() {
        samples.extend(blocks.drain(..).filter(|block| block.channel == 0).flat_map(|block| block.samples));
    }
    samples
}

/// Silero only hears voices, so this runs on a bundled call, cut so that it begins and ends inside speech.
#[test]
fn silero_conforms() {
    let silero = SileroVad::open_default().unwrap_or_else(|error| panic!("run make setup: {error}"));
    let mut vad = Vad::new(VadOptions::default(), silero).unwrap();
    let call = demo_call();
    let found = run(&mut vad, &call, call.len());
    let middle = |segment: &SpeechSegment| (segment.span.start_ms + segment.span.end_ms) as usize / 2 * 16;
    let cut = &call[middle(&found[0])..middle(&found[found.len() - 1])];
    let whole = run(&mut vad, cut, cut.len());
    assert!(found.len() >= 5 && whole.len() >= 5, "{found:?}");
    assert!(whole[0].span.start_ms < 100, "speech at sample 0: {:?}", whole[0]);
    assert_eq!(whole[whole.len() - 1].span.end_ms, (cut.len() as i64 + 15) / 16, "speech to the very end");
    for block in [1, 513, 16_000, 16_385] {
        assert_eq!(run(&mut vad, cut, block), whole, "blocks of {block}");
    }
    assert_eq!(run(&mut vad, &vec![0.0; 100_000], 4096), [], "silence");
    assert_eq!(run(&mut vad, &call, 8000), found, "after other streams");
}

#[test]
fn blocks_out_of_order_are_refused_and_a_reset_helps() {
    let mut vad = Vad::new(VadOptions::default(), EnergyVad::default()).unwrap();
    let block = |channel, start_sample| SampleBlock { channel, start_sample, samples: vec![0.0; 100] };
    let mut out = Vec::new();
    vad.push(&block(0, 0), &mut out).unwrap();
    assert!(matches!(vad.push(&block(0, 200), &mut out), Err(VadError::Order { expected: 100, .. })));
    assert!(matches!(vad.push(&block(1, 100), &mut out), Err(VadError::Order { .. })));
    vad.reset();
    vad.push(&block(1, 0), &mut out).unwrap();
}
