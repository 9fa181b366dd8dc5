//! A lake with every kind of call that figures count apart, and what people said of it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use callsift_reviews::{Cause, Db, DrawCall, DrawRecord, Judgement, NewForm, NewUser, NewVerdict, Role, Slot, Source};
use callsift_store::{read_findings, stored_parts};

use super::Console;
use super::client::Client;
use crate::support::{code, recordings, root, run, stderr};

/// Calls that were understood, by the labelled ones' own lines.
const CALLS: usize = 120;
/// An hour ago: work of the period that the page of reviewers shows, and claims that have run out.
const HOUR_US: i64 = 3_600_000_000;
/// A login name may hold a blank.
const OTHER: &str = "王 芳";
/// A call that people reviewed and the lake holds no more.
const GONE: &str = "gone";

/// Calls with and without agent and unit, in both halves of a month, one of them on which the machine fails.
pub fn lake() -> &'static Path {
    static LAKE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let made = LAKE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (lake, calls) = (folder.path().join("lake"), folder.path().join("calls.jsonl"));
        std::fs::write(&calls, transcripts()).unwrap();
        let broken = recordings(&["c05-rhetorical-question.wav"]);
        std::fs::write(broken.path().join("c05-rhetorical-question.wav"), "no sound at all").unwrap();
        let metadata = folder.path().join("metadata.csv");
        let line = "call_id,file,agent_id,agent_name,unit,started_at\n\
                    broken,c05-rhetorical-question.wav,3021,陈晓,甲组,2026-11-16T09:12:30+08:00\n";
        std::fs::write(&metadata, line).unwrap();
        let at = |path: &Path| path.to_string_lossy().into_owned();
        let (out, sounds, metadata) = (at(&lake), at(broken.path()), at(&metadata));
        let heard =
            run(&["run", "--model=whisper-mini-zh", "--recordings", &sounds, "--metadata", &metadata, "--out", &out]);
        assert!(code(&heard) <= 1, "{}", stderr(&heard));
        let read = run(&["run", "--transcripts", &at(&calls), "--out", &out]);
        assert_eq!(code(&read), 0, "{}", stderr(&read));
        (folder, lake)
    });
    &made.1
}

/// Lines of transcripts.
fn transcripts() -> String {
    let labelled = std::fs::read_to_string(root().join("tests/labelled/dev.jsonl")).unwrap();
    let line = |(i, line): (usize, &str)| {
        let mut call: serde_json::Value = serde_json::from_str(line).unwrap();
        call["call_id"] = id(i).into();
        // Calls without a number belong to nobody, whatever the name.
        let (agent, name) = [("3021", "陈晓"), ("3022", "刘洋"), ("3023", "3023"), ("", "3021")][i % 4];
        call["agent_id"] = agent.into();
        call["agent_name"] = name.into();
        call["unit"] = if i % 8 < 4 { "甲组" } else { "" }.into();
        call["started_at"] = format!("2026-11-{:02}T{:02}:00:00+08:00", 2 + i % 25, 9 + i % 8).into();
        call.to_string()
    };
    labelled.lines().cycle().take(CALLS).enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Some systems name calls by their time.
pub const TIMED: &str = "k_20261103093015";

fn id(i: usize) -> String {
    if i + 1 == CALLS { TIMED.to_owned() } else { format!("k{i:03}") }
}

/// What people say, into the database of a console that runs over [`lake`].
pub fn review(data: &Path) {
    let mut db = Db::open(&data.join("reviews.db")).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
    let mut person = |name: &str| {
        let role = Role::Reviewer;
        let user = NewUser {
            name: name.into(),
            display: name.into(),
            role,
            agent_id: None,
            unit: None,
            may_see_numbers: false,
        };
        db.add_user(&user, "none", 0).unwrap()
    };
    let (one, other) = (person("r1"), person(OTHER));
    draw(&mut db, "random", |i| i % 3 == 0, |i| (i % 6 == 0).then(|| OTHER.into()));
    draw(&mut db, "risk", |i| i % 4 == 1, |_| None);
    let hits = hits();
    let first = |call: String, user_id| Review { call, slot: Slot::First, user_id, at_us: now - HOUR_US };
    for i in (0..CALLS).filter(|i| i % 3 == 0 || i % 4 == 1) {
        let places: Vec<_> = hits.iter().filter(|(call, ..)| *call == id(i)).collect();
        let review = first(id(i), one);
        review.begins(&mut db);
        for (n, (_, rule, place)) in places.iter().enumerate() {
            let said = [Judgement::Confirmed, Judgement::Confirmed, Judgement::Rejected][(i + n) % 3];
            review.says(&mut db, rule, place, if i == 9 { Judgement::Unsure } else { said });
        }
        if i % 15 == 0 {
            review.says(&mut db, "shirking", "m0-1000", Judgement::Confirmed);
        }
        review.ends(&mut db, i % 3 == 0);
        if i % 6 == 0 {
            let again = Review { slot: Slot::Duplicate, user_id: other, ..review };
            again.begins(&mut db);
            for (_, rule, place) in &places {
                again.says(&mut db, rule, place, Judgement::Confirmed);
            }
            again.ends(&mut db, i % 4 == 0);
        }
    }
    for (call, user) in [(id(4), other), (GONE.to_owned(), one)] {
        let review = first(call, user);
        review.begins(&mut db);
        review.ends(&mut db, true);
    }
    db.claim(&id(2), Slot::First, one, now, HOUR_US).unwrap();
    appeal(&mut db, one, now);
}

/// The one who hears calls a second time, after [`review`].
pub fn log_in_other(console: &Console) -> Client {
    let mut db = Db::open(&console.data.path().join("reviews.db")).unwrap();
    let (user, _) = db.user_by_name(OTHER).unwrap().unwrap();
    let password = db.renew_password(user.id).unwrap();
    let mut client = Client::new(&console.base);
    client.login(OTHER, &password);
    client
}

/// A draw of all calls with equal probability.
fn draw(db: &mut Db, part: &str, picked: impl Fn(usize) -> bool, duplicate: impl Fn(usize) -> Option<String>) {
    let record = DrawRecord {
        id: 0,
        title: part.into(),
        record: "{}".into(),
        seed: "s".into(),
        frame_hash: "h".into(),
        frame_calls: CALLS as i64,
        drawn_us: 1,
        drawn_by: String::new(),
    };
    let call = |i: usize| DrawCall {
        call_id: id(i),
        probability: Some(if part == "risk" { 0.25 } else { 1.0 / 3.0 }),
        whole: Some(if part == "risk" { 0.0 } else { 1.0 / 3.0 }),
        picked: picked(i),
        part: part.into(),
        why: String::new(),
        reviewer: Some("r1".into()),
        duplicate: duplicate(i).filter(|_| picked(i)),
    };
    db.add_draw(&record, &(0..CALLS).map(call).collect::<Vec<_>>()).unwrap();
}

/// Call, rule and a place for every hit.
fn hits() -> Vec<(String, String, String)> {
    let parts = stored_parts(lake(), None, None).unwrap();
    let findings = parts.iter().flat_map(|part| read_findings(lake(), part).unwrap());
    let hits = findings.filter(|f| f.verdict == "hit").enumerate();
    hits.map(|(i, f)| (f.call_id, f.rule_id, format!("t{i}:0-2"))).collect()
}

/// One verdict is disputed and decided, one is still open.
fn appeal(db: &mut Db, user: i64, now_us: i64) {
    let standing: Vec<i64> = ["k000", "k015", "k030", "k060"]
        .into_iter()
        .flat_map(|call| db.verdicts_of(call, Slot::First).unwrap())
        .filter(|v| v.verdict == Judgement::Confirmed)
        .map(|v| v.id)
        .take(3)
        .collect();
    assert_eq!(standing.len(), 3, "enough confirmed");
    for verdict in standing {
        let id = db.appeal(verdict, "不服", user, now_us).unwrap();
        if id < 3 {
            db.decide(id, id == 1, "听过", user, now_us).unwrap();
        }
    }
}

/// Somebody at a call.
struct Review {
    call: String,
    slot: Slot,
    user_id: i64,
    at_us: i64,
}

impl Review {
    fn begins(&self, db: &mut Db) {
        db.claim(&self.call, self.slot, self.user_id, self.at_us, 60_000_000).unwrap();
    }

    fn says(&self, db: &mut Db, rule: &str, place: &str, verdict: Judgement) {
        let source = if place.starts_with('m') { Source::Missed } else { Source::Finding };
        let said = NewVerdict {
            call_id: self.call.clone(),
            slot: self.slot,
            rule_id: rule.into(),
            place: place.into(),
            source,
            verdict,
            // One in three rejections says nothing.
            cause: [Some(Cause::Misheard), Some(Cause::Context), None][place.len() % 3].filter(|_| verdict.has_cause()),
            span_ms: None,
            text: None,
            note: String::new(),
            ruleset_hash: "h".into(),
            user_id: self.user_id,
            at_us: self.at_us,
            before: None,
        };
        db.record(&said).unwrap();
    }

    fn ends(&self, db: &mut Db, whole: bool) {
        let form = NewForm {
            call_id: self.call.clone(),
            slot: self.slot,
            items: "{}".into(),
            score: 90.0,
            strengths: String::new(),
            weaknesses: "语速".into(),
            keep: false,
            whole,
            user_id: self.user_id,
            at_us: self.at_us,
            before: None,
        };
        db.submit_form(&form).unwrap();
    }
}
