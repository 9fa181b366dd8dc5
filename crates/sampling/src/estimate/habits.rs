//! What a unit says of its members' habits: how often they violate a rule on average, and how far they differ.
//!
//! A habit is the chance that a call of an agent holds a violation. The habits of a unit come from a beta distribution; what is
//! known of its mean and spread is their posterior distribution, on a grid (Gelman et al., Bayesian Data Analysis, 5.3: the same model and
//! way for tumour rates). The spread is measured as people think of it: by what factor agents differ. The prior says
//! that a factor of three is rare (half normal, as Gelman 2006, doi:10.1214/06-BA117A); the mean has Kerman's neutral prior
//! (2011, doi:10.1214/11-EJS648), since Jeffreys' counts half a violation for a unit in which none was heard, which makes rates
//! of rare violations too high and their intervals too wide. Taking
//! one best guess of the spread instead, as moments give it, makes intervals too narrow where a unit has few
//! agents, and too wide where violations are rare.

use std::collections::BTreeMap;

use statrs::function::gamma::ln_gamma;

/// Places of the grid for the mean, either side of the middle; how many standard errors they reach out.
const MEANS: i32 = 12;
const REACH: f64 = 4.5;

/// Places of the grid for the spread: standard deviation of the habits' log odds, about.
const SPREADS: [f64; 14] = [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.1, 1.4, 1.8, 2.3, 3.0];
/// Scale of the prior of the spread.
const SCALE: f64 = 0.7;

/// Grid places of less weight than this are left out.
const FAINT: f64 = 1e-5;

/// One place of the grid: habits are beta distributed with this mean, worth so many calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) mean: f64,
    pub(super) worth: f64,
    /// Posterior weight; all add up to 1.
    pub(super) weight: f64,
}

/// Calls judged and violations, with the members that have just these; by their bits, since alike members are many.
type Heard = BTreeMap<(u64, u64), (f64, f64, f64)>;

/// What members, each with calls heard and violations, say of all; empty where none was heard.
pub(super) fn posterior(members: impl Iterator<Item = (f64, f64)>) -> Vec<Habits> {
    let mut heard = Heard::new();
    for (n, y) in members.filter(|(n, _)| *n > 0.0) {
        heard.entry((n.to_bits(), y.to_bits())).or_insert((n, y, 0.0)).2 += 1.0;
    }
    if heard.is_empty() {
        return Vec::new();
    }
    let mut grid: Vec<Habits> =
        means(&heard).flat_map(|mean| SPREADS.iter().enumerate().map(move |(i, s)| place(mean, i, *s))).collect();
    for place in &mut grid {
        // Until here the weight is the logarithm of the prior's.
        place.weight += heard.values().map(|(n, y, times)| times * likelihood(place, *n, *y)).sum::<f64>();
    }
    let most = grid.iter().map(|p| p.weight).fold(f64::NEG_INFINITY, f64::max);
    for place in &mut grid {
        place.weight = (place.weight - most).exp();
    }
    let all: f64 = grid.iter().map(|p| p.weight).sum();
    grid.retain(|p| p.weight > all * FAINT);
    let all: f64 = grid.iter().map(|p| p.weight).sum();
    for place in &mut grid {
        place.weight /= all;
    }
    grid
}

/// Means to look at: around the share of all calls heard, evenly on the log odds.
fn means(heard: &Heard) -> impl Iterator<Item = f64> + use<> {
    let sum = |of: fn(&(f64, f64)) -> f64| heard.values().map(|(n, y, times)| of(&(*n, *y)) * times).sum::<f64>();
    let (n, y, members) = (sum(|c| c.0), sum(|c| c.1), sum(|_| 1.0));
    let middle = (y + 0.5) / (n + 1.0);
    // Doubt from the calls, and from the members, which may differ.
    let error = (1.0 / ((n + 1.0) * middle * (1.0 - middle)) + 0.5 / members).sqrt();
    let step = REACH * error / f64::from(MEANS);
    let odds = (middle / (1.0 - middle)).ln();
    (-MEANS..=MEANS).map(move |i| 1.0 / (1.0 + (-(odds + f64::from(i) * step)).exp()))
}

/// A place with the logarithm of its prior weight.
fn place(mean: f64, spread_index: usize, spread: f64) -> Habits {
    let room = mean * (1.0 - mean);
    // The variance of a habit whose log odds vary by `spread`; at its largest habits are nearly all or nothing.
    let alike = (spread * spread * room).min(0.9);
    let width = (SPREADS.get(spread_index + 1).unwrap_or(&SPREADS[13]) - SPREADS[spread_index.saturating_sub(1)]) / 2.0;
    let prior = width.ln() - (spread / SCALE).powi(2) / 2.0;
    // Kerman's prior of a share, on the even grid of log odds: p^(1/3) (1-p)^(1/3).
    Habits { mean, worth: 1.0 / alike - 1.0, weight: prior + room.ln() / 3.0 }
}

/// Logarithm of the chance of `y` of `n`, up to what all places have in common.
fn likelihood(habits: &Habits, n: f64, y: f64) -> f64 {
    let with = habits.mean * habits.worth;
    rising(with, y) + rising(habits.worth - with, n - y) - rising(habits.worth, n)
}

/// Logarithm of `a (a+1) … (a+n-1)`.
fn rising(a: f64, n: f64) -> f64 {
    if n <= 16.0 && n.fract() == 0.0 {
        // Exact, and quicker than two logarithms of the gamma function.
        return (0..n as u32).map(|i| a + f64::from(i)).product::<f64>().ln();
    }
    ln_gamma(a + n) - ln_gamma(a)
}

#[cfg(test)]
mod tests {
    use super::{Habits, posterior};

    fn members(of: &[(usize, usize)]) -> Vec<(f64, f64)> {
        of.iter().map(|(n, y)| (*n as f64, *y as f64)).collect()
    }

    fn mean(grid: &[Habits]) -> f64 {
        grid.iter().map(|h| h.weight * h.mean).sum()
    }

    fn spread(grid: &[Habits]) -> f64 {
        grid.iter().map(|h| h.weight / (h.worth + 1.0)).sum()
    }

    #[test]
    fn alike_members_have_a_narrow_spread_and_unlike_ones_a_wide_one() {
        let alike = posterior(members(&[(50, 10); 20]).into_iter());
        assert!((mean(&alike) - 0.2).abs() < 0.01, "{}", mean(&alike));
        let unlike: Vec<(usize, usize)> = (0..20).map(|i| (50, i)).collect();
        let unlike = posterior(members(&unlike).into_iter());
        assert!(spread(&unlike) > 5.0 * spread(&alike), "{} {}", spread(&unlike), spread(&alike));
        for grid in [alike, unlike] {
            assert!((grid.iter().map(|h| h.weight).sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn little_heard_says_little_and_nothing_heard_nothing() {
        assert!(posterior(members(&[(0, 0), (0, 0)]).into_iter()).is_empty());
        let few = posterior(members(&[(2, 0), (3, 1)]).into_iter());
        let widest = few.iter().map(|h| h.mean).fold(0.0, f64::max);
        assert!(widest > 0.6, "{widest}");
        // Thousands of calls do not leave the range of numbers.
        assert!(
            posterior(members(&[(100_000, 0), (100_000, 100_000)]).into_iter()).iter().all(|h| h.weight.is_finite())
        );
    }
}
