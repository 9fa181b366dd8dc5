//! How far reviewers agree: Cohen's kappa and Krippendorff's alpha, with bootstrap intervals over calls.
//!
//! Both are 1 where reviewers always agree and 0 where they agree no more than by chance. Kappa is for two reviewers who
//! judged the same calls (Cohen 1960, doi:10.1177/001316446002000104); alpha takes any number of them and calls that only
//! some judged (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").
//!
//! Intervals resample whole calls, since the judgements of one call belong together, and are the middle 95 % of
//! [`RESAMPLES`] recomputed figures (Efron 1979). They are too narrow for fewer than about 30 calls judged twice: `calls` says
//! how many there were. Resampling is seeded and so gives the same interval every time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::estimate::Interval;

/// Bootstrap samples.
pub const RESAMPLES: usize = 2000;

/// One reviewer's judgement of one thing, usually a rule in a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rating {
    /// Call: what is resampled.
    pub call_id: String,
    /// What was judged in it: a rule, or empty where the call was judged as a whole.
    pub item: String,
    /// Reviewer.
    pub reviewer: String,
    /// Judgement, for example `confirmed`; those who were unsure give none.
    pub label: String,
}

/// A measure of agreement, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The measure; `None` where nothing was judged twice, or all judgements are the same, so that chance explains all.
    pub estimate: Option<f64>,
    /// 95 % interval; -1 to 1 where nothing is known.
    pub interval: Interval,
    /// Calls with something judged by two reviewers at least.
    pub calls: usize,
}

/// Labels of one thing, by reviewer.
type Thing<'a> = BTreeMap<&'a str, &'a str>;
/// Things of each call that two at least judged.
type Calls<'a> = Vec<Vec<Thing<'a>>>;

/// Cohen's kappa of two reviewers, over what both judged.
pub fn kappa(ratings: &[Rating], first: &str, second: &str, seed: &str) -> Agreement {
    let both: Vec<Rating> = ratings.iter().filter(|r| r.reviewer == first || r.reviewer == second).cloned().collect();
    measure(&calls(&both), seed, |things| {
        kappa_of(things.iter().filter_map(|t| Some((*t.get(first)?, *t.get(second)?))))
    })
}

/// Krippendorff's alpha for names of kinds (nominal), over all reviewers.
pub fn alpha(ratings: &[Rating], seed: &str) -> Agreement {
    measure(&calls(ratings), seed, alpha_of)
}

/// Sorted, so that the order of the input does not matter. Of two judgements of one thing by one reviewer the last in
/// order of their labels counts.
fn calls(ratings: &[Rating]) -> Calls<'_> {
    let sorted: BTreeSet<&Rating> = ratings.iter().collect();
    let mut calls: BTreeMap<&str, BTreeMap<&str, Thing<'_>>> = BTreeMap::new();
    for r in sorted {
        calls.entry(&r.call_id).or_default().entry(&r.item).or_default().insert(&r.reviewer, &r.label);
    }
    calls.into_values().map(twice_judged).filter(|things| !things.is_empty()).collect()
}

fn twice_judged<'a>(things: BTreeMap<&'a str, Thing<'a>>) -> Vec<Thing<'a>> {
    things.into_values().filter(|t| t.len() > 1).collect()
}

fn measure(calls: &Calls<'_>, seed: &str, of: impl Fn(&[&Thing<'_>]) -> Option<f64>) -> Agreement {
    let all: Vec<&Thing<'_>> = calls.iter().flatten().collect();
    let estimate = of(&all);
    let mut dice = Dice::new(seed);
    let mut recomputed: Vec<f64> = Vec::new();
    for _ in 0..if estimate.is_some() { RESAMPLES } else { 0 } {
        let drawn = (0..calls.len()).filter_map(|_| calls.get(dice.below(calls.len())));
        recomputed.extend(of(&drawn.flatten().collect::<Vec<_>>()));
    }
    recomputed.sort_by(f64::total_cmp);
    let at = |share: f64| {
        recomputed.get(((recomputed.len() as f64 * share) as usize).min(recomputed.len().saturating_sub(1))).copied()
    };
    let interval = match (estimate, at(0.025), at(0.975)) {
        (Some(e), Some(low), Some(high)) => Interval { low: low.min(e), high: high.max(e) },
        _ => Interval { low: -1.0, high: 1.0 },
    };
    Agreement { estimate, interval, calls: calls.len() }
}

/// Kappa of pairs of labels: agreement beyond chance over all that chance leaves.
fn kappa_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<f64> {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let (mut n, mut same) = (0.0, 0.0);
    for (a, b) in pairs {
        n += 1.0;
        same += if a == b { 1.0 } else { 0.0 };
        counts.entry(a).or_default().0 += 1.0;
        counts.entry(b).or_default().1 += 1.0;
    }
    let chance = counts.values().map(|(a, b)| a * b).sum::<f64>() / (n * n);
    (n > 0.0 && chance < 1.0).then(|| (same / n - chance) / (1.0 - chance))
}

/// Alpha: one minus observed over expected disagreement, from the matrix of coincidences.
fn alpha_of(things: &[&Thing<'_>]) -> Option<f64> {
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    let mut agreeing = 0.0;
    for thing in things {
        let judges = thing.len() as f64;
        if judges < 2.0 {
            continue;
        }
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for label in thing.values() {
            *counts.entry(*label).or_default() += 1.0;
        }
        for (label, c) in counts {
            *totals.entry(label).or_default() += c;
            agreeing += c * (c - 1.0) / (judges - 1.0);
        }
    }
    let n: f64 = totals.values().sum();
    let by_chance: f64 = totals.values().map(|c| c * (c - 1.0)).sum();
    let expected = n * (n - 1.0) - by_chance;
    (expected > 0.0).then(|| 1.0 - (n - 1.0) * (n - agreeing) / expected)
}

/// splitmix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195), started by SHA-256 of the seed.
struct Dice(u64);

impl Dice {
    fn new(seed: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(seed.as_bytes()).into();
        Self(hash.iter().take(8).fold(0, |all, byte| (all << 8) | u64::from(*byte)))
    }

    /// A number below `n`; the multiply keeps the bias below 1 in 2^64 / n.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Rating, alpha, kappa};
    use crate::estimate::Interval;

    fn rating(call: usize, reviewer: &str, label: &str) -> Rating {
        Rating {
            call_id: format!("{call:04}"),
            item: String::new(),
            reviewer: reviewer.to_owned(),
            label: label.to_owned(),
        }
    }

    /// Krippendorff 2011, section D: four observers, twelve units, missing data; nominal alpha 0.743.
    fn four_observers() -> Vec<Rating> {
        let said = [
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ];
        let rows = said.iter().zip(["A", "B", "C", "D"]);
        rows.flat_map(|(line, who)| {
            line.split(' ').enumerate().filter(|(_, l)| *l != ".").map(move |(i, l)| rating(i, who, l))
        })
        .collect()
    }

    /// Cohen's two judges and 200 cases, as frequencies: 140 agree, 82 by chance; kappa 58/118, which Cohen (1968,
    /// doi:10.1037/h0026256) gives as 0.492.
    fn two_judges() -> Vec<Rating> {
        let table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]];
        let mut out = Vec::new();
        for (a, row) in table.iter().enumerate() {
            for (b, n) in row.iter().enumerate() {
                for _ in 0..*n {
                    let call = out.len();
                    out.push(rating(call, "A", &a.to_string()));
                    out.push(rating(call, "B", &b.to_string()));
                }
            }
        }
        out
    }

    #[test]
    fn published_examples() {
        let a = alpha(&four_observers(), "s");
        assert!((a.estimate.unwrap() - 0.743).abs() < 5e-4 && a.calls == 11, "{a:?}");
        assert!(a.interval.low < 0.65 && a.interval.high > 0.85, "{a:?}");
        let k = kappa(&two_judges(), "A", "B", "s");
        assert!((k.estimate.unwrap() - 58.0 / 118.0).abs() < 1e-12, "{k:?}");
        // Asymptotic standard error about 0.052.
        assert!((k.interval.width() - 0.2).abs() < 0.04, "{k:?}");
        assert_eq!(k, kappa(&two_judges(), "A", "B", "s"));
    }

    #[test]
    fn what_cannot_be_measured_is_not() {
        let nothing = Interval { low: -1.0, high: 1.0 };
        let same: Vec<Rating> = (0..9).flat_map(|i| ["A", "B"].map(|who| rating(i, who, "x"))).collect();
        for a in [alpha(&[], "s"), alpha(&same, "s"), kappa(&same, "A", "B", "s"), kappa(&same, "A", "C", "s")] {
            assert_eq!((a.estimate, a.interval), (None, nothing));
        }
        let one = rating(1, "A", "x");
        assert_eq!(alpha(&[one], "s").calls, 0);
    }

    proptest! {
        #[test]
        fn at_most_one_whatever_the_order(said in prop::collection::vec((0usize..6, 0u8..3, 0u8..3), 0..30)) {
            let ratings: Vec<Rating> =
                said.iter().map(|(c, who, l)| rating(*c, &who.to_string(), &l.to_string())).collect();
            let turned: Vec<Rating> = ratings.iter().rev().cloned().collect();
            let a = alpha(&ratings, "s");
            prop_assert_eq!(a, alpha(&turned, "s"));
            prop_assert!(a.estimate.is_none_or(|e| e <= 1.0 + 1e-9 && a.interval.holds(e)));
            prop_assert!(kappa(&ratings, "0", "1", "s").estimate.is_none_or(|e| e <= 1.0 + 1e-9));
        }
    }
}
