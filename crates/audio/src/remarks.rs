//! What a source learns of the sound beside the samples: marks, and where silence was put in.

use std::collections::BTreeSet;
use std::ops::Range;

use callsift_core::{AudioMark, TimeSpan};

/// Marks and gaps of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    marks: BTreeSet<AudioMark>,
    /// Frames of silence that stand for what is not there, in order, apart from each other.
    gaps: Vec<Range<u64>>,
}

impl Remarks {
    pub(crate) fn mark(&mut self, mark: AudioMark) {
        self.marks.insert(mark);
    }

    pub(crate) fn with(marks: impl IntoIterator<Item = AudioMark>) -> Self {
        Self { marks: marks.into_iter().collect(), gaps: Vec::new() }
    }

    /// Silence from one frame of the stream to another.
    pub(crate) fn gap(&mut self, frames: Range<u64>, mark: AudioMark) {
        self.mark(mark);
        match self.gaps.last_mut().filter(|last| last.end >= frames.start) {
            Some(last) => last.end = last.end.max(frames.end),
            None => self.gaps.push(frames),
        }
    }

    /// Marks in table order.
    pub(crate) fn marks(&self) -> Vec<AudioMark> {
        self.marks.iter().copied().collect()
    }

    /// Gaps in milliseconds at a rate in hertz.
    pub(crate) fn gaps_ms(&self, rate: u32) -> Vec<TimeSpan> {
        let ms = |frame: u64| (frame.saturating_mul(1000) / u64::from(rate.max(1))) as i64;
        self.gaps.iter().map(|gap| TimeSpan::new(ms(gap.start), ms(gap.end))).collect()
    }
}
