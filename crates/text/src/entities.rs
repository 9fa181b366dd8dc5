//! Things that calls name: money, quantities, numbers of telephones, identity and bank cards, days, places.
//!
//! Texts are in matching form, where digits are spoken (一三八…); written ones are understood too. Identity and bank card
//! numbers count only where their check digit is right (GB 11643-1999; ISO/IEC 7812-1, Luhn).

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use crate::numbers::{Quantity, find_quantities};

/// Kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// Money: a number and 元, 块, 毛 or 钱.
    Amount,
    /// A number and a measure word.
    Quantity,
    /// A mobile number, or a landline of seven or eight digits with its area code.
    Phone,
    /// A day or a time of day.
    DateTime,
    /// A citizen's identity number of eighteen digits.
    IdCard,
    /// A bank card number of sixteen to nineteen digits.
    BankCard,
    /// A postal address.
    Address,
}

/// Characters of each such thing in the text, in order, without overlaps.
pub fn find_entities(chars: &[char], kind: EntityKind) -> Vec<Range<usize>> {
    match kind {
        EntityKind::Quantity => counted(chars, |q| match q.unit {
            Some(unit) => !"元块毛钱点天小时分钟秒月日年岁次位".contains(unit),
            // 俩 and 仨 may be people.
            None => chars[q.range.end - 1] == '打',
        }),
        EntityKind::Amount => counted(chars, |q| q.unit.is_some_and(|unit| "元块毛".contains(unit))),
        EntityKind::Phone => digit_runs(chars).into_iter().filter(|(_, d)| is_phone(d)).map(|(r, _)| r).collect(),
        EntityKind::IdCard => digit_runs(chars).into_iter().filter(|(_, d)| is_id_card(d)).map(|(r, _)| r).collect(),
        EntityKind::BankCard => {
            digit_runs(chars).into_iter().filter(|(_, d)| is_bank_card(d)).map(|(r, _)| r).collect()
        }
        EntityKind::DateTime => matches(chars, date_time()),
        EntityKind::Address => matches(chars, address()),
    }
}

fn counted(chars: &[char], fits: impl Fn(&Quantity) -> bool) -> Vec<Range<usize>> {
    find_quantities(chars).into_iter().filter(fits).map(|q| q.range).collect()
}

/// Runs of digits said one by one, and the digits; a final x belongs to an identity number.
fn digit_runs(chars: &[char]) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut runs: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for (i, c) in chars.iter().enumerate() {
        let Some(d) = digit(*c) else { continue };
        match runs.last_mut() {
            Some((range, digits)) if range.end == i => {
                range.end = i + 1;
                digits.push(d);
            }
            _ if d < 10 => runs.push((i..i + 1, vec![d])),
            _ => {}
        }
    }
    runs
}

/// Value of a digit; 10 for the x of identity numbers.
fn digit(c: char) -> Option<u8> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '幺' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        'x' | 'X' => 10,
        _ => return c.to_digit(10).map(|d| d as u8),
    })
}

/// Eleven digits from 13 to 19.
pub(crate) fn is_mobile(d: &[u8]) -> bool {
    d.len() == 11 && d[0] == 1 && d[1] >= 3 && d.iter().all(|x| *x < 10)
}

fn is_phone(d: &[u8]) -> bool {
    let landline = (10..=12).contains(&d.len()) && d[0] == 0;
    (is_mobile(d) || landline) && d.iter().all(|x| *x < 10)
}

/// GB 11643-1999: weighted sum modulo 11, a month and a day that exist.
pub(crate) fn is_id_card(d: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: [u8; 11] = [1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2];
    if d.len() != 18 || d[..17].contains(&10) {
        return false;
    }
    let number = |r: Range<usize>| d[r].iter().fold(0u32, |n, x| n * 10 + u32::from(*x));
    let sum: u32 = WEIGHTS.iter().zip(d).map(|(w, x)| w * u32::from(*x)).sum();
    (1..=12).contains(&number(10..12)) && (1..=31).contains(&number(12..14)) && CHECK[(sum % 11) as usize] == d[17]
}

/// Luhn's check digit (ISO/IEC 7812-1, annex B).
pub(crate) fn is_bank_card(d: &[u8]) -> bool {
    if !(16..=19).contains(&d.len()) || d.contains(&10) {
        return false;
    }
    let doubled = |x: u8| if x * 2 > 9 { x * 2 - 9 } else { x * 2 };
    let sum: u32 = d.iter().rev().enumerate().map(|(i, x)| u32::from(if i % 2 == 1 { doubled(*x) } else { *x })).sum();
    sum.is_multiple_of(10) && d.iter().any(|x| *x != 0)
}

fn date_time() -> Option<&'static Regex> {
    static REGEX: OnceLock<Option<Regex>> = OnceLock::new();
    const NUMBER: &str = "[零一二两三四五六七八九十0-9]+";
    REGEX
        .get_or_init(|| {
            Regex::new(&format!(
                "(?:今天|明天|后天|大后天|昨天|前天|今晚|明早|上周|下周|本周|这周)?(?:星期[一二三四五六日天]|周[一二三四五六日])\
                 |(?:今天|明天|后天|大后天|昨天|前天|今晚|明早)|(?:早上|上午|中午|下午|傍晚|晚上)(?:{NUMBER}点半?)?\
                 |{NUMBER}(?:月{NUMBER}[日号]?|点钟|点半|点|[日号])"
            ))
            .ok()
        })
        .as_ref()
}

fn address() -> Option<&'static Regex> {
    static REGEX: OnceLock<Option<Regex>> = OnceLock::new();
    REGEX
        .get_or_init(|| {
            Regex::new(
                "[\\p{Han}]{2,6}(?:省|市|县|区|镇|乡)[\\p{Han}]{0,12}?(?:路|街|巷|村|弄|大道)(?:[零一二三四五六七八九十百0-9]+号)?\
                 |[\\p{Han}]{2,8}(?:路|街|巷|大道)[零一二三四五六七八九十百0-9]+号",
            )
            .ok()
        })
        .as_ref()
}

fn matches(chars: &[char], regex: Option<&Regex>) -> Vec<Range<usize>> {
    let text: String = chars.iter().collect();
    let Some(regex) = regex else { return Vec::new() };
    let at = |byte: usize| text[..byte].chars().count();
    regex.find_iter(&text).map(|m| at(m.start())..at(m.end())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{EntityKind, find_entities};

    fn found(text: &str, kind: EntityKind) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        find_entities(&chars, kind).into_iter().map(|r| chars[r].iter().collect()).collect()
    }

    #[test]
    fn numbers_count_only_with_the_right_check_digit() {
        assert_eq!(found("我的电话是一三八零零一三八零零零", EntityKind::Phone), ["一三八零零一三八零零零"]);
        assert_eq!(found("工号三零二一", EntityKind::Phone), Vec::<String>::new());
        assert_eq!(found("身份证11010519491231002X", EntityKind::IdCard), ["11010519491231002X"]);
        assert_eq!(found("身份证110105194912310021", EntityKind::IdCard), Vec::<String>::new());
        assert_eq!(found("卡号4539578763621486", EntityKind::BankCard), ["4539578763621486"]);
        assert_eq!(found("卡号4539578763621487", EntityKind::BankCard), Vec::<String>::new());
    }

    #[test]
    fn things_people_say() {
        assert_eq!(found("一共一千二百元", EntityKind::Amount), ["一千二百元"]);
        assert_eq!(found("要五条红塔山，两打啤酒", EntityKind::Quantity), ["五条", "两打"]);
        assert_eq!(found("打一三八零零一三八零零八打不通", EntityKind::Quantity), Vec::<String>::new());
        assert_eq!(found("明天下午三点送到", EntityKind::DateTime), ["明天", "下午三点"]);
        assert_eq!(found("送到解放路二十八号", EntityKind::Address), ["送到解放路二十八号"]);
    }

    proptest! {
        #[test]
        fn ranges_lie_in_the_text(text in "[零一二三四五六七八九幺两十百元块条号路市x0-9a-z]{0,40}") {
            let n = text.chars().count();
            for kind in [EntityKind::Amount, EntityKind::Quantity, EntityKind::Phone, EntityKind::DateTime,
                         EntityKind::IdCard, EntityKind::BankCard, EntityKind::Address] {
                let chars: Vec<char> = text.chars().collect();
                for r in find_entities(&chars, kind) {
                    prop_assert!(r.start < r.end && r.end <= n);
                }
            }
        }
    }
}
