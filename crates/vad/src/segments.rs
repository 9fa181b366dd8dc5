//! From probabilities of frames to segments: hysteresis, least lengths, splits, padding.

use callsift_core::{SpeechSegment, TimeSpan};

use crate::{FRAME_MS, VadError, VadOptions};

/// Shortest dip at which long speech is split, in frames: 96 ms (Silero: 98 ms).
const MIN_DIP_FRAMES: usize = 3;

/// State machine of one channel. Time is counted in frames inside.
#[derive(Debug, Clone)]
pub struct SegmentBuilder {
    options: VadOptions,
    /// Frames taken.
    now: i64,
    /// Speech that has begun and not ended.
    open: Option<Open>,
    /// The last speech found, whose padding at the end still depends on what follows.
    waiting: Option<Found>,
    /// End, in milliseconds, of the last segment handed out.
    handed_out_ms: i64,
}

#[derive(Debug, Clone)]
struct Open {
    start: i64,
    /// First frame of the silence that may end it.
    silent_from: Option<i64>,
    /// Probability of every frame since `start`; bounded by the longest speech.
    probabilities: Vec<f32>,
}

/// Speech without padding at its end, in frames; the start in milliseconds, padded.
#[derive(Debug, Clone, Copy)]
struct Found {
    start_ms: i64,
    end: i64,
}

impl SegmentBuilder {
    /// A machine at the start of a stream.
    pub fn new(options: VadOptions) -> Result<Self, VadError> {
        options.check()?;
        Ok(Self { options, now: 0, open: None, waiting: None, handed_out_ms: 0 })
    }

    /// Takes the next frame's probability and appends the segments that it makes final.
    pub fn push(&mut self, channel: u16, probability: f32, out: &mut Vec<SpeechSegment>) {
        let frame = self.now;
        self.now += 1;
        let begins = probability >= self.options.threshold;
        match &mut self.open {
            None if begins => {
                self.open = Some(Open { start: frame, silent_from: None, probabilities: vec![probability] });
            }
            None => {}
            Some(open) => {
                open.probabilities.push(probability);
                if begins {
                    open.silent_from = None;
                } else if probability < self.options.neg_threshold {
                    open.silent_from.get_or_insert(frame);
                }
            }
        }
        self.end_or_split(channel, out);
        self.release(channel, i64::MAX, out);
    }

    /// Ends the stream of so many milliseconds and appends what was open. The machine is ready for the next stream.
    pub fn finish(&mut self, channel: u16, total_ms: i64, out: &mut Vec<SpeechSegment>) {
        if let Some(open) = self.open.take() {
            let end = open.silent_from.unwrap_or(self.now);
            self.found(channel, open.start, end, out);
        }
        if let Some(found) = self.waiting.take() {
            let end_ms = (found.end * FRAME_MS + self.pad_ms()).min(total_ms);
            self.hand_out(channel, found.start_ms, end_ms, out);
        }
        (self.now, self.handed_out_ms) = (0, 0);
    }

    /// No segment that comes later starts before this time, in milliseconds: audio before it may be dropped.
    pub fn settled_ms(&self) -> i64 {
        let next = self.open.as_ref().map_or(self.now, |open| open.start);
        let padded = (next * FRAME_MS - self.pad_ms()).max(self.handed_out_ms);
        self.waiting.map_or(padded, |found| found.start_ms)
    }

    fn pad_ms(&self) -> i64 {
        self.options.pad_ms.into()
    }

    fn end_or_split(&mut self, channel: u16, out: &mut Vec<SpeechSegment>) {
        let Some(open) = &self.open else { return };
        let silence = open.silent_from.map_or(0, |from| self.now - from);
        if let Some(end) = open.silent_from
            && silence * FRAME_MS >= i64::from(self.options.min_silence_ms)
        {
            let start = open.start;
            self.open = None;
            self.found(channel, start, end, out);
        } else if (self.now - open.start) * FRAME_MS > i64::from(self.options.max_speech_ms) {
            self.split(channel, out);
        }
    }

    /// Cuts speech that is too long at its longest dip, or where it is least probable in its second half.
    fn split(&mut self, channel: u16, out: &mut Vec<SpeechSegment>) {
        let Some(mut open) = self.open.take() else { return };
        let (from, to) = dip(&open.probabilities, self.options.neg_threshold);
        let start = open.start;
        open.probabilities.drain(..to);
        open.start += to as i64;
        open.silent_from = open.silent_from.filter(|&silent| silent >= open.start);
        self.open = Some(open).filter(|open| !open.probabilities.is_empty());
        self.found(channel, start, start + from as i64, out);
    }

    /// Takes speech from frame `start` to `end`, if it is long enough.
    fn found(&mut self, channel: u16, start: i64, end: i64, out: &mut Vec<SpeechSegment>) {
        if (end - start) * FRAME_MS < i64::from(self.options.min_speech_ms) {
            return;
        }
        self.release(channel, start, out);
        let start_ms = (start * FRAME_MS - self.pad_ms()).max(self.handed_out_ms);
        self.waiting = Some(Found { start_ms, end });
    }

    /// Hands out what waits, if its end is certain: speech that follows starts at `next`, or lies so far off that the
    /// paddings cannot meet, or is long enough already to be kept.
    fn release(&mut self, channel: u16, next: i64, out: &mut Vec<SpeechSegment>) {
        let Some(found) = self.waiting else { return };
        let next = match &self.open {
            Some(open) if next == i64::MAX && self.is_kept(open) => open.start,
            _ => next,
        };
        // Nothing can begin before this frame any more.
        let horizon = next.min(self.open.as_ref().map_or(self.now, |open| open.start));
        let gap_ms = (horizon - found.end) * FRAME_MS;
        let pad = if gap_ms >= 2 * self.pad_ms() {
            self.pad_ms()
        } else if next < i64::MAX {
            gap_ms / 2
        } else {
            return;
        };
        self.waiting = None;
        self.hand_out(channel, found.start_ms, found.end * FRAME_MS + pad, out);
    }

    fn is_kept(&self, open: &Open) -> bool {
        let end = open.silent_from.unwrap_or(self.now);
        (end - open.start) * FRAME_MS >= i64::from(self.options.min_speech_ms)
    }

    fn hand_out(&mut self, channel: u16, start_ms: i64, end_ms: i64, out: &mut Vec<SpeechSegment>) {
        self.handed_out_ms = end_ms;
        out.push(SpeechSegment { channel, span: TimeSpan::new(start_ms, end_ms) });
    }
}

/// First frame of the best place to cut, and first frame after it.
fn dip(probabilities: &[f32], threshold: f32) -> (usize, usize) {
    let mut best = (0, 0);
    let mut from = 0;
    for at in 0..=probabilities.len() {
        if probabilities.get(at).is_none_or(|&p| p >= threshold) {
            // A dip at the very start or end leaves one side empty.
            if at - from > best.1 - best.0 && from > 0 && at < probabilities.len() {
                best = (from, at);
            }
            from = at + 1;
        }
    }
    if best.1 - best.0 >= MIN_DIP_FRAMES {
        return best;
    }
    let half = probabilities.len() / 2;
    let lowest = (half..probabilities.len()).min_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let cut = lowest.unwrap_or(half).max(1);
    (cut, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs frames given as runs of (frames, probability).
    fn segments(options: VadOptions, runs: &[(usize, f32)]) -> Vec<(i64, i64)> {
        let mut builder = SegmentBuilder::new(options).unwrap();
        let mut out = Vec::new();
        let mut settled = 0;
        let mut frames = 0;
        for &(count, probability) in runs {
            for _ in 0..count {
                let before = out.len();
                builder.push(0, probability, &mut out);
                frames += 1;
                assert!(out[before..].iter().all(|s| s.span.start_ms >= settled), "a segment before what was settled");
                assert!(builder.settled_ms() >= settled, "settled time never goes back");
                settled = builder.settled_ms();
            }
        }
        builder.finish(0, frames * FRAME_MS, &mut out);
        assert!(out.windows(2).all(|w| w[0].span.end_ms <= w[1].span.start_ms), "segments overlap: {out:?}");
        out.iter().map(|segment| (segment.span.start_ms, segment.span.end_ms)).collect()
    }

    fn plain() -> VadOptions {
        VadOptions { pad_ms: 0, ..VadOptions::default() }
    }

    #[test]
    fn speech_from_the_first_frame_to_the_last_is_one_segment() {
        assert_eq!(segments(VadOptions::default(), &[(100, 0.9)]), [(0, 3200)]);
        assert_eq!(segments(VadOptions::default(), &[(100, 0.1)]), []);
        assert_eq!(segments(VadOptions::default(), &[]), []);
    }

    #[test]
    fn hysteresis_bridges_weak_frames_and_short_pauses() {
        // Between the thresholds nothing begins and nothing ends.
        assert_eq!(segments(plain(), &[(10, 0.4), (10, 0.9), (30, 0.4), (10, 0.9), (20, 0.0)]), [(320, 1920)]);
        // A pause of 9 frames (288 ms) is bridged, one of 10 (320 ms) ends the segment.
        assert_eq!(segments(plain(), &[(10, 0.9), (9, 0.0), (10, 0.9)]), [(0, 928)]);
        assert_eq!(segments(plain(), &[(10, 0.9), (10, 0.0), (10, 0.9)]), [(0, 320), (640, 960)]);
    }

    #[test]
    fn clicks_are_dropped_wherever_they_lie() {
        assert_eq!(segments(plain(), &[(6, 0.9), (20, 0.0), (7, 0.9), (20, 0.0), (6, 0.9)]), [(832, 1056)]);
    }

    #[test]
    fn padding_stays_inside_the_recording_and_halves_the_gap() {
        let padded = VadOptions::default();
        assert_eq!(segments(padded, &[(3, 0.0), (10, 0.9), (2, 0.0)]), [(0, 480)]);
        assert_eq!(
            segments(padded, &[(20, 0.0), (10, 0.9), (11, 0.0), (10, 0.9), (20, 0.0)]),
            [(440, 1136), (1136, 1832)]
        );
        assert_eq!(
            segments(padded, &[(20, 0.0), (10, 0.9), (50, 0.0), (10, 0.9), (20, 0.0)]),
            [(440, 1160), (2360, 3080)]
        );
    }

    #[test]
    fn a_click_in_the_gap_takes_no_padding_away() {
        let runs = [(20, 0.0), (10, 0.9), (11, 0.0), (3, 0.9), (40, 0.0)];
        assert_eq!(segments(VadOptions::default(), &runs), [(440, 1160)]);
    }

    #[test]
    fn long_speech_is_split_at_its_longest_dip() {
        let options = VadOptions { max_speech_ms: 3_000, ..plain() };
        let got = segments(options, &[(20, 0.9), (3, 0.1), (20, 0.9), (6, 0.1), (60, 0.9)]);
        assert_eq!(got, [(0, 1376), (1568, 3488)]);
        assert!(segments(options, &[(400, 0.9)]).iter().all(|(start, end)| end - start <= 3_008));
        let total: i64 = segments(options, &[(400, 0.9)]).iter().map(|(start, end)| end - start).sum();
        assert_eq!(total, 400 * FRAME_MS, "a cut without a dip loses nothing");
    }

    #[test]
    fn silence_settles_as_it_passes_and_segments_come_soon() {
        let mut builder = SegmentBuilder::new(VadOptions::default()).unwrap();
        let mut out = Vec::new();
        for _ in 0..100 {
            builder.push(0, 0.0, &mut out);
        }
        assert_eq!(builder.settled_ms(), 3200 - 200);
        for _ in 0..20 {
            builder.push(0, 0.9, &mut out);
        }
        assert_eq!(builder.settled_ms(), 3000);
        for _ in 0..13 {
            builder.push(0, 0.0, &mut out);
        }
        assert_eq!(out.len(), 1, "final once twice the padding has passed");
        assert!(builder.settled_ms() >= out[0].span.end_ms);
    }
}
