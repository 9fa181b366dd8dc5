//! Numbers as people say and write them: 五, 两百三, 俩, 半打, 二十五, 三零二一, 5, 200.

use std::ops::Range;

/// Measure words after which a numeral counts something: also a single 一 or 两.
const MEASURES: &str = "条箱件包盒元块毛角个只支瓶袋斤吨台份张单号点天小时分钟秒月日年岁次位";

/// Measure words of goods that are common words besides (一提到, 一听就), so that they count only here.
const MORE_MEASURES: &str = "桶提罐听壶捆扎杯板排挂坛卷副双筐捧把根枚粒";

/// A counted thing in a text: 五条, 3 箱, 半打.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// How many; 俩 is 2, 半打 is 6.
    pub value: f64,
    /// The measure word; `打` is resolved to single pieces and gives an empty unit.
    pub unit: Option<char>,
    /// Characters of the text that say it, unit included.
    pub range: Range<usize>,
}

fn digit(c: char) -> Option<u64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '幺' | '壹' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return c.to_digit(10).map(u64::from),
    })
}

fn power(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

fn is_numeral(c: char) -> bool {
    digit(c).is_some() || power(c).is_some()
}

/// Reads one number that fills the whole text: `二百三十`, `两百三` (= 230), `三零二一` (= 3021), `12`, `十`.
/// `None` where the characters do not make a number, or one beyond 10^12.
pub fn parse_number(chars: &[char]) -> Option<u64> {
    if chars.is_empty() || !chars.iter().all(|c| is_numeral(*c)) {
        return None;
    }
    if chars.iter().all(|c| digit(*c).is_some()) {
        return chars
            .iter()
            .try_fold(0u64, |n, c| n.checked_mul(10)?.checked_add(digit(*c)?).filter(|n| *n <= 1_000_000_000_000));
    }
    positional(chars)
}

/// Numbers with 十百千万亿. A bare last digit after a power takes the next lower one: 两百三 is 230.
fn positional(chars: &[char]) -> Option<u64> {
    let (mut total, mut section, mut current) = (0u64, 0u64, None::<u64>);
    let (mut last_power, mut zero_before) = (1u64, false);
    for &c in chars {
        if let Some(d) = digit(c) {
            zero_before = d == 0;
            current = match current {
                // Written digits in front of a power: 12万.
                Some(value) if c.is_ascii_digit() => Some(value.checked_mul(10)?.checked_add(d)?),
                Some(value) if value != 0 => return None,
                _ => Some(d),
            };
            continue;
        }
        let p = power(c)?;
        if p >= 10_000 {
            section = section.checked_add(current.unwrap_or(0))?;
            total = total.checked_add(section.max(1).checked_mul(p)?)?;
            section = 0;
        } else {
            section = section.checked_add(current.unwrap_or(1).checked_mul(p)?)?;
        }
        (current, last_power, zero_before) = (None, p, false);
    }
    let tail = current.unwrap_or(0);
    let elided = last_power >= 100 && !zero_before && tail != 0 && chars.len() >= 2;
    let after_zero = chars.len() >= 2 && digit(chars[chars.len() - 2]) == Some(0);
    let tail = if elided && !after_zero { tail * (last_power / 10) } else { tail };
    total.checked_add(section)?.checked_add(tail).filter(|n| *n <= 1_000_000_000_000)
}

/// Says a number as Mandarin does: 205 → 二百零五, 12 → 十二. Beyond 99,999,999 the digits are said one by one.
pub fn to_spoken(value: u64) -> String {
    if value == 0 {
        return "零".to_owned();
    }
    if value > 99_999_999 {
        return value.to_string().chars().map(spoken_digit).collect();
    }
    let mut out = String::new();
    let (high, low) = (value / 10_000, value % 10_000);
    if high > 0 {
        out.push_str(&section_words(high));
        out.push('万');
        if low > 0 && low < 1000 {
            out.push('零');
        }
    }
    if low > 0 {
        out.push_str(&section_words(low));
    }
    out.strip_prefix("一十").map(|rest| format!("十{rest}")).unwrap_or(out)
}

fn section_words(value: u64) -> String {
    let mut out = String::new();
    let mut gap = false;
    for (p, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let d = value / p % 10;
        if d == 0 {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('零');
        }
        out.push(char::from_digit(d as u32, 10).map_or('零', spoken_digit));
        out.push_str(name);
    }
    out
}

fn spoken_digit(c: char) -> char {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    c.to_digit(10).map_or(c, |d| DIGITS[d as usize])
}

/// Runs of characters that satisfy `test`.
fn runs(chars: &[char], test: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, c) in chars.iter().enumerate() {
        if !test(*c) {
            continue;
        }
        match out.last_mut() {
            Some(last) if last.end == i => last.end = i + 1,
            _ => out.push(i..i + 1),
        }
    }
    out
}

/// Edits that turn written digits into spoken numerals. Four or more digits, or a leading zero, are a code
/// (工号 3021, a phone number) and are said digit by digit.
pub(crate) fn spoken_edits(chars: &[char]) -> Vec<(Range<usize>, Vec<char>)> {
    runs(chars, |c| c.is_ascii_digit())
        .into_iter()
        .map(|range| {
            let run = &chars[range.clone()];
            let as_number = (run.len() < 4 && run[0] != '0').then(|| parse_number(run)).flatten();
            let spoken = as_number
                .map_or_else(|| run.iter().map(|c| spoken_digit(*c)).collect(), |v| to_spoken(v).chars().collect());
            (range, spoken)
        })
        .collect()
}

/// Edits that turn spoken numerals into written digits, where they surely count: two or more characters that read as
/// a number and stand before a measure word or hold a power or four digits; or a single one before a measure word
/// other than the everyday 一个, 一下, 一点.
pub(crate) fn written_edits(chars: &[char]) -> Vec<(Range<usize>, Vec<char>)> {
    runs(chars, |c| is_numeral(c) && !c.is_ascii_digit())
        .into_iter()
        .filter_map(|range| {
            let run = &chars[range.clone()];
            let value = parse_number(run)?;
            let next = chars.get(range.end).copied();
            let counted = next.is_some_and(|c| MEASURES.contains(c));
            let code = run.len() >= 4 && run.iter().all(|c| digit(*c).is_some());
            let clear = run.len() >= 2 && (counted || code || run.iter().any(|c| power(*c).is_some()));
            let single = run.len() == 1
                && counted
                && power(run[0]).is_none()
                && !(run[0] == '一' && matches!(next, Some('个' | '点' | '次' | '位' | '天')));
            let text = if code {
                run.iter().filter_map(|c| digit(*c)).map(|d| d.to_string()).collect()
            } else {
                value.to_string()
            };
            (clear || single || (run.len() == 1 && run[0] == '十' && counted)).then(|| (range, text.chars().collect()))
        })
        .collect()
}

/// Finds every counted thing: a number before a measure word; 俩 and 仨 alone; 半打, 一打.
pub fn find_quantities(chars: &[char]) -> Vec<Quantity> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        match quantity_at(chars, i) {
            Some(quantity) => {
                i = quantity.range.end;
                out.push(quantity);
            }
            None => i += 1,
        }
    }
    out
}

fn quantity_at(chars: &[char], start: usize) -> Option<Quantity> {
    if let Some(value) = match chars[start] {
        '俩' => Some(2.0),
        '仨' => Some(3.0),
        _ => None,
    } {
        return Some(Quantity { value, unit: None, range: start..start + 1 });
    }
    let half = chars[start] == '半';
    let end = if half { start + 1 } else { start + chars[start..].iter().take_while(|c| is_numeral(**c)).count() };
    let unit = *chars.get(end).filter(|_| end > start)?;
    let count = if half { 0.5 } else { parse_number(&chars[start..end])? as f64 };
    if unit == '打' {
        return Some(Quantity { value: count * 12.0, unit: None, range: start..end + 1 });
    }
    if !MEASURES.contains(unit) && !MORE_MEASURES.contains(unit) {
        return None;
    }
    let with_half = chars.get(end + 1) == Some(&'半');
    let value = if with_half { count + 0.5 } else { count };
    Some(Quantity { value, unit: Some(unit), range: start..end + 1 + usize::from(with_half) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{find_quantities, parse_number, to_spoken};

    fn number(text: &str) -> Option<u64> {
        parse_number(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn reads_what_people_say() {
        for (text, value) in [
            ("五", 5),
            ("十", 10),
            ("十二", 12),
            ("二十", 20),
            ("两百三", 230),
            ("两百三十", 230),
            ("二百零五", 205),
            ("一千二", 1200),
            ("一千零二十", 1020),
            ("三万五", 35_000),
            ("三零二一", 3021),
            ("12", 12),
            ("一百一十八", 118),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        assert_eq!(number("五条"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn finds_quantities_with_units() {
        let chars: Vec<char> = "要五条红塔山，再来俩，半打啤酒，两箱半".chars().collect();
        let found: Vec<(f64, Option<char>)> = find_quantities(&chars).into_iter().map(|q| (q.value, q.unit)).collect();
        assert_eq!(found, vec![(5.0, Some('条')), (2.0, None), (6.0, None), (2.5, Some('箱'))]);
    }

    proptest! {
        #[test]
        fn said_and_read_back(value in 0u64..99_999_999) {
            prop_assert_eq!(number(&to_spoken(value)), Some(value));
        }

        #[test]
        fn never_panics(text in "[零一二三四五六七八九十百千万亿两0-9半打条俩]{0,20}") {
            let chars: Vec<char> = text.chars().collect();
            let _ = parse_number(&chars);
            let _ = find_quantities(&chars);
        }
    }
}
