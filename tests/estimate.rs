//! From a risk queue to rates: a queue is drawn and kept, people judge what was drawn, and the estimates hold the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use callsift_reviews::{Db, DrawCall, Judgement, NewForm, NewVerdict, Slot, Source};
use callsift_store::{read_findings, stored_parts};

use crate::support::{code, python, root, run, stderr, stdout};

/// What is true of each call: the rules that it violates, by the label.
type Truth = BTreeMap<String, BTreeSet<String>>;

/// Rules without points: they make no violation.
const FREE: [&str; 2] = ["negative-customer", "order-readback-wrong"];

/// A lake of labelled calls, many times over, with their truth.
fn lake(folder: &Path) -> (String, Truth) {
    let labelled = fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let (mut lines, mut truth) = (Vec::new(), Truth::new());
    for (i, line) in labelled.lines().cycle().take(486).enumerate() {
        let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = format!("k{i:04}");
        let expect = call["expect"].as_object().cloned().unwrap_or_default();
        let faults = expect.iter().filter(|(_, v)| *v == "hit").map(|(rule, _)| rule.clone());
        truth.insert(id.clone(), faults.collect());
        call["call_id"] = id.into();
        call["agent_id"] = format!("30{:02}", i % 12).into();
        call["unit"] = ["甲组", "乙组"][i % 2].into();
        call["started_at"] = format!("2026-11-{:02}T{:02}:00:00+08:00", 2 + i / 60, 9 + i % 8).into();
        lines.push(call.to_string());
    }
    let (calls, lake) = (folder.join("calls.jsonl"), folder.join("lake").to_string_lossy().into_owned());
    fs::write(&calls, lines.join("\n")).unwrap();
    let made = run(&["run", "--transcripts", calls.to_str().unwrap(), "--out", &lake, "--calls-per-part", "500"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    (lake, truth)
}

/// Places by call and rule that the machine flagged.
fn hits(lake: &str) -> BTreeMap<(String, String), usize> {
    let mut hits = BTreeMap::new();
    for part in stored_parts(Path::new(lake), None, None).unwrap() {
        for f in read_findings(Path::new(lake), &part).unwrap().into_iter().filter(|f| f.verdict == "hit") {
            *hits.entry((f.call_id, f.rule_id)).or_insert(0) += 1;
        }
    }
    hits
}

/// Judges a drawn call by the truth, as far as its part of the queue has it heard.
fn judge(db: &mut Db, user_id: i64, call: &DrawCall, truth: &Truth, hits: &BTreeMap<(String, String), usize>) {
    let faults = &truth[&call.call_id];
    db.claim(&call.call_id, Slot::First, user_id, 0, 1_000).unwrap();
    let verdict = |rule: &str, place: String, source, verdict| NewVerdict {
        call_id: call.call_id.clone(),
        slot: Slot::First,
        rule_id: rule.to_owned(),
        place,
        source,
        verdict,
        cause: None,
        span_ms: None,
        text: None,
        note: String::new(),
        ruleset_hash: String::new(),
        user_id,
        at_us: 1,
        before: None,
    };
    let flagged: Vec<(&String, usize)> =
        hits.iter().filter(|((id, _), _)| *id == call.call_id).map(|((_, rule), n)| (rule, *n)).collect();
    for (rule, places) in &flagged {
        let said = if faults.contains(*rule) { Judgement::Confirmed } else { Judgement::Rejected };
        for i in 0..*places {
            db.record(&verdict(rule, format!("t{i}"), Source::Finding, said)).unwrap();
        }
    }
    let whole = call.part == "random";
    if whole {
        for rule in faults.iter().filter(|r| !flagged.iter().any(|(f, _)| f == r)) {
            db.record(&verdict(rule, "m0-1".to_owned(), Source::Missed, Judgement::Confirmed)).unwrap();
        }
    }
    let form = NewForm {
        call_id: call.call_id.clone(),
        slot: Slot::First,
        items: "{}".into(),
        score: 100.0,
        strengths: String::new(),
        weaknesses: String::new(),
        keep: false,
        whole,
        user_id,
        at_us: 2,
        before: None,
    };
    db.submit_form(&form).unwrap();
}

/// Hands a form in again, at another time, the call heard as a whole.
fn hand_in_again(db: &mut Db, call_id: &str, at_us: i64) {
    db.claim(call_id, Slot::First, 1, at_us, 1_000).unwrap();
    let form = db.form_of(call_id, Slot::First).unwrap().unwrap();
    let (call_id, before) = (call_id.to_owned(), Some(form.id));
    let (items, strengths, weaknesses) = (form.items, form.strengths, form.weaknesses);
    let (score, keep) = (form.score, form.keep);
    let slot = Slot::First;
    db.submit_form(&NewForm {
        call_id,
        slot,
        items,
        score,
        strengths,
        weaknesses,
        keep,
        whole: true,
        user_id: 1,
        at_us,
        before,
    })
    .unwrap();
}

/// Rates of violations as `estimate --json` tells them.
fn violations(lake: &str) -> serde_json::Value {
    let made = run(&["estimate", "--lake", lake, "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let mut estimates: serde_json::Value = serde_json::from_str(&stdout(&made)).unwrap();
    estimates["violations"].take()
}

/// Rows of a table of the lake, read by DuckDB: `TABLE WHERE CONDITION`.
fn count(lake: &str, what: &str) -> usize {
    let (table, condition) = what.split_once(' ').unwrap();
    let sql = format!("SELECT count(*) FROM read_parquet('{lake}/{table}/*/*.parquet') {condition}");
    let script = format!("import duckdb; print(duckdb.sql(\"{sql}\").fetchall()[0][0])");
    let read = std::process::Command::new(python()).args(["-c", &script]).output().unwrap();
    stdout(&read).trim().parse().unwrap_or_else(|_| panic!("{sql}: {}", stderr(&read)))
}

/// Rules that the estimates speak of.
fn rules_of(lake: &str) -> BTreeSet<String> {
    let made: serde_json::Value = serde_json::from_str(&stdout(&run(&["estimate", "--lake", lake, "--json"]))).unwrap();
    made["by_rule"].as_array().unwrap().iter().map(|r| r["rule_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_risk_queue_gives_rates_that_hold_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, truth) = lake(folder.path());
    for name in ["wang", "li"] {
        assert_eq!(code(&run(&["users", "--lake", &lake, "add", name, "--role", "reviewer"])), 0);
    }
    let plan = folder.path().join("plan.toml").to_string_lossy().into_owned();
    fs::write(&plan, "title = \"风险队列\"\nmethod = \"risk\"\ncalls = 200\nrandom_share = 0.5\n").unwrap();
    let out = folder.path().join("draw.json").to_string_lossy().into_owned();
    let base = ["sample", "--lake", &lake, "--plan", &plan, "--seed", "2026-11-16"];
    let strangers = run(&[&base[..], &["--reviewers", "nobody", "--save"]].concat());
    assert!(code(&strangers) == 2 && stderr(&strangers).contains("nobody is named nobody"), "{}", stderr(&strangers));
    let drawn = run(&[&base[..], &["--reviewers", "wang,li", "--save", "--out", &out]].concat());
    assert_eq!(code(&drawn), 0, "{}", stderr(&drawn));
    let verified = run(&["sample", "verify", &out, "--lake", &lake]);
    assert_eq!(code(&verified), 0, "{}", stdout(&verified));
    let twice = run(&[&base[..], &["--reviewers", "wang,li", "--save"]].concat());
    assert!(
        code(&twice) == 2 && stderr(&twice).contains("draw 1 already used this seed on these calls"),
        "{}",
        stderr(&twice)
    );
    let begun = fs::read_to_string(Path::new(&lake).join("console/draws.jsonl")).unwrap();
    assert_eq!(begun.lines().filter(|line| line.contains("2026-11-16")).count(), 3, "{begun}");
    // Who hears which is as much a part of the draw as what is heard.
    let forged = folder.path().join("forged.json");
    fs::write(&forged, fs::read_to_string(&out).unwrap().replacen("\"reviewer\": \"wang\"", "\"reviewer\": \"li\"", 1))
        .unwrap();
    let forged = run(&["sample", "verify", forged.to_str().unwrap(), "--lake", &lake]);
    assert!(code(&forged) == 1 && stdout(&forged).contains("分配与文件不同"), "{}", stdout(&forged));

    let mut db = Db::open(&Path::new(&lake).join("console/reviews.db")).unwrap();
    let calls = db.draw_calls(1).unwrap();
    assert_eq!(calls.len(), 486, "every call of the frame");
    assert!(calls.iter().all(|c| c.probability.is_some_and(|p| p > 0.0 && p <= 1.0) && c.whole.is_some()));
    let picked: Vec<&DrawCall> = calls.iter().filter(|c| c.picked).collect();
    assert!(picked.iter().any(|c| c.duplicate.is_some()) && picked.iter().all(|c| c.reviewer != c.duplicate));
    let hits = hits(&lake);
    for call in &picked {
        judge(&mut db, 1, call, &truth, &hits);
    }

    let made = run(&["estimate", "--lake", &lake, "--json"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let estimates: serde_json::Value = serde_json::from_str(&stdout(&made)).unwrap();
    let centre = &estimates["violations"]["centre"]["human"];
    let costs = |faults: &&BTreeSet<String>| faults.iter().any(|rule| !FREE.contains(&rule.as_str()));
    let share = truth.values().filter(costs).count() as f64 / truth.len() as f64;
    let (low, high) = (centre["interval"]["low"].as_f64().unwrap(), centre["interval"]["high"].as_f64().unwrap());
    assert!(low <= share && share <= high && high - low < 0.35, "{share} in {low} to {high}");
    // The rules were shaped on these calls, so precision is one and people confirm it.
    let greeting = estimates["rules"].as_array().unwrap().iter().find(|r| r["rule_id"] == "greeting-missing").unwrap();
    assert!(greeting["precision"]["estimate"].as_f64().unwrap() > 0.99, "{greeting}");
    // An hour of the queue's part finds more than an hour of chance.
    let listening = &estimates["listening"];
    let part = |name: &str| listening[name]["calls"].as_u64().unwrap() as usize;
    assert_eq!(part("chance"), picked.iter().filter(|c| c.part == "random").count());
    assert_eq!(part("chosen") + part("chance"), picked.len());
    assert!(listening["low"].as_f64().unwrap() > 1.0, "{listening}");
    let table = stdout(&run(&["estimate", "--lake", &lake]));
    assert!(table.contains("听音效率：按风险挑选"), "{table}");
    assert!(table.contains("甲组") && table.contains("与班组无显著差异"), "{table}");
    let one = run(&["estimate", "--lake", &lake, "--rule", "greeting-missing"]);
    assert!(
        stdout(&one).contains("违规率：规则 greeting-missing") && stdout(&one).contains("甲组"),
        "{}",
        stdout(&one)
    );
    let mistyped = run(&["estimate", "--lake", &lake, "--rule", "greeting"]);
    assert!(code(&mistyped) == 2 && stderr(&mistyped).contains("greeting-missing"), "{}", stderr(&mistyped));

    // Analysts read what people said beside what the machine said.
    let exported = run(&["reviews", "--lake", &lake, "export"]);
    assert_eq!(code(&exported), 0, "{}", stderr(&exported));
    let confirmed = db.history().unwrap().iter().filter(|v| v.verdict == Judgement::Confirmed).count();
    let counts = [
        "samples WHERE true",
        "samples WHERE picked",
        "reviews WHERE current AND verdict = 'confirmed'",
        "forms WHERE true",
    ]
    .map(|what| count(&lake, what));
    assert_eq!(counts, [486, picked.len(), confirmed, picked.len()]);

    // Calls drawn for their risk say nothing of the others, however much of them is heard.
    let before = violations(&lake);
    for (i, call) in picked.iter().filter(|c| c.part == "risk").enumerate() {
        hand_in_again(&mut db, &call.call_id, 10_000_000 + i as i64);
    }
    assert_eq!(violations(&lake), before);
    // A form that is handed in again on other days is exported once.
    for day in [2, 4] {
        hand_in_again(&mut db, &picked[0].call_id, day * 86_400_000_000);
        assert_eq!(code(&run(&["reviews", "--lake", &lake, "export"])), 0);
        assert_eq!(count(&lake, "forms WHERE true"), picked.len(), "day {day}");
    }

    // The figures follow the lake when rules are run again.
    assert!(rules_of(&lake).contains("order-readback-missing"));
    assert_eq!(code(&run(&["replay", "--lake", &lake, "--profile", "complaint"])), 0);
    assert!(!rules_of(&lake).contains("order-readback-missing"));
    assert_eq!(code(&run(&["replay", "--lake", &lake])), 0);

    another_draw_over_the_same_days(&lake, &plan, folder.path());
}

/// Reviews calibrate the next queue, it can still be drawn again from its file, and nobody gets work that is done.
fn another_draw_over_the_same_days(lake: &str, plan: &str, folder: &Path) {
    let second = folder.join("second.json").to_string_lossy().into_owned();
    let base = ["sample", "--lake", lake, "--plan", plan, "--seed", "2026-11-17"];
    let again = run(&[&base[..], &["--reviewers", "li,wang", "--save", "--out", &second]].concat());
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert!(stdout(&again).contains("分配（轮次 1）") && stdout(&again).contains("此前已在手"), "{}", stdout(&again));
    let record: serde_json::Value = serde_json::from_str(&fs::read_to_string(&second).unwrap()).unwrap();
    assert!(record["records"].as_array().is_some_and(|r| !r.is_empty()), "how often people agreed");
    assert_eq!(code(&run(&["sample", "verify", &second, "--lake", lake])), 0);

    let db = Db::open(&Path::new(lake).join("console/reviews.db")).unwrap();
    let first: BTreeMap<String, DrawCall> = picked_by_id(&db, 1);
    let (passed_over, given): (Vec<DrawCall>, Vec<DrawCall>) =
        picked_by_id(&db, 2).into_values().partition(|c| c.reviewer.is_none());
    assert!(!passed_over.is_empty() && passed_over.iter().all(|c| first.contains_key(&c.call_id)));
    assert!(passed_over.iter().all(|c| c.probability == Some(1.0) && c.why.contains("不再派发")));
    assert!(given.iter().filter(|c| c.part == "risk").all(|c| !first.contains_key(&c.call_id)));
    let twice: Vec<&DrawCall> = given.iter().filter(|c| first.contains_key(&c.call_id)).collect();
    assert!(!twice.is_empty() && twice.iter().all(|c| c.part == "random"));
    let heard_by = |c: &&DrawCall| db.form_of(&c.call_id, Slot::First).unwrap().map(|f| f.user_id);
    assert!(
        twice.iter().all(|c| heard_by(c) == Some(1) && c.reviewer.as_deref() == Some("wang")),
        "who heard it keeps it"
    );
    assert!(given.iter().all(|c| c.reviewer != c.duplicate));
}

fn picked_by_id(db: &Db, draw: i64) -> BTreeMap<String, DrawCall> {
    let calls = db.draw_calls(draw).unwrap().into_iter().filter(|c| c.picked);
    calls.map(|c| (c.call_id.clone(), c)).collect()
}
