//! How the calls that people heard were chosen, and what hearing them took.

use callsift_sampling::estimate::{Gain, Listening};
use callsift_sampling::risk::RiskPlan;
use rusqlite::{Connection, params};

use crate::error::ConsoleError;

/// Sound of a call `c` that was heard for a form `f`, in milliseconds: the whole of it, or its flagged places with two
/// seconds on both sides.
pub(crate) const HEARD_MS: &str = "CASE WHEN f.whole = 1 THEN c.duration_ms ELSE min(c.duration_ms,
       (SELECT coalesce(sum(g.end_ms - g.start_ms + 4000), 0) FROM cat.findings g
        WHERE g.call = c.id AND g.verdict = 'hit' AND g.start_ms IS NOT NULL)) END";

/// What choosing by risk found in an hour beside chance, in reviews of calls of these days; nothing where one of the two
/// is missing. Chance chose the calls of draws that gave every call of a stratum the same probability; all others were chosen by
/// their risk, by a draw or by the order of the queue.
///
/// # Errors
/// The databases cannot be read.
pub fn gain(conn: &Connection, from: &str, to: &str) -> Result<Option<Gain>, ConsoleError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM draw_calls d WHERE d.call_id = f.call_id AND d.picked = 1 AND d.part <> 'risk'
                        AND d.probability IS NOT NULL) AS by_chance,
           count(*), coalesce(sum(EXISTS (SELECT 1 FROM current_verdicts v WHERE v.call_id = f.call_id AND v.slot = 0
                                          AND v.verdict = 'confirmed')), 0), coalesce(sum({HEARD_MS}), 0)
         FROM current_forms f JOIN cat.calls c ON c.call_id = f.call_id
         WHERE f.slot = 0 AND c.date BETWEEN ?1 AND ?2 GROUP BY by_chance"
    );
    let overhead_ms = RiskPlan::default().overhead_ms;
    let (mut chosen, mut chance) = (Listening::default(), Listening::default());
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![from, to])?;
    while let Some(r) = rows.next()? {
        let (calls, confirmed, heard_ms): (i64, i64, i64) = (r.get(1)?, r.get(2)?, r.get(3)?);
        let minutes = (heard_ms + calls * overhead_ms) as f64 / 60_000.0;
        let into = if r.get(0)? { &mut chance } else { &mut chosen };
        *into = Listening { calls: calls as usize, confirmed: confirmed as usize, minutes };
    }
    Ok(Gain::of(chosen, chance))
}
