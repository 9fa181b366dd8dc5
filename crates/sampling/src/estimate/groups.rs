//! Rates of agents, units and the centre, and who differs from the rest.
//!
//! Five calls of an agent say almost nothing, so no rank is given. Three figures are:
//! - the agent's own rate in this frame, without an interval: of five calls no interval holds what it says where violations
//!   are rare;
//! - the rate drawn toward the unit ([`super::shrink`]), the best guess where own calls are few, with its interval;
//! - the difference from the **rest** of the unit, as a habit: it is called distinguishable only where its interval
//!   excludes 0 after all agents of the unit were looked at (`discoveries.rs`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Judged;
use super::discoveries::{self, FALSE_SHARE};
use super::interval::{Interval, Misses, Span, Target, add, span};
use super::parts::Parts;
use super::ppi::{PoweredRate, powered};
use super::shrink::{Shrunk, shrink};

/// Rates of one rule: the centre, its units, its agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleRates {
    /// Rule.
    pub rule_id: String,
    /// The whole frame.
    pub centre: PoweredRate,
    /// Units, by name.
    pub units: Vec<UnitRate>,
    /// Agents, by unit and number.
    pub agents: Vec<AgentRate>,
}

/// A unit's rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitRate {
    /// Unit.
    pub unit: String,
    /// Its rate.
    pub rate: PoweredRate,
}

/// An agent's rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRate {
    /// Unit.
    pub unit: String,
    /// Agent's number.
    pub agent_id: String,
    /// Calls in the frame.
    pub calls: usize,
    /// Calls of them that a person judged.
    pub n: usize,
    /// Rate in this frame from the agent's own calls; `None` where a part of them was not heard.
    pub own: Option<f64>,
    /// Rate in this frame, drawn toward the unit.
    pub shrunk: Shrunk,
    /// Difference of the agent's habit from that of the rest of the unit, in shares, corrected for the number of agents;
    /// `None` where either was not heard.
    pub difference: Option<Interval>,
    /// True where the difference is not chance.
    pub distinguishable: bool,
}

/// Rates of every rule, by rule. One row for each call of the frame and rule.
pub fn groups(rows: &[Judged]) -> Vec<RuleRates> {
    let by_rule = sorted(rows.iter(), |r| &r.rule_id);
    by_rule.into_iter().map(|(rule_id, rows)| of_rule(rule_id, &rows)).collect()
}

fn sorted<'a>(
    rows: impl IntoIterator<Item = &'a Judged>,
    by: impl Fn(&'a Judged) -> &'a str,
) -> BTreeMap<&'a str, Vec<&'a Judged>> {
    let mut out: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for row in rows {
        out.entry(by(row)).or_default().push(row);
    }
    out
}

fn of_rule(rule_id: &str, rows: &[&Judged]) -> RuleRates {
    let units = sorted(rows.iter().copied(), |r| &r.unit);
    RuleRates {
        rule_id: rule_id.to_owned(),
        centre: powered(rows),
        units: units.iter().map(|(unit, rows)| UnitRate { unit: (*unit).to_owned(), rate: powered(rows) }).collect(),
        agents: units.iter().flat_map(|(unit, rows)| agents(unit, rows)).collect(),
    }
}

fn agents(unit: &str, rows: &[&Judged]) -> Vec<AgentRate> {
    let by_agent = sorted(rows.iter().copied(), |r| &r.agent_id);
    let pairs: Vec<Pair> = by_agent
        .keys()
        .map(|agent| Pair {
            own: Parts::of(rows.iter().copied().filter(|r| r.agent_id == **agent)),
            rest: Parts::of(rows.iter().copied().filter(|r| r.agent_id != **agent)),
        })
        .collect();
    let tail = discoveries::tail(pairs.iter().map(Pair::p_value).collect());
    let shrunk = shrink(&by_agent.values().map(Vec::as_slice).collect::<Vec<_>>());
    let each = by_agent.keys().zip(&pairs).zip(shrunk);
    each.map(|((agent, pair), shrunk)| {
        let difference = pair.difference(tail);
        AgentRate {
            unit: unit.to_owned(),
            agent_id: (*agent).to_owned(),
            calls: pair.own.size(),
            n: pair.own.n(),
            own: pair.own.share(),
            shrunk,
            difference,
            distinguishable: difference.is_some_and(|d| excludes_zero(&d)),
        }
    })
    .collect()
}

fn excludes_zero(difference: &Interval) -> bool {
    difference.low > 0.0 || difference.high < 0.0
}

/// An agent and the rest of the unit.
struct Pair {
    own: Parts,
    rest: Parts,
}

impl Pair {
    /// Limits of own minus rest; each misses with a chance of about `tail`.
    fn difference(&self, tail: f64) -> Option<Interval> {
        let share = |parts: &Parts| {
            // A part that nobody heard leaves no habit to compare.
            parts.total()?;
            let (size, s) = (parts.size() as f64, span(parts, Target::Habit, Misses::Each(tail))?);
            Some(Span { at: s.at / size, low: (s.low / size).max(0.0), high: (s.high / size).min(1.0) })
        };
        let (own, rest) = (share(&self.own)?, share(&self.rest)?);
        let d = add([own, Span { at: -rest.at, low: -rest.high, high: -rest.low }]);
        Some(Interval { low: d.low.max(-1.0), high: d.high.min(1.0) })
    }

    /// Twice the largest tail whose interval still holds 0: the p-value of no difference; 1 where it is above
    /// [`FALSE_SHARE`] or nothing can be said.
    fn p_value(&self) -> f64 {
        let holds = |tail: f64| self.difference(tail).is_none_or(|d| !excludes_zero(&d));
        // Nobody is called distinguishable above that, and most agents are: the search is spared.
        if holds(FALSE_SHARE / 2.0) {
            return 1.0;
        }
        // On a scale of powers of ten, since what matters lies near 0.
        let (mut low, mut high) = (-8.0_f64, (FALSE_SHARE / 2.0).log10());
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if holds(10.0_f64.powf(middle)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        2.0 * 10.0_f64.powf(high)
    }
}
