//! Numbers that not everybody may see or hear: telephones, identity cards, bank cards, and long numbers of any kind.
//!
//! Recognition errs, so a check digit may be wrong by one character: a run of eleven digits or more is hidden whatever it
//! is. Digits may be written or spoken, and people pause in them: punctuation, spaces and 嗯, 呃 between digits do not end a run.

use std::ops::Range;

use crate::entities::{EntityKind, digit, find_entities};

/// From so many digits on a number is hidden even where no kind of number fits.
const LONG: usize = 11;
/// Kinds that are hidden, the most certain first.
const KINDS: [EntityKind; 3] = [EntityKind::IdCard, EntityKind::BankCard, EntityKind::Phone];

/// Characters of each number that is to be hidden, in order, without overlaps.
pub fn sensitive_numbers(text: &[char]) -> Vec<Range<usize>> {
    // Without what people say or write between digits, and where each character came from.
    let places: Vec<usize> = (0..text.len()).filter(|i| !is_between_digits(text, *i)).collect();
    let joined: Vec<char> = places.iter().map(|i| text[*i]).collect();
    let back = |r: Range<usize>| Some(*places.get(r.start)?..places.get(r.end.checked_sub(1)?)? + 1);
    let known = KINDS.iter().flat_map(|kind| find_entities(&joined, *kind));
    let mut found: Vec<Range<usize>> = known.chain(long_runs(&joined)).filter_map(back).collect();
    found.sort_by_key(|r| (r.start, r.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in found {
        match out.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// The text with each hidden number's digits replaced by `*`, but for its last two: enough to tell two numbers apart.
pub fn mask(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for range in sensitive_numbers(&chars) {
        mask_range(&mut chars, range);
    }
    chars.into_iter().collect()
}

/// Hides the digits of one number, but for its last two.
pub fn mask_range(chars: &mut [char], range: Range<usize>) {
    let Some(part) = chars.get_mut(range) else { return };
    let digits: Vec<usize> = (0..part.len()).filter(|i| digit(part[*i]).is_some()).collect();
    for i in &digits[..digits.len().saturating_sub(2)] {
        part[*i] = '*';
    }
}

/// A sign or a filler with digits on both sides, other such signs aside.
fn is_between_digits(text: &[char], at: usize) -> bool {
    let joins = |c: char| c.is_whitespace() || "，,、。.-—–·~嗯呃啊哦".contains(c);
    if !text.get(at).is_some_and(|c| joins(*c)) {
        return false;
    }
    let next = |c: Option<&char>| c.is_some_and(|c| digit(*c).is_some());
    next(text[..at].iter().rev().find(|c| !joins(**c))) && next(text[at..].iter().find(|c| !joins(**c)))
}

fn long_runs(chars: &[char]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for i in (0..chars.len()).filter(|i| digit(chars[*i]).is_some()) {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs.retain(|r| r.len() >= LONG);
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{mask, sensitive_numbers};

    #[test]
    fn numbers_are_hidden_written_spoken_and_with_pauses() {
        assert_eq!(mask("电话13800138000。"), "电话*********00。");
        assert_eq!(mask("一三八，零零一三，嗯，八零零零"), "***，****，嗯，**零零");
        assert_eq!(mask("身份证11010519491231002X"), "身份证****************2X");
        assert_eq!(mask("卡号 4539 5787 6362 1486"), "卡号 **** **** **** **86");
        assert_eq!(mask("卡号4539578763621487"), "卡号**************87", "misheard, and hidden all the same");
    }

    #[test]
    fn orders_and_agents_numbers_stay() {
        for text in ["红塔山五条，云烟三条，一共八条", "工号3021为您服务", "二零二六年十一月十六号下午三点"]
        {
            assert_eq!(mask(text), text);
        }
    }

    proptest! {
        #[test]
        fn masks_keep_the_length_and_leave_nothing_long(text in "[零一二三四五六七八九幺0-9，、 嗯条xX]{0,60}") {
            let masked = mask(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            prop_assert!(sensitive_numbers(&masked.chars().collect::<Vec<_>>()).is_empty());
        }
    }
}
