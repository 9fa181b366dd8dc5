//! Strata that are too thin to stand alone are taken together with their likes.
//!
//! A stratum of which two calls were to be heard may come out with none, and then nothing could be said about the whole group.
//! Whoever draws a few calls every night has a stratum for every night. So strata in which fewer than [`AT_LEAST`] calls were to be
//! expected are collapsed with the one whose chance of being heard is nearest (Cochran 1977, Sampling Techniques, 5A.12),
//! and inside the collapsed stratum every call weighs what its own chance says: Hájek's ratio, whose worth is Kish's effective
//! sample size. What was **expected** decides and never what came, or draws with many violations would be treated otherwise than
//! draws with few.

use std::collections::BTreeMap;

use super::parts::Class;

/// Calls that were to be heard of a stratum that stands alone, and of each half of one that is divided by what the machine said.
pub const AT_LEAST: usize = 5;

/// Chances are alike where one is less than so many times the other: to weigh their calls costs next to nothing.
const ALIKE: f64 = 1.5;

/// Chance of being heard, as a key: to nine digits.
pub(super) type Key = u64;
/// Key of calls that were heard for sure.
const SURE: Key = 1_000_000_000;
/// Key of calls that were judged though no plan could draw them: they stand for themselves only.
const BESIDES: Key = 2_000_000_000;
/// Key of calls that no plan could draw and nobody judged: nothing is known of them.
const NEVER: Key = 0;

/// The key of a call with this chance.
pub(super) fn key(probability: f64, judged: bool) -> Key {
    if probability > 0.0 && probability < 1.0 + 1e-9 {
        ((probability * SURE as f64).round() as Key).clamp(1, SURE)
    } else if judged {
        BESIDES
    } else {
        NEVER
    }
}

/// What weights make of the judged calls of a collapsed stratum; each weighs the calls that it stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Sum of the weights.
    pub(super) all: f64,
    /// Sum of the weights of violations.
    pub(super) yes: f64,
    /// Sum of their squares, and of those the part that comes from not hearing all.
    pub(super) squares: f64,
    pub(super) squares_left: f64,
}

/// Strata that stand together, each with its halves: what the caller divides a stratum into.
pub(super) type Group<const N: usize> = Vec<(Key, [Class; N])>;

/// Which strata are taken together, so that `at_least` calls of each group were to be heard. Those that were heard for sure or by
/// nobody's plan stand alone.
pub(super) fn groups<const N: usize>(strata: BTreeMap<Key, [Class; N]>, at_least: usize) -> Vec<Group<N>> {
    let groups = strata.into_iter().map(|s| vec![s]).collect();
    merge(groups, |g| expected(g, 0..N) < at_least as f64, f64::INFINITY)
}

/// Takes groups together further, where their chances are alike, until [`AT_LEAST`] calls of each half were to be heard.
pub(super) fn groups_with_halves(groups: Vec<Group<2>>) -> Vec<Group<2>> {
    let thin = |g: &Group<2>| {
        let some = |half: usize| g.iter().any(|(_, halves)| halves[half].size > 0);
        (0..2).any(|half| some(half) && expected(g, half..half + 1) < AT_LEAST as f64)
    };
    merge(groups, thin, ALIKE)
}

/// Joins each thin group with the neighbour whose chance is nearest, where that is within `reach`: the larger of two chances is
/// less than so many times the smaller. The groups lie in order of their chances.
fn merge<const N: usize>(groups: Vec<Group<N>>, thin: impl Fn(&Group<N>) -> bool, reach: f64) -> Vec<Group<N>> {
    let by_chance = |g: &Group<N>| g.iter().all(|(k, _)| (NEVER + 1..SURE).contains(k));
    let (mut drawn, mut out): (Vec<_>, Vec<_>) = groups.into_iter().partition(by_chance);
    let times = |a: &Group<N>, b: &Group<N>| (chance(a) / chance(b)).max(chance(b) / chance(a));
    while let Some((from, into)) = (0..drawn.len()).filter(|i| thin(&drawn[*i])).find_map(|i| {
        let neighbours = [i.checked_sub(1), Some(i + 1).filter(|next| *next < drawn.len())];
        let near = neighbours.into_iter().flatten().map(|n| (n, times(&drawn[i], &drawn[n]))).filter(|n| n.1 < reach);
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(n, _)| (i.max(n), i.min(n)))
    }) {
        let joined = drawn.remove(from);
        drawn[into].extend(joined);
    }
    out.extend(drawn);
    out
}

fn share(k: Key) -> f64 {
    k as f64 / SURE as f64
}

/// What a call heard of a stratum counts for, beside calls of others, where calls that nobody heard are to be guessed: as many as
/// it stands for, without itself.
pub(super) fn unheard_each(k: Key) -> f64 {
    1.0 / share(k).max(f64::MIN_POSITIVE) - 1.0
}

/// Calls of some halves that were to be heard.
fn expected<const N: usize>(group: &Group<N>, halves: std::ops::Range<usize>) -> f64 {
    group.iter().map(|(k, of)| share(*k) * of[halves.clone()].iter().map(|c| c.size as f64).sum::<f64>()).sum()
}

/// Mean chance of the calls of a group.
fn chance<const N: usize>(group: &Group<N>) -> f64 {
    let size: usize = group.iter().flat_map(|(_, halves)| halves).map(|c| c.size).sum();
    expected(group, 0..N) / size.max(1) as f64
}

/// One class of strata: the same as before where there is one, weighted where there are several.
pub(super) fn join(strata: impl IntoIterator<Item = (Key, Class)>) -> Class {
    let strata: Vec<(Key, Class)> = strata.into_iter().filter(|(_, c)| c.size > 0).collect();
    let mut out = Class::default();
    let mut w = Weights { all: 0.0, yes: 0.0, squares: 0.0, squares_left: 0.0 };
    for (k, class) in &strata {
        let each = 1.0 / share(*k).max(f64::MIN_POSITIVE);
        out.size += class.size;
        out.n += class.n;
        out.y += class.y;
        out.hits += class.hits;
        w.all += each * class.n as f64;
        w.yes += each * class.y as f64;
        w.squares += each * each * class.n as f64;
        w.squares_left += each * (each - 1.0) * class.n as f64;
    }
    // Where all were heard there is nothing to weigh.
    out.weights = (strata.len() > 1 && out.n < out.size).then_some(w);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{AT_LEAST, groups, join, key};
    use crate::estimate::parts::Class;

    fn strata(of: &[(f64, usize)]) -> BTreeMap<u64, [Class; 1]> {
        of.iter().map(|(p, size)| (key(*p, false), [Class { size: *size, ..Class::default() }])).collect()
    }

    fn sizes(of: &[(f64, usize)]) -> Vec<Vec<usize>> {
        groups(strata(of), AT_LEAST).iter().map(|g| g.iter().map(|(_, c)| c[0].size).collect()).collect()
    }

    #[test]
    fn thin_strata_join_the_nearest() {
        // 10 and 20 calls to be heard: each stands alone.
        assert_eq!(sizes(&[(0.1, 100), (0.2, 100)]), [[100], [100]]);
        // Two calls to be heard at 0.11: nearer to 0.1 than to 0.5.
        assert_eq!(sizes(&[(0.1, 100), (0.11, 18), (0.5, 40)]), [vec![100, 18], vec![40]]);
        // Thirty nights of two calls each.
        let nights: Vec<(f64, usize)> = (0..30).map(|i| (0.02 + f64::from(i) * 1e-4, 100)).collect();
        let sizes = sizes(&nights);
        assert!(sizes.iter().all(|g| (2..=5).contains(&g.len())) && sizes.len() > 5, "{sizes:?}");
    }

    #[test]
    fn what_chance_did_not_choose_stays_alone() {
        let all = groups(strata(&[(0.0, 7), (0.01, 100), (0.02, 100), (1.0, 3)]), AT_LEAST);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(groups::<1>(BTreeMap::new(), AT_LEAST).is_empty());
        assert_eq!(sizes(&[(0.01, 10)]), [[10]], "nothing to join");
    }

    #[test]
    fn weights_undo_unequal_chances() {
        // Half of the rare stratum's calls were heard, a tenth of the other's; all are as their stratum is.
        let class = |size, n, y| Class { size, n, y, hits: 0, weights: None };
        let joined = join([(key(0.5, false), class(20, 10, 10)), (key(0.1, false), class(100, 10, 0))]);
        assert!((joined.share().unwrap() - 20.0 / 120.0).abs() < 1e-12);
        assert!((joined.total().unwrap() - 20.0).abs() < 1e-9);
        let alone = join([(key(0.1, false), class(100, 10, 1)), (key(0.2, false), class(0, 0, 0))]);
        assert_eq!(alone, class(100, 10, 1));
    }
}
