//! Numbers that not everybody may see or hear: telephones, identity cards, bank cards, and long numbers of any kind.
//!
//! One definition for pages, search, exports and sound. Digits count however they are written or said (13800138000, full
//! width, 幺三八, 壹叁捌, 洞拐, 三个零, other scripts), with whatever people put between them (spaces, dashes, slashes,
//! 嗯, invisible characters). Hidden is what is a mobile, landline, identity or bank card number; any run of eleven digits or
//! more, because recognition errs; and seven digits or more where the words around them speak of a number (电话, 卡号 …).
//! Readable stay prices, sizes, counts in a row, dates, staff numbers: people check orders with them.
//! `tests/labelled/numbers.txt` holds the examples, `callsift eval --numbers` measures this module on them.

mod decide;
mod measure;
mod tokens;

use std::ops::Range;

pub use measure::MaskMeasure;
use tokens::{Group, Tens, chains, digit, tokens};

/// Words that say that somebody's number follows, within so many characters.
const CUES: [&str; 25] = [
    "电话",
    "手机",
    "号码",
    "身份证",
    "证件",
    "卡号",
    "账号",
    "帐号",
    "银行卡",
    "信用卡",
    "储蓄卡",
    "联系方式",
    "座机",
    "传真",
    "微信",
    "电話",
    "電話",
    "手機",
    "號碼",
    "帳號",
    "护照",
    "QQ",
    "qq",
    "信用代码",
    "税号",
];
const CUE_REACH: usize = 12;
/// Words that say so behind a number.
const CUES_BEHIND: [&str; 9] =
    ["这个电话", "这个号码", "这个手机", "是我电话", "是我手机", "是我的手机", "我电话", "是我的电话", "这个是我"];
/// Words that make a cue speak of the centre's or an order's number, which is nobody's secret.
const NOT_PRIVATE: [&str; 20] = [
    "客服电话",
    "服务电话",
    "投诉电话",
    "订货电话",
    "热线电话",
    "服务热线",
    "咨询电话",
    "客服热线",
    "监督电话",
    "工号",
    "订单号",
    "单号",
    "编号",
    "订货号码",
    "条形码",
    "条码",
    "货号",
    "订单",
    "专卖证",
    "许可证",
];

/// Characters of each number that is to be hidden, in order, without overlaps.
pub fn sensitive_numbers(text: &[char]) -> Vec<Range<usize>> {
    let mut found = merged(numbers_in(text));
    // The two digits left readable of one number may begin the next: what is shown is looked at again until it holds none.
    while !found.is_empty() {
        let mut shown = text.to_vec();
        for range in &found {
            mask_range(&mut shown, range.clone());
        }
        let more = numbers_in(&shown);
        if more.is_empty() {
            break;
        }
        found = merged([found, more].concat());
    }
    found
}

/// The numbers that stand in a text as it is written, in no order.
fn numbers_in(text: &[char]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let whole: String = text.iter().collect();
    let may_be_cued = CUES.iter().chain(&CUES_BEHIND).any(|cue| whole.contains(cue));
    for mode in [Tens::Skip, Tens::Read] {
        if mode == Tens::Read && !may_be_cued {
            continue;
        }
        for chain in chains(text, mode) {
            let (cued, public) = cue(text, &chain);
            // Numbers read out in tens (幺三八，十六，九十五) are told from prices only by what is said before them.
            if mode == Tens::Skip || cued {
                let counted = is_counted(text, &chain);
                found.extend(decide::hidden(&chain, cued, public || counted));
                // What is counted is the number before the measure word; one that was read out before it is none
                // (幺三八零零……嗯七条).
                if let (true, false, [before @ .., _]) = (counted, public, &chain[..]) {
                    found.extend(decide::hidden(before, cued, false));
                }
            }
        }
    }
    found
}

/// Ranges in order; what overlaps or touches becomes one.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

/// Whether the words around a chain say that it is somebody's number, and whether they say that it is nobody's.
fn cue(text: &[char], chain: &[Group]) -> (bool, bool) {
    let (Some(first), Some(last)) = (chain.first(), chain.last()) else { return (false, false) };
    let start = first.range.start;
    let before: String = text[start.saturating_sub(CUE_REACH)..start].iter().collect();
    let behind: String = text[last.range.end..].iter().take(CUE_REACH / 2).collect();
    let at = |words: &[&str]| words.iter().filter_map(|w| before.rfind(w).map(|at| at + w.len())).max();
    let (private, public) = (at(&CUES), at(&NOT_PRIVATE));
    let private_behind = CUES_BEHIND.iter().any(|w| behind.starts_with(w));
    let is_public = public.is_some_and(|q| private.is_none_or(|p| p <= q));
    (private_behind || private.is_some() && !is_public, is_public && !private_behind)
}

/// A measure word follows: what stands before it is a count.
fn is_counted(text: &[char], chain: &[Group]) -> bool {
    let after = chain.last().and_then(|g| text.get(g.range.end));
    after.is_some_and(|c| "元块毛角条箱件包盒瓶袋桶个台斤吨份张克码寸米度折%％".contains(*c))
}

/// The text with each hidden number's digits replaced by `*`, but for its last two: enough to tell two numbers apart.
pub fn mask(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for range in sensitive_numbers(&chars) {
        mask_range(&mut chars, range);
    }
    chars.into_iter().collect()
}

/// The same for the name of a call or a recording, which is shown unless it holds a telephone, identity or card number: a day
/// (`20261103`), with or without a time (`20261103093015`), tells when the call was, and eleven or twelve written digits that no
/// telephone has are a serial number. What stands beside a day is masked by itself.
pub fn mask_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    let (mut out, mut from) = (String::new(), 0);
    for time in date_times(&chars) {
        out += &mask_piece(&chars[from..time.start]);
        out.extend(&chars[time.clone()]);
        from = time.end;
    }
    out + &mask_piece(&chars[from..])
}

/// A piece of a name with its numbers hidden, serial numbers left.
fn mask_piece(piece: &[char]) -> String {
    let mut shown = piece.to_vec();
    for range in sensitive_numbers(piece) {
        if !is_serial(&piece[range.clone()]) {
            mask_range(&mut shown, range);
        }
    }
    shown.into_iter().collect()
}

/// Eleven or twelve written digits that are no telephone number: neither a mobile's anywhere in them, nor a landline's with its
/// area code. Cards and identities have more digits.
fn is_serial(number: &[char]) -> bool {
    let digits: Vec<u32> = number.iter().filter_map(|c| c.to_digit(10)).collect();
    let spoken = number.iter().any(|c| c.is_alphanumeric() && !c.is_ascii_digit());
    let mobile = digits.windows(11).any(|d| d[0] == 1 && d[1] >= 3);
    let landline = digits.first() == Some(&0) && digits.get(1) != Some(&0);
    (11..=12).contains(&digits.len()) && !spoken && !mobile && !landline
}

/// Eight or fourteen written digits, no more, that are a day or a moment of this century: `YYYYMMDD`, `YYYYMMDDhhmmss`. Longer
/// numbers that begin alike are not.
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
    if ![8, 14].contains(&digits.len()) || chars.len() != digits.len() {
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
    let time = || number(8..10) < 24 && number(10..12) < 60 && number(12..14) < 60;
    (2000..2100).contains(&year) && (1..=days).contains(&day) && (digits.len() == 8 || time())
}

/// Hides the digits of one number, but for its last two where they stand alone: of 三个零 nothing is left.
pub fn mask_range(chars: &mut [char], range: Range<usize>) {
    let Some(part) = chars.get_mut(range) else { return };
    let said = tokens(part, Tens::Read);
    let last = said.iter().rev().take_while(|t| t.plain).take(2).count();
    for token in &said[..said.len() - last] {
        part[token.range.clone()].fill('*');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MaskMeasure, date_times, mask, mask_id, sensitive_numbers};

    #[test]
    fn numbers_are_hidden_written_spoken_and_with_pauses() {
        assert_eq!(mask("电话13800138000。"), "电话*********00。");
        assert_eq!(mask("一三八，零零一三，嗯，八零零零"), "***，****，嗯，**零零");
        assert_eq!(mask("身份证11010519491231002X"), "身份证****************2X");
        assert_eq!(mask("卡号 4539 5787 6362 1486"), "卡号 **** **** **** **86");
        assert_eq!(mask("卡号4539578763621487"), "卡号**************87", "misheard, and hidden all the same");
    }

    #[test]
    fn what_is_left_of_a_number_makes_no_other() {
        assert_eq!(mask("00八五幺三幺0三一九，五九九零二六0零零条"), "***********，*******零零条");
    }

    #[test]
    fn the_labelled_lines_are_hidden_and_nothing_else_is() {
        let lines = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labelled/numbers.txt");
        let measure = MaskMeasure::of(&std::fs::read_to_string(lines).unwrap());
        assert!(measure.lines >= 200, "{} lines", measure.lines);
        assert_eq!((measure.readable, measure.needless), (0, 0), "{:#?}", measure.wrong);
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
            "20261116-0042",
            "20261116-00042",
            "call_20261116_1234567",
            "000000004711",
        ] {
            assert_eq!(mask_id(id), id);
        }
        for (id, shown) in [
            ("20261103093015-13812345678", "20261103093015-*********78"),
            ("13812345678_20261103093015", "*********78_20261103093015"),
            ("20261103093015,6222021234567890123", "20261103093015,*****************23"),
            // A telephone beside a day, with its country, with its area; a day that is none.
            ("20261116-13812345678", "20261116-*********78"),
            ("8613812345678-20261116", "***********78-20261116"),
            ("010-12345678", "***-******78"),
            ("20261345-000042", "********-****42"),
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
            let digits = id.chars().filter(char::is_ascii_digit).count();
            prop_assume!(date_times(&id.chars().collect::<Vec<_>>()).is_empty() && !(11..=12).contains(&digits));
            prop_assert_eq!(mask_id(&id), mask(&id));
        }

        /// Whatever stands around it, a mobile's number is never shown in a name.
        #[test]
        fn no_name_shows_a_mobile_number(before in "(20261103|[0-9]{0,3}|[a-z]{0,3})[_-]?", number in "1[3-9][0-9]{9}", after in "[_-][a-z0-9]{0,4}") {
            let shown = mask_id(&format!("{before}{number}{after}"));
            prop_assert!(!shown.contains(&number), "{}", shown);
        }

        #[test]
        fn of_ids_with_a_time_the_rest_is_masked_as_text_is(before in "[a-z_-]{1}[0-9]{0,20}_", after in "(_[0-9x]{0,20})?") {
            let has_time = |part: &str| !date_times(&part.chars().collect::<Vec<_>>()).is_empty();
            let serial = |part: &str| (11..=12).contains(&part.chars().filter(char::is_ascii_digit).count());
            prop_assume!(![&before, &after].iter().any(|part| has_time(part) || serial(part)));
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
