//! How the calls that people heard were chosen, and what hearing them took.

use std::collections::BTreeSet;

use callsift_sampling::estimate::{Gain, Listening};
use callsift_sampling::risk::RiskPlan;
use rusqlite::{Connection, params};

use crate::error::ConsoleError;
use crate::figures::period::Period;

/// Sound of a call `c` that was heard for a form `f`, in milliseconds: the whole of it, or what the queue says that its flagged
/// places take. That holds the time for opening and noting, which is no sound.
pub(crate) fn heard_ms() -> String {
    let overhead_ms = RiskPlan::default().overhead_ms;
    format!(
        "CASE WHEN f.whole = 1 THEN c.duration_ms
              ELSE max(0, CAST(round(coalesce(c.minutes, 0) * 60000) AS INTEGER) - {overhead_ms}) END"
    )
}

/// A reviewed call: who chose it, what came of it, and how long it was heard.
struct Reviewed {
    call_id: String,
    by_chance: bool,
    confirmed: bool,
    heard_ms: i64,
}

/// Chance chose the calls of draws that gave every call of a stratum the same probability; all others were chosen by their
/// risk, by a draw or by the order of the queue.
fn reviewed(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<Reviewed>> {
    let sql = format!(
        "SELECT f.call_id,
           EXISTS (SELECT 1 FROM draw_calls d WHERE d.call_id = f.call_id AND d.picked = 1 AND d.part <> 'risk'
                   AND d.probability IS NOT NULL),
           EXISTS (SELECT 1 FROM published_verdicts v WHERE v.call_id = f.call_id AND v.slot = 0 AND v.verdict = 'confirmed'),
           {}
         FROM current_forms f CROSS JOIN cat.calls c ON c.call_id = f.call_id
         WHERE f.slot = 0 AND c.date BETWEEN ?1 AND ?2",
        heard_ms()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![p.from, p.to], |r| {
        let (call_id, by_chance) = (r.get(0)?, r.get(1)?);
        Ok(Reviewed { call_id, by_chance, confirmed: r.get(2)?, heard_ms: r.get(3)? })
    })?;
    rows.collect()
}

/// What choosing by risk found in an hour beside chance, in reviews of calls of these days; nothing where one of the two
/// is missing.
///
/// # Errors
/// The databases cannot be read.
pub fn gain(conn: &Connection, from: &str, to: &str) -> Result<Option<Gain>, ConsoleError> {
    let overhead_ms = RiskPlan::default().overhead_ms;
    let (mut chosen, mut chance) = (Listening::default(), Listening::default());
    for call in reviewed(conn, &Period { from: from.to_owned(), to: to.to_owned() })? {
        let into = if call.by_chance { &mut chance } else { &mut chosen };
        into.calls += 1;
        into.confirmed += usize::from(call.confirmed);
        into.minutes += (call.heard_ms + overhead_ms) as f64 / 60_000.0;
    }
    Ok(Gain::of(chosen, chance))
}

/// The calls that [`gain`] counts as chosen by chance, or by risk.
pub(crate) fn chosen_calls(conn: &Connection, p: &Period, by_chance: bool) -> rusqlite::Result<BTreeSet<String>> {
    let calls = reviewed(conn, p)?.into_iter().filter(|call| call.by_chance == by_chance);
    Ok(calls.map(|call| call.call_id).collect())
}
