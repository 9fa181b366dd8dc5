//! Amounts, quantities, numbers, dates, addresses, products.

use callsift_core::MatchKind;
use callsift_text::{EntityKind, find_entities};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "entity",
    title: "信息实体",
    checks: "所选话轮里说出了某类信息。数字读作汉字或写作数字都认；身份证号与银行卡号要通过校验位。",
    params: &[
        (
            "kind",
            "`amount` 金额，`quantity` 数量加量词，`phone` 电话，`date_time` 日期或时间，`id_card` 身份证号，`bank_card` 银行卡号，`address` 地址，`product` 品名（见 `products`）",
        ),
        ("units", "`quantity` 的量词，如 [条, 箱]；不写则任何量词"),
        ("products", "`product` 的品名列表，按读音也认"),
        ("at_least", "至少几处，默认 1"),
        EXCEPT,
    ],
    example: "entity: { kind: quantity, units: [条, 箱] }",
    holds: "turns: [\"customer: 红塔山来五条\"]",
    fails: "turns: [\"customer: 我等了五天\"]",
    blind_spots: "地址靠“省市县区镇村路街号”等字样，口语地标认不出；品名只认列表里的。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// What kind of thing.
    pub kind: Kind,
    /// Measure words of a quantity; any where empty.
    #[serde(default)]
    pub units: Vec<char>,
    /// Names of products.
    #[serde(default)]
    pub products: Phrases,
    /// So many places; 1 where absent.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
}

/// Kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money.
    Amount,
    /// Number and measure word.
    Quantity,
    /// Telephone number.
    Phone,
    /// Day or time of day.
    DateTime,
    /// Citizen's identity number, check digit right.
    IdCard,
    /// Bank card number, check digit right.
    BankCard,
    /// Postal address.
    Address,
    /// A name of `products`.
    Product,
}

impl Operator for Entity {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.products.compile(cx, Ear::SoundOfWords);
        self.except.compile(cx, Ear::Exact);
        if (self.kind == Kind::Product) == self.products.is_empty() {
            cx.wrong_somewhere("`products` goes with `kind: product`, and must then not be empty");
        }
        if self.kind != Kind::Quantity && !self.units.is_empty() {
            cx.wrong_somewhere("`units` goes with `kind: quantity`");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let mut evidence = Vec::new();
        for turn in on.views(call).filter(|t| !self.except.any_in(t)) {
            if self.kind == Kind::Product {
                let hits = self.products.all_in(turn);
                evidence.extend(hits.map(|h| turn.evidence(h.range.clone(), h.kind, h.cost, path)));
            } else {
                let found = self.find(turn).into_iter();
                evidence.extend(found.map(|range| turn.evidence(range, MatchKind::Pattern, 0.0, path)));
            }
        }
        let note = call.words(said!(ENTITIES, evidence.len()));
        if evidence.len() < self.at_least.unwrap_or(1) {
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }
}

impl Entity {
    fn find(&self, turn: &TurnView<'_>) -> Vec<std::ops::Range<usize>> {
        let kind = match self.kind {
            Kind::Amount => EntityKind::Amount,
            Kind::Quantity => EntityKind::Quantity,
            Kind::Phone => EntityKind::Phone,
            Kind::DateTime => EntityKind::DateTime,
            Kind::IdCard => EntityKind::IdCard,
            Kind::BankCard => EntityKind::BankCard,
            Kind::Address => EntityKind::Address,
            Kind::Product => return Vec::new(),
        };
        let chars = turn.norm.chars();
        let unit_fits = |range: &std::ops::Range<usize>| {
            self.units.is_empty() || chars[range.clone()].iter().any(|c| self.units.contains(c))
        };
        find_entities(chars, kind).into_iter().filter(unit_fits).collect()
    }
}
