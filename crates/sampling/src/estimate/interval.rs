//! Intervals for groups of calls whose parts were heard with different chances.
//!
//! - A part that was heard whole is known: it moves the interval and does not widen it.
//! - A part heard by chance has its own mid-P limits ([`super::tail`]): hypergeometric where the calls of this frame are
//!   meant, binomial where the habit behind them is. What limits of a frame are sums of are whole calls, so they are widened
//!   by half a call before they are added and the sum is narrowed to whole calls again; without it the interval of
//!   recall held 91 % where two thirds of the calls were heard.
//! - Up to `FEW` (three) such parts are added by the square-and-add rule, which keeps each part's own skewness (MOVER: Zou and
//!   Donner 2008, doi:10.1002/sim.3095; Newcombe 1998). More, or strata with weights ([`super::strata`]), are taken as one sample of
//!   their effective size, with its binomial mid-P limits: square and add of many parts of one or two calls is far too
//!   wide, and so are limits that let one more violation be the heaviest call there is (Fay and Feuer 1997) where chances
//!   differ tenfold. One more violation counts as much as a call does on average (Tiwari, Clegg and Zou 2006,
//!   doi:10.1177/0962280206070621).
//! - A part of which nobody heard anything may hold anything from no violation to all.

use serde::{Deserialize, Serialize};

use super::parts::{Class, Parts};
use super::tail::{FEW as FEW_HEARD, Heard, beta_below, root, share_limits};
use super::unheard;

/// As many parts are added by square and add; more are taken together.
const FEW: usize = 3;

/// Parts are unlike each other where the shares of calls that the machine flags lie so far apart.
const UNLIKE: f64 = 0.2;

/// Calls that the share of all parts counts for in the doubt about parts that may well be alike ([`variance`]).
const DRAWN: f64 = 10.0;

/// From, to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

impl Interval {
    /// Nothing is known of a share.
    pub const ANY: Self = Self { low: 0.0, high: 1.0 };

    /// True where a number lies in the interval, its limits included.
    pub fn holds(&self, value: f64) -> bool {
        self.low - 1e-12 <= value && value <= self.high + 1e-12
    }

    /// Upper minus lower limit.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// What a rate is a rate of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The calls of this frame and no others: what is heard is known for sure. For reports of a month.
    Frame,
    /// The habit that these calls come from: even hearing all leaves doubt, since next month's will differ. For comparing
    /// people.
    Habit,
}

/// How often limits may miss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Misses {
    /// Each limit with this chance: for bounds, and for p-values.
    Each(f64),
    /// Both together with this chance: for intervals.
    Both(f64),
}

impl Misses {
    /// Chance for each of two equal limits.
    fn each(self) -> f64 {
        match self {
            Self::Each(tail) => tail,
            Self::Both(alpha) => alpha / 2.0,
        }
    }
}

/// Of a 95 % interval.
pub(super) const TWO_SIDED: Misses = Misses::Both(0.05);
/// Of a bound that holds with 95 %.
pub(super) const ONE_SIDED: Misses = Misses::Each(0.05);

/// A number of violations with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub at: f64,
    pub low: f64,
    pub high: f64,
}

/// Violations in a group; `None` where the group has no calls. Of calls of the frame the limits stand half a call outside the
/// outermost whole numbers that are meant, as sums of them need.
///
/// Where [`Parts::total`] is `None`, `at` counts what was not heard with the rate of what was.
pub(super) fn span(parts: &Parts, target: Target, misses: Misses) -> Option<Span> {
    if parts.size() == 0 {
        return None;
    }
    let unheard: usize = parts.0.iter().filter(|c| c.n == 0).map(|c| c.size).sum();
    let heard = parts.0.iter().filter(|c| c.n > 0);
    // The habit behind calls stays in doubt even where all were heard.
    let (sure, open): (Vec<Class>, Vec<Class>) = heard.copied().partition(|c| target == Target::Frame && c.n == c.size);
    let known: f64 = sure.iter().map(|c| c.y as f64).sum();
    let alone = open.len() <= FEW && open.iter().all(|c| c.weights.is_none());
    let sum = if alone {
        add(open.iter().map(|c| of_class(c, target, misses)))
    } else {
        let [few, many] = by_hits(open);
        add([few, many].into_iter().filter(|g| !g.is_empty()).map(|g| match g[..] {
            [c] if c.weights.is_none() => of_class(&c, target, misses),
            _ => together(&Parts(g), target, misses),
        }))
    };
    let at = known + sum.at;
    let guess = at / (parts.size() - unheard).max(1) as f64 * unheard as f64;
    Some(Span { at: at + guess, low: known + sum.low, high: known + sum.high + unheard as f64 })
}

/// Parts in which the machine flags few calls, and those in which it flags many. What people find mostly differs as widely, and
/// one sample of the two would have limits of a skewness that neither has. What the machine says is known of every call, so the
/// division does not hang on what was heard.
fn by_hits(mut parts: Vec<Class>) -> [Vec<Class>; 2] {
    let share = |c: &Class| c.hits as f64 / c.size.max(1) as f64;
    parts.sort_by(|a, b| share(a).total_cmp(&share(b)));
    let gap = |i: &usize| share(&parts[*i]) - share(&parts[*i - 1]);
    let widest = (1..parts.len()).max_by(|a, b| gap(a).total_cmp(&gap(b)).then(b.cmp(a)));
    let many = parts.split_off(widest.filter(|i| gap(i) >= UNLIKE).unwrap_or(parts.len()));
    [parts, many]
}

fn of_class(class: &Class, target: Target, misses: Misses) -> Span {
    let at = class.total().unwrap_or(0.0);
    match target {
        Target::Frame => {
            let heard = Heard::new(class.size, class.n, class.y);
            let (low, high) = match misses {
                Misses::Each(tail) => heard.one_sided(tail),
                Misses::Both(alpha) => heard.two_sided(alpha),
            };
            let (least, most) = (class.y as f64, (class.size - class.n + class.y) as f64);
            // The estimate of a small class may lie between two whole numbers.
            Span { at, low: (low as f64 - 0.5).max(least).min(at), high: (high as f64 + 0.5).min(most).max(at) }
        }
        Target::Habit => {
            let (low, high) = share_limits(class.n as f64, class.y as f64, misses.each());
            Span { at, low: low * class.size as f64, high: high * class.size as f64 }
        }
    }
}

/// The sum of independent numbers: MOVER.
pub(super) fn add(spans: impl IntoIterator<Item = Span>) -> Span {
    let (mut at, mut below, mut above) = (0.0, 0.0, 0.0);
    for s in spans {
        at += s.at;
        below += (s.at - s.low).powi(2);
        above += (s.high - s.at).powi(2);
    }
    Span { at, low: at - f64::sqrt(below), high: at + f64::sqrt(above) }
}

/// Many parts as one sample: mid-P limits, as the mixture of the beta distributions of what was seen and of that with one more
/// violation, which might be one that stands for the most calls. Of one plain sample these are its binomial mid-P limits.
fn together(parts: &Parts, target: Target, misses: Misses) -> Span {
    let size = parts.size().max(1) as f64;
    let at = parts.total().unwrap_or(0.0);
    let (share, worth) = (at / size, effective(parts, target).unwrap_or(0.0));
    if let Misses::Both(alpha) = misses
        && 0.0 < worth
        && worth < FEW_HEARD as f64
    {
        let (low, high) = unheard::likely(parts.size(), worth, share * worth, 1.0 - alpha);
        return Span { at, low: (low as f64).min(at), high: (high as f64).max(at) };
    }
    let below = |x: f64| {
        let of = |violations: f64| beta_below_at(violations / (worth + 1.0), worth + 1.0, x);
        f64::midpoint(of(share * worth), of(share * worth + 1.0))
    };
    let (low, high) = (root(|x| below(x) > misses.each()), root(|x| below(x) >= 1.0 - misses.each()));
    Span { at, low: low.min(share) * size, high: high.max(share) * size }
}

/// Share below `x` of the beta distribution with this mean that is worth so many calls.
fn beta_below_at(mean: f64, worth: f64, x: f64) -> f64 {
    let (a, b) = (mean * worth, (1.0 - mean) * worth);
    if a <= 0.0 || b <= 0.0 {
        return if x >= mean { 1.0 } else { 0.0 };
    }
    beta_below(a, b, x)
}

/// Size of the simple random sample of independent calls that would tell as much about the share; infinite where all was
/// heard, `None` where a part was not heard at all.
///
/// Kish's effective size with the population correction. Shares of the parts are drawn a little toward the share of all,
/// so that a part of one call, or one without a violation, does not count as certain.
pub(super) fn effective(parts: &Parts, target: Target) -> Option<f64> {
    let variance = variance(parts, target, DRAWN)?;
    let (size, n) = (parts.size() as f64, parts.n() as f64);
    let share = (parts.total()? / size * n + 0.5) / (n + 1.0);
    Some(if variance > 0.0 { share * (1.0 - share) * size * size / variance } else { f64::INFINITY })
}

/// Variance of the estimated number of violations; `None` where a part was not heard. `drawn`: calls that the share of all parts
/// counts for, where the doubt about a part is told from what was seen in it.
pub(super) fn variance(parts: &Parts, target: Target, drawn: f64) -> Option<f64> {
    let n = parts.n() as f64;
    let all: f64 = parts.0.iter().map(Class::worth).sum::<f64>().max(1.0);
    // Half a violation more and half a call without one: what is never seen in few calls may still be there.
    let smooth = |share: f64| (share * n + 0.5) / (n + 1.0);
    let share = smooth(parts.total()? / parts.size().max(1) as f64);
    let of = |c: &Class| {
        let (size, n) = (c.size as f64, c.worth().max(1.0));
        let trust = n / (n + drawn);
        let own = trust * smooth(c.share().unwrap_or(0.0)) + (1.0 - trust) * share;
        // Shares that are seen in a few calls are further apart than true ones: as Bessel's correction.
        let seen = 1.0 - trust * trust * (1.0 / n - 1.0 / all).max(0.0);
        let left = if target == Target::Frame { c.left() } else { 1.0 };
        size * size * left * own * (1.0 - own) / n / seen
    };
    Some(parts.0.iter().map(of).sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TWO_SIDED, Target, effective, span};
    use crate::estimate::parts::{Class, Parts};

    fn parts(classes: &[(usize, usize, usize)]) -> Parts {
        Parts(classes.iter().map(|(size, n, y)| Class { size: *size, n: *n, y: *y, hits: 0, weights: None }).collect())
    }

    #[test]
    fn what_was_heard_whole_only_moves_the_interval() {
        let alone = span(&parts(&[(400, 30, 2)]), Target::Frame, TWO_SIDED).unwrap();
        let moved = span(&parts(&[(50, 50, 20), (400, 30, 2)]), Target::Frame, TWO_SIDED).unwrap();
        assert!((moved.low - alone.low - 20.0).abs() < 1e-9 && (moved.high - alone.high - 20.0).abs() < 1e-9);
        let all = span(&parts(&[(50, 50, 20)]), Target::Frame, TWO_SIDED).unwrap();
        assert_eq!((all.low, all.high), (20.0, 20.0));
        let habit = span(&parts(&[(50, 50, 20)]), Target::Habit, TWO_SIDED).unwrap();
        assert!(habit.low < 15.0 && habit.high > 25.0, "{habit:?}");
    }

    #[test]
    fn what_nobody_heard_may_hold_anything() {
        let s = span(&parts(&[(50, 50, 5), (30, 0, 0)]), Target::Frame, TWO_SIDED).unwrap();
        assert_eq!((s.low, s.high), (5.0, 35.0));
        assert!(span(&parts(&[]), Target::Frame, TWO_SIDED).is_none());
    }

    #[test]
    fn one_large_sample_is_its_own_effective_size() {
        let n = effective(&parts(&[(1_000_000, 100, 10)]), Target::Habit).unwrap();
        assert!((n - 100.0).abs() < 5.0, "{n}");
        let unequal = effective(&parts(&[(1000, 50, 5), (9000, 50, 5)]), Target::Habit).unwrap();
        assert!((55.0..65.0).contains(&unequal), "{unequal}");
        assert!(effective(&parts(&[(10, 10, 1)]), Target::Frame).unwrap().is_infinite());
    }

    #[test]
    fn what_differs_widely_keeps_limits_of_its_own() {
        // Four bands in which hardly a call fails and one in which half do: the doubt comes from the last.
        let class = |size, n, y, hits| Class { size, n, y, hits, weights: None };
        let bands = |hits| {
            Parts(vec![
                class(400, 15, 0, 0),
                class(400, 15, 1, 0),
                class(400, 15, 0, 0),
                class(400, 15, 0, 0),
                class(400, 40, 20, hits),
            ])
        };
        let width = |parts: &Parts| span(parts, Target::Frame, TWO_SIDED).map(|s| s.high - s.low).unwrap();
        let (told, not_told) = (width(&bands(300)), width(&bands(20)));
        assert!(told < 0.95 * not_told, "{told} {not_told}");
    }

    proptest! {
        #[test]
        fn limits_stay_in_the_group(classes in prop::collection::vec((0usize..200, 0usize..50, 0usize..50), 0..8)) {
            let classes: Vec<_> = classes.into_iter().map(|(s, n, y)| (s, n.min(s), y.min(n).min(s))).collect();
            let parts = parts(&classes);
            for target in [Target::Frame, Target::Habit] {
                if let Some(s) = span(&parts, target, TWO_SIDED) {
                    let size = parts.size() as f64;
                    prop_assert!(s.low >= -1e-6 - size && s.low <= s.at + 1e-6 && s.at <= s.high + 1e-6, "{s:?}");
                }
            }
        }
    }
}
