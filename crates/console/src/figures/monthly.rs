//! What listening gives to an agent's score of a month (REQUIREMENTS C2): the mean of two halves, weighted.

use rusqlite::{Connection, params};

use crate::figures::period::Period;

/// Share of the month's service-quality score that the two half-monthly listening scores make up.
pub(crate) const LISTENING_SHARE: f64 = 0.7;

/// Condition on a call `c`: a listening plan or chance chose it, not its risk.
pub(crate) const PLANNED: &str =
    "EXISTS (SELECT 1 FROM draw_calls d WHERE d.call_id = c.call_id AND d.picked = 1 AND d.part <> 'risk')";

/// The halves of the month in which a period ends.
pub(crate) fn halves(p: &Period) -> [Period; 2] {
    let [first, second, _] = Period::names_of(&p.to);
    [first, second].map(|name| Period::named(&name).unwrap_or_else(|| p.clone()))
}

/// What listening gives to the month's score: the mean of both halves, weighted; nothing while a half is missing, since a
/// single half would stand for both.
pub(crate) fn counted(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    first.zip(second).map(|(a, b)| f64::midpoint(a, b) * LISTENING_SHARE)
}

/// A half month of one agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Half {
    pub(crate) days: Period,
    /// Calls that count, with their scores, in order of time.
    pub(crate) calls: Vec<(String, f64)>,
}

impl Half {
    /// Their mean.
    pub(crate) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.calls.iter().map(|(_, score)| score).sum();
        (!self.calls.is_empty()).then(|| sum / self.calls.len() as f64)
    }
}

/// Both halves of the month in which a period ends: submitted calls of the agent that a plan or chance chose.
pub(crate) fn of_agent(conn: &Connection, agent: &str, p: &Period) -> rusqlite::Result<[Half; 2]> {
    let sql = format!(
        "SELECT c.call_id, f.score FROM cat.calls c CROSS JOIN current_forms f ON f.call_id = c.call_id AND f.slot = 0
         WHERE c.agent_id = ?1 AND c.date BETWEEN ?2 AND ?3 AND {PLANNED} ORDER BY c.date, c.started_us, c.call_id"
    );
    let read = |days: Period| -> rusqlite::Result<Half> {
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![agent, days.from, days.to], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(Half { calls: rows.collect::<rusqlite::Result<_>>()?, days })
    };
    let [first, second] = halves(p);
    Ok([read(first)?, read(second)?])
}

#[cfg(test)]
mod tests {
    use callsift_reviews::{DrawCall, Slot};

    use super::{counted, of_agent};
    use crate::figures::tests::{add_draw, centre, draw, drawn_call, hand_in, november};

    #[test]
    fn both_halves_make_up_seventy_percent() {
        assert!((counted(Some(90.0), Some(80.0)).unwrap() - 59.5).abs() < 1e-9);
        assert_eq!(counted(Some(90.0), None), None);
    }

    /// Who is looked at most for risk must not score lowest for it.
    #[test]
    fn calls_chosen_for_their_risk_do_not_count() {
        let (_dir, mut db) = centre();
        draw(&mut db, "c1", 0.5, None, None);
        add_draw(&mut db, DrawCall { part: "risk".into(), ..drawn_call("c2", 1.0) });
        hand_in(&mut db, "c1", Slot::First, 1, 90.0);
        hand_in(&mut db, "c2", Slot::First, 1, 10.0);
        let [first, second] = of_agent(db.connection(), "7", &november()).unwrap();
        assert_eq!((first.calls.clone(), first.mean()), (vec![("c1".to_owned(), 90.0)], Some(90.0)));
        assert_eq!((second.calls.len(), second.mean()), (0, None));
        assert_eq!((first.days.from.as_str(), second.days.from.as_str()), ("2026-11-01", "2026-11-16"));
    }
}
