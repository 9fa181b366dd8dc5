//! A question that does not get the answer of the user's table.

use callsift_core::SpeakerRole;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "unanswered",
    title: "问答检查",
    checks: "一方问了表里的问题，另一方在随后若干话轮内没有按表回答。证据是没有得到回答的问题。",
    params: &[
        ("table", "问答表：每行 `asked` 是问法，`answer` 是答案里须有其一的短语"),
        ("asked_by", "谁问：customer（默认）或 agent"),
        ("within_turns", "回答方在多少个话轮内回答，默认 3"),
        ("except", "豁免短语：问题的话轮里有其中之一就不看"),
    ],
    example: "unanswered: { table: [{ asked: [几点下班, 营业到几点], answer: [六点, 十八点] }], within_turns: 2 }",
    holds: "turns: [\"customer: 你们营业到几点\", \"agent: 这个不清楚\"]",
    fails: "turns: [\"customer: 你们营业到几点\", \"agent: 我们营业到下午六点\"]",
    blind_spots: "表里没有的问法与答法；答非所问但含有答案短语的。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unanswered {
    /// Questions and what their answers hold.
    pub table: Vec<QuestionAnswer>,
    /// Who asks; the customer where absent.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub asked_by: Option<SpeakerRole>,
    /// The other side answers within so many of its turns; 3 where absent.
    #[serde(default)]
    pub within_turns: Option<usize>,
    /// A question that holds one of these is passed over.
    #[serde(default)]
    pub except: Phrases,
}

/// One row of the table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionAnswer {
    /// Ways to ask.
    pub asked: Phrases,
    /// Phrases of which the answer holds one.
    pub answer: Phrases,
}

impl Operator for Unanswered {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        if self.table.is_empty() {
            cx.wrong_somewhere("`table` needs at least one row with `asked` and `answer`");
        }
        for row in &mut self.table {
            row.asked.compile(cx, Ear::Sound);
            row.answer.compile(cx, Ear::Sound);
            if row.asked.is_empty() || row.answer.is_empty() {
                cx.wrong_somewhere("a row of `table` needs phrases in `asked` and in `answer`");
            }
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let asker = self.asked_by.unwrap_or(SpeakerRole::Customer);
        let (mut evidence, mut questions) = (Vec::new(), 0);
        for i in &on.candidates {
            let view = &call.turns[*i];
            if view.turn.role != asker || view.turn.is_unusable() || self.except.any_in(view) {
                continue;
            }
            for row in &self.table {
                let Some(question) = row.asked.all_in(view).next() else { continue };
                questions += 1;
                let replies = call.turns[i + 1..].iter().filter(|t| t.turn.role != asker);
                let mut replies = replies.take(self.within_turns.unwrap_or(3));
                // Words that cannot be relied on may be the answer.
                if !replies.any(|t| row.answer.any_in(t) || t.turn.is_unusable()) {
                    evidence.push(view.evidence(question.range.clone(), question.kind, question.cost, path));
                }
            }
        }
        let note = call.words(said!(UNANSWERED, questions, evidence.len()));
        Eval::found(path, evidence, note)
    }

    /// The answer, or another question, may be where nothing was recorded.
    fn open(&self, _call: &CallView<'_>, on: &Selection, _eval: &Eval) -> bool {
        on.unheard
    }
}
