//! How often a condition holds.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Condition, Eval, Truth};
use crate::compile::Compiler;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// Counts the places or turns where a condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What is counted.
    pub of: Box<Condition>,
    /// At least so many.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// At most so many.
    #[serde(default)]
    pub at_most: Option<usize>,
    /// `hit`: every place; `turn`: turns with a place.
    #[serde(default)]
    pub by: By,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Every place.
    #[default]
    Hit,
    /// Turns with a place.
    Turn,
}

impl Count {
    pub(super) fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.of.compile(cx);
        match (self.at_least, self.at_most) {
            (None, None) => cx.wrong_somewhere("`count` needs `at_least` or `at_most`"),
            (Some(low), Some(high)) if low > high => {
                cx.wrong_somewhere(format!("`count` can never hold: at_least {low} is more than at_most {high}"));
            }
            (Some(0), None) => cx.wrong_somewhere("`count` with `at_least: 0` always holds"),
            _ => {}
        }
    }

    pub(super) fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let inside = self.of.eval(call, on, &call.words(format_args!("{path}.of")));
        if inside.truth == Truth::Unknown {
            return Eval { parts: vec![inside], ..Eval::unknown(path, said!(UNCOUNTED)) };
        }
        let n = match self.by {
            By::Hit => inside.evidence.len(),
            By::Turn => inside.evidence.iter().map(|e| e.turn).collect::<BTreeSet<_>>().len(),
        };
        let holds = self.at_least.is_none_or(|low| n >= low) && self.at_most.is_none_or(|high| n <= high);
        let evidence = if holds { inside.evidence.clone() } else { Vec::new() };
        // There can only be more of them.
        let open = on.unheard && if holds { self.at_most.is_some() } else { self.at_most.is_none_or(|high| n <= high) };
        Eval { parts: vec![inside], open, ..Eval::new(path, Truth::from(holds), evidence, call.words(said!(TIMES, n))) }
    }
}
