//! How far each rule can be trusted: precision and recall.
//!
//! Recall needs violations that the machine did not flag, and only calls heard **whole** and drawn by chance show them.
//! Violations found (`F`) and missed (`M`) are estimated from calls with and without a hit, which are samples of their own;
//! the limits of recall are the shares `r` for which `(1 - r) F - r M` may be zero, its limits being MOVER's
//! (Zou and Donner 2008, doi:10.1002/sim.3095; the idea is Fieller's, 1954).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Judged;
use super::interval::{Interval, Misses, ONE_SIDED, Span, TWO_SIDED, Target, add, span};
use super::parts::Parts;
use super::rate::Rate;
use super::tail::root;

/// Precision and recall of one rule in the calls of the frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleAccuracy {
    /// Rule.
    pub rule_id: String,
    /// Share of the machine's hits that are violations.
    pub precision: Rate,
    /// Share of the calls that the machine found clear and that hold a violation.
    pub missed_among_clear: Rate,
    /// Share of all violations that the machine found; `calls` and `n` count violations found by people, estimated over
    /// the frame and heard.
    pub recall: Rate,
    /// The machine misses less than this share of the violations, right with 95 % (one-sided); 1 where nothing is known.
    pub misses_fewer_than: f64,
    /// Calls on which the machine could not tell, or to which the rule does not apply. They count in neither figure.
    pub cannot_tell: usize,
}

/// Precision and recall of every rule, by rule. One row for each call of the frame and rule.
pub fn rules(rows: &[Judged]) -> Vec<RuleAccuracy> {
    let mut by_rule: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for row in rows {
        by_rule.entry(&row.rule_id).or_default().push(row);
    }
    by_rule.into_iter().map(|(rule_id, rows)| rule(rule_id, &rows)).collect()
}

fn rule(rule_id: &str, rows: &[&Judged]) -> RuleAccuracy {
    let of = |verdict: bool| Parts::of(rows.iter().copied().filter(|r| r.machine == Some(verdict)));
    let (hits, clear) = (of(true), of(false));
    let two_sided = recall(&hits, &clear, TWO_SIDED);
    let one_sided = recall(&hits, &clear, ONE_SIDED);
    RuleAccuracy {
        rule_id: rule_id.to_owned(),
        precision: Rate::of(&hits, Target::Frame),
        missed_among_clear: Rate::of(&clear, Target::Frame),
        recall: Rate {
            calls: (hits.total().unwrap_or(0.0) + clear.total().unwrap_or(0.0)).round() as usize,
            n: hits.y() + clear.y(),
            n_effective: None,
            estimate: point(&hits, &clear),
            interval: two_sided,
        },
        misses_fewer_than: 1.0 - one_sided.low,
        cannot_tell: rows.iter().filter(|r| r.machine.is_none()).map(|r| r.calls).sum(),
    }
}

/// Found over found and missed; `None` where no violation is known or a part was not heard.
fn point(hits: &Parts, clear: &Parts) -> Option<f64> {
    let of = |p: &Parts| if p.size() == 0 { Some(0.0) } else { p.total() };
    let (found, missed) = (of(hits)?, of(clear)?);
    (found + missed > 0.0).then(|| found / (found + missed))
}

/// Limits of recall.
fn recall(hits: &Parts, clear: &Parts, limits: Misses) -> Interval {
    let none = Span { at: 0.0, low: 0.0, high: 0.0 };
    let total = |p: &Parts| span(p, Target::Frame, limits).unwrap_or(none);
    let (found, missed) = (total(hits), total(clear));
    // Found minus what would have been found at a recall of r; falls as r grows.
    let over = |r: f64| {
        let scaled = |s: Span, by: f64| Span { at: s.at * by, low: s.low * by, high: s.high * by };
        let turned = Span { at: -missed.at, low: -missed.high, high: -missed.low };
        add([scaled(found, 1.0 - r), scaled(turned, r)])
    };
    if found.at + missed.at <= 0.0 {
        return Interval::ANY;
    }
    Interval { low: root(|r| over(r).low <= 0.0), high: root(|r| over(r).high < 0.0) }
}
