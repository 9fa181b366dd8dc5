//! Every format decodes to the same second of tones, in the right channel and at the right time.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use callsift_audio::{AudioError, AudioLimits, AudioReader, Format, ffmpeg_program, file_sha256, probe};
use callsift_core::{AudioInfo, ChannelLayout, SampleBlock};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Decodes a file and checks that the blocks of every channel join without a gap.
fn decode(path: &Path) -> Result<(Vec<Vec<f32>>, AudioInfo), AudioError> {
    let mut reader = AudioReader::open(path, &AudioLimits::default())?;
    let mut channels = vec![Vec::new(); reader.emitted_channels().into()];
    let mut blocks: Vec<SampleBlock> = Vec::new();
    while reader.next_blocks(&mut blocks)? {
        for block in blocks.drain(..) {
            let channel = &mut channels[usize::from(block.channel)];
            assert_eq!(block.start_sample, channel.len() as u64);
            assert!(block.samples.iter().all(|sample| sample.abs() <= 1.0));
            channel.extend(block.samples);
        }
    }
    assert!(!reader.next_blocks(&mut blocks)? && blocks.is_empty());
    Ok((channels, reader.finish()?))
}

/// Amplitude of one frequency in a stretch of 16 kHz samples.
fn amplitude(samples: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let phase = TAU * hertz * n as f64 / 16_000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

/// 440 Hz in the first half, 1200 Hz in the second; each in its own channel, or both in one.
fn check_tones(channels: &[Vec<f32>], name: &str) {
    let (left, right) = (&channels[0], channels.last().unwrap());
    let tone = |samples: &[f32], hertz| amplitude(samples, hertz);
    // Mono fixtures are the mean of the two channels; codecs at a few kbit/s lose some more.
    let least = if channels.len() == 2 { 0.35 } else { 0.12 };
    for (samples, hertz, loud, quiet) in
        [(left, 440.0, 800..7_200, 9_600..15_200), (right, 1200.0, 8_800..15_200, 800..6_400)]
    {
        assert!(
            tone(&samples[loud.clone()], hertz) > least,
            "{name}: {hertz} Hz is weak: {}",
            tone(&samples[loud], hertz)
        );
        assert!(tone(&samples[quiet.clone()], hertz) < 0.05, "{name}: {hertz} Hz where it should not be");
    }
}

#[test]
fn every_format_read_here_gives_the_tones_in_place() {
    let cases = [
        ("alaw.wav", "wav/alaw", "callsift-riff"),
        ("mulaw.wav", "wav/mulaw", "callsift-riff"),
        ("s16.wav", "wav/pcm_s16", "callsift-riff"),
        ("ima.wav", "wav/adpcm", "symphonia"),
        ("ms.wav", "wav/adpcm", "symphonia"),
        ("tone.flac", "flac", "symphonia"),
        ("mpeg25.mp3", "mp3", "symphonia"),
        ("mpeg2.mp3", "mp3", "symphonia"),
        ("vorbis.ogg", "ogg/vorbis", "symphonia"),
        ("opus.ogg", "ogg/opus", "libopus"),
        ("opus.webm", "webm", "libopus"),
        ("aac.m4a", "m4a/aac", "symphonia"),
        ("aac.aac", "aac", "symphonia"),
        ("s16.aiff", "aiff", "symphonia"),
    ];
    for (name, format, decoder) in cases {
        let (channels, info) = decode(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((info.format.as_str(), info.decoder.as_str()), (format, decoder), "{name}");
        assert_eq!((info.channels, info.layout), (2, ChannelLayout::Stereo), "{name}");
        // Codecs with a delay that the container does not state keep up to 150 ms of it.
        assert!((950..=1150).contains(&info.duration_ms), "{name} lasts {} ms", info.duration_ms);
        assert!((channels[0].len() as i64 - info.duration_ms * 16).abs() <= 16, "{name}");
        check_tones(&channels, name);
    }
}

#[test]
fn formats_of_ffmpeg_decode_or_say_what_is_missing() {
    for name in ["gsm.wav", "tone.gsm", "tone.g722", "g726.wav", "tone.wma"] {
        match (decode(&fixture(name)), ffmpeg_program()) {
            (Ok((channels, info)), Some(_)) => {
                assert_eq!(info.decoder, "ffmpeg", "{name}");
                assert!((950..=1300).contains(&info.duration_ms), "{name} lasts {} ms", info.duration_ms);
                check_tones(&channels, name);
            }
            (Err(AudioError::FfmpegMissing { .. }), None) => {}
            (Err(error), _) => panic!("{name}: {error}"),
            (Ok(_), None) => panic!("{name} was decoded without ffmpeg"),
        }
    }
}

#[test]
fn headerless_and_mobile_formats_reach_ffmpeg() {
    if ffmpeg_program().is_none() {
        return; // What happens then is tested above.
    }
    let dir = tempfile::tempdir().unwrap();
    // A second of AMR-NB frames at 12.2 kbit/s, a second of Dialogic ADPCM.
    let amr = [b"#!AMR\n".to_vec(), [&[0x3c][..], &[0x11; 31]].concat().repeat(50)].concat();
    for (name, bytes, format) in [("call.bin", amr, "amr-nb"), ("call.vox", vec![0x80; 4000], "vox")] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (_, info) = decode(&path).unwrap();
        assert_eq!((info.format.as_str(), info.duration_ms, info.layout), (format, 1000, ChannelLayout::Mono));
    }
}

#[test]
fn raw_g711_by_extension_equals_the_same_bytes_in_wav() {
    let wav = std::fs::read(fixture("alaw.wav")).unwrap();
    let at = wav.windows(4).position(|id| id == b"data").unwrap() + 8;
    let left: Vec<u8> = wav[at..].iter().step_by(2).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("left.al");
    std::fs::write(&path, left).unwrap();
    let (raw, info) = decode(&path).unwrap();
    assert_eq!((info.format.as_str(), info.layout), ("alaw", ChannelLayout::Mono));
    assert_eq!(raw[0], decode(&fixture("alaw.wav")).unwrap().0[0]);
}

#[test]
fn the_info_traces_the_file() {
    let info = decode(&fixture("mulaw.wav")).unwrap().1;
    assert_eq!(info.sha256, file_sha256(&fixture("mulaw.wav")).unwrap());
    assert_eq!(info.quality.len(), 2);
    assert!((info.quality[0].peak_dbfs - -6.0).abs() < 0.3);
    assert!(probe(&fixture("mulaw.wav")).is_ok_and(|format| format.name == "wav/mulaw"));
    assert!(Format::named("wav/mulaw").is_some());
}
