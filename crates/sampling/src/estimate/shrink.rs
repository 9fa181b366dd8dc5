//! Rates of small groups, drawn toward the larger group they are in: empirical Bayes.
//!
//! Agents of a unit are taken as a sample of habits from a beta distribution, whose mean and spread are estimated from all
//! of them by moments (Kleinman 1973, doi:10.1080/01621459.1973.10481332), separately for each class of equal chance of being heard. What was
//! heard of an agent counts as it is; only calls not heard are guessed, by the agent's posterior. An agent with many heard
//! calls keeps the own rate, one with none gets the unit's. The interval allows for the doubt about the unit's mean and,
//! as Morris (1983, doi:10.1080/01621459.1983.10477920), for that about the spread; it holds on average over the agents, not for each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Judged;
use super::interval::Interval;
use super::parts::{Class, Key, count, key};
use super::tail::beta_quantile;

/// A rate drawn toward the larger group's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shrunk {
    /// The rate, 0 to 1; `None` where nobody of the larger group was heard.
    pub estimate: Option<f64>,
    /// 95 % interval (posterior).
    pub interval: Interval,
    /// Share of the guess about calls not heard that comes from the larger group, 0 to 1.
    pub from_group: f64,
}

/// One result for each small group.
pub(super) fn shrink(groups: &[&[&Judged]]) -> Vec<Shrunk> {
    let classes: Vec<BTreeMap<Key, Class>> = groups.iter().map(|rows| classes(rows)).collect();
    let keys: BTreeSet<Key> = classes.iter().flat_map(|c| c.keys().copied()).collect();
    let priors: BTreeMap<Key, Prior> = keys
        .into_iter()
        .map(|k| (k, Prior::of(&classes.iter().filter_map(|c| c.get(&k).copied()).collect::<Vec<_>>())))
        .collect();
    classes.iter().map(|c| one(c, &priors)).collect()
}

fn classes(rows: &[&Judged]) -> BTreeMap<Key, Class> {
    let mut out: BTreeMap<Key, Class> = BTreeMap::new();
    for row in rows {
        count(out.entry(key(row)).or_default(), row);
    }
    out
}

/// What the larger group says of its members' habits.
#[derive(Debug, Clone, Copy)]
struct Prior {
    mean: f64,
    /// Calls that the larger group's word is worth.
    strength: f64,
    /// Doubt about the mean, as a variance.
    doubt: f64,
    known: bool,
}

impl Prior {
    fn of(members: &[Class]) -> Self {
        let heard: Vec<&Class> = members.iter().filter(|c| c.n > 0).collect();
        let n: f64 = heard.iter().map(|c| c.n as f64).sum();
        let y: f64 = heard.iter().map(|c| c.y as f64).sum();
        if n <= 0.0 {
            return Self { mean: 0.5, strength: 1.0, doubt: 0.0, known: false };
        }
        let mean = (y + 0.5) / (n + 1.0);
        let m = heard.len() as f64;
        let spread: f64 = heard.iter().map(|c| c.n as f64 * (c.y as f64 / c.n as f64 - mean).powi(2)).sum();
        let squares: f64 = heard.iter().map(|c| (c.n * c.n) as f64).sum();
        let room = n - squares / n - (m - 1.0);
        let alike = if room > 0.0 { (spread / (mean * (1.0 - mean)) - (m - 1.0)) / room } else { 0.0 };
        // Never as alike as a lucky month makes them look: at least a quarter of a standard error of the estimate (of a chi square
        // with m - 1 degrees), at most the word of half a call.
        let error = if room > 0.0 { (2.0 * (m - 1.0).max(1.0)).sqrt() / room } else { 1.0 };
        let alike = alike.max(error / 4.0).clamp(1.0 / (n + 2.0), 2.0 / 3.0);
        // Morris: the spread itself is estimated, from m members.
        let care = ((m - 3.0) / (m - 1.0)).clamp(0.25, 1.0);
        let strength = if m > 1.0 { care * (1.0 / alike - 1.0) } else { 1.0 };
        let doubt = mean * (1.0 - mean) * ((1.0 - alike) / n + alike / m);
        Self { mean, strength, doubt, known: true }
    }
}

fn one(classes: &BTreeMap<Key, Class>, priors: &BTreeMap<Key, Prior>) -> Shrunk {
    let size: f64 = classes.values().map(|c| c.size as f64).sum();
    let (mut total, mut variance, mut from, mut left_all, mut known) = (0.0, 0.0, 0.0, 0.0, true);
    for (k, class) in classes {
        let left = (class.size - class.n) as f64;
        total += class.y as f64;
        let Some(prior) = priors.get(k).filter(|_| left > 0.0) else { continue };
        let worth = prior.strength + class.n as f64;
        let habit = (prior.mean * prior.strength + class.y as f64) / worth;
        let share = prior.strength / worth;
        let spread = habit * (1.0 - habit) / (worth + 1.0);
        total += left * habit;
        // Doubt about the habit, doubt about the group's mean, and chance in the calls that were not heard.
        variance +=
            left * left * (spread + share * share * prior.doubt) + left * (habit * (1.0 - habit) - spread).max(0.0);
        from += left * share;
        left_all += left;
        known &= prior.known;
    }
    let interval = if known && size > 0.0 {
        // Calls are whole: of 50 calls none has a violation, or one, never 0.3.
        let i = matched(total / size, variance / (size * size));
        let whole = |share: f64| (share * size).round() / size;
        Interval { low: whole(i.low).min(total / size), high: whole(i.high).max(total / size) }
    } else {
        Interval::ANY
    };
    let estimate = (known && size > 0.0).then(|| total / size);
    Shrunk { estimate, interval, from_group: if left_all > 0.0 { from / left_all } else { 0.0 } }
}

/// The middle 95 % of the beta distribution with this mean and variance.
fn matched(mean: f64, variance: f64) -> Interval {
    let most = mean * (1.0 - mean);
    if variance <= 0.0 || most <= 0.0 {
        return Interval { low: mean, high: mean };
    }
    let worth = (most / variance - 1.0).max(1e-3);
    let (a, b) = (mean * worth, (1.0 - mean) * worth);
    Interval { low: beta_quantile(a, b, 0.025).min(mean), high: beta_quantile(a, b, 0.975).max(mean) }
}
