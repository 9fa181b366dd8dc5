//! Sound that is missing is said, sound that is there is heard, and what lies around it is no sound.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use callsift_audio::{AudioError, AudioLimits, AudioReader, Encoding, Headerless};
use callsift_core::{AudioInfo, AudioMark, ChannelLayout};

fn read(name: &str, bytes: &[u8], limits: &AudioLimits) -> Result<AudioInfo, AudioError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    AudioReader::open(&path, limits)?.finish()
}

fn heard(name: &str, bytes: &[u8]) -> (i64, Vec<AudioMark>) {
    let info = read(name, bytes, &AudioLimits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    (info.duration_ms, info.marks)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap()
}

/// Files of a second each that are decoded here.
const FIXTURES: [&str; 12] = [
    "alaw.wav",
    "mulaw.wav",
    "s16.wav",
    "tone.flac",
    "mpeg25.mp3",
    "mpeg2.mp3",
    "vorbis.ogg",
    "opus.ogg",
    "opus.webm",
    "aac.m4a",
    "aac.aac",
    "s16.aiff",
];

#[test]
fn whole_files_have_no_mark_and_cut_ones_leave_the_end_open() {
    for name in FIXTURES {
        let whole = fixture(name);
        let (whole_ms, marks) = heard(name, &whole);
        assert_eq!(marks, [], "{name}");
        // The index of an MPEG-4 file may lie at its end; then nothing can be heard, and that is said.
        match read(name, &whole[..whole.len() * 2 / 3], &AudioLimits::default()) {
            Ok(info) => {
                assert!(info.duration_ms < whole_ms - 100, "{name}: {} ms of {whole_ms}", info.duration_ms);
                assert!(info.marks.iter().any(|mark| mark.leaves_end_open()), "{name}: {:?}", info.marks);
            }
            Err(AudioError::NoSamples { .. }) => assert!(name.ends_with("ogg"), "{name}: its second lies on one page"),
            Err(error) => assert!(name == "aac.m4a" && error.to_string().contains("breaks off"), "{name}: {error}"),
        }
    }
}

#[test]
fn joined_files_are_heard_one_after_the_other() {
    for name in FIXTURES {
        let one = fixture(name);
        let (one_ms, _) = heard(name, &one);
        let (both_ms, marks) = heard(name, &one.repeat(2));
        assert!((both_ms - 2 * one_ms).abs() <= 300, "{name}: {both_ms} ms, alone {one_ms}");
        let framed = name.ends_with("mp3") || name.ends_with("aac");
        assert!(framed || marks.contains(&AudioMark::Chained), "{name}: {marks:?}");
        assert!(!marks.iter().any(|mark| mark.leaves_end_open() || *mark == AudioMark::GapFilled), "{name}: {marks:?}");
    }
}

/// A stream that was recorded as it came, as browsers do: sizes of segment and clusters were never written.
#[test]
fn a_live_stream_ends_where_it_ends_and_nobody_knows_whether_it_should() {
    let whole = fixture("opus.webm");
    let (whole_ms, _) = heard("a.webm", &whole);
    let find = |id: &[u8]| (0..whole.len() - 4).rfind(|at| whole[*at..].starts_with(id)).unwrap();
    let [segment, info, cluster, index] =
        [b"\x18\x53\x80\x67", b"\x15\x49\xa9\x66", b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b"].map(|id| find(id));
    let body = |at: usize| at + 4 + whole[at + 4].leading_zeros() as usize + 1;
    let unknown = [1, 255, 255, 255, 255, 255, 255, 255];
    // Without what says where everything is.
    let live =
        [&whole[..segment + 4], &unknown, &whole[info..cluster + 4], &unknown, &whole[body(cluster)..index]].concat();
    let (ms, marks) = heard("a.webm", &live);
    assert_eq!((ms, &marks[..]), (whole_ms, &[AudioMark::Unfinished][..]));
    let (ms, marks) = heard("a.webm", &live[..live.len() * 2 / 3]);
    assert!(ms < whole_ms && marks.contains(&AudioMark::Truncated), "amid an element: {marks:?}");
}

#[test]
fn what_stands_before_and_behind_the_sound_is_none() {
    let heads: [(&str, &[u8]); 3] = [
        ("a byte order mark", b"\xef\xbb\xbf"),
        ("the head of a download", b"HTTP/1.1 200 OK\r\nContent-Type: audio/x\r\n\r\n"),
        ("an ID3 tag", b"ID3\x03\0\0\0\0\0\x10title-of-the-call"),
    ];
    let tag = [&b"TAG"[..], &[b'x'; 125]].concat();
    for name in FIXTURES {
        let plain = fixture(name);
        let (plain_ms, _) = heard(name, &plain);
        for (what, head) in heads {
            let found = heard(name, &[head, &plain].concat());
            assert_eq!(found.0, plain_ms, "{name} behind {what}");
            assert!(found.1.iter().all(|mark| *mark == AudioMark::LeadingData), "{name} behind {what}: {:?}", found.1);
        }
        let found = heard(name, &[&plain[..], &tag].concat());
        assert_eq!(found.0, plain_ms, "{name} before a tag");
        assert!(!found.1.iter().any(|mark| mark.leaves_end_open()), "{name} before a tag: {:?}", found.1);
    }
}

/// 16-bit WAV of a tone with a stated size.
fn wav(seconds: f32, stated: Option<u32>, behind: &[u8]) -> Vec<u8> {
    let samples = (seconds * 8000.0) as usize;
    let data: Vec<u8> = (0..samples).flat_map(|n| (((n as f32 * 0.3).sin() * 9000.0) as i16).to_le_bytes()).collect();
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    file.extend(stated.unwrap_or(data.len() as u32).to_le_bytes());
    file.extend(data);
    file.extend(behind);
    file
}

#[test]
fn sizes_of_wav_files_are_taken_for_what_they_are() {
    use AudioMark::{HeaderMismatch, TrailingData, Truncated, Unfinished, Unheard};
    let list = b"LIST\x0e\0\0\0INFOISFT\x02\0\0\0x\0";
    let more: Vec<u8> = wav(3.0, None, b"")[44..].to_vec();
    let mut state = 1u32;
    let noise: Vec<u8> = (0..40_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let cases: [(&str, Vec<u8>, i64, &[AudioMark]); 11] = [
        ("a tag", wav(2.0, None, list), 2000, &[]),
        ("no size", wav(2.0, Some(0), b""), 2000, &[Unfinished]),
        ("no size, but a tag", wav(2.0, Some(0), list), 2000, &[HeaderMismatch]),
        ("all ones", wav(2.0, Some(u32::MAX), b""), 2000, &[Unfinished]),
        ("all ones, but a tag", wav(2.0, Some(u32::MAX), list), 2000, &[HeaderMismatch]),
        ("2 GiB", wav(2.0, Some(0x7fff_ffff), b""), 2000, &[Unfinished]),
        ("broken off", wav(2.0, Some(48_000), b""), 2000, &[Truncated]),
        ("appended", wav(2.0, None, &more), 5000, &[HeaderMismatch]),
        ("wrapped", wav(2.0, Some(1_000), b""), 2000, &[HeaderMismatch]),
        ("filled up with zeros", wav(2.0, None, &[0; 4_096]), 2000, &[TrailingData]),
        ("a picture behind it", wav(2.0, None, &noise), 2000, &[Unheard]),
    ];
    for (what, bytes, ms, marks) in cases {
        let found = heard("call.wav", &bytes);
        assert_eq!((found.0, &found.1[..]), (ms, marks), "{what}");
    }
}

/// A chunk as it should be, with its padding.
fn chunk(id: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = [&id[..], &(body.len() as u32).to_le_bytes(), body].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// Text taken for samples is loud, and its neighbours are alike: it must be told by what it is.
#[test]
fn text_behind_the_sound_is_none() {
    use AudioMark::{HeaderMismatch, TrailingData};
    let xml = "<?xml version=\"1.0\"?><call><agent>3021</agent><note>客户来电 order 12</note></call>\n".repeat(400);
    let wide: Vec<u8> =
        format!("\u{feff}{}", xml.replace("客户来电", "call")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for id in [*b"iXML", *b"bext", *b"axml", *b"_PMX", *b"XML ", *b"NICE", *b"a.b1"] {
        for body in [xml.as_bytes(), &xml.as_bytes()[..xml.len() - 1], &wide[..]] {
            let tail = chunk(id, body);
            assert_eq!(heard("a.wav", &wav(2.0, None, &tail)), (2000, vec![]), "{id:?}");
            // Followed by another one, and behind sound of unknown length.
            let two = [&tail[..], b"LIST\x0e\0\0\0INFOISFT\x02\0\0\0x\0"].concat();
            assert_eq!(heard("a.wav", &wav(2.0, None, &two)), (2000, vec![]), "{id:?}");
            assert_eq!(heard("a.wav", &wav(2.0, Some(u32::MAX), &tail)), (2000, vec![HeaderMismatch]), "{id:?}");
        }
    }
    for body in [xml.as_bytes(), &xml.as_bytes()[..xml.len() - 40], &wide[..]] {
        assert_eq!(heard("a.wav", &wav(2.0, None, body)), (2000, vec![TrailingData]));
    }
}

#[test]
fn chunks_without_their_padding_and_with_wrong_sizes_lose_nothing() {
    let plain = wav(2.0, None, b"");
    let with = |chunk: &[u8]| [&plain[..36], chunk, &plain[36..]].concat();
    assert_eq!(heard("a.wav", &with(b"iXML\x05\0\0\0<a/>.")), (2000, vec![]));
    assert_eq!(heard("a.wav", &with(b"iXML\x05\0\0\0<a/>.\0")), (2000, vec![]));
    assert_eq!(heard("a.wav", &with(b"LIST\xff\xff\xff\x0fINFO")), (2000, vec![AudioMark::HeaderMismatch]));
}

#[test]
fn headerless_telephone_names_say_rate_and_encoding_in_any_case() {
    for (name, rate, seconds_bytes) in [
        ("a.sln", 8_000, 16_000),
        ("a.SLIN", 8_000, 16_000),
        ("a.sln12", 12_000, 24_000),
        ("a.slin16", 16_000, 32_000),
        ("a.sln44", 44_100, 88_200),
        ("a.Sln48", 48_000, 96_000),
        ("a.sln192", 192_000, 384_000),
        ("a.ULAW", 8_000, 8_000),
        ("a.al", 8_000, 8_000),
        ("a.mulaw", 8_000, 8_000),
    ] {
        let info = read(name, &vec![0x80; seconds_bytes], &AudioLimits::default()).unwrap();
        assert_eq!((info.sample_rate, info.duration_ms), (rate, 1000), "{name}");
    }
}

#[test]
fn a_side_note_says_what_a_vague_name_does_not() {
    let bytes = vec![0x80; 32_000];
    let error = read("a.pcm", &bytes, &AudioLimits::default()).unwrap_err().to_string();
    assert!(error.contains("headerless") && error.contains("ulaw"), "{error}");
    let note = Headerless { files: "*.pcm".to_owned(), encoding: Encoding::S16le, sample_rate: 8_000, channels: 2 };
    let limits = AudioLimits { headerless: vec![note], ..AudioLimits::default() };
    let info = read("A.PCM", &bytes, &limits).unwrap();
    assert_eq!((info.channels, info.duration_ms), (2, 1000));
    // What a file is counts before any note.
    assert_eq!(read("b.pcm", &fixture("alaw.wav"), &limits).unwrap().format, "wav/alaw");
    let strange = read("a.wav", &[0x9d, 0x01, 0xfe, 0x33, 0x80], &AudioLimits::default()).unwrap_err().to_string();
    assert!(!strange.contains("headerless"), "advice that does not fit: {strange}");
}

#[test]
fn an_offset_is_off_before_anything_is_measured() {
    let shifted: Vec<u8> = wav(2.0, None, b"")[44..]
        .chunks(2)
        .flat_map(|s| (i16::from_le_bytes([s[0], s[1]]) / 40 + 8_000).to_le_bytes())
        .collect();
    let bytes = [&wav(2.0, None, b"")[..44], &shifted].concat();
    let info = read("a.wav", &bytes, &AudioLimits::default()).unwrap();
    assert_eq!(info.layout, ChannelLayout::Mono);
    assert!((info.quality[0].rms_dbfs - -46.3).abs() < 1.5, "{}", info.quality[0].rms_dbfs);
}

#[test]
fn what_was_never_written_at_the_end_is_said() {
    for (name, idle) in [("call.pcma", 0xd5u8), ("call.pcmu", 0xff)] {
        let speech: Vec<u8> = (0..16_000u32).map(|n| idle ^ (n * 7_919 % 61) as u8).collect();
        let ending = |with: u8, ms: usize| heard(name, &[speech.clone(), vec![with; 8 * ms]].concat());
        assert_eq!(ending(0, 500), (2_500, vec![AudioMark::Truncated]), "{name}");
        assert_eq!(ending(0, 100).1, [], "{name}: too short to tell");
        assert_eq!(ending(idle, 500).1, [], "{name}: a line at rest");
    }
}
