//! Asking the decoder about a window that was written down: other texts, and phrases wherever they may stand.

use std::ops::Range;

use callsift_whisper::{Encoder, ModelFolder};

use super::sessions::{Heard, Sessions};
use super::spot::{self, Place, Spotting};
use super::weigh::{self, Readings};
use crate::decode::{Answer, Inquiry, Spotted};
use crate::{AsrError, Window};

/// Phrases of a window that are weighed, and how much less likely than the written words they may be by themselves.
const WEIGHED: usize = 4;
const LEAST_GAIN: f64 = -9.0;

/// A decoder with its vocabulary, for one window.
pub(super) struct Inquirer<'a> {
    sessions: &'a mut Sessions,
    encoder: Encoder<'a>,
    folder: &'a ModelFolder,
    head: [u32; 4],
}

impl<'a> Inquirer<'a> {
    pub(super) fn new(folder: &'a ModelFolder, language: u32, sessions: &'a mut Sessions) -> Self {
        let special = &folder.vocabulary.special;
        let head = [special.start, language, special.transcribe, special.no_timestamps];
        Self { sessions, encoder: Encoder::new(&folder.vocabulary), folder, head }
    }

    /// Hears the window and answers; `None` where a text has more tokens than the decoder takes.
    pub(super) fn ask(
        &mut self,
        window: &Window,
        positions: usize,
        inquiry: &Inquiry<'_>,
    ) -> Result<Option<Answer>, AsrError> {
        let hidden = self.sessions.encode(&window.samples, positions)?;
        let heard = self.sessions.hear(&[hidden])?;
        let written: Vec<char> = inquiry.written.chars().collect();
        let Some(places) = self.places(&heard, inquiry)? else { return Ok(None) };
        let phrases: Vec<&String> = inquiry.phrases.iter().flatten().collect();
        let spotted = places.iter().flat_map(|place| stretches(place, phrases[place.phrase], written.len()));
        let spotted: Vec<(usize, Range<usize>)> = spotted.collect();
        let read = |(phrase, range): &(usize, Range<usize>)| -> String {
            let (before, after) = (&written[..range.start], &written[range.end..]);
            before.iter().copied().chain(phrases[*phrase].chars()).chain(after.iter().copied()).collect()
        };
        let texts = std::iter::once(inquiry.written.to_owned()).chain(inquiry.texts.iter().cloned());
        let texts: Vec<String> = texts.chain(spotted.iter().map(read)).collect();
        let Some(weights) = self.weigh(&heard, &texts)? else { return Ok(None) };
        let (own, others) = (weights[0], weights[1..].split_at(inquiry.texts.len()));
        let mut answer = Answer { texts: others.0.iter().map(|w| w - own).collect(), spotted: Vec::new() };
        for place in places {
            let own_stretches = spotted.iter().zip(others.1).filter(|((phrase, _), _)| *phrase == place.phrase);
            let best = own_stretches.max_by(|a, b| a.1.total_cmp(b.1));
            answer.spotted.extend(best.map(|((phrase, range), weight)| Spotted {
                phrase: phrases[*phrase].clone(),
                range: range.clone(),
                score: weight - own,
            }));
        }
        Ok(Some(answer))
    }

    /// True where the decoder takes each of some texts after so many tokens.
    fn fit(&self, before: usize, texts: &[Vec<u32>]) -> bool {
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        self.head.len() + before + longest <= self.folder.info.dims.n_text_ctx
    }

    fn weigh(&mut self, heard: &Heard, texts: &[String]) -> Result<Option<Vec<f64>>, AsrError> {
        let rows: Vec<Vec<u32>> = texts.iter().map(|text| self.encoder.encode(text)).collect();
        if !self.fit(0, &rows) {
            return Ok(None);
        }
        let end = self.folder.vocabulary.special.end_of_text;
        weigh::weigh(self.sessions, heard, &Readings { head: &self.head, rows: &rows, end }).map(Some)
    }

    /// Where the phrases may stand: the likeliest, and of each group one at least.
    fn places(&mut self, heard: &Heard, inquiry: &Inquiry<'_>) -> Result<Option<Vec<Place>>, AsrError> {
        let phrases: Vec<&String> = inquiry.phrases.iter().flatten().collect();
        if phrases.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let written = self.encoder.encode(inquiry.written);
        let tokens: Vec<Vec<u32>> = phrases.iter().map(|phrase| self.encoder.encode(phrase)).collect();
        if tokens.iter().any(Vec::is_empty) || !self.fit(written.len(), &tokens) {
            return Ok(None);
        }
        let lengths: Vec<usize> = phrases.iter().map(|phrase| phrase.chars().count()).collect();
        let chars = self.boundaries(inquiry.written, &written);
        let asked =
            Spotting { head: &self.head, written: &written, chars: &chars, phrases: &tokens, lengths: &lengths };
        let places = spot::spot(self.sessions, heard, &asked)?;
        Ok(Some(likeliest(&places, inquiry.phrases)))
    }

    /// Characters before each token of a text and all of them, where a token begins with a character.
    fn boundaries(&self, text: &str, tokens: &[u32]) -> Vec<Option<usize>> {
        let mut at = 0;
        let mut found = vec![Some(0)];
        for token in tokens {
            at += self.folder.vocabulary.bytes(*token).len();
            found.push(text.get(..at).map(|before| before.chars().count()));
        }
        found
    }
}

fn likeliest(places: &[Place], groups: &[Vec<String>]) -> Vec<Place> {
    let gain = |place: &Place| place.gain.unwrap_or(f64::NEG_INFINITY);
    let mut sorted: Vec<Place> = places.to_vec();
    sorted.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then(a.phrase.cmp(&b.phrase)));
    let mut chosen: Vec<Place> = sorted.iter().filter(|p| gain(p) >= LEAST_GAIN).take(WEIGHED).copied().collect();
    let mut first = 0;
    for group in groups {
        let own = first..first + group.len();
        first = own.end;
        if !chosen.iter().any(|p| own.contains(&p.phrase)) {
            chosen.extend(sorted.iter().find(|p| own.contains(&p.phrase)));
        }
    }
    chosen
}

/// Characters in whose place a phrase may stand: as many as it has, or one more or less.
fn stretches(place: &Place, phrase: &str, written: usize) -> Vec<(usize, Range<usize>)> {
    let count = phrase.chars().count();
    let lengths: &[usize] = if place.gain.is_some() { &[count, count + 1, count.saturating_sub(1)] } else { &[count] };
    let mut ends: Vec<usize> = lengths.iter().map(|length| (place.at + length).min(written)).collect();
    ends.dedup();
    ends.into_iter().map(|end| (place.phrase, place.at..end)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Place, likeliest, stretches};

    #[test]
    fn the_likeliest_phrases_are_weighed_and_one_of_each_group() {
        let place = |phrase: usize, gain: f64| Place { phrase, at: 0, gain: Some(gain) };
        let places = [place(0, -1.0), place(1, -30.0), Place { phrase: 2, at: 3, gain: None }, place(3, -2.0)];
        let groups =
            [vec!["再见", "再会"], vec!["您好"], vec!["谢谢"]].map(|g| g.into_iter().map(str::to_owned).collect());
        let chosen: Vec<usize> = likeliest(&places, &groups).iter().map(|p| p.phrase).collect();
        assert_eq!(chosen, [0, 3, 2]);
    }

    #[test]
    fn a_phrase_stands_in_the_place_of_about_as_many_characters() {
        let place = Place { phrase: 7, at: 3, gain: Some(0.0) };
        assert_eq!(stretches(&place, "再见", 9), [(7, 3..5), (7, 3..6), (7, 3..4)]);
        assert_eq!(stretches(&place, "再见", 3), [(7, 3..3)]);
    }
}
