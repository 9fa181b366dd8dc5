//! Regular expressions over the matching form, with an exclusion.

use callsift_core::MatchKind;
use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "regex",
    checks: "A regular expression (Rust `regex` syntax) over each selected turn in matching form: simplified, digits \
             spoken, no punctuation, no fillers. `not`: a match that this expression also matches somewhere in the \
             same turn is excused.",
    example: "regex: { pattern: \"难道.*(吗|么)\", not: \"难道.*(歌|电影)\" }",
    blind_spots: "Punctuation is gone before matching; recognition errors inside the pattern are not forgiven.",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The expression.
    pub pattern: Spanned<String>,
    /// Excuses the turn.
    #[serde(default)]
    pub not: Option<Spanned<String>>,
    #[serde(skip)]
    compiled: Option<Regex>,
    #[serde(skip)]
    excluded: Option<Regex>,
}

impl Pattern {
    /// Compiles the expressions.
    pub fn compile(&mut self, problems: &mut Vec<(usize, usize, String)>) {
        self.compiled = build(&self.pattern, problems);
        self.excluded = self.not.as_ref().and_then(|not| build(not, problems));
    }

    /// Looks for matches turn by turn.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let Some(regex) = &self.compiled else { return Eval::unknown(path, "正则表达式无效".to_owned()) };
        let evidence: Vec<_> = on.turns.iter().flat_map(|i| self.find(regex, &call.turns[*i], path)).collect();
        let note = format!("在{}个话轮中匹配“{}”，命中{}处", on.turns.len(), self.pattern.value, evidence.len());
        Eval::found(path, evidence, note)
    }

    fn find(&self, regex: &Regex, turn: &TurnView<'_>, path: &str) -> Vec<callsift_core::Evidence> {
        let text = turn.norm.text();
        if self.excluded.as_ref().is_some_and(|not| not.is_match(&text)) {
            return Vec::new();
        }
        regex
            .find_iter(&text)
            .filter(|m| !m.is_empty())
            .map(|m| {
                let start = char_index(&text, m.start());
                let end = start + m.as_str().chars().count();
                turn.evidence(start..end, MatchKind::Pattern, 0.0, path)
            })
            .collect()
    }
}

fn char_index(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(i, _)| *i < byte).count()
}

fn build(pattern: &Spanned<String>, problems: &mut Vec<(usize, usize, String)>) -> Option<Regex> {
    match Regex::new(&pattern.value) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or("bad expression").trim_start_matches("error: ").to_owned();
            problems.push(at(&pattern.referenced, format!("bad regular expression `{}`: {reason}", pattern.value)));
            None
        }
    }
}
