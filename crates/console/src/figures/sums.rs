//! The figures of one period: counts with their sums, and what a reviewed sample says about all calls.

use std::collections::{BTreeMap, BTreeSet};

use callsift_sampling::estimate::{
    ANY_RULE, Gain, Judged, PoweredRate, RuleAccuracy, RuleRates, groups, powered, rules,
};
use rusqlite::Connection;

use crate::catalog::outcomes;
use crate::error::ConsoleError;
use crate::figures::cells::{self, CallCell, Heard, RuleCell, Said};
use crate::figures::hours::{self, Quarter};
use crate::figures::period::Period;
use crate::figures::rows::{Listened, Rows, order};
use crate::figures::{Judgements, judged, listening, undrawn};

/// All that pages show of a period.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    calls: Vec<CallCell>,
    machine: Vec<RuleCell>,
    said: Vec<Said>,
    heard: Vec<Heard>,
    /// Agents' names by number.
    pub(crate) names: BTreeMap<String, String>,
    /// Precision and recall by rule; empty where nobody judged anything.
    pub(crate) accuracy: BTreeMap<String, RuleAccuracy>,
    /// Violation rates of the centre by rule, of rules that somebody judged.
    pub(crate) rates: BTreeMap<String, PoweredRate>,
    /// Rates of calls with any violation.
    pub(crate) any: Option<RuleRates>,
    /// What of this people judged in calls that chance chose.
    by_chance: Vec<Judged>,
    /// Rules whose hits took points off in the lake, and those whose hits never did.
    costly: BTreeSet<String>,
    free: BTreeSet<String>,
    /// What choosing calls by risk saved.
    pub(crate) gain: Option<Gain>,
    /// Calls by quarters of the hours of a week.
    pub(crate) quarters: Vec<Quarter>,
    /// Days with calls, and whether a draw covered any of them.
    pub(crate) drawn_days: Vec<(String, bool)>,
    /// What was listened to each day: several pictures of a page go by it.
    pub(crate) listened_days: BTreeMap<String, Listened>,
}

impl Figures {
    /// Reads and estimates. Slow where the lake is large: [`super::cache`] keeps the result.
    pub(crate) fn make(conn: &Connection, p: &Period) -> Result<Self, ConsoleError> {
        let (said, heard) = (cells::said(conn, p)?, cells::heard(conn, p)?);
        let mut out = Self {
            calls: cells::calls(conn, p)?,
            machine: cells::rules(conn, p)?,
            names: cells::names(conn)?,
            costly: outcomes::costly(conn)?,
            free: outcomes::free_rules(conn)?,
            gain: listening::gain(conn, &p.from, &p.to)?,
            quarters: hours::quarters(conn, p)?,
            said,
            heard,
            ..Self::default()
        };
        out.calls.sort_by(|a, b| order(&a.at).cmp(&order(&b.at)));
        out.machine.sort_by(|a, b| order(&a.at).cmp(&order(&b.at)));
        out.said.sort_by(|a, b| order(&a.at).cmp(&order(&b.at)));
        out.heard.sort_by(|a, b| order(&a.at).cmp(&order(&b.at)));
        out.listened_days = out.rows().listened(|at| Some(at.date.clone()));
        // Without a word of a person there is nothing to estimate from, and the rows of a large lake are many.
        if !out.said.is_empty() || !out.heard.is_empty() {
            out.estimate(judged(conn, &p.from, &p.to)?);
            out.drawn_days = undrawn::days(conn, p)?;
        }
        Ok(out)
    }

    fn estimate(&mut self, said: Judgements) {
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
        self.by_chance = said.by_chance;
    }

    /// How many calls behind a rate were drawn by chance.
    pub(crate) fn by_chance(&self, of: impl Fn(&Judged) -> bool) -> usize {
        self.by_chance.iter().filter(|r| of(r)).map(|r| r.calls).sum()
    }

    /// The same of rates of any violation, by unit and agent.
    pub(crate) fn any_by_chance(&self) -> BTreeMap<(&str, &str), usize> {
        let mut out = BTreeMap::new();
        for row in self.by_chance.iter().filter(|r| r.rule_id == ANY_RULE) {
            *out.entry((row.unit.as_str(), row.agent_id.as_str())).or_default() += row.calls;
        }
        out
    }

    /// Whether hits of the rule are violations: known from the lake, which may hold hits of rules that are no more, else from
    /// whether the rule takes points off today.
    pub(crate) fn is_violation(&self, rule: &str, takes_points: bool) -> bool {
        self.costly.contains(rule) || takes_points && !self.free.contains(rule)
    }

    /// All that was counted and said.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { calls: &self.calls, machine: &self.machine, said: &self.said, heard: &self.heard }
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
