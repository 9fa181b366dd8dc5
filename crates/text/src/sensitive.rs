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

/// The same for the name of a call or a recording: a date with a time of day (`20261103093015`) tells when the call was, and
/// is nobody's number. What stands beside it is masked by itself.
pub fn mask_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    let (mut out, mut from) = (String::new(), 0);
    let masked = |range: Range<usize>| mask(&chars[range].iter().collect::<String>());
    for time in date_times(&chars) {
        out += &masked(from..time.start);
        out.extend(&chars[time.clone()]);
        from = time.end;
    }
    out + &masked(from..chars.len())
}

/// Fourteen written digits, no more, that are a moment of this century: `YYYYMMDDhhmmss`. Longer numbers that begin alike are not.
fn date_times(chars: &[char]) -> Vec<Range<usize>> {
    let is_digit = |c: &char| digit(*c).is_some_and(|d| d < 10);
    let mut runs: Vec<Range<usize>> = Vec::new();
    for i in (0..chars.len()).filter(|i| is_digit(&chars[*i])) {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs.retain(|run| is_date_time(&chars[run.clone()]));
    runs
}

fn is_date_time(chars: &[char]) -> bool {
    let digits: Vec<u32> = chars.iter().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 14 || chars.len() != 14 {
        return false;
    }
    let number = |range: Range<usize>| digits[range].iter().fold(0, |n, d| n * 10 + d);
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (2000..2100).contains(&year)
        && (1..=days).contains(&day)
        && number(8..10) < 24
        && number(10..12) < 60
        && number(12..14) < 60
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

    use super::{mask, mask_id, sensitive_numbers};

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

    #[test]
    fn when_a_call_was_is_nobodys_number() {
        for id in [
            "20261103093015",
            "rec_20261103093015_0007",
            "q3-20281231235959.wav",
            "20240229000000-3021",
            "甲20261103093015乙",
        ] {
            assert_eq!(mask_id(id), id);
        }
        for (id, shown) in [
            ("20261103093015-13812345678", "20261103093015-*********78"),
            ("13812345678_20261103093015", "*********78_20261103093015"),
            ("20261103093015,6222021234567890123", "20261103093015,*****************23"),
            // No such day, hour or year; one digit too many or too few; spoken.
            ("20260230093015", "************15"),
            ("20261103243015", "************15"),
            ("19991231235959", "************59"),
            ("201261103093015", "*************15"),
            ("2026110309301", "***********01"),
            ("一20261103093015", "*************15"),
            // A card that begins like a year, in one piece and in groups.
            ("2026110309301512", "**************12"),
            ("2026 1103 0930 1512", "**** **** **** **12"),
            ("call-11010519491231002X", "call-****************2X"),
        ] {
            assert_eq!(mask_id(id), shown, "{id}");
        }
        assert_eq!(mask("20261103093015"), "************15", "in what people say it may be anything");
    }

    proptest! {
        #[test]
        fn ids_without_a_time_are_masked_as_text_is(id in "[a-z0-9_一 -]{0,13}") {
            prop_assert_eq!(mask_id(&id), mask(&id));
        }

        #[test]
        fn of_ids_with_a_time_the_rest_is_masked_as_text_is(before in "[a-z_-]{1}[0-9]{0,20}_", after in "(_[0-9x]{0,20})?") {
            let shown = format!("{}20261103093015{}", mask(&before), mask(&after));
            prop_assert_eq!(mask_id(&format!("{before}20261103093015{after}")), shown);
        }

        #[test]
        fn masks_keep_the_length_and_leave_nothing_long(text in "[零一二三四五六七八九幺0-9，、 嗯条xX]{0,60}") {
            let masked = mask(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            prop_assert!(sensitive_numbers(&masked.chars().collect::<Vec<_>>()).is_empty());
        }
    }
}
