//! A rate with what it rests on.

use serde::{Deserialize, Serialize};

use super::interval::{Interval, Misses, ONE_SIDED, TWO_SIDED, Target, effective, span};
use super::parts::Parts;

/// A share of calls, 0 to 1, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Calls that the rate speaks of.
    pub calls: usize,
    /// Calls of them that a person judged.
    pub n: usize,
    /// Size of the simple random sample that would tell as much; `None` where all calls were judged or nothing can be said.
    pub n_effective: Option<f64>,
    /// The estimate; `None` where there are no calls, or a part of them that nobody heard.
    pub estimate: Option<f64>,
    /// 95 % interval; 0 to 1 where nothing is known.
    pub interval: Interval,
}

impl Rate {
    /// The rate of violations of a group of calls.
    pub fn of(parts: &Parts, target: Target) -> Self {
        Self {
            calls: parts.size(),
            n: parts.n(),
            n_effective: effective(parts, target).filter(|n| n.is_finite()),
            estimate: parts.share(),
            interval: share_interval(parts, target, TWO_SIDED),
        }
    }

    /// Upper limit of the share of calls with a violation, right with 95 % (one-sided).
    pub fn upper_bound(parts: &Parts, target: Target) -> f64 {
        share_interval(parts, target, ONE_SIDED).high
    }
}

/// Interval of a share.
fn share_interval(parts: &Parts, target: Target, misses: Misses) -> Interval {
    let size = parts.size() as f64;
    span(parts, target, misses).map_or(Interval::ANY, |s| {
        let (low, high) = match target {
            // So many calls of the frame: a whole number.
            Target::Frame => ((s.low - 1e-9).ceil(), (s.high + 1e-9).floor()),
            Target::Habit => (s.low, s.high),
        };
        Interval { low: (low.min(s.at) / size).clamp(0.0, 1.0), high: (high.max(s.at) / size).clamp(0.0, 1.0) }
    })
}
