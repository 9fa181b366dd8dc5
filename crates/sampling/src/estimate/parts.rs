//! What is known of a group of calls: sorted by chance of being heard.

use std::collections::BTreeMap;

use super::Judged;

/// Calls that all had the same chance of being heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Class {
    /// Calls in the frame.
    pub size: usize,
    /// Calls of them that a person judged.
    pub n: usize,
    /// Violations among the judged.
    pub y: usize,
}

impl Class {
    /// Violations to be expected in the whole class; `None` where nobody judged any call of it.
    pub(super) fn total(&self) -> Option<f64> {
        match (self.size, self.n) {
            (0, _) => Some(0.0),
            (_, 0) => None,
            (size, n) => Some(size as f64 * self.y as f64 / n as f64),
        }
    }
}

/// A group of calls as classes of equal chance.
///
/// Inside a class the judged calls are a simple random sample of all, given how many they are. Each stands for
/// `size / n` calls: its inverse-probability weight, calibrated so that the weights add up to the calls that are there
/// (Deville and Särndal 1992, doi:10.1080/01621459.1992.10475217). In one class this is Hájek's ratio.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts(pub Vec<Class>);

/// Chance of being heard, as a key: to nine digits.
pub(super) type Key = u64;
/// Key of calls that were judged though no plan could draw them: they stand for themselves only.
const BESIDES: Key = 2_000_000_000;
/// Key of calls that no plan could draw and nobody judged: nothing is known of them.
const NEVER: Key = 0;

/// The key of a row's class.
pub(super) fn key(row: &Judged) -> Key {
    let p = row.probability;
    if p > 0.0 && p < 1.0 + 1e-9 {
        ((p * 1e9).round() as Key).clamp(1, 1_000_000_000)
    } else if row.human.is_some() {
        BESIDES
    } else {
        NEVER
    }
}

impl Parts {
    /// The classes of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Judged>) -> Self {
        let mut classes: BTreeMap<Key, Class> = BTreeMap::new();
        for row in rows {
            count(classes.entry(key(row)).or_default(), row);
        }
        Self(classes.into_values().collect())
    }

    /// The classes of these rows, each divided by what the machine said, where `at_least` calls of each half were to be
    /// expected among those heard; a class where they were not is left whole.
    ///
    /// What is expected decides, not what came: dividing only where chance brought enough hits would count the draws with
    /// many hits one way and those with few another, and makes rates too low.
    pub fn by_machine<'a>(rows: impl IntoIterator<Item = &'a Judged>, at_least: usize) -> Self {
        let mut classes: BTreeMap<Key, [Class; 2]> = BTreeMap::new();
        for row in rows {
            let [clear, hit] = classes.entry(key(row)).or_default();
            count(if row.machine == Some(true) { hit } else { clear }, row);
        }
        let halves = classes.into_values().flat_map(|[clear, hit]| {
            if divides(&hit, &clear, at_least) {
                vec![clear, hit]
            } else {
                vec![Class { size: clear.size + hit.size, n: clear.n + hit.n, y: clear.y + hit.y }]
            }
        });
        Self(halves.filter(|c| c.size > 0).collect())
    }

    /// Calls in the frame.
    pub fn size(&self) -> usize {
        self.0.iter().map(|c| c.size).sum()
    }

    /// Calls judged.
    pub fn n(&self) -> usize {
        self.0.iter().map(|c| c.n).sum()
    }

    /// Violations among the calls judged.
    pub fn y(&self) -> usize {
        self.0.iter().map(|c| c.y).sum()
    }

    /// Violations to be expected in all calls; `None` where there are no calls, or calls that nobody could hear.
    pub fn total(&self) -> Option<f64> {
        if self.size() == 0 { None } else { self.0.iter().map(Class::total).sum() }
    }

    /// Share of calls with a violation.
    pub fn share(&self) -> Option<f64> {
        self.total().map(|t| t / self.size() as f64)
    }
}

/// True where a class is estimated as two halves: so many of each were to be expected and one at least was heard.
pub(super) fn divides(hit: &Class, clear: &Class, at_least: usize) -> bool {
    let heard = (hit.n + clear.n) as f64 / (hit.size + clear.size).max(1) as f64;
    let enough = |c: &Class| c.size == 0 || (c.n > 0 && c.size as f64 * heard >= at_least as f64);
    enough(hit) && enough(clear)
}

/// Counts the calls of a row.
pub(super) fn count(class: &mut Class, row: &Judged) {
    class.size += row.calls;
    class.n += usize::from(row.human.is_some()) * row.calls;
    class.y += usize::from(row.human == Some(true)) * row.calls;
}
