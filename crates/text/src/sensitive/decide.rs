//! Which digits are somebody's number, and which are prices, sizes, counts, times.

use std::ops::Range;

use super::tokens::{Gap, Group};
use crate::entities::{is_bank_card, is_id_card, is_mobile};

/// From so many digits on a number is hidden even where no kind of number fits: recognition errs, and a check digit may be
/// wrong by one character.
const LONG: usize = 11;
/// From so many digits on, where the words before say that a number follows.
const LONG_AFTER_CUE: usize = 7;
/// The longest number that is tried as a kind of number, with country code.
const LONGEST: usize = 23;

/// Ranges of characters to hide in one chain of groups. `cued`: the words around it speak of somebody's number; `ordinary`:
/// a measure word follows, or the words say that it is a bar code, an order, the centre's own number.
pub(super) fn hidden(chain: &[Group], cued: bool, ordinary: bool) -> Vec<Range<usize>> {
    let whole = span(chain);
    let digits: usize = chain.iter().map(|g| g.digits.len()).sum();
    if digits < LONG_AFTER_CUE {
        return Vec::new();
    }
    if cued && !is_time(chain) {
        return vec![whole];
    }
    let mut out = known(chain);
    for run in unbroken(chain) {
        if is_long(run) && !ordinary && !is_time(run) {
            out.push(span(run));
        }
    }
    let listed = digits >= 15 && chain.iter().any(|g| g.digits.len() >= 4);
    if listed && !ordinary && !is_row(chain) && !is_time(chain) {
        out.push(whole);
    }
    out
}

fn span(groups: &[Group]) -> Range<usize> {
    let start = groups.first().map_or(0, |g| g.range.start);
    start..groups.last().map_or(start, |g| g.range.end)
}

/// Neighbouring groups that together are a telephone, identity or bank card number.
fn known(chain: &[Group]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for first in 0..chain.len() {
        let mut digits: Vec<u8> = Vec::new();
        for last in first..chain.len() {
            digits.extend(&chain[last].digits);
            if digits.len() > LONGEST {
                break;
            }
            let groups = &chain[first..=last];
            if is_known(&digits, groups) && !is_price_row(groups) {
                out.push(span(groups));
            }
        }
    }
    out
}

fn is_known(d: &[u8], groups: &[Group]) -> bool {
    let abroad = d.strip_prefix(&[0, 0, 8, 6]).or_else(|| d.strip_prefix(&[8, 6])).unwrap_or(d);
    let dotted = groups[1..].iter().any(|g| g.gap == Gap::Dot);
    is_mobile(abroad) || is_id_card(d) || (is_bank_card(d) && !is_time(groups) && !dotted) || is_landline(d, groups)
}

/// An area code and seven or eight digits, in groups as people write and say them: 0551-6543210, 零一零 八八八八 六六六六.
fn is_landline(d: &[u8], groups: &[Group]) -> bool {
    let area = match d {
        [0, 1, 0, ..] | [0, 2, ..] => 3,
        [0, 3..=9, ..] => 4,
        _ => return false,
    };
    let local = d.len().saturating_sub(area);
    let in_pieces = groups.len() > 1;
    let fits = groups[0].digits.len() >= area && groups.iter().all(|g| g.digits.len() >= 2 && g.gap != Gap::Dot);
    (7..=8).contains(&local) && d[area] != 0 && (!in_pieces || fits) && d.iter().all(|x| *x < 10)
}

/// Parts of a chain that no comma breaks.
fn unbroken(chain: &[Group]) -> impl Iterator<Item = &[Group]> {
    chain.chunk_by(|_, next| next.gap != Gap::List)
}

/// Long enough to be somebody's, and not a row of prices or sizes.
fn is_long(run: &[Group]) -> bool {
    let digits: usize = run.iter().map(|g| g.digits.len()).sum();
    let longest = run.iter().map(|g| g.digits.len()).max().unwrap_or(0);
    let decimals = run.iter().any(|g| g.gap == Gap::Dot) && longest <= 4;
    if run.len() == 1 {
        // A mobile number of which the recogniser lost a digit.
        let like_mobile = digits == LONG - 1 && run[0].digits[0] == 1 && run[0].digits[1] >= 3;
        return digits >= LONG || like_mobile;
    }
    digits >= LONG && !decimals && !is_row(run) && (longest >= 4 || digits >= 15)
}

/// Three numbers or more that rise or fall: 5，10，15，20.
fn is_row(groups: &[Group]) -> bool {
    let values: Vec<u64> = groups.iter().map(Group::value).collect();
    let plain = groups.iter().all(|g| g.digits.len() <= 5 && (g.digits[0] != 0 || g.digits.len() == 1));
    let rising = values.windows(2).all(|w| w[0] < w[1]) || values.windows(2).all(|w| w[0] > w[1]);
    groups.len() >= 3 && plain && rising && groups[1..].iter().any(|g| g.gap == Gap::List || g.gap == Gap::Tight)
}

/// A row that happens to have as many digits as a telephone number: more pieces than people read a number out in, or round
/// values with commas between them.
fn is_price_row(groups: &[Group]) -> bool {
    let round = groups.iter().all(|g| g.value() % 10 == 0) && groups[1..].iter().all(|g| g.gap == Gap::List);
    is_row(groups) && (groups.len() >= 5 || round)
}

/// A date with or without a time of day: 2026-11-05 09:03:00, 2026/11/5, 2026.11.5; or a time of day alone.
fn is_time(groups: &[Group]) -> bool {
    let fits = |group: Option<&Group>, range: Range<u64>| {
        group.is_some_and(|g| g.digits.len() <= 2 && range.contains(&g.value()))
    };
    let clock = |from: usize| {
        let rest = groups.get(from..).unwrap_or_default();
        let colons = rest.iter().skip(1).all(|g| g.gap == Gap::Colon);
        colons
            && fits(rest.first(), 0..25)
            && fits(rest.get(1), 0..60)
            && (rest.len() == 2 || rest.len() == 3 && fits(rest.get(2), 0..60))
    };
    let year = groups.first().is_some_and(|g| g.digits.len() == 4 && (1900..2100).contains(&g.value()));
    let date = year && fits(groups.get(1), 1..13) && fits(groups.get(2), 1..32);
    date && (groups.len() == 3 || clock(3)) || clock(0)
}
