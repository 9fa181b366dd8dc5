//! Packing speech of one channel into windows, with bounded memory.
//!
//! Whisper pays for 30 s whatever the window holds, and calls are made of turns of half a second to three seconds;
//! so segments are joined with short silences and a table that leads back (see `WhisperX`, "cut and merge", and
//! faster-whisper's `SpeechTimestampsMap`).

use callsift_core::{SAMPLE_RATE, SpeechSegment};

use crate::{AsrOptions, Window};

/// Packs one channel; feed it samples and segments in order, take windows out.
pub struct Packer {
    channel: u16,
    max_ms: i64,
    gap_ms: i64,
    max_source_gap_ms: i64,
    /// Samples that a later segment may still need.
    held: Vec<f32>,
    /// Index of `held[0]` on the channel's clock.
    held_from: u64,
    open: Window,
}

impl Packer {
    /// A packer for one channel of one recording.
    pub fn new(channel: u16, options: &AsrOptions) -> Self {
        Self {
            channel,
            max_ms: options.max_window_ms.max(1000),
            gap_ms: options.gap_ms.max(0),
            max_source_gap_ms: options.max_source_gap_ms,
            held: Vec::new(),
            held_from: 0,
            open: Window::new(channel),
        }
    }

    /// Takes the next samples of the channel.
    pub fn push_samples(&mut self, samples: &[f32]) {
        self.held.extend_from_slice(samples);
    }

    /// Takes the next segment, whose samples must have been pushed; appends every window that is full.
    pub fn push_segment(&mut self, segment: SpeechSegment, out: &mut Vec<Window>) {
        let mut start_ms = segment.span.start_ms;
        while start_ms < segment.span.end_ms {
            // A segment longer than a window is cut; voice activity detection should not give one.
            let end_ms = segment.span.end_ms.min(start_ms + self.max_ms);
            self.add(start_ms, end_ms, out);
            start_ms = end_ms;
        }
    }

    /// Forgets samples before a time: no later segment will start there.
    pub fn release_before(&mut self, settled_ms: i64) {
        let settled = sample_at(settled_ms);
        let drop = (settled.saturating_sub(self.held_from) as usize).min(self.held.len());
        // Moving the rest costs; wait until it is worth it.
        if drop > self.held.len() / 2 {
            self.held.drain(..drop);
            self.held_from += drop as u64;
        }
    }

    /// Ends the channel: what is open becomes the last window.
    pub fn finish(&mut self, out: &mut Vec<Window>) {
        self.flush(out);
        self.held.clear();
        self.held_from = 0;
    }

    /// Samples held in memory: for tests of the bound.
    pub fn held_samples(&self) -> usize {
        self.held.len() + self.open.samples.len()
    }

    fn add(&mut self, start_ms: i64, end_ms: i64, out: &mut Vec<Window>) {
        let samples = self.slice(start_ms, end_ms);
        if samples.is_empty() {
            return;
        }
        let last_end = self.open.pieces.last().map(|p| p.source().end_ms);
        let too_long = self.open.len_ms() + self.gap_ms + (end_ms - start_ms) > self.max_ms;
        let too_far = last_end.is_some_and(|end| start_ms - end > self.max_source_gap_ms);
        if last_end.is_some() && (too_long || too_far) {
            self.flush(out);
        }
        self.open.append(&samples, start_ms, self.gap_ms);
    }

    fn slice(&self, start_ms: i64, end_ms: i64) -> Vec<f32> {
        let at = |ms: i64| (sample_at(ms).saturating_sub(self.held_from) as usize).min(self.held.len());
        self.held[at(start_ms)..at(end_ms).max(at(start_ms))].to_vec()
    }

    fn flush(&mut self, out: &mut Vec<Window>) {
        if !self.open.pieces.is_empty() {
            out.push(std::mem::replace(&mut self.open, Window::new(self.channel)));
        }
    }
}

fn sample_at(ms: i64) -> u64 {
    ms.max(0) as u64 * u64::from(SAMPLE_RATE) / 1000
}

#[cfg(test)]
mod tests {
    use callsift_core::{SpeechSegment, TimeSpan};
    use proptest::prelude::*;

    use super::Packer;
    use crate::{AsrOptions, Window};

    fn pack(segments: &[(i64, i64)], total_ms: i64, block: usize) -> (Vec<Window>, usize) {
        let options = AsrOptions { max_window_ms: 10_000, ..AsrOptions::default() };
        let mut packer = Packer::new(3, &options);
        // Each sample's value is its own millisecond, so that a mapped-back window proves itself.
        let samples: Vec<f32> = (0..total_ms as usize * 16).map(|i| (i / 16) as f32).collect();
        let (mut out, mut next, mut peak) = (Vec::new(), 0, 0);
        for chunk in samples.chunks(block.max(1)) {
            packer.push_samples(chunk);
            let now_ms = packer.held_from as i64 / 16 + packer.held.len() as i64 / 16;
            while next < segments.len() && segments[next].1 <= now_ms {
                let (start, end) = segments[next];
                packer.push_segment(SpeechSegment { channel: 3, span: TimeSpan::new(start, end) }, &mut out);
                next += 1;
            }
            let settled = segments.get(next).map_or(now_ms, |s| s.0.min(now_ms));
            packer.release_before(settled);
            peak = peak.max(packer.held_samples());
        }
        packer.finish(&mut out);
        (out, peak)
    }

    #[test]
    fn short_turns_share_a_window_and_lead_back() {
        let (windows, _) = pack(&[(0, 2000), (5000, 7000), (9000, 12_000), (13_000, 17_000)], 20_000, 1600);
        assert_eq!(windows.iter().map(|w| w.pieces.len()).collect::<Vec<_>>(), vec![3, 1]);
        let second = windows[0].pieces[1];
        assert_eq!(second.window, TimeSpan::new(2300, 4300));
        assert_eq!(second.to_source(2400), 5100);
        assert_eq!(windows[0].piece_at(2250), 1);
    }

    #[test]
    fn memory_does_not_grow_with_silence() {
        let (windows, peak) = pack(&[(100, 1500), (590_000, 592_000)], 600_000, 16_000);
        assert_eq!(windows.len(), 2);
        assert!(peak < 16_000 * 30, "held {peak} samples");
    }

    proptest! {
        #[test]
        fn every_sample_of_speech_is_packed_once_at_its_place(lens in prop::collection::vec((50i64..3000, 50i64..2500), 1..12), block in 1usize..5000) {
            let (mut at, mut segments) = (0, Vec::new());
            for (gap, len) in lens {
                segments.push((at + gap, at + gap + len));
                at += gap + len;
            }
            let (windows, _) = pack(&segments, at + 500, block);
            let pieces: Vec<(i64, i64)> = windows.iter().flat_map(|w| w.pieces.iter().map(|p| (p.source().start_ms, p.source().end_ms))).collect();
            prop_assert_eq!(pieces, segments);
            for w in &windows {
                prop_assert!(w.len_ms() <= 10_000);
                for p in &w.pieces {
                    prop_assert_eq!(w.samples[p.window.start_ms as usize * 16] as i64, p.source_start_ms);
                    prop_assert_eq!(w.samples[p.window.end_ms as usize * 16 - 1] as i64, p.source().end_ms - 1);
                }
            }
        }
    }
}
