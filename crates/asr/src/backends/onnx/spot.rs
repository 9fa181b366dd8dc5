//! Where in a text that was written down phrases may have been said instead. The decoder reads the text; wherever a phrase is
//! among what might have come next, it reads the phrase from there on, and what that costs is set against the text's own words.

use std::collections::BTreeMap;

use super::sessions::{Heard, Past, Sessions, Step, Tokens};
use crate::AsrError;

/// Log-probability of a phrase's first token under which it did not begin at a place.
const BEGINS: f32 = -7.0;
/// Places where one phrase is tried, the likeliest beginnings first.
const PLACES: usize = 2;
/// Phrases that are read from one place on.
const ROWS: usize = 16;

/// A text and phrases as tokens.
pub(super) struct Spotting<'a> {
    /// Tokens before the text.
    pub head: &'a [u32],
    /// The text.
    pub written: &'a [u32],
    /// Characters of the text before each of its tokens, and all of them; `None` inside a character.
    pub chars: &'a [Option<usize>],
    /// The phrases, none empty.
    pub phrases: &'a [Vec<u32>],
    /// Characters of each phrase.
    pub lengths: &'a [usize],
}

/// A place where a phrase may begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// Which phrase.
    pub phrase: usize,
    /// Characters of the text before it.
    pub at: usize,
    /// Log-probability of the phrase less that of as many characters of the text; `None` where only its beginning was
    /// looked at, and is not likely.
    pub gain: Option<f64>,
}

/// Of each phrase its best place, in the order of phrases.
pub(super) fn spot(sessions: &mut Sessions, heard: &Heard, asked: &Spotting<'_>) -> Result<Vec<Place>, AsrError> {
    let text = Read::of(sessions, heard, asked)?;
    let (mut best, mut tried): (Vec<Place>, BTreeMap<usize, Vec<usize>>) = (Vec::new(), BTreeMap::new());
    for (phrase, tokens) in asked.phrases.iter().enumerate() {
        let begins = text.begins(asked, tokens[0])?;
        let at = begins.first().and_then(|(_, at)| asked.chars[*at]).unwrap_or(0);
        best.push(Place { phrase, at, gain: None });
        for (_, at) in begins.into_iter().filter(|(first, _)| *first >= BEGINS).take(PLACES) {
            tried.entry(at).or_default().push(phrase);
        }
    }
    for (at, phrases) in tried {
        for phrases in phrases.chunks(ROWS) {
            let sums = from_here(sessions, heard, asked, &text.step.past, at, phrases)?;
            for (phrase, rest) in phrases.iter().zip(sums) {
                let first = f64::from(text.logprob(at, asked.phrases[*phrase][0])?);
                let gain = first + rest - asked.same_length(at, *phrase, &text.own);
                if best[*phrase].gain.is_none_or(|known| gain > known) {
                    let at = asked.chars[at].unwrap_or(0);
                    best[*phrase] = Place { phrase: *phrase, at, gain: Some(gain) };
                }
            }
        }
    }
    Ok(best)
}

/// The text as the decoder read it.
struct Read {
    step: Step,
    /// Log-probability of each of its tokens.
    own: Vec<f64>,
}

impl Read {
    fn of(sessions: &mut Sessions, heard: &Heard, asked: &Spotting<'_>) -> Result<Self, AsrError> {
        let before = asked.head.len();
        let ids: Vec<i64> = asked.head.iter().chain(asked.written).map(|t| i64::from(*t)).collect();
        let take: Vec<i64> = (before - 1..ids.len()).map(|at| at as i64).collect();
        let none = sessions.no_past(1)?;
        let step = sessions.step(heard, &none, &Tokens { ids: &ids, rows: 1, take: &take })?;
        let mut read = Self { step, own: Vec::with_capacity(asked.written.len()) };
        for (at, token) in asked.written.iter().enumerate() {
            read.own.push(f64::from(read.logprob(at, *token)?));
        }
        Ok(read)
    }

    /// Log-probability of a token after so many of the text.
    fn logprob(&self, at: usize, token: u32) -> Result<f32, AsrError> {
        Ok(self.step.row(at)?.logprob(token))
    }

    /// Places between characters by how likely a token is there, the likeliest first.
    fn begins(&self, asked: &Spotting<'_>, token: u32) -> Result<Vec<(f32, usize)>, AsrError> {
        let mut begins = Vec::new();
        for at in (0..asked.chars.len()).filter(|at| asked.chars[*at].is_some()) {
            begins.push((self.logprob(at, token)?, at));
        }
        begins.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Ok(begins)
    }
}

/// Log-probability of each phrase's tokens after its first, when it is read after so many tokens of the text.
fn from_here(
    sessions: &mut Sessions,
    heard: &Heard,
    asked: &Spotting<'_>,
    read: &Past,
    at: usize,
    phrases: &[usize],
) -> Result<Vec<f64>, AsrError> {
    let width = phrases.iter().map(|p| asked.phrases[*p].len() - 1).max().unwrap_or(0);
    let mut sums = vec![0.0; phrases.len()];
    if width == 0 {
        return Ok(sums);
    }
    let past = read.repeat(asked.head.len() + at, phrases.len())?;
    let (mut ids, mut take, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (row, phrase) in phrases.iter().enumerate() {
        let tokens = &asked.phrases[*phrase];
        let given = &tokens[..tokens.len() - 1];
        let filled = given.iter().chain(std::iter::repeat(&tokens[0])).take(width);
        ids.extend(filled.map(|t| i64::from(*t)));
        take.extend((0..given.len()).map(|i| (row * width + i) as i64));
        wanted.extend(tokens[1..].iter().map(|token| (row, *token)));
    }
    let step = sessions.step(heard, &past, &Tokens { ids: &ids, rows: phrases.len(), take: &take })?;
    for (i, (row, token)) in wanted.into_iter().enumerate() {
        sums[row] += f64::from(step.row(i)?.logprob(token));
    }
    Ok(sums)
}

impl Spotting<'_> {
    /// Log-probability of the text's own tokens from a place on, for as many characters as a phrase has.
    fn same_length(&self, at: usize, phrase: usize, own: &[f64]) -> f64 {
        let from = self.chars[at].unwrap_or(0);
        let past_it = |chars: &Option<usize>| chars.is_some_and(|c| c >= from + self.lengths[phrase]);
        let to = self.chars.iter().position(past_it).unwrap_or(own.len()).max(at);
        own[at..to].iter().sum()
    }
}
