//! Labelled calls that were spoken and heard (tests/spoken): what recognition costs the rules, and the second hearing from the
//! recording to the lake and back.

use std::path::Path;

use serde_json::Value;

use crate::real::whisper_base;
use crate::support::{code, root, run, stderr, stdout};

/// Sums over all rules of a set, of what was said or heard.
fn sum(report: &Value, set: &str, which: &str, count: &str) -> u64 {
    let rules = report[set][which].as_object().unwrap();
    rules.values().map(|rule| rule[count].as_u64().unwrap()).sum()
}

/// Judged from the transcripts that are kept, so no model is needed. The bounds lie a little below what held when they were set:
/// whoever changes rules or matching sees here what it does to calls as a recogniser hears them.
#[test]
fn rules_hold_on_what_was_heard_as_well_as_they_did() {
    let folder = root().join("tests/spoken");
    let out = run(&["eval", "--spoken", folder.to_str().unwrap(), "--rules", "rules", "--profile", "all", "--json"]);
    assert_eq!(code(&out), 0, "{}", stderr(&out));
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap();
    for (set, calls, most_false, least_found) in [("dev", 78, 4, 58), ("test", 150, 8, 58)] {
        let lines = std::fs::read_to_string(folder.join(format!("{set}.jsonl"))).unwrap();
        assert_eq!(lines.lines().count(), calls);
        let (wrong, found) = (sum(&report, set, "heard", "false_hits"), sum(&report, set, "heard", "true_hits"));
        assert!(wrong <= most_false && found >= least_found, "{set}: {wrong} false, {found} found");
        assert!(sum(&report, set, "said", "false_hits") <= wrong, "{set}: recognition costs something");
    }
}

/// The verdict and reason of a rule for the one call of a lake.
fn finding(lake: &Path, rule: &str) -> (String, String) {
    let script = "import sys,duckdb;print('\\t'.join(duckdb.sql(f\"select verdict, reason from '{sys.argv[1]}/findings/*/*.parquet' \
                  where rule_id='{sys.argv[2]}'\").fetchall()[0]))";
    let found = std::process::Command::new(crate::support::python())
        .args(["-c", script, lake.to_str().unwrap(), rule])
        .output()
        .unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let line = String::from_utf8(found.stdout).unwrap();
    let (verdict, reason) = line.trim_end().split_once('\t').unwrap();
    (verdict.to_owned(), reason.to_owned())
}

#[test]
fn a_farewell_that_was_misheard_is_heard_again_before_anybody_is_accused() {
    let Some(model) = whisper_base() else { return };
    let folder = tempfile::tempdir().unwrap();
    let deaf = folder.path().join("deaf.toml");
    let config = std::fs::read_to_string(root().join("callsift.toml")).unwrap();
    std::fs::write(&deaf, config.replace("second_hearing = true", "second_hearing = false")).unwrap();
    let recordings = root().join("tests/spoken/calls");
    let lake = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let (from, to) = (recordings.to_str().unwrap(), out.to_str().unwrap().to_owned());
        let args =
            ["run", "--recordings", from, "--out", &to, "--dt", "2026-11-16", "--settle-secs", "0", "--model", &model];
        let done = run(&[&args[..], more].concat());
        assert_eq!(code(&done), 0, "{}", stderr(&done));
        out
    };
    let (verdict, _) = finding(&lake("once", &["--config", deaf.to_str().unwrap()]), "farewell-missing");
    assert_eq!(verdict, "hit", "再见 is not among the words that were written down");
    let again = lake("again", &[]);
    let (verdict, reason) = finding(&again, "farewell-missing");
    assert_eq!(verdict, "clear", "{reason}");
    assert!(reason.contains("重听") && reason.contains("再见"), "{reason}");
    // The answer is kept with the turn: a replay has no sound, and judges the same.
    let out = run(&["replay", "--lake", again.to_str().unwrap(), "--rules", "rules"]);
    assert_eq!(code(&out), 0, "{}", stderr(&out));
    assert_eq!(finding(&again, "farewell-missing"), (verdict, reason));
}

#[test]
fn a_recording_that_cannot_be_heard_is_named_and_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let kept = root().join("tests/spoken");
    std::fs::copy(kept.join("calls/d-near-checks.wav"), folder.path().join("d-near-checks.wav")).unwrap();
    std::fs::write(folder.path().join("broken.wav"), "RIFF, and nothing more").unwrap();
    let all = std::fs::read_to_string(kept.join("dev.jsonl")).unwrap();
    let line = all.lines().find(|line| line.contains("\"d-near-checks.wav\"")).unwrap();
    let mut broken: Value = serde_json::from_str(line).unwrap();
    broken["call_id"] = "broken".into();
    broken["file"] = "broken.wav".into();
    std::fs::write(folder.path().join("own.jsonl"), format!("{line}\n{broken}\n")).unwrap();
    let at = folder.path().to_str().unwrap();
    let out = run(&["eval", "--spoken", at, "--rules", "rules", "--profile", "all", "--json"]);
    assert_eq!(code(&out), 1, "{}", stderr(&out));
    assert!(stderr(&out).contains("broken"), "{}", stderr(&out));
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert!(report["own"]["heard"].is_object(), "a set is named as its file");
    let heard = std::fs::read_to_string(folder.path().join("heard-own.jsonl")).unwrap();
    assert_eq!(heard.lines().count(), 1);
}
