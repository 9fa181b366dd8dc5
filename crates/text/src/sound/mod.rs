//! Matching by sound: pinyin syllables with a cost per confusion.
//!
//! Recognisers and dialect speakers confuse zh/z, ch/c, sh/s, n/l, h/f, r/l, in/ing, en/eng, an/ang; tones are the
//! least reliable of all. Costs are per syllable: 0 same sound, 1 another sound. The transcript is never rewritten;
//! a match reports where it stands and what it cost. [`SoundIndex`] looks for many phrases at once.

mod context;
mod index;
mod syllable;

use std::ops::Range;

use pinyin::ToPinyin;

pub use index::{SoundHit, SoundIndex};
pub use syllable::Syllable;

/// Phrases of at least this many syllables may have one dropped, inserted or replaced.
const GAP_FROM: usize = 5;

/// Highest mean cost per syllable at which a phrase of so many syllables counts as heard: short phrases sound like many
/// others, so they may differ less.
pub fn sound_limit(syllables: usize) -> f64 {
    match syllables {
        0..=2 => 0.1,
        3 => 0.15,
        _ => 0.2,
    }
}

/// The same where a wrong match accuses somebody: two syllables must sound the same, tones included. On real recognition
/// errors that leaves a third of the false matches for a fifth less of what matching by sound finds (`make eval`).
pub fn strict_sound_limit(syllables: usize) -> f64 {
    if syllables <= 2 { 0.0 } else { sound_limit(syllables) }
}

/// A character with its readings; characters without a reading (letters, digits) match only themselves.
#[derive(Debug, Clone, Copy)]
struct Sound {
    ch: char,
    readings: &'static [Syllable],
    classes: &'static [u32],
    /// The reading that its word gives it, tones aside; `None`: any.
    only: Option<Syllable>,
}

impl Sound {
    fn of(ch: char) -> Self {
        let (readings, classes) = syllable::readings(ch);
        Self { ch, readings, classes, only: None }
    }

    fn cost(&self, other: &Self) -> f64 {
        // 重 of 重心 is not the 重 of 重新.
        let other_sense = matches!((self.only, other.only), (Some(a), Some(b)) if !a.is_spelled_like(b));
        if self.ch == other.ch && !other_sense {
            return 0.0;
        }
        let pairs = self.possible().flat_map(|a| other.possible().map(move |b| a.cost(b)));
        pairs.fold(1.0, f64::min)
    }

    fn possible(&self) -> impl Iterator<Item = Syllable> {
        let only = self.only;
        self.readings.iter().copied().filter(move |r| only.is_none_or(|o| o.is_spelled_like(*r)))
    }

    /// Classes of its readings; one of its own for a character without a reading.
    fn each_class(&self, mut visit: impl FnMut(u32)) {
        const NO_READING: u32 = 1 << 31;
        if self.classes.is_empty() {
            visit(NO_READING | self.ch as u32);
        }
        match self.only {
            Some(only) => visit(only.class()),
            None => self.classes.iter().for_each(|class| visit(*class)),
        }
    }

    /// Its classes as bits. Classes may share a bit: characters without a bit in common sound different.
    fn bits(&self) -> u128 {
        let mut bits = 0;
        self.each_class(|class| bits |= 1 << (class.wrapping_mul(0x9e37_79b9) >> 25));
        bits
    }
}

/// The sounds of a text, looked up once and matched many times.
#[derive(Debug, Clone, Default)]
pub struct SoundText {
    sounds: Vec<Sound>,
    /// Bits of all sounds.
    bits: u128,
}

impl SoundText {
    /// Looks up the readings of every character; `chars` are in matching form.
    pub fn new(chars: &[char]) -> Self {
        Self::of(chars.iter().map(|c| Sound::of(*c)).collect())
    }

    /// A phrase that somebody wrote: each character is read as in its word.
    pub fn of_phrase(chars: &[char]) -> Self {
        Self::read_as(chars, &context::chosen(chars, None))
    }

    /// A text whose words are known (character ranges, in order): each character is read as in its word, and any way where
    /// it stands alone.
    pub fn of_words(chars: &[char], words: &[Range<usize>]) -> Self {
        Self::read_as(chars, &context::chosen(chars, Some(words)))
    }

    fn read_as(chars: &[char], chosen: &[Option<Syllable>]) -> Self {
        let read = |(c, only): (&char, &Option<Syllable>)| {
            let sound = Sound::of(*c);
            // A word of the table may be read as no character is alone; then anything goes.
            let fits = only.is_some_and(|o| sound.readings.iter().any(|r| o.is_spelled_like(*r)));
            Sound { only: only.filter(|_| fits), ..sound }
        };
        Self::of(chars.iter().zip(chosen).map(read).collect())
    }

    /// What the phrase costs in a stretch of this text, per syllable; `None` where one of them is empty.
    pub fn cost_in(&self, range: &Range<usize>, phrase: &Self) -> Option<f64> {
        let part = self.sounds.get(range.clone())?;
        align(part, &phrase.sounds, 1.0, 1.0).into_iter().map(|m| m.cost).min_by(f64::total_cmp)
    }

    fn of(sounds: Vec<Sound>) -> Self {
        let bits = sounds.iter().fold(0, |bits, sound| bits | sound.bits());
        Self { sounds, bits }
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        self.sounds.len()
    }

    /// True where there is no character.
    pub fn is_empty(&self) -> bool {
        self.sounds.is_empty()
    }

    pub(crate) fn chars(&self) -> Vec<char> {
        self.sounds.iter().map(|s| s.ch).collect()
    }

    /// Class of each character's usual reading.
    pub(crate) fn first_classes(&self) -> Vec<u32> {
        (0..self.len()).map(|i| self.classes(i)[0]).collect()
    }

    fn each_class(&self, at: usize, visit: impl FnMut(u32)) {
        self.sounds[at].each_class(visit);
    }

    fn classes(&self, at: usize) -> Vec<u32> {
        let mut classes = Vec::new();
        self.sounds[at].each_class(|c| classes.push(c));
        classes
    }

    fn cost_at(&self, at: usize, other: &Self, place: usize) -> f64 {
        self.sounds[at].cost(&other.sounds[place])
    }
}

/// Pinyin of each Han character with its usual reading; other characters are skipped.
pub fn syllables(text: &str) -> Vec<String> {
    text.chars().filter_map(|c| c.to_pinyin()).map(|p| p.with_tone_num_end().to_owned()).collect()
}

/// How alike two characters sound: 0 the same, 1 not at all. Characters without a reading are only like themselves.
pub fn char_cost(a: char, b: char) -> f64 {
    Sound::of(a).cost(&Sound::of(b))
}

/// Where a phrase is most nearly heard, and how well.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundMatch {
    /// Characters of the text.
    pub range: Range<usize>,
    /// Mean cost per syllable of the phrase; 0 is the same characters or the same sounds.
    pub cost: f64,
}

/// The best place for `phrase` in `text` that costs no more than `limit` per syllable, gaps allowed; `None` where
/// there is none, which most often is found out for a small part of the price of [`phrase_likeness`].
pub fn phrase_within(text: &SoundText, phrase: &SoundText, limit: f64) -> Option<SoundMatch> {
    if least_cost(text, phrase) > limit {
        return None;
    }
    phrase_likeness(text, phrase).filter(|found| found.cost <= limit)
}

/// No place for `phrase` in `text` costs less than this: every syllable of which the text has nothing alike costs 1.
fn least_cost(text: &SoundText, phrase: &SoundText) -> f64 {
    let strange = phrase.sounds.iter().filter(|sound| sound.bits() & text.bits == 0).count();
    strange as f64 / phrase.len().max(1) as f64
}

/// Likeness of the best place for `phrase` in `text`, 0 to 1, gaps allowed: what a near miss reports.
pub fn phrase_likeness(text: &SoundText, phrase: &SoundText) -> Option<SoundMatch> {
    align(&text.sounds, &phrase.sounds, 1.0, 1.0)
        .into_iter()
        .min_by(|a, b| a.cost.total_cmp(&b.cost).then(a.range.start.cmp(&b.range.start)))
}

/// Semi-global alignment: the whole phrase against any stretch of the text; one candidate per end in the text.
fn align(text: &[Sound], phrase: &[Sound], gap: f64, max_cost: f64) -> Vec<SoundMatch> {
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
    use super::{SoundText, char_cost, phrase_likeness, syllables};

    fn sounds(text: &str) -> SoundText {
        SoundText::new(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn confusions_are_cheap_and_other_sounds_are_not() {
        assert!(char_cost('买', '卖') < 0.11);
        assert!((char_cost('请', '寝') - 0.3).abs() < 1e-9);
        assert!((char_cost('好', '谢') - 1.0).abs() < 1e-9);
        assert!((char_cost('a', 'b') - 1.0).abs() < 1e-9);
    }

    #[test]
    fn likeness_reports_the_best_place() {
        let best = phrase_likeness(&sounds("喂您好这里是"), &sounds("您好")).unwrap();
        assert_eq!(best.range, 1..3);
        assert!(best.cost < 1e-9);
    }

    #[test]
    fn characters_are_read_as_in_their_words() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let wanted = SoundText::of_phrase(&chars("重新登记"));
        for (text, words, heard) in [
            ("从新登记", &[0..2, 2..4][..], true),
            ("虫新登记", &[0..1, 1..2, 2..4], true),
            ("重心登记", &[0..2, 2..4], false),
            ("中心登记", &[0..2, 2..4], false),
            ("重新登记", &[0..2, 2..4], true),
        ] {
            let text = SoundText::of_words(&chars(text), words);
            assert_eq!(text.cost_in(&(0..4), &wanted).unwrap() < 0.2, heard, "{:?}", text.chars());
        }
        let bank = SoundText::of_phrase(&chars("银行卡号"));
        assert!(sounds("银杏卡号").cost_in(&(0..4), &bank).unwrap() > 0.2);
    }

    #[test]
    fn syllables_have_tone_numbers() {
        assert_eq!(syllables("您好a"), vec!["nin2", "hao3"]);
    }
}
