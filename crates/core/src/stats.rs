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

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn known_values() {
        let (low, high) = wilson(9, 10);
        assert!((low - 0.5958).abs() < 1e-3 && (high - 0.9821).abs() < 1e-3, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert!(wilson(0, 30).1 < 0.12);
    }
}
