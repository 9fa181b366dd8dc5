//! Mid-P limits: which true numbers go together with what was counted.
//!
//! A mid-P limit counts half of the probability of what was seen into the tail (Lancaster 1961, JASA 56:223). The exact
//! limits (Clopper and Pearson 1934) hold at least their level and usually far more; mid-P limits hold it on average,
//! which is what a report that is read every week needs (Agresti and Gottard 2007, doi:10.1016/j.csda.2006.05.019).

use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::ln_gamma;

/// Steps of a bisection of 0 to 1: more would be below what an `f64` of a share tells apart.
const STEPS: usize = 50;

/// Of `size` calls `n` were heard, drawn without replacement, and `y` of them had the trait: how many of `size` have it,
/// lowest and highest, each limit missing with a chance of `tail` (0.025 for a 95 % interval).
///
/// Hypergeometric, so that hearing all calls leaves no doubt.
pub fn finite_limits(size: usize, n: usize, y: usize, tail: f64) -> (usize, usize) {
    let (n, y) = (n.min(size), y.min(n).min(size));
    let most = size - (n - y);
    let low = first(y, most, |all| 1.0 - finite_below(size, all, n, y) > tail);
    let beyond = first(y, most + 1, |all| all > most || finite_below(size, all, n, y) <= tail);
    (low, beyond.saturating_sub(1).max(low))
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

/// Chance of fewer than `y` in the sample and half of exactly `y`, where `all` of `size` have the trait.
fn finite_below(size: usize, all: usize, n: usize, y: usize) -> f64 {
    let missing = size - all.min(size);
    let mut x = y.min(all).min(n);
    let floor = n.saturating_sub(missing);
    if x < floor {
        return 0.0;
    }
    let log = ln_choose(all, x) + ln_choose(missing, n - x) - ln_choose(size, n);
    if log < -600.0 {
        // Too far out for an `f64`: all of it lies to one side.
        return if x as f64 > n as f64 * all as f64 / size as f64 { 1.0 } else { 0.0 };
    }
    let mut term = log.exp();
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
    let at_most = |p: f64| (share_below(n, y, p) + share_below(n, y + 1.0, p)) / 2.0;
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
        let middle = (low + high) / 2.0;
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
        (low + high) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{beta_quantile, finite_limits, share_limits};

    fn near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() < by
    }

    #[test]
    fn known_values() {
        // Nothing in 30: half of (1-p)^30 is the tail, so p = 1 - 0.05^(1/30).
        let (low, high) = share_limits(30.0, 0.0, 0.025);
        assert!(low == 0.0 && near(high, 1.0 - 0.05_f64.powf(1.0 / 30.0), 1e-9), "{low} {high}");
        let (low, high) = share_limits(30.0, 30.0, 0.025);
        assert!(high == 1.0 && near(low, 0.05_f64.powf(1.0 / 30.0), 1e-9), "{low} {high}");
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
            let limits = finite_limits(12, 4, y as usize, 0.025);
            assert_eq!((limits.0 as u64, limits.1 as u64), (all[0], all[all.len() - 1]), "y {y}");
        }
    }

    #[test]
    fn a_large_population_is_like_independent_trials() {
        let (low, high) = finite_limits(1_000_000, 40, 3, 0.025);
        let (l, h) = share_limits(40.0, 3.0, 0.025);
        assert!(near(low as f64 / 1e6, l, 1e-4) && near(high as f64 / 1e6, h, 1e-4), "{low} {high} {l} {h}");
        assert_eq!(finite_limits(50, 50, 7, 0.025), (7, 7));
        assert_eq!(finite_limits(0, 0, 0, 0.025), (0, 0));
    }

    proptest! {
        #[test]
        fn limits_hold_what_was_seen(size in 0usize..3000, n in 0usize..400, y in 0usize..400, tail in 0.0f64..0.5) {
            let (n, y) = (n.min(size), y.min(n).min(size));
            let (low, high) = finite_limits(size, n, y, tail);
            prop_assert!(y <= low.max(y) && low <= high && high <= size - (n - y));
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
