//! Killed at any moment and run again: no call is lost, none is doubled, the lake is the same.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{callsift, code, parquet_bytes, recordings, run, run_args, stderr};

#[test]
fn sigkill_loses_nothing_and_doubles_nothing() {
    let calls = recordings(&[
        "c03-greeting-missing.wav",
        "c05-rhetorical-question.wav",
        "c06-forbidden-phrase.wav",
        "c12-clean-mono.wav",
    ]);
    let lakes = tempfile::tempdir().unwrap();
    let args = |lake: &str| -> Vec<String> {
        let lake = lakes.path().join(lake);
        let more = ["--calls-per-part", "1", "--json"];
        run_args(calls.path(), &lake).into_iter().chain(more).map(str::to_owned).collect()
    };
    let started = Instant::now();
    let whole: Vec<String> = args("whole");
    let output = run(&whole.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let length = started.elapsed();

    // Kills spread over the run's length, with odd steps so that they fall at all kinds of moments.
    for share in [0.23, 0.41, 0.67, 0.83] {
        let mut child = callsift().args(args("killed")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_secs_f64(length.as_secs_f64() * share));
        let _ = child.kill();
        let _ = child.wait();
    }
    let killed: Vec<String> = args("killed");
    let last = run(&killed.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code(&last), 0, "{}", stderr(&last));
    let (whole, killed) = (parquet_bytes(&lakes.path().join("whole")), parquet_bytes(&lakes.path().join("killed")));
    assert_eq!(whole.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
    assert!(whole == killed);
}

#[test]
fn an_interrupt_finishes_what_is_open_and_exits_cleanly() {
    let calls = recordings(&["c03-greeting-missing.wav", "c05-rhetorical-question.wav", "c06-forbidden-phrase.wav"]);
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let args = [&run_args(calls.path(), &lake)[..], &["--json"]].concat();
    let child = callsift().args(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(700));
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (done, left) = (summary["calls"].as_u64().unwrap(), summary["not_reached"].as_u64().unwrap());
    assert_eq!(done + left, 3);
    // What was done is in the lake, and the next run does the rest.
    let next = run(&args);
    let summary: serde_json::Value = serde_json::from_slice(&next.stdout).unwrap();
    assert_eq!(summary["skipped"].as_u64().unwrap(), done);
    assert_eq!(summary["calls"].as_u64().unwrap(), left);
}
