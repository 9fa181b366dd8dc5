//! Numbers as people say and write them: 五, 两百三, 俩, 半打, 二十五, 五六, 三点五, 三零二一, 5, 1,200, 10:30.

mod quantity;
mod read;
mod spoken;
mod written;

pub use quantity::{Quantity, find_numbers, find_quantities};
pub use read::parse_number;
pub use spoken::to_spoken;

pub(crate) use spoken::spoken_edits;
pub(crate) use written::written_edits;

use std::ops::Range;

/// A replacement of characters: where, and by what.
pub(crate) type Edit = (Range<usize>, Vec<char>);

/// Value of a digit, spoken, in bank capitals or written.
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

pub(crate) fn is_numeral(c: char) -> bool {
    digit(c).is_some() || power(c).is_some()
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

/// Length of the numeral that begins at a place; 0 where there is none.
fn numeral_len(chars: &[char], start: usize) -> usize {
    chars.get(start..).map_or(0, |rest| rest.iter().take_while(|c| is_numeral(**c)).count())
}
