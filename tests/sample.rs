//! A listening plan is drawn, handed out, drawn again by somebody else, and a changed one is found out.

use std::fs;

use crate::support::{code, root, run, stderr, stdout};

#[test]
fn a_draw_can_be_checked_by_anyone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (calls, lake, out, csv) = (at("calls.jsonl"), at("lake"), at("draw.json"), at("list.csv"));
    // Twelve agents over ten days, thirty calls each, from the labelled ones.
    let labelled = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let mut lines = Vec::new();
    for (i, line) in labelled.lines().cycle().take(360).enumerate() {
        let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
        call["call_id"] = format!("k{i:04}").into();
        call["agent_id"] = format!("30{:02}", i % 12).into();
        call["unit"] = ["甲组", "乙组"][i % 2].into();
        call["started_at"] = format!("2026-11-{:02}T{:02}:{:02}:00+08:00", 2 + i / 36, 9 + i % 8, i % 60).into();
        lines.push(call.to_string());
    }
    fs::write(&calls, lines.join("\n")).unwrap();
    let made = run(&["run", "--transcripts", &calls, "--out", &lake, "--json", "--calls-per-part", "400"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));

    let plan = ["sample", "--lake", &lake, "--plan", "plans/half-month.toml", "--seed", "2026-11-1"];
    let rest = ["--to", "2026-11-15", "--reviewers", "王芳,李强,周敏", "--out", &out, "--csv", &csv];
    let drawn = run(&[&plan[..], &rest[..]].concat());
    assert_eq!(code(&drawn), 0, "{}", stderr(&drawn));
    let text = stdout(&drawn);
    assert!(text.contains("半月抽检：60 通，坐席 12 人") && text.contains("时长接近当日平均"), "{text}");
    let list = fs::read_to_string(&csv).unwrap();
    for reviewer in ["王芳", "李强", "周敏"] {
        assert_eq!(list.matches(reviewer).count(), 20, "{list}");
    }

    let verify = |file: &str| run(&["sample", "verify", file, "--lake", &lake]);
    assert_eq!(code(&verify(&out)), 0, "{}", stdout(&verify(&out)));
    // Somebody swaps one call for another.
    let record = fs::read_to_string(&out).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&record).unwrap();
    changed["picked"][0]["call_id"] = "k0359".into();
    let forged = at("forged.json");
    fs::write(&forged, changed.to_string()).unwrap();
    let found_out = verify(&forged);
    assert_eq!(code(&found_out), 1);
    assert!(stdout(&found_out).contains("文件被改过"), "{}", stdout(&found_out));
    let no_plan = run(&["sample", "--lake", &lake, "--seed", "x"]);
    assert_eq!(code(&no_plan), 2);
}

#[test]
fn all_shipped_plans_draw() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake").to_string_lossy().into_owned();
    let made = run(&["run", "--transcripts", "tests/labelled/dev.jsonl", "--out", &lake, "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    for entry in fs::read_dir(root().join("plans")).unwrap() {
        let plan = entry.unwrap().path().to_string_lossy().into_owned();
        let drawn = run(&["sample", "--lake", &lake, "--plan", &plan, "--seed", "s"]);
        assert_eq!(code(&drawn), 0, "{plan}: {}", stderr(&drawn));
    }
}
