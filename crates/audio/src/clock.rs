//! Keeps the samples of a stream at the times that its packets carry.

/// Times that differ by no more than this from what was decoded are the rounding of containers, in milliseconds.
const TOLERANCE_MS: i64 = 100;
/// A jump from one packet to the next from which something is missing, in milliseconds: less is a clock that drifts.
const JUMP_MS: i64 = 60;

/// What a packet's time asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Frames of silence that belong before the packet.
    pub(crate) missing: u64,
    /// True where something was not recorded there; otherwise the recorder's clock drifts.
    pub(crate) is_gap: bool,
    /// The times go back.
    pub(crate) goes_back: bool,
}

/// Where a stream stands, in frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// Handed out.
    made: u64,
    /// Passed in the link, with what was trimmed and with silence put in.
    passed: i64,
    /// Time of the first packet of the link.
    first: Option<i64>,
    /// Where the packet before ended by its own time.
    expected: Option<i64>,
    longest_ms: u64,
}

impl Clock {
    /// Gaps longer than so many milliseconds are no gaps but another clock.
    pub(crate) fn new(longest_ms: u64) -> Self {
        Self { longest_ms, ..Self::default() }
    }

    /// Frames handed out so far.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Another recording begins, with times of its own.
    pub(crate) fn restart(&mut self) {
        (self.passed, self.first, self.expected) = (0, None, None);
    }

    /// A packet of time `time` (frames) comes next.
    pub(crate) fn at(&mut self, time: i64, rate: u32) -> Step {
        let ms = |ms: i64| ms * i64::from(rate) / 1000;
        let first = *self.first.get_or_insert(time.saturating_sub(self.passed));
        let ahead = time.saturating_sub(first).saturating_sub(self.passed);
        let jump = self.expected.map_or(0, |expected| time.saturating_sub(expected));
        self.expected = Some(time);
        let longest = i64::try_from(self.longest_ms).unwrap_or(i64::MAX / 1_000_000).min(i64::MAX / 1_000_000);
        if ahead > ms(longest) || ahead < -ms(TOLERANCE_MS) {
            self.first = Some(time.saturating_sub(self.passed));
            return Step { goes_back: ahead > 0 || jump < -ms(JUMP_MS), ..Step::default() };
        }
        if ahead <= ms(TOLERANCE_MS) {
            return Step::default();
        }
        self.passed += ahead;
        Step { missing: ahead as u64, is_gap: jump > ms(JUMP_MS), goes_back: false }
    }

    /// A packet stood for so many frames.
    pub(crate) fn pass(&mut self, frames: usize) {
        self.passed += frames as i64;
        self.expected = self.expected.map(|expected| expected.saturating_add(frames as i64));
    }

    /// So many frames were handed out.
    pub(crate) fn emit(&mut self, frames: usize) {
        self.made += frames as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Step};

    #[test]
    fn jumps_are_gaps_and_drift_is_made_good_without_a_word() {
        let mut clock = Clock::new(60_000);
        let mut step = |time: i64| {
            let step = clock.at(time, 1000);
            clock.pass(20);
            step
        };
        assert_eq!((step(500), step(521)), (Step::default(), Step::default()));
        assert_eq!(step(5_540), Step { missing: 5_000, is_gap: true, goes_back: false });
        // 0.2 s of drift in steps of 21 ms for packets of 20 ms.
        let steps: Vec<Step> = (1..200).map(|n| step(5_540 + 21 * n)).collect();
        assert_eq!(steps.iter().map(|s| s.missing).sum::<u64>(), 101);
        assert!(steps.iter().all(|s| !s.is_gap && !s.goes_back));
    }

    #[test]
    fn times_that_go_back_or_out_of_all_measure_begin_anew() {
        let mut clock = Clock::new(60_000);
        for (time, back) in
            [(0, false), (20, false), (-900, true), (-880, false), (9_000_000, true), (9_000_020, false)]
        {
            assert_eq!(clock.at(time, 1000), Step { goes_back: back, ..Step::default() }, "{time}");
            clock.pass(20);
        }
        assert_eq!(clock.at(i64::MIN, 1000).missing, 0);
        assert_eq!(clock.at(i64::MAX, 1000).missing, 0);
    }
}
