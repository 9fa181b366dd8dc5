//! Quantities whose words were misheard: 三十跳 says 三十条, 是条 says 十条 or 四条.

use callsift_text::{char_cost, find_quantities};

use super::Counted;
use crate::amount::Amount;

/// Measure words that are told by sound; of the others the homophones are everyday words (和, 见, 报).
const UNITS: [char; 4] = ['条', '箱', '瓶', '袋'];
/// Homophones of those that are said by themselves, too.
const EVERYDAY: &str = "向像想带待";
/// Numerals of one syllable. 一 and 两 sound like too much else.
const NUMERALS: [char; 9] = ['二', '三', '四', '五', '六', '七', '八', '九', '十'];
/// What before a measure word is no numeral and no other word either.
const NOT_HEARD: &str = "零一二两三四五六七八九十百千万半几多来余这那每哪整个";
/// Cost up to which two characters sound the same, tones aside.
const SAME_SOUND: f64 = 0.1;

/// Quantities of a doubtful text that sound like some, besides those that are written there. 十 and 四 are not told
/// apart.
pub(super) fn by_sound(chars: &[char], units: &[char]) -> Vec<Counted> {
    let restored = restored(chars);
    let changed = |at: usize| restored[at] != chars[at];
    let found = find_quantities(&restored).into_iter().filter(|q| q.unit.is_some_and(|u| units.contains(&u)));
    let new = found.filter(|q| q.range.clone().any(changed)).map(|q| {
        let unclear = q.range.clone().any(|at| changed(at) && matches!(restored[at], '十' | '四'));
        let value = if unclear { Amount::from((4.0, 10.0)) } else { Amount::from(&q) };
        Counted { value, range: q.range, by_sound: true }
    });
    new.collect()
}

/// The text with measure words behind numerals, and numerals before measure words, as they may have been said.
fn restored(chars: &[char]) -> Vec<char> {
    let mut text = chars.to_vec();
    for at in 1..chars.len() {
        let before = chars[at - 1];
        if counts(chars, at) {
            text[at] = unit_like(chars[at]).unwrap_or(chars[at]);
        } else if UNITS.contains(&chars[at]) && !NOT_HEARD.contains(before) {
            text[at - 1] = numeral_like(before).unwrap_or(before);
        }
    }
    text
}

/// True where a numeral ends before a place; 一 and 两 alone count whatever follows.
fn counts(chars: &[char], at: usize) -> bool {
    const NUMERAL: &str = "零一二两三四五六七八九十百";
    let is_numeral = |c: &char| NUMERAL.contains(*c);
    let digits = chars[..at].iter().rev().take_while(|c| is_numeral(c)).count();
    digits > 1 || digits == 1 && !matches!(chars[at - 1], '零' | '一' | '两')
}

fn unit_like(c: char) -> Option<char> {
    UNITS.into_iter().find(|unit| *unit != c && !EVERYDAY.contains(c) && char_cost(c, *unit) <= SAME_SOUND)
}

fn numeral_like(c: char) -> Option<char> {
    NUMERALS.into_iter().rev().find(|numeral| char_cost(c, *numeral) <= SAME_SOUND)
}

#[cfg(test)]
mod tests {
    use super::by_sound;

    fn found(text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        by_sound(&chars, &['条', '箱', '瓶', '袋']).into_iter().map(|c| c.value.to_string()).collect()
    }

    #[test]
    fn misheard_quantities_are_told_by_sound() {
        for (text, wanted) in [
            ("白下三十跳", &["30"][..]),
            ("椰汁三十香五龙茶六香", &["30", "6"]),
            ("小米二十代", &["20"]),
            ("红河是条", &["4–10"]),
            ("舞条", &["5"]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_written_and_what_is_something_else_is_left_alone() {
        for text in
            ["红塔山五条", "吓我一跳", "一项服务", "是包装坏了", "这条路", "六和八", "有没有条件", "我想向您反映"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
