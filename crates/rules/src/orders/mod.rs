//! What is ordered and what is read back: items with quantities, from speech and from the order system's record.

mod around;
mod book;
mod by_sound;
mod mention;
mod names;
mod record;

use std::ops::Range;

use callsift_text::find_quantities;

use crate::amount::Amount;
use crate::view::TurnView;

pub use book::{Ordered, Orders, ordered_counts, speaks_of_goods_there};
pub use mention::{says_supply, words_of_no_order};
pub use names::{Heard, Item, OrderLine, claims, is_same_name, is_shared, shared_part, spoken_lines, ways_to_say};
pub use record::record_lines;

/// Measure words of goods, where a rule names none.
pub const UNITS: [char; 19] =
    ['条', '箱', '件', '包', '盒', '瓶', '袋', '桶', '提', '打', '罐', '听', '壶', '捆', '扎', '斤', '支', '板', '排'];

/// The default of `units`.
pub fn goods() -> Vec<char> {
    UNITS.to_vec()
}

/// A counted thing in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// How many.
    pub value: Amount,
    /// Characters that say it, measure word included.
    pub range: Range<usize>,
    /// True where other words stand there that sound like it.
    pub by_sound: bool,
}

/// Quantities of a turn in one of these measure words; 俩 and 半打 have none and always count. Where the words of the turn
/// may be others, what sounds like a quantity is one.
pub fn counted(turn: &TurnView<'_>, units: &[char]) -> Vec<Counted> {
    let chars = turn.norm.chars();
    let written = find_quantities(chars).into_iter().filter(|q| q.unit.is_none_or(|u| units.contains(&u)));
    let mut all: Vec<Counted> =
        written.map(|q| Counted { value: Amount::from(&q), range: q.range, by_sound: false }).collect();
    if !turn.is_certain() {
        all.extend(by_sound::by_sound(chars, units));
        all.sort_by_key(|c| (c.range.start, c.by_sound));
        all.dedup_by(|later, kept| later.range.start < kept.range.end);
    }
    all
}

/// Those that the speaker means: not what is denied (不是五条), and not what was (从十箱改到三箱).
pub fn meant(turn: &TurnView<'_>, units: &[char]) -> Vec<Counted> {
    const DENIED: [&[char]; 5] = [&['不', '要'], &['不', '是'], &['别', '要'], &['不', '来'], &['原', '来']];
    const FROM: [&[char]; 2] = [&['从'], &['由']];
    const CHANGED: [&[char]; 9] = [
        &['改', '成'],
        &['改', '到'],
        &['改', '为'],
        &['改'],
        &['换', '成'],
        &['变', '成'],
        &['减', '到'],
        &['减', '成'],
        &['加', '到'],
    ];
    let chars = turn.norm.chars();
    let was = |c: &Counted| {
        let (before, after) = (&chars[..c.range.start], &chars[c.range.end..]);
        DENIED.iter().chain(&FROM).any(|words| before.ends_with(words))
            || CHANGED.iter().any(|words| after.starts_with(words) && counts_at(&after[words.len()..]))
    };
    counted(turn, units).into_iter().filter(|c| !was(c)).collect()
}

/// True where a text begins with a quantity.
fn counts_at(chars: &[char]) -> bool {
    find_quantities(chars).first().is_some_and(|q| q.range.start == 0)
}

/// Probability of a number's characters under which it may be another one: of whisper base's wrong ones on spoken calls
/// four in five lie below.
const GUESSED: f64 = 0.8;

/// True where the recogniser was not sure of a number, as its characters' probability says.
pub fn is_guessed(turn: &TurnView<'_>, count: &Counted) -> bool {
    if count.by_sound {
        return true;
    }
    let range = turn.norm.to_original(count.range.clone());
    let chars = turn.turn.chars.get(range).unwrap_or_default();
    let probs: Vec<f64> = chars.iter().filter(|c| c.ch.is_alphanumeric()).map(|c| f64::from(c.prob)).collect();
    // The least sure character decides: a number is wrong where one of its digits is.
    probs.iter().copied().fold(1.0, f64::min) < GUESSED
}
