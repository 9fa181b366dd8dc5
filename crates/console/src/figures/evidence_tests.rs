//! Sets of calls beside the figures that count them.

use std::collections::BTreeSet;

use callsift_reviews::{Db, Judgement, Slot};
use callsift_sampling::agreement::{alpha, kappa};
use callsift_sampling::estimate::{ANY_RULE, Judged};

use super::evidence::Evidence;
use super::period::Period;
use super::sums::Figures;
use super::tests::{centre, draw, hand_in, hand_in_heard, november, say};
use super::twice::{self, Twice};
use super::{gain, judged};

fn set(db: &Db, evidence: &Evidence) -> Vec<String> {
    evidence.calls(db.connection(), &november(), 0).unwrap().into_iter().collect()
}

/// Two calls of rude people of whom one was not; one call heard as a whole, one only in part; one drawn by chance.
fn reviewed() -> (tempfile::TempDir, Db) {
    let (dir, mut db) = centre();
    say(&mut db, "c1", Slot::First, 1, "rude", Judgement::Confirmed);
    say(&mut db, "c2", Slot::First, 1, "rude", Judgement::Rejected);
    say(&mut db, "c4", Slot::First, 1, "greeting", Judgement::Unsure);
    for call in ["c1", "c3", "c4"] {
        hand_in(&mut db, call, Slot::First, 1, 90.0);
    }
    hand_in_heard(&mut db, "c2", Slot::First, 1, 90.0, false);
    draw(&mut db, "c3", 0.5, None, None);
    (dir, db)
}

#[test]
fn what_people_judged_is_what_rates_count() {
    let (_dir, db) = reviewed();
    let made = judged(db.connection(), "2026-11-01", "2026-11-30").unwrap();
    for rule in ["rude", "greeting", ANY_RULE] {
        for machine in [None, Some(true), Some(false)] {
            let counts =
                |r: &&Judged| r.rule_id == rule && r.human.is_some() && (machine.is_none() || r.machine == machine);
            let n: usize = made.rows.iter().chain(&made.any).filter(counts).map(|r| r.calls).sum();
            let calls = set(&db, &Evidence::Judged { rule: rule.into(), machine, by_chance: false });
            assert_eq!(calls.len(), n, "{rule} {machine:?}: {calls:?}");
        }
    }
    // Chance chose c3 alone; the others stand for themselves.
    let figures = Figures::make(db.connection(), &november()).unwrap();
    for rule in ["rude", "greeting", ANY_RULE] {
        assert_eq!(figures.by_chance(|r| r.rule_id == rule), 1, "{rule}");
        assert_eq!(set(&db, &Evidence::judged(rule).chance_of()), ["c3"]);
    }
    // Nothing in c2 but the hit was judged; who was unsure of c4's greeting judged no such thing.
    assert_eq!(set(&db, &Evidence::judged("rude")), ["c1", "c2", "c3", "c4"]);
    assert_eq!(set(&db, &Evidence::judged("greeting")), ["c1", "c3"]);
    assert_eq!(set(&db, &Evidence::judged(ANY_RULE)), ["c1", "c3"]);
    assert!(set(&db, &Evidence::judged("no such rule")).is_empty());
    let december = Period::named("2026-12").unwrap();
    assert!(Evidence::judged("rude").calls(db.connection(), &december, 0).unwrap().is_empty());
}

#[test]
fn verdicts_and_forms_are_those_that_sums_count() {
    let (_dir, db) = reviewed();
    let figures = Figures::make(db.connection(), &november()).unwrap();
    let said = |rule: &str| set(&db, &Evidence::Said { rule: rule.into() });
    assert_eq!((said("rude"), said("greeting").len()), (vec!["c1".to_owned(), "c2".to_owned()], 0));
    assert_eq!(figures.rows().by_rule(|_| true)["rude"].said, 2);
    assert_eq!(set(&db, &Evidence::Hits).len(), figures.rows().precision().calls);
    assert_eq!(set(&db, &Evidence::Planned), ["c3"]);
    assert_eq!(figures.rows().planned_score(|_| true).1, 1);
    let gain = gain(db.connection(), "2026-11-01", "2026-11-30").unwrap().unwrap();
    let chosen = |by_chance| set(&db, &Evidence::Chosen { by_chance });
    assert_eq!((chosen(true), chosen(false)), (vec!["c3".to_owned()], ["c1", "c2", "c4"].map(str::to_owned).to_vec()));
    assert_eq!((gain.chance.calls, gain.chosen.calls), (1, 3));
}

#[test]
fn agreement_counts_the_calls_of_its_sets() {
    let (_dir, mut db) = centre();
    for (call, second) in [("c1", Judgement::Confirmed), ("c2", Judgement::Rejected)] {
        say(&mut db, call, Slot::First, 1, "rude", Judgement::Confirmed);
        say(&mut db, call, Slot::Duplicate, 2, "rude", second);
        hand_in(&mut db, call, Slot::First, 1, 90.0);
        hand_in(&mut db, call, Slot::Duplicate, 2, 90.0);
    }
    hand_in(&mut db, "c3", Slot::First, 2, 100.0);
    // A day of work in 1970, whatever the day of the call.
    let days = Period { from: "1970-01-01".into(), to: "1970-01-01".into() };
    let ratings = twice::ratings(db.connection(), 0, i64::MAX).unwrap();
    let calls = |which: Twice| set(&db, &Evidence::Twice { which, days: days.clone() });
    assert_eq!(calls(Twice::All).len(), alpha(&ratings, "s").calls);
    assert_eq!(calls(Twice::Pair("r1".into(), "r2".into())).len(), kappa(&ratings, "r1", "r2", "s").calls);
    assert!(calls(Twice::Pair("r1".into(), "r3".into())).is_empty());
    assert_eq!((calls(Twice::Item("rude".into())).len(), twice::items(&ratings)["rude"].both), (2, 2));
    assert_eq!(calls(Twice::Differ("rude".into())), ["c2"]);
    let loads = twice::loads(db.connection(), 0, i64::MAX, 0, 0).unwrap();
    let handed_in = |duplicates| set(&db, &Evidence::HandedIn { by: "r2".into(), duplicates, days: days.clone() });
    let r2 = loads.iter().find(|l| l.name == "r2").unwrap();
    assert_eq!((r2.calls, r2.duplicates), (3, 2));
    let wanted: BTreeSet<String> = ["c1", "c2", "c3"].map(str::to_owned).into();
    assert!(handed_in(false).into_iter().eq(wanted) && handed_in(true) == ["c1", "c2"]);
}
