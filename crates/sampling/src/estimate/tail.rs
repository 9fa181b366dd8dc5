//! Mid-P limits: which true numbers go together with what was counted.
//!
//! A mid-P limit counts half of the probability of what was seen into the tail (Lancaster 1961, JASA 56:223). The exact
//! limits (Clopper and Pearson 1934) hold at least their level and usually far more; mid-P limits hold it on average,
//! which is what a report that is read every week needs (Agresti and Gottard 2007, doi:10.1016/j.csda.2006.05.019).
//!
//! Two kinds are here. [`Heard::one_sided`] limits each miss with a given chance. Two of them make an interval that holds 97 to 99 %
//! instead of 95 where violations are rare, since at 0.3 expected violations only the lower limit can be wrong. So
//! [`Heard::two_sided`] orders outcomes by how far out they are on **their** side and lets both sides share one chance of missing
//! (Blaker 2000, doi:10.2307/3315916, with mid-P).
//!
//! Of one call heard there are two outcomes, and nothing made of mid-P misses one time in twenty: below five calls such
//! intervals hold 99 %. There the likeliest numbers are taken, all shares having been alike likely before (Bayes and Laplace), which
//! hold 95 % on average over all shares, and 93 to 97 % over those of a rule that is mostly right.

use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::ln_gamma;

use super::unheard;

/// Steps of a bisection of 0 to 1: more would be below what an `f64` of a share tells apart.
const STEPS: usize = 50;

/// Parts into which the stretch that may hold a two-sided limit is cut, before it is halved on: the accepted numbers may
/// have small gaps, and the outermost is meant.
const CUTS: usize = 48;

/// Fewer calls heard than this are few.
pub(super) const FEW: usize = 5;

/// A sample without replacement: of `size` calls `n` were heard, `y` of them had the trait.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    size: usize,
    n: usize,
    y: usize,
}

impl Heard {
    /// A sample; more heard than there are counts as all, more found than heard as all heard.
    pub fn new(size: usize, n: usize, y: usize) -> Self {
        let n = n.min(size);
        Self { size, n, y: y.min(n) }
    }

    /// Least and most calls that may have the trait, whatever chance did.
    fn ends(&self) -> (usize, usize) {
        (self.y, self.size - (self.n - self.y))
    }

    /// How many of `size` have the trait, lowest and highest, each limit missing with a chance of `tail`.
    /// Hypergeometric, so that hearing all calls leaves no doubt.
    pub fn one_sided(&self, tail: f64) -> (usize, usize) {
        let (least, most) = self.ends();
        let low = first(least, most, |all| 1.0 - below(*self, all, self.y) > tail);
        let beyond = first(least, most + 1, |all| all > most || below(*self, all, self.y) <= tail);
        (low, beyond.saturating_sub(1).max(low))
    }

    /// How many of `size` have the trait, lowest and highest, both limits together missing with a chance of `alpha`.
    pub fn two_sided(&self, alpha: f64) -> (usize, usize) {
        let (least, most) = self.ends();
        if (1..FEW).contains(&self.n) {
            let (low, high) = unheard::likely(most - least, self.n as f64, self.y as f64, 1.0 - alpha);
            return (least + low, least + high);
        }
        // What one side alone accepts is in; what has a quarter of the chance is out.
        let (outer, inner) = (self.one_sided(alpha / 4.0), self.one_sided(alpha));
        let cut = |from: usize, to: usize, i: usize| from + (to - from) * i / CUTS;
        let low = (0..=CUTS).map(|i| (i, cut(outer.0, inner.0, i))).find(|(_, all)| self.accepts(*all, alpha));
        let low = low.map_or(inner.0, |(i, all)| {
            let before = cut(outer.0, inner.0, i.saturating_sub(1));
            first(before, all, |a| self.accepts(a, alpha))
        });
        let high = (0..=CUTS).map(|i| (i, cut(inner.1, outer.1, CUTS - i))).find(|(_, all)| self.accepts(*all, alpha));
        let high = high.map_or(inner.1, |(i, all)| {
            let after = cut(inner.1, outer.1, CUTS - i.saturating_sub(1));
            first(all, after + 1, |a| a > after || !self.accepts(a, alpha)).saturating_sub(1).max(all)
        });
        (low, high.max(low))
    }

    /// Blaker's rule with mid-P: outcomes further out than `y`, on either side, and half of `y` have more than `alpha`.
    fn accepts(&self, all: usize, alpha: f64) -> bool {
        let lower = below(*self, all, self.y);
        let upper_side = lower > 0.5;
        let own = if upper_side { 1.0 - lower } else { lower };
        if own > alpha {
            return true;
        }
        let (from, to) = (self.n.saturating_sub(self.size - all.min(self.size)), all.min(self.n));
        let other = if upper_side {
            // First outcome from below that is no further out; those before it are.
            let end = first(from, to + 1, |x| x > to || below(*self, all, x) >= own - 1e-12);
            if end == from { 0.0 } else { below(*self, all, end - 1) + chance(*self, all, end - 1) / 2.0 }
        } else {
            let end = first(from, to + 1, |x| x > to || 1.0 - below(*self, all, x) < own - 1e-12);
            if end > to { 0.0 } else { 1.0 - below(*self, all, end) + chance(*self, all, end) / 2.0 }
        };
        own + other > alpha
    }
}

/// First of `from..=to` for which `holds`, which stays true once it is; `to` where it never is.
fn first(from: usize, to: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Chance of exactly `x` in the sample, where `all` of `size` have the trait.
fn chance(heard: Heard, all: usize, x: usize) -> f64 {
    let missing = heard.size - all.min(heard.size);
    if x > all || x > heard.n || heard.n - x > missing {
        return 0.0;
    }
    (ln_choose(all, x) + ln_choose(missing, heard.n - x) - ln_choose(heard.size, heard.n)).exp()
}

/// Chance of fewer than `y` in the sample and half of exactly `y`, where `all` of `size` have the trait.
fn below(heard: Heard, all: usize, y: usize) -> f64 {
    let Heard { size, n, .. } = heard;
    let missing = size - all.min(size);
    let mut x = y.min(all).min(n);
    let floor = n.saturating_sub(missing);
    if x < floor {
        return 0.0;
    }
    let mut term = chance(heard, all, x);
    if term < 1e-250 {
        // Too far out for an `f64`: all of it lies to one side.
        return if x as f64 > n as f64 * all as f64 / size as f64 { 1.0 } else { 0.0 };
    }
    let mut sum = if x == y { term / 2.0 } else { term };
    while x > floor && term > 1e-15 * sum {
        // P(x-1) / P(x)
        term *= x as f64 * (missing + x - n) as f64 / ((all - x + 1) as f64 * (n - x + 1) as f64);
        sum += term;
        x -= 1;
    }
    sum.min(1.0)
}

fn ln_choose(n: usize, k: usize) -> f64 {
    let ln_factorial = |v: usize| ln_gamma(v as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n.saturating_sub(k))
}

/// Mid-P limits of a share, `y` of `n` independent trials; both may be broken numbers, as effective sample sizes are.
/// 0 to 1 for what is no sample.
pub fn share_limits(n: f64, y: f64, tail: f64) -> (f64, f64) {
    if !(n.is_finite() && n > 0.0 && y.is_finite()) {
        return (0.0, 1.0);
    }
    let y = y.clamp(0.0, n);
    let at_most = |p: f64| f64::midpoint(share_below(n, y, p), share_below(n, y + 1.0, p));
    let low = root(|p| 1.0 - at_most(p) > tail);
    let high = root(|p| at_most(p) <= tail);
    (low.min(y / n), high.max(y / n))
}

/// Chance of fewer than `y` of `n` at a share of `p`.
fn share_below(n: f64, y: f64, p: f64) -> f64 {
    if y <= 0.0 || p >= 1.0 {
        return if y > n && p >= 1.0 { 1.0 } else { 0.0 };
    }
    if y >= n + 1.0 { 1.0 } else { 1.0 - beta_below(y, n - y + 1.0, p) }
}

/// Share below `x` of a beta distribution; a half for what is none.
pub(super) fn beta_below(a: f64, b: f64, x: f64) -> f64 {
    checked_beta_reg(a, b, x.clamp(0.0, 1.0)).unwrap_or(0.5)
}

/// Where a beta distribution has `below` under it.
pub(super) fn beta_quantile(a: f64, b: f64, below: f64) -> f64 {
    root(|x| beta_below(a, b, x) >= below)
}

/// Where in 0 to 1 something becomes true and stays so.
pub(super) fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Ends are met exactly, so that a share that may be 0 says 0.
    if holds(0.0) {
        0.0
    } else if low >= 1.0 - 1e-12 {
        1.0
    } else {
        f64::midpoint(low, high)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Heard, beta_quantile, share_limits};

    fn near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() < by
    }

    #[test]
    fn known_values() {
        // Nothing in 30: half of (1-p)^30 is the tail, so p = 1 - 0.05^(1/30).
        let (low, high) = share_limits(30.0, 0.0, 0.025);
        assert!(low == 0.0 && near(high, 1.0 - 0.05_f64.powf(1.0 / 30.0), 1e-9), "{low} {high}");
        let (low, high) = share_limits(30.0, 30.0, 0.025);
        assert!(near(high, 1.0, 1e-15) && near(low, 0.05_f64.powf(1.0 / 30.0), 1e-9), "{low} {high}");
        // 2 of 10: P(X > 2) + P(X = 2)/2 is 2.5 % at the lower limit.
        let (low, _) = share_limits(10.0, 2.0, 0.025);
        let p = |k: i32, c: f64| c * low.powi(k) * (1.0 - low).powi(10 - k);
        assert!(near(1.0 - p(0, 1.0) - p(1, 10.0) - p(2, 45.0) / 2.0, 0.025, 1e-6));
        assert!(near(beta_quantile(1.0, 1.0, 0.3), 0.3, 1e-9));
    }

    #[test]
    fn small_towns_are_counted_out() {
        // Every number of a town of 12, by counting all outcomes of a draw of 4.
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        for y in 0..=4 {
            let p = |all: u64, x: u64| {
                if x > all || 4 - x > 12 - all { 0.0 } else { choose(all, x) * choose(12 - all, 4 - x) / choose(12, 4) }
            };
            let fits = |all: u64| {
                let below = (0..y).map(|x| p(all, x)).sum::<f64>() + p(all, y) / 2.0;
                p(all, y) > 0.0 && below > 0.025 && 1.0 - below > 0.025
            };
            let all: Vec<u64> = (0..=12).filter(|a| fits(*a)).collect();
            let limits = Heard::new(12, 4, y as usize).one_sided(0.025);
            assert_eq!((limits.0 as u64, limits.1 as u64), (all[0], all[all.len() - 1]), "y {y}");
        }
    }

    /// Exact: the chance that the interval holds the truth, for every truth between two shares.
    fn coverage(size: usize, n: usize, from: f64, to: f64) -> (f64, f64) {
        let limits: Vec<(usize, usize)> = (0..=n).map(|y| Heard::new(size, n, y).two_sided(0.05)).collect();
        let truths = (size as f64 * from).round() as usize..=(size as f64 * to).round() as usize;
        let held = |all: usize| -> f64 {
            let fits = limits.iter().enumerate().filter(|(_, (low, high))| (*low..=*high).contains(&all));
            fits.map(|(y, _)| super::chance(Heard::new(size, n, 0), all, y)).sum()
        };
        let all: Vec<f64> = truths.map(held).collect();
        (all.iter().sum::<f64>() / all.len() as f64, all.iter().copied().fold(1.0, f64::min))
    }

    #[test]
    fn intervals_hold_their_level_for_rare_and_frequent() {
        for (size, n, from, to) in [
            (1000, 10, 0.05, 0.3),
            (1000, 30, 0.005, 0.02),
            (1000, 60, 0.005, 0.02),
            (1000, 60, 0.05, 0.3),
            (1000, 200, 0.005, 0.02),
            (600, 400, 0.05, 0.3),
        ] {
            let (mean, least) = coverage(size, n, from, to);
            assert!((0.945..0.97).contains(&mean) && least > 0.91, "{n} of {size}, {from} to {to}: {mean} {least}");
        }
    }

    #[test]
    fn intervals_of_one_to_four_calls_hold_their_level_too() {
        for n in 1..5 {
            for (from, to) in [(0.0, 1.0), (0.5, 0.95), (0.05, 0.5)] {
                let (mean, _) = coverage(60, n, from, to);
                assert!((0.93..0.97).contains(&mean), "{n} of 60, {from} to {to}: {mean}");
            }
        }
    }

    #[test]
    fn a_large_population_is_like_independent_trials() {
        let (low, high) = Heard::new(1_000_000, 40, 3).one_sided(0.025);
        let (l, h) = share_limits(40.0, 3.0, 0.025);
        assert!(near(low as f64 / 1e6, l, 1e-4) && near(high as f64 / 1e6, h, 1e-4), "{low} {high} {l} {h}");
        assert_eq!(Heard::new(50, 50, 7).two_sided(0.05), (7, 7));
        assert_eq!(Heard::new(0, 0, 0).two_sided(0.05), (0, 0));
    }

    proptest! {
        #[test]
        fn limits_hold_what_was_seen(size in 0usize..3000, n in 0usize..400, y in 0usize..400, tail in 0.0f64..0.5) {
            let (n, y) = (n.min(size), y.min(n).min(size));
            for (low, high) in [Heard::new(size, n, y).one_sided(tail), Heard::new(size, n, y).two_sided(tail)] {
                prop_assert!(y <= low && low <= high && high <= size - (n - y));
            }
            let (low, high) = share_limits(n as f64, y as f64, tail);
            prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
        }

        #[test]
        fn nonsense_gives_the_widest(n in prop::num::f64::ANY, y in prop::num::f64::ANY) {
            let (low, high) = share_limits(n, y, 0.025);
            prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
        }
    }
}
