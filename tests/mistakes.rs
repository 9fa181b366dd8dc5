//! What people mistype: each message names what is wrong and what to do, and the exit code is 2. Word for word, so
//! that whoever changes a message reads it. `INSTA_UPDATE=always cargo test … mistakes` takes new words over.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::support::{callsift, code, root, run, stderr, stdout};

/// A lake of some labelled calls of two days, and files with one mistake each.
fn prepare(folder: &Path) {
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let labelled = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let mut lines = Vec::new();
    for (i, line) in labelled.lines().step_by(40).enumerate() {
        let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
        call["started_at"] = format!("2026-11-{:02}T09:{:02}:00+08:00", 2 + i % 2, i).into();
        lines.push(call.to_string());
    }
    put("calls.jsonl", &lines.join("\n"));
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::create_dir_all(folder.join("recordings/empty")).unwrap();
    fs::copy(root().join("tests/demo/recordings/c01-clean-order.wav"), folder.join("recordings/c01.wav")).unwrap();
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let made = run(&["run", "--transcripts", &at("calls.jsonl"), "--lake", &at("data/lake"), "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    put("table.csv", "file,agent_id\nc01.wav,3021\n");
    put("twice.csv", "recording_id,uri\nk1,c01.wav\nk1,c02.wav\n");
    put("noname.csv", "档案,工号\nc01.wav,3021\n");
    put("book.csv", "PK\u{3}\u{4}not text");
    put("bad.toml", "[vad.options]\nthreshhold = 0.4\n");
    put("plan.toml", "title = \"t\"\nmethd = \"random\"\n");
    put("notes.txt", "these are notes\n");
    put("expected.jsonl", "no json\n");
    fs::create_dir(folder.join("rules-bad")).unwrap();
    let rule = fs::read_to_string(root().join("rules/attitude/shirking.yaml")).unwrap();
    put("rules-bad/shirking.yaml", &rule.replace("violation_when: found", "violation_when: fonud"));
}

/// One command line each; words between spaces.
const MISTAKES: &str = "
reprot --lake data/lake
rules tset
run --lake data/lake
run --recordings recodings --lake new
run --recordings recordings/empty --lake new
run --recordings recordings --lake new --metadata tabel.csv
run --recordings recordings --lake new --metadata noname.csv
run --recordings recordings --lake new --metadata book.csv
run --recordings recordings --lake new --dt 2026-13-01
run --recordings recordings --lake new --config callsift.tml
run --recordings recordings --lake new --config bad.toml
run --recordings recordings --lake new --model wisper-base
run --recordings recordings --lake new --rules ruels
run --recordings recordings --lake new --profile order-hotlien
run --recordings recordings --lake new --workers 0
run --recordings recordings --lake notes.txt
run --recordings recordings --lake new --model whisper-large-v3
run --transcripts calls.jsn --lake new
run --manifest tabel.csv --lake new
run --manifest table.csv --lake new
run --manifest twice.csv --lake new
run --manifest table.csv --lake new --shard 4/4
run --recordings recordings --lake new --shard 0/4
run --recordings s3://centre --lake s3://key@centre/lake
run --manifest twice.csv --lake s3://centre/lake --shard 0/4
console --lake s3://centre/lake
snapshot --lake s3://centre/lake --out new
report --lake data/laek
report --lake data
report --lake data/lake/calls
report --lake notes.txt
report --lake data/lake --dt 2026-11-20
report --lake data/lake --dt 2026-11-31
report --lake data/lake --from 2026-11-03 --to 2026-11-02
report --lake data/lake --dt 2026-11-02 --to 2026-11-03
report --data data/lake
replay --rules rules
replay --lake data/lake --dt 2025-01-01
replay --lake data/lake --rules rules-bad
rules explain shriking
rules explain greeting
rules explain shirking --lake data/lake --call d-ask-mandarn-2
rules explain shirking --call d-ask-mandarin-2
rules check rules-bad
rules diff rules-bda rules-bad --lake data/lake
sample --lake data/lake --plan plan.tml --seed s
sample --lake data/lake --plan plan.toml
sample --lake data/lake --plan plan.toml --seed s
sample --lake data/lake --plan plan.toml --seed s --dt 2026-10-30
sample verify notes.txt --lake data/lake
users password wang --lake data/lake
reviews check --lake data/lake
estimate --lake data/lake --rule greeting
estimate --lake dta/lake
console --lake data/laek
console --lake data/lake --listen 0.0.0.0:8017
users add chen --lake data/lake --role agent
users list
transcribe recordings/c02.wav
transcribe notes.txt --model whisper-mini-zh
models pull whisper-lagre-v3
models verify whisper-bse
eval --rule greeting-missing
eval --labelled expected.jsonl
schema --sql duckdb
expect --lake data/lake exepcted.jsonl
snapshot --lake data/lake --out data
compact --lake data/lake --from 2027-01-01
retain --lake data/lake --days 0
";

#[test]
fn mistakes_are_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let whole = folder.path().canonicalize().unwrap().to_string_lossy().into_owned();
    let (mut told, mut count) = (String::new(), 0);
    for line in MISTAKES.lines().filter(|line| !line.is_empty()) {
        let mut command = callsift();
        let home = |name| folder.path().join(name);
        command.env("HOME", home("home")).env("CALLSIFT_HOME", home("models")).env_remove("XDG_DATA_HOME");
        let output = command.current_dir(folder.path()).args(line.split(' ')).output().unwrap();
        let said = stderr(&output).replace(&whole, "HERE").replace(&root().to_string_lossy().into_owned(), "PROJECT");
        assert!(!said.contains("panicked"), "{line}: {said}");
        for (i, word) in said.lines().enumerate() {
            assert!(word.chars().count() < 400, "{line}: line {i} is too long to read: {word}");
        }
        let _ = writeln!(told, "$ callsift {line}\n[{}]\n{}{said}", code(&output), stdout(&output));
        count += 1;
    }
    assert!(count >= 40);
    insta::assert_snapshot!("mistakes", told);
}

/// Every command that prints a table has `--json`, and what it prints then is JSON alone.
#[test]
fn tables_are_json_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    fs::write(folder.path().join("expected.jsonl"), "{\"call_id\": \"d-dialect-2\", \"status\": \"ok\"}\n").unwrap();
    fs::copy(root().join("plans/half-month.toml"), folder.path().join("half-month.toml")).unwrap();
    let commands = [
        "report --lake data/lake",
        "report --lake data/lake --from 2026-11-03",
        "replay --lake data/lake",
        "rules test",
        "rules test --noise --repeats 1",
        "rules diff RULES RULES --lake data/lake",
        "sample --lake data/lake --plan half-month.toml --seed s",
        "users add wang --lake data/lake --role lead",
        "users list --lake data/lake",
        "users --lake data/lake list",
        "reviews check --lake data/lake",
        "expect --lake data/lake expected.jsonl",
        "estimate --lake data/lake",
        "compact --lake data/lake",
        "lake check --lake data/lake",
        "retain --lake data/lake --days 3650",
        "models list",
        "models verify whisper-mini-zh",
        "formats",
    ];
    for line in commands {
        let line = line.replace("RULES", &root().join("rules").to_string_lossy());
        let json = if line.starts_with("users add") { None } else { Some("--json") };
        let output = callsift().current_dir(folder.path()).args(line.split(' ')).args(json).output().unwrap();
        assert!(code(&output) <= 1, "{line}: {}", stderr(&output));
        let is_json = serde_json::from_str::<serde_json::Value>(&stdout(&output)).is_ok();
        assert!(json.is_none() || is_json, "{line}: {}", stdout(&output));
    }
    let report =
        callsift().current_dir(folder.path()).args(["report", "--lake", "data/lake", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_str(&stdout(&report)).unwrap();
    assert_eq!(report["calls"], 7);
    let rules = report["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["rule_id"] == "shirking"));
}

/// Tables keep to 80 columns; colour is for terminals, and not where `NO_COLOR` is set.
#[test]
fn tables_fit_and_colour_is_for_terminals() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let plain = callsift().current_dir(folder.path()).args(["report", "--lake", "data/lake"]).output().unwrap();
    let text = stdout(&plain);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{e000}'), "{text}");
    for table in [&["rules", "test", "--noise", "--repeats", "1"][..], &["models", "list"], &["formats"]] {
        let text = stdout(&run(table));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{e000}'));
        for line in text.lines().filter(|line| line.starts_with("  ")) {
            let columns: usize = line.chars().map(|c| if c.is_ascii() || c == '–' { 1 } else { 2 }).sum();
            assert!(columns <= 80, "{columns} columns: {line}");
        }
    }
    // `script` lends a terminal.
    let command = format!("{} report --lake data/lake", env!("CARGO_BIN_EXE_callsift"));
    let on_terminal = |set: &[(&str, &str)]| {
        let mut script = std::process::Command::new("script");
        script
            .args(["-qec", &command, "/dev/null"])
            .current_dir(folder.path())
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        stdout(&script.envs(set.iter().copied()).output().unwrap())
    };
    assert!(on_terminal(&[]).contains("\u{1b}[1m"));
    for off in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert!(!on_terminal(&[off]).contains('\u{1b}'), "{off:?}");
    }
}

#[test]
fn the_columns_of_a_table_are_told_and_one_that_is_like_a_known_one() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    fs::write(folder.path().join("t.csv"), "file,工号,agentid\nc01.wav,3021,1\n").unwrap();
    let line = "run --model whisper-mini-zh --recordings recordings --lake new --dt 2026-11-02 --metadata t.csv";
    let output = callsift().current_dir(folder.path()).args(line.split(' ')).output().unwrap();
    let said = stderr(&output);
    assert_eq!(code(&output), 0, "{said}");
    assert!(said.contains("file") && said.contains("工号→agent_id"), "{said}");
    assert!(said.contains("列名相近但未采用") && said.contains("agentid"), "{said}");
    // The model that understands no real call says so, in both languages.
    assert!(said.contains("警告") && said.contains("WARNING"), "{said}");
}

/// Spellings of earlier versions.
#[test]
fn old_spellings_still_work() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let ok = |line: &str| {
        let output = callsift().current_dir(folder.path()).args(line.split(' ')).output().unwrap();
        assert_eq!(code(&output), 0, "{line}: {}", stderr(&output));
    };
    ok("run --transcripts calls.jsonl --out older");
    fs::copy(root().join("plans/half-month.toml"), folder.path().join("p.toml")).unwrap();
    ok("sample --lake older --plan p.toml --seed s --out drawn.json");
    ok("sample verify drawn.json --lake older");
    ok(&format!("rules explain shirking --dir {}", root().join("rules").display()));
    ok("users --lake older add wang --role lead");
}
