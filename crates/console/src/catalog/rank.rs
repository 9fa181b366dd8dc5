//! The order of the queue: what a minute of listening is expected to confirm, calibrated by what people said of each rule.

use std::collections::BTreeMap;

use callsift_core::TimeSpan;
use callsift_sampling::risk::{Evidence, Flag, RiskPlan, RuleRecord, Value, value_of};
use rusqlite::{Connection, params};

/// All calls are ranked anew when the precision of a rule moved by so much. A verdict moves it by less than a tenth at the
/// very first and by ever less later, and an order that changes under people's hands helps nobody.
const MOVED: f64 = 0.05;
/// Calls in memory at a time.
const BATCH: usize = 5_000;

/// Ranks the calls that came since the last time; with `anew` all, where people's verdicts moved what the machine's hits are
/// worth, which takes half a minute over a quarter of a large centre.
pub(crate) fn rank(conn: &mut Connection, records: &[RuleRecord], anew: bool) -> rusqlite::Result<()> {
    let (plan, flags) = (RiskPlan::default(), BTreeMap::new());
    let evidence = Evidence::new(&flags, records);
    let now: BTreeMap<&str, f64> =
        records.iter().map(|r| (r.rule_id.as_str(), evidence.precision(&plan, &r.rule_id))).collect();
    let all = anew && moved(conn, &now, plan.prior_precision)?;
    let mut after = 0;
    loop {
        // A transaction for each batch: pages go on reading, and the log does not swell.
        let tx = conn.transaction()?;
        let calls = batch(&tx, after, all)?;
        let Some(last) = calls.last() else { break };
        after = last.id;
        for call in &calls {
            write(&tx, call.id, &value_of(&plan, call.duration_ms, &call.flags, &evidence))?;
        }
        tx.commit()?;
    }
    let tx = conn.transaction()?;
    // Last, so that whoever is killed before ranks all of them again.
    if all {
        tx.execute("DELETE FROM ranked", [])?;
        for (rule, precision) in now {
            tx.execute("INSERT INTO ranked (rule_id, precision) VALUES (?1, ?2)", params![rule, precision])?;
        }
    }
    tx.commit()
}

/// Whether a rule's precision is another one than that of the last ranking. Rules that nobody judged have the prior one.
fn moved(conn: &Connection, now: &BTreeMap<&str, f64>, prior: f64) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached("SELECT rule_id, precision FROM ranked")?;
    let before: BTreeMap<String, f64> =
        statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let gone = before.iter().any(|(rule, p)| !now.contains_key(rule.as_str()) && (p - prior).abs() >= MOVED);
    Ok(gone || now.iter().any(|(rule, p)| (p - before.get(*rule).unwrap_or(&prior)).abs() >= MOVED))
}

/// A call with what was found in it.
struct Ranked {
    id: i64,
    duration_ms: i64,
    flags: Vec<Flag>,
}

/// The next calls with hits, by number; those only that nobody ranked unless `all`.
fn batch(conn: &Connection, after: i64, all: bool) -> rusqlite::Result<Vec<Ranked>> {
    let sql = "SELECT c.id, c.duration_ms, f.rule_id, f.severity, f.turn IS NOT NULL, f.start_ms, f.end_ms
               FROM (SELECT id, duration_ms FROM calls WHERE id > ?1 AND hits > 0 AND (?2 OR risk IS NULL)
                     ORDER BY id LIMIT ?3) c
               JOIN findings f ON f.call = c.id AND f.verdict = 'hit' ORDER BY c.id, f.id";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![after, all, BATCH as i64])?;
    let mut out: Vec<Ranked> = Vec::new();
    while let Some(r) = rows.next()? {
        let id = r.get(0)?;
        if out.last().is_none_or(|call| call.id != id) {
            out.push(Ranked { id, duration_ms: r.get(1)?, flags: Vec::new() });
        }
        let (placed, start, end): (bool, Option<i64>, Option<i64>) = (r.get(4)?, r.get(5)?, r.get(6)?);
        let span = start.zip(end).map(|(start, end)| TimeSpan::new(start, end)).unwrap_or_default();
        let flag = Flag::new(&r.get::<_, String>(2)?, &r.get::<_, String>(3)?, placed.then_some(span));
        if let Some(call) = out.last_mut() {
            call.flags.push(flag);
        }
    }
    Ok(out)
}

fn write(conn: &Connection, id: i64, value: &Value) -> rusqlite::Result<()> {
    let sql = "UPDATE calls SET expected = ?2, minutes = ?3, risk = ?4 WHERE id = ?1";
    conn.prepare_cached(sql)?.execute(params![id, value.expected, value.minutes, value.per_minute()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use callsift_sampling::risk::RuleRecord;
    use rusqlite::{Connection, params};

    fn order(conn: &Connection) -> Vec<String> {
        let mut s = conn.prepare("SELECT call_id FROM calls ORDER BY risk DESC, call_id").unwrap();
        s.query_map([], |r| r.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    fn record(rule_id: &str, confirmed: u64, rejected: u64) -> RuleRecord {
        RuleRecord { rule_id: rule_id.to_owned(), confirmed, rejected }
    }

    /// Three calls of a minute with a hit of two seconds: by a severe rule, by a moderate one, and none.
    fn catalogue(dir: &std::path::Path) -> Connection {
        let conn = crate::catalog::open(&dir.join("catalog.db")).unwrap();
        for (id, call, rule, severity) in [(1, "a", "rude", "severe"), (2, "b", "slow", "moderate"), (3, "c", "", "")] {
            let hits = i64::from(!rule.is_empty());
            conn.execute(
                "INSERT INTO calls (id, call_id, part, date, agent_id, agent_name, unit, queue, direction, recording,
                   status, duration_ms, hits, worst, risk)
                 VALUES (?1, ?2, 'p', '2026-11-01', '7', '7', '', '', 'inbound', '', 'ok', 60000, ?3, 0,
                   CASE ?3 WHEN 0 THEN 0.0 END)",
                params![id, call, hits],
            )
            .unwrap();
            if hits > 0 {
                conn.execute(
                    "INSERT INTO findings (call, rule_id, place, title, category, severity, verdict, reason, points, turn,
                       start_ms, end_ms, ruleset_hash) VALUES (?1, ?2, 't1:0-2', '', '', ?3, 'hit', '', 5, 1, 0, 2000, 'h')",
                    params![id, rule, severity],
                )
                .unwrap();
            }
        }
        conn
    }

    #[test]
    fn before_anybody_spoke_the_gravest_comes_first_and_verdicts_turn_that_round() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = catalogue(dir.path());
        super::rank(&mut conn, &[], true).unwrap();
        assert_eq!(order(&conn), ["a", "b", "c"]);
        let (expected, minutes): (f64, f64) = conn
            .query_row("SELECT expected, minutes FROM calls WHERE id = 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap();
        // Even chances; two seconds with two before them, and a quarter of a minute for opening and noting.
        assert!((expected - 0.5).abs() < 1e-9 && (minutes - 19.0 / 60.0).abs() < 1e-9, "{expected} {minutes}");
        // The severe rule is nearly always wrong, the moderate one always right.
        let said = [record("rude", 0, 90), record("slow", 90, 0)];
        super::rank(&mut conn, &said, false).unwrap();
        assert_eq!(order(&conn), ["a", "b", "c"], "nothing is new");
        super::rank(&mut conn, &said, true).unwrap();
        assert_eq!(order(&conn), ["b", "a", "c"]);
    }

    #[test]
    fn a_small_move_leaves_the_order_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut conn = catalogue(dir.path());
        let many = |extra: u64| [record("rude", 500 + extra, 500)];
        super::rank(&mut conn, &many(0), true).unwrap();
        let risk = |conn: &Connection| {
            conn.query_row("SELECT risk FROM calls WHERE id = 1", [], |r| r.get::<_, f64>(0)).unwrap()
        };
        let before = risk(&conn);
        super::rank(&mut conn, &many(10), true).unwrap();
        assert!((risk(&conn) - before).abs() < f64::EPSILON);
        super::rank(&mut conn, &many(200), true).unwrap();
        assert!(risk(&conn) > before);
    }
}
