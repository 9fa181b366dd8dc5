//! Regular expressions over the matching form or the original, with an exclusion.

use callsift_core::{Evidence, MatchKind};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "regex",
    title: "正则表达式",
    checks: "对每个所选话轮做正则匹配（Rust `regex` 语法）。默认匹配规范化文本：简体、数字读作汉字、无标点、无语气填充词。",
    params: &[
        ("pattern", "表达式"),
        ("not", "排除表达式：话轮里也能匹配它就不算"),
        ("text", "`matching` 规范化文本（默认）；`original` 识别原文，保留标点"),
        EXCEPT,
    ],
    example: "regex: { pattern: \"难道.*(吗|么)\", not: \"难道.*(歌|电影)\" }",
    holds: "turns: [\"agent: 难道我没有说清楚吗？\"]",
    fails: "turns: [\"agent: 难道是那首歌吗\"]",
    blind_spots: "表达式里的字被识别错就匹配不到；识别结果常常没有标点。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The expression.
    #[schemars(with = "String")]
    pub pattern: Spanned<String>,
    /// Excuses the turn.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub not: Option<Spanned<String>>,
    /// Which text is matched.
    #[serde(default)]
    pub text: TextForm,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
    #[serde(skip)]
    compiled: Option<Regex>,
    #[serde(skip)]
    excluded: Option<Regex>,
}

/// Which text is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextForm {
    /// Matching form.
    #[default]
    Matching,
    /// As recognised, with punctuation.
    Original,
}

impl Operator for Pattern {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.compiled = build(&self.pattern, cx);
        self.excluded = self.not.as_ref().and_then(|not| build(not, cx));
        self.except.compile(cx, Ear::Exact);
        if self.compiled.as_ref().is_some_and(|r| r.is_match("")) {
            let message = format!("`{}` matches the empty text, so it matches every turn", self.pattern.value);
            cx.wrong(&self.pattern.referenced, message);
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let Some(regex) = &self.compiled else { return Eval::unknown(path, "正则表达式无效") };
        let evidence: Vec<_> = on.views(call).flat_map(|turn| self.find(regex, turn, path)).collect();
        let note = format!("在{}个话轮中匹配“{}”，命中{}处", on.turns.len(), self.pattern.value, evidence.len());
        Eval::found(path, evidence, note)
    }
}

impl Pattern {
    fn find(&self, regex: &Regex, turn: &TurnView<'_>, path: &str) -> Vec<Evidence> {
        let original = if self.text == TextForm::Original { turn.turn.text() } else { String::new() };
        let text = if self.text == TextForm::Original { &original } else { turn.text() };
        let found = regex.find_iter(text).filter(|m| !m.is_empty());
        let mut evidence: Vec<Evidence> = found
            .map(|m| {
                let start = text.get(..m.start()).map_or(0, |before| before.chars().count());
                let range = start..start + m.as_str().chars().count();
                let range = if self.text == TextForm::Original { turn.norm.from_original(range) } else { range };
                turn.evidence(range, MatchKind::Pattern, 0.0, path)
            })
            .collect();
        let excused = !evidence.is_empty()
            && (self.excluded.as_ref().is_some_and(|not| not.is_match(text)) || self.except.any_in(turn));
        if excused {
            evidence.clear();
        }
        evidence
    }
}

/// Compiles an expression; the place and the reason where it is wrong.
pub(crate) fn build(pattern: &Spanned<String>, cx: &mut Compiler<'_>) -> Option<Regex> {
    match Regex::new(&pattern.value) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or("bad expression").trim_start_matches("error: ").to_owned();
            cx.wrong(&pattern.referenced, format!("bad regular expression `{}`: {reason}", pattern.value));
            None
        }
    }
}
