//! What is heard is the call, or nothing.

use std::path::{Path, PathBuf};

use super::Console;
use crate::support::{code, recordings, run, stderr};

const NUMBER: &str = "13812345678";

/// A console over two inspected recordings, one of them named by the customer's number and tagged with it, and one that is none.
fn console() -> (tempfile::TempDir, Console) {
    let folder = tempfile::tempdir().unwrap();
    let sounds = recordings(&["c05-rhetorical-question.wav"]);
    let at = folder.path().join("recordings");
    std::fs::rename(sounds.path(), &at).unwrap();
    // Two seconds of noise that browsers play as it is.
    let noise: Vec<u8> = (0..16_000u32).flat_map(|i| ((i.wrapping_mul(i * 7) >> 3) as i16).to_le_bytes()).collect();
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    bytes.extend((noise.len() as u32).to_le_bytes());
    bytes.extend(noise);
    bytes.extend(b"LIST\x18\0\0\0INFOINAM\x0c\0\0\0");
    bytes.extend(NUMBER.as_bytes());
    bytes.push(0);
    let size = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    std::fs::write(at.join(format!("{NUMBER}.wav")), &bytes).unwrap();
    // The header promises more.
    bytes[40..44].copy_from_slice(&320_000u32.to_le_bytes());
    std::fs::write(at.join("cut.wav"), &bytes[..20_000]).unwrap();
    std::fs::write(at.join("broken.wav"), "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0").unwrap();
    let metadata = folder.path().join("metadata.csv");
    let lines = format!(
        "call_id,file,agent_id,started_at\nc05,c05-rhetorical-question.wav,3021,2026-11-16T09:12:30+08:00\n\
         c01,{NUMBER}.wav,1086,2026-11-16T10:12:30+08:00\nbroken,broken.wav,3021,2026-11-16T11:12:30+08:00\n\
         cut,cut.wav,3021,2026-11-16T12:12:30+08:00\n"
    );
    std::fs::write(&metadata, lines).unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let lake = folder.path().join("lake");
    let made = run(&[
        "run",
        "--model=whisper-mini-zh",
        "--recordings",
        &text(&at),
        "--metadata",
        &text(&metadata),
        "--out",
        &text(&lake),
    ]);
    assert!(code(&made) <= 1, "{}", stderr(&made));
    let console = Console::hearing(&lake, &at, tempfile::tempdir().unwrap());
    (folder, console)
}

fn file(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join("recordings").join(name)
}

#[test]
fn sound_is_the_calls_own_or_none() {
    let (folder, mut console) = console();
    console.add("trusted", &["reviewer", "--numbers"]);
    let (plain, trusted) = (console.login("zhijian"), console.login("trusted"));
    let parts = ["audio", "clip?from=0&to=1000", "waveform.svg"];
    for part in parts {
        assert_eq!(plain.get(&format!("/calls/c05/{part}")).status, 200, "{part}");
    }
    // Another agent's call under the name of this one.
    let own = std::fs::read(file(&folder, "c05-rhetorical-question.wav")).unwrap();
    let other = root_recording("c07-shirking-angry.wav");
    std::fs::write(file(&folder, "c05-rhetorical-question.wav"), other).unwrap();
    for part in parts {
        for client in [&plain, &trusted] {
            let answer = client.get(&format!("/calls/c05/{part}"));
            assert!(
                answer.status == 409 && answer.text().contains("不是质检时的那个录音"),
                "{part}: {}",
                answer.status
            );
        }
    }
    let page = plain.get("/calls/c05").text();
    assert!(page.contains("校验值不同") && !page.contains("<audio"), "{page}");
    std::fs::write(file(&folder, "c05-rhetorical-question.wav"), own).unwrap();
    assert_eq!(plain.get("/calls/c05/audio").status, 200, "the right one is back");
}

fn root_recording(name: &str) -> Vec<u8> {
    std::fs::read(crate::support::root().join("tests/demo/recordings").join(name)).unwrap()
}

/// Nobody knows where in a recording that could not be understood a number is said.
#[test]
fn failed_calls_are_heard_by_those_with_the_right_only() {
    let (folder, mut console) = console();
    console.add("trusted", &["reviewer", "--numbers"]);
    let (plain, trusted) = (console.login("zhijian"), console.login("trusted"));
    assert_eq!(plain.get("/calls/broken/audio").status, 404);
    assert_eq!(plain.get("/calls/broken/waveform.svg").status, 404);
    assert_ne!(trusted.get("/calls/broken/audio").status, 404, "it is there, if not to be decoded");
    // The reason is told, the server's folders are not.
    for lang in ["zh", "en"] {
        let mut reader = console.login("zhijian");
        reader.reads(lang);
        for page in ["/calls/broken", "/queue?state=failed", "/dashboard"] {
            let text = reader.get(page).text();
            assert!(!text.contains(&folder.path().to_string_lossy().into_owned()), "{page}: {text}");
        }
    }
}

#[test]
fn numbers_beside_the_text_are_masked_too() {
    let (folder, mut console) = console();
    console.add("trusted", &["reviewer", "--numbers"]);
    let (plain, trusted) = (console.login("zhijian"), console.login("trusted"));
    let holds = |bytes: &[u8]| bytes.windows(NUMBER.len()).any(|w| w == NUMBER.as_bytes());
    let (masked, open) = (plain.get("/calls/c01/audio"), trusted.get("/calls/c01/audio"));
    assert_eq!((masked.status, open.status), (200, 200));
    assert!(!holds(&masked.body) && holds(&open.body), "tags of the file");
    std::fs::remove_file(file(&folder, &format!("{NUMBER}.wav"))).unwrap();
    let (masked, open) = (plain.get("/calls/c01").text(), trusted.get("/calls/c01").text());
    assert!(masked.contains("找不到这通电话的录音") && !masked.contains(NUMBER), "{masked}");
    assert!(open.contains(NUMBER));
}

#[test]
fn what_is_wrong_with_the_sound_stands_on_the_page() {
    let (_folder, console) = console();
    let (reviewer, agent) = (console.login("zhijian"), console.login("zuoxi"));
    for client in [&reviewer, &agent] {
        let page = client.get("/calls/cut").text();
        assert!(page.contains("录音：中途断了"), "{page}");
        assert!(!client.get("/calls/c05").text().contains("录音：中途断了"));
    }
}
