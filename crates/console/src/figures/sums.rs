//! The figures of one period: counts with their sums, and what a reviewed sample says about all calls.

use std::collections::{BTreeMap, BTreeSet};

use callsift_sampling::estimate::{Gain, Judged, PoweredRate, RuleAccuracy, RuleRates, groups, powered, rules};
use rusqlite::Connection;

use crate::error::ConsoleError;
use crate::figures::cells::{self, CallCell, Heard, Place, RuleCell, Said};
use crate::figures::period::Period;
use crate::figures::{Judgements, judged, listening};

/// All that pages show of a period.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) calls: Vec<CallCell>,
    pub(crate) machine: Vec<RuleCell>,
    pub(crate) said: Vec<Said>,
    pub(crate) heard: Vec<Heard>,
    /// Agents' names by number.
    pub(crate) names: BTreeMap<String, String>,
    /// Precision and recall by rule; empty where nobody judged anything.
    pub(crate) accuracy: BTreeMap<String, RuleAccuracy>,
    /// Violation rates of the centre by rule, of rules that somebody judged.
    pub(crate) rates: BTreeMap<String, PoweredRate>,
    /// Rates of calls with any violation.
    pub(crate) any: Option<RuleRates>,
    /// What choosing calls by risk saved.
    pub(crate) gain: Option<Gain>,
}

/// Sums of counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Calls that the machine understood.
    pub(crate) calls: i64,
    /// Those with a hit.
    pub(crate) flagged: i64,
    pub(crate) failed: i64,
    /// Calls with a form.
    pub(crate) heard: i64,
    /// Calls with a confirmed violation.
    pub(crate) confirmed: i64,
}

/// Counts of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RuleSum {
    /// Calls with a hit, and with a hit or found clear.
    pub(crate) hit: i64,
    pub(crate) judged: i64,
    /// Calls with a confirmed violation, and with a verdict of a person.
    pub(crate) confirmed: i64,
    pub(crate) said: i64,
}

/// Pairs of call and rule in which people judged what the machine hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Precision {
    /// Those that they confirmed.
    pub(crate) right: usize,
    /// All.
    pub(crate) judged: usize,
    /// Different calls among them.
    pub(crate) calls: usize,
}

impl Figures {
    /// Reads and estimates. Slow where the lake is large: [`super::cache`] keeps the result.
    pub(crate) fn make(conn: &Connection, p: &Period) -> Result<Self, ConsoleError> {
        let (said, heard) = (cells::said(conn, p)?, cells::heard(conn, p)?);
        let mut out = Self {
            calls: cells::calls(conn, p)?,
            machine: cells::rules(conn, p)?,
            names: cells::names(conn)?,
            gain: listening::gain(conn, &p.from, &p.to)?,
            said,
            heard,
            ..Self::default()
        };
        // Without a word of a person there is nothing to estimate from, and the rows of a large lake are many.
        if !out.said.is_empty() || !out.heard.is_empty() {
            out.estimate(&judged(conn, &p.from, &p.to)?);
        }
        Ok(out)
    }

    fn estimate(&mut self, said: &Judgements) {
        let rows = &said.rows;
        self.accuracy = rules(rows).into_iter().map(|a| (a.rule_id.clone(), a)).collect();
        let mut by_rule: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        for row in rows {
            by_rule.entry(&row.rule_id).or_default().push(row);
        }
        by_rule.retain(|_, rows| rows.iter().any(|r| r.human.is_some()));
        self.rates = by_rule.into_iter().map(|(rule, rows)| (rule.to_owned(), powered(&rows))).collect();
        if said.any.iter().any(|r| r.human.is_some()) {
            self.any = groups(&said.any).pop();
        }
    }

    /// Sums over places, by whatever a place is told by.
    pub(crate) fn sums<K: Ord>(&self, key: impl Fn(&Place) -> Option<K>) -> BTreeMap<K, Sum> {
        let mut out: BTreeMap<K, Sum> = BTreeMap::new();
        for cell in &self.calls {
            let Some(key) = key(&cell.at) else { continue };
            let sum = out.entry(key).or_default();
            sum.calls += cell.calls;
            sum.flagged += cell.flagged;
            sum.failed += cell.failed;
        }
        for heard in &self.heard {
            if let Some(key) = key(&heard.at) {
                out.entry(key).or_default().heard += 1;
            }
        }
        let confirmed: BTreeMap<&str, &Place> =
            self.said.iter().filter(|s| s.confirmed()).map(|s| (s.call_id.as_str(), &s.at)).collect();
        for at in confirmed.into_values() {
            if let Some(key) = key(at) {
                out.entry(key).or_default().confirmed += 1;
            }
        }
        out
    }

    /// The sum over all places.
    pub(crate) fn total(&self) -> Sum {
        self.sums(|_| Some(())).remove(&()).unwrap_or_default()
    }

    /// Counts by rule, of some places.
    pub(crate) fn by_rule(&self, of: impl Fn(&Place) -> bool) -> BTreeMap<&str, RuleSum> {
        let mut out: BTreeMap<&str, RuleSum> = BTreeMap::new();
        for cell in self.machine.iter().filter(|c| of(&c.at)) {
            let sum = out.entry(&cell.rule).or_default();
            sum.hit += cell.hit;
            sum.judged += cell.judged;
        }
        for said in self.said.iter().filter(|s| of(&s.at)) {
            let sum = out.entry(&said.rule).or_default();
            sum.confirmed += i64::from(said.confirmed());
            sum.said += i64::from(said.judged());
        }
        out
    }

    /// Rules that hit in a call and that people confirmed there, and all that they judged: a rule is judged once in a call,
    /// by any of its places. Then the calls in which they did.
    pub(crate) fn precision(&self) -> Precision {
        let judged = self.said.iter().filter(|s| s.judged_hit());
        let mut out = Precision::default();
        let mut calls = BTreeSet::new();
        for said in judged {
            out.right += usize::from(said.found > 0);
            out.judged += 1;
            calls.insert(said.call_id.as_str());
        }
        out.calls = calls.len();
        out
    }

    /// The rules that went wrong most: those with most confirmed violations, or with most hits where none is confirmed. The
    /// flag tells that they are the machine's.
    pub(crate) fn worst(&self, n: usize, of: impl Fn(&Place) -> bool) -> (Vec<(&str, i64)>, bool) {
        let sums = self.by_rule(of);
        let machine = sums.values().all(|s| s.confirmed == 0);
        let count = |s: &RuleSum| if machine { s.hit } else { s.confirmed };
        let mut out: Vec<(&str, i64)> =
            sums.iter().map(|(rule, s)| (*rule, count(s))).filter(|(_, n)| *n > 0).collect();
        out.sort_by_key(|(rule, n)| (-n, *rule));
        out.truncate(n);
        (out, machine)
    }

    /// Mean listening score of some places, and how many forms it is the mean of.
    pub(crate) fn score(&self, of: impl Fn(&Place) -> bool) -> (Option<f64>, usize) {
        Self::mean(self.heard.iter().filter(|h| of(&h.at)))
    }

    /// The same of the calls that a listening plan or chance chose. Those chosen for their risk would pull whoever's calls are
    /// looked at most below the others.
    pub(crate) fn planned_score(&self, of: impl Fn(&Place) -> bool) -> (Option<f64>, usize) {
        Self::mean(self.heard.iter().filter(|h| h.planned && of(&h.at)))
    }

    fn mean<'a>(heard: impl Iterator<Item = &'a Heard>) -> (Option<f64>, usize) {
        let scores: Vec<f64> = heard.map(|h| h.score).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        ((!scores.is_empty()).then_some(mean), scores.len())
    }

    /// Units, sorted.
    pub(crate) fn units(&self) -> BTreeSet<&str> {
        self.calls.iter().map(|c| c.at.unit.as_str()).collect()
    }

    /// Agents of a unit, sorted.
    pub(crate) fn agents(&self, unit: &str) -> BTreeSet<&str> {
        self.calls.iter().filter(|c| c.at.unit == unit).map(|c| c.at.agent.as_str()).collect()
    }

    /// The name of an agent; the number where there is none.
    pub(crate) fn name<'a>(&'a self, agent: &'a str) -> &'a str {
        self.names.get(agent).filter(|n| !n.is_empty()).map_or(agent, String::as_str)
    }
}
