//! Odd input and odd lakes: nothing is lost, doubled or guessed, nothing stops, and what is odd is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{callsift, code, python, recordings, root, run, run_args, stderr, stdout};

/// A lake of calls that another system transcribed, `k0` to so many, two a part.
fn lake(folder: &Path, calls: usize) -> String {
    let line = |i: usize| {
        let turns = "[{\"role\":\"agent\",\"start_ms\":0,\"end_ms\":2000,\"text\":\"您好。\"},\
             {\"role\":\"agent\",\"start_ms\":3000,\"end_ms\":6000,\"text\":\"这不归我管，你找别人\u{1b}[31m吧。\"}]";
        format!(
            "{{\"call_id\":\"k{i}\",\"agent_id\":\"3021\",\"started_at\":\"2026/11/16 9:0{}\",\"turns\":{turns}}}",
            i % 10
        )
    };
    let (file, out) = (folder.join("calls.jsonl"), folder.join("lake").to_string_lossy().into_owned());
    fs::write(&file, (0..calls).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let args = ["run", "--transcripts", file, "--out", &out, "--calls-per-part", "2", "--json"];
    let made = run(&args);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    out
}

fn part(lake: &str, table: &str, day: &str, number: usize) -> PathBuf {
    Path::new(lake).join(format!("{table}/dt={day}/part-{number:05}.parquet"))
}

#[test]
fn copies_damage_and_doubled_ids_in_a_lake_stop_nobody_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path(), 6);
    for table in ["calls", "turns", "findings"] {
        let of = |day: &str, n: usize| part(&lake, table, day, n);
        // A copied folder, and k0 and k1 once more under another day, as older versions could write them.
        for day in ["2026-11-16 (copy)", "2026-11-17"] {
            fs::create_dir_all(of(day, 0).parent().unwrap()).unwrap();
            fs::copy(of("2026-11-16", 0), of(day, 0)).unwrap();
        }
    }
    fs::write(part(&lake, "turns", "2026-11-16", 2), "not parquet").unwrap();
    let report = run(&["report", "--lake", &lake]);
    let (text, said) = (stdout(&report), stderr(&report));
    assert_eq!(code(&report), 0, "{said}");
    assert!(text.contains("通话 k0 重复出现") && text.contains("dt=2026-11-17/part-00000.parquet"), "{text}");
    assert!(said.contains("calls/dt=2026-11-16 (copy)") && !text.contains('\u{1b}'), "{said}");
    let data = folder.path().join("console");
    let estimate = run(&["estimate", "--lake", &lake, "--data", data.to_str().unwrap()]);
    let said = stderr(&estimate);
    assert!(code(&estimate) <= 1 && stdout(&estimate).contains("人工判断"), "{said}");
    assert!(said.contains("dt=2026-11-17/0：通话 k0") && said.contains("dt=2026-11-16/2：读不出"), "{said}");
    // Once the first goes, the other is shown.
    for table in ["calls", "turns", "findings"] {
        fs::remove_file(part(&lake, table, "2026-11-16", 0)).unwrap();
    }
    let again = run(&["estimate", "--lake", &lake, "--data", data.to_str().unwrap()]);
    assert!(!stderr(&again).contains("通话 k0") && stderr(&again).contains("读不出"), "{}", stderr(&again));
    let replayed =
        run(&["sample", "--lake", &lake, "--plan", "plans/risk-queue.toml", "--seed", "x", "--reviewers", "a"]);
    assert!(stderr(&replayed).contains("(copy)"), "every command says so: {}", stderr(&replayed));
}

#[test]
fn a_mended_line_replaces_its_failed_row() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lake) = (folder.path().join("calls.jsonl"), folder.path().join("lake"));
    let good = |id: &str| {
        format!(
            "{{\"call_id\":\"{id}\",\"turns\":[{{\"role\":\"AGENT\",\"start_ms\":0,\"end_ms\":2000.4,\"text\":\"您好\"}}]}}"
        )
    };
    let summary = |lines: &[String]| -> serde_json::Value {
        fs::write(&file, lines.join("\n")).unwrap();
        let done = run(&[
            "run",
            "--transcripts",
            file.to_str().unwrap(),
            "--out",
            lake.to_str().unwrap(),
            "--dt",
            "2026-11-16",
            "--json",
        ]);
        serde_json::from_str(&stdout(&done)).unwrap()
    };
    let first = summary(&[good("k1"), good("k2").replace("2000.4", "-1"), "{oops".to_owned()]);
    assert_eq!((first["ok"].as_u64(), first["failed"].as_u64()), (Some(1), Some(2)), "{first}");
    assert_eq!(first["failures"][0]["call_id"], "calls.jsonl:3");
    let second = summary(&[good("k1"), good("k2"), good("k3")]);
    assert_eq!((second["ok"].as_u64(), second["skipped"].as_u64()), (Some(2), Some(1)), "{second}");
    assert_eq!(second["intake"]["counts"]["replaced"], 2, "{second}");
    let report = stdout(&run(&["report", "--lake", lake.to_str().unwrap()]));
    assert!(report.contains("共 3 通，已质检 3 通"), "{report}");
}

#[cfg(unix)]
#[test]
fn a_night_of_odd_files_is_done_and_what_was_passed_over_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let calls = recordings(&["c03-greeting-missing.wav", "c06-forbidden-phrase.wav"]);
    let at = |name: &str| calls.path().join(name);
    let raw = [&b"\xc4\xe3.wav"[..], b"\xc4\xe4.wav"].map(std::ffi::OsStr::from_bytes);
    fs::rename(at("c03-greeting-missing.wav"), calls.path().join(raw[0])).unwrap();
    fs::create_dir(at("day")).unwrap();
    fs::rename(at("c06-forbidden-phrase.wav"), at("day").join(raw[1])).unwrap();
    std::os::unix::fs::symlink("..", at("day/up")).unwrap();
    fs::write(at("calls.csv"), "录音;工号;开始时间\nday/gone.wav;3021;2026/11/16 下午 3:05\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let args = [&run_args(calls.path(), &lake)[..], &["--json"]].concat();
    let metadata = at("calls.csv");
    let done = run(&[&args[..], &["--metadata", metadata.to_str().unwrap()]].concat());
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    let counts = &summary["intake"]["counts"];
    assert_eq!(
        (counts["link_passed_over"].as_u64(), counts["row_without_recording"].as_u64()),
        (Some(1), Some(1)),
        "{summary}"
    );
    // Both play in the console, whatever their bytes.
    let sounds = calls.path().canonicalize().unwrap();
    let part = callsift_store::stored_parts(&lake, None, None).unwrap().remove(0);
    for call in callsift_store::read_calls(&lake, &part).unwrap() {
        let path = sounds.join(callsift_core::path_of_name(&call.recording));
        assert!(path.is_file(), "{}", call.recording);
    }
    let again = run(&args);
    let summary: serde_json::Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!((summary["calls"].as_u64(), summary["skipped"].as_u64()), (Some(0), Some(2)), "{summary}");
}

#[test]
fn who_reads_during_a_replay_by_a_snapshot_or_by_the_rule_set_meets_what_belongs_together() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path(), 60);
    // Other rules: one takes other points.
    let rules = folder.path().join("rules");
    let copied = Command::new("cp").arg("-r").arg(root().join("rules")).arg(&rules).status().unwrap();
    assert!(copied.success());
    let one = rules.join("closing/farewell-missing.yaml");
    let text = fs::read_to_string(&one).unwrap();
    fs::write(&one, format!("{text}\n# other\n")).unwrap();
    let mut reader = Command::new(python())
        .arg(root().join("tests/snapshots.py"))
        .args([env!("CARGO_BIN_EXE_callsift"), &lake])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for i in 0..12 {
        let pack = if i % 2 == 0 { rules.clone() } else { root().join("rules") };
        let replayed = callsift().args(["replay", "--lake", &lake, "--rules"]).arg(pack).output().unwrap();
        assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    }
    drop(reader.stdin.take());
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success(), "{}{}", stdout(&read), stderr(&read));
}
