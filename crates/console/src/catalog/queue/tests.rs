//! Lists over a pair of databases, and how the database goes about them.

use rusqlite::params_from_iter;

use callsift_reviews::{Db, Slot};

use super::{Filter, Gone, NONE, Order, State};
use crate::catalog::counts::Counts;
use crate::catalog::standing::{Eyes, Standing, standings};
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::figures::tests::{centre, draw, hand_in, hand_in_heard};

fn count(filter: &Filter, db: &Db, reader: &str) -> i64 {
    Counts::default().of(filter, db.connection(), reader).unwrap()
}

/// How the database goes about a list.
fn plan(db: &callsift_reviews::Db, filter: &Filter) -> String {
    let (sql, values) = filter.picked("r1");
    let mut statement = db.connection().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement.query_map(params_from_iter(values), |r| r.get::<_, String>(3)).unwrap();
    rows.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
}

/// The lake may hold a million calls: a first page is read off an index and not sorted out of all.
#[test]
fn first_pages_are_read_in_the_order_of_an_index() {
    let dir = tempfile::tempdir().unwrap();
    drop(crate::catalog::open(&crate::app::catalog_path(dir.path())).unwrap());
    let db = crate::app::open_both(dir.path()).unwrap();
    for state in [State::Open, State::Flagged, State::Understood, State::All] {
        for (order, name) in Order::ALL {
            let plan = plan(&db, &Filter { state, order, ..Filter::default() });
            assert!(!plan.contains("TEMP B-TREE"), "{state:?} {name}: {plan}");
        }
    }
    let agent = plan(&db, &Filter { agent: "3021".into(), state: State::All, ..Filter::default() });
    assert!(agent.contains("calls_by_agent"), "{agent}");
}

/// Nor may looking for the own duplicates cost a look at every draw's frame.
#[test]
fn duplicates_are_found_by_their_index() {
    let dir = tempfile::tempdir().unwrap();
    drop(crate::catalog::open(&crate::app::catalog_path(dir.path())).unwrap());
    let db = crate::app::open_both(dir.path()).unwrap();
    for state in [State::Open, State::Done, State::Confirmed, State::Kept] {
        let plan = plan(&db, &Filter { state, ..Filter::default() });
        assert!(plan.contains("draw_calls_blind"), "{state:?}: {plan}");
    }
}

/// Two calls wait for a first review; c1 is to be heard a second time by r2.
fn with_duplicate() -> (tempfile::TempDir, Db) {
    let (dir, mut db) = centre();
    draw(&mut db, "c1", 1.0, Some("r1"), Some("r2"));
    (dir, db)
}

/// Calls that are open, and those that are done, for a reader.
fn seen(db: &Db, reader: &str) -> (Vec<String>, Vec<String>) {
    let of = |state| {
        let filter = Filter { state, ..Filter::default() };
        let listed = filter.list(db.connection(), reader).unwrap();
        assert_eq!(count(&filter, db, reader), listed.len() as i64);
        listed.into_iter().map(|l| l.call.call_id).collect::<Vec<_>>()
    };
    (of(State::Open), of(State::Done))
}

fn next(db: &Db, reader: &str) -> Option<(String, Slot)> {
    Filter::next(db.connection(), 2_000_000, reader).unwrap()
}

/// What has become of c1, as a reader may know it.
fn standing(db: &Db, blind: &str) -> Standing {
    let ids = std::iter::once("c1");
    let mut all = standings(db.connection(), ids, 2_000_000, Eyes { blind, staff: true }).unwrap();
    all.remove("c1").unwrap()
}

#[test]
fn a_duplicate_is_open_until_the_own_form_whatever_the_first_review_does() {
    let call = |id: &str, slot| Some((id.to_owned(), slot));
    for duplicate_first in [false, true] {
        let (_dir, mut db) = with_duplicate();
        let before = (vec!["c1".to_owned(), "c2".to_owned()], vec![]);
        let after = (vec!["c2".to_owned()], vec!["c1".to_owned()]);
        assert_eq!((seen(&db, "r2"), next(&db, "r2")), (before.clone(), call("c1", Slot::Duplicate)));
        assert_eq!((next(&db, "r1"), next(&db, "")), (call("c1", Slot::First), call("c1", Slot::First)));
        if duplicate_first {
            hand_in(&mut db, "c1", Slot::Duplicate, 2, 80.0);
            assert_eq!((seen(&db, "r2"), next(&db, "r2")), (after.clone(), call("c2", Slot::First)));
            for other in ["r1", "r3", ""] {
                assert_eq!((seen(&db, other), next(&db, other)), (before.clone(), call("c1", Slot::First)), "{other}");
            }
            hand_in(&mut db, "c1", Slot::First, 1, 90.0);
        } else {
            hand_in(&mut db, "c1", Slot::First, 1, 90.0);
            assert_eq!((seen(&db, "r2"), next(&db, "r2")), (before.clone(), call("c1", Slot::Duplicate)));
            for other in ["r1", "r3", ""] {
                assert_eq!((seen(&db, other), next(&db, other)), (after.clone(), call("c2", Slot::First)), "{other}");
            }
            hand_in(&mut db, "c1", Slot::Duplicate, 2, 80.0);
        }
        for reader in ["r1", "r2", "r3", ""] {
            assert_eq!((seen(&db, reader), next(&db, reader)), (after.clone(), call("c2", Slot::First)), "{reader}");
        }
        // The own score, as of any other call.
        let score = |reader| standing(&db, reader);
        assert_eq!((score("r1"), score("r2")), (Standing::Done(90.0), Standing::Done(80.0)));
    }
}

#[test]
fn a_call_that_chance_chose_is_a_task_until_it_is_heard_whole() {
    let (_dir, mut db) = with_duplicate();
    let task = |db: &Db| super::task(db.connection(), 2_000_000, "r1", "r1").unwrap().map(|(call, _)| call);
    assert_eq!(task(&db).as_deref(), Some("c1"));
    hand_in_heard(&mut db, "c1", Slot::First, 1, 90.0, false);
    assert_eq!(task(&db).as_deref(), Some("c1"), "only its flagged places were heard");
    hand_in_heard(&mut db, "c1", Slot::First, 1, 90.0, true);
    assert_eq!(task(&db), None);
}

#[test]
fn two_people_are_handed_different_reviews() {
    let (_dir, mut db) = with_duplicate();
    db.claim("c1", Slot::First, 1, 1_500_000, 1_000_000).unwrap();
    let (first, second) = (next(&db, "r3"), next(&db, "r2"));
    assert_eq!((first, second), (Some(("c2".into(), Slot::First)), Some(("c1".into(), Slot::Duplicate))));
    db.claim("c1", Slot::Duplicate, 2, 1_500_000, 1_000_000).unwrap();
    assert_eq!(next(&db, "r2"), Some(("c2".into(), Slot::First)), "not the one that is at hand");
    let by = |name: &str| Standing::Claimed(name.to_owned());
    assert_eq!((standing(&db, "r1"), standing(&db, "r2")), (by("R1"), by("R2")));
}

#[test]
fn calls_behind_a_number_are_looked_up_one_by_one() {
    let (dir, mut db) = centre();
    let evidence = Some(Evidence::Planned);
    let mut filter = Filter { evidence, state: State::All, ..Filter::default() };
    assert_eq!(count(&filter, &db, ""), 0, "not all, where nothing is gathered");
    for order in Order::ALL {
        let plan = plan(&db, &Filter { order: order.0, ..filter.clone() });
        assert!(plan.contains("(call_id=?)"), "{plan}");
    }
    for call in ["c1", "c2", "gone"] {
        hand_in(&mut db, call, Slot::First, 1, 90.0);
    }
    let days = Period { from: "1970-01-01".into(), to: "1970-01-01".into() };
    filter.evidence = Some(Evidence::HandedIn { by: "r1".into(), duplicates: false, days });
    assert_eq!(filter.gather(db.connection(), 0).unwrap(), Gone { calls: 1, items: 0 }, "one has left the lake");
    let ids = |f: &Filter| f.list(db.connection(), "").unwrap().into_iter().map(|l| l.call.call_id);
    assert!(ids(&filter).eq(["c1", "c2"]) && count(&filter, &db, "") == 2);
    filter.from = "2026-11-02".into();
    assert!(ids(&filter).eq(["c2"]), "the other filters hold as well");
    drop(dir);
}

#[test]
fn no_unit_is_not_any_unit() {
    let (_dir, db) = centre();
    let counted = |unit: &str, agent: &str| {
        let filter = Filter { unit: unit.into(), agent: agent.into(), state: State::Understood, ..Filter::default() };
        count(&filter, &db, "")
    };
    assert_eq!([counted("", ""), counted("一组", "7"), counted("", "张8")], [4, 2, 2]);
    assert_eq!([counted(NONE, ""), counted("", NONE)], [0, 0]);
}
