//! How long until the first word.

use callsift_core::{SpeakerRole, TimeSpan};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "slow_answer",
    title: "非正常接听",
    checks: "从录音开始到某一方（默认坐席）说第一句话超过界限。",
    params: &[
        ("longer_than_ms", "超过多少毫秒"),
        ("role", "看谁的第一句话：agent（默认）或 customer"),
        ("except", "豁免短语：第一句话里有其中之一就不算"),
    ],
    example: "slow_answer: { longer_than_ms: 5000 }",
    holds: "turns: [{ role: agent, text: 您好, start_ms: 6000, end_ms: 6800 }]",
    fails: "turns: [{ role: agent, text: 您好, start_ms: 900, end_ms: 1700 }]",
    blind_spots: "录音从振铃开始的，振铃时间计入。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowAnswer {
    /// Longer than this, in milliseconds.
    #[schemars(with = "i64")]
    pub longer_than_ms: Spanned<i64>,
    /// Whose first word; the agent's where absent.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub role: Option<SpeakerRole>,
    /// Excused where the first turn holds one of these.
    #[serde(default)]
    pub except: Phrases,
}

impl Operator for SlowAnswer {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        cx.expect(
            self.longer_than_ms.value > 0,
            &self.longer_than_ms.referenced,
            "`longer_than_ms` must be more than 0",
        );
    }

    fn eval(&self, call: &CallView<'_>, _on: &Selection, path: &str) -> Eval {
        let role = self.role.unwrap_or(SpeakerRole::Agent);
        // Words that cannot be relied on are an answer, too.
        let Some(first) = call.turns.iter().find(|t| t.turn.role == role) else {
            return Eval::unknown(path, said!(NEVER_SPOKE));
        };
        let wait = first.turn.span.start_ms;
        let waited = TimeSpan::new(0, wait);
        let limit = self.longer_than_ms.value;
        if wait > limit && wait - call.gap_ms(waited) <= limit {
            return Eval::unknown(path, said!(NOT_RECORDED));
        }
        let note = call.words(said!(FIRST_WORD, wait as f64 / 1000.0));
        let holds = wait > self.longer_than_ms.value && !self.except.any_in(first);
        let text = said!(WAIT_MEASURED, wait as f64 / 1000.0).to_string();
        let evidence = if holds { vec![first.measured(waited, text, path)] } else { Vec::new() };
        Eval::new(path, Truth::from(holds), evidence, note)
    }
}
