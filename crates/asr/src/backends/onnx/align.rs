//! When each token was said: dynamic time warping over the cross-attention of the alignment heads.
//!
//! The method is that of OpenAI's timing.py: weights of each head are normalised over the tokens, smoothed by a median
//! over time, averaged over heads; the cheapest monotonic path through them gives each token its first frame. Here a
//! window is packed from segments of speech with silence between, so each token first gets its segment, by where the
//! heads looked most and in the order of the segments; the path is then sought inside each segment, and no token
//! leaves it.

use std::ops::Range;
use std::sync::Arc;

/// Frames of the median, as in the reference.
const MEDIAN: usize = 7;
/// Least share of attention that a segment counts with, so that one stray token cannot forbid the right order.
const LEAST_SHARE: f32 = 0.02;
/// Natural logarithm by which going on to another segment is less likely where the text has no time mark there.
const UNMARKED: f32 = 2.0;

/// Cross-attention of one step: heads × frames, each head's weights one after the other.
pub(super) type Attention = Arc<[f32]>;

/// Attention of the tokens of one window.
pub(super) struct Alignment<'a> {
    /// One per text token: the attention of the step that wrote it.
    pub rows: &'a [Attention],
    /// True where a time mark stands before the token.
    pub marked: &'a [bool],
    pub heads: usize,
    /// Frames of each head's weights, all of the window's own sound.
    pub frames: usize,
}

impl Alignment<'_> {
    /// Frames of each token, inside the segment where it was said; `segments` are frames in order, without overlap.
    pub(super) fn spans(&self, segments: &[Range<usize>]) -> Vec<Range<usize>> {
        let (n, frames) = (self.rows.len(), self.frames);
        if n == 0 || self.heads == 0 || frames == 0 || segments.is_empty() {
            return vec![0..0; n];
        }
        let mut cost = vec![0.0f32; n * frames];
        let mut mean = vec![0.0f32; n * frames];
        for head in 0..self.heads {
            let weights: Vec<f32> =
                self.rows.iter().flat_map(|row| part(row, head * frames..(head + 1) * frames)).collect();
            mean.iter_mut().zip(&weights).for_each(|(m, w)| *m += w / self.heads as f32);
            add_head(&weights, n, frames, &mut cost);
        }
        let home = self.homes(&mean, segments);
        let mut spans = Vec::with_capacity(n);
        for group in home.chunk_by(|a, b| a == b) {
            let first = spans.len();
            let segment = segments[group[0]].start.min(frames)..segments[group[0]].end.min(frames);
            let rows = cost[first * frames..(first + group.len()) * frames].chunks(frames);
            let inside: Vec<f32> = rows.flat_map(|row| row[segment.clone()].to_vec()).collect();
            let starts = warp(&inside, group.len(), segment.len());
            spans.extend(starts.windows(2).map(|w| segment.start + w[0]..segment.start + w[1]));
        }
        spans
    }

    /// The segment of each token: the likeliest assignment that never goes back.
    fn homes(&self, mean: &[f32], segments: &[Range<usize>]) -> Vec<usize> {
        let any_mark = self.marked.iter().skip(1).any(|m| *m);
        let (mut best, mut from) = (vec![0.0f32; segments.len()], Vec::new());
        for (token, row) in mean.chunks(self.frames).enumerate() {
            let mass = |s: &Range<usize>| -> f32 { row.get(s.clone()).unwrap_or(&[]).iter().sum() };
            let masses: Vec<f32> = segments.iter().map(mass).collect();
            let total = masses.iter().sum::<f32>().max(1e-9);
            let marked = token == 0 || !any_mark || self.marked.get(token) == Some(&true);
            let step = if marked { 0.0 } else { -UNMARKED };
            let mut came = Vec::with_capacity(segments.len());
            let mut now = Vec::with_capacity(segments.len());
            for (at, mass) in masses.iter().enumerate() {
                let cost = |q: usize| best[q] + if q == at { 0.0 } else { step };
                let before = (0..=at).rev().reduce(|b, q| if cost(q) > cost(b) { q } else { b }).unwrap_or(at);
                now.push(cost(before) + (mass / total).max(LEAST_SHARE).ln());
                came.push(before);
            }
            best = now;
            from.push(came);
        }
        let mut at = (0..best.len()).reduce(|b, p| if best[p] > best[b] { p } else { b }).unwrap_or(0);
        let mut homes = vec![0; from.len()];
        for (home, came) in homes.iter_mut().zip(&from).rev() {
            *home = at;
            at = came[at];
        }
        homes
    }
}

/// One head's weights of a row, made to sum to 1 over the frames that count.
fn part(row: &Attention, range: Range<usize>) -> Vec<f32> {
    let len = range.len();
    let weights = row.get(range).unwrap_or(&[]);
    let sum: f32 = weights.iter().sum::<f32>().max(1e-12);
    let mut out: Vec<f32> = weights.iter().map(|w| w / sum).collect();
    out.resize(len, 0.0);
    out
}

/// Subtracts a head's normalised, smoothed weights from the cost of each (token, frame).
fn add_head(weights: &[f32], n: usize, frames: usize, cost: &mut [f32]) {
    let mut normal = weights.to_vec();
    for frame in 0..frames {
        let column = |t: usize| weights[t * frames + frame];
        let mean = (0..n).map(column).sum::<f32>() / n as f32;
        let variance = (0..n).map(|t| (column(t) - mean).powi(2)).sum::<f32>() / n as f32;
        let deviation = variance.sqrt().max(1e-8);
        (0..n).for_each(|t| normal[t * frames + frame] = (column(t) - mean) / deviation);
    }
    for (row, cost) in normal.chunks(frames).zip(cost.chunks_mut(frames)) {
        for (frame, cost) in cost.iter_mut().enumerate() {
            *cost -= median(row, frame);
        }
    }
}

/// Median of the frames around one; mirrored at the ends.
fn median(row: &[f32], at: usize) -> f32 {
    let (half, last) = ((MEDIAN / 2) as isize, row.len() as isize - 1);
    let mut window = [0.0f32; MEDIAN];
    for (slot, offset) in window.iter_mut().zip(-half..=half) {
        let i = at as isize + offset;
        let mirrored = if i < 0 {
            -i
        } else if i > last {
            2 * last - i
        } else {
            i
        };
        *slot = row[mirrored.clamp(0, last) as usize];
    }
    window.sort_unstable_by(f32::total_cmp);
    window[MEDIAN / 2]
}

/// The cheapest path from (first token, first frame) to (last token, last frame), in steps right, down or both.
fn warp(cost: &[f32], n: usize, frames: usize) -> Vec<usize> {
    if frames == 0 {
        return vec![0; n + 1];
    }
    let mut before = vec![f32::INFINITY; frames + 1];
    before[0] = 0.0;
    // 0: both, 1: next token in the same frame, 2: next frame of the same token.
    let mut steps = vec![0u8; n * frames];
    for token in 0..n {
        let mut now = vec![f32::INFINITY; frames + 1];
        for frame in 0..frames {
            let (both, down, right) = (before[frame], before[frame + 1], now[frame]);
            let (best, step) = if both < down && both < right {
                (both, 0)
            } else if down < both && down < right {
                (down, 1)
            } else {
                (right, 2)
            };
            now[frame + 1] = best + cost[token * frames + frame];
            steps[token * frames + frame] = step;
        }
        before = now;
    }
    let mut starts = vec![0; n + 1];
    starts[n] = frames;
    let (mut token, mut frame) = (n - 1, frames - 1);
    loop {
        starts[token] = frame;
        match steps[token * frames + frame] {
            _ if token == 0 && frame == 0 => return starts,
            0 if token > 0 && frame > 0 => (token, frame) = (token - 1, frame - 1),
            1 if token > 0 => token -= 1,
            _ if frame > 0 => frame -= 1,
            _ => token -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alignment, Attention};

    const HEADS: usize = 2;
    const FRAMES: usize = 60;
    /// One segment.
    const WHOLE: [std::ops::Range<usize>; 1] = [0..FRAMES; 1];

    fn look(from: usize, to: usize) -> Attention {
        (0..HEADS * FRAMES).map(|i| if (from..to).contains(&(i % FRAMES)) { 1.0 } else { 0.01 }).collect()
    }

    fn spans(rows: &[Attention], segments: &[std::ops::Range<usize>]) -> Vec<std::ops::Range<usize>> {
        let marked = vec![false; rows.len()];
        Alignment { rows, marked: &marked, heads: HEADS, frames: FRAMES }.spans(segments)
    }

    #[test]
    fn tokens_get_the_frames_that_they_looked_at() {
        let rows = [look(0, 10), look(10, 22), look(22, 60)];
        assert_eq!(spans(&rows, &WHOLE), [0..10, 10..22, 22..60]);
    }

    #[test]
    fn no_token_leaves_its_segment() {
        // The second looks a little ahead over the silence; the third looks back.
        let rows = [look(0, 10), look(12, 24), look(18, 44), look(45, 60)];
        let found = spans(&rows, &[0..20, 30..60]);
        assert!(found[..2].iter().all(|s| s.end <= 20) && found[2..].iter().all(|s| s.start >= 30), "{found:?}");
    }

    #[test]
    fn nothing_and_more_tokens_than_frames_are_no_trouble() {
        assert!(spans(&[], &WHOLE).is_empty());
        let found = spans(&vec![look(0, 60); 90], &[0..3, 5..5]);
        assert!(found.len() == 90 && found.windows(2).all(|w| w[0].start <= w[1].start));
    }
}
