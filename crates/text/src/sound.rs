//! Matching by sound: pinyin syllables with a cost per confusion.
//!
//! Recognisers and dialect speakers confuse zh/z, ch/c, sh/s, n/l, h/f, r/l, in/ing, en/eng, an/ang; tones are the
//! least reliable of all. Costs are per syllable: 0 same sound, 1 another sound. The transcript is never rewritten;
//! a match reports where it stands and what it cost.

use std::ops::Range;

use pinyin::{ToPinyin, ToPinyinMulti};

/// One syllable, split as the confusions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syllable {
    initial: &'static str,
    rime: &'static str,
    tone: u8,
}

/// Cost of another tone: cheap, because telephone speech and recognisers lose tones first.
const TONE: f64 = 0.1;
/// Cost of a confusion that dialects and recognisers make all the time.
const CONFUSED: f64 = 0.3;

const INITIALS: [&str; 23] = [
    "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c", "s", "y",
    "w",
];
const INITIAL_PAIRS: [(&str, &str); 7] =
    [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"), ("r", "l"), ("j", "z")];
const RIME_PAIRS: [(&str, &str); 6] =
    [("in", "ing"), ("en", "eng"), ("an", "ang"), ("ian", "iang"), ("uan", "uang"), ("un", "ong")];

impl Syllable {
    fn parse(plain: &'static str, tone: u8) -> Self {
        let initial = INITIALS.into_iter().find(|i| plain.starts_with(i)).unwrap_or("");
        Self { initial, rime: plain.get(initial.len()..).unwrap_or(""), tone }
    }

    /// Cost of hearing one for the other, 0 to 1.
    pub fn cost(self, other: Self) -> f64 {
        let initial = part_cost(self.initial, other.initial, &INITIAL_PAIRS);
        let rime = part_cost(self.rime, other.rime, &RIME_PAIRS);
        let tone = if self.tone == other.tone { 0.0 } else { TONE };
        (initial + rime + tone).min(1.0)
    }
}

fn part_cost(a: &str, b: &str, pairs: &[(&str, &str)]) -> f64 {
    if a == b {
        0.0
    } else if pairs.iter().any(|(x, y)| (a, b) == (*x, *y) || (b, a) == (*x, *y)) {
        CONFUSED
    } else {
        1.0
    }
}

/// Readings of each character; characters without a reading (letters, digits) have none and match only themselves.
#[derive(Debug, Clone)]
struct Sound {
    ch: char,
    readings: Vec<Syllable>,
}

impl Sound {
    fn of(ch: char) -> Self {
        let readings = ch
            .to_pinyin_multi()
            .map_or_else(Vec::new, |multi| multi.into_iter().map(|p| Syllable::parse(p.plain(), tone_of(p))).collect());
        Self { ch, readings }
    }

    fn cost(&self, other: &Self) -> f64 {
        if self.ch == other.ch {
            return 0.0;
        }
        let pairs = self.readings.iter().flat_map(|a| other.readings.iter().map(|b| a.cost(*b)));
        pairs.fold(1.0, f64::min)
    }
}

fn tone_of(p: pinyin::Pinyin) -> u8 {
    p.with_tone_num_end().bytes().last().filter(u8::is_ascii_digit).map_or(0, |b| b - b'0')
}

/// The sounds of a text, looked up once and matched many times.
#[derive(Debug, Clone, Default)]
pub struct SoundText(Vec<Sound>);

impl SoundText {
    /// Looks up the readings of every character; `chars` are in matching form.
    pub fn new(chars: &[char]) -> Self {
        Self(chars.iter().map(|c| Sound::of(*c)).collect())
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where there is no character.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Pinyin of each Han character with its usual reading; other characters are skipped.
pub fn syllables(text: &str) -> Vec<String> {
    text.chars().filter_map(|c| c.to_pinyin()).map(|p| p.with_tone_num_end().to_owned()).collect()
}

/// How far a sound match may stray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundOptions {
    /// Highest mean cost per syllable of the phrase, 0 to 1.
    pub max_cost: f64,
    /// Phrases of at least this many syllables may have one dropped or inserted.
    pub gap_from: usize,
}

impl Default for SoundOptions {
    fn default() -> Self {
        Self { max_cost: 0.2, gap_from: 5 }
    }
}

/// Where a phrase was heard, and how well.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundMatch {
    /// Characters of the text.
    pub range: Range<usize>,
    /// Mean cost per syllable of the phrase; 0 is the same characters or the same sounds.
    pub cost: f64,
}

/// Finds the places where `phrase` is heard in `text`, best first come first kept, without overlaps, in order of text.
/// Both are in matching form (see [`crate::Normalizer::matching`]).
pub fn find_sound(text: &SoundText, phrase: &SoundText, options: SoundOptions) -> Vec<SoundMatch> {
    let gap = if phrase.len() >= options.gap_from { 1.0 } else { f64::INFINITY };
    let mut found = align(text, phrase, gap, options.max_cost);
    found.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.range.start.cmp(&b.range.start)));
    let mut kept: Vec<SoundMatch> = Vec::new();
    for candidate in found {
        let free = kept.iter().all(|k| candidate.range.end <= k.range.start || k.range.end <= candidate.range.start);
        if free {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|m| m.range.start);
    kept
}

/// Likeness of the best place for `phrase` in `text`, 0 to 1, gaps allowed: what a near miss reports.
pub fn phrase_likeness(text: &SoundText, phrase: &SoundText) -> Option<SoundMatch> {
    align(text, phrase, 1.0, 1.0)
        .into_iter()
        .min_by(|a, b| a.cost.total_cmp(&b.cost).then(a.range.start.cmp(&b.range.start)))
}

/// Semi-global alignment: the whole phrase against any stretch of the text; one candidate per end in the text.
fn align(text: &SoundText, phrase: &SoundText, gap: f64, max_cost: f64) -> Vec<SoundMatch> {
    let (text, phrase) = (&text.0, &phrase.0);
    if phrase.is_empty() || text.is_empty() {
        return Vec::new();
    }
    let limit = max_cost * phrase.len() as f64 + 1e-9;
    // column[i] = (cost of the first i syllables ending here, where that stretch starts)
    let mut column: Vec<(f64, usize)> =
        (0..=phrase.len()).map(|i| (if i == 0 { 0.0 } else { gap * i as f64 }, 0)).collect();
    let mut out = Vec::new();
    for (j, heard) in text.iter().enumerate() {
        let mut diagonal = column[0];
        column[0] = (0.0, j + 1);
        for (i, wanted) in phrase.iter().enumerate() {
            let same = (diagonal.0 + wanted.cost(heard), if i == 0 { j } else { diagonal.1 });
            let dropped = (column[i].0 + gap, column[i].1);
            let inserted = (column[i + 1].0 + gap, column[i + 1].1);
            diagonal = column[i + 1];
            column[i + 1] = [dropped, inserted].into_iter().fold(same, |best, c| if c.0 < best.0 { c } else { best });
        }
        let (cost, start) = column[phrase.len()];
        if cost <= limit && start <= j {
            out.push(SoundMatch { range: start..j + 1, cost: cost / phrase.len() as f64 });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{SoundOptions, SoundText, find_sound, phrase_likeness, syllables};

    fn sounds(text: &str) -> SoundText {
        SoundText::new(&text.chars().collect::<Vec<_>>())
    }

    fn find(text: &str, phrase: &str) -> Vec<(usize, usize)> {
        find_sound(&sounds(text), &sounds(phrase), SoundOptions::default())
            .into_iter()
            .map(|m| (m.range.start, m.range.end))
            .collect()
    }

    #[test]
    fn same_sound_other_characters() {
        assert_eq!(find("那你就爱卖不卖吧", "爱买不买"), vec![(3, 7)]);
        assert_eq!(find("不归我馆的", "不归我管"), vec![(0, 4)]);
    }

    #[test]
    fn dialect_confusions_are_cheap_and_other_sounds_are_not() {
        assert_eq!(find("亲问要几条", "请问"), vec![(0, 2)]);
        assert!(find("好的谢谢", "请问").is_empty());
    }

    #[test]
    fn long_phrases_may_lose_a_syllable() {
        assert_eq!(find("不是告诉过你了", "不是已告诉过你了").len(), 1);
        assert!(find("归我管", "不归我管").is_empty());
    }

    #[test]
    fn likeness_reports_the_best_place() {
        let best = phrase_likeness(&sounds("喂您好这里是"), &sounds("您好")).unwrap();
        assert_eq!(best.range, 1..3);
        assert!(best.cost < 1e-9);
    }

    #[test]
    fn syllables_have_tone_numbers() {
        assert_eq!(syllables("您好a"), vec!["nin2", "hao3"]);
    }
}
