//! Any bytes as a recording: what it is, before any sound is decoded.
#![no_main]

mod file;

use callsift_audio::{AudioLimits, exact_mime, holds_sound_alone, probe};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: file::let_panics_be_contained(), |bytes: &[u8]| {
    let Some(path) = file::recording(bytes) else { return };
    let _ = probe(&path);
    let _ = holds_sound_alone(&path);
    let _ = exact_mime(&path, &AudioLimits::default());
});
