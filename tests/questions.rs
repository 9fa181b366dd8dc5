//! The ten questions of docs/schema.md, asked by `DuckDB` of a lake whose answers are known.

use std::path::Path;
use std::process::Command;

use callsift_reviews::{Db, Judgement, NewUser, NewVerdict, Role, Slot, Source};
use serde_json::{Value, json};

use crate::support::{code, python, root, run, stderr, stdout};

fn call(day: u32, i: usize) -> Value {
    let said = if i == 0 { "这不归我管，你找别人去" } else { "好的，给您记下了，再见" };
    let turn = |start: usize, role: &str, text: &str| json!({"role": role, "start_ms": start, "end_ms": start + 3000, "text": text});
    json!({
        "call_id": format!("d{day}-{i}"), "agent_id": format!("30{i}"), "unit": if i < 2 { "一组" } else { "二组" },
        "started_at": format!("2026-11-{day}T09:{i:02}:00+08:00"),
        "turns": [turn(0, "agent", "您好，工号三零二一。"), turn(4000, "customer", "我要十条红塔山"), turn(8000, if i == 3 { "unknown" } else { "agent" }, said)],
    })
}

/// A lake of two days, a failed call, and a verdict on a hit of each day.
fn lake(folder: &Path) -> String {
    let (file, lake) = (folder.join("calls.jsonl"), folder.join("lake"));
    let lines = [16, 17].iter().flat_map(|day| (0..4).map(|i| call(*day, i).to_string()));
    let broken = "{\"call_id\":\"broken\",\"started_at\":\"2026-11-17T10:00:00+08:00\"}".to_owned();
    std::fs::write(&file, lines.chain([broken]).collect::<Vec<_>>().join("\n")).unwrap();
    let at = lake.to_string_lossy().into_owned();
    let made = run(&["run", "--transcripts", file.to_str().unwrap(), "--out", &at, "--json"]);
    assert!(code(&made) <= 1, "{}", stderr(&made));
    std::fs::create_dir_all(lake.join("console")).unwrap();
    let mut db = Db::open(&lake.join("console").join(Db::FILE)).unwrap();
    let (name, display) = ("zhijian".to_owned(), "质检员".to_owned());
    let user = NewUser { name, display, role: Role::Reviewer, agent_id: None, unit: None, may_see_numbers: false };
    let user_id = db.add_user(&user, "not a hash", 0).unwrap();
    let parts = callsift_store::stored_parts(&lake, None, None).unwrap();
    let findings = parts.iter().flat_map(|part| callsift_store::read_findings(&lake, part).unwrap());
    for f in findings.filter(|f| f.verdict == "hit" && f.rule_id == "shirking") {
        db.claim(&f.call_id, Slot::First, user_id, 1, 10).unwrap();
        let place = match (f.turn, f.char_start, f.char_end) {
            (Some(turn), Some(start), Some(end)) => format!("t{turn}:{start}-{end}"),
            _ => String::new(),
        };
        let verdict = if f.call_id.starts_with("d16") { Judgement::Confirmed } else { Judgement::Rejected };
        db.record(&NewVerdict {
            call_id: f.call_id,
            slot: Slot::First,
            rule_id: f.rule_id,
            place,
            source: Source::Finding,
            verdict,
            cause: None,
            span_ms: None,
            text: f.text,
            note: String::new(),
            ruleset_hash: f.ruleset_hash,
            user_id,
            at_us: 1,
            before: None,
        })
        .unwrap();
    }
    drop(db);
    let exported = run(&["reviews", "--lake", &at, "export"]);
    assert_eq!(code(&exported), 0, "{}", stderr(&exported));
    at
}

#[test]
fn ten_questions_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let at = lake(folder.path());
    let views = folder.path().join("views.sql");
    std::fs::write(&views, stdout(&run(&["schema", "--sql", "duckdb", "--lake", &at]))).unwrap();
    let schema = folder.path().join("schema.md");
    std::fs::write(&schema, stdout(&run(&["schema"]))).unwrap();
    let asked =
        Command::new(python()).arg(root().join("tests/questions.py")).arg(&views).arg(&schema).output().unwrap();
    assert!(asked.status.success(), "{}{}", stdout(&asked), stderr(&asked));
    let answers: Vec<Vec<Vec<Value>>> = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(answers.len(), 10);
    assert!(answers.iter().all(|rows| !rows.is_empty()), "{answers:?}");
    let row_of = |question: usize, key: &str| {
        let found = answers[question - 1].iter().find(|row| row.iter().any(|v| v == key));
        found.unwrap_or_else(|| panic!("{key} is in no answer to question {question}: {:?}", answers[question - 1]))
    };
    assert_eq!(row_of(1, "shirking")[2..4], [json!(2), json!(8)]);
    assert_eq!(row_of(2, "一组")[2], json!(2));
    assert_eq!(answers[1].len(), 4, "two teams, two days");
    assert_eq!(row_of(2, "二组")[4], json!(11.0), "seconds of transcripts, too");
    assert_eq!(row_of(3, "shirking"), &vec![json!("300"), json!("一组"), json!("shirking"), json!(2)]);
    assert_eq!(row_of(4, "d16-0")[2], json!("300"));
    assert!(row_of(5, "d16-0")[3].as_str().unwrap().starts_with("t2:"));
    assert_eq!(answers[5].len(), 2);
    assert_eq!(answers[6], vec![vec![json!(9), json!(8), json!(11.0)], vec![Value::Null, json!(1), json!(0.0)]]);
    assert_eq!(answers[7][0][1], json!(1));
    // Verdicts find their findings by place: points come from there.
    let said = row_of(10, "shirking");
    assert_eq!(said[1..3], [json!(2), json!(4)], "two places in each of two calls");
    assert!(said[3].as_f64().unwrap() > 0.0, "{said:?}");
    // A lake without verdicts has all other views.
    std::fs::remove_dir_all(Path::new(&at).join("reviews")).unwrap();
    let without = stdout(&run(&["schema", "--sql", "duckdb", "--lake", &at]));
    assert!(without.contains("reviews --lake LAKE export") && !without.contains("VIEW v_verdicts"), "{without}");
}
