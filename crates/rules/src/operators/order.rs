//! The customer orders something: a quantity that is neither refused for want of goods nor taken back (A16).

use callsift_core::{MatchKind, SpeakerRole};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Awaited, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::orders::{Orders, goods, words_of_no_order};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What `units` and `except` mean wherever orders are read.
pub(super) const UNITS_DOC: &str = "订货用的量词；不写就是常用的那些：条箱件包盒瓶袋桶提打罐听壶捆扎斤支板排";
pub(super) const EXCEPT_DOC: &str =
    "另有哪些话，话轮里有其中之一就不当作订货；货损、退换、库存、价钱、已经送到的货（坏了三条、还剩五箱）本来就不算";

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "order",
    title: "客户订货",
    checks: "客户说出了订货数量，坐席没有因缺货回绝（没货、卖完了、暂时没有……），客户也没有收回（算了、不要了）。电话号码、工号、条码里的数字不是数量；五六条是一个数量。",
    params: &[
        ("units", UNITS_DOC),
        ("except", EXCEPT_DOC),
        ("at_least", "至少几个品种，默认 1；同一品种改了数量、又说一遍，仍是一个"),
    ],
    example: "order: { units: [条, 箱], except: [坏, 少了] }",
    holds: "turns: [\"customer: 要五六条红塔山\", \"agent: 好的\"]",
    fails: "turns: [\"customer: 要五条红塔山\", \"agent: 不好意思，红塔山没货了\", \"customer: 那算了\"]",
    blind_spots: "没有数量的订货；几轮之后才回绝的；回绝时只说代号不说品名的多品种订单。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Measure words that count ordered goods.
    #[serde(default = "goods")]
    pub units: Vec<char>,
    /// A customer's turn with one of these speaks of goods without ordering them (坏了三条).
    #[serde(default)]
    pub except: Phrases,
    /// So many different goods; 1 where absent.
    #[serde(default)]
    pub at_least: Option<usize>,
}

impl Operator for Order {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.units.is_empty() {
            cx.wrong_somewhere("`units` needs at least one measure word");
        }
    }

    fn excusing(&self, call: &CallView<'_>) -> Vec<Awaited> {
        let phrases = self.except.ids().iter().map(|phrase| call.index.text(*phrase));
        words_of_no_order()
            .map(str::to_owned)
            .chain(phrases)
            .map(|words| Awaited::of(SpeakerRole::Customer, words))
            .collect()
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let orders = Orders::of(call, &self.units, &self.except);
        let standing: Vec<u32> = orders.standing().map(|o| o.turn).collect();
        let note = call.words(said!(ORDERED, orders.all.len(), standing.len()));
        let searched = |turn: &u32| on.candidates.binary_search(&(*turn as usize)).is_ok();
        let mut turns: Vec<u32> = standing.iter().copied().filter(searched).collect();
        if orders.goods() < self.at_least.unwrap_or(1) {
            turns.clear();
        }
        turns.dedup();
        let whole = |turn: u32| call.turns.get(turn as usize).map(|t| t.whole(MatchKind::Exact, 0.0, path));
        Eval::found(path, turns.into_iter().filter_map(whole).collect(), note)
    }
}
