//! What a risk queue is to be.

use std::collections::{BTreeMap, BTreeSet};

use callsift_core::Severity;
use serde::{Deserialize, Serialize};

use super::{Inclusion, Value};
use crate::frame::FrameCall;

/// How much of a call is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hear {
    /// The flagged places, with their lead-in. A rule without a hit is not judged then.
    #[default]
    Clips,
    /// The whole call.
    Whole,
}

/// What a confirmed violation is worth, in minor ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Minor (轻微).
    pub minor: f64,
    /// Moderate (一般).
    pub moderate: f64,
    /// Severe (严重).
    pub severe: f64,
    /// Fatal (致命).
    pub fatal: f64,
}

impl Default for Weights {
    /// Each step about three times the one before: an order of magnitude over two steps. A choice, not a measurement.
    fn default() -> Self {
        Self { minor: 1.0, moderate: 3.0, severe: 10.0, fatal: 30.0 }
    }
}

impl Weights {
    /// Worth of one violation; 0 for what is no number or less than 0.
    pub fn of(&self, severity: Severity) -> f64 {
        let weight = match severity {
            Severity::Minor => self.minor,
            Severity::Moderate => self.moderate,
            Severity::Severe => self.severe,
            Severity::Fatal => self.fatal,
        };
        positive(weight)
    }
}

/// Options of a risk queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskPlan {
    /// Different calls in all, at most; this or `minutes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
    /// Minutes of listening in all; this or `calls`. The random part is expected to take its share and may take more or
    /// less, as chance draws long calls or short ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Part of the size that chance draws from the whole frame, 0 to 1. Without it nothing can be said of what the
    /// machine misses.
    pub random_share: f64,
    /// Part of the chosen calls that a second reviewer hears too, 0 to 1; on top of the size.
    pub duplicate_share: f64,
    /// How the risk part is heard.
    pub hear: Hear,
    /// Milliseconds heard before each clip, so that the reviewer knows what it is about.
    pub lead_in_ms: i64,
    /// Milliseconds that a call takes besides listening: opening, deciding, noting.
    pub overhead_ms: i64,
    /// What violations are worth.
    pub weights: Weights,
    /// Precision of a rule before anybody reviewed its hits, 0 to 1, where `priors` does not name the rule.
    pub prior_precision: f64,
    /// Precision of rules before anybody reviewed their hits, by rule, 0 to 1.
    pub priors: BTreeMap<String, f64>,
    /// Reviewed hits that the prior is worth: after as many reviews both count alike.
    pub prior_strength: f64,
}

impl Default for RiskPlan {
    fn default() -> Self {
        Self {
            calls: None,
            minutes: None,
            random_share: 0.20,
            duplicate_share: 0.03,
            hear: Hear::Clips,
            lead_in_ms: 2_000,
            overhead_ms: 15_000,
            weights: Weights::default(),
            prior_precision: 0.5,
            priors: BTreeMap::new(),
            prior_strength: 10.0,
        }
    }
}

impl RiskPlan {
    /// What is wrong with the options, in words.
    ///
    /// # Errors
    /// Neither or both sizes, a size of nothing, a share outside 0 to 1, a negative weight or time.
    pub fn check(&self) -> Result<(), String> {
        match (self.calls, self.minutes) {
            (Some(n), None) if n > 0 => {}
            (None, Some(m)) if m.is_finite() && m > 0.0 => {}
            _ => return Err("give one of `calls` and `minutes`, more than 0".to_owned()),
        }
        let shares = [
            ("random_share", self.random_share),
            ("duplicate_share", self.duplicate_share),
            ("prior_precision", self.prior_precision),
        ];
        let priors = self.priors.iter().map(|(rule, p)| (rule.as_str(), *p));
        if let Some((name, _)) = shares.into_iter().chain(priors).find(|(_, v)| !(0.0..=1.0).contains(v)) {
            return Err(format!("`{name}` must be from 0 to 1"));
        }
        let w = &self.weights;
        let amounts = [
            ("minor", w.minor),
            ("moderate", w.moderate),
            ("severe", w.severe),
            ("fatal", w.fatal),
            ("prior_strength", self.prior_strength),
            ("lead_in_ms", self.lead_in_ms as f64),
            ("overhead_ms", self.overhead_ms as f64),
        ];
        match amounts.iter().find(|(_, amount)| !(amount.is_finite() && *amount >= 0.0)) {
            Some((name, _)) => Err(format!("`{name}` must be a number and not negative")),
            None => Ok(()),
        }
    }

    /// Calls of the risk part, beside those that were heard before, and of the random part: fixed by plan, frame and flags,
    /// never by chance.
    pub(super) fn sizes(&self, valued: &[(&FrameCall, Value)], heard: &BTreeSet<String>) -> (usize, usize) {
        let share = self.random_share.clamp(0.0, 1.0);
        if let Some(calls) = self.calls {
            let calls = calls.min(valued.len());
            let random = part_of(calls, share);
            return (calls - random, random);
        }
        let minutes = positive(self.minutes.unwrap_or(0.0));
        let all: f64 = valued.iter().map(|(_, v)| v.whole_minutes).sum();
        let mean = all / valued.len().max(1) as f64;
        let random = if mean > 0.0 { (minutes * share / mean).floor() as usize } else { valued.len() };
        let open: Vec<(&FrameCall, Value)> =
            valued.iter().filter(|(c, _)| !heard.contains(&c.call_id)).copied().collect();
        (within(&open, minutes * (1.0 - share)), random.min(valued.len()))
    }

    /// Probabilities of a call, in the risk part or not.
    pub(super) fn inclusion(&self, top: bool, random: f64) -> Inclusion {
        match (top, self.hear) {
            (true, Hear::Whole) => Inclusion { flagged: 1.0, whole: 1.0 },
            (true, Hear::Clips) => Inclusion { flagged: 1.0, whole: random },
            (false, _) => Inclusion { flagged: random, whole: random },
        }
    }
}

/// How many of the calls worth most fit into so many minutes.
fn within(valued: &[(&FrameCall, Value)], minutes: f64) -> usize {
    let mut costs: Vec<(f64, f64)> = valued.iter().map(|(_, v)| (v.per_minute(), v.minutes)).collect();
    // Equal values by their cost, so that the sum does not hang on the order of the frame.
    costs.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let mut sum = 0.0;
    let fits = costs.iter().filter(|(worth, _)| *worth > 0.0).take_while(|(_, cost)| {
        sum += cost;
        sum <= minutes
    });
    fits.count()
}

/// A share of a number, rounded; at least one where there is any share of anything.
pub(super) fn part_of(n: usize, share: f64) -> usize {
    let share = positive(share).min(1.0);
    if share <= 0.0 || n == 0 { 0 } else { ((n as f64 * share).round() as usize).clamp(1, n) }
}

/// A number, or 0 for what is none or less than 0.
pub(super) fn positive(value: f64) -> f64 {
    if value.is_finite() && value > 0.0 { value } else { 0.0 }
}
