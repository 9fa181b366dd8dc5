//! From what was heard to tokens: all windows of a batch at once, greedy or with a beam.

use super::align::Attention;
use super::rules::TokenRules;
use super::sessions::{Heard, Sessions, Step, Tokens};
use crate::AsrError;

/// Longest repeated run of tokens that counts as a loop, and how often it must come.
const LOOP_TOKENS: usize = 24;
const LOOP_TIMES: usize = 5;

/// One way to write down a window.
#[derive(Debug, Clone, Default)]
pub(super) struct Hypothesis {
    pub tokens: Vec<u32>,
    /// Log-probability of each token.
    pub logprobs: Vec<f32>,
    /// Attention of the step that wrote each token; one more where the end was written.
    pub attention: Vec<Attention>,
    /// The text was stopped: by the limit, or because it went round in circles.
    pub cut_off: bool,
    sum: f64,
}

impl Hypothesis {
    /// Mean log-probability, by which finished ones are compared.
    fn score(&self) -> f64 {
        self.sum / self.tokens.len().max(1) as f64
    }
}

/// One window of the batch while it is being written down.
struct Slot {
    /// Place among the windows that were given.
    window: usize,
    frames: usize,
    live: Vec<Hypothesis>,
    finished: Vec<Hypothesis>,
}

/// What to look for.
pub(super) struct Search<'a> {
    pub rules: &'a TokenRules,
    /// Tokens before the first that is written.
    pub prefix: &'a [u32],
    pub end: u32,
    /// Most tokens to write.
    pub limit: usize,
    /// Hypotheses per window; 1: greedy.
    pub width: usize,
}

/// A way on from one hypothesis.
struct Candidate {
    from: usize,
    token: u32,
    logprob: f32,
    sum: f64,
}

impl Search<'_> {
    /// The best hypothesis of each window; `frames` says how many of each window's positions hold its own sound.
    pub(super) fn run(
        &self,
        sessions: &mut Sessions,
        mut heard: Heard,
        frames: &[usize],
    ) -> Result<Vec<Hypothesis>, AsrError> {
        let slot = |(window, frames): (usize, &usize)| Slot {
            window,
            frames: *frames,
            live: vec![Hypothesis::default()],
            finished: Vec::new(),
        };
        let mut slots: Vec<Slot> = frames.iter().enumerate().map(slot).collect();
        let mut results = vec![Hypothesis::default(); frames.len()];
        let mut step = self.first(sessions, &heard, slots.len())?;
        let (mut rows, mut last) = (1, self.prefix.len() - 1);
        for written in 1.. {
            let mut sources = Vec::new();
            for (place, slot) in slots.iter_mut().enumerate() {
                let origins = self.extend(slot, &step, place, rows, last)?;
                sources.extend(origins.into_iter().map(|from| place * rows + from));
            }
            if written >= self.limit {
                slots.iter_mut().for_each(Slot::cut);
            }
            let dead = slots.iter().filter(|s| self.is_done(s)).count();
            if dead == slots.len() {
                break;
            }
            rows = self.width;
            if 2 * dead >= slots.len() {
                let kept: Vec<usize> = (0..slots.len()).filter(|i| !self.is_done(&slots[*i])).collect();
                heard = heard.keep(&kept)?;
                sources = kept.iter().flat_map(|p| sources[p * rows..(p + 1) * rows].to_vec()).collect();
                let (done, open): (Vec<Slot>, Vec<Slot>) = slots.into_iter().partition(|s| self.is_done(s));
                for slot in done {
                    slot.settle(&mut results);
                }
                slots = open;
            }
            let unchanged = sources.iter().copied().eq(0..step.past.rows());
            let past = if unchanged { step.past } else { step.past.reorder(&sources)? };
            let ids: Vec<i64> = slots.iter().flat_map(|s| self.next_tokens(s)).collect();
            let take: Vec<i64> = (0..ids.len() as i64).collect();
            step = sessions.step(&heard, &past, &Tokens { ids: &ids, rows: ids.len(), take: &take })?;
            last = 0;
        }
        for slot in slots {
            slot.settle(&mut results);
        }
        Ok(results)
    }

    /// The prefix, once for each window.
    fn first(&self, sessions: &mut Sessions, heard: &Heard, windows: usize) -> Result<Step, AsrError> {
        let n = self.prefix.len();
        let ids: Vec<i64> = (0..windows).flat_map(|_| self.prefix.iter().map(|t| i64::from(*t))).collect();
        let take: Vec<i64> = (1..=windows).map(|w| (w * n) as i64 - 1).collect();
        let past = sessions.no_past(windows)?;
        sessions.step(heard, &past, &Tokens { ids: &ids, rows: windows, take: &take })
    }

    /// One token more for a window; gives the row of each of its next `width` rows.
    fn extend(
        &self,
        slot: &mut Slot,
        step: &Step,
        place: usize,
        rows: usize,
        last: usize,
    ) -> Result<Vec<usize>, AsrError> {
        if self.is_done(slot) {
            return Ok(vec![0; self.width]);
        }
        let mut candidates = Vec::new();
        for (from, hypothesis) in slot.live.iter().enumerate() {
            let count = if self.width == 1 { 1 } else { self.width + 1 };
            for (token, logprob) in self.rules.best(step.row(place * rows + from)?, &hypothesis.tokens, count) {
                candidates.push(Candidate { from, token, logprob, sum: hypothesis.sum + f64::from(logprob) });
            }
        }
        candidates.sort_by(|a, b| b.sum.total_cmp(&a.sum).then(a.from.cmp(&b.from)).then(a.token.cmp(&b.token)));
        let (mut next, mut origins) = (Vec::new(), Vec::new());
        for c in candidates {
            if next.len() >= self.width {
                break;
            }
            // `last` places of the prefix come before the one that counts; there a window has one row.
            let tokens = last + 1;
            let attention = step.attention(place, c.from * tokens + last, slot.frames)?;
            let mut hypothesis = slot.live[c.from].clone();
            hypothesis.sum = c.sum;
            hypothesis.attention.push(attention.into());
            if c.token == self.end {
                slot.finished.push(hypothesis);
                continue;
            }
            hypothesis.tokens.push(c.token);
            hypothesis.logprobs.push(c.logprob);
            if loops(&hypothesis.tokens) {
                hypothesis.cut_off = true;
                slot.finished.push(hypothesis);
                continue;
            }
            origins.push(c.from);
            next.push(hypothesis);
        }
        slot.live = next;
        origins.resize(self.width, 0);
        Ok(origins)
    }

    fn is_done(&self, slot: &Slot) -> bool {
        slot.live.is_empty() || slot.finished.len() >= self.width
    }

    /// The last token of each row of a window; rows that are not needed repeat the first.
    fn next_tokens(&self, slot: &Slot) -> Vec<i64> {
        let token = |h: Option<&Hypothesis>| i64::from(h.and_then(|h| h.tokens.last().copied()).unwrap_or(self.end));
        (0..self.width).map(|i| token(slot.live.get(i).or(slot.live.first()))).collect()
    }
}

impl Slot {
    fn cut(&mut self) {
        let live = std::mem::take(&mut self.live);
        self.finished.extend(live.into_iter().map(|h| Hypothesis { cut_off: true, ..h }));
    }

    fn settle(self, results: &mut [Hypothesis]) {
        let window = self.window;
        results[window] = self.best();
    }

    /// The most probable that came to its own end; where none did, of those that were stopped.
    fn best(self) -> Hypothesis {
        let all = self.finished.into_iter().chain(self.live.into_iter().map(|h| Hypothesis { cut_off: true, ..h }));
        all.reduce(|best, h| {
            let better = (!h.cut_off, h.score()) > (!best.cut_off, best.score());
            if better { h } else { best }
        })
        .unwrap_or_default()
    }
}

/// True where the text ends with the same run of tokens several times over.
fn loops(tokens: &[u32]) -> bool {
    (1..=LOOP_TOKENS).any(|n| {
        let times = if n == 1 { 2 * LOOP_TIMES } else { LOOP_TIMES };
        tokens.len() >= n * times && tokens[tokens.len() - n * times..].windows(n + 1).all(|w| w[0] == w[n])
    })
}

#[cfg(test)]
mod tests {
    use super::loops;

    #[test]
    fn runs_that_come_again_and_again_are_loops() {
        assert!(loops(&[9, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]));
        assert!(!loops(&[1, 2, 1, 2, 1, 2, 1, 2, 3]));
        assert!(!loops(&[7; 9]), "对对对 is said");
        assert!(loops(&[7; 10]));
    }
}
