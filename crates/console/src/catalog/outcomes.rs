//! What the machine said of every rule in a call, packed (table `outcomes`).

use std::collections::{BTreeMap, BTreeSet};

use callsift_store::StoredFinding;
use rusqlite::{Connection, Row, Transaction, params};

use crate::catalog::place;
use crate::figures::period::Period;

/// Bytes of a rule.
const WIDTH: usize = 3;

/// What the machine said of a rule in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Number of the rule, below the length of [`rules`].
    pub(crate) rule: usize,
    /// Different places that it hit, at most 254.
    pub(crate) hits: i64,
    /// Hit, clear; nothing where it cannot tell or does not apply.
    pub(crate) machine: Option<bool>,
}

/// What the machine found of a rule in a call.
#[derive(Default)]
struct OfRule {
    places: BTreeSet<String>,
    clear: bool,
    /// Points off for all places.
    points: f64,
    fatal: bool,
}

/// Packs the findings of a call. Places count and not rows: two conditions of a rule may point at the same words.
pub(super) fn add(tx: &Transaction<'_>, call: i64, findings: &[StoredFinding]) -> rusqlite::Result<()> {
    let mut rules: BTreeMap<&str, OfRule> = BTreeMap::new();
    for f in findings {
        let of = rules.entry(&f.rule_id).or_default();
        if f.verdict == "hit" {
            of.places.insert(place::of_finding(f));
            of.points += f.points;
            of.fatal |= f.severity == "fatal";
        }
        of.clear |= f.verdict == "clear";
    }
    let mut packed = Vec::with_capacity(rules.len() * WIDTH);
    for (rule, OfRule { places, clear, points, fatal }) in rules {
        let number = number(tx, rule)?;
        if !places.is_empty() {
            let seen = if points > 0.0 || fatal { "costs" } else { "free" };
            let sql = format!("UPDATE rules SET {seen} = 1 WHERE number = ?1 AND {seen} = 0");
            tx.prepare_cached(&sql)?.execute([number])?;
        }
        let [low, high, ..] = number.to_le_bytes();
        let hits = u8::try_from(places.len()).unwrap_or(254).min(254);
        packed.extend([low, high, if hits > 0 { hits + 1 } else { u8::from(clear) }]);
    }
    tx.prepare_cached("INSERT INTO outcomes (call, rules) VALUES (?1, ?2)")?.execute(params![call, packed])?;
    Ok(())
}

fn number(tx: &Transaction<'_>, rule: &str) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO rules (number, rule_id) SELECT coalesce(max(number) + 1, 0), ?1 FROM rules",
    )?
    .execute([rule])?;
    tx.prepare_cached("SELECT number FROM rules WHERE rule_id = ?1")?.query_row([rule], |r| r.get(0))
}

/// Rules by their numbers.
pub(crate) fn rules(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    conn.prepare_cached("SELECT rule_id FROM cat.rules ORDER BY number")?.query_map([], |r| r.get(0))?.collect()
}

/// Rules, by their numbers, whose hits take no points off: they tell of customers, or are too weak to accuse, and are no
/// violations. Known from the hits themselves, since a lake may hold those of rules that are no more.
pub(crate) fn free(conn: &Connection) -> rusqlite::Result<Vec<bool>> {
    let sql = "SELECT free = 1 AND costs = 0 FROM cat.rules ORDER BY number";
    conn.prepare_cached(sql)?.query_map([], |r| r.get(0))?.collect()
}

/// Rules of [`free`] by name.
pub(crate) fn free_rules(conn: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    named(conn, "free = 1 AND costs = 0")
}

/// Rules whose hits took points off.
pub(crate) fn costly(conn: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    named(conn, "costs = 1")
}

fn named(conn: &Connection, which: &str) -> rusqlite::Result<BTreeSet<String>> {
    let sql = format!("SELECT rule_id FROM cat.rules WHERE {which}");
    conn.prepare_cached(&sql)?.query_map([], |r| r.get(0))?.collect()
}

/// The rules of a packed call.
pub(crate) fn unpack(packed: &[u8]) -> impl Iterator<Item = Outcome> {
    packed.chunks_exact(WIDTH).map(|c| Outcome {
        rule: usize::from(u16::from_le_bytes([c[0], c[1]])),
        hits: i64::from(c[2].saturating_sub(1)),
        machine: [None, Some(false)].get(usize::from(c[2])).copied().unwrap_or(Some(true)),
    })
}

/// Understood calls of a period with their rules.
const UNDERSTOOD: &str =
    "SELECT c.call_id, c.agent_id, c.unit, c.date, o.rules FROM cat.calls c JOIN cat.outcomes o ON o.call = c.id
     WHERE c.status = 'ok' AND c.date BETWEEN ?1 AND ?2";

/// Goes over the understood calls of a period, by number: columns 0 to 3 are call id, agent, unit and day, then come the rules.
pub(crate) fn each(
    conn: &Connection,
    p: &Period,
    with: impl FnMut(&Row<'_>, &[u8]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    go_over(conn, UNDERSTOOD, params![p.from, p.to], with)
}

/// The same for those of some calls: each of them is looked up and no other.
pub(crate) fn each_of<'a>(
    conn: &Connection,
    p: &Period,
    calls: impl IntoIterator<Item = &'a str>,
    with: impl FnMut(&Row<'_>, &[u8]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let sql = format!("{UNDERSTOOD} AND c.call_id IN (SELECT value FROM json_each(?3))");
    go_over(conn, &sql, params![p.from, p.to, listed(calls)], with)
}

/// Ids as the text that `json_each` takes apart again.
pub(crate) fn listed<'a>(calls: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from(calls.into_iter().collect::<Vec<_>>()).to_string()
}

fn go_over(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    mut with: impl FnMut(&Row<'_>, &[u8]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        with(row, row.get_ref(4)?.as_blob()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Outcome, unpack};

    #[test]
    fn three_bytes_say_it_all() {
        let outcome = |rule, hits, machine| Outcome { rule, hits, machine };
        let got: Vec<Outcome> = unpack(&[0, 0, 0, 1, 0, 1, 44, 1, 2, 2, 0, 255, 9]).collect();
        let wanted =
            [outcome(0, 0, None), outcome(1, 0, Some(false)), outcome(300, 1, Some(true)), outcome(2, 254, Some(true))];
        assert_eq!(got, wanted);
    }
}
