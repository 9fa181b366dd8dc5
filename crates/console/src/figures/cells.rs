//! Counts that pages add up: calls and machine verdicts by agent, unit and day, and what people said, call by call.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::catalog::outcomes::{self, unpack};
use crate::figures::monthly::PLANNED;
use crate::figures::period::Period;

/// Whose calls, and of which day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) agent: String,
    pub(crate) unit: String,
    pub(crate) date: String,
}

impl Place {
    fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { agent: r.get(0)?, unit: r.get(1)?, date: r.get(2)? })
    }
}

/// Calls of a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallCell {
    pub(crate) at: Place,
    /// Calls that the machine understood.
    pub(crate) calls: i64,
    /// Those of them with a hit.
    pub(crate) flagged: i64,
    /// Calls on which the machine failed.
    pub(crate) failed: i64,
}

/// What the machine said of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuleCell {
    pub(crate) at: Place,
    pub(crate) rule: String,
    /// Calls with a hit.
    pub(crate) hit: i64,
    /// Calls with a hit or found clear.
    pub(crate) judged: i64,
}

/// What people said of a rule in a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) at: Place,
    pub(crate) call_id: String,
    pub(crate) rule: String,
    /// Places of the machine that were confirmed, and rejected.
    pub(crate) found: i64,
    pub(crate) rejected: i64,
    /// Places that the machine missed.
    pub(crate) missed: i64,
}

impl Said {
    /// A violation, found by whom ever.
    pub(crate) fn confirmed(&self) -> bool {
        self.found + self.missed > 0
    }

    /// A verdict on whether the call holds a violation.
    pub(crate) fn judged(&self) -> bool {
        self.confirmed() || self.rejected > 0
    }

    /// A verdict on a place that the machine hit.
    pub(crate) fn judged_hit(&self) -> bool {
        self.found + self.rejected > 0
    }
}

/// A listening form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub(crate) at: Place,
    pub(crate) call_id: String,
    pub(crate) score: f64,
    pub(crate) strengths: String,
    pub(crate) weaknesses: String,
    /// A listening plan or chance chose the call, not its risk.
    pub(crate) planned: bool,
}

pub(crate) fn calls(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<CallCell>> {
    let sql = "SELECT agent_id, unit, date, sum(status = 'ok'), sum(status = 'ok' AND hits > 0), sum(status = 'failed')
               FROM cat.calls WHERE date BETWEEN ?1 AND ?2 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![p.from, p.to], |r| {
        Ok(CallCell { at: Place::read(r)?, calls: r.get(3)?, flagged: r.get(4)?, failed: r.get(5)? })
    })?;
    rows.collect()
}

pub(crate) fn rules(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<RuleCell>> {
    let names = outcomes::rules(conn)?;
    let mut cells: BTreeMap<Place, Vec<(i64, i64)>> = BTreeMap::new();
    outcomes::each(conn, p, |row, packed| {
        let at = Place { agent: row.get(1)?, unit: row.get(2)?, date: row.get(3)? };
        let counts = cells.entry(at).or_insert_with(|| vec![(0, 0); names.len()]);
        for outcome in unpack(packed) {
            // A rule that came with a part after the names were read is counted the next time.
            let Some((hit, judged)) = counts.get_mut(outcome.rule) else { continue };
            *hit += i64::from(outcome.machine == Some(true));
            *judged += i64::from(outcome.machine.is_some());
        }
        Ok(())
    })?;
    let of = |(at, counts): (Place, Vec<(i64, i64)>)| {
        let cell =
            |(rule, (hit, judged)): (&String, (i64, i64))| RuleCell { at: at.clone(), rule: rule.clone(), hit, judged };
        names.iter().zip(counts).filter(|(_, (_, judged))| *judged > 0).map(cell).collect::<Vec<_>>()
    };
    Ok(cells.into_iter().flat_map(of).collect())
}

/// By call and rule, of what was handed in. From what people said to its calls (`CROSS JOIN` keeps that order) and not over all calls of the period.
pub(crate) fn said(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<Said>> {
    let sql = "SELECT c.agent_id, c.unit, c.date, c.call_id, v.rule_id,
                 sum(v.verdict = 'confirmed' AND NOT v.missed),
                 sum(v.verdict = 'rejected' AND NOT v.missed),
                 sum(v.verdict = 'confirmed' AND v.missed)
               FROM published_verdicts v CROSS JOIN cat.calls c ON c.call_id = v.call_id
               WHERE v.slot = 0 AND c.date BETWEEN ?1 AND ?2 GROUP BY c.call_id, v.rule_id ORDER BY c.call_id, v.rule_id";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![p.from, p.to], |r| {
        Ok(Said {
            at: Place::read(r)?,
            call_id: r.get(3)?,
            rule: r.get(4)?,
            found: r.get(5)?,
            rejected: r.get(6)?,
            missed: r.get(7)?,
        })
    })?;
    rows.collect()
}

pub(crate) fn heard(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<Heard>> {
    let sql = format!(
        "SELECT c.agent_id, c.unit, c.date, c.call_id, f.score, f.strengths, f.weaknesses, {PLANNED}
         FROM current_forms f CROSS JOIN cat.calls c ON c.call_id = f.call_id
         WHERE f.slot = 0 AND c.date BETWEEN ?1 AND ?2 ORDER BY c.date DESC, c.started_us DESC, c.call_id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params![p.from, p.to], |r| {
        Ok(Heard {
            at: Place::read(r)?,
            call_id: r.get(3)?,
            score: r.get(4)?,
            strengths: r.get(5)?,
            weaknesses: r.get(6)?,
            planned: r.get(7)?,
        })
    })?;
    rows.collect()
}

/// Names of agents by number; one of them where there are several.
pub(crate) fn names(conn: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = conn.prepare_cached("SELECT agent_id, max(agent_name) FROM cat.agents GROUP BY agent_id")?;
    statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

/// The last day that the lake has; empty where it has none.
pub(crate) fn last_day(conn: &Connection) -> rusqlite::Result<String> {
    let last: Option<String> = conn.query_row("SELECT max(date) FROM cat.calls", [], |r| r.get(0))?;
    Ok(last.unwrap_or_default())
}
