//! What is known of a group of calls: sorted by chance of being heard.

use std::collections::BTreeMap;

use super::Judged;
use super::strata::{self, Key, Weights};

/// Calls that had the same chance of being heard, or nearly the same.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Class {
    /// Calls in the frame.
    pub size: usize,
    /// Calls of them that a person judged.
    pub n: usize,
    /// Violations among the judged.
    pub y: usize,
    /// Calls in the frame that the machine flags.
    pub hits: usize,
    /// What weights make of them, where strata of different chances were taken together ([`super::strata`]).
    pub weights: Option<Weights>,
}

impl Class {
    /// Share of calls with a violation; `None` where nobody judged any.
    pub(super) fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.weights.map_or(self.y as f64 / self.n as f64, |w| w.yes / w.all))
    }

    /// Violations to be expected in the whole class; `None` where nobody judged any call of it.
    pub(super) fn total(&self) -> Option<f64> {
        if self.size == 0 { Some(0.0) } else { self.share().map(|share| self.size as f64 * share) }
    }

    /// Size of the simple random sample that would tell as much (Kish), before what hearing many of few adds.
    pub(super) fn worth(&self) -> f64 {
        self.weights.filter(|w| w.squares > 0.0).map_or(self.n as f64, |w| w.all * w.all / w.squares)
    }

    /// Share of the doubt that is left because not all were heard.
    pub(super) fn left(&self) -> f64 {
        let plain = 1.0 - self.n as f64 / self.size.max(1) as f64;
        self.weights.filter(|w| w.squares > 0.0).map_or(plain, |w| w.squares_left / w.squares)
    }
}

/// A group of calls as classes of equal chance.
///
/// Inside a class the judged calls are a simple random sample of all, given how many they are. Each stands for
/// `size / n` calls: its inverse-probability weight, calibrated so that the weights add up to the calls that are there
/// (Deville and Särndal 1992, doi:10.1080/01621459.1992.10475217). In one class this is Hájek's ratio. Classes that are too thin
/// for that are taken together ([`super::strata`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parts(pub Vec<Class>);

/// The key of a row's class.
pub(super) fn key(row: &Judged) -> Key {
    strata::key(row.probability, row.human.is_some())
}

impl Parts {
    /// The classes of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Judged>) -> Self {
        let mut classes: BTreeMap<Key, [Class; 1]> = BTreeMap::new();
        for row in rows {
            let [class] = classes.entry(key(row)).or_default();
            count(class, row);
        }
        Self(
            strata::groups(classes, strata::AT_LEAST)
                .into_iter()
                .map(|g| strata::join(g.into_iter().map(|(k, [c])| (k, c))))
                .collect(),
        )
    }

    /// The classes of these rows, each divided by what the machine said, where [`strata::AT_LEAST`] calls of each half were
    /// to be expected among those heard; a class where they were not is left whole.
    ///
    /// What is expected decides, not what came: dividing only where chance brought enough hits would count the draws with
    /// many hits one way and those with few another, and makes rates too low.
    pub fn by_machine<'a>(rows: impl IntoIterator<Item = &'a Judged>) -> Self {
        Self(
            halves(rows)
                .into_iter()
                .flat_map(|h| if h.divides() { vec![h.clear, h.hit] } else { vec![h.whole] })
                .filter(|c| c.size > 0)
                .collect(),
        )
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

/// A class and its halves by what the machine said.
pub(super) struct Halves {
    pub(super) hit: Class,
    pub(super) clear: Class,
    pub(super) whole: Class,
}

impl Halves {
    /// True where the class is estimated as two halves: so many of each were to be expected and one at least was heard.
    pub(super) fn divides(&self) -> bool {
        let heard = self.whole.n as f64 / self.whole.size.max(1) as f64;
        let enough = |c: &Class| c.size == 0 || (c.n > 0 && c.size as f64 * heard >= strata::AT_LEAST as f64);
        enough(&self.hit) && enough(&self.clear)
    }
}

/// The classes of these rows, with their halves.
pub(super) fn halves<'a>(rows: impl IntoIterator<Item = &'a Judged>) -> Vec<Halves> {
    let mut classes: BTreeMap<Key, [Class; 2]> = BTreeMap::new();
    for row in rows {
        let [clear, hit] = classes.entry(key(row)).or_default();
        count(if row.machine == Some(true) { hit } else { clear }, row);
    }
    let both = |[a, b]: [Class; 2]| Class {
        size: a.size + b.size,
        n: a.n + b.n,
        y: a.y + b.y,
        hits: a.hits + b.hits,
        weights: None,
    };
    let of = |group: strata::Group<2>| Halves {
        hit: strata::join(group.iter().map(|(k, [_, hit])| (*k, *hit))),
        clear: strata::join(group.iter().map(|(k, [clear, _])| (*k, *clear))),
        whole: strata::join(group.iter().map(|(k, halves)| (*k, both(*halves)))),
    };
    strata::groups_with_halves(strata::groups(classes, strata::AT_LEAST)).into_iter().map(of).collect()
}

/// Counts the calls of a row.
pub(super) fn count(class: &mut Class, row: &Judged) {
    class.size += row.calls;
    class.n += usize::from(row.human.is_some()) * row.calls;
    class.y += usize::from(row.human == Some(true)) * row.calls;
    class.hits += usize::from(row.machine == Some(true)) * row.calls;
}
