//! What people read, word for word: whoever changes it sees the change in a review. `INSTA_UPDATE=always make test` takes new words over.

use std::fs;

use crate::support::{code, root, run, stderr, stdout};

/// A lake of a few labelled calls of two days, and one line that is no call; what it prints names it LAKE.
struct Calls {
    folder: tempfile::TempDir,
}

impl Calls {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let labelled = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
        let mut lines: Vec<String> = Vec::new();
        for (i, line) in labelled.lines().step_by(27).enumerate() {
            let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
            call["started_at"] = format!("2026-11-{:02}T09:{:02}:00+08:00", 2 + i / 5, i).into();
            call["agent_id"] = format!("300{}", i % 2).into();
            lines.push(call.to_string());
        }
        lines.push(r#"{"call_id": "broken", "agent_id": "3001", "turns": [{"role": "agent"}]}"#.to_owned());
        fs::write(folder.path().join("calls.jsonl"), lines.join("\n")).unwrap();
        let calls = Self { folder };
        let made = run(&["run", "--transcripts", &calls.at("calls.jsonl"), "--out", &calls.at("lake"), "--json"]);
        assert_eq!(code(&made), 1, "one line is no call: {}", stderr(&made));
        calls
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn prints(&self, args: &[&str]) -> String {
        stdout(&run(args)).replace(&self.at("lake"), "LAKE")
    }
}

#[test]
fn the_report_of_a_night() {
    let calls = Calls::new();
    insta::assert_snapshot!("report", calls.prints(&["report", "--lake", &calls.at("lake"), "--top", "3"]));
    let english = calls.prints(&["report", "--lake", &calls.at("lake"), "--top", "3", "--lang", "en"]);
    insta::assert_snapshot!("report_en", english);
    let of = ["--lake", &calls.at("lake"), "--call", "d-out-nopurpose-1"];
    insta::assert_snapshot!("explain", calls.prints(&[&["rules", "explain", "purpose-missing"][..], &of[..]].concat()));
}

#[test]
fn the_list_of_a_draw() {
    let calls = Calls::new();
    let lake = calls.at("lake");
    let plan = ["sample", "--lake", &lake, "--plan", "plans/half-month.toml", "--seed", "2026-11-1"];
    insta::assert_snapshot!("draw", calls.prints(&[&plan[..], &["--reviewers", "王芳,李强"]].concat()));
}
