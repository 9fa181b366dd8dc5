//! Speech rate, per turn or over all selected turns.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::keyword::Per;
use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "pace",
    title: "语速",
    checks: "语速（每分钟字数，不计标点）快于或慢于界限；逐个话轮看，或把所选话轮合起来看平均。",
    params: &[
        ("faster_than", "快于每分钟多少字"),
        ("slower_than", "慢于每分钟多少字"),
        ("per", "`call` 所选话轮合计（默认），`turn` 逐个话轮"),
        ("min_chars", "合计（或话轮）不足这么多字不看，默认 20"),
        EXCEPT,
    ],
    example: "pace: { faster_than: 360, per: call, min_chars: 10 }",
    holds: "turns: [{ role: agent, text: 您的订单已经登记好了明天上午送到请您注意查收, start_ms: 0, end_ms: 3000 }]",
    fails: "turns: [{ role: agent, text: 您的订单已经登记好了明天上午送到请您注意查收, start_ms: 0, end_ms: 6000 }]",
    blind_spots: "话轮里的停顿计入时长；按识别出的字数算，漏识的字会使语速偏低。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// More characters per minute than this.
    #[schemars(with = "Option<f64>")]
    pub faster_than: Option<Spanned<f64>>,
    /// Fewer characters per minute than this.
    #[schemars(with = "Option<f64>")]
    pub slower_than: Option<Spanned<f64>>,
    /// Turn by turn, or all selected turns together.
    pub per: Per,
    /// With fewer spoken characters nothing is said; 20 where absent.
    pub min_chars: Option<usize>,
    /// A turn that holds one of these is not looked at.
    pub except: Phrases,
}

impl Operator for Pace {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.faster_than.is_none() && self.slower_than.is_none() {
            cx.wrong_somewhere("`pace` needs `faster_than` or `slower_than`, in characters per minute");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let turns: Vec<_> = on.views(call).filter(|t| !self.except.any_in(t) && !t.turn.span.is_empty()).collect();
        let enough = |chars: usize| chars >= self.min_chars.unwrap_or(20);
        if self.per == Per::Turn {
            let out = turns.iter().filter_map(|t| {
                let cpm = rate(t.spoken_chars(), t.turn.span.len_ms());
                let wrong = enough(t.spoken_chars()) && self.is_out(cpm);
                wrong.then(|| t.measured(t.turn.span, said!(PACE_MEASURED, cpm).to_string(), path))
            });
            let evidence: Vec<_> = out.collect();
            let note = call.words(said!(PACE_TURNS, evidence.len()));
            return Eval::found(path, evidence, note);
        }
        let chars: usize = turns.iter().map(|t| t.spoken_chars()).sum();
        let ms: i64 = turns.iter().map(|t| t.turn.span.len_ms()).sum();
        let cpm = rate(chars, ms);
        let note = call.words(said!(PACE, chars, ms as f64 / 1000.0, cpm));
        let Some(first) = turns.first().filter(|_| enough(chars) && self.is_out(cpm)) else {
            return Eval::new(path, Truth::No, Vec::new(), note);
        };
        Eval::found(path, vec![first.measured(on.window, call.words(said!(PACE_MEAN, cpm)), path)], note)
    }
}

impl Pace {
    fn is_out(&self, cpm: f64) -> bool {
        self.faster_than.as_ref().is_some_and(|v| cpm > v.value)
            || self.slower_than.as_ref().is_some_and(|v| cpm < v.value)
    }
}

fn rate(chars: usize, ms: i64) -> f64 {
    chars as f64 * 60_000.0 / ms.max(1) as f64
}
