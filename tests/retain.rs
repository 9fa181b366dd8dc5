//! What is older than the centre keeps it goes: from the lake, from the recordings, and from the console's copies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use callsift_reviews::{Db, Judgement, NewForm, NewUser, NewVerdict, Role, Slot, Source};
use serde_json::{Value, json};

use crate::support::{callsift, code, parquet_bytes, python, run, stderr, stdout};

/// The day that is today: calls before 2026-10-21 are older than 30 days.
const TODAY: &str = "2026-11-20";
/// 2026-11-19, noon: an appeal against what was confirmed then can still be made.
const YESTERDAY_US: i64 = 1_795_089_600_000_000;
/// What only a call that goes says.
const SECRET: &str = "我要投诉张三家住建设路";

const TRANSCRIPTS: [(&str, &str); 9] = [
    ("t1", "2026-09-01"),
    ("t2", "2026-09-01"),
    ("keep", "2026-09-02"),
    ("t3", "2026-09-02"),
    ("appeal", "2026-09-03"),
    ("t4", "2026-09-03"),
    ("last", "2026-10-20"),
    ("first", "2026-10-21"),
    ("new", "2026-11-19"),
];
const STAYING: [&str; 6] = ["appeal", "first", "keep", "new", "w-loop", "w-new"];

struct Centre(tempfile::TempDir);

impl Centre {
    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_string_lossy().into_owned()
    }

    /// Transcripts, and recordings in which nobody speaks: one old, one new, one by a link that leads out, one that will not
    /// go.
    fn new() -> Self {
        let centre = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(centre.at("recordings")).unwrap();
        for (i, name) in ["recordings/w-old.wav", "recordings/w-new.wav", "recordings/w-loop.wav", "outside.wav"]
            .into_iter()
            .enumerate()
        {
            std::fs::write(centre.at(name), wav(8000 + 80 * i)).unwrap();
        }
        std::os::unix::fs::symlink(centre.at("outside.wav"), centre.at("recordings/w-out.wav")).unwrap();
        let rows = ["w-old,2026-09-01", "w-new,2026-11-19", "w-loop,2026-09-01", "w-out,2026-09-01"];
        let rows = rows.map(|r| r.replacen(',', ".wav,", 1) + "T09:00:00+08:00\n").concat();
        std::fs::write(centre.at("calls.csv"), format!("file,started_at\n{rows}")).unwrap();
        std::fs::write(centre.at("calls.jsonl"), transcripts(&TRANSCRIPTS)).unwrap();
        centre.run_both();
        centre
    }

    /// Runs transcripts and recordings; gives how many calls each run did.
    fn run_both(&self) -> [u64; 2] {
        let (lake, sounds, table, lines) =
            (self.text("lake"), self.text("recordings"), self.text("calls.csv"), self.text("calls.jsonl"));
        let sounds =
            ["run", "--model=whisper-mini-zh", "--recordings", &sounds, "--metadata", &table, "--out", &lake, "--json"];
        let lines = ["run", "--transcripts", &lines, "--out", &lake, "--calls-per-part", "2", "--json"];
        [&sounds[..], &lines[..]].map(|args| json_of(&run(args).stdout)["calls"].as_u64().unwrap())
    }

    fn retain(&self, more: &[&str]) -> (i32, Value, String) {
        let (lake, sounds) = (self.text("lake"), self.text("recordings"));
        let args = ["retain", "--lake", &lake, "--recordings", &sounds, "--days", "30", "--today", TODAY, "--json"];
        let output = run(&[&args[..], more].concat());
        (code(&output), json_of(&output.stdout), stderr(&output))
    }

    /// Every row of the lake by table and call, as pyarrow reads it.
    fn rows(&self) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
        let script = "import sys, json, collections, pyarrow.dataset as ds\n\
            out = {}\n\
            for table in ['calls', 'turns', 'findings']:\n\
            \x20   rows = collections.defaultdict(list)\n\
            \x20   for row in ds.dataset(sys.argv[1] + '/' + table, partitioning='hive').to_table().to_pylist():\n\
            \x20       rows[row['call_id']].append(repr(sorted(row.items())))\n\
            \x20   out[table] = rows\n\
            print(json.dumps(out))";
        let output = Command::new(python()).args(["-c", script]).arg(self.at("lake")).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A form that keeps `keep`, and a confirmed violation of yesterday in `appeal`.
    fn review(&self) -> Db {
        std::fs::create_dir_all(self.at("lake/console/sound")).unwrap();
        std::fs::write(self.at("lake/console/sound/of-a-recording.wav"), "x").unwrap();
        let mut db = Db::open(&self.at("lake/console/reviews.db")).unwrap();
        let (name, display) = ("zhijian".to_owned(), "质检员".to_owned());
        let user = NewUser { name, display, role: Role::Reviewer, agent_id: None, unit: None, may_see_numbers: false };
        let user_id = db.add_user(&user, "not a hash", 0).unwrap();
        for call in ["keep", "appeal", "t1"] {
            db.claim(call, Slot::First, user_id, 1, 2).unwrap();
        }
        db.submit_form(&NewForm {
            call_id: "keep".into(),
            slot: Slot::First,
            items: "{}".into(),
            score: 100.0,
            strengths: "耐心".into(),
            weaknesses: String::new(),
            keep: true,
            whole: true,
            user_id,
            at_us: 1,
            before: None,
        })
        .unwrap();
        let verdict = |call: &str, at_us: i64| NewVerdict {
            call_id: call.into(),
            slot: Slot::First,
            rule_id: "shirking".into(),
            place: "t0:0-4".into(),
            source: Source::Finding,
            verdict: Judgement::Confirmed,
            cause: None,
            span_ms: Some((0, 1000)),
            text: Some("这不归我管".into()),
            note: String::new(),
            ruleset_hash: "r".into(),
            user_id,
            at_us,
            before: None,
        };
        db.claim("appeal", Slot::First, user_id, YESTERDAY_US, 10).unwrap();
        db.record(&verdict("appeal", YESTERDAY_US)).unwrap();
        db.record(&verdict("t1", 1)).unwrap();
        db
    }
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

/// Silence of so many samples.
fn wav(samples: usize) -> Vec<u8> {
    let bytes = (samples * 2) as u32;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(8000u32.to_le_bytes());
    out.extend(16_000u32.to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend(bytes.to_le_bytes());
    out.resize(44 + samples * 2, 0);
    out
}

fn transcripts(calls: &[(&str, &str)]) -> String {
    let line = |(id, day): &(&str, &str)| {
        let said = if *id == "t1" { SECRET } else { "我的货少了两条" };
        let turns = [("agent", 0, "您好，这不归我管。"), ("customer", 4000, said)].map(
            |(role, at, text)| json!({"role": role, "start_ms": at, "end_ms": at + 3000, "text": format!("{text} {id}")}),
        );
        json!({"call_id": id, "agent_id": "3021", "started_at": format!("{day}T09:00:00+08:00"), "turns": turns})
            .to_string()
    };
    calls.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn holds(path: &Path, text: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|w| w == text.as_bytes()))
}

#[test]
fn what_is_too_old_goes_and_nothing_else() {
    let centre = Centre::new();
    let db = centre.review();
    // The catalogue, as the console makes it.
    run(&["estimate", "--lake", &centre.text("lake")]);
    assert!(holds(&centre.at("lake/console/catalog.db"), SECRET));
    assert!(holds(&centre.at("lake/.index/calls.db"), "w-old.wav"));
    // A recording that cannot be looked at: whether it is there nobody can tell.
    std::fs::remove_file(centre.at("recordings/w-loop.wav")).unwrap();
    std::os::unix::fs::symlink("w-loop.wav", centre.at("recordings/w-loop.wav")).unwrap();
    let (rows, bytes) = (centre.rows(), parquet_bytes(&centre.at("lake")));

    let (exit, planned, _) = centre.retain(&[]);
    assert_eq!((exit, &planned["done"], &planned["calls"]), (0, &json!(false), &json!(8)), "{planned}");
    assert!(parquet_bytes(&centre.at("lake")) == bytes && centre.at("recordings/w-old.wav").exists());

    let (exit, s, told) = centre.retain(&["--yes"]);
    assert_eq!(exit, 1, "{told}");
    assert!(told.contains("w-loop.wav: cannot be removed") && told.contains("w-out.wav: left"), "{told}");
    let counts = ["calls", "days", "parts_removed", "parts_rewritten", "recordings"].map(|k| s[k].as_u64().unwrap());
    assert_eq!(counts, [7, 4, 2, 3, 1], "{s}");
    assert_eq!(s["held"], json!({"training": 1, "appeal_time": 1}));
    assert_eq!((&s["calls_before"], &s["recordings_before"]), (&json!("2026-10-21"), &json!("2026-10-21")));
    // Rows of calls that stay are the same, to the last column; of the others there are none.
    let mut expected = rows;
    for table in expected.values_mut() {
        table.retain(|call, _| STAYING.contains(&call.as_str()));
    }
    assert!(centre.rows() == expected);
    assert_eq!(expected["calls"].keys().collect::<Vec<_>>(), STAYING);
    assert!(["calls.db", "calls.db-wal"].iter().all(|f| !holds(&centre.at("lake/.index").join(f), "w-old.wav")));
    // Recordings.
    assert!(!centre.at("recordings/w-old.wav").exists() && centre.at("recordings/w-new.wav").exists());
    assert!(centre.at("outside.wav").exists());
    // The console's copies, and the audit log. Reviews stay.
    assert!(
        !holds(&centre.at("lake/console/catalog.db"), SECRET)
            && !holds(&centre.at("lake/console/catalog.db-wal"), SECRET)
    );
    assert!(!centre.at("lake/console/sound/of-a-recording.wav").exists());
    assert_eq!(db.history().unwrap().len(), 2);
    let log = db.audit(10).unwrap();
    assert!(log.len() == 1 && log[0].action == "retain" && log[0].detail.contains("7 removed, 2 held"), "{log:?}");

    // What went does not come back, though transcripts and a link to a recording are still there.
    let bytes = parquet_bytes(&centre.at("lake"));
    std::fs::remove_file(centre.at("recordings/w-loop.wav")).unwrap();
    assert_eq!(centre.run_both(), [0, 0]);
    assert!(parquet_bytes(&centre.at("lake")) == bytes);
    // Now w-loop goes as well, and after that nothing.
    let (exit, s, told) = centre.retain(&["--yes"]);
    assert_eq!((exit, &s["calls"], &s["recordings_missing"]), (0, &json!(1), &json!(1)), "{told}");
    let bytes = parquet_bytes(&centre.at("lake"));
    let (exit, s, _) = centre.retain(&["--yes"]);
    assert_eq!((exit, &s["calls"], &s["recordings"], &s["bytes"]), (0, &json!(0), &json!(0), &json!({})));
    assert!(parquet_bytes(&centre.at("lake")) == bytes);
    assert_eq!(db.audit(10).unwrap().len(), 2);
    // The lake is one that every command works on.
    for args in [["replay", "--lake"], ["report", "--lake"]] {
        let output = run(&[&args[..], &[&centre.text("lake")]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    // Without its mark of the form and with the appeal's time over, all of September goes.
    let later = ["retain", "--lake", &centre.text("lake"), "--days", "30", "--today", "2026-11-28", "--yes", "--json"];
    assert_eq!(json_of(&run(&later).stdout)["held"], json!({"training": 1}));
}

#[test]
fn killed_at_any_moment_and_run_again_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let ids: Vec<String> = (0..60).map(|i| format!("k{i:02}")).collect();
    // Three calls a part and day: one part of a day goes, or is written anew without the first of its calls.
    let days: Vec<String> = (0..60).map(|i| format!("2026-09-{:02}", 1 + i / 3)).collect();
    let calls: Vec<(&str, &str)> = ids.iter().zip(&days).map(|(id, day)| (id.as_str(), day.as_str())).collect();
    std::fs::write(at("calls.jsonl"), transcripts(&calls)).unwrap();
    let made = run(&["run", "--transcripts", &at("calls.jsonl"), "--out", &at("made"), "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    std::fs::create_dir(folder.path().join("made/console")).unwrap();
    let mut db = Db::open(&folder.path().join("made/console/reviews.db")).unwrap();
    let (name, display) = ("zhijian".to_owned(), "质检员".to_owned());
    let user = NewUser { name, display, role: Role::Reviewer, agent_id: None, unit: None, may_see_numbers: false };
    let user_id = db.add_user(&user, "not a hash", 0).unwrap();
    for id in ids.iter().skip(1).step_by(6) {
        db.claim(id, Slot::First, user_id, 0, i64::MAX / 2).unwrap();
    }
    drop(db);
    let copy = |to: &str| {
        let status = Command::new("cp").args(["-r", &at("made"), &at(to)]).status().unwrap();
        assert!(status.success());
    };
    let args =
        |lake: &str| ["retain", "--lake", lake, "--days", "30", "--today", TODAY, "--yes", "--json"].map(str::to_owned);
    copy("whole");
    let whole = callsift().args(args(&at("whole"))).output().unwrap();
    let s = json_of(&whole.stdout);
    assert_eq!((code(&whole), &s["calls"], &s["held"]), (0, &json!(50), &json!({"claimed": 10})), "{}", stderr(&whole));
    let expected = parquet_bytes(&folder.path().join("whole"));
    let mut half = 0;
    for ms in (4..220).step_by(18) {
        let lake = format!("killed-{ms}");
        copy(&lake);
        let quiet = |c: &mut Command| c.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut child = quiet(callsift().args(args(&at(&lake))));
        sleep(Duration::from_millis(ms));
        let _ = child.kill();
        let _ = child.wait();
        let left = parquet_bytes(&folder.path().join(&lake)).len();
        half += usize::from(left > expected.len() && left < 60);
        // Whoever reads now reads calls with their turns.
        let report = run(&["report", "--lake", &at(&lake)]);
        assert_eq!(code(&report), 0, "after {ms} ms: {}", stderr(&report));
        let again = callsift().args(args(&at(&lake))).output().unwrap();
        assert_eq!(code(&again), 0, "after {ms} ms: {}", stderr(&again));
        assert!(parquet_bytes(&folder.path().join(&lake)) == expected, "after {ms} ms");
    }
    println!("{half} kills came in the middle");
}

#[test]
fn what_is_meant_otherwise_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake").to_string_lossy().into_owned();
    assert_eq!(code(&run(&["retain", "--lake", &lake, "--days", "30", "--yes"])), 2, "no lake");
    assert!(!Path::new(&lake).exists());
    std::fs::create_dir_all(folder.path().join("lake/calls")).unwrap();
    let with = |more: &[&str]| run(&[&["retain", "--lake", &lake], more].concat());
    assert_eq!(code(&with(&[])), 2, "no limit");
    assert_eq!(code(&with(&["--days", "0"])), 2);
    assert_eq!(code(&with(&["--days", "30", "--today", "soon"])), 2);
    assert_eq!(code(&with(&["--recordings-days", "3"])), 2, "no folder");
    assert_eq!(code(&with(&["--days", "30", "--recordings", "no/such/folder"])), 2);
    let longer = with(&["--days", "30", "--recordings-days", "31", "--recordings", &lake]);
    assert!(code(&longer) == 2 && stderr(&longer).contains("found by their calls"), "{}", stderr(&longer));
    let other = with(&["--days", "30", "--data", "no/such/folder"]);
    assert!(code(&other) == 2 && stderr(&other).contains("must stay"), "{}", stderr(&other));
    let empty = with(&["--days", "30"]);
    assert!(code(&empty) == 0 && stdout(&empty).contains("--yes"), "{}", stderr(&empty));
    // A run that writes to the lake comes first.
    let lock = std::fs::File::create(folder.path().join("lake/.lock")).unwrap();
    lock.try_lock().unwrap();
    assert_eq!(code(&with(&["--days", "30", "--yes"])), 3);
}
