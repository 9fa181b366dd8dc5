//! Spoken numerals to the digits that people read in tables.

use super::quantity::MEASURES;
use super::read::parse_between;
use super::{Edit, digit, is_numeral, parse_number, power, runs};

/// Edits that turn spoken numerals into written digits, where they surely count: two or more characters that read as
/// a number and stand before a measure word or hold a power or four digits; or a single one before a measure word
/// other than the everyday 一个, 一下, 一点. Rough numbers (五六条) stay as they were said.
pub(crate) fn written_edits(chars: &[char]) -> Vec<Edit> {
    let spoken = runs(chars, |c| is_numeral(c) && !c.is_ascii_digit());
    let mut edits: Vec<Edit> = Vec::new();
    for range in spoken {
        if edits.last().is_some_and(|(done, _)| range.start < done.end) {
            continue;
        }
        let run = &chars[range.clone()];
        if parse_between(run).is_none_or(|(least, most)| least != most) {
            continue;
        }
        if let Some(edit) = decimal(chars, range.start, range.end) {
            edits.push(edit);
        } else if let Some(text) = whole(run, chars.get(range.end).copied()) {
            edits.push((range, text.chars().collect()));
        }
    }
    edits
}

/// 三点五元 → 3.5元; three o'clock is no decimal, so something counted has to follow.
fn decimal(chars: &[char], start: usize, end: usize) -> Option<Edit> {
    let from = end + 1;
    let digits: Vec<u64> = chars.get(from..)?.iter().map_while(|c| digit(*c)).collect();
    let unit = chars.get(from + digits.len())?;
    let counts = (MEASURES.contains(*unit) && !"分小钟".contains(*unit)) || "折倍".contains(*unit);
    if chars.get(end) != Some(&'点') || digits.is_empty() || !counts {
        return None;
    }
    let tail: String = digits.iter().map(u64::to_string).collect();
    let text = format!("{}.{tail}", parse_number(&chars[start..end])?);
    Some((start..from + digits.len(), text.chars().collect()))
}

fn whole(run: &[char], next: Option<char>) -> Option<String> {
    let value = parse_number(run)?;
    let counted = next.is_some_and(|c| MEASURES.contains(c));
    let code = run.len() >= 4 && run.iter().all(|c| digit(*c).is_some());
    let clear = run.len() >= 2 && (counted || code || run.iter().any(|c| power(*c).is_some()));
    let single = run.len() == 1
        && counted
        && power(run[0]).is_none()
        && !(run[0] == '一' && matches!(next, Some('个' | '点' | '次' | '位' | '天')));
    let text =
        if code { run.iter().filter_map(|c| digit(*c)).map(|d| d.to_string()).collect() } else { value.to_string() };
    (clear || single || (run.len() == 1 && run[0] == '十' && counted)).then_some(text)
}
