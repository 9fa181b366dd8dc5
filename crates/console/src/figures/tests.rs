//! Figures over a pair of databases in a folder that goes away.

use callsift_reviews::{Db, DrawCall, DrawRecord, Judgement, NewForm, NewUser, NewVerdict, Role, Slot, Source};

use super::cache::FigureCache;
use super::period::Period;
use super::rows::{Precision, RuleSum, Sum};
use super::twice;

/// Two agents of one unit with four calls over two days; `rude` hits c1 and c2, everything is clear otherwise.
pub(crate) fn centre() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let conn = crate::catalog::open(&crate::app::catalog_path(dir.path())).unwrap();
    for (id, call, date, agent, hit) in [
        (1, "c1", "2026-11-01", "7", true),
        (2, "c2", "2026-11-02", "7", true),
        (3, "c3", "2026-11-02", "8", false),
        (4, "c4", "2026-11-02", "8", false),
    ] {
        conn.execute(
            "INSERT INTO calls (id, call_id, part, date, agent_id, agent_name, unit, queue, direction, recording, status,
               duration_ms, hits, worst, risk)
             VALUES (?1, ?2, 'p', ?3, ?4, '张' || ?4, '一组', '', 'inbound', '', 'ok', 60000, ?5, 0, 0)",
            rusqlite::params![id, call, date, agent, i64::from(hit)],
        )
        .unwrap();
        let outcomes = [0, 0, 1 + u8::from(hit), 1, 0, 1];
        conn.execute("INSERT INTO outcomes (call, rules) VALUES (?1, ?2)", rusqlite::params![id, outcomes]).unwrap();
        conn.execute("INSERT OR IGNORE INTO agents (agent_id, agent_name) VALUES (?1, '张' || ?1)", [agent]).unwrap();
        for rule in ["rude", "greeting"] {
            let verdict = if hit && rule == "rude" { "hit" } else { "clear" };
            conn.execute(
                "INSERT INTO findings (call, rule_id, place, title, category, severity, verdict, reason, points,
                   start_ms, end_ms, ruleset_hash) VALUES (?1, ?2, 't1:0-2', '', '', 'minor', ?3, '', 5, 0, 2000, 'h')",
                rusqlite::params![id, rule, verdict],
            )
            .unwrap();
        }
    }
    conn.execute("INSERT INTO rules (number, rule_id) VALUES (0, 'rude'), (1, 'greeting')", []).unwrap();
    drop(conn);
    let mut db = crate::app::open_both(dir.path()).unwrap();
    for name in ["r1", "r2", "r3"] {
        let user = NewUser {
            name: name.into(),
            display: name.to_uppercase(),
            role: Role::Reviewer,
            agent_id: None,
            unit: None,
            may_see_numbers: false,
        };
        db.add_user(&user, "none", 0).unwrap();
    }
    (dir, db)
}

/// A verdict of a person on the hit of a call, by slot.
pub(crate) fn say(db: &mut Db, call: &str, slot: Slot, user_id: i64, rule: &str, verdict: Judgement) {
    db.claim(call, slot, user_id, 1, 1_000_000).unwrap();
    db.record(&said(call, slot, user_id, rule, verdict)).unwrap();
}

pub(super) fn said(call: &str, slot: Slot, user_id: i64, rule: &str, verdict: Judgement) -> NewVerdict {
    NewVerdict {
        call_id: call.into(),
        slot,
        rule_id: rule.into(),
        place: "t1:0-2".to_owned(),
        source: Source::Finding,
        verdict,
        cause: None,
        span_ms: None,
        text: None,
        note: String::new(),
        ruleset_hash: "h".into(),
        user_id,
        at_us: 2,
        before: None,
    }
}

/// A draw that picked one call by chance: with which probability, who hears it, who hears it a second time.
pub(crate) fn draw(db: &mut Db, call: &str, probability: f64, reviewer: Option<&str>, duplicate: Option<&str>) {
    let name = |name: Option<&str>| name.map(str::to_owned);
    add_draw(db, DrawCall { reviewer: name(reviewer), duplicate: name(duplicate), ..drawn_call(call, probability) });
}

/// A call that chance picked with this probability, and that is nobody's task.
pub(crate) fn drawn_call(call: &str, probability: f64) -> DrawCall {
    DrawCall {
        call_id: call.into(),
        probability: Some(probability),
        whole: Some(probability),
        picked: true,
        part: "random".into(),
        why: String::new(),
        reviewer: None,
        duplicate: None,
    }
}

/// A draw of one call.
pub(crate) fn add_draw(db: &mut Db, call: DrawCall) {
    let draw = DrawRecord {
        id: 0,
        title: String::new(),
        record: "{}".into(),
        seed: String::new(),
        frame_hash: String::new(),
        frame_calls: 1,
        drawn_us: 1,
        drawn_by: String::new(),
    };
    db.add_draw(&draw, &[call]).unwrap();
}

pub(crate) fn hand_in(db: &mut Db, call: &str, slot: Slot, user_id: i64, score: f64) {
    hand_in_heard(db, call, slot, user_id, score, true);
}

/// The same, of a call of which not all was heard.
pub(crate) fn hand_in_heard(db: &mut Db, call: &str, slot: Slot, user_id: i64, score: f64, whole: bool) {
    let before = db.form_of(call, slot).unwrap().map(|f| f.id);
    db.claim(call, slot, user_id, 1, 1_000_000).unwrap();
    db.submit_form(&NewForm {
        call_id: call.into(),
        slot,
        items: "{}".into(),
        score,
        strengths: String::new(),
        weaknesses: String::new(),
        keep: false,
        whole,
        user_id,
        at_us: 3,
        before,
    })
    .unwrap();
}

pub(crate) fn november() -> Period {
    Period::named("2026-11").unwrap()
}

#[test]
fn a_rule_that_takes_no_points_off_makes_no_violation() {
    let (dir, db) = centre();
    let of = |db: &Db| -> Vec<(Option<bool>, usize)> {
        let any = super::judged(db.connection(), "2026-11-01", "2026-11-30").unwrap().any;
        any.iter().map(|r| (r.machine, r.calls)).collect()
    };
    assert_eq!(of(&db), [(Some(true), 2), (Some(false), 2)]);
    drop(db);
    let conn = rusqlite::Connection::open(crate::app::catalog_path(dir.path())).unwrap();
    conn.execute("UPDATE rules SET free = 1 WHERE rule_id = 'rude'", []).unwrap();
    let db = crate::app::open_both(dir.path()).unwrap();
    assert!(of(&db).iter().all(|(machine, _)| *machine == Some(false)));
    conn.execute("UPDATE rules SET costs = 1 WHERE rule_id = 'rude'", []).unwrap();
    assert!(of(&db).iter().any(|(machine, _)| *machine == Some(true)), "it did in another call");
}

/// A form may say that a call was heard as a whole; where only proof counts, what was played decides.
#[test]
fn estimates_may_rest_on_what_was_really_played() {
    let (dir, mut db) = centre();
    for call in ["c1", "c2", "c3"] {
        draw(&mut db, call, 0.5, None, None);
        say(&mut db, call, Slot::First, 1, "rude", Judgement::Confirmed);
    }
    db.add_heard(1, "c1", &[(0, 58_000)], 2).unwrap();
    db.add_heard(1, "c2", &[(0, 30_000)], 2).unwrap();
    hand_in(&mut db, "c1", Slot::First, 1, 90.0);
    hand_in(&mut db, "c2", Slot::First, 1, 90.0);
    hand_in_heard(&mut db, "c3", Slot::First, 1, 90.0, false);
    let judged = |proven| {
        let db = crate::app::open_for(dir.path(), proven).unwrap();
        let of = super::judged(db.connection(), "2026-11-01", "2026-11-30").unwrap();
        let rude = of.rows.iter().filter(|r| r.rule_id == "rude" && r.human.is_some());
        rude.map(|r| r.calls).sum::<usize>()
    };
    // What says that only its flagged places were heard claims nothing that is to be proven.
    assert_eq!((judged(false), judged(true)), (3, 2));
}

#[test]
fn counts_are_of_calls_and_change_with_verdicts() {
    let (_dir, mut db) = centre();
    let cache = FigureCache::default();
    let before = cache.get(db.connection(), &november()).unwrap();
    assert_eq!(before.rows().total(), Sum { calls: 4, flagged: 2, ..Sum::default() });
    assert!(before.any.is_none() && before.accuracy.is_empty());
    assert_eq!(
        before.rows().worst(3, |_| true, |_| true),
        (vec![("rude", 2)], true),
        "the machine's, since nobody confirmed any"
    );

    say(&mut db, "c1", Slot::First, 1, "rude", Judgement::Confirmed);
    say(&mut db, "c2", Slot::First, 1, "rude", Judgement::Rejected);
    hand_in(&mut db, "c1", Slot::First, 1, 90.0);
    let half = cache.get(db.connection(), &november()).unwrap();
    assert_eq!(half.rows().by_rule(|_| true)["rude"].said, 1, "what is not handed in is not counted");
    hand_in_heard(&mut db, "c2", Slot::First, 1, 90.0, false);
    let after = cache.get(db.connection(), &november()).unwrap();
    assert_eq!(after.rows().total(), Sum { calls: 4, flagged: 2, heard: 2, confirmed: 1, ..Sum::default() });
    assert_eq!(after.rows().by_rule(|_| true)["rude"], RuleSum { hit: 2, judged: 4, confirmed: 1, said: 2 });
    assert_eq!(after.rows().by_rule(|at| at.agent == "8")["rude"], RuleSum { judged: 2, ..RuleSum::default() });
    assert_eq!(after.rows().precision(), Precision { right: 1, judged: 2, calls: 2 });
    assert_eq!(after.rows().worst(3, |_| true, |_| true), (vec![("rude", 1)], false));
    assert_eq!(after.rows().worst(3, |_| true, |rule| rule != "rude"), (vec![], true));
    assert_eq!(after.rows().score(|at| at.unit == "一组"), (Some(90.0), 2));
    assert_eq!(after.rows().score(|at| at.agent == "8"), (None, 0));
    let days = after.rows().sums(|at| Some(at.date.clone()));
    assert_eq!((days["2026-11-01"].confirmed, days["2026-11-02"].confirmed), (1, 0));
    assert_eq!(after.accuracy["rude"].precision.n, 2);
    assert_eq!((after.name("7"), after.name("9")), ("张7", "9"));
    let again = cache.get(db.connection(), &november()).unwrap();
    assert!(std::sync::Arc::ptr_eq(&after, &again), "nothing has changed");
    assert_eq!(cache.get(db.connection(), &Period::named("2020-01").unwrap()).unwrap().rows().total(), Sum::default());
}

#[test]
fn a_rejection_speaks_of_the_place_that_was_heard() {
    let (dir, mut db) = centre();
    say(&mut db, "c1", Slot::First, 1, "rude", Judgement::Rejected);
    hand_in_heard(&mut db, "c1", Slot::First, 1, 90.0, false);
    let human = |db: &Db| {
        let rows = super::judged(db.connection(), "2026-11-01", "2026-11-01").unwrap().rows;
        rows.into_iter().find(|r| r.rule_id == "rude").unwrap().human
    };
    assert_eq!(human(&db), Some(false));
    // Other rules find the fault elsewhere in the call; nobody heard that place.
    let conn = rusqlite::Connection::open(crate::app::catalog_path(dir.path())).unwrap();
    conn.execute("UPDATE findings SET place = 't5:0-2' WHERE call = 1 AND rule_id = 'rude'", []).unwrap();
    assert_eq!(human(&db), None);
}

#[test]
fn what_two_people_said_of_a_call_is_compared() {
    let (_dir, mut db) = centre();
    assert!(twice::ratings(db.connection(), 0, i64::MAX).unwrap().is_empty());
    for call in ["c1", "c2"] {
        say(&mut db, call, Slot::First, 1, "rude", Judgement::Confirmed);
        hand_in(&mut db, call, Slot::First, 1, 90.0);
        hand_in(&mut db, call, Slot::Duplicate, 2, 100.0);
    }
    say(&mut db, "c2", Slot::Duplicate, 2, "rude", Judgement::Confirmed);
    say(&mut db, "c1", Slot::First, 1, "greeting", Judgement::Unsure);
    let ratings = twice::ratings(db.connection(), 0, i64::MAX).unwrap();
    let of = |call: &str, who: &str| {
        let found: Vec<_> = ratings.iter().filter(|r| r.call_id == call && r.reviewer == who).collect();
        found.iter().map(|r| format!("{}:{}", r.item, r.label)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("c1", "r1"), "rude:confirmed", "who was unsure said nothing");
    assert_eq!(of("c1", "r2"), "greeting:none rude:none", "who heard the whole call and marked nothing found none");
    assert_eq!((of("c2", "r1"), of("c2", "r2")), ("rude:confirmed".into(), "rude:confirmed".into()));
    let items = twice::items(&ratings);
    assert_eq!((items["rude"].both, items["rude"].differ), (2, 1));
    assert!(!items.contains_key("greeting"), "only one of them judged it");
    assert!(twice::ratings(db.connection(), 100, 200).unwrap().is_empty(), "another time");
}

#[test]
fn the_load_of_reviewers_is_counted() {
    let (_dir, mut db) = centre();
    hand_in(&mut db, "c1", Slot::First, 1, 90.0);
    hand_in(&mut db, "c3", Slot::First, 1, 100.0);
    db.claim("c4", Slot::First, 2, 10, 1000).unwrap();
    let loads = twice::loads(db.connection(), 0, 100, 20, 0).unwrap();
    let r1 = loads.iter().find(|l| l.name == "r1").unwrap();
    assert_eq!((r1.calls, r1.days, r1.heard_ms, r1.claims), (2, 1, 120_000, 0));
    assert!(r1.score.is_some_and(|s| (s - 95.0).abs() < 1e-9));
    let r2 = loads.iter().find(|l| l.name == "r2").unwrap();
    assert_eq!((r2.calls, r2.claims, r2.score), (0, 1, None));
}

#[test]
fn who_reviews_does_not_wait_for_who_writes_the_catalogue() {
    let (dir, mut db) = centre();
    let mut catalog = crate::catalog::open(&crate::app::catalog_path(dir.path())).unwrap();
    let writing = catalog.transaction().unwrap();
    writing.execute("UPDATE calls SET risk = 1", []).unwrap();
    // Would wait for ten seconds and fail.
    say(&mut db, "c1", Slot::First, 1, "rude", Judgement::Confirmed);
    assert!(db.connection().execute("UPDATE cat.calls SET risk = 2", []).is_err(), "pages only read it");
}
