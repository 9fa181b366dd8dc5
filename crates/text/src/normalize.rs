//! Normalisation as a sequence of small steps, each of which keeps the map to the original.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::{numbers, script};

/// One step of normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Full-width and other compatibility forms of letters, digits and signs to the plain ones, and lower case.
    Width,
    /// Traditional to simplified characters.
    Simplified,
    /// Written digits to spoken numerals: `5` → 五, `200` → 二百, codes of four or more digits one by one.
    SpokenDigits,
    /// Spoken numerals before a measure word, or of two or more digits, to written ones: 五条 → 5条.
    WrittenDigits,
    /// Drops hesitation sounds (呃, 嗯, 唔) where something else is said too.
    Fillers,
    /// Drops everything that is not a letter, digit or Han character.
    Punctuation,
}

/// Text after normalisation, with the way back to the original and forth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalizedText {
    original: Vec<char>,
    chars: Vec<char>,
    /// Original character range of each normalised character; starts never fall.
    map: Vec<Range<u32>>,
}

impl NormalizedText {
    fn new(text: &str) -> Self {
        let original: Vec<char> = text.chars().collect();
        let map = (0..original.len() as u32).map(|i| i..i + 1).collect();
        Self { chars: original.clone(), original, map }
    }

    /// Normalised text.
    pub fn text(&self) -> String {
        // Han characters take three bytes: room for them, once.
        let mut text = String::with_capacity(self.chars.len() * 3);
        text.extend(&self.chars);
        text
    }

    /// Normalised characters.
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    /// Range of original characters behind a range of normalised ones; an empty range gives an empty one.
    pub fn to_original(&self, range: Range<usize>) -> Range<usize> {
        let end = range.end.min(self.map.len());
        let Some(covered) = self.map.get(range.start..end).filter(|c| !c.is_empty()) else {
            let at = self.map.get(range.start).map_or(self.original.len(), |r| r.start as usize);
            return at..at;
        };
        let start = covered.iter().map(|r| r.start).min().unwrap_or(0);
        let stop = covered.iter().map(|r| r.end).max().unwrap_or(start);
        start as usize..stop as usize
    }

    /// Range of normalised characters that came from a range of original ones; empty where all were dropped.
    pub fn from_original(&self, range: Range<usize>) -> Range<usize> {
        let (start, end) = (range.start as u32, range.end as u32);
        let first = self.map.partition_point(|r| r.end <= start);
        let last = self.map.partition_point(|r| r.start < end);
        first..last.max(first)
    }

    /// Original characters behind a range of normalised ones.
    pub fn original_slice(&self, range: Range<usize>) -> String {
        self.original[self.to_original(range)].iter().collect()
    }

    /// Puts `replacement` in the place of a normalised range; every new character maps to the whole old range.
    fn replace(&mut self, edits: &[(Range<usize>, Vec<char>)]) {
        let mut chars = Vec::with_capacity(self.chars.len());
        let mut map = Vec::with_capacity(self.map.len());
        let mut at = 0;
        for (range, new) in edits {
            chars.extend_from_slice(&self.chars[at..range.start]);
            map.extend_from_slice(&self.map[at..range.start]);
            let origin = self.to_original(range.clone());
            let same_length = new.len() == range.len();
            for (i, c) in new.iter().enumerate() {
                chars.push(*c);
                map.push(if same_length {
                    self.map[range.start + i].clone()
                } else {
                    origin.start as u32..origin.end as u32
                });
            }
            at = range.end;
        }
        chars.extend_from_slice(&self.chars[at..]);
        map.extend_from_slice(&self.map[at..]);
        self.chars = chars;
        self.map = map;
    }

    /// Puts one character in the place of another everywhere; the way back stays.
    pub(crate) fn substitute(&mut self, other: impl Fn(char) -> char) {
        self.chars.iter_mut().for_each(|c| *c = other(*c));
    }

    fn keep(&mut self, keep: impl Fn(usize, char) -> bool) {
        let kept: Vec<bool> = self.chars.iter().enumerate().map(|(i, c)| keep(i, *c)).collect();
        let mut flags = kept.iter();
        self.chars.retain(|_| flags.next().copied().unwrap_or(true));
        let mut flags = kept.iter();
        self.map.retain(|_| flags.next().copied().unwrap_or(true));
    }
}

/// A sequence of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalizer {
    steps: Vec<Step>,
}

impl Normalizer {
    /// Runs the steps in the order given.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }

    /// The form that rules match on: width, case, script, spoken digits; no fillers, no punctuation.
    pub fn matching() -> Self {
        use Step::{Fillers, Punctuation, Simplified, SpokenDigits, Width};
        Self::new(vec![Width, Simplified, SpokenDigits, Fillers, Punctuation])
    }

    /// The form that tables and people read: simplified, written digits, punctuation kept.
    pub fn reading() -> Self {
        Self::new(vec![Step::Width, Step::Simplified, Step::WrittenDigits])
    }

    /// Normalises a text.
    pub fn normalize(&self, text: &str) -> NormalizedText {
        let mut n = NormalizedText::new(text);
        for step in &self.steps {
            match step {
                Step::Width => n.chars.iter_mut().for_each(|c| *c = narrow(*c)),
                Step::Simplified => n.chars = script::to_simplified(&n.text()).chars().collect(),
                Step::SpokenDigits => n.replace(&numbers::spoken_edits(&n.chars)),
                Step::WrittenDigits => n.replace(&numbers::written_edits(&n.chars)),
                Step::Fillers => drop_fillers(&mut n),
                Step::Punctuation => n.keep(|_, c| c.is_alphanumeric()),
            }
        }
        n
    }
}

/// Full-width, circled, mathematical and other forms of one character to the plain one (the compatibility forms of Unicode,
/// UAX 15), then lower case. Chinese punctuation that has no ASCII twin in use (。、《》) stays; ， ？ ！ keep their Chinese
/// form too, because every recogniser and rule file writes them so.
fn narrow(c: char) -> char {
    let half = match c {
        ..='\u{7f}' | '\u{3400}'..='\u{9fff}' | '，' | '？' | '！' | '：' | '；' | '（' | '）' => c,
        '½' => '半',
        _ => compatible(c),
    };
    let mut lower = half.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => half,
    }
}

/// The compatibility form of a character where it is one character.
fn compatible(c: char) -> char {
    let mut forms = std::iter::once(c).nfkc();
    match (forms.next(), forms.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

fn drop_fillers(n: &mut NormalizedText) {
    const FILLERS: [char; 3] = ['呃', '嗯', '唔'];
    let says_more = n.chars.iter().any(|c| c.is_alphanumeric() && !FILLERS.contains(c));
    if says_more {
        n.keep(|_, c| !FILLERS.contains(&c));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Normalizer;

    #[test]
    fn matching_form_drops_noise_and_keeps_the_way_back() {
        let n = Normalizer::matching().normalize("嗯，您好！這裡是訂貨中心，工號3021。");
        assert_eq!(n.text(), "您好这里是订货中心工号三零二一");
        let at = n.text().chars().position(|c| c == '工').unwrap();
        assert_eq!(n.original_slice(at..at + 6), "工號3021");
    }

    #[test]
    fn a_lone_filler_stays_what_it_is() {
        assert_eq!(Normalizer::matching().normalize("嗯。").text(), "嗯");
    }

    #[test]
    fn reading_form_writes_quantities() {
        assert_eq!(Normalizer::reading().normalize("要五条红塔山，两百三十元。").text(), "要5条红塔山，230元。");
        assert_eq!(Normalizer::reading().normalize("请您等一下，一定给您办。").text(), "请您等一下，一定给您办。");
    }

    #[test]
    fn forth_and_back_meet() {
        let n = Normalizer::matching().normalize("要２００条，好");
        assert_eq!(n.text(), "要二百条好");
        assert_eq!(n.from_original(1..4), 1..3);
        assert_eq!(n.to_original(1..3), 1..4);
        assert_eq!(n.from_original(5..6), 4..4);
    }

    proptest! {
        #[test]
        fn offsets_always_point_into_the_original(text in "[您好嗯呃，。？！要0-9０-９五條两百 a-zA-Z條]{0,40}", a in 0usize..50, b in 0usize..50) {
            for normalizer in [Normalizer::matching(), Normalizer::reading()] {
                let n = normalizer.normalize(&text);
                let len = text.chars().count();
                let range = n.to_original(a.min(b)..a.max(b));
                prop_assert!(range.start <= range.end && range.end <= len);
                let back = n.from_original(a.min(b)..a.max(b));
                prop_assert!(back.start <= back.end && back.end <= n.chars().len());
                let whole = n.to_original(0..n.chars().len());
                prop_assert!(whole.end <= len);
            }
        }

        #[test]
        fn any_text_is_safe(text in "\\PC{0,60}") {
            let n = Normalizer::matching().normalize(&text);
            prop_assert_eq!(n.text(), Normalizer::matching().normalize(&n.text()).text());
        }
    }
}
