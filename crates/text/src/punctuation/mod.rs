//! Marks for text that has none: ，。？ from the characters around each place and the pauses between them.
//!
//! The table is learnt from typed dialogues by `models/train/punctuation/train.py`, whose features these are.

mod measure;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use measure::{MarkMeasure, MarkScore};

use crate::Segmenter;

/// What may be put in; index 0 is nothing.
const MARKS: [char; 4] = ['\0', '，', '。', '？'];
/// A pause inside speech that speaks for a mark, and one that nearly always is one, milliseconds. Recognisers'
/// character times are too coarse for shorter ones.
const PAUSES_MS: [i64; 2] = [350, 800];
/// What reaching each of them adds to the scores of [`MARKS`]. In half of all places without a mark that score leads
/// by less than 1,900, in a tenth by less than 1,000.
const PAUSE_SCORE: [i32; 4] = [0, 1000, 900, 900];
/// Characters of the longest word that no mark may divide.
const LONGEST_WHOLE: usize = 3;
const ASKING: [&str; 12] = ["什么", "哪", "几", "多少", "怎么", "谁", "是否", "吗", "呢", "有没有", "能不能", "是不是"];

type Weights = HashMap<&'static str, [i32; 4]>;

static TABLE: LazyLock<Weights> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (name, numbers) = line.split_once('\t')?;
        let mut weights = [0; 4];
        for (weight, number) in weights.iter_mut().zip(numbers.split(' ')) {
            *weight = number.parse().ok()?;
        }
        Some((name, weights))
    };
    include_str!("table.txt").lines().filter_map(row).collect()
});

/// Where marks belong in a text that has none: (index of the character before it, mark), in order. `pauses_ms[i]` is
/// the silence after character `i`; fewer pauses than characters count as none. The last character has a full stop or
/// a question mark where `is_end` says that the speaker is done. Characters that are no letters, digits or Han stay as
/// they are and have no mark beside them; no mark stands between two digits or numerals, so that a number stays one,
/// nor inside a word of two or three characters (longer entries of the dictionary are often phrases, in which people
/// pause).
pub fn punctuate(chars: &[char], pauses_ms: &[i64], is_end: bool) -> Vec<(usize, char)> {
    let mut marks = Vec::new();
    let lower: Vec<char> = chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let inside = inside_words(chars);
    let (mut since, mut name) = (0, String::new());
    for (i, c) in chars.iter().enumerate() {
        since += 1;
        let next = chars.get(i + 1);
        if !c.is_alphanumeric() || next.is_some_and(|n| !n.is_alphanumeric()) {
            since = if c.is_alphanumeric() { since } else { 0 };
            continue;
        }
        if inside[i] || next.is_some_and(|n| joined(*c, *n)) || (next.is_none() && !is_end) {
            continue;
        }
        let mut scores = [0; 4];
        each_feature(&lower, i, since, &mut name, &mut |name| {
            if let Some(weights) = TABLE.get(name) {
                scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += weight);
            }
        });
        let pause = pauses_ms.get(i).copied().unwrap_or(0);
        let strength = PAUSES_MS.iter().filter(|least| pause >= **least).count() as i32;
        scores.iter_mut().zip(PAUSE_SCORE).for_each(|(score, more)| *score += strength * more);
        let allowed = if next.is_none() { 2..4 } else { 0..4 };
        // Of equals the first: nothing before a comma, a full stop before a question mark.
        let best = allowed.rev().max_by_key(|k| scores[*k]).unwrap_or(0);
        if best > 0 {
            marks.push((i, MARKS[best]));
            since = 0;
        }
    }
    marks
}

/// True for each character after which a short word goes on.
fn inside_words(chars: &[char]) -> Vec<bool> {
    let mut inside = vec![false; chars.len()];
    let words = Segmenter::default().ranges(&chars.iter().collect::<String>());
    for word in words.into_iter().filter(|w| w.len() <= LONGEST_WHOLE) {
        inside[word.start..word.end.saturating_sub(1)].fill(true);
    }
    inside
}

/// Two characters of one number or of one word in Latin letters.
fn joined(a: char, b: char) -> bool {
    let numeral = |c: char| c.is_numeric() || "零〇一二两三四五六七八九十百千万亿点幺洞拐".contains(c);
    (numeral(a) && numeral(b)) || (a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
}

/// Gives the name of each feature of a place to `use_it`; `name` is a buffer.
fn each_feature(chars: &[char], i: usize, since: usize, name: &mut String, use_it: &mut dyn FnMut(&str)) {
    let at = |k: isize| i.checked_add_signed(k).and_then(|at| chars.get(at)).copied().unwrap_or('^');
    // The three characters up to the place, and the three after it.
    let [before2, before, here] = [at(-2), at(-1), at(0)];
    let [next, next2, next3] = [at(1), at(2), at(3)];
    let clause: String = chars[(i + 1).saturating_sub(since)..=i].iter().collect();
    let asks = if ASKING.iter().any(|word| clause.contains(word)) { '1' } else { '0' };
    let grams: [&[char]; 12] = [
        &['b'],
        &['0', here],
        &['1', next],
        &['2', before, here],
        &['3', next, next2],
        &['4', here, next],
        &['5', before2, before, here],
        &['6', next, next2, next3],
        &['7', before, here, next],
        &['8', here, next, next2],
        &['q', asks],
        &['r', asks, here, next],
    ];
    for gram in grams {
        name.clear();
        name.extend(gram);
        use_it(name);
    }
    use_it(&format!("l{}", since.min(12)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::punctuate;

    fn marked(text: &str, pauses: &[(usize, i64)]) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut silence = vec![0; chars.len()];
        for (i, ms) in pauses {
            silence[*i] = *ms;
        }
        let marks = punctuate(&chars, &silence, true);
        let mark = |i: usize| marks.iter().find(|(at, _)| *at == i).map(|(_, mark)| *mark);
        chars.iter().enumerate().flat_map(|(i, c)| std::iter::once(*c).chain(mark(i))).collect()
    }

    #[test]
    fn plain_service_talk_reads_as_written() {
        for text in ["好的，谢谢。", "您好，工号三零二一为您服务。", "不是说今天送到吗？", "地址是在哪里？"]
        {
            let bare: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            assert_eq!(marked(&bare, &[]), text);
        }
    }

    #[test]
    fn a_long_pause_is_a_mark() {
        let bare = marked("红塔山五条云烟", &[]);
        let paused = marked("红塔山五条云烟", &[(4, 1000)]);
        assert!(paused.starts_with("红塔山五条，") || paused.starts_with("红塔山五条。"), "{bare} {paused}");
    }

    #[test]
    fn a_number_stays_one() {
        let silence = [(0, 2000), (3, 2000), (6, 2000)];
        assert!(marked("一三八零零一三八三零二一", &silence).starts_with("一三八零零一三八三零二一"));
    }

    proptest! {
        #[test]
        fn characters_never_change(text in "\\PC{0,40}", pause in 0i64..2000) {
            let chars: Vec<char> = text.chars().collect();
            let marks = punctuate(&chars, &vec![pause; chars.len()], true);
            prop_assert!(marks.iter().all(|(i, m)| *i < chars.len() && "，。？".contains(*m)));
            prop_assert!(marks.windows(2).all(|w| w[0].0 < w[1].0));
            let beside = |i: usize| chars.get(i).is_some_and(|c| !c.is_alphanumeric());
            prop_assert!(marks.iter().all(|(i, _)| !beside(*i) && !beside(*i + 1)));
            prop_assert!(punctuate(&chars, &[], false).iter().all(|(i, _)| i + 1 < chars.len()));
        }
    }
}
