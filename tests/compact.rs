//! Days become few files: under kills, beside other commands, and with parts of older versions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{callsift, code, compacting, parquet_bytes, python, root, run, stderr, stdout};

/// So many calls of each of some days, as transcripts.
fn transcripts(file: &Path, days: u32, calls: usize) {
    let call = |day: u32, i: usize| {
        let said =
            if i.is_multiple_of(5) { "这不归我管，你找别人去" } else { "好的，给您记下了，再见" };
        let turn = |start: usize, role: &str, text: &str| serde_json::json!({"role": role, "start_ms": start, "end_ms": start + 3000, "text": text});
        serde_json::json!({
            "call_id": format!("d{day:02}-{i:05}"), "agent_id": format!("30{:02}", i % 7),
            "started_at": format!("2026-11-{day:02}T09:{:02}:00+08:00", i % 60),
            "turns": [turn(0, "agent", "您好，工号三零二一。"), turn(4000, "customer", "我要十条红塔山"), turn(8000, "agent", said)],
        })
        .to_string()
    };
    let lines: Vec<String> = (16..16 + days).flat_map(|day| (0..calls).map(move |i| call(day, i))).collect();
    std::fs::write(file, lines.join("\n")).unwrap();
}

struct Place {
    folder: tempfile::TempDir,
    calls: String,
    config: String,
}

impl Place {
    fn new(days: u32, calls: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.jsonl");
        transcripts(&file, days, calls);
        let config = compacting(folder.path());
        Self { folder, calls: file.to_string_lossy().into_owned(), config }
    }

    fn lake(&self, name: &str) -> (PathBuf, String) {
        let lake = self.folder.path().join(name);
        let text = lake.to_string_lossy().into_owned();
        (lake, text)
    }

    fn inspect(&self, lake: &str, per_part: &str, more: &[&str]) {
        let args = ["run", "--transcripts", &self.calls, "--out", lake, "--calls-per-part", per_part, "--json"];
        let output = run(&[&args[..], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
}

#[test]
fn a_run_and_a_compaction_write_the_same_bytes_and_a_second_one_nothing() {
    let place = Place::new(3, 40);
    let ((one, at_one), (two, at_two)) = (place.lake("one"), place.lake("two"));
    place.inspect(&at_one, "32", &["--config", &place.config]);
    place.inspect(&at_two, "7", &[]);
    assert_eq!((parquet_bytes(&one).len(), parquet_bytes(&two).len()), (9, 54));
    let first = run(&["compact", "--lake", &at_two]);
    assert!(
        code(&first) == 0 && stdout(&first).contains("合并 3 天：18 份 → 3 份"),
        "{}{}",
        stdout(&first),
        stderr(&first)
    );
    assert!(parquet_bytes(&one) == parquet_bytes(&two));
    let again = run(&["compact", "--lake", &at_two, "--from", "2026-11-17"]);
    assert!(stdout(&again).contains("共 2 天，合并 0 天"), "{}", stdout(&again));
    // Other rules over compacted days, in place: the bytes of a run with these rules.
    let replayed = run(&["replay", "--lake", &at_one, "--profile", "all"]);
    assert!(code(&replayed) == 0 && stdout(&replayed).contains("重判 120 通（3 份）"), "{}", stdout(&replayed));
    let (three, at_three) = place.lake("three");
    place.inspect(&at_three, "32", &["--profile", "all", "--config", &place.config]);
    assert!(parquet_bytes(&one) == parquet_bytes(&three));
}

/// Killed again and again at moments spread over its length; each time nothing is lost or twice, and in the end the
/// bytes are those of a compaction that nobody killed.
#[test]
fn kills_cost_a_compaction_nothing_but_time() {
    let place = Place::new(4, 400);
    let ((whole, at_whole), (killed, at_killed)) = (place.lake("whole"), place.lake("killed"));
    place.inspect(&at_whole, "5", &[]);
    let copy = Command::new("cp").args(["-a", &at_whole, &at_killed]).status().unwrap();
    assert!(copy.success());
    let started = Instant::now();
    assert_eq!(code(&run(&["compact", "--lake", &at_whole])), 0);
    let length = started.elapsed();
    let mut landed = 0;
    for share in [0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] {
        let mut child = callsift()
            .args(["compact", "--lake", &at_killed])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs_f64(length.as_secs_f64() * share));
        landed += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        let _ = child.wait();
        // Whoever writes next puts right what was left; then every call stands once.
        let next = run(&["lake", "check", "--lake", &at_killed, "--quarantine"]);
        assert_eq!(code(&next), 0, "{}", stdout(&next));
        let report = run(&["report", "--lake", &at_killed]);
        assert!(stdout(&report).contains("共 1600 通") && !stdout(&report).contains("重复"), "{}", stdout(&report));
    }
    assert!(landed >= 3, "only {landed} of the kills came before the end");
    let last = run(&["compact", "--lake", &at_killed]);
    assert_eq!(code(&last), 0, "{}", stderr(&last));
    assert!(parquet_bytes(&whole) == parquet_bytes(&killed));
}

#[test]
fn a_lake_that_somebody_writes_to_is_left_alone_and_says_so() {
    let place = Place::new(1, 10);
    let (lake, at) = place.lake("lake");
    place.inspect(&at, "5", &[]);
    let before = parquet_bytes(&lake);
    let lock = std::fs::File::create(lake.join(".lock")).unwrap();
    lock.lock().unwrap();
    let refused = run(&["compact", "--lake", &at]);
    assert!(code(&refused) == 3 && stderr(&refused).contains("is writing to this lake"), "{}", stderr(&refused));
    assert!(parquet_bytes(&lake) == before);
    drop(lock);
    assert_eq!(code(&run(&["compact", "--lake", &at])), 0);
}

/// A lake of years: parts that an older callsift wrote beside new ones. Every command works on it, and so after
/// compaction.
#[test]
fn a_lake_of_old_and_new_parts_serves_every_command() {
    let place = Place::new(2, 12);
    let (_, at) = place.lake("lake");
    for version in std::fs::read_dir(root().join("crates/store/test-data")).unwrap() {
        let data = place.folder.path().join("data");
        let _ = std::fs::remove_dir_all(&at);
        let _ = std::fs::remove_dir_all(&data);
        let version = version.unwrap().path();
        let copied = Command::new("cp").arg("-r").arg(&version).arg(&at).status().unwrap();
        assert!(copied.success());
        let old = stdout(&run(&["report", "--lake", &at]));
        assert!(old.contains("共 3 通，已质检 2 通"), "{version:?}: {old}");
        // Into the same day, and another.
        place.inspect(&at, "5", &[]);
        let data = data.to_string_lossy().into_owned();
        for compacted in [false, true] {
            let works = |args: &[&str], told: &str| {
                let output = run(args);
                let text = stdout(&output);
                assert!(code(&output) <= 1 && text.contains(told), "{version:?} {args:?}: {text}{}", stderr(&output));
                assert!(!text.contains("读不出") && !stderr(&output).contains("读不出"), "{args:?}: {text}");
            };
            if compacted {
                works(&["compact", "--lake", &at], "合并 2 天");
            }
            works(&["lake", "check", "--lake", &at], "损坏 0 份");
            works(&["report", "--lake", &at], "共 27 通");
            works(&["replay", "--lake", &at, "--other-options"], "重判 27 通");
            works(&["rules", "diff", "rules", "rules", "--lake", &at], "");
            works(&["estimate", "--lake", &at, "--data", &data], "");
            let plan = ["sample", "--lake", &at, "--plan", "plans/risk-queue.toml", "--seed", "x", "--reviewers", "a"];
            works(&plan, "");
            works(&["rules", "explain", "shirking", "--lake", &at, "--call", "c08"], "shirking");
            let compared = Command::new(python()).arg(root().join("tests/readers.py")).arg(&at).output().unwrap();
            assert!(compared.status.success(), "{}\n{}", stdout(&compared), stderr(&compared));
            assert!(stdout(&compared).contains("calls: 27 rows"), "{}", stdout(&compared));
        }
        let kept = run(&["retain", "--lake", &at, "--days", "1", "--today", "2026-11-18", "--yes"]);
        assert!(code(&kept) == 0 && stdout(&kept).contains("已删除"), "{}{}", stdout(&kept), stderr(&kept));
        let left = stdout(&run(&["report", "--lake", &at]));
        assert!(left.contains("共 12 通"), "{left}");
    }
}

/// `DuckDB` and Polars read in a loop while calls are added, judged by other rules, put together and removed. What
/// the rule of docs/schema.md lets through belongs together.
#[test]
fn readers_tell_what_belongs_together_while_others_write() {
    let place = Place::new(3, 300);
    let (_, at) = place.lake("lake");
    // Something to read from the beginning.
    place.inspect(&at, "20", &[]);
    let stop = place.folder.path().join("stop");
    let readers: Vec<_> = ["duckdb", "polars"]
        .iter()
        .map(|reader| {
            let mut command = Command::new(python());
            command.arg(root().join("tests/consistent.py")).arg(&at).arg(reader).arg(&stop);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let new = place.folder.path().join("new.jsonl");
    for round in 0..4 {
        let works = |args: &[&str]| {
            let output = run(args);
            assert_eq!(code(&output), 0, "{args:?}: {}{}", stdout(&output), stderr(&output));
        };
        // Days that are there get new calls, and are put together at the end of the run.
        let lines = std::fs::read_to_string(&place.calls).unwrap();
        let some: Vec<String> =
            lines.lines().step_by(5).map(|l| l.replace("\"d1", &format!("\"r{round}-d1"))).collect();
        std::fs::write(&new, some.join("\n")).unwrap();
        let more = ["run", "--transcripts", new.to_str().unwrap(), "--out", &at, "--calls-per-part", "10", "--json"];
        works(&[&more[..], &["--config", &place.config]].concat());
        works(&["replay", "--lake", &at, "--profile", if round % 2 == 0 { "all" } else { "order-hotline" }]);
        works(&["compact", "--lake", &at, "--part-mib", if round % 2 == 0 { "1" } else { "2" }]);
    }
    let gone = run(&["retain", "--lake", &at, "--days", "1", "--today", "2026-11-18", "--yes"]);
    assert_eq!(code(&gone), 0, "{}", stderr(&gone));
    std::fs::write(&stop, "").unwrap();
    for reader in readers {
        let output = reader.wait_with_output().unwrap();
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        let counts: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert!(counts["whole"].as_u64().unwrap() > 5, "{counts}");
        println!("{counts}");
    }
}

/// The console's catalogue follows a compaction without entering the calls again, and waits while a day is being changed.
#[test]
fn the_catalogue_keeps_its_calls_when_their_parts_are_put_together() {
    let place = Place::new(2, 30);
    let (lake, at) = place.lake("lake");
    place.inspect(&at, "7", &[]);
    let data = place.folder.path().join("data");
    let calls = || -> Vec<(String, i64, String)> {
        let synced = run(&["estimate", "--lake", &at, "--data", data.to_str().unwrap()]);
        assert!(code(&synced) <= 1, "{}", stderr(&synced));
        let script = "import json, sqlite3, sys; print(json.dumps(sqlite3.connect(sys.argv[1]).execute(\
            'SELECT call_id, id, part FROM calls ORDER BY call_id').fetchall()))";
        let read = Command::new(python()).args(["-c", script]).arg(data.join("catalog.db")).output().unwrap();
        serde_json::from_slice(&read.stdout).unwrap()
    };
    let numbers = |calls: &[(String, i64, String)]| calls.iter().map(|c| (c.0.clone(), c.1)).collect::<Vec<_>>();
    let before = calls();
    assert_eq!((before.len(), before[59].2.as_str()), (60, "2026-11-17/4"));
    assert_eq!(code(&run(&["compact", "--lake", &at])), 0);
    // As it is amid a change of the first day.
    let line = lake.join("commits/dt=2026-11-16.json");
    let whole = std::fs::read_to_string(&line).unwrap();
    std::fs::write(&line, whole.replace("false", "true")).unwrap();
    let amid = calls();
    assert_eq!(numbers(&amid), numbers(&before));
    assert_eq!((amid[29].2.as_str(), amid[30].2.as_str()), ("2026-11-16/4", "2026-11-17/0"));
    std::fs::write(&line, whole).unwrap();
    let after = calls();
    assert_eq!(numbers(&after), numbers(&before));
    assert!(after.iter().all(|c| c.2.ends_with("/0")), "{after:?}");
}
