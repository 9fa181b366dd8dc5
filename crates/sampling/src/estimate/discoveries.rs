//! Calling some of many different: how often that may be wrong.
//!
//! Benjamini and Hochberg (1995): among those called different on average at most [`FALSE_SHARE`] are not. The interval that is shown
//! of each has the level that goes with it (false coverage rate: Benjamini and Yekutieli 2005, doi:10.1198/016214504000001907),
//! so that it excludes "no difference" exactly where the mark says so.

/// Share of false ones that is accepted among those called different.
pub(crate) const FALSE_SHARE: f64 = 0.05;

/// Tail of the limits, on either side, that exclude "no difference" exactly for those that the rule picks. Takes the p-values of all
/// that are looked at.
pub(crate) fn tail(mut p: Vec<f64>) -> f64 {
    p.sort_by(f64::total_cmp);
    let m = p.len().max(1) as f64;
    let found = p.iter().enumerate().filter(|(i, p)| **p <= FALSE_SHARE * (i + 1) as f64 / m).map(|(i, _)| i + 1).max();
    FALSE_SHARE * found.unwrap_or(1) as f64 / m / 2.0
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_more_are_looked_at_the_surer_one_must_be() {
        let near =
            |p: &[f64], wanted: f64| assert!((tail(p.to_vec()) - wanted).abs() < 1e-12, "{p:?}: {}", tail(p.to_vec()));
        near(&[0.03], 0.025);
        near(&[0.9, 0.03], 0.0125);
        // Both are found, so each may miss as often as one alone.
        near(&[0.04, 0.03], 0.025);
        near(&[], 0.025);
    }
}
