//! Any bytes as a recording, and all of its sound. ffmpeg is no part of it: it is a process of its own.
#![no_main]

mod file;

use callsift_audio::{AudioLimits, AudioReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: file::let_panics_be_contained(), |bytes: &[u8]| {
    let Some(path) = file::recording(bytes) else { return };
    // Ten minutes are as good as twelve hours here, and quicker.
    let limits = AudioLimits { max_duration_ms: 600_000, ..AudioLimits::default() };
    let Ok(mut reader) = AudioReader::open(&path, &limits) else { return };
    let (mut blocks, mut samples) = (Vec::new(), 0);
    while let Ok(true) = reader.next_blocks(&mut blocks) {
        for block in blocks.drain(..) {
            assert!(block.samples.iter().all(|s| s.is_finite()), "a sample is no number");
            samples = samples.max(block.start_sample + block.samples.len() as u64);
        }
    }
    let Ok(info) = reader.finish() else { return };
    let heard_ms = samples as i64 / 16;
    assert!(info.duration_ms.abs_diff(heard_ms) <= 1_000, "{} ms said, {heard_ms} ms heard", info.duration_ms);
});
