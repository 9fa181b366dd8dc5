//! What reviewers did, and what two of them said of one call without knowing of each other.

use std::collections::{BTreeMap, BTreeSet};

use callsift_sampling::agreement::Rating;
use rusqlite::{Connection, params};

use crate::figures::listening::heard_ms;

/// What a reviewer did in a period.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) display: String,
    /// Calls with a form handed in, blind duplicates too.
    pub(crate) calls: i64,
    /// Blind duplicates among them.
    pub(crate) duplicates: i64,
    /// Days with a form.
    pub(crate) days: i64,
    /// Sound heard: calls heard as a whole, of others the flagged places.
    pub(crate) heard_ms: i64,
    /// Sound that was really played, each moment once.
    pub(crate) played_ms: i64,
    /// Calls that the reviewer is at now.
    pub(crate) claims: i64,
    /// Mean score given.
    pub(crate) score: Option<f64>,
}

/// Forms that a person `u` handed in between two times.
const HANDED_IN: &str = "current_forms f ON f.user_id = u.id AND f.at_us BETWEEN ?1 AND ?2";

/// The calls of those forms: all of them, or only the blind duplicates.
pub(crate) fn handed_in(
    conn: &Connection,
    (from_us, to_us): (i64, i64),
    name: &str,
    duplicates: bool,
) -> rusqlite::Result<BTreeSet<String>> {
    let sql = format!("SELECT f.call_id FROM users u JOIN {HANDED_IN} WHERE u.name = ?3 AND f.slot >= ?4");
    let mut statement = conn.prepare_cached(&sql)?;
    statement.query_map(params![from_us, to_us, name, i64::from(duplicates)], |r| r.get(0))?.collect()
}

/// What each person who may review did between two times. Days begin at midnight `offset_s` seconds east of UTC.
pub(crate) fn loads(
    conn: &Connection,
    from_us: i64,
    to_us: i64,
    now_us: i64,
    offset_s: i32,
) -> rusqlite::Result<Vec<Load>> {
    let heard = heard_ms();
    let sql = format!(
        "SELECT u.name, u.display, count(DISTINCT f.call_id), coalesce(sum(f.slot), 0),
                 count(DISTINCT (f.at_us / 1000000 + ?4) / 86400), coalesce(sum({heard}), 0),
                 (SELECT count(*) FROM claims k WHERE k.user_id = u.id AND k.until_us > ?3), avg(f.score),
                 (SELECT coalesce(sum(h.ms), 0) FROM heard h WHERE h.user_id = u.id AND h.at_us BETWEEN ?1 AND ?2)
               FROM users u LEFT JOIN {HANDED_IN}
               LEFT JOIN cat.calls c ON c.call_id = f.call_id
               WHERE u.role <> 'agent' GROUP BY u.id
               HAVING count(f.id) > 0 OR (u.disabled = 0 AND u.role = 'reviewer') ORDER BY count(f.id) DESC, u.name"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![from_us, to_us, now_us, offset_s], |r| {
        Ok(Load {
            name: r.get(0)?,
            display: r.get(1)?,
            calls: r.get(2)?,
            duplicates: r.get(3)?,
            days: r.get(4)?,
            heard_ms: r.get(5)?,
            claims: r.get(6)?,
            score: r.get(7)?,
            played_ms: r.get(8)?,
        })
    })?;
    rows.collect()
}

/// Call and slot.
type Review = (String, i64);

/// What reviewers said of the calls that two of them reviewed, where the duplicate was handed in between two times. What an
/// appeal changed later does not count: it is the lead's word and not the reviewer's.
pub(crate) fn ratings(conn: &Connection, from_us: i64, to_us: i64) -> rusqlite::Result<Vec<Rating>> {
    let forms = forms(conn, from_us, to_us)?;
    let mut said: BTreeMap<Review, BTreeMap<String, (i64, i64)>> = BTreeMap::new();
    for (review, rule, confirmed, unsure) in verdicts(conn)? {
        said.entry(review).or_default().insert(rule, (confirmed, unsure));
    }
    let mut out = Vec::new();
    for ((call_id, slot), (reviewer, whole)) in &forms {
        let of = |slot: i64| said.get(&(call_id.clone(), slot));
        let items: BTreeSet<&String> = [of(0), of(1)].into_iter().flatten().flat_map(BTreeMap::keys).collect();
        for item in items {
            let label = match of(*slot).and_then(|s| s.get(item)) {
                Some((confirmed, _)) if *confirmed > 0 => "confirmed",
                Some((_, unsure)) if *unsure > 0 => continue,
                Some(_) => "none",
                None if *whole => "none",
                None => continue,
            };
            let (call_id, item) = (call_id.clone(), item.clone());
            out.push(Rating { call_id, item, reviewer: reviewer.clone(), label: label.to_owned() });
        }
    }
    Ok(out)
}

/// Forms of calls with a duplicate: who, and whether the call was heard as a whole.
fn forms(conn: &Connection, from_us: i64, to_us: i64) -> rusqlite::Result<BTreeMap<Review, (String, bool)>> {
    let sql = "SELECT f.call_id, f.slot, u.name, f.whole FROM current_forms f JOIN users u ON u.id = f.user_id
               WHERE f.call_id IN (SELECT d.call_id FROM current_forms d WHERE d.slot = 1 AND d.at_us BETWEEN ?1 AND ?2)";
    let mut statement = conn.prepare_cached(sql)?;
    let rows =
        statement.query_map(params![from_us, to_us], |r| Ok(((r.get(0)?, r.get(1)?), (r.get(2)?, r.get(3)?))))?;
    rows.collect()
}

/// The last word of reviewers on each rule of calls with a duplicate: places confirmed, and places they were unsure about.
fn verdicts(conn: &Connection) -> rusqlite::Result<Vec<(Review, String, i64, i64)>> {
    let sql = "SELECT v.call_id, v.slot, v.rule_id, sum(v.verdict = 'confirmed'), sum(v.verdict = 'unsure')
               FROM verdicts v LEFT JOIN verdicts n ON n.before = v.id AND n.source <> 'appeal'
               WHERE n.id IS NULL AND v.source <> 'appeal' AND v.verdict <> 'withdrawn'
                 AND v.call_id IN (SELECT call_id FROM forms WHERE slot = 1)
               GROUP BY v.call_id, v.slot, v.rule_id";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| Ok(((r.get(0)?, r.get(1)?), r.get(2)?, r.get(3)?, r.get(4)?)))?;
    rows.collect()
}

/// How often two people judged an item in one call, and how often they differed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) both: usize,
    pub(crate) differ: usize,
}

/// An item of a call that two people judged at least: item, call, labels by reviewer.
type Thing<'a> = (&'a str, &'a str, BTreeMap<&'a str, &'a str>);

fn things(ratings: &[Rating]) -> impl Iterator<Item = Thing<'_>> {
    let mut things: BTreeMap<(&str, &str), BTreeMap<&str, &str>> = BTreeMap::new();
    for r in ratings {
        things.entry((&r.item, &r.call_id)).or_default().insert(&r.reviewer, &r.label);
    }
    let twice = things.into_iter().filter(|(_, labels)| labels.len() > 1);
    twice.map(|((item, call), labels)| (item, call, labels))
}

fn differ(labels: &BTreeMap<&str, &str>) -> bool {
    labels.values().collect::<BTreeSet<_>>().len() > 1
}

/// Disagreement by item.
pub(crate) fn items(ratings: &[Rating]) -> BTreeMap<&str, Item> {
    let mut out: BTreeMap<&str, Item> = BTreeMap::new();
    for (item, _, labels) in things(ratings) {
        let entry = out.entry(item).or_default();
        entry.both += 1;
        entry.differ += usize::from(differ(&labels));
    }
    out
}

/// Which of the calls that were judged twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Twice {
    /// All, as alpha counts them.
    All,
    /// Those with an item that these two judged, as their kappa counts them.
    Pair(String, String),
    /// Those in which this item was judged twice.
    Item(String),
    /// Those in which people differed about this item.
    Differ(String),
}

/// The calls behind a figure of agreement.
pub(crate) fn calls(ratings: &[Rating], which: &Twice) -> BTreeSet<String> {
    let wanted = |(item, _, labels): &Thing<'_>| match which {
        Twice::All => true,
        Twice::Pair(a, b) => labels.contains_key(a.as_str()) && labels.contains_key(b.as_str()),
        Twice::Item(name) => item == name,
        Twice::Differ(name) => item == name && differ(labels),
    };
    things(ratings).filter(wanted).map(|(_, call, _)| call.to_owned()).collect()
}

/// Pairs of reviewers who judged a call both.
pub(crate) fn pairs(ratings: &[Rating]) -> BTreeSet<(&str, &str)> {
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for r in ratings {
        calls.entry(&r.call_id).or_default().insert(&r.reviewer);
    }
    let each = calls.values().flat_map(|who| who.iter().flat_map(move |a| who.iter().map(move |b| (*a, *b))));
    each.filter(|(a, b)| a < b).collect()
}
