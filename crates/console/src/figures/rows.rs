//! Sums over what was counted: of all places, of a unit, of an agent.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::figures::cells::{CallCell, Heard, Place, RuleCell, Said};

/// Sums of counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Calls that the machine understood.
    pub(crate) calls: i64,
    /// Those with a hit.
    pub(crate) flagged: i64,
    pub(crate) failed: i64,
    /// Calls with a form.
    pub(crate) heard: i64,
    /// Calls with a confirmed violation.
    pub(crate) confirmed: i64,
}

/// Counts of one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RuleSum {
    /// Calls with a hit, and with a hit or found clear.
    pub(crate) hit: i64,
    pub(crate) judged: i64,
    /// Calls with a confirmed violation, and with a verdict of a person.
    pub(crate) confirmed: i64,
    pub(crate) said: i64,
}

/// Submitted calls that a listening plan or chance chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Listened {
    pub(crate) heard: usize,
    /// Those of them with a confirmed violation.
    pub(crate) confirmed: usize,
}

/// Pairs of call and rule in which people judged what the machine hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Precision {
    /// Those that they confirmed.
    pub(crate) right: usize,
    /// All.
    pub(crate) judged: usize,
    /// Different calls among them.
    pub(crate) calls: usize,
}

/// What was counted and said of some places, in order of unit and agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(super) calls: &'a [CallCell],
    pub(super) machine: &'a [RuleCell],
    pub(crate) said: &'a [Said],
    pub(crate) heard: &'a [Heard],
}

/// The order that rows must have.
pub(super) fn order(at: &Place) -> (&str, &str) {
    (&at.unit, &at.agent)
}

/// The rows of a place, found by halving; `compare` tells where a row lies from there.
fn slice<T>(rows: &[T], compare: impl Fn(&T) -> Ordering) -> &[T] {
    let from = rows.partition_point(|r| compare(r) == Ordering::Less);
    let to = rows.partition_point(|r| compare(r) != Ordering::Greater);
    rows.get(from..to).unwrap_or_default()
}

impl<'a> Rows<'a> {
    /// Those of a unit. A page shows every agent, and a large centre has many of both agents and rows.
    pub(crate) fn unit(self, unit: &str) -> Self {
        self.slice(|at| at.unit.as_str().cmp(unit))
    }

    /// Those of an agent in a unit.
    pub(crate) fn agent(self, unit: &str, agent: &str) -> Self {
        self.slice(|at| order(at).cmp(&(unit, agent)))
    }

    fn slice(self, compare: impl Fn(&Place) -> Ordering) -> Self {
        Self {
            calls: slice(self.calls, |c| compare(&c.at)),
            machine: slice(self.machine, |c| compare(&c.at)),
            said: slice(self.said, |s| compare(&s.at)),
            heard: slice(self.heard, |h| compare(&h.at)),
        }
    }

    /// Sums over places, by whatever a place is told by.
    pub(crate) fn sums<K: Ord>(&self, key: impl Fn(&Place) -> Option<K>) -> BTreeMap<K, Sum> {
        let mut out: BTreeMap<K, Sum> = BTreeMap::new();
        for cell in self.calls {
            let Some(key) = key(&cell.at) else { continue };
            let sum = out.entry(key).or_default();
            sum.calls += cell.calls;
            sum.flagged += cell.flagged;
            sum.failed += cell.failed;
        }
        for heard in self.heard {
            if let Some(key) = key(&heard.at) {
                out.entry(key).or_default().heard += 1;
            }
        }
        // Of one agent most of what was said is not asked for.
        let wanted = |s: &Said| s.confirmed() && key(&s.at).is_some();
        let confirmed: BTreeMap<&str, &Place> =
            self.said.iter().filter(|s| wanted(s)).map(|s| (s.call_id.as_str(), &s.at)).collect();
        for at in confirmed.into_values() {
            if let Some(key) = key(at) {
                out.entry(key).or_default().confirmed += 1;
            }
        }
        out
    }

    /// What was listened to as a plan or chance had it, by whatever a place is told by. Calls chosen for their risk would follow
    /// whose and when the queue was worked on.
    pub(crate) fn listened<K: Ord>(&self, key: impl Fn(&Place) -> Option<K>) -> BTreeMap<K, Listened> {
        let wanted = |s: &Said| s.confirmed() && key(&s.at).is_some();
        let confirmed: BTreeSet<&str> = self.said.iter().filter(|s| wanted(s)).map(|s| s.call_id.as_str()).collect();
        let mut out: BTreeMap<K, Listened> = BTreeMap::new();
        for heard in self.heard.iter().filter(|h| h.planned) {
            let Some(key) = key(&heard.at) else { continue };
            let sum = out.entry(key).or_default();
            sum.heard += 1;
            sum.confirmed += usize::from(confirmed.contains(heard.call_id.as_str()));
        }
        out
    }

    /// The sum of all of them.
    pub(crate) fn total(&self) -> Sum {
        self.sums(|_| Some(())).remove(&()).unwrap_or_default()
    }

    /// Counts by rule, of some places.
    pub(crate) fn by_rule(&self, of: impl Fn(&Place) -> bool) -> BTreeMap<&'a str, RuleSum> {
        let mut out: BTreeMap<&'a str, RuleSum> = BTreeMap::new();
        for cell in self.machine.iter().filter(|c| of(&c.at)) {
            let sum = out.entry(&cell.rule).or_default();
            sum.hit += cell.hit;
            sum.judged += cell.judged;
        }
        for said in self.said.iter().filter(|s| of(&s.at)) {
            let sum = out.entry(&said.rule).or_default();
            sum.confirmed += i64::from(said.confirmed());
            sum.said += i64::from(said.judged());
        }
        out
    }

    /// Rules that hit in a call and that people confirmed there, and all that they judged: a rule is judged once in a call,
    /// by any of its places. Then the calls in which they did.
    pub(crate) fn precision(&self) -> Precision {
        let judged = self.said.iter().filter(|s| s.judged_hit());
        let mut out = Precision::default();
        let mut calls = BTreeSet::new();
        for said in judged {
            out.right += usize::from(said.found > 0);
            out.judged += 1;
            calls.insert(said.call_id.as_str());
        }
        out.calls = calls.len();
        out
    }

    /// The rules that went wrong most: those with most confirmed violations, or with most hits where none is confirmed. The
    /// flag tells that they are the machine's. Rules of which `wrong` says that their hits are no violations do not count.
    pub(crate) fn worst(
        &self,
        n: usize,
        of: impl Fn(&Place) -> bool,
        wrong: impl Fn(&str) -> bool,
    ) -> (Vec<(&'a str, i64)>, bool) {
        let mut sums = self.by_rule(of);
        sums.retain(|rule, _| wrong(rule));
        let machine = sums.values().all(|s| s.confirmed == 0);
        let count = |s: &RuleSum| if machine { s.hit } else { s.confirmed };
        let mut out: Vec<(&str, i64)> =
            sums.iter().map(|(rule, s)| (*rule, count(s))).filter(|(_, n)| *n > 0).collect();
        out.sort_by_key(|(rule, n)| (-n, *rule));
        out.truncate(n);
        (out, machine)
    }

    /// Mean listening score of some places, and how many forms it is the mean of.
    pub(crate) fn score(&self, of: impl Fn(&Place) -> bool) -> (Option<f64>, usize) {
        Self::mean(self.heard.iter().filter(|h| of(&h.at)))
    }

    /// The same of the calls that a listening plan or chance chose. Those chosen for their risk would pull whoever's calls are
    /// looked at most below the others.
    pub(crate) fn planned_score(&self, of: impl Fn(&Place) -> bool) -> (Option<f64>, usize) {
        Self::mean(self.heard.iter().filter(|h| h.planned && of(&h.at)))
    }

    fn mean<'b>(heard: impl Iterator<Item = &'b Heard>) -> (Option<f64>, usize) {
        let scores: Vec<f64> = heard.map(|h| h.score).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        ((!scores.is_empty()).then_some(mean), scores.len())
    }
}
