//! Something said again, by the same side or the other.

use callsift_core::MatchKind;
use callsift_text::likeness;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "repeat",
    title: "上下文重复",
    checks: "所选话轮重复了之前说过的话：与前面若干话轮之一足够相似。",
    params: &[
        ("of", "`same` 重复自己说过的（默认），`other` 重复对方说过的"),
        ("within_turns", "往前看多少个话轮，默认 0，即从头看起"),
        ("at_least", "最低相似度，0 到 1，默认 0.8"),
        ("min_chars", "少于这么多个字的话轮不看，默认 6"),
        ("times", "第几次重复起才算，默认 1"),
        EXCEPT,
    ],
    example: "repeat: { of: same, within_turns: 6, at_least: 0.8, times: 2 }",
    holds: "turns: [\"agent: 您的订单还没有送到\", \"customer: 那怎么办\", \"agent: 您的订单还没有送到\", \"customer: 我知道\", \"agent: 您的订单还没有送到\"]",
    fails: "turns: [\"agent: 您的订单还没有送到\", \"customer: 那怎么办\", \"agent: 我马上帮您催一下\"]",
    blind_spots: "换了说法的重复；一个话轮内部的重复。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Repeat {
    /// Whose words are repeated.
    pub of: Of,
    /// Look back so many turns; 0: to the beginning.
    pub within_turns: usize,
    /// Least likeness, 0 to 1; 0.8 where absent.
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// Shorter turns are not looked at, in spoken characters; 6 where absent.
    pub min_chars: Option<usize>,
    /// Count from this repetition on; 1 where absent.
    pub times: Option<usize>,
    /// A turn that holds one of these is excused.
    pub except: Phrases,
}

/// Whose words are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// One's own.
    #[default]
    Same,
    /// The other side's.
    Other,
}

impl Operator for Repeat {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if let Some(v) = &self.at_least {
            cx.expect((0.3..=1.0).contains(&v.value), &v.referenced, "`at_least` is a likeness, 0.3 to 1");
        }
        if self.times == Some(0) {
            cx.wrong_somewhere("`times` counts from 1");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let limit = self.at_least.as_ref().map_or(0.8, |v| v.value);
        let (mut evidence, mut seen) = (Vec::new(), 0);
        for view in on.views(call).filter(|t| self.counts(t)) {
            let at = view.turn.index as usize;
            let from = if self.within_turns == 0 { 0 } else { at.saturating_sub(self.within_turns) };
            let before = call.turns[from.min(at)..at].iter().filter(|t| self.counts(t) && self.is_source(t, view));
            let best = before.map(|t| likeness(t.sounds(), view.sounds())).fold(0.0, f64::max);
            if best >= limit {
                seen += 1;
                if seen >= self.times.unwrap_or(1) {
                    evidence.push(view.whole(MatchKind::Similar, 1.0 - best, path));
                }
            }
        }
        Eval::found(path, evidence, call.words(said!(REPEATS, seen)))
    }
}

impl Repeat {
    fn counts(&self, turn: &TurnView<'_>) -> bool {
        turn.spoken_chars() >= self.min_chars.unwrap_or(6) && !turn.turn.is_unusable() && !self.except.any_in(turn)
    }

    fn is_source(&self, earlier: &TurnView<'_>, now: &TurnView<'_>) -> bool {
        (earlier.turn.role == now.turn.role) == (self.of == Of::Same)
    }
}
