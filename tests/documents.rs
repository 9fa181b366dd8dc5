//! The commands of the README and of the pages for a night and for sampling are run as they stand, one after the
//! other; only the folder and the model are other ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{code, root, stderr, stdout};

/// Commands of callsift in a page's code fences, continued lines joined.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap().replace("\\\n", " ");
    let (mut found, mut within) = (Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            within = line == "```sh";
        } else if within && line.starts_with("callsift ") {
            found.push(line.to_owned());
        }
    }
    found
}

/// What a centre has: recordings, a table, transcripts, changed rules, calls somebody reviewed.
fn centre(folder: &Path) {
    let recordings = folder.join("data/recordings");
    fs::create_dir_all(&recordings).unwrap();
    for name in ["c03-greeting-missing.wav", "c07-shirking-angry.wav"] {
        fs::copy(root().join("tests/demo/recordings").join(name), recordings.join(name)).unwrap();
    }
    let table = fs::read_to_string(root().join("tests/demo/metadata.csv")).unwrap();
    let table = table.replace("c07,", "20261116-0042,");
    fs::write(folder.join("data/calls.csv"), table).unwrap();
    fs::copy(recordings.join("c03-greeting-missing.wav"), folder.join("call.wav")).unwrap();
    let lines = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let lines: Vec<String> = (lines.lines().take(30).enumerate())
        .map(|(i, line)| {
            let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
            call["started_at"] = format!("2026-11-{:02}T09:00:00+08:00", 2 + i % 12).into();
            call["agent_id"] = "3021".into();
            call.to_string()
        })
        .collect();
    fs::write(folder.join("calls.jsonl"), lines.join("\n")).unwrap();
    for rules in ["rules", "rules-new"] {
        let copied = Command::new("cp").arg("-r").arg(root().join("rules")).arg(folder.join(rules)).status().unwrap();
        assert!(copied.success());
    }
}

/// What cannot be run here: the console serves until it is stopped, `--watch` too (`tests/watch.rs`), and pulling
/// needs a network.
fn is_run_here(line: &str) -> bool {
    !["callsift console", "callsift models pull", "--watch", "callsift demo"].iter().any(|part| line.contains(part))
}

#[test]
fn the_commands_of_the_pages_work_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    centre(folder.path());
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_callsift"), bin.join("callsift")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let config = folder.path().join("mini.toml");
    fs::write(&config, "[models]\nasr = \"whisper-mini-zh\"\n").unwrap();
    let mut run = 0;
    for page in ["README.md", "README.zh-CN.md", "docs/run.md", "docs/run.zh-CN.md", "docs/sampling.zh-CN.md"] {
        for line in commands(page).into_iter().filter(|line| is_run_here(line)) {
            let with_model =
                ["callsift run --recordings", "callsift transcribe"].iter().any(|start| line.starts_with(start));
            let option = if with_model {
                format!(" --config {} --model whisper-mini-zh", config.display())
            } else {
                String::new()
            };
            let (command, comment) = line.split_once(" #").unwrap_or((&line, ""));
            let command = command.trim_end().replace("/data", &folder.path().join("data").display().to_string());
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{command}{option} #{comment}")]).current_dir(folder.path()).env("PATH", &path);
            let output = shell.output().unwrap();
            // `estimate` says with 1 that nothing was reviewed yet.
            let fine = if command.starts_with("callsift estimate") { [0, 1] } else { [0, 0] };
            assert!(fine.contains(&code(&output)), "{page}: {line}: {}{}", stdout(&output), stderr(&output));
            run += 1;
        }
    }
    assert!(run >= 18, "{run} commands");
}
