//! How far a share may stray by chance alone: limits of control charts and funnels, exact for small numbers.

/// Chance that a point lies beyond either limit of a control chart: that of three standard deviations.
pub(crate) const CONTROL: f64 = 0.002_7;
/// Chances of the two funnels: one in twenty, and one in five hundred.
pub(crate) const FUNNEL: [f64; 2] = [0.05, 0.002];

/// Shares between which `n` calls with the chance `p` each lie but for `beyond`, half of it on either side. With few calls these
/// are wide, where the usual ± 3 σ would be wrong.
pub(crate) fn limits(n: usize, p: f64, beyond: f64) -> (f64, f64) {
    if n == 0 || !(0.0..=1.0).contains(&p) {
        return (0.0, 1.0);
    }
    if p <= 0.0 || p >= 1.0 {
        return (p, p);
    }
    let odds = (p / (1.0 - p)).ln();
    let (mut log, mut sum) = (n as f64 * (1.0 - p).ln(), 0.0);
    let (mut low, mut high) = (None, n);
    for k in 0..=n {
        sum += log.exp();
        if low.is_none() && sum > beyond / 2.0 {
            low = Some(k);
        }
        if sum >= 1.0 - beyond / 2.0 {
            high = k;
            break;
        }
        log += ((n - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    (low.unwrap_or(0) as f64 / n as f64, high as f64 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::{CONTROL, limits};

    #[test]
    fn limits_are_those_of_the_binomial() {
        // P(X ≤ 5) = 0.9936 and P(X ≤ 6) = 0.9991 for ten calls and one in five; none at all has 0.107.
        assert_eq!(limits(10, 0.2, 0.01), (0.0, 0.6));
        assert_eq!(limits(10, 0.2, 0.02), (0.0, 0.5));
        assert_eq!(
            (limits(0, 0.2, 0.05), limits(9, 0.0, 0.05), limits(9, f64::NAN, 0.05)),
            ((0.0, 1.0), (0.0, 0.0), (0.0, 1.0))
        );
        let (low, high) = limits(1, 0.3, 0.05);
        assert_eq!((low, high), (0.0, 1.0), "one call says nothing");
    }

    /// Large numbers come near three standard deviations, and nothing underflows.
    #[test]
    fn many_calls_have_narrow_limits() {
        let (low, high) = limits(5_000, 0.2, CONTROL);
        let sigma = (0.2_f64 * 0.8 / 5_000.0).sqrt();
        assert!(
            (low - (0.2 - 3.0 * sigma)).abs() < 0.001 && (high - (0.2 + 3.0 * sigma)).abs() < 0.001,
            "{low} {high}"
        );
    }
}
