//! Time as integer milliseconds.

use serde::{Deserialize, Serialize};

/// A half-open span `[start_ms, end_ms)` on the recording's own clock, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TimeSpan {
    /// First millisecond inside the span.
    pub start_ms: i64,
    /// First millisecond after the span; never before `start_ms`.
    pub end_ms: i64,
}

impl TimeSpan {
    /// Makes a span; an end before the start is moved up to the start, so that a length is never negative.
    pub fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms: end_ms.max(start_ms) }
    }

    /// Length in milliseconds.
    pub fn len_ms(self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// True where the span holds no time at all.
    pub fn is_empty(self) -> bool {
        self.len_ms() == 0
    }

    /// Milliseconds that both spans share; 0 where they do not touch.
    pub fn overlap_ms(self, other: Self) -> i64 {
        (self.end_ms.min(other.end_ms) - self.start_ms.max(other.start_ms)).max(0)
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { start_ms: self.start_ms.min(other.start_ms), end_ms: self.end_ms.max(other.end_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::TimeSpan;

    #[test]
    fn overlap_counts_shared_time_only() {
        let a = TimeSpan::new(0, 1000);
        assert_eq!(a.overlap_ms(TimeSpan::new(400, 2000)), 600);
        assert_eq!(a.overlap_ms(TimeSpan::new(1000, 2000)), 0);
        assert_eq!(a.union(TimeSpan::new(1500, 2000)), TimeSpan::new(0, 2000));
    }

    #[test]
    fn a_span_never_has_negative_length() {
        assert!(TimeSpan::new(10, 5).is_empty());
    }
}
