//! One row for each call and rule: what the machine said, what people said, and how likely the call was to be heard.

use std::collections::HashMap;

use callsift_sampling::estimate::Judged;
use rusqlite::{Connection, Row, params};

use crate::error::ConsoleError;

/// What people said of the places of a rule in a call.
#[derive(Default, Clone, Copy)]
struct Said {
    confirmed: i64,
    rejected: i64,
    unsure: i64,
}

/// What draws said of a call.
#[derive(Default, Clone, Copy)]
struct Drawn {
    /// Probability that no draw takes its flagged places, and that none takes it whole.
    missed: [f64; 2],
    picked: bool,
}

/// The rows of all calls from one day to another, both included, by call and rule. Calls must lie in a catalogue that is
/// attached as `cat`. A call that people judged though no draw picked it stands for itself only: its probability is 0.
///
/// # Errors
/// The databases cannot be read.
pub fn judged(conn: &Connection, from: &str, to: &str) -> Result<Vec<Judged>, ConsoleError> {
    let (said, whole, drawn) = (said(conn)?, heard_whole(conn)?, drawn(conn)?);
    // Places, and not rows: two conditions of a rule may point at the same words.
    let sql = "SELECT c.call_id, c.agent_id, c.unit, f.rule_id,
                 count(DISTINCT CASE WHEN f.verdict = 'hit' THEN f.place END), max(f.verdict = 'clear')
               FROM cat.calls c JOIN cat.findings f ON f.call = c.id
               WHERE c.status = 'ok' AND c.date BETWEEN ?1 AND ?2 GROUP BY c.call_id, f.rule_id ORDER BY 1, 4";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![from, to])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(row_of(row, &said, &whole, &drawn)?);
    }
    Ok(out)
}

fn row_of(
    r: &Row<'_>,
    said: &HashMap<(String, String), Said>,
    whole: &HashMap<String, bool>,
    drawn: &HashMap<String, Drawn>,
) -> rusqlite::Result<Judged> {
    let (call_id, rule_id): (String, String) = (r.get(0)?, r.get(3)?);
    let (hits, clear): (i64, bool) = (r.get(4)?, r.get(5)?);
    let machine = if hits > 0 { Some(true) } else { clear.then_some(false) };
    let key = (call_id, rule_id);
    let said = said.get(&key).copied().unwrap_or_default();
    let (call_id, rule_id) = key;
    let heard_whole = whole.get(&call_id).copied().unwrap_or(false);
    let human = human(said, hits, heard_whole);
    let drawn = drawn.get(&call_id).copied().unwrap_or(Drawn { missed: [1.0; 2], picked: false });
    let probability = if human.is_some() && !drawn.picked { 0.0 } else { 1.0 - drawn.missed[usize::from(hits == 0)] };
    Ok(Judged { agent_id: r.get(1)?, unit: r.get(2)?, call_id, rule_id, machine, human, probability })
}

/// Whether a person found a violation: one confirmed place suffices; none is said only where every flagged place was rejected,
/// or where nothing is flagged and the call was heard as a whole.
fn human(said: Said, hits: i64, heard_whole: bool) -> Option<bool> {
    if said.confirmed > 0 {
        return Some(true);
    }
    let all_rejected = hits > 0 && said.rejected >= hits;
    let nothing_there = hits == 0 && heard_whole;
    (said.unsure == 0 && (all_rejected || nothing_there)).then_some(false)
}

fn said(conn: &Connection) -> rusqlite::Result<HashMap<(String, String), Said>> {
    let sql = "SELECT call_id, rule_id, sum(verdict = 'confirmed'), sum(verdict = 'rejected'), sum(verdict = 'unsure')
               FROM current_verdicts WHERE slot = 0 GROUP BY call_id, rule_id";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| {
        Ok(((r.get(0)?, r.get(1)?), Said { confirmed: r.get(2)?, rejected: r.get(3)?, unsure: r.get(4)? }))
    })?;
    rows.collect()
}

fn heard_whole(conn: &Connection) -> rusqlite::Result<HashMap<String, bool>> {
    let mut statement = conn.prepare_cached("SELECT call_id, whole FROM current_forms WHERE slot = 0")?;
    statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

/// Draws are independent of each other, so a call is missed by all with the product of the single probabilities.
fn drawn(conn: &Connection) -> rusqlite::Result<HashMap<String, Drawn>> {
    let sql = "SELECT call_id, probability, whole, picked FROM draw_calls ORDER BY draw_id";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut out: HashMap<String, Drawn> = HashMap::new();
    while let Some(r) = rows.next()? {
        // A plan that looks at the calls' own traits gives no probability: what it picked stands for itself.
        let Some(flagged) = r.get::<_, Option<f64>>(1)? else { continue };
        let whole = r.get::<_, Option<f64>>(2)?.unwrap_or(flagged);
        let call = out.entry(r.get(0)?).or_insert(Drawn { missed: [1.0; 2], picked: false });
        call.missed[0] *= 1.0 - flagged;
        call.missed[1] *= 1.0 - whole;
        call.picked |= r.get::<_, bool>(3)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{Said, human};

    #[test]
    fn silence_is_no_verdict() {
        let said = |confirmed, rejected, unsure| Said { confirmed, rejected, unsure };
        assert_eq!(human(said(1, 2, 0), 3, false), Some(true));
        assert_eq!(human(said(0, 2, 0), 3, true), None, "one place is left");
        assert_eq!(human(said(0, 3, 0), 3, false), Some(false));
        assert_eq!(human(said(0, 2, 1), 3, false), None);
        assert_eq!(human(said(0, 0, 0), 0, false), None, "only its clips were heard");
        assert_eq!(human(said(0, 0, 0), 0, true), Some(false));
        assert_eq!(human(said(1, 0, 0), 0, false), Some(true), "a miss that was marked");
    }
}
