//! A field of the call's metadata.

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::expression::{self, Expression};
use crate::logic::{Eval, Truth};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "metadata",
    title: "随录参数",
    checks: "通话元数据的某个字段符合条件。字段缺失时条件不成立（`exists: false` 除外）。写几项就须同时满足几项。",
    params: &[
        (
            "field",
            "字段名：queue、direction、agent_id、customer_id、date、order、layout、duration_ms（录音毫秒数），或元数据里的其他列",
        ),
        ("exists", "true：有这个字段；false：没有"),
        ("equals", "等于其中之一"),
        ("matches", "匹配正则表达式"),
        ("more_than", "数值大于"),
        ("less_than", "数值小于"),
        ("except", "字段值等于其中之一时不算"),
    ],
    example: "metadata: { field: tenure_months, less_than: 12 }",
    holds: "{ turns: [\"agent: 您好\"], metadata: { tenure_months: \"8\" } }",
    fails: "{ turns: [\"agent: 您好\"], metadata: { tenure_months: \"30\" } }",
    blind_spots: "只看随录音提供的字段，不核对业务系统。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Name of the field.
    pub field: String,
    /// Whether it must be there.
    #[serde(default)]
    pub exists: Option<bool>,
    /// One of these values.
    #[serde(default)]
    pub equals: Vec<String>,
    /// A regular expression that the value must match.
    #[serde(default)]
    #[schemars(with = "Option<Expression>")]
    pub matches: Option<Spanned<Expression>>,
    /// A number above this.
    #[serde(default)]
    pub more_than: Option<f64>,
    /// A number below this.
    #[serde(default)]
    pub less_than: Option<f64>,
    /// None of these values.
    #[serde(default)]
    pub except: Vec<String>,
    #[serde(skip)]
    regex: Option<Regex>,
}

impl Operator for Metadata {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.regex = self.matches.as_mut().and_then(|m| expression::compile(m, cx)).map(|(_, regex)| regex);
        let asks = self.exists.is_some() || !self.equals.is_empty() || self.matches.is_some();
        if !asks && self.more_than.is_none() && self.less_than.is_none() {
            cx.wrong_somewhere("`metadata` needs one of `exists`, `equals`, `matches`, `more_than`, `less_than`");
        }
    }

    fn eval(&self, call: &CallView<'_>, _on: &Selection, path: &str) -> Eval {
        let value = call.facts.field(&self.field);
        let missing = said!(FIELD_MISSING).to_string();
        let note = call.words(said!(FIELD, self.field, value.as_deref().unwrap_or(&missing)));
        let holds = match value.as_deref() {
            None => self.exists == Some(false),
            Some(v) => self.fits(v),
        };
        Eval::new(path, Truth::from(holds), Vec::new(), note)
    }

    /// A call that breaks off lasts longer than its recording.
    fn open(&self, call: &CallView<'_>, _on: &Selection, eval: &Eval) -> bool {
        let longer = self.more_than.is_some() && self.less_than.is_none() && eval.truth == Truth::Yes;
        call.facts.end_open && self.field == "duration_ms" && !longer
    }
}

impl Metadata {
    fn fits(&self, value: &str) -> bool {
        let number = value.parse::<f64>().ok();
        self.exists != Some(false)
            && !self.except.iter().any(|e| e == value)
            && (self.equals.is_empty() || self.equals.iter().any(|e| e == value))
            && (self.matches.is_none() || self.regex.as_ref().is_some_and(|r| r.is_match(value)))
            && self.more_than.is_none_or(|limit| number.is_some_and(|n| n > limit))
            && self.less_than.is_none_or(|limit| number.is_some_and(|n| n < limit))
    }
}
