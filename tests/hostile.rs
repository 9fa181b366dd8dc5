//! A folder of hostile files: a row and a reason for each, no panic, exit 1.

use std::path::Path;

use crate::support::{code, run, stderr, stdout};

/// A WAV header with the given fields and some data.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data_size: u32, data: &[u8]) -> Vec<u8> {
    let align = channels.wrapping_mul(bits / 8);
    let mut out = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
    out.extend(align.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(b"data");
    out.extend(data_size.to_le_bytes());
    out.extend(data);
    out
}

fn noise(len: usize) -> Vec<u8> {
    let mut seed = 7u32;
    (0..len)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let junk = noise(5000);
    let with = |head: &[u8]| [head, &junk].concat();
    vec![
        ("01-empty.wav", Vec::new()),
        ("02-one-byte.wav", vec![0x52]),
        ("03-riff-only.wav", b"RIFF\x24\0\0\0WAVE".to_vec()),
        ("04-cut-fmt.wav", wav(6, 2, 8000, 8, 100, &[])[..30].to_vec()),
        ("05-html.wav", b"<!DOCTYPE html><html><body>404 not found</body></html>".to_vec()),
        ("06-json.mp3", b"{\"error\":\"no such recording\"}".to_vec()),
        ("07-png.wav", with(b"\x89PNG\r\n\x1a\n")),
        ("08-noise.wav", junk.clone()),
        ("09-noise.mp3", junk.clone()),
        ("10-noise.flac", junk.clone()),
        ("11-noise.ogg", junk.clone()),
        ("12-noise.m4a", junk.clone()),
        ("13-noise.opus", junk.clone()),
        ("14-one-sample.wav", wav(1, 1, 8000, 16, 2, &[1, 0])),
        ("15-no-samples.wav", wav(6, 2, 8000, 8, 0, &[])),
        ("16-no-channels.wav", wav(1, 0, 8000, 16, 100, &junk[..100])),
        ("17-many-channels.wav", wav(1, 65_535, 8000, 16, 100, &junk[..100])),
        ("18-no-rate.wav", wav(1, 1, 0, 16, 100, &junk[..100])),
        ("19-mad-rate.wav", wav(1, 1, u32::MAX, 16, 100, &junk[..100])),
        ("20-no-bits.wav", wav(1, 1, 8000, 0, 100, &junk[..100])),
        ("21-unknown-codec.wav", wav(0x4242, 1, 8000, 8, 100, &junk[..100])),
        ("22-adpcm-noise.wav", wav(0x11, 1, 8000, 4, 4000, &junk[..4000])),
        ("23-flac-noise.flac", with(b"fLaC")),
        ("24-ogg-noise.ogg", with(b"OggS")),
        ("25-id3-noise.mp3", with(b"ID3\x04\0\0\0\0\x02\x01")),
        ("26-mp4-noise.m4a", with(b"\0\0\0\x20ftypM4A ")),
        ("27-zip.wav", with(b"PK\x03\x04")),
        ("28-elf.wav", with(b"\x7fELF")),
        ("29-text.wav", "这不是录音，是一段文字。".as_bytes().to_vec()),
        ("30-gsm-noise.wav", wav(0x31, 1, 8000, 0, 4000, &junk[..4000])),
    ]
}

fn rows(lake: &Path) -> Vec<serde_json::Value> {
    let script = "import sys,json,duckdb\n\
        q=f\"SELECT call_id,status,fail_stage,fail_reason FROM read_parquet('{sys.argv[1]}/calls/*/*.parquet') ORDER BY 1\"\n\
        cols=['call_id','status','fail_stage','fail_reason']\n\
        print(json.dumps([dict(zip(cols,r)) for r in duckdb.sql(q).fetchall()]))";
    let output = std::process::Command::new(crate::support::python()).args(["-c", script]).arg(lake).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn thirty_hostile_files_are_thirty_rows_with_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let (calls, lake) = (folder.path().join("calls"), folder.path().join("lake"));
    std::fs::create_dir(&calls).unwrap();
    for (name, bytes) in files() {
        std::fs::write(calls.join(name), bytes).unwrap();
    }
    let output = run(&[
        "run",
        "--model=whisper-mini-zh",
        "--recordings",
        calls.to_str().unwrap(),
        "--out",
        lake.to_str().unwrap(),
        "--dt",
        "2026-11-16",
        "--json",
    ]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    let rows = rows(&lake);
    assert_eq!(rows.len(), 30);
    let mut judged = Vec::new();
    for row in &rows {
        match row["status"].as_str().unwrap() {
            "failed" => {
                let reason = row["fail_reason"].as_str().unwrap();
                assert!(reason.len() > 8 && !reason.contains("internal error"), "{row}");
                assert_eq!(row["fail_stage"], "audio", "{row}");
            }
            _ => judged.push(row["call_id"].as_str().unwrap().to_owned()),
        }
    }
    // What can be decoded is a row without speech, or noise that somebody may take for it; the rest has failed.
    assert!(judged.iter().any(|id| id.starts_with("14-")), "a single sample is a short silence: {judged:?}");
    assert!(judged.len() <= 4, "{judged:?}");
}

#[test]
fn hours_of_silence_are_an_empty_row_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (calls, lake) = (folder.path().join("calls"), folder.path().join("lake"));
    std::fs::create_dir(&calls).unwrap();
    // Two hours of A-law silence: 58 MB; the same code path as ten hours in less test time.
    std::fs::write(calls.join("silence.wav"), wav(6, 1, 8000, 8, 0, &vec![0xd5; 8000 * 7200])).unwrap();
    let output = run(&[
        "run",
        "--model=whisper-mini-zh",
        "--recordings",
        calls.to_str().unwrap(),
        "--out",
        lake.to_str().unwrap(),
        "--dt",
        "2026-11-16",
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(rows(&lake)[0]["status"], "empty");
}
