//! Counted things: a number and its measure word.

use std::ops::Range;

use super::read::parse_between;
use super::{digit, numeral_len, power};

/// Measure words after which a numeral counts something: also a single 一 or 两.
pub(super) const MEASURES: &str = "条箱件包盒元块毛角个只支瓶袋斤吨台份张单号点天小时分钟秒月日年岁次位";

/// Measure words of goods that are common words besides (一提到, 一听就), so that they count only here.
const MORE_MEASURES: &str = "桶提罐听壶捆扎杯板排挂坛卷副双筐捧把根枚粒";

/// Words that begin with what looks like a measure word: 一五一七条形码 counts nothing.
const NO_MEASURES: [&str; 53] = [
    "条形码",
    "条码",
    "条件",
    "条款",
    "条例",
    "件套",
    "包装",
    "包裹",
    "包括",
    "包含",
    "包邮",
    "包子",
    "包间",
    "打电话",
    "打给",
    "打过",
    "打不",
    "打来",
    "打通",
    "打了",
    "打扰",
    "打算",
    "打开",
    "打的",
    "打头",
    "打进",
    "打错",
    "听说",
    "听见",
    "听到",
    "听着",
    "听起",
    "听不",
    "提前",
    "提到",
    "提供",
    "提醒",
    "提交",
    "提起",
    "支付",
    "支持",
    "只要",
    "只有",
    "只能",
    "只是",
    "号码",
    "单号",
    "毛病",
    "排队",
    "双方",
    "根据",
    "把它",
    "台风",
];

/// What is counted and is no goods: 三条短信, 两条街.
const NO_GOODS: [&str; 17] = [
    "短信",
    "微信",
    "信息",
    "消息",
    "街",
    "马路",
    "路线",
    "线路",
    "狗",
    "建议",
    "意见",
    "规定",
    "内容",
    "新闻",
    "命",
    "是什么",
    "事情",
];

/// So many digits in a row are the digits of a code (a telephone, a card), never a count.
const CODE: usize = 5;

/// Words before a number that say what the number is a number of.
const CODE_BEFORE: [&str; 12] =
    ["工号", "号码", "编号", "单号", "尾号", "电话", "手机", "热线", "座机", "条码", "条形码", "门牌"];

/// A counted thing in a text: 五条, 3 箱, 半打, 五六条.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// How many, at least; 俩 is 2, 半打 is 6, 五六条 is 5.
    pub value: f64,
    /// How many, at most: 6 for 五六条; the same as `value` where one number is said.
    pub most: f64,
    /// The measure word; `打` is resolved to single pieces and gives an empty unit.
    pub unit: Option<char>,
    /// Characters of the text that say it, unit included.
    pub range: Range<usize>,
}

/// Every number of a text, least and most, whatever follows it: where the measure word may have been misheard.
pub fn find_numbers(chars: &[char]) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let number = number_at(chars, i);
        i += number.as_ref().map_or(1, |n| n.len.max(1));
        out.extend(number.filter(|n| n.value.is_finite()).map(|n| (n.value, n.most)));
    }
    out
}

/// Finds every counted thing: a number before a measure word; 俩 and 仨 alone; 半打, 一打.
pub fn find_quantities(chars: &[char]) -> Vec<Quantity> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        if let Some(quantity) = quantity_at(chars, i) {
            i = quantity.range.end;
            join(&mut out, chars, quantity);
        } else {
            i += number_at(chars, i).map_or(1, |n| n.len.max(1));
        }
    }
    out
}

/// 五条或者六条, 两条到三条: two counts of one thing are one rough count.
fn join(out: &mut Vec<Quantity>, chars: &[char], next: Quantity) {
    const BETWEEN: [&[char]; 5] = [&['到'], &['至'], &['或'], &['或', '者'], &['还', '是']];
    if let Some(last) = out.last_mut() {
        let between = &chars[last.range.end..next.range.start];
        if last.unit == next.unit && last.value <= next.value && BETWEEN.contains(&between) {
            last.most = next.most;
            last.range.end = next.range.end;
            return;
        }
    }
    out.push(next);
}

/// A number at a place, with what belongs to it up to the measure word.
struct Number {
    value: f64,
    most: f64,
    len: usize,
    /// Said or written digit by digit.
    bare_digits: usize,
}

/// 五, 五六, 三点五, 五到六, 二十多, 十来, 半.
fn number_at(chars: &[char], start: usize) -> Option<Number> {
    if chars[start] == '半' {
        return Some(Number { value: 0.5, most: 0.5, len: 1, bare_digits: 0 });
    }
    if chars[start] == '几' {
        // 几十条 is twenty to ninety.
        let base = chars.get(start + 1).and_then(|c| power(*c))? as f64;
        return Some(Number { value: 2.0 * base, most: 10.0 * base - 1.0, len: 2, bare_digits: 0 });
    }
    let len = numeral_len(chars, start);
    let numeral = &chars[start..start + len];
    let bare_digits = if numeral.iter().all(|c| digit(*c).is_some()) { len } else { 0 };
    let Some((least, most)) = (len > 0).then(|| parse_between(numeral)).flatten() else {
        return (len > 0).then_some(Number { value: f64::NAN, most: f64::NAN, len, bare_digits });
    };
    let mut number = Number { value: least as f64, most: most as f64, len, bare_digits };
    let next = |at: usize| chars.get(start + at).copied();
    match next(len) {
        Some('点') if !is_clock(chars, start) => add_decimals(&mut number, chars, start),
        Some('到' | '至' | '或') => {
            let second = start + len + 1;
            let more = numeral_len(chars, second);
            let end = (more > 0).then(|| parse_between(&chars[second..second + more])).flatten();
            if let Some((_, end)) = end.filter(|(_, end)| *end as f64 >= number.value) {
                number.most = end as f64;
                number.len += 1 + more;
            }
        }
        // 十几条 is eleven to nineteen, 几十条 twenty to ninety.
        Some('几') if numeral.last().is_some_and(|c| power(*c) == Some(10)) => {
            (number.value, number.most) = (number.value + 1.0, number.most + 9.0);
            number.len += 1;
        }
        // 二十多条 is more than twenty and less than thirty.
        Some('多' | '来' | '余') => {
            if let Some(p) = numeral.last().and_then(|c| power(*c)) {
                number.most += p as f64;
                number.len += 1;
            }
        }
        _ => {}
    }
    Some(number)
}

/// 三点五 is 3.5 where digits follow one by one.
fn add_decimals(number: &mut Number, chars: &[char], start: usize) {
    let from = start + number.len + 1;
    let digits: Vec<u64> = chars[from.min(chars.len())..].iter().map_while(|c| digit(*c)).take(6).collect();
    let ends = chars.get(from + digits.len()).is_none_or(|c| power(*c).is_none());
    if digits.is_empty() || !ends {
        return;
    }
    let tail = digits.iter().rev().fold(0.0, |tail, d| (tail + *d as f64) / 10.0);
    number.value += tail;
    number.most = number.value;
    number.len += 1 + digits.len();
}

/// 下午三点五箱 names the hour.
fn is_clock(chars: &[char], start: usize) -> bool {
    const HOURS: [[char; 2]; 11] = [
        ['早', '上'],
        ['上', '午'],
        ['中', '午'],
        ['下', '午'],
        ['傍', '晚'],
        ['晚', '上'],
        ['凌', '晨'],
        ['今', '天'],
        ['明', '天'],
        ['后', '天'],
        ['昨', '天'],
    ];
    HOURS.iter().any(|word| chars[..start].ends_with(word))
}

fn quantity_at(chars: &[char], start: usize) -> Option<Quantity> {
    let alone = match chars[start] {
        '俩' => Some(2.0),
        '仨' => Some(3.0),
        _ => None,
    };
    if let Some(value) = alone {
        return Some(Quantity { value, most: value, unit: None, range: start..start + 1 });
    }
    let number = number_at(chars, start).filter(|n| n.value.is_finite() && n.bare_digits < CODE)?;
    // The third parcel is one parcel.
    if start > 0 && chars[start - 1] == '第' {
        return None;
    }
    let end = start + number.len;
    let unit = *chars.get(end)?;
    let rest = &chars[end..];
    if NO_MEASURES.iter().any(|word| word.chars().zip(rest).filter(|(a, b)| a == *b).count() == word.chars().count())
        || number.bare_digits >= 2 && is_code(chars, start)
    {
        return None;
    }
    if unit == '打' {
        let (value, most) = (number.value * 12.0, number.most * 12.0);
        return Some(Quantity { value, most, unit: None, range: start..end + 1 });
    }
    if !MEASURES.contains(unit) && !MORE_MEASURES.contains(unit) {
        return None;
    }
    let behind: String = chars[end + 1..].iter().take(4).collect();
    if unit == '条' && NO_GOODS.iter().any(|word| behind.starts_with(word)) {
        return None;
    }
    let (more, taken) = behind_unit(chars, end, unit);
    let (value, most) = (number.value + more, number.most + more);
    Some(Quantity { value, most, unit: Some(unit), range: start..end + 1 + taken })
}

/// What a measure word is followed by that counts on: 一箱半, 三块五. The part, and how many characters say it.
fn behind_unit(chars: &[char], unit_at: usize, unit: char) -> (f64, usize) {
    let after = |i: usize| chars.get(unit_at + i).copied();
    if after(1) == Some('半') {
        // Half of a time that follows is not half of what was counted: 四十八瓶半小时左右送到.
        let time = after(2).is_some_and(|c| "天小个月年路夜晌".contains(c));
        return if time { (0.0, 0) } else { (0.5, 1) };
    }
    match after(1).and_then(digit) {
        Some(tenths) if "块元".contains(unit) && tenths > 0 && after(1) != Some('两') => {
            let closed = after(2).is_none_or(|c| digit(c).is_none() && power(c).is_none());
            let counts_itself = after(2).is_some_and(|c| MEASURES.contains(c) || MORE_MEASURES.contains(c));
            if closed && !counts_itself { (tenths as f64 / 10.0, 1) } else { (0.0, 0) }
        }
        _ => (0.0, 0),
    }
}

/// A word before the number says that it is somebody's or something's.
fn is_code(chars: &[char], start: usize) -> bool {
    let before: String = chars[start.saturating_sub(4)..start].iter().collect();
    let before = before.trim_end_matches(['是', '为']);
    CODE_BEFORE.iter().any(|word| before.ends_with(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::find_quantities;
    use crate::numbers::{parse_number, to_spoken};

    fn found(text: &str) -> Vec<(f64, f64, Option<char>)> {
        let chars: Vec<char> = text.chars().collect();
        find_quantities(&chars).into_iter().map(|q| (q.value, q.most, q.unit)).collect()
    }

    #[test]
    fn finds_quantities_with_units() {
        assert_eq!(
            found("要五条红塔山，再来俩，半打啤酒，两箱半"),
            [(5.0, 5.0, Some('条')), (2.0, 2.0, None), (6.0, 6.0, None), (2.5, 2.5, Some('箱'))]
        );
    }

    #[test]
    fn half_of_a_time_is_not_half_of_what_was_counted() {
        for text in ["八瓶半小时后送到", "八瓶半个月后要", "八瓶半天就卖完"] {
            let chars: Vec<char> = text.chars().collect();
            let found = super::find_quantities(&chars);
            assert!((found[0].value - 8.0).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn rough_and_broken_numbers() {
        for (text, least, most) in [
            ("五六条", 5.0, 6.0),
            ("五到六条", 5.0, 6.0),
            ("十到十五条", 10.0, 15.0),
            ("两三百条", 200.0, 300.0),
            ("二十多条", 20.0, 30.0),
            ("十来条", 10.0, 20.0),
            ("五条或者六条", 5.0, 6.0),
            ("十几条", 11.0, 19.0),
            ("几十条", 20.0, 99.0),
            ("一点五箱", 1.5, 1.5),
            ("一箱半", 1.5, 1.5),
            ("三块五", 3.5, 3.5),
            ("五十六条", 56.0, 56.0),
        ] {
            let one: Vec<_> = found(text).into_iter().map(|(a, b, _)| (a, b)).collect();
            assert_eq!(one, [(least, most)], "{text}");
        }
        assert_eq!(found("下午三点五箱").len(), 2, "the hour, and five boxes");
    }

    #[test]
    fn numbers_of_people_and_things_count_nothing() {
        for text in [
            "一三八零零一三八零零八打给我",
            "13800138008打不通",
            "工号一五一七条形码",
            "一五一七条码扫不出",
            "一打电话就占线",
            "尾号三二一五条",
            "二五一七八条",
            "第二条消息",
            "发了三条短信",
            "那两条街",
            "一三八打头的",
            "一听说就来了",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        assert_eq!(found("啤酒两打"), [(24.0, 24.0, None)]);
    }

    proptest! {
        #[test]
        fn said_and_read_back(value in 0u64..99_999_999) {
            let said: Vec<char> = to_spoken(value).chars().collect();
            prop_assert_eq!(parse_number(&said), Some(value));
        }

        #[test]
        fn a_count_said_in_words_is_never_rough(value in 1u64..9999) {
            let chars: Vec<char> = format!("{}条", to_spoken(value)).chars().collect();
            let all = find_quantities(&chars);
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!((all[0].value, all[0].most), (value as f64, value as f64));
        }

        #[test]
        fn never_panics(text in "[零一二三四五六七八九十百千万亿两0-9半打条俩点到多来块]{0,20}") {
            let chars: Vec<char> = text.chars().collect();
            let _ = parse_number(&chars);
            for q in find_quantities(&chars) {
                prop_assert!(q.value <= q.most && q.range.end <= chars.len());
            }
        }
    }
}
