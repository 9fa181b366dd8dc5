//! When each token was said: dynamic time warping over the cross-attention of the alignment heads.
//!
//! The method is that of OpenAI's timing.py: weights of each head are normalised over the tokens, smoothed by a median over
//! time, averaged over heads; the cheapest monotonic path through them gives each token its first frame.

use std::ops::Range;
use std::sync::Arc;

/// Frames of the median, as in the reference.
const MEDIAN: usize = 7;

/// Cross-attention of one step: heads × frames, each head's weights one after the other.
pub(super) type Attention = Arc<[f32]>;

/// First frame of each row and the end of the last, `rows + 1` values; each row is the attention of the step that wrote a
/// token. `frames` of each head's weights are used, those of the window's own sound.
pub(super) fn boundaries(rows: &[Attention], heads: usize, stride: usize, frames: usize) -> Vec<usize> {
    let (n, frames) = (rows.len(), frames.min(stride));
    if n == 0 || heads == 0 || frames == 0 {
        return vec![0; n + 1];
    }
    let mut cost = vec![0.0f32; n * frames];
    for head in 0..heads {
        let weights: Vec<f32> = rows.iter().flat_map(|row| part(row, head * stride..head * stride + frames)).collect();
        add_head(&weights, n, frames, &mut cost);
    }
    warp(&cost, n, frames)
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
        let mirrored = if i < 0 { -i } else if i > last { 2 * last - i } else { i };
        *slot = row[mirrored.clamp(0, last) as usize];
    }
    window.sort_unstable_by(f32::total_cmp);
    window[MEDIAN / 2]
}

/// The cheapest path from (first token, first frame) to (last token, last frame), in steps right, down or both.
fn warp(cost: &[f32], n: usize, frames: usize) -> Vec<usize> {
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
            2 if frame > 0 => frame -= 1,
            1 if token > 0 => token -= 1,
            0 if token > 0 && frame > 0 => (token, frame) = (token - 1, frame - 1),
            _ if frame > 0 => frame -= 1,
            _ => token -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attention, boundaries};

    #[test]
    fn tokens_get_the_frames_that_they_looked_at() {
        let (heads, frames) = (2, 40);
        let look = |from: usize, to: usize| -> Attention {
            (0..heads * frames).map(|i| if (from..to).contains(&(i % frames)) { 1.0 } else { 0.01 }).collect()
        };
        let rows = vec![look(0, 10), look(10, 22), look(22, 40)];
        assert_eq!(boundaries(&rows, heads, frames, frames), [0, 10, 22, 40]);
    }

    #[test]
    fn nothing_and_more_tokens_than_frames_are_no_trouble() {
        assert_eq!(boundaries(&[], 2, 10, 10), [0]);
        let row: Attention = vec![0.1; 6].into();
        let starts = boundaries(&vec![row; 9], 2, 3, 3);
        assert_eq!(starts.len(), 10);
        assert!(starts.is_sorted() && starts[9] == 3);
    }
}
