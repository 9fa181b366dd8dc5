//! A text model's label on a turn.

use callsift_core::{LabelScore, MatchKind};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "model",
    title: "模型标签",
    checks: "所选话轮带有文本模型的某个标签，校准后的概率达到界限。任何文本模型的标签都可以用。",
    params: &[
        ("label", "标签名，以模型配置为准，如 negative、rhetorical、abusive"),
        ("at_least", "最低概率，0 到 1；不写则用模型配置里自带的阈值，模型没有给阈值的标签不算"),
        ("min_turns", "至少几个话轮达到，默认 1"),
        ("min_chars", "少于这么多个字的话轮不看，默认 2"),
        ("optional", "true：没有模型给出这个标签时当作不成立，而不是无法判定"),
        EXCEPT,
    ],
    example: "model: { label: negative, at_least: 0.9, min_turns: 2 }",
    holds: "turns: [{ role: customer, text: 怎么又没送到, labels: { negative: 0.95 } }, { role: customer, text: 每次都这样, labels: { negative: 0.93 } }]",
    fails: "turns: [{ role: customer, text: 怎么又没送到, labels: { negative: 0.95 } }]",
    blind_spots: "语气；模型没有学过的语言。标签只是提示，不宜单独判坐席违规：从未在真实通话上量过，各标签在测试集和带标注通话上的\
                  查准率、查全率见 models/text-mini-zh 与 models/text-base-zh 的 README。达到阈值的 rhetorical 在电视对白上，\
                  text-mini-zh 判对 83 %（55–95），只找到 14 %。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelLabel {
    /// Label, as the model's configuration names it.
    pub label: String,
    /// Least probability, 0 to 1; the one that the model's own configuration names where absent.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Spanned<f64>>,
    /// So many turns must have it; 1 where absent.
    #[serde(default)]
    pub min_turns: Option<usize>,
    /// Shorter turns are not looked at, in spoken characters; 2 where absent.
    #[serde(default)]
    pub min_chars: Option<usize>,
    /// No label counts as no.
    #[serde(default)]
    pub optional: bool,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
}

impl Operator for ModelLabel {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if let Some(least) = &self.at_least {
            cx.expect((0.0..=1.0).contains(&least.value), &least.referenced, "`at_least` is a probability, 0 to 1");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let long = |t: &&crate::view::TurnView<'_>| t.spoken_chars() >= self.min_chars.unwrap_or(2);
        let turns: Vec<_> = on.views(call).filter(long).collect();
        let scored: Vec<_> = turns.iter().filter_map(|t| t.turn.label(&self.label).map(|score| (*t, score))).collect();
        if scored.is_empty() && !turns.is_empty() && !self.optional {
            return Eval::unknown(path, said!(NO_LABEL, self.label));
        }
        let sure = scored.iter().filter(|(t, score)| self.believes(score) && !self.except.any_in(t));
        let mut evidence: Vec<_> = sure.map(|(t, score)| t.whole(MatchKind::Model, 1.0 - score.prob, path)).collect();
        let best = scored.iter().map(|(_, score)| score.prob).fold(0.0, f64::max);
        let note = call.words(said!(LABEL, self.label, evidence.len(), best));
        if evidence.len() < self.min_turns.unwrap_or(1) {
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }
}

impl ModelLabel {
    fn believes(&self, score: &LabelScore) -> bool {
        let least = self.at_least.as_ref().map(|v| v.value).or(score.threshold);
        least.is_some_and(|least| score.prob >= least)
    }
}
