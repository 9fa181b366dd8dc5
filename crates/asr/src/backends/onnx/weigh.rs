//! How likely given texts are, given what was heard: the decoder reads each of them instead of writing (teacher forcing).

use super::sessions::{Heard, Sessions, Tokens};
use crate::AsrError;

/// Rows that are read together: their logits take 0.2 MB a token with whisper's vocabulary.
const ROWS: usize = 8;

/// Texts as tokens.
pub(super) struct Readings<'a> {
    /// Tokens before each text.
    pub head: &'a [u32],
    /// The texts.
    pub rows: &'a [Vec<u32>],
    /// The token that ends each.
    pub end: u32,
}

/// Log-probability of each text with its end, natural logarithm; time marks count as no alternative.
pub(super) fn weigh(sessions: &mut Sessions, heard: &Heard, readings: &Readings<'_>) -> Result<Vec<f64>, AsrError> {
    let mut all = Vec::with_capacity(readings.rows.len());
    for rows in readings.rows.chunks(ROWS) {
        all.extend(chunk(sessions, heard, readings, rows)?);
    }
    Ok(all)
}

fn chunk(
    sessions: &mut Sessions,
    heard: &Heard,
    readings: &Readings<'_>,
    rows: &[Vec<u32>],
) -> Result<Vec<f64>, AsrError> {
    let width = readings.head.len() + rows.iter().map(Vec::len).max().unwrap_or(0);
    let (mut ids, mut take, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (row, text) in rows.iter().enumerate() {
        let given = readings.head.iter().chain(text).copied();
        ids.extend(given.chain(std::iter::repeat(readings.end)).take(width).map(i64::from));
        // What follows the last token of the head is the first of the text.
        let first = row * width + readings.head.len() - 1;
        take.extend((first..=first + text.len()).map(|at| at as i64));
        wanted.extend(text.iter().copied().chain([readings.end]).map(|token| (row, token)));
    }
    let past = sessions.no_past(rows.len())?;
    let step = sessions.step(heard, &past, &Tokens { ids: &ids, rows: rows.len(), take: &take })?;
    let mut sums = vec![0.0; rows.len()];
    for (i, (row, token)) in wanted.into_iter().enumerate() {
        sums[row] += f64::from(step.row(i)?.logprob(token));
    }
    Ok(sums)
}
