//! Order read-back: the agent repeats the quantities that the customer gave (A16).

use callsift_core::{MatchKind, SpeakerRole};
use callsift_text::{SoundText, find_numbers, phrase_within};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::order::{EXCEPT_DOC, UNITS_DOC};
use super::{Awaited, Operator, OperatorDoc};
use crate::amount::Amount;
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::orders::{
    Heard, Item, Ordered, Orders, claims, counted, goods, is_guessed, meant, says_supply, speaks_of_goods_there,
    spoken_lines, ways_to_say,
};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "readback",
    title: "订单复述",
    checks: "客户说出订货数量之后，坐席在含有复述提示语的话轮里、或在一个含有两个以上数量的话轮里、或紧接客户话轮重复其数量，合计重复了客户数量的一定比例。5 条、五条、俩、半打相等。",
    params: &[
        ("units", UNITS_DOC),
        ("cues", "复述提示语，如“核对”“确认”"),
        ("min_share", "至少重复客户所说数量的多大比例，0 到 1，默认 0.5；0 表示只要复述过，数量对不对不论"),
        ("except", EXCEPT_DOC),
    ],
    example: "readback: { units: [条, 箱], cues: [核对, 确认, 一共], except: [坏, 少了], min_share: 0.5 }",
    holds: "turns: [\"customer: 要5条红塔山，俩云烟\", \"agent: 确认一下，五条红塔山，两条云烟\"]",
    fails: "turns: [\"customer: 要五条红塔山，两条云烟\", \"agent: 好的记下了再见\"]",
    blind_spots: "不核对数量属于哪个品种（见 order_mismatch）；客户没有说出数量时无法判定。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Readback {
    /// Measure words that count ordered goods.
    #[serde(default = "goods")]
    pub units: Vec<char>,
    /// Words that announce a read-back.
    pub cues: Phrases,
    /// A customer's turn with one of these speaks of goods without ordering them (坏了三条).
    #[serde(default)]
    pub except: Phrases,
    /// Least share of the customer's quantities that must be said again; 0.5 where absent, 0: any read-back counts.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub min_share: Option<Spanned<f64>>,
}

impl Operator for Readback {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.cues.compile(cx, Ear::Sound);
        self.except.compile(cx, Ear::Exact);
        if self.units.is_empty() {
            cx.wrong_somewhere("`units` needs at least one measure word");
        }
        if let Some(share) = &self.min_share {
            cx.expect((0.0..=1.0).contains(&share.value), &share.referenced, "`min_share` is a share, 0 to 1");
        }
    }

    fn awaited(&self, call: &CallView<'_>) -> Vec<Awaited> {
        let theirs = call.turns.iter().filter(|t| t.turn.role == SpeakerRole::Customer && !t.turn.is_unusable());
        let spoken = theirs.flat_map(|t| ways_to_say(t, &counted(t, &self.units)));
        spoken.map(|words| Awaited::of(SpeakerRole::Agent, words)).collect()
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let min_share = self.min_share.as_ref().map_or(0.5, |s| s.value);
        let Orders { all } = Orders::of(call, &self.units, &self.except);
        if all.is_empty() {
            return Eval::unknown(path, said!(NO_QUANTITY));
        }
        let standing = all.iter().filter(|o| o.fell_at.is_none());
        let mut open: Vec<(u32, Amount)> = standing.map(|o| (o.turn, o.amount)).collect();
        let total = open.len();
        let Some((first, _)) = open.first().copied() else {
            return Self::nothing_to_read_back(call, &all, path);
        };
        let mut evidence = Vec::new();
        let later = on.candidates.iter().map(|i| &call.turns[*i]);
        for turn in later.filter(|t| t.turn.role == SpeakerRole::Agent && t.turn.index > first && !t.turn.is_unusable())
        {
            let said = self.values(turn);
            let before = open.len();
            let otherwise = self.named_otherwise(turn, &all);
            open.retain(|(at, amount)| !otherwise.iter().any(|o| o.turn == *at && o.amount == *amount));
            if open.len() < before {
                evidence.push(turn.whole(MatchKind::Exact, 0.0, path));
            }
            if !self.is_readback(call, turn, &said) && !all.iter().any(|order| is_named_with(turn, order, &said)) {
                continue;
            }
            let before = open.len();
            // The sum of several stands for all of them.
            let earlier: Vec<Amount> = open.iter().filter(|(at, _)| *at < turn.turn.index).map(|(_, v)| *v).collect();
            if earlier.len() >= 2 && said.iter().any(|v| v.agrees(Amount::sum(&earlier))) {
                open.retain(|(at, _)| *at >= turn.turn.index);
            }
            for value in said {
                if let Some(at) = open.iter().position(|(index, v)| v.agrees(value) && *index < turn.turn.index) {
                    open.remove(at);
                }
            }
            if open.len() < before || min_share <= 0.0 {
                evidence.push(turn.whole(MatchKind::Exact, 0.0, path));
            }
        }
        let said = total - open.len();
        let share = said as f64 / total as f64;
        let note = call.words(said!(READ_BACK, total, said, share * 100.0));
        if share < min_share {
            let ordered: Vec<Amount> = all.iter().filter(|o| o.fell_at.is_none()).map(|o| o.amount).collect();
            if let Some(turn) = self.misheard(call, on, first, &ordered) {
                return Eval::unknown(path, said!(READ_BACK_UNCLEAR, turn.turn.text()));
            }
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }
}

/// True where a turn names what was ordered, and as many of it.
fn is_named_with(turn: &TurnView<'_>, order: &Ordered, said: &[Amount]) -> bool {
    order.turn < turn.turn.index
        && said.iter().any(|value| value.agrees(order.amount))
        && Item::new(order.name.clone()).is_named_in(turn)
}

/// True where a turn has the numbers that were ordered, half of them at least, whatever it counts by them. One of something is
/// said everywhere (一共, 一下) and does not tell.
fn has_numbers(turn: &TurnView<'_>, ordered: &[Amount]) -> bool {
    let numbers: Vec<Amount> = find_numbers(turn.norm.chars()).into_iter().map(Amount::from).collect();
    let telling = ordered.iter().filter(|o| !o.agrees(Amount::exactly(1.0)));
    let again = telling.filter(|o| numbers.iter().any(|n| n.agrees(**o))).count();
    again > 0 && 2 * again >= ordered.len()
}

/// Mean cost per syllable up to which a stretch may be a quantity that was written down by other characters (下午跳, 五条).
const SAME_SOUND: f64 = 0.2;

impl Readback {
    fn values(&self, turn: &TurnView<'_>) -> Vec<Amount> {
        counted(turn, &self.units).into_iter().map(|c| c.value).collect()
    }

    /// Orders whose goods the turn names with another number: read back, if wrongly (see `order_mismatch`).
    fn named_otherwise<'o>(&self, turn: &TurnView<'_>, all: &'o [Ordered]) -> Vec<&'o Ordered> {
        if says_supply(turn.text()) || speaks_of_goods_there(turn, &self.except) {
            return Vec::new();
        }
        // A price is for one of something.
        let mut counts = meant(turn, &self.units);
        counts.retain(|c| !c.value.agrees(Amount::exactly(1.0)) && !is_guessed(turn, c));
        let earlier = all.iter().filter(|o| o.turn < turn.turn.index && o.name.len() >= 2);
        let named = earlier.filter(|o| {
            let said = claims(turn, &[Item::new(o.name.clone())], &counts);
            said.first().is_some_and(|line| !line.value.agrees(o.amount))
        });
        named.collect()
    }

    /// A turn that sounds like a read-back and whose quantities were not understood: it counts something after the order, and the
    /// recogniser is not sure of the number; it has the numbers of the order with other measure words (四角), or what sounds like
    /// one of its quantities (下午跳); or it names what the customer ordered, holds a cue, and no number was heard.
    fn misheard<'c>(
        &self,
        call: &'c CallView<'_>,
        on: &Selection,
        first: u32,
        ordered: &[Amount],
    ) -> Option<&'c TurnView<'c>> {
        let agent = Heard::of(call, SpeakerRole::Agent);
        let customer = call.turns.iter().filter(|t| t.turn.role == SpeakerRole::Customer && !t.turn.is_unusable());
        let quantities: Vec<SoundText> = customer.clone().flat_map(|t| self.last_syllables(t)).collect();
        let items: Vec<Item> =
            customer.flat_map(|t| spoken_lines(t, &meant(t, &self.units), &agent)).map(|l| Item::new(l.name)).collect();
        on.candidates.iter().map(|i| &*call.turns[*i]).find(|t| {
            let theirs = t.turn.role == SpeakerRole::Agent && t.turn.index > first && !t.turn.is_unusable();
            let named = || self.cues.any_in(t) && items.iter().any(|item| item.is_named_in(t));
            let guessed = || counted(t, &self.units).iter().any(|c| is_guessed(t, c));
            let again = || {
                has_numbers(t, ordered) || quantities.iter().any(|q| phrase_within(t.sounds(), q, SAME_SOUND).is_some())
            };
            theirs && !t.is_certain() && (named() || guessed() || again())
        })
    }

    /// The sounds by which each quantity of a turn ends, the measure word and what stands before it: 五条 of 二十五条. One of
    /// something is said everywhere.
    fn last_syllables(&self, turn: &TurnView<'_>) -> Vec<SoundText> {
        let chars = turn.norm.chars();
        let counts = counted(turn, &self.units).into_iter().filter(|c| !c.value.agrees(Amount::exactly(1.0)));
        let ends = counts.filter_map(|c| Some(chars.get(c.range.end.checked_sub(2)?..c.range.end)?.to_vec()));
        ends.map(|end| SoundText::of_phrase(&end)).collect()
    }

    /// An order that was refused or taken back need not be read back: the turn by which it fell stands for it.
    fn nothing_to_read_back(call: &CallView<'_>, all: &[Ordered], path: &str) -> Eval {
        let fell = all.iter().filter_map(|o| call.turns.get(o.fell_at? as usize));
        let evidence = fell.map(|t| t.whole(MatchKind::Exact, 0.0, path)).collect();
        Eval::found(path, evidence, call.words(said!(ALL_FELL)))
    }

    /// Said with a cue, several at once, or straight after the customer's own.
    fn is_readback(&self, call: &CallView<'_>, turn: &TurnView<'_>, said: &[Amount]) -> bool {
        let before = (turn.turn.index as usize).checked_sub(1).map(|i| &call.turns[i]);
        let echo = before.is_some_and(|b| {
            b.turn.role == SpeakerRole::Customer && self.values(b).iter().any(|v| said.iter().any(|s| s.agrees(*v)))
        });
        said.len() >= 2 || !said.is_empty() && (echo || self.cues.any_in(turn))
    }
}
