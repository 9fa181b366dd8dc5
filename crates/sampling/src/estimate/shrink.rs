//! Rates of small groups, drawn toward the larger group they are in.
//!
//! Agents of a unit are taken as a sample of habits (`habits.rs`), for each class of equal chance of being heard. What was
//! heard of an agent counts as it is; only calls not heard are guessed, by the agent's posterior. An agent with many heard
//! calls keeps the own rate, one with none gets the unit's. The interval is the shortest that has 95 % of the posterior
//! distribution of the agent's violations in this frame, which are whole; it holds on average over the agents of units such as
//! these, not for each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use super::Judged;
use super::habits::{Habits, posterior};
use super::interval::Interval;
use super::parts::{Class, count, key};
use super::strata::{self, Key, join};
use super::tail::beta_quantile;

/// More calls than this are taken as a share of endless calls: a single one no longer matters.
const COUNTED: usize = 5_000;
/// Calls of the unit that were to be heard of strata that share their habits. More than for a rate: each group of strata has
/// a prior of its own, and many priors that say little say much together.
const AT_LEAST: usize = 30;
/// Posterior chance of an interval.
const LEVEL: f64 = 0.95;

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
pub(super) fn shrink(members: &[&[&Judged]]) -> Vec<Shrunk> {
    let strata: Vec<BTreeMap<Key, [Class; 1]>> = members.iter().map(|rows| strata_of(rows)).collect();
    let mut all: BTreeMap<Key, [Class; 1]> = BTreeMap::new();
    for (k, [class]) in strata.iter().flatten() {
        all.entry(*k).or_default()[0].size += class.size;
    }
    let groups = strata::groups(all, AT_LEAST);
    let of_group = |member: &BTreeMap<Key, [Class; 1]>, group: &strata::Group<1>| {
        join(group.iter().filter_map(|(k, _)| Some((*k, member.get(k)?[0]))))
    };
    let classes: Vec<Vec<Class>> = strata.iter().map(|m| groups.iter().map(|g| of_group(m, g)).collect()).collect();
    let habits: Vec<Vec<Habits>> =
        (0..groups.len()).map(|g| posterior(classes.iter().map(|member| &member[g]))).collect();
    classes.iter().map(|member| one(member, &habits)).collect()
}

fn strata_of(rows: &[&Judged]) -> BTreeMap<Key, [Class; 1]> {
    let mut out: BTreeMap<Key, [Class; 1]> = BTreeMap::new();
    for row in rows {
        let [class] = out.entry(key(row)).or_default();
        count(class, row);
    }
    out
}

/// Violations in calls that were not heard.
#[derive(Debug, Clone, Copy, Default)]
struct Guess {
    mean: f64,
    variance: f64,
    /// Share that the larger group has in it.
    from_group: f64,
}

fn one(classes: &[Class], habits: &[Vec<Habits>]) -> Shrunk {
    let size: usize = classes.iter().map(|c| c.size).sum();
    let heard: usize = classes.iter().map(|c| c.y).sum();
    let mut all = Guess::default();
    let mut left = 0;
    for (class, of) in classes.iter().zip(habits).filter(|(c, _)| c.n < c.size) {
        if of.is_empty() {
            return Shrunk { estimate: None, interval: Interval::ANY, from_group: 0.0 };
        }
        let guess = guess(class, of);
        let more = class.size - class.n;
        left += more;
        all.mean += guess.mean;
        all.variance += guess.variance;
        all.from_group += guess.from_group * more as f64;
    }
    if size == 0 {
        return Shrunk { estimate: None, interval: Interval::ANY, from_group: 0.0 };
    }
    let share = |violations: f64| (heard as f64 + violations) / size as f64;
    let (low, high) = limits(left, all.mean, all.variance);
    Shrunk {
        estimate: Some(share(all.mean)),
        interval: Interval { low: share(low.min(all.mean)), high: share(high.max(all.mean)) },
        from_group: if left > 0 { all.from_group / left as f64 } else { 0.0 },
    }
}

/// The calls of a class that were not heard: beta binomial for every place of the grid, and all of these mixed.
fn guess(class: &Class, habits: &[Habits]) -> Guess {
    let (left, (n, y)) = ((class.size - class.n) as f64, class.counts());
    let (mut mean, mut square, mut from_group) = (0.0, 0.0, 0.0);
    for h in habits {
        let worth = h.worth + n;
        let habit = (h.mean * h.worth + y) / worth;
        let variance = left * habit * (1.0 - habit) * (worth + left) / (worth + 1.0);
        mean += h.weight * left * habit;
        square += h.weight * (variance + (left * habit).powi(2));
        from_group += h.weight * h.worth / worth;
    }
    Guess { mean, variance: (square - mean * mean).max(0.0), from_group }
}

/// The shortest range of violations in `left` calls that has [`LEVEL`] of the beta binomial distribution with this mean and variance.
fn limits(left: usize, mean: f64, variance: f64) -> (f64, f64) {
    let size = left as f64;
    let share = mean / size.max(1.0);
    let room = share * (1.0 - share);
    if left == 0 || room <= 0.0 || variance <= 0.0 {
        return (mean, mean);
    }
    // A beta binomial of worth w has the variance size * room * (w + size) / (w + 1).
    let times = variance / (size * room);
    let worth = if times > 1.0 + 1e-9 { ((size - times) / (times - 1.0)).max(1e-3) } else { 1e9 };
    let (a, b) = (share * worth, (1.0 - share) * worth);
    if left > COUNTED {
        return (beta_quantile(a, b, 0.025) * size, beta_quantile(a, b, 0.975) * size);
    }
    let (from, to) = shortest(&chances(left, a, b));
    (from as f64, to as f64)
}

/// Chance of 0, 1, … violations in `left` calls, beta binomial.
fn chances(left: usize, a: f64, b: f64) -> Vec<f64> {
    let n = left as f64;
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let none = ln_beta(a, b);
    let mut ln_choose = 0.0;
    (0..=left)
        .map(|k| {
            let k = k as f64;
            if k > 0.0 {
                ln_choose += ((n - k + 1.0) / k).ln();
            }
            (ln_choose + ln_beta(a + k, b + n - k) - none).exp()
        })
        .collect()
}

/// The shortest run of outcomes that has [`LEVEL`] of all.
fn shortest(chances: &[f64]) -> (usize, usize) {
    let enough = LEVEL * chances.iter().sum::<f64>();
    let (mut best, mut from, mut sum) = ((0, chances.len().saturating_sub(1)), 0, 0.0);
    for (to, chance) in chances.iter().enumerate() {
        sum += chance;
        while from < to && sum - chances[from] >= enough {
            sum -= chances[from];
            from += 1;
        }
        if sum >= enough && to - from < best.1 - best.0 {
            best = (from, to);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{chances, limits, shortest};

    #[test]
    fn the_shortest_run_is_found() {
        assert_eq!(shortest(&[0.01, 0.02, 0.5, 0.4, 0.06, 0.01]), (2, 4));
        assert_eq!(shortest(&[0.97, 0.03]), (0, 0));
        assert_eq!(shortest(&[0.5, 0.0, 0.5]), (0, 2));
        assert_eq!(shortest(&[]), (0, 0));
    }

    #[test]
    fn chances_are_those_of_a_beta_binomial() {
        // Habits spread evenly: every number is as likely as any other.
        for c in chances(9, 1.0, 1.0) {
            assert!((c - 0.1).abs() < 1e-9, "{c}");
        }
        let all: f64 = chances(5_000, 0.3, 7.0).iter().sum();
        assert!((all - 1.0).abs() < 1e-6, "{all}");
    }

    #[test]
    fn limits_are_whole_and_near_the_mean() {
        let (low, high) = limits(100, 2.0, 3.0);
        assert!((0.0..2.0).contains(&low) && (2.0..9.0).contains(&high) && high.fract() == 0.0, "{low} {high}");
        assert_eq!(limits(0, 0.0, 0.0), (0.0, 0.0));
        // Nothing but nonsense may come of nonsense, and no panic.
        let (low, high) = limits(1_000_000, 5_000.0, 1e6);
        assert!(low < 5_000.0 && high > 5_000.0);
    }
}
