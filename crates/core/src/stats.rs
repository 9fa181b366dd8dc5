//! Intervals for shares.

/// The normal quantile of a 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval for a share of `hits` in `n`; 0 to 1 where `n` is 0. (Wilson 1927, JASA 22:209;
/// recommended for small n by Brown, Cai and `DasGupta` 2001, doi:10.1214/ss/1009213286.)
pub fn wilson(hits: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let z2 = Z95 * Z95;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// 95 % interval of a rate `Σ count / Σ size` over units that were drawn together, such as the errors and characters of turns:
/// the linearised variance of a ratio (Cochran 1977, Sampling Techniques, 6.4), which takes into account that errors come in
/// clusters. From 0 to infinity for fewer than two units, or where nothing could have been counted.
pub fn ratio_interval(units: &[(usize, usize)]) -> (f64, f64) {
    let (count, size) = units.iter().fold((0, 0), |(c, s), (count, of)| (c + count, s + of));
    if units.len() < 2 || size == 0 {
        return (0.0, f64::INFINITY);
    }
    let (rate, n) = (count as f64 / size as f64, units.len() as f64);
    let squares: f64 = units.iter().map(|(count, of)| (*count as f64 - rate * *of as f64).powi(2)).sum();
    let half = Z95 * (squares * n / (n - 1.0)).sqrt() / size as f64;
    ((rate - half).max(0.0), rate + half)
}

#[cfg(test)]
mod tests {
    use super::{ratio_interval, wilson};

    #[test]
    fn a_ratio_knows_that_errors_come_together() {
        let even = ratio_interval(&[(1, 10); 40]);
        assert!((even.0 - 0.1).abs() < 1e-9 && (even.1 - 0.1).abs() < 1e-9, "{even:?}");
        // The same rate, all in one unit of four.
        let lumps: Vec<_> = (0..40).map(|i| (if i % 4 == 0 { 4 } else { 0 }, 10)).collect();
        let (low, high) = ratio_interval(&lumps);
        // s² = Σ(c − 1)² / 39 = 120 / 39; half = 1.96 · √(40 · s²) / 400.
        assert!((high - 0.1 - 0.054_36).abs() < 1e-4 && (0.1 - low - 0.054_36).abs() < 1e-4, "{low} {high}");
        assert_eq!(ratio_interval(&[(1, 10)]), (0.0, f64::INFINITY));
        assert_eq!(ratio_interval(&[(0, 0), (3, 0)]), (0.0, f64::INFINITY));
    }

    #[test]
    fn known_values() {
        let (low, high) = wilson(9, 10);
        assert!((low - 0.5958).abs() < 1e-3 && (high - 0.9821).abs() < 1e-3, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert!(wilson(0, 30).1 < 0.12);
    }
}
