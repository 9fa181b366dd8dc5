//! What a customer orders: which of the quantities that he says are orders, and which of them stand: not refused for
//! want of goods, not taken back.

use std::ops::Range;
use std::sync::LazyLock;

use callsift_core::SpeakerRole;
use regex::Regex;

use super::mention::{orders_nothing, says_supply};
use super::{Counted, Heard, OrderLine, counted, is_same_name, is_shared, meant, shared_part, spoken_lines};
use crate::amount::Amount;
use crate::phrases::Phrases;
use crate::view::{CallView, TurnView};

/// A quantity that a customer ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// The turn that holds it.
    pub turn: u32,
    /// How many.
    pub amount: Amount,
    /// Of what; empty where the quantity stands alone.
    pub name: Vec<char>,
    /// The turn by which it fell: the agent has none, or the customer takes it back. `None` where it stands.
    pub fell_at: Option<u32>,
    /// True where it only says again, or otherwise, how much of something is wanted.
    again: bool,
    range: Range<usize>,
}

/// All that a customer orders in a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Orders {
    /// Every quantity, in order of time; as many said twice in one turn stand once.
    pub all: Vec<Ordered>,
}

/// How agents say that there is nothing to be had: 没货, 缺货, 断供, 卖完了, 订不上, 货源没有, 没有中华了. 有没有货 only asks.
static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        "(^|[^有])没(有)?(到|现|什么)?(货|库存|货源|得卖|得订)|(^|[^有])没有[^别其问关错什吗么]{0,6}了|(^|[^有])没有配货\
         |(货|库存|货源|配额)(都|也|已经|现在|暂时)*(没有|没了|没到|不足|空|为零)\
         |(卖|订|售|抢|配)(没|完|光|空|罄|断)|(订|定|配|送|供应|发)(不了|不到|不上)|(不能|没法|无法)(订|定|配)\
         |断(货|供|档)|停(产|售|供)|停止供应|下架|下市|缺(货|供)|脱销|无(库存|存货|现货|货)|(^|[^有])没(有)?(存货|现货)|空仓|供不上\
         |暂时(没有|没得|订)|已经没有|^([^有]*[^有婚吃到听看写带试问想来懂好对])?(没有|没了|没得)(了|的|呢|哦|啊|呀|哈)*$|没有卖的\
         |(抢|领|拿|订|定|配)(完|满|光)|(额度|限额|计划)(都|也|已经|现在)*(用完|满|没|超|不够)|(不能|没法|无法)(给)?(您|你)?(订|定|配)\
         |货(都|也|还|暂时)*没(有)?到|(品规|品种|这款|这个)(已经)?取消",
    )
    .ok()
});

/// Words by which customers take an order back.
const WITHDRAWALS: [&str; 24] = [
    "算了",
    "不要了",
    "不用了",
    "不订了",
    "不定了",
    "不买了",
    "不拿了",
    "先不要",
    "先不订",
    "先不拿",
    "那就不",
    "那不",
    "我不要",
    "那就别",
    "取消",
    "不来了",
    "就不要",
    "免了",
    "退掉",
    "等有货",
    "等下次",
    "下次吧",
    "下次再",
    "再想想",
];
/// Words by which they keep what they ordered and take nothing more (那不要了，就这个).
const KEPT: [&str; 5] = ["就这", "就那", "就要这", "别的", "其他"];
/// Words by which customers take other goods in place of what was refused.
const SUBSTITUTES: [&str; 9] = ["换成", "换个", "改成", "改要", "就换", "那换", "那就要", "那就来", "那来"];
/// Questions to which 不要了 only answers that nothing else is wanted.
const ANYTHING_ELSE: [&str; 8] = ["还要", "还需要", "别的", "其他", "其它", "还订", "另外", "还有什么"];

/// Words by which a customer without a name for it orders something else.
const MORE: [&str; 8] = ["再", "另外", "还要", "还有", "还来", "加上", "外加", "以及"];

impl Orders {
    /// Quantities of the customer's usable turns in these measure words, with what became of each. A turn that holds
    /// one of
    /// `except` speaks of goods without ordering them.
    pub fn of(call: &CallView<'_>, units: &[char], except: &Phrases) -> Self {
        let agent = Heard::of(call, SpeakerRole::Agent);
        let mut all: Vec<Ordered> = Vec::new();
        let mut last: Vec<usize> = Vec::new();
        for (i, view) in call.turns.iter().enumerate() {
            let new = ordered_in(view, units, except, &agent);
            if !new.is_empty() {
                let offered = offer_before(call, i, units);
                last = (all.len()..all.len() + new.len()).collect();
                for order in new {
                    let taken = offered.iter().any(|amount| amount.agrees(order.amount));
                    add(&mut all, order, view, &agent, taken);
                }
            } else if !last.is_empty() && !view.turn.is_unusable() {
                let fell = match view.turn.role {
                    SpeakerRole::Agent => refused(call, view, units, &all, &last),
                    SpeakerRole::Customer if SUBSTITUTES.iter().any(|w| view.text().contains(w)) => {
                        for order in &mut all {
                            order.fell_at = None;
                        }
                        Vec::new()
                    }
                    SpeakerRole::Customer if is_taken_back(call, view, i) => last.clone(),
                    _ => Vec::new(),
                };
                for at in fell {
                    all[at].fell_at.get_or_insert(view.turn.index);
                }
            }
        }
        all.dedup_by(|a, b| (a.turn, a.amount) == (b.turn, b.amount));
        Self { all }
    }

    /// What stands in the end, what was changed on the way included.
    pub fn standing(&self) -> impl Iterator<Item = &Ordered> {
        self.all.iter().filter(|order| order.fell_at.is_none())
    }

    /// How many different goods are ordered.
    pub fn goods(&self) -> usize {
        self.standing().filter(|order| !order.again).count()
    }
}

/// What a turn orders.
fn ordered_in(view: &TurnView<'_>, units: &[char], except: &Phrases, agent: &Heard<'_>) -> Vec<Ordered> {
    let counts = ordered_counts(view, units, except);
    let lines = spoken_lines(view, &counts, agent);
    let order = |(count, line): (Counted, OrderLine)| Ordered {
        turn: view.turn.index,
        amount: count.value,
        name: shared_part(&line.name, agent),
        fell_at: None,
        again: false,
        range: count.range,
    };
    counts.into_iter().zip(lines).map(order).collect()
}

/// Quantities by which a customer's turn orders.
pub fn ordered_counts(view: &TurnView<'_>, units: &[char], except: &Phrases) -> Vec<Counted> {
    let theirs = view.turn.role == SpeakerRole::Customer && !view.turn.is_unusable();
    if !theirs {
        return Vec::new();
    }
    let mut counts = meant(view, units);
    let chars = view.norm.chars();
    counts.retain(|c| {
        is_of_goods(view, c)
            && !is_unwanted(chars, c.range.start)
            && !is_only_asked(view, c.range.start)
            && !is_gift(chars, &c.range)
    });
    // Only turns that count something are worth a longer look.
    if counts.is_empty() || speaks_of_goods_there(view, except) {
        return Vec::new();
    }
    counts
}

/// Adds a quantity: of goods that were ordered before it says again, or otherwise, how much.
fn add(all: &mut Vec<Ordered>, new: Ordered, view: &TurnView<'_>, agent: &Heard<'_>, taken: bool) {
    let other_turn = |order: &Ordered| order.turn != new.turn;
    // What nobody else names may be no name: 没事没事是三十条.
    let unnamed = || !is_shared(&new.name, agent);
    let more = || MORE.iter().any(|w| view.text().contains(w));
    let of_same = |order: &Ordered| match (order.name.is_empty(), new.name.is_empty()) {
        (false, false) => {
            is_same_name(&order.name, &new.name)
                || other_turn(order) && (taken || order.amount.agrees(new.amount) && unnamed())
        }
        (_, true) if other_turn(order) => taken || !more(),
        _ => order.amount.agrees(new.amount),
    };
    let again = all.iter().any(|order| order.fell_at.is_none() && of_same(order));
    all.push(Ordered { again, ..new });
}

/// Amounts that the agent has just offered: who says them again takes what there is.
fn offer_before(call: &CallView<'_>, at: usize, units: &[char]) -> Vec<Amount> {
    let before = at.checked_sub(1).and_then(|i| call.turns.get(i));
    let offer = before.filter(|t| t.turn.role == SpeakerRole::Agent && says_supply(t.text()));
    offer.map(|t| counted(t, units).into_iter().map(|c| c.value).collect()).unwrap_or_default()
}

/// 不要五条, 别给我送五条.
fn is_unwanted(chars: &[char], start: usize) -> bool {
    let before: String = chars[start.saturating_sub(6)..start].iter().collect();
    ["不要", "不订", "不是", "不来", "别要", "别给", "别送", "别订", "不需要"].iter().any(|w| before.contains(w))
}

/// 俩 without a measure word is an order only beside a name or a word of ordering: 云烟俩, 要俩.
fn is_of_goods(view: &TurnView<'_>, count: &Counted) -> bool {
    let chars = view.norm.chars();
    let bare = count.range.len() == 1 && "俩仨".contains(chars[count.range.start]);
    let clause = view.clauses().into_iter().find(|c| c.contains(&count.range.start)).unwrap_or(0..chars.len());
    !bare || clause.len() > count.range.len()
}

/// 多给我两包, 送我一条, 两包赠品.
fn is_gift(chars: &[char], range: &Range<usize>) -> bool {
    let before: String = chars[range.start.saturating_sub(4)..range.start].iter().collect();
    let after: String = chars[range.end..].iter().take(2).collect();
    let asked = ["多给我", "多给", "送我", "多送", "多送我", "搭", "搭我", "饶我"];
    asked.iter().any(|w| before.ends_with(w)) || after == "赠品"
}

/// 多少钱一条; 如果我要五条，有货吗.
fn is_only_asked(turn: &TurnView<'_>, start: usize) -> bool {
    let before: String = turn.norm.chars()[start.saturating_sub(4)..start].iter().collect();
    let price = ["多少钱", "什么价", "怎么卖"].iter().any(|w| before.ends_with(w));
    let text = turn.text();
    price || ["如果", "要是", "假如"].iter().any(|w| text.contains(w)) && text.ends_with('吗')
}

/// The turn speaks of goods that are there already, or of what a rule excepts.
pub fn speaks_of_goods_there(view: &TurnView<'_>, except: &Phrases) -> bool {
    orders_nothing(view.text()) || is_excepted(view, except)
}

/// The turn holds one of the words that make it no order; 别送错了 only warns.
fn is_excepted(turn: &TurnView<'_>, except: &Phrases) -> bool {
    const WARNINGS: [&str; 6] = ["别", "不要", "不能", "勿", "千万", "别再"];
    let chars = turn.norm.chars();
    except.all_in(turn).any(|hit| {
        let before: String = chars[hit.range.start.saturating_sub(3)..hit.range.start].iter().collect();
        !WARNINGS.iter().any(|w| before.contains(w))
    })
}

/// Which of the last orders an agent's turn refuses. A turn that counts goods itself offers something.
fn refused(call: &CallView<'_>, view: &TurnView<'_>, units: &[char], all: &[Ordered], last: &[usize]) -> Vec<usize> {
    let refuses = |text: &[char]| {
        let text: String = text.iter().collect();
        REFUSAL.as_ref().is_some_and(|regex| regex.is_match(&text))
    };
    let chars = view.norm.chars();
    let Some(clause) = view.clauses().into_iter().find(|c| refuses(&chars[c.clone()])) else { return Vec::new() };
    if !counted(view, units).is_empty() {
        return Vec::new();
    }
    // Of several, those whose goods are named beside the refusal, or before it; all of them where none is.
    let everything = last.len() == 1 || chars[clause.clone()].iter().any(|c| "都全".contains(*c));
    let named = |said: &[char]| -> Vec<usize> {
        last.iter().copied().filter(|at| !everything && is_named(call, &all[*at], units, said)).collect()
    };
    let mut stretches = [clause.start..clause.end, 0..clause.end].into_iter().map(|r| named(&chars[r]));
    stretches.find(|n| !n.is_empty()).unwrap_or_else(|| last.to_vec())
}

/// What the agent says names what stands beside an ordered quantity: two characters in a row are enough.
fn is_named(call: &CallView<'_>, order: &Ordered, units: &[char], said: &[char]) -> bool {
    let Some(turn) = call.turns.get(order.turn as usize) else { return false };
    let chars = turn.norm.chars();
    let counts = counted(turn, units);
    let Some(at) = counts.iter().position(|c| c.range == order.range) else { return false };
    // The name stands before its quantity or behind it, in the same clause where there are clauses.
    let before = at.checked_sub(1).map_or(0, |i| counts[i].range.end);
    let after = counts.get(at + 1).map_or(chars.len(), |c| c.range.start);
    let own = turn.clauses().into_iter().find(|c| c.contains(&counts[at].range.start)).unwrap_or(0..chars.len());
    let (before, after) = (before.max(own.start), after.min(own.end).max(counts[at].range.end));
    let beside =
        [&chars[before.min(counts[at].range.start)..counts[at].range.start], &chars[counts[at].range.end..after]];
    beside.iter().any(|part| part.windows(2).any(|pair| said.windows(2).any(|w| w == pair)))
}

fn is_taken_back(call: &CallView<'_>, view: &TurnView<'_>, at: usize) -> bool {
    let asked = call.turns[..at].iter().rev().find(|t| t.turn.role == SpeakerRole::Agent);
    let nothing_else = asked.is_some_and(|t| ANYTHING_ELSE.iter().any(|w| t.text().contains(w)));
    let kept = KEPT.iter().any(|w| view.text().contains(w));
    !nothing_else && !kept && WITHDRAWALS.iter().any(|w| view.text().contains(w))
}

#[cfg(test)]
mod tests {
    use super::super::UNITS;
    use super::Orders;
    use crate::phrases::{PhraseTable, Phrases};
    use crate::selftest::turns_of;
    use crate::view::{CallFacts, CallView};

    fn standing(lines: &[&str]) -> Vec<i64> {
        let turns = turns_of(lines);
        let index = PhraseTable::default().build();
        let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
        let all = Orders::of(&call, &['条', '箱'], &Phrases::default());
        all.standing().map(|o| o.amount.least / 1000).collect()
    }

    #[test]
    fn what_cannot_be_had_is_no_order() {
        assert_eq!(
            standing(&["customer: 要五条中华", "agent: 不好意思，中华没货了", "customer: 那行吧"]),
            Vec::<i64>::new()
        );
        assert_eq!(standing(&["customer: 中华五条，云烟三条", "agent: 中华暂时没有货，云烟可以"]), [3]);
        assert_eq!(standing(&["customer: 中华五条，云烟三条", "agent: 都卖完了"]), Vec::<i64>::new());
        let changed = [
            "customer: 中华五条，云烟三条",
            "agent: 中华没货了",
            "customer: 玉溪一条多少钱",
            "agent: 二百一",
            "customer: 行，那就换成玉溪吧",
        ];
        // To ask for a price orders nothing.
        assert_eq!(standing(&changed), [5, 3]);
        for refusal in ["这款暂时没到货", "没有中华了", "现在订不上", "这个货源没有", "卖没了", "现在断供"]
        {
            let call = ["customer: 中华来五条".to_owned(), format!("agent: {refusal}"), "customer: 那好吧".to_owned()];
            let lines: Vec<&str> = call.iter().map(String::as_str).collect();
            assert_eq!(standing(&lines), Vec::<i64>::new(), "{refusal}");
        }
        for no_refusal in ["我看一下有没有货", "没有别的了吧", "好的没有问题了", "您有会员卡没有"]
        {
            let call = ["customer: 中华来五条".to_owned(), format!("agent: {no_refusal}")];
            let lines: Vec<&str> = call.iter().map(String::as_str).collect();
            assert_eq!(standing(&lines), [5], "{no_refusal}");
        }
        // An offer of less is to be read back.
        assert_eq!(standing(&["customer: 要五条中华", "agent: 库存不足，只能给您两条"]), [5]);
    }

    #[test]
    fn goods_are_counted_once_however_often_their_number_is_said() {
        let goods = |lines: &[&str]| {
            let turns = turns_of(lines);
            let index = PhraseTable::default().build();
            let call = CallView::new(&turns, CallFacts::default(), &index, 0.5);
            Orders::of(&call, &UNITS, &Phrases::default()).goods()
        };
        for (lines, wanted) in [
            (&["customer: 红塔山五条，云烟三条"][..], 2),
            (&["customer: 天热了，乌龙茶给我上十二箱，苏打水十箱"], 2),
            (&["customer: 双喜十五条", "agent: 没听清", "customer: 双喜，十五条"], 1),
            (&["customer: 利群五条", "agent: 实配两条，行吗", "customer: 行吧那就两条"], 1),
            (&["customer: 红塔山五条", "agent: 好", "customer: 红塔山改成三条吧"], 1),
            (&["customer: 来五条", "agent: 好", "customer: 再来三条"], 2),
            (&["customer: 十五条", "agent: 好", "customer: 红河要三十条"], 2),
        ] {
            assert_eq!(goods(lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn what_is_taken_back_is_no_order() {
        assert_eq!(
            standing(&["customer: 要五条中华", "agent: 一条四百五", "customer: 太贵了，算了"]),
            Vec::<i64>::new()
        );
        assert_eq!(standing(&["customer: 要五条中华", "agent: 还要别的吗", "customer: 不要了"]), [5]);
    }
}
