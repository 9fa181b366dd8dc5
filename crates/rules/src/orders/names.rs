//! Names of goods and the quantities beside them.

use std::cell::OnceCell;
use std::ops::Range;

use callsift_core::SpeakerRole;
use callsift_text::{SoundText, phrase_within, sound_limit};

use super::around::item_name;
use super::{Counted, counts_at};
use crate::amount::Amount;
use crate::view::{CallView, TurnView};

/// An item and how many of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLine {
    /// Its name in matching form; empty where a quantity stands alone.
    pub name: Vec<char>,
    /// How many.
    pub value: Amount,
}

/// The name of an item that both sides may say, with its sounds.
pub struct Item {
    /// In matching form.
    pub name: Vec<char>,
    /// How it sounds.
    pub sounds: SoundText,
}

impl Item {
    /// An item of this name.
    pub fn new(name: Vec<char>) -> Self {
        let sounds = SoundText::new(&name);
        Self { name, sounds }
    }

    /// True where a turn names the item, by sound; names of one syllable are no proof.
    pub fn is_named_in(&self, turn: &TurnView<'_>) -> bool {
        self.name.len() >= 2 && self.place_in(turn).is_some()
    }

    /// Where a turn names it by sound, in characters of the matching form.
    fn place_in(&self, turn: &TurnView<'_>) -> Option<Range<usize>> {
        let limit = sound_limit(self.name.len()) + 0.05;
        phrase_within(turn.sounds(), &self.sounds, limit).map(|found| found.range)
    }

    /// Every place: who corrects himself names it again.
    fn places_in(&self, turn: &TurnView<'_>) -> Vec<Range<usize>> {
        let Some(best) = self.place_in(turn) else { return Vec::new() };
        let chars = turn.norm.chars();
        let same = |at: &usize| chars[*at..].starts_with(&chars[best.clone()]);
        (0..chars.len()).filter(same).map(|at| at..at + best.len()).collect()
    }
}

/// All that one side says, and where each pair of characters stands in it.
pub struct Heard<'t> {
    texts: Vec<&'t [char]>,
    pairs: OnceCell<Vec<Pair>>,
}

/// Two neighbouring characters, the number of their text and their place in it.
type Pair = ([char; 2], u32, u32);

impl<'t> Heard<'t> {
    /// What one side of a call says, as far as it may be judged.
    pub fn of(call: &'t CallView<'_>, role: SpeakerRole) -> Self {
        let theirs = call.turns.iter().filter(|t| t.turn.role == role && !t.turn.is_unusable());
        Self::new(theirs.map(|t| t.norm.chars()).collect())
    }

    /// Of these texts in matching form.
    pub fn new(texts: Vec<&'t [char]>) -> Self {
        Self { texts, pairs: OnceCell::new() }
    }

    /// True where one of the texts holds the part, which has two characters or more.
    fn holds(&self, part: &[char]) -> bool {
        let &[a, b, ..] = part else { return false };
        let pairs = self.pairs.get_or_init(|| self.sorted_pairs());
        let first = pairs.partition_point(|(pair, ..)| *pair < [a, b]);
        let mut places = pairs[first..].iter().take_while(|(pair, ..)| *pair == [a, b]);
        places.any(|(_, text, at)| self.texts[*text as usize][*at as usize..].starts_with(part))
    }

    fn sorted_pairs(&self) -> Vec<Pair> {
        let of = |(number, text): (u32, &&[char])| -> Vec<Pair> {
            (0u32..).zip(text.windows(2)).map(|(at, pair)| ([pair[0], pair[1]], number, at)).collect()
        };
        let mut pairs: Vec<Pair> = (0u32..).zip(&self.texts).flat_map(of).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// The words by which a turn names goods and quantities: each quantity alone, with the name beside it, and the names.
pub fn ways_to_say(turn: &TurnView<'_>, counts: &[Counted]) -> Vec<String> {
    let chars = turn.norm.chars();
    let mut ways = Vec::new();
    for (i, count) in counts.iter().enumerate() {
        let before = if i == 0 { 0 } else { counts[i - 1].range.end };
        let after = counts.get(i + 1).map_or(chars.len(), |c| c.range.start);
        let quantity: String = chars[count.range.clone()].iter().collect();
        let named = [
            (item_name(&chars[before..count.range.start], true), true),
            (item_name(&chars[count.range.end..after], false), false),
        ];
        for (name, leads) in named.into_iter().filter(|(name, _)| !name.is_empty()) {
            let name: String = name.into_iter().collect();
            ways.push(if leads { format!("{name}{quantity}") } else { format!("{quantity}{name}") });
            ways.push(name);
        }
        ways.push(quantity);
    }
    ways
}

/// What each of the quantities of a turn counts: 五条红塔山三条云烟, or 红塔山五条云烟三条. `said` is what the other side says:
/// of the two ways to read the turn, the one whose names the other side says too is taken.
pub fn spoken_lines(turn: &TurnView<'_>, counts: &[Counted], said: &Heard<'_>) -> Vec<OrderLine> {
    let chars = turn.norm.chars();
    let Some(first) = counts.first() else { return Vec::new() };
    let (before, after) = (read_lines(turn, counts, true), read_lines(turn, counts, false));
    let shared = |lines: &[OrderLine]| lines.iter().filter(|l| known_part(&l.name, said).is_some()).count();
    let item_first = match shared(&before).cmp(&shared(&after)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => !item_name(&chars[..first.range.start], true).is_empty(),
    };
    if item_first { before } else { after }
}

fn read_lines(turn: &TurnView<'_>, counts: &[Counted], item_first: bool) -> Vec<OrderLine> {
    let (chars, clauses) = (turn.norm.chars(), turn.clauses());
    // A name does not reach over a comma, unless nothing stands between comma and quantity.
    let clause_of = |at: usize| clauses.iter().find(|c| c.contains(&at)).cloned().unwrap_or(0..chars.len());
    let mut lines = Vec::new();
    for (i, count) in counts.iter().enumerate() {
        let before = if i == 0 { 0 } else { counts[i - 1].range.end };
        let after = counts.get(i + 1).map_or(chars.len(), |c| c.range.start);
        let own = clause_of(count.range.start);
        let name = if item_first {
            let from = if own.start < count.range.start { before.max(own.start) } else { before };
            item_name(before_change(&chars[from..count.range.start]), true)
        } else {
            let to = if own.end > count.range.end { after.min(own.end) } else { after };
            item_name(&chars[count.range.end..to], false)
        };
        lines.push(OrderLine { name, value: count.value });
    }
    lines
}

/// What stands before a number that was, 红塔山 in 红塔山从五条改到.
fn before_change(chars: &[char]) -> &[char] {
    let was = |at: &usize| "从由".contains(chars[*at]) && counts_at(&chars[at + 1..]);
    (0..chars.len()).rev().find(was).map_or(chars, |at| &chars[..at])
}

/// The part of a name that the other side says too: what people say around a name is heard as part of it, and the name
/// itself is what both of them say. The longest of two characters or more; the whole where none is said.
pub fn shared_part(name: &[char], said: &Heard<'_>) -> Vec<char> {
    known_part(name, said).unwrap_or(name).to_vec()
}

/// True where the other side says a part of the name.
pub fn is_shared(name: &[char], said: &Heard<'_>) -> bool {
    known_part(name, said).is_some()
}

fn known_part<'n>(name: &'n [char], said: &Heard<'_>) -> Option<&'n [char]> {
    let mut parts = (2..=name.len()).rev().flat_map(|n| name.windows(n).rev());
    parts.find(|part| said.holds(part))
}

/// Mean cost per syllable under which two names are one name, heard twice.
const SAME_NAME: f64 = 0.5;

/// True where two names may be those of the same goods: both end or begin alike, or one holds the other by sound.
pub fn is_same_name(a: &[char], b: &[char]) -> bool {
    let [first, last] = [a.get(..2), a.len().checked_sub(2).and_then(|from| a.get(from..))];
    if first.is_some_and(|pair| b.starts_with(pair)) || last.is_some_and(|pair| b.ends_with(pair)) {
        return true;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let found = phrase_within(&SoundText::new(long), &SoundText::new(short), SAME_NAME);
    !short.is_empty() && found.is_some_and(|found| found.cost < SAME_NAME)
}

/// Quantities that a turn states of named items: the name by sound, the quantity beside it. Of an item that is named
/// twice the last counts.
pub fn claims(turn: &TurnView<'_>, items: &[Item], counts: &[Counted]) -> Vec<OrderLine> {
    if counts.is_empty() {
        return Vec::new();
    }
    let chars = turn.norm.chars();
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        places.extend(item.places_in(turn).into_iter().map(|range| (range.start, range.end, i)));
    }
    places.sort_unstable();
    let sides = Sides { chars, clauses: turn.clauses(), counts };
    let Some(mostly) = sides.are_items_first(&places) else { return Vec::new() };
    let mut lines: Vec<OrderLine> = Vec::new();
    for (k, (start, end, i)) in places.iter().enumerate() {
        let next = places.get(k + 1).map_or(chars.len(), |p| p.0);
        let before = if k == 0 { 0 } else { places[k - 1].1 };
        // Where a quantity stands on one side only, that one is meant, whatever the rest of the turn does.
        let item_first = match (sides.has_after(*end), sides.has_before(*start)) {
            (true, false) => true,
            (false, true) => false,
            _ => mostly,
        };
        let beside = if item_first {
            let after = || counts.iter().filter(|c| c.range.start >= *end && c.range.end <= next);
            // 双喜五条，哦不对，四条: the last stands.
            let corrected = corrects(chars.get(*end..next).unwrap_or_default());
            if corrected { after().next_back() } else { after().next() }
        } else {
            counts.iter().rev().find(|c| c.range.start >= before && c.range.end <= *start)
        };
        if let Some(count) = beside {
            lines.retain(|line| line.name != items[*i].name);
            lines.push(OrderLine { name: items[*i].name.clone(), value: count.value });
        }
    }
    lines
}

/// True where a speaker takes back what he just said.
fn corrects(chars: &[char]) -> bool {
    const CORRECTED: [&str; 8] = ["不对", "不是", "错了", "说错", "看错", "念错", "看串", "口误"];
    let text: String = chars.iter().collect();
    let text = text.replace("对不对", "").replace("是不是", "");
    CORRECTED.iter().any(|word| text.contains(word))
}

/// Characters between a name and its quantity, whatever they are.
const BESIDE: usize = 2;
/// What may stand between a name and its quantity, a number that it was before (从十箱改到三箱) included.
const BETWEEN: &str =
    "是不您你要的那就给再来个呢啊嗯哦也先订都改成到为只了从由零一二三四五六七八九十百两半条箱件包盒瓶袋桶";

/// What stands beside the items of a turn; a comma keeps apart what it stands between.
struct Sides<'t> {
    chars: &'t [char],
    clauses: Vec<Range<usize>>,
    counts: &'t [Counted],
}

impl Sides<'_> {
    fn in_one_clause(&self, a: usize, b: usize) -> bool {
        self.clauses.iter().any(|clause| clause.contains(&a) && clause.contains(&b))
    }

    /// A quantity follows an item that ends here.
    fn has_after(&self, end: usize) -> bool {
        let beside = |count: &Counted| {
            let between = self.chars.get(end..count.range.start).unwrap_or_default();
            let near = between.len() <= BESIDE || between.iter().all(|c| BETWEEN.contains(*c));
            count.range.start >= end && near && self.in_one_clause(end.saturating_sub(1), count.range.start)
        };
        self.counts.iter().any(beside)
    }

    /// A quantity stands before an item that begins here.
    fn has_before(&self, start: usize) -> bool {
        let beside = |count: &Counted| {
            let end = count.range.end;
            end <= start && start - end <= BESIDE && self.in_one_clause(end.saturating_sub(1), start)
        };
        self.counts.iter().any(beside)
    }

    /// Whether the quantities of a turn follow their items: decided by what stands beside the items, and where both
    /// sides have a quantity, by whether something like a name stands before the first one. `None` without items or
    /// quantities.
    fn are_items_first(&self, places: &[(usize, usize, usize)]) -> Option<bool> {
        let (_, first) = places.first().zip(self.counts.first())?;
        let after = places.iter().filter(|(_, end, _)| self.has_after(*end)).count();
        let before = places.iter().filter(|(start, ..)| self.has_before(*start)).count();
        Some(match after.cmp(&before) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => !item_name(&self.chars[..first.range.start], true).is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Item, claims, is_same_name, spoken_lines};
    use crate::orders::{UNITS, meant};
    use crate::phrases::PhraseTable;
    use crate::selftest::turns_of;
    use crate::view::{CallFacts, CallView};

    fn lines(text: &str) -> Vec<(String, i64)> {
        let turns = turns_of(&[&format!("customer: {text}")]);
        let index = PhraseTable::default().build();
        let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
        let lines = spoken_lines(&call.turns[0], &meant(&call.turns[0], &UNITS), &Heard::new(Vec::new()));
        lines.into_iter().map(|l| (l.name.iter().collect(), l.value.least / 1000)).collect()
    }

    #[test]
    fn items_are_read_on_either_side_of_their_numbers() {
        let wanted = [("红塔山".to_owned(), 5), ("云烟".to_owned(), 3)];
        for text in [
            "要五条红塔山，三条云烟",
            "红塔山五条，云烟三条",
            "嗯红塔山来5条再来三条云烟吧",
            "给我来五条红塔山和三条云烟",
        ] {
            let found = lines(text);
            assert_eq!(found[0], wanted[0], "{text}");
        }
        assert_eq!(lines("红塔山五条，云烟三条"), wanted);
        assert_eq!(lines("要五条红塔山，三条云烟"), wanted);
        assert_eq!(lines("红塔山不要五条了"), []);
    }

    #[test]
    fn what_was_before_a_change_is_not_meant() {
        assert_eq!(lines("红塔山从五条改到三条"), [("红塔山".to_owned(), 3)]);
        assert_eq!(lines("红塔山不是五条"), []);
    }

    #[test]
    fn a_quantity_on_one_side_only_is_meant_whatever_the_rest_of_the_turn_does() {
        let turns = turns_of(&["agent: 帮您加两条中华。我再跟您确认一下，苏烟六条，中华两条，对不对"]);
        let index = PhraseTable::default().build();
        let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
        let items = [Item::new("中华".chars().collect())];
        let lines = claims(&call.turns[0], &items, &meant(&call.turns[0], &UNITS));
        assert_eq!(lines[0].value.least, 2000, "{lines:?}");
    }

    #[test]
    fn of_two_names_that_overlap_each_has_the_quantity_behind_it() {
        let turns = turns_of(&["agent: 红塔山那边十五条"]);
        let index = PhraseTable::default().build();
        let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
        let items = ["红塔山那", "塔山那边"].map(|name| Item::new(name.chars().collect()));
        let lines = claims(&call.turns[0], &items, &meant(&call.turns[0], &UNITS));
        assert_eq!(lines.len(), 1, "{lines:?}");
    }

    #[test]
    fn names_are_the_same_where_one_holds_the_other_by_sound() {
        let same = |a: &str, b: &str| is_same_name(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert!(same("红塔山", "红塔珊") && same("红塔山那个", "红塔山") && same("在放鞭炮双喜", "什么双喜"));
        assert!(!same("红塔山", "云烟") && !same("", "云烟"));
    }
}
