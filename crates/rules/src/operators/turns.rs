//! Number of turns.

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
    name: "turns",
    title: "对话语句数",
    checks: "所选话轮的个数在界限之内。",
    params: &[
        ("at_least", "至少几个"),
        ("at_most", "至多几个"),
        ("min_chars", "少于这么多个字的话轮不数，默认 1"),
        EXCEPT,
    ],
    example: "turns: { at_most: 1, min_chars: 2 }",
    holds: "turns: [\"agent: 您好\", \"customer: 喂\"]",
    fails: "turns: [\"agent: 您好\", \"customer: 我要订货\"]",
    blind_spots: "话轮的切分取决于停顿与插话。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Turns {
    /// At least so many.
    pub at_least: Option<usize>,
    /// At most so many.
    pub at_most: Option<usize>,
    /// Shorter turns are not counted, in spoken characters; 1 where absent.
    pub min_chars: Option<usize>,
    /// Turns that hold one of these are not counted.
    pub except: Phrases,
}

impl Operator for Turns {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        match (self.at_least, self.at_most) {
            (None, None) => cx.wrong_somewhere("`turns` needs `at_least` or `at_most`"),
            (Some(low), Some(high)) if low > high => {
                cx.wrong_somewhere(format!("`turns` can never hold: at_least {low} is more than at_most {high}"));
            }
            _ => {}
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let long = |t: &&crate::view::TurnView<'_>| t.spoken_chars() >= self.min_chars.unwrap_or(1);
        let n = on.views(call).filter(long).filter(|t| !self.except.any_in(t)).count();
        let holds = self.at_least.is_none_or(|low| n >= low) && self.at_most.is_none_or(|high| n <= high);
        let text = said!(TURNS_MEASURED, n).to_string();
        let evidence = match on.views(call).next().filter(|_| holds) {
            Some(first) => vec![first.measured(on.window, text, path)],
            None => Vec::new(),
        };
        Eval::new(path, Truth::from(holds), evidence, call.words(said!(TURNS, n)))
    }

    /// There can only be more of them.
    fn open(&self, _call: &CallView<'_>, on: &Selection, eval: &Eval) -> bool {
        on.unheard && (eval.truth == Truth::No || self.at_most.is_some())
    }
}
