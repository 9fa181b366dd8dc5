//! `callsift worker` as an engine drives it: what it answers is what `run` writes, whatever dies meanwhile.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::support::{callsift, code, python, root, run, stderr};

/// Four calls of the demo as a manifest, and where results go.
struct Desk {
    folder: tempfile::TempDir,
}

/// What a worker left.
struct Answer {
    code: Option<i32>,
    results: PathBuf,
    events: Vec<serde_json::Value>,
}

impl Desk {
    fn new(ids: &[&str], form: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let text = fs::read_to_string(root().join("tests/demo/metadata.csv")).unwrap();
        let wanted = |line: &&str| ids.is_empty() || ids.iter().any(|id| line.starts_with(&format!("{id},")));
        let (head, rows) = text.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().filter(wanted).collect();
        fs::write(desk.at("m.csv"), format!("{head}\n{}\n", rows.join("\n"))).unwrap();
        ask(&["manifest", desk.text("m.csv").as_str(), desk.text("m.arrows").as_str(), form]);
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_string_lossy().into_owned()
    }

    /// Runs a worker; `watch` sees each event as it comes.
    fn work(&self, name: &str, more: &[&str], watch: &mut dyn FnMut(&serde_json::Value, &Child)) -> Answer {
        let args = ["worker", "--recordings", "tests/demo/recordings", "--rules=rules", "--model=whisper-mini-zh"];
        let results = self.at(name);
        let mut worker = callsift()
            .args(args)
            .args(more)
            .stdin(File::open(self.at("m.arrows")).unwrap())
            .stdout(File::create(&results).unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut events = Vec::new();
        for line in BufReader::new(worker.stderr.take().unwrap()).lines().map_while(Result::ok) {
            // A dying child may leave half a line.
            let Ok(event) = serde_json::from_str(&line) else { continue };
            watch(&event, &worker);
            events.push(event);
        }
        Answer { code: worker.wait().unwrap().code(), results, events }
    }
}

/// Runs the other side; its output.
fn ask(args: &[&str]) -> String {
    let output: Output = Command::new(python()).arg(root().join("tests/worker.py")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn rows(results: &Path) -> Vec<Vec<String>> {
    let text = ask(&["rows", results.to_str().unwrap()]);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn column(rows: &[Vec<String>], number: usize) -> Vec<&str> {
    rows.iter().map(|row| row[number].as_str()).collect()
}

fn abort(pid: u64) {
    assert!(Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap().success());
}

fn begins(event: &serde_json::Value, id: &str) -> bool {
    event["event"] == "begin" && event["recording_id"] == id
}

#[test]
fn results_are_what_run_writes_and_have_the_same_bytes_for_any_number_of_threads() {
    let desk = Desk::new(&[], "typed");
    let one = desk.work("one", &["--threads", "1"], &mut |_, _| ());
    let two = desk.work("two", &["--threads", "2"], &mut |_, _| ());
    assert_eq!((one.code, two.code), (Some(0), Some(0)), "{:?}", one.events);
    assert!(fs::read(&one.results).unwrap() == fs::read(&two.results).unwrap());
    let found = rows(&one.results);
    let expected: Vec<String> = (1..=14).map(|n| format!("c{n:02}")).collect();
    assert_eq!(column(&found, 0), expected, "each recording in the order of the manifest");
    assert_eq!(column(&found, 1).iter().filter(|s| **s == "error").count(), 1, "one is broken on purpose");
    assert!(found[13][2].starts_with("audio: "), "{:?}", found[13]);
    // Texts instead of types say the same, but for the agent's number, which has no leading zero here either.
    let plain = Desk::new(&["c05", "c14"], "plain");
    let lake = plain.text("lake");
    let metadata = plain.text("m.csv");
    let written = run(&[
        "run",
        "--model=whisper-mini-zh",
        "--rules=rules",
        "--recordings=tests/demo/recordings",
        "--lake",
        &lake,
        "--manifest",
        &metadata,
    ]);
    assert_eq!(code(&written), 1, "{}", stderr(&written));
    let answered = plain.work("results", &[], &mut |_, _| ());
    ask(&["compare", answered.results.to_str().unwrap(), &lake]);
    let whole = desk.text("lake");
    let written = run(&[
        "run",
        "--model=whisper-mini-zh",
        "--rules=rules",
        "--recordings=tests/demo/recordings",
        "--lake",
        &whole,
        "--metadata=tests/demo/metadata.csv",
    ]);
    assert_eq!(code(&written), 1, "{}", stderr(&written));
    let compared = ask(&["compare", one.results.to_str().unwrap(), &whole]);
    assert!(compared.starts_with("calls 14\nturns "), "{compared}");
}

#[test]
fn a_process_that_dies_once_costs_no_row() {
    let desk = Desk::new(&["c03", "c05", "c06", "c12"], "plain");
    let quiet = desk.work("quiet", &[], &mut |_, _| ());
    let mut killed = false;
    let shot = desk.work("shot", &[], &mut |event, _| {
        if begins(event, "c05") && !std::mem::replace(&mut killed, true) {
            abort(event["pid"].as_u64().unwrap());
        }
    });
    assert_eq!((shot.code, killed), (Some(0), true), "{:?}", shot.events);
    let (before, after) = (rows(&quiet.results), rows(&shot.results));
    assert_eq!(column(&before, 0), column(&after, 0));
    assert_eq!(column(&after, 1), ["ok"; 4]);
    assert_eq!(after[1][3], "2", "it was begun twice");
    let died: Vec<_> = shot.events.iter().filter(|e| e["event"] == "died").collect();
    assert_eq!((died.len(), died[0]["why"].as_str()), (1, Some("signal 6")));
}

#[test]
fn a_recording_that_always_takes_the_process_down_is_one_failed_row() {
    let desk = Desk::new(&["c03", "c05", "c06", "c12"], "plain");
    let kill = |event: &serde_json::Value, _: &Child| {
        if begins(event, "c05") && event["refused"] == false {
            abort(event["pid"].as_u64().unwrap());
        }
    };
    let shot = desk.work("shot", &["--threads", "2"], &mut { kill });
    assert_eq!(shot.code, Some(0), "{:?}", shot.events);
    let found = rows(&shot.results);
    assert_eq!(column(&found, 0), ["c03", "c05", "c06", "c12"]);
    assert_eq!(column(&found, 1), ["ok", "error", "ok", "ok"]);
    assert_eq!(found[1][2], "audio: the process died 2 times at this recording, at last alone (signal 6)");
    // A machine on which it dies all the time is at fault itself: nothing is claimed of the recordings.
    let hopeless = desk.work("hopeless", &["--max-deaths", "1"], &mut { kill });
    assert_eq!(hopeless.code, Some(75), "{:?}", hopeless.events);
    assert_eq!(hopeless.events.last().unwrap()["code"], 75);
}

#[test]
fn exit_codes_say_who_is_at_fault() {
    let desk = Desk::new(&["c05"], "plain");
    let silent = &mut |_: &serde_json::Value, _: &Child| ();
    let events = desk.work("model", &["--profile", "none-such"], silent);
    assert_eq!(events.code, Some(2));
    fs::write(desk.at("m.arrows"), "recording_id,uri\nc05,c05-rhetorical-question.wav\n").unwrap();
    let csv = desk.work("csv", &[], silent);
    assert_eq!(csv.code, Some(65), "{:?}", csv.events);
    assert!(csv.events.last().unwrap()["bad_input"].is_string());
    // Cut in the middle: what came whole is answered, and the end says that it was not all.
    ask(&["manifest", &desk.text("m.csv"), &desk.text("m.arrows"), "plain"]);
    let whole = fs::read(desk.at("m.arrows")).unwrap();
    fs::write(desk.at("m.arrows"), &whole[..whole.len() - 60]).unwrap();
    assert_eq!(desk.work("cut", &[], silent).code, Some(65));
    // Nobody reads the results.
    fs::write(desk.at("m.arrows"), &whole).unwrap();
    let mut command = callsift();
    command.args(["worker", "--recordings=tests/demo/recordings", "--rules=rules", "--model=whisper-mini-zh"]);
    command.stdin(File::open(desk.at("m.arrows")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut unread = command.spawn().unwrap();
    drop(unread.stdout.take());
    assert_eq!(unread.wait().unwrap().code(), Some(75));
}

/// Kubernetes and others kill the process that they started, and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_worker_leaves_no_process_behind() {
    let desk = Desk::new(&["c03", "c05", "c06", "c12"], "plain");
    let mut child = None;
    let shot = desk.work("shot", &[], &mut |event, worker| {
        if event["event"] == "begin" && child.is_none() {
            child = event["pid"].as_u64();
            Command::new("kill").args(["-KILL", &worker.id().to_string()]).status().unwrap();
        }
    });
    assert_eq!(shot.code, None);
    // Its stderr was closed by the child's end, so `work` came back; the kernel may take a moment to clear it away.
    let gone = |pid: u64| {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    };
    let pid = child.unwrap();
    assert!((0..100).any(|_| gone(pid) || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        false
    }));
}
