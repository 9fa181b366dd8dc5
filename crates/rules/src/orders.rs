//! What is ordered and what is read back: items with quantities, from speech and from the order system's record.

use callsift_text::{Normalizer, SoundText, find_quantities, phrase_likeness, sound_limit};

use crate::view::TurnView;

/// Quantities are compared as thousandths, so that halves compare exactly.
pub type Thousandths = i64;

/// A counted thing in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// How many.
    pub value: Thousandths,
    /// Characters that say it, measure word included.
    pub range: std::ops::Range<usize>,
}

/// An item and how many of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLine {
    /// Its name in matching form.
    pub name: Vec<char>,
    /// How many; `None` where it was named without a number.
    pub value: Thousandths,
}

/// Words around an item that do not belong to its name, longest first.
const AROUND: [&str; 68] = [
    "跟您核对一下",
    "给您核对一下",
    "跟您确认一下",
    "再跟您核对",
    "核对一下",
    "确认一下",
    "重复一下",
    "复述一下",
    "您的订单是",
    "您订的是",
    "您要的是",
    "帮我订",
    "给我来",
    "给我拿",
    "给我订",
    "帮我来",
    "我想要",
    "我想订",
    "我还要",
    "我要订",
    "另外再",
    "然后再",
    "还要再",
    "麻烦您",
    "麻烦你",
    "改成",
    "换成",
    "变成",
    "一共是",
    "一共",
    "总共",
    "我要",
    "我订",
    "再来",
    "再要",
    "再加",
    "再订",
    "还要",
    "还有",
    "还来",
    "来个",
    "那个",
    "这个",
    "就是",
    "就要",
    "先要",
    "先来",
    "另外",
    "然后",
    "一个",
    "您要",
    "您订",
    "您好",
    "分别是",
    "的话",
    "好的",
    "对的",
    "要",
    "来",
    "订",
    "加",
    "拿",
    "和",
    "跟",
    "是",
    "嗯",
    "那",
    "再",
];

/// Quantities of a turn in one of these measure words; 俩 and 半打 have none and always count.
pub fn counted(turn: &TurnView<'_>, units: &[char]) -> Vec<Counted> {
    find_quantities(turn.norm.chars())
        .into_iter()
        .filter(|q| q.unit.is_none_or(|u| units.contains(&u)))
        .map(|q| Counted { value: (q.value * 1000.0).round() as Thousandths, range: q.range })
        .collect()
}

/// Items and quantities as a turn orders them: 五条红塔山三条云烟, or 红塔山五条云烟三条. Quantities that are denied
/// (不要三条) are left out.
pub fn spoken_lines(turn: &TurnView<'_>, units: &[char]) -> Vec<OrderLine> {
    let chars = turn.norm.chars();
    let counts: Vec<Counted> = counted(turn, units).into_iter().filter(|c| !is_denied(chars, c.range.start)).collect();
    let Some(first) = counts.first() else { return Vec::new() };
    let item_first = !item_name(&chars[..first.range.start], true).is_empty();
    let mut lines = Vec::new();
    for (i, count) in counts.iter().enumerate() {
        let before = if i == 0 { 0 } else { counts[i - 1].range.end };
        let after = counts.get(i + 1).map_or(chars.len(), |c| c.range.start);
        let name = if item_first {
            item_name(&chars[before..count.range.start], true)
        } else {
            item_name(&chars[count.range.end..after], false)
        };
        if !name.is_empty() {
            lines.push(OrderLine { name, value: count.value });
        }
    }
    lines
}

fn is_denied(chars: &[char], start: usize) -> bool {
    let before: String = chars[start.saturating_sub(3)..start].iter().collect();
    ["不要", "不是", "别要", "不来"].iter().any(|n| before.ends_with(n))
}

/// The name next to a quantity: at the end of what stands before it, or at the beginning of what follows.
fn item_name(around: &[char], at_end: bool) -> Vec<char> {
    let mut name = around;
    loop {
        let shorter = AROUND.iter().find_map(|word| {
            let word: Vec<char> = word.chars().collect();
            if at_end { strip_last(name, &word) } else { name.strip_prefix(word.as_slice()) }
        });
        match shorter {
            Some(rest) => name = rest,
            None => break,
        }
    }
    // What stands on the far side of a lead-in word belongs to something else.
    let cut = AROUND.iter().filter(|w| w.chars().count() >= 2).filter_map(|word| {
        let word: Vec<char> = word.chars().collect();
        let mut places = name.windows(word.len()).enumerate().filter(|(_, w)| *w == word.as_slice());
        if at_end { places.next_back().map(|(i, w)| i + w.len()) } else { places.next().map(|(i, _)| i) }
    });
    let name = if at_end { &name[cut.max().unwrap_or(0)..] } else { &name[..cut.min().unwrap_or(name.len())] };
    let name = trim_ends(name);
    if (2..=8).contains(&name.len()) { name.to_vec() } else { Vec::new() }
}

fn strip_last<'n>(name: &'n [char], word: &[char]) -> Option<&'n [char]> {
    name.strip_suffix(word)
}

/// Particles and single lead-in words at both ends.
fn trim_ends(name: &[char]) -> &[char] {
    const ENDS: &str = "吧呢啊呀了的吗嘛哦哈要来订加拿和跟是那再也都给我您你";
    let from = name.iter().position(|c| !ENDS.contains(*c)).unwrap_or(name.len());
    let to = name.iter().rposition(|c| !ENDS.contains(*c)).map_or(from, |i| i + 1);
    &name[from..to.max(from)]
}

/// Quantities that a turn states of named items: the name by sound, the quantity beside it.
pub fn claims(turn: &TurnView<'_>, names: &[Vec<char>], units: &[char]) -> Vec<OrderLine> {
    let counts = counted(turn, units);
    let chars = turn.norm.chars();
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let wanted = SoundText::new(name);
        if let Some(m) = phrase_likeness(turn.sounds(), &wanted).filter(|m| m.cost <= sound_limit(name.len()) + 0.05) {
            places.push((m.range.start, m.range.end, i));
        }
    }
    places.sort_unstable();
    let (Some(first_item), Some(first_count)) = (places.first(), counts.first()) else { return Vec::new() };
    let item_first = first_item.0 < first_count.range.start;
    let mut lines = Vec::new();
    for (k, (start, end, i)) in places.iter().enumerate() {
        let next = places.get(k + 1).map_or(chars.len(), |p| p.0);
        let before = if k == 0 { 0 } else { places[k - 1].1 };
        let beside = if item_first {
            let mut between = counts.iter().filter(|c| c.range.start >= *end && c.range.end <= next);
            between.find(|c| !is_denied(chars, c.range.start))
        } else {
            let mut between = counts.iter().rev().filter(|c| c.range.start >= before && c.range.end <= *start);
            between.find(|c| !is_denied(chars, c.range.start))
        };
        if let Some(count) = beside {
            lines.push(OrderLine { name: names[*i].clone(), value: count.value });
        }
    }
    lines
}

/// The record of the order system: `红塔山=5条;云烟=3条`. Entries that name no item or number are left out.
pub fn record_lines(record: &str) -> Vec<OrderLine> {
    let normalizer = Normalizer::matching();
    let entries = record.split([';', '；', ',', '，', '、', '\n']);
    entries
        .filter_map(|entry| {
            let (name, count) = entry.split_once(['=', '＝', ':', '：', '*', '×'])?;
            let name = normalizer.normalize(name).chars().to_vec();
            let count = normalizer.normalize(count);
            let spoken = find_quantities(count.chars()).first().map(|q| q.value);
            let value = spoken.or_else(|| callsift_text::parse_number(count.chars()).map(|n| n as f64))?;
            (!name.is_empty()).then(|| OrderLine { name, value: (value * 1000.0).round() as Thousandths })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{record_lines, spoken_lines};
    use crate::phrases::PhraseTable;
    use crate::selftest::turns_of;
    use crate::view::{CallFacts, CallView};

    fn lines(text: &str) -> Vec<(String, i64)> {
        let turns = turns_of(&[&format!("customer: {text}")]);
        let index = PhraseTable::default().build();
        let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
        let lines = spoken_lines(&call.turns[0], &['条', '箱', '件']);
        lines.into_iter().map(|l| (l.name.iter().collect(), l.value / 1000)).collect()
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
    fn the_record_is_read_leniently() {
        let found = record_lines("红塔山=5条;云烟：３条，坏的;黄鹤楼*2");
        let found: Vec<(String, i64)> = found.into_iter().map(|l| (l.name.iter().collect(), l.value / 1000)).collect();
        assert_eq!(found, [("红塔山".to_owned(), 5), ("云烟".to_owned(), 3), ("黄鹤楼".to_owned(), 2)]);
    }
}
