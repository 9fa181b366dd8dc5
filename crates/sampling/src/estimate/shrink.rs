//! Rates of small groups, drawn toward the larger group they are in.
//!
//! Agents of a unit are taken as a sample of habits (`habits.rs`), for each class of equal chance of being heard, and where enough
//! were heard apart for the calls that the machine flags and for the others. What was
//! heard of an agent counts as it is; only calls not heard are guessed, by the agent's posterior. An agent with many heard
//! calls keeps the own rate, one with none gets the unit's. The interval has 95 % of the posterior
//! distribution of the agent's violations in this frame, which are whole (`unheard.rs`); it holds on average over the
//! agents of units such as these, not for each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Judged;
use super::habits::{Habits, posterior};
use super::interval::Interval;
use super::parts::{Class, count, key};
use super::strata::{self, Key};
use super::tail::beta_quantile;
use super::unheard;

/// More calls than this are taken as a share of endless calls: a single one no longer matters.
const COUNTED: usize = 1_000;
/// Calls of the unit that were to be heard of strata that share their habits. More than for a rate: each group of strata has
/// a prior of its own, and many priors that say little say much together.
const AT_LEAST: usize = 30;
/// Calls of the unit that were to be heard of those that the machine flags, and of the others, for the two to be looked at apart.
const OF_EACH_SIDE: f64 = 10.0;
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

/// What is known of the larger group, in strata that stand together.
struct Unit {
    /// Share of violations among the calls heard, each weighing what it stands for.
    share: Option<f64>,
    habits: Vec<Habits>,
}

/// One result for each small group.
pub(super) fn shrink(members: &[&[&Judged]]) -> Vec<Shrunk> {
    let sides: Vec<Side> = sides(&members.concat()).into_iter().map(|hit| Side::of(members, hit)).collect();
    let of = |member: usize| {
        let parts: Vec<Part> = sides.iter().flat_map(|side| side.parts[member].iter().copied()).collect();
        let units: Vec<&Unit> = sides.iter().flat_map(|side| &side.units).collect();
        one(&parts, &units)
    };
    (0..members.len()).map(of).collect()
}

/// Whether calls that the machine flags are looked at apart from the others. Both mostly differ widely, and how many of
/// each a member has is known; so a member's guess need not hang on which of the two happened to be heard. Where too few of one were to
/// be heard they stay together.
fn sides(rows: &[&Judged]) -> Vec<Option<bool>> {
    let expected = |hit: bool| {
        let of = rows.iter().filter(|r| (r.machine == Some(true)) == hit && r.probability < 1.0);
        of.map(|r| r.probability * r.calls as f64).sum::<f64>()
    };
    if expected(true).min(expected(false)) < OF_EACH_SIDE { vec![None] } else { vec![Some(false), Some(true)] }
}

/// Calls on one side of the machine, or all.
struct Side {
    /// Of each member, by unit.
    parts: Vec<Vec<Part>>,
    units: Vec<Unit>,
}

impl Side {
    fn of(members: &[&[&Judged]], hit: Option<bool>) -> Self {
        let on_side = |r: &&Judged| hit.is_none_or(|hit| (r.machine == Some(true)) == hit);
        let members: Vec<Vec<&Judged>> =
            members.iter().map(|rows| rows.iter().copied().filter(on_side).collect()).collect();
        let strata: Vec<BTreeMap<Key, [Class; 1]>> = members.iter().map(|rows| strata_of(rows)).collect();
        let groups = strata::groups(strata_of(&members.concat()), AT_LEAST);
        let scales: Vec<f64> = groups.iter().map(scale).collect();
        let of_groups =
            |member| groups.iter().zip(&scales).map(move |(group, by)| of_group(member, group, *by)).collect();
        let parts: Vec<Vec<Part>> = strata.iter().map(of_groups).collect();
        let unit = |i: usize| {
            let members = || parts.iter().map(|member| &member[i]);
            let (n, y): (f64, f64) = (members().map(|p| p.n).sum(), members().map(|p| p.y).sum());
            Unit { share: (n > 0.0).then(|| y / n), habits: posterior(members().map(|p| (p.n, p.y))) }
        };
        Self { units: (0..groups.len()).map(unit).collect(), parts }
    }
}

fn strata_of(rows: &[&Judged]) -> BTreeMap<Key, [Class; 1]> {
    let mut out: BTreeMap<Key, [Class; 1]> = BTreeMap::new();
    for row in rows {
        let [class] = out.entry(key(row)).or_default();
        count(class, row);
    }
    out
}

/// A member's calls in strata that stand together.
///
/// A call heard of a stratum that few calls were drawn of says more of calls that nobody heard than one of a stratum that most were
/// drawn of. So calls heard weigh as many unheard ones as they stand for, scaled so that all of the unit are worth their effective
/// sample size (pseudo likelihood: Savitsky and Toth 2016, doi:10.1214/16-EJS1153). Counting them as equal would have the
/// habits of whoever was drawn for bad scores stand for everybody.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    /// Calls, and those of them that nobody heard.
    size: usize,
    left: usize,
    /// Violations heard.
    heard: usize,
    /// Calls heard, and violations among them, as much as they count.
    n: f64,
    y: f64,
}

fn of_group(member: &BTreeMap<Key, [Class; 1]>, group: &strata::Group<1>, scale: f64) -> Part {
    let mut out = Part::default();
    for (k, [class]) in group.iter().filter_map(|(k, _)| Some((*k, member.get(k)?))) {
        let each = if group.len() > 1 { strata::unheard_each(k) * scale } else { 1.0 };
        out.size += class.size;
        out.left += class.size - class.n;
        out.heard += class.y;
        out.n += each * class.n as f64;
        out.y += each * class.y as f64;
    }
    out
}

/// What makes the weights of all calls heard of strata add up to their effective sample size (Kish).
fn scale(group: &strata::Group<1>) -> f64 {
    let of = |power: i32| group.iter().map(|(k, [c])| strata::unheard_each(*k).powi(power) * c.n as f64).sum::<f64>();
    let squares = of(2);
    if squares > 0.0 { of(1) / squares } else { 1.0 }
}

/// Violations in the calls of a class that were not heard.
#[derive(Debug, Clone, Copy, Default)]
struct Guess {
    /// Their number as estimated.
    at: f64,
    /// Mean and variance of the posterior distribution.
    mean: f64,
    variance: f64,
    /// Share that the larger group has in it.
    from_group: f64,
}

fn one(parts: &[Part], units: &[&Unit]) -> Shrunk {
    let nothing = Shrunk { estimate: None, interval: Interval::ANY, from_group: 0.0 };
    let size: usize = parts.iter().map(|p| p.size).sum();
    let heard: usize = parts.iter().map(|p| p.heard).sum();
    let open: Vec<(&Part, &Unit)> = parts.iter().zip(units.iter().copied()).filter(|(p, _)| p.left > 0).collect();
    let Some(guesses) =
        open.iter().map(|(c, unit)| Some(guess(c, &unit.habits, unit.share?))).collect::<Option<Vec<_>>>()
    else {
        return nothing;
    };
    if size == 0 {
        return nothing;
    }
    let all: usize = open.iter().map(|(p, _)| p.left).sum();
    let at: f64 = guesses.iter().map(|g| g.at).sum();
    let (low, high) = if all > COUNTED { roughly(all, &guesses) } else { counted(&open) };
    let share = |violations: f64| ((heard as f64 + violations) / size as f64).min(1.0);
    let from_group: f64 = open.iter().zip(&guesses).map(|((p, _), g)| g.from_group * p.left as f64).sum();
    Shrunk {
        estimate: Some(share(at)),
        interval: Interval { low: share(low.min(at)), high: share(high.max(at)) },
        from_group: (from_group / all.max(1) as f64).min(1.0),
    }
}

/// The posterior's mean and variance, beta binomial for every place of the grid and all of these mixed; and the estimate, in which the
/// unit's share stands in the place of the grid's means. So estimates of all members add up to the unit's where each was heard as
/// much, while the posterior's means, whose prior counts half a violation for each unit, come to more where violations are rare.
fn guess(part: &Part, habits: &[Habits], share: f64) -> Guess {
    let (left, Part { n, y, .. }) = (part.left as f64, part);
    let (mut all, mut square) = (Guess::default(), 0.0);
    for h in habits {
        let worth = h.worth + n;
        let habit = (h.mean * h.worth + y) / worth;
        let variance = left * habit * (1.0 - habit) * (worth + left) / (worth + 1.0);
        all.at += h.weight * left * (share * h.worth + y) / worth;
        all.mean += h.weight * left * habit;
        square += h.weight * (variance + (left * habit).powi(2));
        all.from_group += h.weight * h.worth / worth;
    }
    Guess { variance: (square - all.mean * all.mean).max(0.0), ..all }
}

/// Limits of violations, which are whole.
fn counted(open: &[(&Part, &Unit)]) -> (f64, f64) {
    let all = open.iter().fold(vec![1.0], |all, (class, unit)| unheard::sum(&all, &mixed(class, &unit.habits)));
    let (low, high) = unheard::run(&all, LEVEL);
    (low as f64, high as f64)
}

/// Chances of violations in the calls of a class that were not heard.
fn mixed(part: &Part, habits: &[Habits]) -> Vec<f64> {
    let Part { left, n, y, .. } = *part;
    let mut out = vec![0.0; left + 1];
    for h in habits {
        let yes = h.mean * h.worth;
        let of = unheard::chances(left, yes + y, h.worth - yes + n - y);
        out.iter_mut().zip(of).for_each(|(sum, chance)| *sum += h.weight * chance);
    }
    out
}

/// The same of very many calls: equal tails of a beta distribution with the mean and variance of all.
fn roughly(left: usize, guesses: &[Guess]) -> (f64, f64) {
    let size = left as f64;
    let (mean, variance): (f64, f64) = (guesses.iter().map(|g| g.mean).sum(), guesses.iter().map(|g| g.variance).sum());
    let share = mean / size;
    let room = share * (1.0 - share) * size * size;
    if variance <= 0.0 || room <= variance {
        return (mean, mean);
    }
    let worth = room / variance - 1.0;
    let at = |below: f64| beta_quantile(share * worth, (1.0 - share) * worth, below) * size;
    let tail = (1.0 - LEVEL) / 2.0;
    (at(tail), at(1.0 - tail))
}

#[cfg(test)]
mod tests {
    use super::{Guess, Part, Unit, counted, guess, one, roughly};
    use crate::estimate::habits::Habits;

    fn unit() -> Unit {
        Unit { share: Some(0.1), habits: vec![Habits { mean: 0.1, worth: 20.0, weight: 1.0 }] }
    }

    #[test]
    fn limits_are_whole_and_hold_the_estimate() {
        let class = Part { size: 105, left: 100, heard: 1, n: 5.0, y: 1.0 };
        let (low, high) = counted(&[(&class, &unit())]);
        assert!(
            low.fract() == 0.0 && high.fract() == 0.0 && low < 12.0 && (15.0..40.0).contains(&high),
            "{low} {high}"
        );
        let shrunk = one(&[class], &[&unit()]);
        // A fifth of 25 calls' worth is the agent's own.
        assert!((shrunk.estimate.unwrap() - (1.0 + 100.0 * 3.0 / 25.0) / 105.0).abs() < 1e-12, "{shrunk:?}");
        assert!((shrunk.from_group - 0.8).abs() < 1e-12);
        let all = one(&[Part { size: 5, left: 0, ..class }], &[&unit()]);
        assert_eq!((all.interval.low, all.estimate, all.interval.high), (0.2, Some(0.2), 0.2));
    }

    #[test]
    fn very_many_calls_are_like_many() {
        let part = Part { size: 1_005, left: 1_000, heard: 1, n: 5.0, y: 1.0 };
        let (low, high) = roughly(1_000, &[guess(&part, &unit().habits, 0.1)]);
        let (from, to) = counted(&[(&part, &unit())]);
        assert!((low - from).abs() < 15.0 && (high - to).abs() < 30.0, "{low} {high} {from} {to}");
        // Nonsense makes no panic.
        assert_eq!(roughly(1_000, &[Guess { mean: 5.0, variance: 1e9, ..Guess::default() }]), (5.0, 5.0));
    }
}
