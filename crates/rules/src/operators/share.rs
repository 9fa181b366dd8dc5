//! A share of one list of words among two: 你 among 你 and 您.

use callsift_core::Evidence;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "share",
    title: "用词占比",
    checks: "所选话轮里，`of` 的词在 `of` 与 `against` 两组词合计中的占比超过界限。落在 `except` 短语里的词不计。",
    params: &[
        ("of", "要数的词"),
        ("against", "对照的词"),
        ("more_than", "占比超过此值才算，0 到 1，默认 0.5"),
        ("min_count", "`of` 至少出现几次，默认 1"),
        ("except", "不计的短语，如“你好”里的“你”"),
    ],
    example: "share: { of: [你], against: [您], except: [你好], more_than: 0.5, min_count: 2 }",
    holds: "turns: [\"agent: 你要几条，你说\"]",
    fails: "turns: [\"agent: 你好，您要几条，您说\"]",
    blind_spots: "指别人的“你”（转述、你们公司）也会计入；用 `except` 排除常见的。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Words that are counted.
    pub of: Phrases,
    /// Words that they are compared with.
    pub against: Phrases,
    /// Share that must be exceeded, 0 to 1; 0.5 where absent.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub more_than: Option<Spanned<f64>>,
    /// Least number of `of`; 1 where absent.
    #[serde(default)]
    pub min_count: Option<usize>,
    /// Words inside these do not count.
    #[serde(default)]
    pub except: Phrases,
}

impl Operator for Share {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        for list in [&mut self.of, &mut self.against, &mut self.except] {
            list.compile(cx, Ear::Exact);
        }
        if self.of.is_empty() || self.against.is_empty() {
            cx.wrong_somewhere("`share` needs words in `of` and in `against`");
        }
        if let Some(v) = &self.more_than {
            cx.expect((0.0..1.0).contains(&v.value), &v.referenced, "`more_than` is a share, 0 to less than 1");
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let (mut counted, mut compared) = (Vec::<Evidence>::new(), 0usize);
        for turn in on.views(call) {
            let excused: Vec<_> = self.except.all_in(turn).map(|h| h.range.clone()).collect();
            let free = |r: &std::ops::Range<usize>| !excused.iter().any(|e| e.start <= r.start && r.end <= e.end);
            let own = self.of.all_in(turn).filter(|h| free(&h.range));
            counted.extend(own.map(|h| turn.evidence(h.range.clone(), h.kind, h.cost, path)));
            compared += self.against.all_in(turn).filter(|h| free(&h.range)).count();
        }
        let n = counted.len();
        let share = if n + compared == 0 { 0.0 } else { n as f64 / (n + compared) as f64 };
        let note = call.words(said!(SHARE, n, compared, share * 100.0));
        let holds = n >= self.min_count.unwrap_or(1) && share > self.more_than.as_ref().map_or(0.5, |v| v.value);
        if !holds {
            counted.clear();
        }
        Eval::found(path, counted, note)
    }
}
