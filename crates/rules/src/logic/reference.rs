//! `rule: negative-customer`, `rule: soothing-missing.displeased`: the condition of another rule, or one of its named
//! conditions, so that what several rules look for is written once.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Condition, Eval};
use crate::compile::Compiler;
use crate::schema::Rule;
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// Rules that refer to rules that refer to rules end here: longer chains are circles.
const DEEPEST: usize = 8;

/// What the condition of another rule looks for, in the turns that are looked at here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Reference {
    #[schemars(with = "String")]
    id: Spanned<String>,
    #[serde(skip)]
    #[schemars(skip)]
    condition: Option<Box<Condition>>,
}

/// Rules by id as their files say, for those that refer to them; `None` where a file is none, which it says itself.
pub type Library = BTreeMap<String, Option<Rule>>;

impl Reference {
    /// The condition that it stands for; `None` before it was prepared or where there is none.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_deref()
    }

    pub(super) fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        match &self.condition {
            Some(condition) => condition.eval(call, on, path),
            None => Eval::unknown(path, said!(NO_OPERATOR)),
        }
    }

    pub(super) fn compile(&mut self, cx: &mut Compiler<'_>) {
        let (id, name) = self.id.value.split_once('.').unwrap_or((&self.id.value, ""));
        let rule = match cx.library.get(id) {
            Some(Some(rule)) => rule,
            Some(None) => return,
            None => {
                let known = cx.library.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return cx.wrong(&self.id.referenced, format!("there is no rule `{id}`; rules are {known}"));
            }
        };
        if cx.depth >= DEEPEST {
            return cx.wrong(&self.id.referenced, format!("rule `{id}` leads back to itself"));
        }
        let chosen = if name.is_empty() { Some(&rule.condition.value) } else { rule.conditions.get(name) };
        let Some(mut condition) = chosen.cloned() else {
            return cx.wrong(&self.id.referenced, format!("rule `{id}` has no condition named `{name}`"));
        };
        cx.inside(rule, |cx| condition.compile(cx));
        self.condition = Some(Box::new(condition));
    }
}
