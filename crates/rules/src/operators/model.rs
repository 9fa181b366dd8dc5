//! A text model's label on a turn.

use callsift_core::MatchKind;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "model",
    checks: "A selected turn whose calibrated probability of `label` is at least `at_least` (0 to 1). \
             `min_turns` (default 1): so many turns must have it. `min_chars` (default 2): shorter turns are not \
             looked at. `optional: true`: where no model gave the label the condition does not hold, instead of \
             leaving the rule undecided.",
    example: "model: { label: negative, at_least: 0.9, min_turns: 2 }",
    blind_spots: "Tone of voice; language that the model was not trained on.",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelLabel {
    /// Label, as the model's configuration names it.
    pub label: String,
    /// Least probability, 0 to 1.
    pub at_least: Spanned<f64>,
    /// So many turns must have it.
    #[serde(default = "one")]
    pub min_turns: usize,
    /// Shorter turns are not looked at, in spoken characters.
    #[serde(default = "two")]
    pub min_chars: usize,
    /// No label counts as no.
    #[serde(default)]
    pub optional: bool,
}

fn one() -> usize {
    1
}

fn two() -> usize {
    2
}

impl ModelLabel {
    /// Adds a problem where the probability is none.
    pub fn check(&self, problems: &mut Vec<(usize, usize, String)>) {
        if !(0.0..=1.0).contains(&self.at_least.value) {
            problems.push(at(&self.at_least.referenced, "`at_least` is a probability, 0 to 1".to_owned()));
        }
    }

    /// Looks at the labels of each turn.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let turns: Vec<_> =
            on.turns.iter().map(|i| &call.turns[*i]).filter(|t| t.turn.spoken_chars() >= self.min_chars).collect();
        let scored: Vec<_> = turns.iter().filter_map(|t| t.turn.label(&self.label).map(|p| (*t, p))).collect();
        if scored.is_empty() && !turns.is_empty() && !self.optional {
            return Eval::unknown(path, format!("没有模型给出标签“{}”", self.label));
        }
        let mut evidence: Vec<_> = scored
            .iter()
            .filter(|(_, p)| *p >= self.at_least.value)
            .map(|(t, p)| t.whole(MatchKind::Model, 1.0 - p, path))
            .collect();
        let best = scored.iter().map(|(_, p)| *p).fold(0.0, f64::max);
        let note = format!("标签“{}”：{}个话轮达到{}，最高{best:.2}", self.label, evidence.len(), self.at_least.value);
        if evidence.len() < self.min_turns {
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }
}
