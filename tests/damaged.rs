//! One bad part stops nothing, is named everywhere, and can be made again.

use std::path::{Path, PathBuf};

use crate::support::{code, parquet_bytes, run, stderr, stdout};

/// A lake of three days, and the transcripts that it was made of.
pub fn lake() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (lake, calls) = (folder.path().join("lake"), folder.path().join("calls.jsonl"));
    let call = |day: u32| {
        let turns = [("agent", "这不归我管，你找别人去"), ("customer", "好的，谢谢你，再见")];
        let turn = |(i, (role, text)): (usize, &(&str, &str))| serde_json::json!({"role": role, "start_ms": i * 4000, "end_ms": i * 4000 + 3000, "text": text});
        serde_json::json!({"call_id": format!("d{day}"), "agent_id": "1",
            "started_at": format!("2026-11-{day:02}T12:00:00+08:00"),
            "turns": turns.iter().enumerate().map(turn).collect::<Vec<_>>()})
        .to_string()
    };
    std::fs::write(&calls, [16, 17, 18].map(call).join("\n")).unwrap();
    (folder, lake, calls)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub fn file(lake: &Path, table: &str, day: u32) -> PathBuf {
    lake.join(format!("{table}/dt=2026-11-{day}/part-00000.parquet"))
}

pub fn cut(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    // Through the pages, the footer spared.
    for at in (40..200).step_by(7) {
        bytes[at] ^= 0xff;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_bad_part_stops_nothing_and_can_be_made_again() {
    let (_folder, lake, calls) = lake();
    let (at, transcripts) = (text(&lake), text(&calls));
    let inspect = || run(&["run", "--transcripts", &transcripts, "--out", &at]);
    assert_eq!(code(&inspect()), 0);
    assert_eq!(code(&run(&["lake", "check", "--lake", &at])), 0);
    let whole = parquet_bytes(&lake);
    for (table, harm) in [("calls", cut as fn(&Path)), ("calls", flip), ("turns", cut), ("turns", flip)] {
        harm(&file(&lake, table, 17));
        let said = |args: &[&str], codes: &[i32]| {
            let out = run(args);
            let told = stdout(&out) + &stderr(&out);
            assert!(codes.contains(&code(&out)) && told.contains("part-00000.parquet"), "{table} {args:?}: {told}");
            told
        };
        let replayed = said(&["replay", "--lake", &at], &[1]);
        assert!(replayed.contains("重判 2 通"), "{replayed}");
        if table == "calls" {
            let report = said(&["report", "--lake", &at], &[0]);
            assert!(report.contains("共 2 通"), "{report}");
            said(&["retain", "--lake", &at, "--days", "1", "--today", "2026-11-18"], &[0]);
        }
        let checked = said(&["lake", "check", "--lake", &at], &[1]);
        assert!(checked.contains("共 3 份数据，损坏 1 份") && checked.contains("涉及的通话：d17"), "{checked}");
        said(&["lake", "check", "--lake", &at, "--quarantine"], &[1]);
        assert!(!file(&lake, "calls", 17).exists() && lake.join(".quarantine/calls/dt=2026-11-17").is_dir());
        let again = inspect();
        assert!(code(&again) == 0 && stdout(&again).contains("本次处理 1 通"), "{}", stdout(&again));
        assert_eq!(code(&run(&["lake", "check", "--lake", &at])), 0);
        std::fs::remove_dir_all(lake.join(".quarantine")).unwrap();
        assert_eq!(parquet_bytes(&lake), whole, "the same bytes as before");
    }
}

/// One bit of the words, in a page that still decompresses: everything could be read, and says something else.
fn whisper(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let word = "归我管".as_bytes();
    // A short page holds its words as they are.
    let at = bytes.windows(word.len()).position(|w| w == word).unwrap();
    let mut bytes = bytes;
    // 归 becomes another character.
    bytes[at + 2] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_word_that_changed_on_the_disk_is_found_and_accuses_nobody() {
    let (_folder, lake, calls) = lake();
    let (at, transcripts) = (text(&lake), text(&calls));
    let inspect = || run(&["run", "--transcripts", &transcripts, "--out", &at]);
    assert_eq!(code(&inspect()), 0);
    let whole = parquet_bytes(&lake);
    whisper(&file(&lake, "turns", 17));
    let checked = run(&["lake", "check", "--lake", &at]);
    let told = stdout(&checked);
    assert!(code(&checked) == 1 && told.contains("损坏 1 份") && told.contains("涉及的通话：d17"), "{told}");
    // Nothing is judged by it, and nothing of it is written anew under a checksum of its own.
    let replayed = run(&["replay", "--lake", &at]);
    assert!(code(&replayed) == 1 && stdout(&replayed).contains("重判 2 通"), "{}", stdout(&replayed));
    run(&["compact", "--lake", &at]);
    assert_eq!(code(&run(&["lake", "check", "--lake", &at, "--quarantine"])), 1);
    assert_eq!(code(&inspect()), 0);
    assert_eq!(code(&run(&["lake", "check", "--lake", &at])), 0);
    std::fs::remove_dir_all(lake.join(".quarantine")).unwrap();
    assert_eq!(parquet_bytes(&lake).len(), whole.len());
}

/// Findings are made again from what was said.
#[test]
fn damaged_findings_are_judged_again() {
    let (_folder, lake, calls) = lake();
    let at = text(&lake);
    assert_eq!(code(&run(&["run", "--transcripts", &text(&calls), "--out", &at])), 0);
    let whole = parquet_bytes(&lake);
    cut(&file(&lake, "findings", 17));
    let checked = run(&["lake", "check", "--lake", &at]);
    assert!(code(&checked) == 1 && stdout(&checked).contains("callsift replay"), "{}", stdout(&checked));
    let replayed = run(&["replay", "--lake", &at]);
    assert!(code(&replayed) == 0 && stdout(&replayed).contains("重判 3 通"), "{}", stdout(&replayed));
    assert_eq!(parquet_bytes(&lake), whole);
}

/// A run goes on beside a bad part, says so, and makes its calls again.
#[test]
fn a_run_goes_on_beside_a_bad_part() {
    let (_folder, lake, calls) = lake();
    let at = text(&lake);
    let inspect = || run(&["run", "--transcripts", &text(&calls), "--out", &at]);
    assert_eq!(code(&inspect()), 0);
    cut(&file(&lake, "calls", 17));
    let again = inspect();
    let told = stdout(&again);
    assert!(code(&again) == 0 && told.contains("本次处理 1 通") && told.contains("读不出"), "{told}");
}
