//! Broken, mislabelled and hostile files: an error that says what is wrong, or the audio that is there. Never a panic.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use callsift_audio::{AudioError, AudioLimits, AudioReader};
use callsift_core::{AudioInfo, ChannelLayout};
use proptest::prelude::*;

fn read(path: &Path, limits: &AudioLimits) -> Result<AudioInfo, AudioError> {
    let mut reader = AudioReader::open(path, limits)?;
    let mut blocks = Vec::new();
    while reader.next_blocks(&mut blocks)? {
        blocks.clear();
    }
    reader.finish()
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<AudioInfo, AudioError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read(&path, &AudioLimits::default())
}

fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    std::fs::read(path).unwrap()
}

/// PCM16 WAV with a chosen data size.
fn wav(channels: u16, rate: u32, size: Option<u32>, data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(size.unwrap_or(data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn errors_say_what_to_do() {
    let empty = read_bytes("a.wav", b"").unwrap_err();
    assert!(empty.to_string().starts_with("file is empty: "));
    let html = read_bytes("a.wav", b"<html><body>502 Bad Gateway</body></html>").unwrap_err();
    assert!(html.to_string().starts_with("not a recording but an HTML page: "));
    let header_only = read_bytes("a.wav", &wav(1, 8000, None, b"")).unwrap_err();
    assert!(matches!(header_only, AudioError::NoSamples { .. }), "{header_only}");
    let cut = read_bytes("a.wav", &wav(1, 8000, None, b"")[..30]).unwrap_err();
    assert!(matches!(cut, AudioError::Malformed { .. }), "{cut}");
    let noise = read_bytes("a.wav", &[0x9d, 0x01, 0xfe, 0x33, 0x80]).unwrap_err();
    assert!(matches!(noise, AudioError::Unsupported { .. }), "{noise}");
    let silk = read_bytes("a.slk", b"\x02#!SILK_V3abcdef").unwrap_err();
    assert!(matches!(silk, AudioError::Unsupported { .. }), "{silk}");
    for special in [".", "/dev/zero"] {
        let error = read(Path::new(special), &AudioLimits::default()).unwrap_err();
        assert!(matches!(error, AudioError::NotAudio { .. }), "{error}");
    }
}

#[test]
fn one_sample_is_a_recording() {
    let info = read_bytes("a.wav", &wav(1, 8000, None, &[0, 1])).unwrap();
    assert_eq!((info.duration_ms, info.layout), (0, ChannelLayout::Mono));
    let reader_blocks = {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        std::fs::write(&path, wav(1, 8000, None, &[0, 1])).unwrap();
        let mut reader = AudioReader::open(&path, &AudioLimits::default()).unwrap();
        let mut blocks = Vec::new();
        while reader.next_blocks(&mut blocks).unwrap() {}
        blocks
    };
    assert_eq!(reader_blocks.iter().map(|block| block.samples.len()).sum::<usize>(), 2);
}

#[test]
fn headers_that_lie_about_their_size_lose_no_audio() {
    let data = vec![7; 32_000];
    for size in [0, 5, 40_000, 0x7fff_ffff, u32::MAX] {
        let info = read_bytes("a.wav", &wav(2, 8000, Some(size), &data)).unwrap();
        assert_eq!(info.duration_ms, 1000, "size {size}");
    }
}

#[test]
fn files_cut_in_the_middle_give_what_is_there() {
    for name in ["mpeg25.mp3", "tone.flac", "ima.wav", "aac.aac", "alaw.wav"] {
        let whole = fixture(name);
        let info = read_bytes("cut", &whole[..whole.len() * 2 / 3]);
        let info = info.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((200..=950).contains(&info.duration_ms), "{name}: {} ms", info.duration_ms);
    }
}

#[test]
fn limits_have_their_own_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let strict = AudioLimits { max_duration_ms: 500, ..AudioLimits::default() };
    std::fs::write(&path, wav(1, 8000, Some(u32::MAX), &vec![7; 32_000])).unwrap();
    assert!(matches!(read(&path, &strict), Err(AudioError::Limit { what: "duration in ms", .. })));
    for (channels, rate) in [(9, 8000), (1, 1000), (1, 400_000)] {
        std::fs::write(&path, wav(channels, rate, None, &[7; 3600])).unwrap();
        assert!(matches!(read(&path, &AudioLimits::default()), Err(AudioError::Limit { .. })), "{channels} at {rate}");
    }
}

#[test]
fn fake_stereo_gives_one_channel_and_the_quality_of_both() {
    let mut state = 1u32;
    let data: Vec<u8> = (0..16_000)
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let sample = ((state >> 16) as i16 / 4).to_le_bytes();
            [sample[0], sample[1], sample[0], sample[1]]
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    std::fs::write(&path, wav(2, 8000, None, &data)).unwrap();
    let mut reader = AudioReader::open(&path, &AudioLimits::default()).unwrap();
    assert_eq!((reader.layout(), reader.emitted_channels()), (ChannelLayout::FakeStereo, 1));
    let mut blocks = Vec::new();
    while reader.next_blocks(&mut blocks).unwrap() {}
    assert!(blocks.iter().all(|block| block.channel == 0));
    assert_eq!(blocks.iter().map(|block| block.samples.len()).sum::<usize>(), 32_000);
    assert_eq!(reader.finish().unwrap().quality.len(), 2);
}

/// A sparse file: ten hours of silence cost neither disk nor memory.
#[test]
fn ten_hours_of_silence_stream_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    std::fs::write(&path, wav(1, 8000, Some(u32::MAX), &[])).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(44 + 10 * 3600 * 8000 * 2).unwrap();
    let mut reader = AudioReader::open(&path, &AudioLimits::default()).unwrap();
    let mut blocks = Vec::new();
    let mut largest = 0;
    while reader.next_blocks(&mut blocks).unwrap() {
        largest = largest.max(blocks.drain(..).map(|block| block.samples.len()).sum());
    }
    assert!(largest <= 3 * 16_000, "{largest} samples at once");
    let info = reader.finish().unwrap();
    assert_eq!((info.duration_ms, info.quality[0].rms_dbfs), (36_000_000, -120.0));
}

const FIXTURES: [&str; 9] =
    ["alaw.wav", "ima.wav", "tone.flac", "mpeg25.mp3", "vorbis.ogg", "opus.ogg", "aac.m4a", "s16.aiff", "opus.webm"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_bytes("a.wav", &bytes);
    }

    #[test]
    fn mutated_recordings_never_panic(
        which in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(),
        cut_it: bool,
    ) {
        let mut bytes = fixture(FIXTURES[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut_it {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read_bytes("a.bin", &bytes);
    }
}

/// A file that names others is no recording, whatever it is called: their speech must not be taken for the call's.
#[test]
fn playlists_open_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let tone: Vec<u8> = (0..16_000u32).flat_map(|i| ((i * i * 7) as i16).to_le_bytes()).collect();
    let other = dir.path().join("secret.wav");
    std::fs::write(&other, wav(1, 8000, None, &tone)).unwrap();
    assert!(read(&other, &AudioLimits::default()).is_ok());
    let hls = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:{}\n#EXT-X-ENDLIST\n", other.display());
    let relative = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n".to_owned();
    let concat = "ffconcat version 1.0\nfile secret.wav\n".to_owned();
    let sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n".to_owned();
    let tag = b"ID3\x04\0\0\0\0\0\x05abcde".to_vec();
    for (text, name) in [hls, relative, concat, sdp].into_iter().zip(["a.m3u8", "b.m3u8", "c.ffconcat", "d.sdp"]) {
        for name in [name, "call.mp3", "call.vox", "call.gsm", "call.wma", "call.wav"] {
            for bytes in [text.clone().into_bytes(), [&tag[..], text.as_bytes()].concat()] {
                let path = dir.path().join(name);
                std::fs::write(&path, &bytes).unwrap();
                match read(&path, &AudioLimits::default()) {
                    Err(_) => {}
                    // Two seconds would be the other file's.
                    Ok(info) => assert!(info.duration_ms < 500, "{name}: {info:?}"),
                }
            }
        }
    }
}
