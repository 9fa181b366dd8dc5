//! `run --watch`: recordings are taken as they arrive; what it did is there for Prometheus, and its messages for
//! machines.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{callsift, root, run, stderr, stdout};

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn watch(folder: &Path) -> Child {
    let at = |name: &str| folder.join(name);
    let mut command = callsift();
    command.args(["run", "--model=whisper-mini-zh", "--dt=2026-11-16", "--every=1", "--settle-secs=1", "--json"]);
    command.arg("--watch").arg(at("in")).arg("--lake").arg(at("lake")).arg("--metrics").arg(at("callsift.prom"));
    command.env("CALLSIFT_LOG_FORMAT", "json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn recordings_are_taken_as_they_arrive() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let arrive = |name: &str| {
        fs::copy(root().join("tests/demo/recordings").join(name), folder.path().join("in").join(name)).unwrap();
    };
    let metrics = || fs::read_to_string(folder.path().join("callsift.prom")).unwrap_or_default();
    let child = watch(folder.path());
    let id = child.id().to_string();
    arrive("c06-forbidden-phrase.wav");
    until("the first call is inspected", || metrics().contains("callsift_run_calls{outcome=\"inspected\"} 1\n"));
    arrive("c12-clean-mono.wav");
    until("the second, and the first is not done again", || {
        metrics().contains("outcome=\"inspected\"} 1\n") && metrics().contains("outcome=\"done_before\"} 1\n")
    });
    assert!(metrics().contains("callsift_run_completed 1\n"), "{}", metrics());
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // A line for each pass on standard output, a line for each message on standard error.
    let passes: Vec<serde_json::Value> = stdout(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(passes.iter().map(|pass| pass["ok"].as_u64().unwrap()).sum::<u64>(), 2);
    for line in stderr(&output).lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            message["time"].is_string() && message["level"].is_string() && message["message"].is_string(),
            "{line}"
        );
    }
    let lake = folder.path().join("lake").to_string_lossy().into_owned();
    let report: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["report", "--lake", &lake, "--json"]))).unwrap();
    assert_eq!(report["inspected"], 2);
}
