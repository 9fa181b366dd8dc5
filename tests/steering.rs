//! Names, ids and words of other systems steer no terminal and forge no line, whichever command shows them.

use std::path::Path;

use crate::support::{code, run, stderr, stdout};

/// Clears a terminal, colours, changes the direction of writing, and begins a line of its own.
const EVIL: &str = "k\u{1b}[2J\u{9b}31m\u{202e}\u{7}\r\n伪造一行";

fn steers(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn no_command_shows_what_steers() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, calls, sounds) =
        (folder.path().join("lake"), folder.path().join("calls.jsonl"), folder.path().join("rec"));
    let turn = |role: &str, at: i64, text: &str| serde_json::json!({"role": role, "start_ms": at, "end_ms": at + 3000, "text": text});
    let call = |id: &str| {
        serde_json::json!({"call_id": id, "agent_id": EVIL, "agent_name": EVIL, "queue": EVIL, "customer_id": EVIL, "unit": EVIL,
            "started_at": "2026-11-16T12:00:00+08:00", EVIL: EVIL,
            "turns": [turn("agent", 0, &format!("这不归我管{EVIL}你找别人去")), turn("customer", 4000, EVIL)]})
    };
    let lines = [call(EVIL), call(&format!("{EVIL}2")), serde_json::json!({"call_id": EVIL, "turns": EVIL})];
    std::fs::write(&calls, lines.map(|l| l.to_string()).join("\n")).unwrap();
    std::fs::create_dir(&sounds).unwrap();
    // No file is named by NUL or a slash.
    std::fs::write(sounds.join(format!("{EVIL}.wav")), "no sound").unwrap();
    std::fs::write(sounds.join(format!("{EVIL}.txt")), "no recording").unwrap();
    let metadata = folder.path().join("meta.csv");
    std::fs::write(&metadata, format!("file,agent_id,\"{EVIL}\"\n\"none{EVIL}.wav\",\"{EVIL}\",\"{EVIL}\"\n")).unwrap();
    let at = text(&lake);
    let (calls, sounds, metadata) = (text(&calls), text(&sounds), text(&metadata));
    let stranger = lake.join("calls").join(format!("dt=2026-11-16{EVIL}"));
    let evil = text(&folder.path().join("rec").join(format!("{EVIL}.wav")));
    let commands: [&[&str]; 16] = [
        &["run", "--transcripts", &calls, "--lake", &at],
        &["run", "--transcripts", &calls, "--lake", &at, "--json"],
        &["run", "--recordings", &sounds, "--metadata", &metadata, "--model", "whisper-mini-zh", "--lake", &at],
        &[
            "--log-format",
            "json",
            "run",
            "--recordings",
            &sounds,
            "--metadata",
            &metadata,
            "--model",
            "whisper-mini-zh",
            "--lake",
            &at,
            "--retry-failed",
        ],
        &["report", "--lake", &at],
        &["report", "--lake", &at, "--json"],
        &["replay", "--lake", &at],
        &["rules", "diff", "--lake", &at, "rules", "rules"],
        &["rules", "explain", "shirking", "--lake", &at, "--call", EVIL],
        &["sample", "--lake", &at, "--plan", "training", "--seed", "1"],
        &["estimate", "--lake", &at],
        &["retain", "--lake", &at, "--days", "1", "--today", "2026-12-18"],
        &["compact", "--lake", &at],
        &["transcribe", &evil, "--model", "whisper-mini-zh"],
        &["lake", "check", "--lake", &at],
        &["lake", "check", "--lake", &at, "--json"],
    ];
    let mut shown = 0;
    for (i, args) in commands.iter().enumerate() {
        if i == 4 {
            std::fs::create_dir_all(&stranger).unwrap();
        }
        if i == 14 {
            let day = std::fs::read_dir(lake.join("turns/dt=2026-11-16")).unwrap().next().unwrap().unwrap().path();
            let bytes = std::fs::read(&day).unwrap();
            std::fs::write(&day, &bytes[..bytes.len() / 2]).unwrap();
        }
        let out = run(args);
        assert!(code(&out) <= 2, "{args:?}");
        for said in [stdout(&out), stderr(&out)] {
            let raw: Vec<char> = said.chars().filter(|c| steers(*c)).collect();
            assert!(raw.is_empty(), "{args:?} shows {raw:?} in {said}");
            let forged = said.lines().find(|line| line.trim_start().starts_with("伪造"));
            assert!(forged.is_none(), "{args:?} begins a line with {forged:?} in {said}");
            shown += said.matches("伪造").count();
        }
    }
    assert!(shown > 20, "the names are shown at all: {shown}");
}
