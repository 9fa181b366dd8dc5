//! Counting errors.

use callsift_core::TimeSpan;
use callsift_core::stats::ratio_interval;
use callsift_text::{Edit, align, scored_form};
use serde::Serialize;

use crate::speech::{Heard, SpokenTurn};

/// A character counts as heard in a turn when its time lies at most so far outside it, milliseconds.
pub const TURN_SLACK_MS: i64 = 300;

/// How well recordings were heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpeechMeasure {
    substitutions: usize,
    deletions: usize,
    insertions: usize,
    /// Errors and reference characters of each turn, by the alignment of its whole channel.
    turns: Vec<(usize, usize)>,
    /// Errors and reference characters of each turn, by what was heard within its time.
    timed: Vec<(usize, usize)>,
    /// Characters heard where nobody spoke.
    stray: usize,
    /// Start of the first character minus start of the turn, end of the last minus its end, milliseconds.
    starts: Vec<i64>,
    ends: Vec<i64>,
}

/// The figures of a measure, for people and for JSON. Shares are 0 to 1 and may pass 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeechScore {
    /// Turns of the reference.
    pub turns: usize,
    /// Characters of the reference.
    pub characters: usize,
    /// Characters that were heard as others.
    pub substitutions: usize,
    /// Characters that were not heard.
    pub deletions: usize,
    /// Characters that nobody said.
    pub insertions: usize,
    /// Character error rate; each channel of a recording is compared as a whole.
    pub cer: f64,
    /// Its 95 % interval, over turns.
    pub cer_interval: (f64, f64),
    /// Error rate of what was heard within the time of each turn; text that stands in the wrong turn counts twice.
    pub turn_cer: f64,
    /// Its 95 % interval, over turns.
    pub turn_cer_interval: (f64, f64),
    /// Characters heard where nobody spoke.
    pub stray: usize,
    /// Median and 90th percentile of the distance of a turn's first character from its start, milliseconds.
    pub start_error_ms: (i64, i64),
    /// The same for its last character and end.
    pub end_error_ms: (i64, i64),
    /// Median of the signed distance of the start: below 0 where characters come too early.
    pub start_bias_ms: i64,
    /// Median of the signed distance of the end.
    pub end_bias_ms: i64,
}

/// Compares one channel of a recording: its turns in order of time, and what was heard.
pub fn score(turns: &[SpokenTurn], heard: &Heard) -> SpeechMeasure {
    let mut measure = SpeechMeasure::default();
    let texts: Vec<Vec<char>> = turns.iter().map(|t| scored_form(&t.text).chars().to_vec()).collect();
    let said: Vec<char> = texts.concat();
    let text: Vec<char> = heard.chars.iter().map(|(c, _)| *c).collect();
    measure.turns = texts.iter().map(|t| (0, t.len())).collect();
    measure.count(&texts, &align(&said, &text));
    measure.place(turns, &texts, heard);
    measure
}

impl SpeechMeasure {
    /// Adds another channel or recording.
    pub fn add(&mut self, other: Self) {
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
        self.stray += other.stray;
        self.turns.extend(other.turns);
        self.timed.extend(other.timed);
        self.starts.extend(other.starts);
        self.ends.extend(other.ends);
    }

    /// Counts the steps of a channel's alignment; what nobody said belongs to the turn that it follows.
    fn count(&mut self, texts: &[Vec<char>], path: &[Edit]) {
        let owner: Vec<usize> = texts.iter().enumerate().flat_map(|(i, t)| vec![i; t.len()]).collect();
        let mut at = 0;
        for step in path {
            let turn = owner.get(if *step == Edit::Inserted { at.max(1) - 1 } else { at });
            match step {
                Edit::Same => {}
                Edit::Substituted => self.substitutions += 1,
                Edit::Deleted => self.deletions += 1,
                Edit::Inserted => self.insertions += 1,
            }
            if let Some(turn) = turn.and_then(|t| self.turns.get_mut(*t)) {
                turn.0 += usize::from(*step != Edit::Same);
            }
            at += usize::from(*step != Edit::Inserted);
        }
    }

    /// Gives each heard character to the turn in whose time it lies.
    fn place(&mut self, turns: &[SpokenTurn], texts: &[Vec<char>], heard: &Heard) {
        let mut own: Vec<Vec<(char, TimeSpan)>> = vec![Vec::new(); turns.len()];
        for (c, span) in &heard.chars {
            let nearest = (0..turns.len()).min_by_key(|i| distance(&turns[*i], span.start_ms));
            match nearest.filter(|i| distance(&turns[*i], span.start_ms) <= TURN_SLACK_MS) {
                Some(i) => own[i].push((*c, *span)),
                None => self.stray += 1,
            }
        }
        for ((turn, text), own) in turns.iter().zip(texts).zip(own) {
            let chars: Vec<char> = own.iter().map(|(c, _)| *c).collect();
            let wrong = align(text, &chars).iter().filter(|s| **s != Edit::Same).count();
            self.timed.push((wrong, text.len()));
            if let (Some((_, first)), Some((_, last))) = (own.first(), own.last()) {
                self.starts.push(first.start_ms - turn.start_ms);
                self.ends.push(last.end_ms - turn.end_ms);
            }
        }
    }

    /// The figures.
    pub fn score(&self) -> SpeechScore {
        let characters: usize = self.turns.iter().map(|(_, n)| n).sum();
        let share = |count: usize| count as f64 / characters.max(1) as f64;
        let timed: usize = self.timed.iter().map(|(wrong, _)| wrong).sum();
        let strayed = share(self.stray);
        let (low, high) = ratio_interval(&self.timed);
        let distances = |signed: &[i64]| {
            let absolute: Vec<i64> = signed.iter().map(|ms| ms.abs()).collect();
            (quantile(&absolute, 0.5), quantile(&absolute, 0.9))
        };
        SpeechScore {
            turns: self.turns.len(),
            characters,
            substitutions: self.substitutions,
            deletions: self.deletions,
            insertions: self.insertions,
            cer: share(self.substitutions + self.deletions + self.insertions),
            cer_interval: ratio_interval(&self.turns),
            turn_cer: share(timed + self.stray),
            turn_cer_interval: (low + strayed, high + strayed),
            stray: self.stray,
            start_error_ms: distances(&self.starts),
            end_error_ms: distances(&self.ends),
            start_bias_ms: quantile(&self.starts, 0.5),
            end_bias_ms: quantile(&self.ends, 0.5),
        }
    }
}

fn distance(turn: &SpokenTurn, ms: i64) -> i64 {
    (turn.start_ms - ms).max(ms - turn.end_ms).max(0)
}

/// The value below which a share of the values lies; 0 of none.
fn quantile(values: &[i64], share: f64) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use callsift_core::{TimeSpan, TimedChar};

    use super::{SpeechScore, score};
    use crate::speech::{Heard, SpokenTurn};

    fn said(start_ms: i64, end_ms: i64, text: &str) -> SpokenTurn {
        SpokenTurn { file: "a.wav".to_owned(), channel: 0, start_ms, end_ms, text: text.to_owned() }
    }

    fn heard(parts: &[(i64, i64, &str)]) -> Heard {
        let mut heard = Heard::default();
        for (start, end, text) in parts {
            heard.add(&TimedChar::spread(text, TimeSpan::new(*start, *end), 0.9));
        }
        heard
    }

    fn figures(parts: &[(i64, i64, &str)]) -> SpeechScore {
        let turns = [said(0, 2000, "您好请问要什么"), said(5000, 6000, "五条红塔山")];
        score(&turns, &heard(parts)).score()
    }

    #[test]
    fn all_right_is_no_error() {
        let s = figures(&[(100, 1900, "您好，請問要什麼？"), (5050, 5950, "5条红塔山")]);
        assert!(s.cer + s.turn_cer < 1e-9);
        assert_eq!((s.stray, s.characters), (0, 12));
        assert_eq!((s.start_error_ms, s.start_bias_ms), ((50, 100), 50));
        assert_eq!((s.end_error_ms.0, s.end_bias_ms < 0), (50, true));
    }

    #[test]
    fn each_kind_of_error_is_counted() {
        let s = figures(&[(0, 2000, "你好请要什么"), (5000, 6000, "五条红塔山啊")]);
        assert_eq!((s.substitutions, s.deletions, s.insertions), (1, 1, 1));
        assert!((s.cer - 0.25).abs() < 1e-9 && (s.turn_cer - s.cer).abs() < 1e-9);
    }

    #[test]
    fn text_in_another_turn_is_wrong_there_and_missing_here() {
        let s = figures(&[(0, 2000, "您好请问要什么五条"), (5000, 6000, "红塔山")]);
        assert_eq!(s.deletions + s.insertions + s.substitutions, 0);
        assert!((s.turn_cer - 4.0 / 12.0).abs() < 1e-9, "{s:?}");
    }

    #[test]
    fn text_where_nobody_spoke_is_stray() {
        let s = figures(&[(0, 2000, "您好请问要什么"), (3000, 4000, "谢谢"), (5000, 6000, "五条红塔山")]);
        assert_eq!((s.insertions, s.stray), (2, 2));
        assert!((s.turn_cer - s.cer).abs() < 1e-9);
    }

    #[test]
    fn nothing_heard_is_all_wrong_and_has_no_times() {
        let s = figures(&[]);
        assert_eq!((s.deletions, s.start_error_ms), (12, (0, 0)));
    }
}
