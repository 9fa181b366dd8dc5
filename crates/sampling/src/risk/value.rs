//! What a call is expected to be worth, and what it costs to hear.

use std::collections::BTreeMap;

use callsift_core::{Severity, TimeSpan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::options::{Hear, RiskPlan, positive};
use crate::frame::FrameCall;

/// A place that a rule flagged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// Rule.
    pub rule_id: String,
    /// How grave it is.
    pub severity: Severity,
    /// Length of the place in milliseconds; 0 for an absence, which has no place: the whole call is heard for it.
    pub clip_ms: i64,
}

impl Flag {
    /// A flag at a place, or of an absence. A severity that is none counts as the least.
    pub fn new(rule_id: &str, severity: &str, place: Option<TimeSpan>) -> Self {
        Self {
            rule_id: rule_id.to_owned(),
            severity: Severity::parse(severity).unwrap_or(Severity::Minor),
            clip_ms: place.map_or(0, |span| (span.end_ms - span.start_ms).max(1)),
        }
    }
}

/// What reviewers said of a rule's hits so far.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleRecord {
    /// Rule.
    pub rule_id: String,
    /// Calls with a hit that was a violation.
    pub confirmed: u64,
    /// Calls whose hits were none.
    pub rejected: u64,
}

/// All that a queue looks at besides plan, seed and frame.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    flags: &'a BTreeMap<String, Vec<Flag>>,
    records: BTreeMap<&'a str, (u64, u64)>,
}

impl<'a> Evidence<'a> {
    /// Flags by call, and records; records of the same rule add up.
    pub fn new(flags: &'a BTreeMap<String, Vec<Flag>>, records: &'a [RuleRecord]) -> Self {
        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for record in records {
            let (confirmed, rejected) = sums.entry(&record.rule_id).or_default();
            *confirmed = confirmed.saturating_add(record.confirmed);
            *rejected = rejected.saturating_add(record.rejected);
        }
        Self { flags, records: sums }
    }

    /// SHA-256 over flags, sorted by call, and records, sorted by rule, one line each.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (call, flags) in self.flags {
            let mut flags: Vec<&Flag> = flags.iter().collect();
            flags.sort();
            for f in flags {
                hasher.update(format!("{call}\t{}\t{}\t{}\n", f.rule_id, f.severity.as_str(), f.clip_ms));
            }
        }
        for (rule, (confirmed, rejected)) in &self.records {
            hasher.update(format!("{rule}\t{confirmed}\t{rejected}\n"));
        }
        callsift_core::hex(&hasher.finalize())
    }

    fn of(&self, call_id: &str) -> &'a [Flag] {
        self.flags.get(call_id).map_or(&[], Vec::as_slice)
    }

    /// Chance that a hit of a rule is confirmed: posterior mean of a beta prior worth `prior_strength` reviews.
    pub fn precision(&self, plan: &RiskPlan, rule_id: &str) -> f64 {
        let prior = plan.priors.get(rule_id).copied().unwrap_or(plan.prior_precision);
        let (prior, strength) = (positive(prior).min(1.0), positive(plan.prior_strength));
        let (confirmed, rejected) = self.records.get(rule_id).copied().unwrap_or_default();
        let (confirmed, all) = (confirmed as f64, confirmed as f64 + rejected as f64);
        if strength + all > 0.0 { (prior * strength + confirmed) / (strength + all) } else { prior }
    }
}

/// What a call is worth and costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Flagged places.
    pub flags: usize,
    /// Violations that a person is expected to confirm: rules, each once.
    pub expected: f64,
    /// The same, weighted by severity.
    pub worth: f64,
    /// Minutes to hear it as the plan's risk part is heard.
    pub minutes: f64,
    /// Minutes to hear it whole.
    pub whole_minutes: f64,
}

impl Value {
    /// Worth per minute; 0 where nothing is flagged.
    pub fn per_minute(&self) -> f64 {
        // A call of no length and no overhead costs at least a second, or it would be worth any price.
        if self.worth > 0.0 { self.worth / self.minutes.max(1.0 / 60.0) } else { 0.0 }
    }
}

/// Value of a call of the frame.
pub fn value(plan: &RiskPlan, call: &FrameCall, evidence: &Evidence<'_>) -> Value {
    value_of(plan, call.duration_ms, evidence.of(&call.call_id), evidence)
}

/// Value of a call of this length with these flags; of the evidence only the records are looked at.
pub fn value_of(plan: &RiskPlan, duration_ms: i64, flags: &[Flag], evidence: &Evidence<'_>) -> Value {
    // A person judges a rule once in a call, however many places it flags.
    let mut rules: BTreeMap<&str, Severity> = BTreeMap::new();
    for flag in flags {
        let worst = rules.entry(&flag.rule_id).or_insert(flag.severity);
        *worst = flag.severity.max(*worst);
    }
    let chances = rules.iter().map(|(rule, severity)| (evidence.precision(plan, rule), plan.weights.of(*severity)));
    let (expected, worth) = chances.fold((0.0, 0.0), |(e, w), (p, weight)| (e + p, w + p * weight));
    let whole = duration_ms.max(0) as f64;
    let clips: f64 = flags.iter().map(|f| f.clip_ms.max(0) as f64 + plan.lead_in_ms.max(0) as f64).sum();
    let by_clips = plan.hear == Hear::Clips && !flags.is_empty() && flags.iter().all(|f| f.clip_ms > 0);
    // Clips that overlap are not heard twice: never more than the whole call.
    let heard = if by_clips { if whole > 0.0 { clips.min(whole) } else { clips } } else { whole };
    let minutes = |ms: f64| (ms + plan.overhead_ms.max(0) as f64) / 60_000.0;
    Value { flags: flags.len(), expected, worth, minutes: minutes(heard), whole_minutes: minutes(whole) }
}
