//! The copy of a summary that is submitted: figures and remarks as they stood, to be approved and signed. Only what
//! people confirmed and submitted is in it.

use std::collections::BTreeMap;

use callsift_sampling::estimate::ANY_RULE;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ConsoleError;
use crate::figures::monthly::{counted, halves};
use crate::figures::period::Period;
use crate::figures::rows::Rows;
use crate::figures::sums::Figures;
use crate::page_error::PageError;
use crate::pages::parts::{Share, is_violation, title};

/// Version of what is written; older copies stay readable.
const VERSION: u32 = 1;
/// Problems that are named for each.
const NAMED: usize = 3;

/// A team's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    version: u32,
    pub(crate) unit: String,
    /// `2026-11-1`, `2026-11-2` or `2026-11`.
    pub(crate) period: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) sums: Sums,
    /// Appeals against verdicts on calls of these days, and those granted.
    pub(crate) appeals: i64,
    pub(crate) granted: i64,
    /// Estimated share of calls with a violation, where people's judgements say anything.
    pub(crate) rate: Option<Rate>,
    pub(crate) agents: Vec<Part>,
}

/// What was counted of some calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// Calls that the machine understood, and submitted reviews of them.
    pub(crate) calls: i64,
    pub(crate) heard: i64,
    /// Mean listening score.
    pub(crate) score: Option<f64>,
    /// Calls with a confirmed violation.
    pub(crate) confirmed: i64,
    pub(crate) problems: Vec<Problem>,
}

/// A rule and the calls in which it was confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) rule: String,
    /// Its title of that day.
    pub(crate) title: String,
    pub(crate) calls: i64,
}

/// A share with its interval of 95 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    pub(crate) at: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) n: usize,
}

/// An agent's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) agent: String,
    pub(crate) name: String,
    pub(crate) sums: Sums,
    /// Mean scores of both halves of a month, from calls that a plan or chance chose, and of how many each is the mean.
    pub(crate) halves: Option<[(Option<f64>, usize); 2]>,
    /// What listening gives to the month's score (70 %).
    pub(crate) month: Option<f64>,
    /// Remarks on weaknesses, each with how often it was made.
    pub(crate) remarks: Vec<(String, usize)>,
    pub(crate) calls: Vec<Heard>,
}

/// A submitted call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) call_id: String,
    pub(crate) date: String,
    pub(crate) score: f64,
    /// A plan or chance chose it: it counts for the month.
    pub(crate) planned: bool,
}

impl Content {
    /// The summary of a team as it stands now.
    pub(crate) fn make(
        app: &App,
        conn: &Connection,
        f: &Figures,
        (name, p): (&str, &Period),
        unit: &str,
    ) -> Result<Self, ConsoleError> {
        let (appeals, granted) = appeals(conn, p, unit)?;
        let rate = f.any.as_ref().and_then(|any| any.units.iter().find(|u| u.unit == unit));
        let by_chance = f.by_chance(|r| r.rule_id == ANY_RULE && r.unit == unit);
        let rate = rate.and_then(|u| Share::of_rate(&u.rate.powered, by_chance));
        Ok(Self {
            version: VERSION,
            unit: unit.to_owned(),
            period: name.to_owned(),
            from: p.from.clone(),
            to: p.to.clone(),
            sums: Sums::of(app, f, f.rows().unit(unit)),
            appeals,
            granted,
            rate: rate.map(|s| Rate { at: s.at, low: s.low, high: s.high, n: s.n }),
            agents: f.agents(unit).into_iter().map(|agent| Part::of(app, f, (name, p), unit, agent)).collect(),
        })
    }

    /// A copy that was submitted.
    pub(crate) fn read(json: &str) -> Result<Self, PageError> {
        let bad = |e: serde_json::Error| ConsoleError::Option(format!("a frozen summary cannot be read: {e}"));
        Ok(serde_json::from_str(json).map_err(bad)?)
    }

    /// The part of an agent.
    pub(crate) fn part(&self, agent: &str) -> Option<&Part> {
        self.agents.iter().find(|p| p.agent == agent)
    }

    /// A month, which has two halves that count.
    pub(crate) fn is_month(&self) -> bool {
        self.period.len() == 7
    }
}

impl Sums {
    fn of(app: &App, f: &Figures, rows: Rows<'_>) -> Self {
        let (sum, (score, _)) = (rows.total(), rows.score(|_| true));
        // What only the machine says accuses nobody in a paper that people sign.
        let (worst, machine) = rows.worst(NAMED, |_| true, |rule| is_violation(app, f, rule));
        let problem = |(rule, calls): (&str, i64)| Problem { rule: rule.into(), title: title(app, rule).into(), calls };
        let problems = if machine { Vec::new() } else { worst.into_iter().map(problem).collect() };
        Self { calls: sum.calls, heard: sum.heard, score, confirmed: sum.confirmed, problems }
    }
}

impl Part {
    fn of(app: &App, f: &Figures, (name, p): (&str, &Period), unit: &str, agent: &str) -> Self {
        let rows = f.rows().agent(unit, agent);
        let of_month = (name.len() == 7).then(|| halves(p).map(|half| rows.planned_score(|at| half.holds(&at.date))));
        let mut calls: Vec<Heard> = rows
            .heard
            .iter()
            .map(|h| Heard { call_id: h.call_id.clone(), date: h.at.date.clone(), score: h.score, planned: h.planned })
            .collect();
        calls.sort_by(|a, b| (&a.date, &a.call_id).cmp(&(&b.date, &b.call_id)));
        Self {
            agent: agent.to_owned(),
            name: f.name(agent).to_owned(),
            sums: Sums::of(app, f, rows),
            month: of_month.as_ref().and_then(|[first, second]| counted(first.0, second.0)),
            halves: of_month,
            remarks: remarks(rows.heard.iter().map(|h| h.weaknesses.as_str())),
            calls,
        }
    }
}

/// Remarks, the most frequent first, each once with its number.
pub(crate) fn remarks<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.map(str::trim).filter(|w| !w.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(word, n)| (word.to_owned(), n)).collect();
    counts.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    counts
}

fn appeals(conn: &Connection, p: &Period, unit: &str) -> rusqlite::Result<(i64, i64)> {
    let sql = "SELECT count(*), coalesce(sum(d.upheld), 0) FROM appeals a JOIN verdicts v ON v.id = a.verdict_id
               JOIN cat.calls c ON c.call_id = v.call_id LEFT JOIN decisions d ON d.appeal_id = a.id
               WHERE c.date BETWEEN ?1 AND ?2 AND c.unit = ?3";
    conn.prepare_cached(sql)?.query_row(params![p.from, p.to, unit], |r| Ok((r.get(0)?, r.get(1)?)))
}

#[cfg(test)]
mod tests {
    use super::remarks;

    #[test]
    fn remarks_are_counted() {
        assert_eq!(remarks(["b", "a", "", " b "].into_iter()), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        assert!(remarks(std::iter::empty()).is_empty());
    }
}
