//! Who speaks.

use callsift_core::{MatchKind, SpeakerRole};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "role",
    title: "角色判断",
    checks: "所选话轮里，第一个（或最后一个、任一个）是由某一方说的。常与 `within` 的范围合用，如“谁先开口”。",
    params: &[
        ("is", "`agent` 坐席或 `customer` 客户"),
        ("which", "`any` 任一话轮（默认），`first` 第一个，`last` 最后一个"),
        EXCEPT,
    ],
    example: "role: { is: customer, which: first }",
    holds: "turns: [\"customer: 喂\", \"agent: 您好\"]",
    fails: "turns: [\"agent: 您好\", \"customer: 喂\"]",
    blind_spots: "单声道录音的角色是推断的，不够确定时无法判定。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Who.
    #[schemars(with = "crate::schema::RoleName")]
    pub is: SpeakerRole,
    /// Which of the selected turns.
    #[serde(default)]
    pub which: WhichTurn,
    /// Turns that hold one of these are passed over.
    #[serde(default)]
    pub except: Phrases,
}

/// Which of the selected turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhichTurn {
    /// Any of them.
    #[default]
    Any,
    /// The first.
    First,
    /// The last.
    Last,
}

impl Operator for Role {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.is == SpeakerRole::Unknown {
            cx.wrong_somewhere("`is` is `agent` or `customer`");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let turns: Vec<_> = on.views(call).filter(|t| !self.except.any_in(t)).collect();
        let looked = match self.which {
            WhichTurn::Any => &turns[..],
            WhichTurn::First => &turns[..turns.len().min(1)],
            WhichTurn::Last => &turns[turns.len().saturating_sub(1)..],
        };
        if !looked.is_empty() && looked.iter().all(|t| call.role(t.turn) == SpeakerRole::Unknown) {
            return Eval::unknown(path, said!(ROLE_UNSURE));
        }
        let theirs = looked.iter().filter(|t| call.role(t.turn) == self.is);
        let evidence: Vec<_> = theirs.map(|t| t.whole(MatchKind::Measure, 0.0, path)).collect();
        let truth = Truth::from(!evidence.is_empty());
        Eval::new(path, truth, evidence, call.words(said!(TURNS_SEEN, looked.len())))
    }

    /// Of a call that breaks off nobody knows who spoke last.
    fn open(&self, _call: &CallView<'_>, on: &Selection, eval: &Eval) -> bool {
        on.unheard && (eval.truth == Truth::No || self.which == WhichTurn::Last)
    }
}
