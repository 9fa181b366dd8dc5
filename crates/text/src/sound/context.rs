//! Which reading a character has in its word: 重新 is chong xin and 重心 zhong xin.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::syllable::{Syllable, readings, spelled};

/// A word and the syllables of its characters, tones aside.
struct Word {
    chars: Vec<char>,
    syllables: Vec<Syllable>,
}

/// Words by their first characters, longer ones first.
fn words() -> &'static HashMap<char, Vec<Word>> {
    static WORDS: OnceLock<HashMap<char, Vec<Word>>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: HashMap<char, Vec<Word>> = HashMap::new();
        for line in include_str!("readings.txt").lines().filter(|l| !l.starts_with('#')) {
            let mut parts = line.split(' ');
            let chars: Vec<char> = parts.next().unwrap_or_default().chars().collect();
            let syllables: Option<Vec<Syllable>> = parts.map(spelled).collect();
            if let (Some(first), Some(syllables)) = (chars.first(), syllables.filter(|s| s.len() == chars.len())) {
                words.entry(*first).or_default().push(Word { chars, syllables });
            }
        }
        for list in words.values_mut() {
            list.sort_by_key(|word| std::cmp::Reverse(word.chars.len()));
        }
        words
    })
}

/// For each character the one reading that its word gives it; `None` where it has but one or may have any.
///
/// Words with readings of their own come first, the longest at each place. A character of another word is read as it is by
/// itself; one that stands alone may have any reading, for a recogniser that errs leaves such characters behind.
/// `others` are the words of the text; `None` where the text is one phrase that somebody wrote.
pub(super) fn chosen(chars: &[char], others: Option<&[Range<usize>]>) -> Vec<Option<Syllable>> {
    let mut chosen: Vec<Option<Syllable>> = vec![None; chars.len()];
    let usual = |range: Range<usize>, chosen: &mut [Option<Syllable>]| {
        for i in range {
            chosen[i] = readings(chars[i]).0.first().copied();
        }
    };
    match others {
        None => usual(0..chars.len(), &mut chosen),
        Some(others) => {
            others.iter().filter(|w| w.len() > 1 && w.end <= chars.len()).for_each(|w| usual(w.clone(), &mut chosen));
        }
    }
    let mut at = 0;
    while at < chars.len() {
        let known = words().get(&chars[at]);
        match known.and_then(|list| list.iter().find(|word| chars[at..].starts_with(&word.chars))) {
            Some(word) => {
                for (i, syllable) in word.syllables.iter().enumerate() {
                    chosen[at + i] = Some(*syllable);
                }
                at += word.chars.len();
            }
            None => at += 1,
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::{spelled, words};

    #[test]
    fn every_word_of_the_table_can_be_read() {
        let listed = include_str!("readings.txt").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(words().values().map(Vec::len).sum::<usize>(), listed);
        assert!(spelled("chong").is_some() && spelled("nosuch").is_none());
    }
}
