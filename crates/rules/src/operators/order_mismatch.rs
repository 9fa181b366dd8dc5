//! What the agent reads back differs from the customer's words or from the order record (A16).

use std::collections::BTreeMap;

use callsift_core::{Evidence, MatchKind, SpeakerRole};
use schemars::JsonSchema;
use serde::Deserialize;

use super::order::UNITS_DOC;
use super::{Awaited, Operator, OperatorDoc};
use crate::amount::Amount;
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::orders::{
    Counted, Heard, Item, OrderLine, Ordered, Orders, claims, counted, goods, is_guessed, is_same_name, meant,
    ordered_counts, record_lines, says_supply, shared_part, speaks_of_goods_there, spoken_lines, ways_to_say,
};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "order_mismatch",
    title: "复述与订单不符",
    checks: "坐席复述的品种数量，与客户最后说的、或与系统订单（元数据 `order`，如 `红塔山=5条;云烟=3条`）不一致，且其后没有说出正确的数量。品名按读音认，五条红塔山与红塔山 5 条相等。",
    params: &[
        ("units", UNITS_DOC),
        ("against", "`customer` 客户的话，`record` 系统订单，`both` 两者（默认）"),
        ("except", "另有哪些话，话轮里有其中之一就不当作订货或复述；货损、退换、库存、实配、限量本来就不算"),
    ],
    example: "order_mismatch: { units: [条, 箱], against: both, except: [坏, 库存] }",
    holds: "turns: [\"customer: 要五条红塔山，三条云烟\", \"agent: 跟您核对一下，红塔山五条，云烟两条\"]",
    fails: "turns: [\"customer: 要五条红塔山，三条云烟\", \"agent: 跟您核对一下，红塔山五条，云烟两条\", \"customer: 云烟是三条\", \"agent: 好的云烟三条\"]",
    blind_spots: "没有系统订单、客户又没说品名的；同一品名多个规格；坐席漏说的品种（见 readback）。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderMismatch {
    /// Measure words that count ordered goods.
    #[serde(default = "goods")]
    pub units: Vec<char>,
    /// What the agent's words are compared with.
    #[serde(default)]
    pub against: Against,
    /// A turn with one of these neither orders nor reads back.
    #[serde(default)]
    pub except: Phrases,
}

/// What the agent's words are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The customer's own words.
    Customer,
    /// The order system's record.
    Record,
    /// Either.
    #[default]
    Both,
}

/// The last quantity of each item, with the turn that holds it.
type Last = BTreeMap<Vec<char>, (u32, Amount)>;

/// What both sides said.
#[derive(Default)]
struct Said {
    /// What the customer wants.
    ordered: Last,
    /// What the agent read back of it.
    stated: Last,
    /// Items that the agent read back and nobody ordered.
    strange: Vec<(u32, OrderLine)>,
}

/// How both differ.
struct Compared {
    /// What was read back wrongly, and how, in words.
    wrong: Vec<(Evidence, String)>,
    /// Goods that may be others than were ordered: as ordered, as read back.
    unclear: Option<(String, String)>,
    /// How many goods were read back.
    repeated: usize,
}

/// Words by which an agent takes back what he just said: what stands in the end is not told for sure.
const SLIPS: [&str; 5] = ["看错了", "说错了", "念错了", "讲错了", "听错了"];
/// Words that make an item an offer, not a read-back.
const NOT_READ_BACK: [&str; 10] = ["要不要", "需要", "还要", "活动", "推荐", "品种", "库存", "新品", "促销", "试试"];

impl Operator for OrderMismatch {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.units.is_empty() {
            cx.wrong_somewhere("`units` needs at least one measure word");
        }
    }

    fn compares(&self) -> bool {
        true
    }

    fn contrary(&self, call: &CallView<'_>) -> Vec<Awaited> {
        // Either side may have said what the other was heard to say.
        let sides = [(SpeakerRole::Customer, SpeakerRole::Agent), (SpeakerRole::Agent, SpeakerRole::Customer)];
        let said_by = |role| call.turns.iter().filter(move |t| t.turn.role == role && !t.turn.is_unusable());
        let of_side = |(from, to)| {
            let words = said_by(from).flat_map(|t| ways_to_say(t, &counted(t, &self.units)));
            words.map(move |words| Awaited::of(to, words)).collect::<Vec<_>>()
        };
        sides.into_iter().flat_map(of_side).collect()
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let record = match self.against {
            Against::Customer => Vec::new(),
            _ => call.facts.field("order").map(|o| record_lines(&o)).unwrap_or_default(),
        };
        let Compared { wrong, unclear, repeated } = self.compare(call, on, &record, (path, true));
        if wrong.is_empty() {
            if let Some((wanted, said)) = unclear {
                return Eval::unknown(path, said!(GOODS_UNCLEAR, wanted, said));
            }
            // Numbers of which the recogniser was not sure accuse nobody, and clear nobody either.
            let unsure = |t: &TurnView<'_>| counted(t, &self.units).iter().any(|count| is_guessed(t, count));
            if call.turns.iter().any(|t| unsure(t)) {
                let loose = self.compare(call, on, &record, (path, false));
                if let Some((_, what)) = loose.wrong.first() {
                    return Eval::unknown(path, said!(NUMBERS_UNCLEAR, what));
                }
            }
        }
        let mut note = call.words(said!(REPEATED_GOODS, repeated, wrong.len()));
        for (_, what) in &wrong {
            note.push('；');
            note.push_str(what);
        }
        let mut evidence: Vec<Evidence> = wrong.into_iter().map(|(e, _)| e).collect();
        evidence.sort_by_key(|e| e.turn);
        evidence.dedup_by_key(|e| e.turn);
        Eval::found(path, evidence, note)
    }

    /// The right quantity may have been said where nothing was recorded.
    fn open(&self, call: &CallView<'_>, on: &Selection, _eval: &Eval) -> bool {
        on.unheard || call.facts.end_open
    }
}

impl OrderMismatch {
    /// What the agent says otherwise than the customer or the record; `sure`: numbers that may be others left out.
    fn compare(
        &self,
        call: &CallView<'_>,
        on: &Selection,
        record: &[OrderLine],
        (path, sure): (&str, bool),
    ) -> Compared {
        let Said { ordered, stated, strange } = self.said(call, on, record, sure);
        let mut wrong: Vec<(Evidence, String)> = Vec::new();
        let mut unclear = None;
        for (name, (turn, value)) in &stated {
            let spoken = ordered.get(name).filter(|(said_in, _)| self.against != Against::Record && said_in < turn);
            let recorded = record.iter().find(|l| l.name == *name).map(|l| l.value);
            let expected = recorded.or(spoken.map(|(_, v)| *v));
            let Some(expected) = expected.filter(|e| !e.agrees(*value)) else { continue };
            if !self.corrected(call, *turn, expected) {
                let view = &call.turns[*turn as usize];
                let item: String = name.iter().collect();
                let note = said!(SAID_OTHERWISE, item, expected, value).to_string();
                wrong.push((view.whole(MatchKind::Exact, 0.0, path), note));
            }
        }
        for (turn, line) in &strange {
            let unsaid = ordered.iter().find(|(name, (at, value))| {
                at < turn
                    && value.agrees(line.value)
                    && !stated.contains_key(*name)
                    && record.iter().all(|r| r.name != line.name)
            });
            if let Some((name, _)) = unsaid {
                let view = &call.turns[*turn as usize];
                let (wanted, said) = (name.iter().collect::<String>(), line.name.iter().collect::<String>());
                let ordered_in = call.turns.get(ordered[name].0 as usize);
                let certain = view.is_certain() && ordered_in.is_none_or(|view| view.is_certain());
                if !certain {
                    unclear.get_or_insert((wanted, said));
                    continue;
                }
                wrong.push((view.whole(MatchKind::Exact, 0.0, path), said!(OTHER_GOODS, wanted, said).to_string()));
            }
        }
        Compared { wrong, unclear, repeated: stated.len() }
    }

    /// Walks through the call: what the customer wants of each item, and what the agent last said of it.
    fn said(&self, call: &CallView<'_>, on: &Selection, record: &[OrderLine], sure: bool) -> Said {
        let mut items: Vec<Item> = record.iter().map(|l| Item::new(l.name.clone())).collect();
        let (mut said, mut last_named) = (Said::default(), None::<Vec<char>>);
        let (agent, customer) = (Heard::of(call, SpeakerRole::Agent), Heard::of(call, SpeakerRole::Customer));
        let orders = Orders::of(call, &self.units, &self.except);
        let fallen: Vec<&Ordered> = orders.all.iter().filter(|o| o.fell_at.is_some()).collect();
        for view in call.turns.iter().filter(|t| !t.turn.is_unusable()) {
            let at = view.turn.index;
            match call.role(view.turn) {
                SpeakerRole::Customer => {
                    for mut line in self.ordered_in(view, &items, last_named.as_ref(), (&agent, sure)) {
                        if !is_among(&items, &line.name) {
                            line.name = shared_part(&line.name, &agent);
                        }
                        if !is_among(&items, &line.name) {
                            items.push(Item::new(line.name.clone()));
                        }
                        last_named = Some(line.name.clone());
                        if !fallen.iter().any(|o| o.turn == at && o.amount == line.value) {
                            said.ordered.insert(line.name, (at, line.value));
                        }
                    }
                }
                SpeakerRole::Agent if on.candidates.binary_search(&(at as usize)).is_ok() && self.reads_back(view) => {
                    let counts: Vec<Counted> =
                        meant(view, &self.units).into_iter().filter(|c| !sure || !is_guessed(view, c)).collect();
                    let known = claims(view, &items, &counts);
                    let named = |line: &OrderLine| {
                        let item = Item::new(line.name.clone());
                        let before = call.turns.iter().take_while(|t| t.turn.index < at);
                        before.filter(|t| t.turn.role == SpeakerRole::Customer).any(|t| item.is_named_in(t))
                    };
                    let strange = strangers(view, &counts, &items, &customer).into_iter().filter(|line| !named(line));
                    said.strange.extend(strange.map(|line| (at, line)));
                    for line in known {
                        last_named = Some(line.name.clone());
                        said.stated.insert(line.name, (at, line.value));
                    }
                }
                _ => {}
            }
        }
        said
    }

    /// An agent's turn that may read back: it speaks neither of goods delivered nor of what there is to be had.
    fn reads_back(&self, view: &TurnView<'_>) -> bool {
        let slips = SLIPS.iter().any(|w| view.text().contains(w));
        !slips && !speaks_of_goods_there(view, &self.except) && !says_supply(view.text())
    }

    /// What a customer's turn orders: items known already are found by sound, others beside their quantities; a bare
    /// quantity after a change of mind (改成四条) goes to the item named last.
    fn ordered_in(
        &self,
        view: &TurnView<'_>,
        items: &[Item],
        last: Option<&Vec<char>>,
        (agent, sure): (&Heard<'_>, bool),
    ) -> Vec<OrderLine> {
        let mut counts = ordered_counts(view, &self.units, &self.except);
        counts.retain(|c| !sure || !is_guessed(view, c));
        let mut lines = claims(view, items, &counts);
        if !lines.is_empty() && lines.len() >= counts.len() {
            return lines;
        }
        for line in spoken_lines(view, &counts, agent).into_iter().filter(|line| !line.name.is_empty()) {
            if !lines.iter().any(|l| l.name == line.name || l.value.agrees(line.value)) {
                lines.push(line);
            }
        }
        let bare = lines.is_empty() && ["改", "换成", "还是", "是", "要"].iter().any(|w| view.text().contains(w));
        if let (true, Some(name), [count]) = (bare, last, counts.as_slice()) {
            lines.push(OrderLine { name: name.clone(), value: count.value });
        }
        lines
    }

    /// The agent says the right quantity later.
    fn corrected(&self, call: &CallView<'_>, turn: u32, expected: Amount) -> bool {
        let later = call.turns.iter().filter(|t| t.turn.index > turn && t.turn.role == SpeakerRole::Agent);
        later
            .filter(|t| !t.turn.is_unusable())
            .any(|t| counted(t, &self.units).iter().any(|c| c.value.agrees(expected)))
    }
}

/// Items that a turn counts and nobody named before.
fn strangers(view: &TurnView<'_>, counts: &[Counted], items: &[Item], customer: &Heard<'_>) -> Vec<OrderLine> {
    const LONGEST: usize = 5;
    if items.is_empty() || NOT_READ_BACK.iter().any(|w| view.text().contains(w)) {
        return Vec::new();
    }
    let known = |line: &OrderLine| items.iter().any(|item| is_same_name(&item.name, &line.name));
    let lines = spoken_lines(view, counts, customer).into_iter();
    lines.filter(|l| (1..=LONGEST).contains(&l.name.len()) && !known(l)).collect()
}

fn is_among(items: &[Item], name: &[char]) -> bool {
    items.iter().any(|item| item.name == name)
}
