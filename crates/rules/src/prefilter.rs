//! Which expressions can match a turn at all: one pass over the turn for the words that all of them need.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use crate::literals::{Words, branches};

/// The words of all expressions, and which branch asks for each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prefilter {
    words: Option<AhoCorasick>,
    /// For each word: branches that ask for it, and which of their lists it satisfies, as a bit.
    asked_by: Vec<Vec<(u32, u8)>>,
    branches: Vec<Branch>,
    /// Expressions of which nothing is known, as bits; one word too many rather than too few.
    always: Vec<u64>,
}

/// One branch of an expression.
#[derive(Debug, Clone)]
struct Branch {
    expression: u32,
    /// A bit for each list of words that a text must satisfy.
    lists: u8,
}

/// Memory of one pass, used again for the next turn.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    lists: Vec<u8>,
    touched: Vec<u32>,
}

impl Prefilter {
    /// A filter for these expressions, by their numbers.
    pub(crate) fn new<'e>(expressions: impl ExactSizeIterator<Item = &'e str>) -> Self {
        let mut filter = Self { always: vec![0; expressions.len().div_ceil(64)], ..Self::default() };
        let mut numbers = HashMap::new();
        for (number, expression) in (0u32..).zip(expressions) {
            match branches(expression) {
                Some(branches) => branches.iter().for_each(|lists| filter.add(number, lists, &mut numbers)),
                None => set(&mut filter.always, number),
            }
        }
        let mut words = vec![String::new(); numbers.len()];
        for (word, number) in numbers {
            words[number as usize] = word;
        }
        match AhoCorasick::new(words) {
            Ok(automaton) => filter.words = Some(automaton),
            // Too many words for an automaton: everything is tried.
            Err(_) => filter.always.fill(u64::MAX),
        }
        filter
    }

    fn add(&mut self, expression: u32, lists: &[Words], numbers: &mut HashMap<String, u32>) {
        let branch = self.branches.len() as u32;
        for (i, words) in lists.iter().enumerate() {
            for word in words {
                let next = numbers.len() as u32;
                let number = *numbers.entry(word.clone()).or_insert(next);
                if number == next {
                    self.asked_by.push(Vec::new());
                }
                self.asked_by[number as usize].push((branch, 1 << i));
            }
        }
        self.branches.push(Branch { expression, lists: u8::MAX >> (8 - lists.len()) });
    }

    /// The expressions that cannot match a text in matching form, as bits by their numbers.
    pub(crate) fn impossible(&self, text: &str, seen: &mut Seen) -> Vec<u64> {
        let mut possible = self.always.clone();
        let Some(words) = &self.words else { return possible.iter().map(|bits| !bits).collect() };
        seen.lists.resize(self.branches.len(), 0);
        for found in words.find_overlapping_iter(text) {
            for (branch, list) in &self.asked_by[found.pattern().as_usize()] {
                let known = &mut seen.lists[*branch as usize];
                if *known == 0 {
                    seen.touched.push(*branch);
                }
                *known |= list;
                let wanted = &self.branches[*branch as usize];
                if *known == wanted.lists {
                    set(&mut possible, wanted.expression);
                }
            }
        }
        seen.touched.drain(..).for_each(|branch| seen.lists[branch as usize] = 0);
        possible.iter().map(|bits| !bits).collect()
    }
}

fn set(bits: &mut [u64], number: u32) {
    bits[number as usize / 64] |= 1 << (number % 64);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::{Prefilter, Seen};

    const EXPRESSIONS: [&str; 12] = [
        "(你|您)?(真)+行",
        "难道.{0,3}(吗|么)",
        "(^|[^是])不是(都|早)*说过",
        "凭(什么|啥)$",
        "^(好|行)+$",
        "(你|您)(说|真(说|行)|早(是|说)?(过|吗))",
        "(?:你真){2}行?|说说",
        "(?i)a[你您]b",
        "[^好]{3}",
        "(好|行|(你|您)(好|行)?)(吗|么|)说",
        "((你真|您真)行|(真|早)(说|过).)吗",
        "\\b好\\B",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_matches_is_never_impossible(
            texts in prop::collection::vec("[你您真行难道吗么是不都早说过凭什啥好aAbB ]{0,9}", 1..4),
        ) {
            let filter = Prefilter::new(EXPRESSIONS.into_iter());
            let mut seen = Seen::default();
            for text in &texts {
                let impossible = filter.impossible(text, &mut seen);
                for (number, expression) in EXPRESSIONS.iter().enumerate() {
                    let matches = Regex::new(expression).unwrap().is_match(text);
                    prop_assert!(!matches || impossible[0] >> number & 1 == 0, "{} in {}", expression, text);
                }
            }
        }
    }

    #[test]
    fn what_lacks_its_words_is_impossible() {
        let filter = Prefilter::new(["难道.*吗", "凭什么"].into_iter());
        let mut seen = Seen::default();
        assert_eq!(filter.impossible("难道不行", &mut seen)[0] & 3, 3);
        assert_eq!(filter.impossible("难道不行吗凭", &mut seen)[0] & 3, 2);
        assert_eq!(filter.impossible("凭什么", &mut seen)[0] & 3, 1);
    }
}
