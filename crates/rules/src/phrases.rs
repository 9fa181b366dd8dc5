//! Every phrase of every rule, looked for in one pass over each turn: by characters in one Aho-Corasick automaton, by
//! sound in one trie of syllables.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use callsift_core::MatchKind;
use callsift_text::{SoundIndex, SoundText, sound_limit, strict_sound_limit};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::compile::Compiler;
use crate::prefilter::Prefilter;
use crate::view::TurnView;

/// How a phrase may be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ear {
    /// Letter by letter, after normalisation.
    Exact,
    /// Also by sound, unless what was heard is made of common words.
    Sound,
    /// Also by sound, common words too.
    SoundOfWords,
}

/// A phrase met in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct PhraseHit {
    /// Which phrase of the table.
    pub phrase: u32,
    /// Characters in matching form.
    pub range: Range<usize>,
    /// Letter by letter or by sound.
    pub kind: MatchKind,
    /// Mean cost per syllable.
    pub cost: f64,
}

/// A phrase in matching form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Phrase {
    chars: Vec<char>,
    ear: Ear,
    /// Heard also where two syllables differ in their tones.
    lenient: bool,
    /// Met only where it begins and ends with a word: 不是人 is not in 你是不是人工客服.
    whole_words: bool,
}

/// Collects phrases and expressions while rules are prepared.
#[derive(Debug, Clone, Default)]
pub struct PhraseTable {
    /// Regular expressions by their text: equal ones of several rules are compiled and matched once.
    expressions: HashMap<String, (u32, Regex)>,
    ids: HashMap<Phrase, u32>,
    list: Vec<Phrase>,
}

impl PhraseTable {
    fn add(&mut self, phrase: Phrase) -> u32 {
        let next = self.list.len() as u32;
        let id = *self.ids.entry(phrase.clone()).or_insert(next);
        if id == next {
            self.list.push(phrase);
        }
        id
    }

    /// The number and the compiled form of a regular expression.
    ///
    /// # Errors
    /// It is none.
    pub fn expression(&mut self, text: &str) -> Result<(u32, Regex), regex::Error> {
        if let Some(known) = self.expressions.get(text) {
            return Ok(known.clone());
        }
        let new = (self.expressions.len() as u32, Regex::new(text)?);
        self.expressions.insert(text.to_owned(), new.clone());
        Ok(new)
    }

    /// The index of all phrases.
    pub fn build(self) -> PhraseIndex {
        let texts: Vec<String> = self.list.iter().map(|p| p.chars.iter().collect()).collect();
        // Building fails only beyond four thousand million states.
        let exact = AhoCorasick::new(&texts).ok();
        let by_sound: Vec<u32> =
            (0u32..).zip(&self.list).filter(|(_, p)| p.ear != Ear::Exact).map(|(i, _)| i).collect();
        let sounds: Vec<SoundText> = self.list.iter().map(|p| SoundText::of_phrase(&p.chars)).collect();
        let sound = SoundIndex::new(by_sound.iter().map(|i| sounds[*i as usize].clone()).collect());
        let mut expressions: Vec<(u32, &str)> =
            self.expressions.iter().map(|(text, (n, _))| (*n, text.as_str())).collect();
        expressions.sort_unstable();
        let prefilter = Prefilter::new(expressions.into_iter().map(|(_, text)| text));
        PhraseIndex { phrases: self.list, sounds, exact, sound, by_sound, prefilter }
    }
}

/// All phrases, ready to be found.
#[derive(Debug, Clone)]
pub struct PhraseIndex {
    phrases: Vec<Phrase>,
    sounds: Vec<SoundText>,
    exact: Option<AhoCorasick>,
    sound: SoundIndex,
    /// Phrase behind each entry of `sound`.
    by_sound: Vec<u32>,
    /// What regular expressions need.
    pub(crate) prefilter: Prefilter,
}

impl PhraseIndex {
    /// Everything that is met in a turn, sorted by phrase and place.
    pub fn scan(&self, turn: &TurnView<'_>) -> Vec<PhraseHit> {
        let mut hits = Vec::new();
        if let Some(exact) = &self.exact {
            for found in exact.find_overlapping_iter(turn.text()) {
                let start = turn.char_at(found.start());
                let phrase = found.pattern().as_u32();
                let wanted = &self.phrases[phrase as usize];
                let range = start..start + wanted.chars.len();
                if wanted.whole_words && turn.cuts_words(&range) {
                    continue;
                }
                hits.push(PhraseHit { phrase, range, kind: MatchKind::Exact, cost: 0.0 });
            }
        }
        if !self.by_sound.is_empty() {
            self.listen(turn, &mut hits);
        }
        hits.sort_by_key(|h| (h.phrase, h.range.start, h.range.end));
        hits
    }

    fn listen(&self, turn: &TurnView<'_>, hits: &mut Vec<PhraseHit>) {
        let letters = hits.len();
        for heard in self.sound.find(turn.sounds()) {
            let phrase = self.by_sound[heard.phrase as usize];
            let wanted = &self.phrases[phrase as usize];
            let clash = |h: &PhraseHit| {
                h.phrase == phrase && h.range.start < heard.range.end && heard.range.start < h.range.end
            };
            if hits[..letters].iter().any(clash) {
                continue;
            }
            let close = wanted.lenient || heard.cost <= strict_sound_limit(wanted.chars.len()) + 1e-9;
            let common = wanted.ear == Ear::Sound && turn.is_plain_words(&heard.range);
            let cut = wanted.whole_words && turn.cuts_words(&heard.range);
            if close && !common && !cut && self.sounds_so(turn, &heard.range, phrase) {
                hits.push(PhraseHit { phrase, range: heard.range, kind: MatchKind::Sound, cost: heard.cost });
            }
        }
    }

    /// Whether a stretch still sounds like the phrase when each character is read as in its word.
    fn sounds_so(&self, turn: &TurnView<'_>, range: &Range<usize>, phrase: u32) -> bool {
        let wanted = &self.phrases[phrase as usize];
        let length = wanted.chars.len();
        let limit = if wanted.lenient { sound_limit(length) } else { strict_sound_limit(length) };
        let cost = turn.sounds_in_words().cost_in(range, &self.sounds[phrase as usize]);
        cost.is_some_and(|cost| cost <= limit + 1e-9)
    }

    /// The sounds of a phrase: what near misses are measured against.
    pub fn sounds(&self, phrase: u32) -> &SoundText {
        &self.sounds[phrase as usize]
    }

    /// A phrase in matching form.
    pub fn text(&self, phrase: u32) -> String {
        self.phrases[phrase as usize].chars.iter().collect()
    }
}

/// A list of phrases in a rule file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Phrases {
    list: Vec<Spanned<String>>,
    #[serde(skip)]
    ids: Vec<u32>,
    #[serde(skip)]
    sorted: Vec<u32>,
}

impl JsonSchema for Phrases {
    fn schema_name() -> Cow<'static, str> {
        "Phrases".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<String>::json_schema(generator)
    }
}

impl Phrases {
    /// Enters the phrases into the table; they may stand anywhere in a text.
    pub fn compile(&mut self, cx: &mut Compiler<'_>, ear: Ear) {
        self.enter(cx, ear, |_| false);
    }

    /// Enters them so that those of which it holds, by their length in characters, are met as whole words only.
    pub fn enter(&mut self, cx: &mut Compiler<'_>, ear: Ear, whole_words: impl Fn(usize) -> bool) {
        let mut seen: HashMap<Vec<char>, usize> = HashMap::new();
        for phrase in &self.list {
            let chars = cx.matching(&phrase.value);
            if chars.is_empty() {
                cx.wrong(&phrase.referenced, "a phrase needs at least one letter or Han character");
            } else if let Some(line) = seen.insert(chars.clone(), phrase.referenced.line() as usize) {
                cx.wrong(&phrase.referenced, format!("`{}` stands in this list already, at line {line}", phrase.value));
            } else {
                let lenient = cx.lenient && ear != Ear::Exact;
                let whole_words = whole_words(chars.len());
                self.ids.push(cx.table.add(Phrase { chars, ear, lenient, whole_words }));
            }
        }
        self.sorted.clone_from(&self.ids);
        self.sorted.sort_unstable();
    }

    /// True where the list has nothing.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of phrases.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// As written, with their places.
    pub fn written(&self) -> &[Spanned<String>] {
        &self.list
    }

    /// Their numbers in the table.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// True where the turn holds one of them.
    pub fn any_in(&self, turn: &TurnView<'_>) -> bool {
        turn.all_hits().iter().any(|hit| self.sorted.binary_search(&hit.phrase).is_ok())
    }

    /// Every place where the turn holds one of them.
    pub fn all_in<'t>(&'t self, turn: &'t TurnView<'_>) -> impl Iterator<Item = &'t PhraseHit> {
        turn.all_hits().iter().filter(|hit| self.sorted.binary_search(&hit.phrase).is_ok())
    }
}
