//! Steps one after the other: a standard procedure (SOP) with optional steps and branches.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Condition, Eval, Truth};
use crate::compile::Compiler;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// Holds where every step that is not optional comes after the one before it. A branch is a step with `any`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What people call it.
    pub name: String,
    /// How it is known.
    pub condition: Condition,
    /// May be left out; where it is done, later steps come after it.
    #[serde(default)]
    pub optional: bool,
}

impl Sequence {
    pub(super) fn compile(&mut self, cx: &mut Compiler<'_>) {
        if self.steps.iter().filter(|s| !s.optional).count() < 2 {
            cx.wrong_somewhere("`sequence` needs at least two steps that are not optional");
        }
        self.steps.iter_mut().for_each(|s| s.condition.compile(cx));
    }

    pub(super) fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let (mut parts, mut evidence, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let (mut reached, mut unknown) = ((0, 0), false);
        for (i, step) in self.steps.iter().enumerate() {
            let eval = step.condition.eval(call, on, &call.words(format_args!("{path}.steps[{i}]")));
            let next = eval
                .evidence
                .iter()
                .filter(|e| (e.turn, e.char_start) >= reached)
                .min_by_key(|e| (e.turn, e.char_start));
            match next {
                Some(place) => {
                    reached = (place.turn, place.char_end.max(place.char_start + 1));
                    evidence.push(place.clone());
                }
                None if step.optional => {}
                None => {
                    unknown |= eval.truth == Truth::Unknown;
                    missing.push(step.name.clone());
                }
            }
            parts.push(eval);
        }
        let truth = match (missing.is_empty(), unknown) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        };
        if truth != Truth::Yes {
            evidence.clear();
        }
        let note = if missing.is_empty() {
            said!(STEPS_DONE).to_string()
        } else {
            said!(STEPS_MISSING, missing.join("、")).to_string()
        };
        let open = on.unheard && truth == Truth::No;
        Eval { parts, open, ..Eval::new(path, truth, evidence, note) }
    }
}
