//! Whisper's own rules for the next token (`ApplyTimestampRules` and `SuppressBlank` in OpenAI's decoding.py).

use std::ops::Range;

use callsift_whisper::vocabulary::Special;

/// Latest first time mark, in steps of 20 ms: 1 s, as in OpenAI's options.
const MAX_INITIAL: u32 = 50;

/// One row of the decoder's output.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Logits of the whole vocabulary.
    pub logits: &'a [f32],
    /// Log of the summed exponentials of text tokens and the end token.
    pub text_lse: f32,
    /// The same of all time tokens.
    pub time_lse: f32,
}

impl Row<'_> {
    /// Log-probability of a token among text tokens and the end.
    pub(super) fn logprob(&self, token: u32) -> f32 {
        self.logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY) - self.text_lse
    }
}

/// What may follow.
struct Allowed {
    text: bool,
    end: bool,
    times: Range<u32>,
}

/// Rules of one vocabulary.
pub(super) struct TokenRules {
    end: u32,
    time: Range<u32>,
}

impl TokenRules {
    pub(super) fn new(special: &Special, n_vocab: usize) -> Self {
        Self { end: special.end_of_text, time: special.time_begin..(n_vocab as u32).max(special.time_begin) }
    }

    pub(super) fn is_time(&self, token: u32) -> bool {
        self.time.contains(&token)
    }

    pub(super) fn is_text(&self, token: u32) -> bool {
        token < self.end
    }

    /// Milliseconds of a time token.
    pub(super) fn time_ms(&self, token: u32) -> i64 {
        i64::from(token.saturating_sub(self.time.start)) * 20
    }

    fn allowed(&self, written: &[u32]) -> Allowed {
        let Some(last) = written.last() else {
            let latest = self.time.start.saturating_add(MAX_INITIAL + 1).min(self.time.end);
            return Allowed { text: false, end: false, times: self.time.start..latest };
        };
        let after_time = self.is_time(*last);
        // The first mark counts as the second of a pair: text must follow.
        let paired = after_time && written.len().checked_sub(2).is_none_or(|i| self.is_time(written[i]));
        let latest = written.iter().rev().find(|t| self.is_time(**t)).copied();
        let floor = latest.map_or(self.time.start, |t| if after_time && !paired { t } else { t + 1 });
        Allowed {
            text: !after_time || paired,
            end: true,
            times: if paired { 0..0 } else { floor.min(self.time.end)..self.time.end },
        }
    }

    /// The best tokens that may follow, each with its log-probability among all that may; at most `count`, best first.
    pub(super) fn best(&self, row: Row<'_>, written: &[u32], count: usize) -> Vec<(u32, f32)> {
        let allowed = self.allowed(written);
        let slice = |r: &Range<u32>| row.logits.get(r.start as usize..r.end as usize).unwrap_or(&[]);
        let text = 0..self.end;
        let end_logit = row.logits.get(self.end as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let text_lse = match (allowed.text, allowed.end) {
            (true, _) => row.text_lse,
            (false, true) => end_logit,
            (false, false) => f32::NEG_INFINITY,
        };
        let time_lse = if allowed.times == self.time { row.time_lse } else { log_sum_exp(slice(&allowed.times)) };
        let mut best = Best::new(count);
        best.add(slice(&allowed.times), allowed.times.start);
        let most_text = if allowed.text { slice(&text).iter().fold(end_logit, |m, x| m.max(*x)) } else { end_logit };
        // Where time tokens together are likelier than any single other, a time token it is.
        let times_only = (!allowed.text && !allowed.end) || time_lse > most_text;
        let mut total = time_lse;
        if !times_only {
            total = add_exp(time_lse, text_lse);
            if allowed.text {
                best.add(slice(&text), 0);
            }
            best.add(&[end_logit], self.end);
        }
        best.found.into_iter().map(|(logit, token)| (token, logit - total)).collect()
    }
}

/// The largest values and their tokens; of equal ones the lower token comes first.
struct Best {
    count: usize,
    found: Vec<(f32, u32)>,
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count: count.max(1), found: Vec::with_capacity(count + 1) }
    }

    fn add(&mut self, logits: &[f32], first: u32) {
        let mut least = if self.found.len() < self.count { f32::NEG_INFINITY } else { self.least() };
        for (logit, token) in logits.iter().zip(first..) {
            if *logit > least {
                let better = |f: &(f32, u32)| logit.total_cmp(&f.0).then(f.1.cmp(&token)).is_lt();
                let at = self.found.partition_point(better);
                self.found.insert(at, (*logit, token));
                self.found.truncate(self.count);
                if self.found.len() == self.count {
                    least = self.least();
                }
            }
        }
    }

    fn least(&self) -> f32 {
        self.found.last().map_or(f32::NEG_INFINITY, |f| f.0)
    }
}

fn add_exp(a: f32, b: f32) -> f32 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

fn log_sum_exp(values: &[f32]) -> f32 {
    let most = values.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x));
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + values.iter().map(|x| (x - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::{Row, TokenRules};

    /// Text 0 to 3, end 4, times from 6: 6, 7, 8, 9.
    fn rules() -> TokenRules {
        TokenRules { end: 4, time: 6..10 }
    }

    fn first(logits: [f32; 10], written: &[u32]) -> (u32, f32) {
        let lse = super::log_sum_exp;
        let row = Row { logits: &logits, text_lse: lse(&logits[..5]), time_lse: lse(&logits[6..]) };
        rules().best(row, written, 1)[0]
    }

    const FLAT: [f32; 10] = [0.0; 10];

    #[test]
    fn a_window_begins_with_a_time() {
        let mut logits = FLAT;
        logits[2] = 9.0;
        assert_eq!(first(logits, &[]).0, 6);
    }

    #[test]
    fn text_follows_a_pair_and_times_never_go_back() {
        let mut logits = FLAT;
        logits[2] = 1.0;
        logits[7] = 9.0;
        assert_eq!(first(logits, &[6]).0, 2, "after the first mark comes text");
        assert_eq!(first(logits, &[6, 2]).0, 7);
        assert_eq!(first(logits, &[6, 2, 8]).0, 8, "the end of a pair begins the next; 7 lies before it");
        assert_eq!(first(logits, &[6, 2, 8, 8]).0, 2);
    }

    #[test]
    fn times_win_together_and_probabilities_are_of_what_may_follow() {
        let mut logits = [-9.0; 10];
        logits[1] = 1.0;
        (logits[7], logits[8], logits[9]) = (0.5, 0.4, 0.3);
        let (token, logprob) = first(logits, &[6, 1]);
        assert_eq!(token, 7, "three times are likelier together than the one text token");
        assert!((logprob.exp() - 0.367).abs() < 0.01, "{}", logprob.exp());
    }

    #[test]
    fn several_come_best_first() {
        let mut logits = FLAT;
        (logits[0], logits[1], logits[3]) = (2.0, 3.0, 1.0);
        let lse = super::log_sum_exp;
        let row = Row { logits: &logits, text_lse: lse(&logits[..5]), time_lse: lse(&logits[6..]) };
        let best: Vec<u32> = rules().best(row, &[6], 3).into_iter().map(|b| b.0).collect();
        assert_eq!(best, [1, 0, 3]);
    }
}
