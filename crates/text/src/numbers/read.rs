//! From the characters of a numeral to its value, or to the two values between which it lies.

use super::{digit, is_numeral, power};

/// No number beyond this is read.
const LIMIT: u64 = 1_000_000_000_000;

/// Reads one number that fills the whole text: `二百三十`, `两百三` (= 230), `三零二一` (= 3021), `12`, `十`.
/// `None` where the characters do not make a number, or one beyond 10^12.
pub fn parse_number(chars: &[char]) -> Option<u64> {
    if chars.is_empty() || !chars.iter().all(|c| is_numeral(*c)) {
        return None;
    }
    if chars.iter().all(|c| digit(*c).is_some()) {
        return chars.iter().try_fold(0u64, |n, c| n.checked_mul(10)?.checked_add(digit(*c)?).filter(|n| *n <= LIMIT));
    }
    positional(chars)
}

/// Numbers with 十百千万亿, powers falling within each section. A bare last digit after a power takes the next lower one:
/// 两百三 is 230.
fn positional(chars: &[char]) -> Option<u64> {
    let (mut total, mut section, mut current) = (0u64, 0u64, None::<u64>);
    let (mut last_power, mut zero_before) = (1u64, false);
    let mut below = u64::MAX;
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
            (section, below) = (0, u64::MAX);
        } else if p < below {
            section = section.checked_add(current.unwrap_or(1).checked_mul(p)?)?;
            below = p;
        } else {
            // 十十五 is two numbers, not 25.
            return None;
        }
        (current, last_power, zero_before) = (None, p, false);
    }
    let tail = current.unwrap_or(0);
    let elided = last_power >= 100 && !zero_before && tail != 0 && chars.len() >= 2;
    let after_zero = chars.len() >= 2 && digit(chars[chars.len() - 2]) == Some(0);
    let tail = if elided && !after_zero { tail * (last_power / 10) } else { tail };
    total.checked_add(section)?.checked_add(tail).filter(|n| *n <= LIMIT)
}

/// Reads a numeral that may be rough: 五六 is 5 to 6, 三四十 30 to 40, 十七八 17 to 18, 三五 3 to 5. Both ends are equal
/// where one number is said. Bare digits in a row that are not such a pair are read as one number, 一二零 as 120.
pub(super) fn parse_between(chars: &[char]) -> Option<(u64, u64)> {
    rough(chars).or_else(|| parse_number(chars).map(|n| (n, n)))
}

/// Two neighbouring digits side by side where a number has room for one.
fn rough(chars: &[char]) -> Option<(u64, u64)> {
    let spoken = |i: usize| chars.get(i).filter(|c| !c.is_ascii_digit()).and_then(|c| digit(*c)).filter(|d| *d > 0);
    let pair = (0..chars.len().saturating_sub(1)).find(|i| {
        matches!((spoken(*i), spoken(i + 1)), (Some(a), Some(b)) if a + 1 == b || (a, b) == (3, 5) || (a, b) == (3, 2))
    })?;
    // One digit before them (三五六) would make a code, one behind them (五六七) too, but for a rising row of three.
    let row = if spoken(pair + 2).is_some_and(|c| Some(c) == spoken(pair + 1).map(|b| b + 1)) { 3 } else { 2 };
    let touches = |i: usize| chars.get(i).is_some_and(|c| digit(*c).is_some());
    if pair.checked_sub(1).is_some_and(touches) || touches(pair + row) {
        return None;
    }
    let with = |chosen: usize| {
        let rest = chars[pair + row..].iter();
        parse_number(&chars[..pair].iter().chain([&chars[chosen]]).chain(rest).copied().collect::<Vec<_>>())
    };
    let (a, b) = (with(pair)?, with(pair + row - 1)?);
    Some((a.min(b), a.max(b)))
}

#[cfg(test)]
mod tests {
    use super::{parse_between, parse_number};

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
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
            ("两千万", 20_000_000),
            ("三零二一", 3021),
            ("12", 12),
            ("一百一十八", 118),
        ] {
            assert_eq!(parse_number(&chars(text)), Some(value), "{text}");
        }
        for none in ["五条", "", "十十五", "一百一百"] {
            assert_eq!(parse_number(&chars(none)), None, "{none}");
        }
    }

    #[test]
    fn rough_numbers_have_two_ends() {
        for (text, ends) in [
            ("五六", (5, 6)),
            ("一两", (1, 2)),
            ("三两", (2, 3)),
            ("三五", (3, 5)),
            ("三四十", (30, 40)),
            ("八九十", (80, 90)),
            ("十七八", (17, 18)),
            ("二十七八", (27, 28)),
            ("两三百", (200, 300)),
            ("一百二三十", (120, 130)),
            ("三百五六", (350, 360)),
            ("五六七", (5, 7)),
            ("一二十", (10, 20)),
        ] {
            assert_eq!(parse_between(&chars(text)), Some(ends), "{text}");
        }
        // One number, not two: said in full, written, or digit by digit.
        for (text, value) in [("五十六", 56), ("56", 56), ("一三四", 134), ("九十", 90), ("二五", 25), ("一二零", 120)]
        {
            assert_eq!(parse_between(&chars(text)), Some((value, value)), "{text}");
        }
    }
}
