//! Whether a reviewer confirms hits more or less often than the others would have (从严、偏宽), though each hears other calls.
//!
//! A reviewer who is given the calls of a rule that is usually right confirms more than others without being stricter. So
//! what a reviewer confirmed is compared with what would be **expected** if every rule had been confirmed at the rate of all the
//! others: the ratio of observed to expected (indirect standardisation; Breslow and Day 1987, IARC Scientific Publications 82,
//! chapter 2). What only this reviewer judged cannot be compared and is left out.
//!
//! The rates of the others are themselves counted from a few judgements, so limits that take them for known (the exact Poisson limits
//! that go with such ratios) are wrong on both sides. Here all that is known of a rule is a table of two by two: confirmed or not, by
//! this reviewer or by others. Given its margins what this reviewer confirmed has Fisher's noncentral hypergeometric distribution,
//! which hangs on the odds ratio alone; rules are independent, so their sum is a convolution (Gart 1970,
//! doi:10.1093/biomet/57.3.471). Mid-P limits of one odds ratio for all rules (as [`crate::estimate::tail`] has them for shares) are
//! turned into the ratio of observed to expected that goes with it. At an odds ratio of 1 that ratio is 1, too, so that the interval
//! excludes 1 exactly where the test does.
//!
//! All reviewers are looked at together: called different are those that Benjamini and Hochberg's rule picks, and intervals have the
//! level that goes with it, as in [`mod@crate::estimate::groups`]. Of centres whose reviewers are all alike at most about one in twenty has
//! anybody called different (simulated in the tests: of 2,000 centres 4.3 %).
//!
//! **What must be true**: of one rule all reviewers hear calls that are equally hard. Calls that are handed out by chance are so;
//! where somebody always takes the worst ones, or those of one unit, the calls differ and not the reviewer.

use std::collections::BTreeMap;

use crate::estimate::{Interval, discoveries};

/// Fewer judgements that can be compared than this say too little, of the reviewer or of the others.
pub const LEAST: usize = 10;
/// Odds ratios are looked for between its inverse and this; further out all rules are confirmed always or never.
const MOST_ODDS: f64 = 1e6;
/// First step outwards from the odds that were seen, and when limits are known well enough, on the logarithm of the odds.
const FIRST_STEP: f64 = 0.4;
const NEAR: f64 = 1e-5;
/// Terms that are so much less likely than the likeliest are left out.
const FAINT: f64 = 1e-15;

/// What a reviewer said of the hits of one rule; a rule is judged once in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Reviewer.
    pub reviewer: String,
    /// Rule.
    pub rule_id: String,
    /// Calls in which the reviewer judged the rule's hit.
    pub judged: usize,
    /// Those in which it was confirmed.
    pub confirmed: usize,
}

/// How a reviewer judges beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaning {
    /// Too few judgements that can be compared.
    TooFew,
    /// No difference that chance does not explain.
    Alike,
    /// Confirms less than the others would: 偏宽.
    Lenient,
    /// Confirms more: 偏严.
    Strict,
}

/// A reviewer beside all others.
#[derive(Debug, Clone, PartialEq)]
pub struct Leniency {
    /// Reviewer.
    pub reviewer: String,
    /// Hits judged, and confirmed among them.
    pub judged: usize,
    /// Confirmed among them.
    pub confirmed: usize,
    /// Judged ones whose rule others judged as well.
    pub compared: usize,
    /// What others would have confirmed of those.
    pub expected: f64,
    /// Confirmed of those over expected; `None` where nothing can be compared or nothing is expected.
    pub ratio: Option<f64>,
    /// Limits of the ratio, corrected for the number of reviewers; `None` where the judgements are too few.
    pub interval: Option<Interval>,
    /// What that says.
    pub leaning: Leaning,
}

/// Every reviewer, by name. Several rows of one reviewer and rule are added up.
pub fn leniency(said: &[Said]) -> Vec<Leniency> {
    let mut rules: BTreeMap<&str, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
    for s in said {
        let own = rules.entry(&s.rule_id).or_default().entry(&s.reviewer).or_default();
        own.0 += s.judged;
        own.1 += s.confirmed.min(s.judged);
    }
    let mut tables: BTreeMap<&str, Beside> = BTreeMap::new();
    for people in rules.values() {
        let all = people.values().fold((0, 0), |all, own| (all.0 + own.0, all.1 + own.1));
        for (reviewer, own) in people {
            tables.entry(reviewer).or_default().add(*own, all);
        }
    }
    let p: Vec<f64> = tables.values().filter(|b| b.enough()).map(Beside::p_value).collect();
    let tail = discoveries::tail(p);
    tables.into_iter().map(|(reviewer, beside)| beside.told(reviewer, tail)).collect()
}

/// One rule: judged and confirmed by the reviewer, and by all together.
#[derive(Debug, Clone, Copy)]
struct Table {
    own: usize,
    own_yes: usize,
    all: usize,
    all_yes: usize,
}

impl Table {
    fn others(&self) -> usize {
        self.all - self.own
    }

    /// Chances of each number that the reviewer may have confirmed, given the margins: the least number, then one by one. From the
    /// likeliest outwards, so that nothing overflows.
    fn chances(&self, odds: f64) -> (usize, Vec<f64>) {
        let (least, most) = (self.all_yes.saturating_sub(self.others()), self.own.min(self.all_yes));
        // P(x + 1) / P(x), which falls as x grows.
        let step = |x: usize| {
            let no = self.others() + x + 1 - self.all_yes;
            odds * ((self.own - x) * (self.all_yes - x)) as f64 / ((x + 1) * no) as f64
        };
        let (mut low, mut high) = (least, most);
        while low < high {
            let middle = usize::midpoint(low, high);
            if step(middle) > 1.0 { low = middle + 1 } else { high = middle }
        }
        let mode = low;
        let mut up = vec![1.0];
        up.extend((mode..most).scan(1.0, |p, x| rest(p, step(x))));
        let mut all: Vec<f64> = (least..mode).rev().scan(1.0, |p, x| rest(p, 1.0 / step(x))).collect();
        let first = mode - all.len();
        all.reverse();
        all.append(&mut up);
        let sum: f64 = all.iter().sum();
        for p in &mut all {
            *p /= sum;
        }
        (first, all)
    }
}

/// The next chance; nothing where it is too faint to matter.
fn rest(p: &mut f64, step: f64) -> Option<f64> {
    *p *= step;
    (*p > FAINT).then_some(*p)
}

/// All rules of a reviewer that others judged as well.
#[derive(Debug, Default)]
struct Beside {
    judged: usize,
    confirmed: usize,
    tables: Vec<Table>,
}

impl Beside {
    fn add(&mut self, own: (usize, usize), all: (usize, usize)) {
        self.judged += own.0;
        self.confirmed += own.1;
        if own.0 > 0 && all.0 > own.0 {
            self.tables.push(Table { own: own.0, own_yes: own.1, all: all.0, all_yes: all.1 });
        }
    }

    fn compared(&self) -> usize {
        self.tables.iter().map(|t| t.own).sum()
    }

    fn observed(&self) -> usize {
        self.tables.iter().map(|t| t.own_yes).sum()
    }

    fn enough(&self) -> bool {
        self.compared() >= LEAST && self.tables.iter().map(Table::others).sum::<usize>() >= LEAST
    }

    /// What the others would have confirmed, where the reviewer confirmed `yes` of each rule.
    fn expected(&self, yes: impl Fn(&Table) -> f64) -> f64 {
        self.tables.iter().map(|t| t.own as f64 * (t.all_yes as f64 - yes(t)) / t.others() as f64).sum()
    }

    /// Chance of fewer than observed and half of exactly that.
    fn below(&self, odds: f64) -> f64 {
        let (mut first, mut sum) = (0, vec![1.0]);
        for (start, chances) in self.tables.iter().map(|t| t.chances(odds)) {
            sum = convolved(&sum, &chances);
            first += start + trim(&mut sum);
        }
        let Some(at) = self.observed().checked_sub(first) else { return 0.0 };
        let before: f64 = sum.iter().take(at).sum();
        before + sum.get(at).map_or(0.0, |p| p / 2.0)
    }

    /// Logarithm of the odds ratio as it was seen (Mantel and Haenszel 1959), half a judgement more on each side.
    fn seen(&self) -> f64 {
        let (mut more, mut less) = (0.5, 0.5);
        for t in &self.tables {
            let (own_no, others_yes) = ((t.own - t.own_yes) as f64, (t.all_yes - t.own_yes) as f64);
            more += t.own_yes as f64 * (t.others() as f64 - others_yes) / t.all as f64;
            less += own_no * others_yes / t.all as f64;
        }
        f64::ln(more / less).clamp(-MOST_ODDS.ln(), MOST_ODDS.ln())
    }

    /// Of no difference, two-sided.
    fn p_value(&self) -> f64 {
        let below = self.below(1.0);
        (2.0 * below.min(1.0 - below)).min(1.0)
    }

    /// Confirmed over expected where the odds of confirming are `odds` times those of the others.
    fn ratio(&self, odds: f64) -> f64 {
        let mean = |t: &Table| {
            let (first, chances) = t.chances(odds);
            chances.iter().enumerate().map(|(i, p)| (first + i) as f64 * p).sum::<f64>()
        };
        let own: f64 = self.tables.iter().map(mean).sum();
        own / self.expected(mean)
    }

    /// Limits of the ratio, each missing with a chance of `tail`.
    fn limits(&self, tail: f64) -> Interval {
        // Fewer are seen the higher the odds, so that `below` falls from 1 to 0.
        let (least, most) = (1.0 / MOST_ODDS, MOST_ODDS);
        let odds_at = |wanted: f64| {
            let too_low = |ln_odds: f64| self.below(ln_odds.exp()) > wanted;
            // Limits lie near what was seen: outwards from there in growing steps, then halved.
            let (mut low, mut high) = (self.seen(), self.seen());
            let mut step = FIRST_STEP;
            while low > least.ln() && !too_low(low) {
                (high, low, step) = (low, (low - step).max(least.ln()), step * 2.0);
            }
            while high < most.ln() && too_low(high) {
                (low, high, step) = (high, (high + step).min(most.ln()), step * 2.0);
            }
            while high - low > NEAR {
                let middle = f64::midpoint(low, high);
                if too_low(middle) { low = middle } else { high = middle }
            }
            f64::midpoint(low, high).exp()
        };
        let (low, high) = (odds_at(1.0 - tail), odds_at(tail));
        let low = if low <= least * 2.0 { 0.0 } else { self.ratio(low) };
        // Where no odds are too high, the others may confirm next to nothing of what this reviewer confirms.
        let high = if high >= most / 2.0 { f64::INFINITY } else { self.ratio(high) };
        Interval { low, high }
    }

    fn told(&self, reviewer: &str, tail: f64) -> Leniency {
        let expected = self.expected(|t| t.own_yes as f64);
        let ratio = (expected > 0.0).then(|| self.observed() as f64 / expected);
        let interval = self.enough().then(|| {
            let limits = self.limits(tail);
            // Rules that differ much among themselves may put the ratio itself outside: then it says less.
            let at = ratio.unwrap_or(limits.high);
            Interval { low: limits.low.min(at), high: limits.high.max(at) }
        });
        let leaning = match interval {
            None => Leaning::TooFew,
            Some(i) if i.low > 1.0 => Leaning::Strict,
            Some(i) if i.high < 1.0 => Leaning::Lenient,
            Some(_) => Leaning::Alike,
        };
        let (judged, confirmed, compared) = (self.judged, self.confirmed, self.compared());
        Leniency { reviewer: reviewer.to_owned(), judged, confirmed, compared, expected, ratio, interval, leaning }
    }
}

fn convolved(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (out, y) in out.iter_mut().skip(i).zip(b) {
            *out += x * y;
        }
    }
    out
}

/// Takes away what is too faint at both ends; gives how many went in front.
fn trim(chances: &mut Vec<f64>) -> usize {
    let last = chances.iter().rposition(|p| *p > FAINT).unwrap_or(0);
    chances.truncate(last + 1);
    let front = chances.iter().position(|p| *p > FAINT).unwrap_or(0);
    chances.drain(..front);
    front
}

#[cfg(test)]
mod tests;
