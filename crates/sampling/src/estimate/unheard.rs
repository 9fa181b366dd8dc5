//! How many violations calls that nobody heard may hold: whole numbers with their chances.
//!
//! The likeliest run of numbers that has 95 % of the chance would have far more where numbers are small: of no, one or two
//! violations with chances of 0.7, 0.2 and 0.1 any run but all three has too little. So the run is taken whose chance is
//! **nearest** to 95 %, which has too little about as often as too much, as mid-P limits do ([`super::tail`]).

use statrs::function::gamma::ln_gamma;

/// What is less likely than the middle by this counts as impossible.
const FAINT: f64 = 1e-12;

/// Chance of 0, 1, … violations in `left` calls whose habit is beta distributed: beta binomial. `a` and `b` are above 0.
pub(super) fn chances(left: usize, a: f64, b: f64) -> Vec<f64> {
    let n = left as f64;
    // P(k + 1) / P(k)
    let step = |k: usize| {
        let k = k as f64;
        (n - k) * (a + k) / ((k + 1.0) * (b + n - k - 1.0))
    };
    // From the middle outward: the chance of none may be too small for an f64.
    let middle = (n * a / (a + b)).floor().clamp(0.0, n) as usize;
    let mut out = vec![0.0; left + 1];
    out[middle] = chance(middle as f64, n, a, b);
    let least = out[middle] * FAINT;
    for k in middle..left {
        out[k + 1] = out[k] * step(k);
        if out[k + 1] < least {
            break;
        }
    }
    for k in (0..middle).rev() {
        out[k] = out[k + 1] / step(k);
        if out[k] < least {
            break;
        }
    }
    out
}

fn chance(k: f64, n: f64, a: f64, b: f64) -> f64 {
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let ln_choose = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
    (ln_choose + ln_beta(a + k, b + n - k) - ln_beta(a, b)).exp()
}

/// Likeliest numbers, first and last, where `y` of `n` calls heard had a violation and all shares were alike likely before.
pub(super) fn likely(left: usize, n: f64, y: f64, level: f64) -> (usize, usize) {
    run(&chances(left, y + 1.0, n - y + 1.0), level)
}

/// Chances of the sum of two independent numbers.
pub(super) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    out
}

/// The likeliest run of numbers, first and last, whose chance is nearest to `level` of all.
pub(super) fn run(chances: &[f64], level: f64) -> (usize, usize) {
    let enough = level * chances.iter().sum::<f64>();
    let (from, to, has) = shortest(chances, enough);
    if from == to {
        return (from, to);
    }
    let less = has - chances[from].min(chances[to]);
    if has - enough <= enough - less {
        (from, to)
    } else if chances[from] < chances[to] {
        (from + 1, to)
    } else {
        (from, to - 1)
    }
}

/// The shortest run that has `enough`, and of several the likeliest, with what it has.
fn shortest(chances: &[f64], enough: f64) -> (usize, usize, f64) {
    let mut best = (0, chances.len().saturating_sub(1), chances.iter().sum());
    let (mut from, mut has) = (0, 0.0);
    for (to, chance) in chances.iter().enumerate() {
        has += chance;
        while from < to && has - chances[from] >= enough {
            has -= chances[from];
            from += 1;
        }
        let (length, known) = (to - from, best.1 - best.0);
        if has >= enough && (length < known || (length == known && has > best.2)) {
            best = (from, to, has);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{chances, likely, run, sum};

    #[test]
    fn chances_are_those_of_a_beta_binomial() {
        // Habits spread evenly: every number is as likely as any other.
        for c in chances(9, 1.0, 1.0) {
            assert!((c - 0.1).abs() < 1e-9, "{c}");
        }
        // Of two calls, with habits of mean 1/3 worth 3: 1/2, 1/3, 1/6.
        let of: Vec<f64> = chances(2, 1.0, 2.0).iter().map(|c| (c * 6.0).round()).collect();
        assert_eq!(of, [3.0, 2.0, 1.0]);
        assert!((chances(0, 1.0, 1.0)[0] - 1.0).abs() < 1e-9);
        // One call without a violation: habits of mean 1/3 as above, and two violations are too likely to be left out.
        assert_eq!((likely(2, 1.0, 0.0, 0.95), likely(2, 1.0, 0.0, 0.85)), ((0, 2), (0, 1)));
    }

    #[test]
    fn sums_of_numbers() {
        assert_eq!(sum(&[0.5, 0.5], &[0.5, 0.5]), [0.25, 0.5, 0.25]);
        assert_eq!(sum(&[1.0], &[0.2, 0.8]), [0.2, 0.8]);
    }

    #[test]
    fn the_run_nearest_to_the_level_is_found() {
        assert_eq!(run(&[0.01, 0.02, 0.5, 0.4, 0.06, 0.01], 0.95), (2, 4), "0.96 is nearer than 0.90");
        assert_eq!(run(&[0.93, 0.07], 0.95), (0, 0), "0.93 is nearer than 1");
        assert_eq!(run(&[0.80, 0.20], 0.95), (0, 1), "1 is nearer than 0.80");
        assert_eq!(run(&[0.97, 0.03], 0.95), (0, 0));
        assert_eq!(run(&[0.5, 0.0, 0.5], 0.95), (0, 2));
        assert_eq!(run(&[], 0.95), (0, 0));
    }

    proptest! {
        #[test]
        fn all_chances_are_one_and_every_run_is_inside(left in 0usize..3000, a in 0.01f64..2e3, b in 0.01f64..2e3) {
            let all = chances(left, a, b);
            let total: f64 = all.iter().sum();
            prop_assert!(all.len() == left + 1 && (total - 1.0).abs() < 1e-6, "{total}");
            let (from, to) = run(&all, 0.95);
            prop_assert!(from <= to && to <= left);
        }
    }
}
