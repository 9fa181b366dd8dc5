//! Nobody speaks: silence between turns.

use callsift_core::{SpeakerRole, TimeSpan};
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
    name: "silence",
    title: "通话静默",
    checks: "两个话轮之间，双方都不说话超过界限。证据落在静默之后先开口的话轮上，时间是静默本身。",
    params: &[
        ("longer_than_ms", "静默超过多少毫秒"),
        ("before_role", "只看由这一方先开口结束的静默：agent 或 customer"),
        ("after_role", "只看这一方说完之后的静默"),
        ("between", "`any` 任意（默认），`same` 前后同一方，`other` 前后不同方"),
        ("except", "豁免短语：静默之前的话轮里说过其中之一就不算，如“请稍等”"),
        ("except_turns", "豁免短语往前看几个话轮，默认 1"),
    ],
    example: "silence: { longer_than_ms: 10000, before_role: agent, except: [请稍等, 稍等] }",
    holds: "turns: [\"agent: 我看看\", { role: agent, text: 有货, after_ms: 12000 }]",
    fails: "turns: [\"agent: 请稍等\", { role: agent, text: 有货, after_ms: 12000 }]",
    blind_spots: "第一个话轮之前与最后一个话轮之后的静默（见 slow_answer、hang_up）；等待音乐没有人声时算静默。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Longer than this, in milliseconds.
    #[schemars(with = "i64")]
    pub longer_than_ms: Spanned<i64>,
    /// Only silence that this role ends.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub before_role: Option<SpeakerRole>,
    /// Only silence that follows this role's words.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub after_role: Option<SpeakerRole>,
    /// Whether the same side speaks before and after.
    #[serde(default)]
    pub between: Between,
    /// Excused where one of these was said before.
    #[serde(default)]
    pub except: Phrases,
    /// How many turns before are looked at for `except`; 1 where absent.
    #[serde(default)]
    pub except_turns: Option<usize>,
}

/// Who speaks before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Anyone.
    #[default]
    Any,
    /// The same side.
    Same,
    /// Different sides.
    Other,
}

impl Operator for Silence {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Sound);
        let positive = self.longer_than_ms.value > 0;
        cx.expect(positive, &self.longer_than_ms.referenced, "`longer_than_ms` must be more than 0");
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let (mut evidence, mut longest, mut end, mut last) = (Vec::new(), 0, None::<i64>, None::<usize>);
        let mut perhaps = false;
        for (i, view) in call.turns.iter().enumerate() {
            let span = view.turn.span;
            if let (Some(from), Some(before)) = (end, last) {
                let gap = TimeSpan::new(from, span.start_ms);
                longest = longest.max(gap.len_ms());
                let inside = on.window.overlap_ms(gap) > 0;
                let long = gap.len_ms() > self.longer_than_ms.value;
                let counts = long && inside && self.roles_fit(call, before, i) && !self.excused(call, before);
                // Where nothing was recorded somebody may have spoken.
                let sure = gap.len_ms() - call.gap_ms(gap) > self.longer_than_ms.value;
                perhaps |= counts && !sure;
                if counts && sure {
                    let text = said!(SILENCE_MEASURED, gap.len_ms() as f64 / 1000.0).to_string();
                    evidence.push(view.measured(gap, text, path));
                }
            }
            if end.is_none_or(|e| span.end_ms > e) {
                (end, last) = (Some(span.end_ms), Some(i));
            }
        }
        if perhaps && evidence.is_empty() {
            return Eval::unknown(path, said!(NOT_RECORDED));
        }
        let limit = self.longer_than_ms.value as f64 / 1000.0;
        Eval::found(path, evidence, call.words(said!(SILENCE, longest as f64 / 1000.0, limit)))
    }
}

impl Silence {
    fn roles_fit(&self, call: &CallView<'_>, before: usize, after: usize) -> bool {
        let (before, after) = (call.turns[before].turn.role, call.turns[after].turn.role);
        let sides = match self.between {
            Between::Any => true,
            Between::Same => before == after,
            Between::Other => before != after,
        };
        sides && self.before_role.is_none_or(|r| after == r) && self.after_role.is_none_or(|r| before == r)
    }

    fn excused(&self, call: &CallView<'_>, before: usize) -> bool {
        let from = (before + 1).saturating_sub(self.except_turns.unwrap_or(1).max(1));
        call.turns[from..=before].iter().any(|t| self.except.any_in(t))
    }
}

#[cfg(test)]
mod tests {
    use crate::logic::Truth;
    use crate::selftest::{eval_case, parse_case};

    fn truth(op: &str, turns: &str) -> Truth {
        eval_case(op, &parse_case(&format!("turns: [{turns}]"))).truth
    }

    #[test]
    fn silence_is_between_speakers_of_certain_roles() {
        let turns = "{ role: agent, text: 喂, end_ms: 1000 }, { role: customer, text: 在, after_ms: 8000 }";
        assert_eq!(truth("silence: { longer_than_ms: 5000 }", turns), Truth::Yes);
        assert_eq!(truth("silence: { longer_than_ms: 5000, before_role: agent }", turns), Truth::No);
        assert_eq!(truth("silence: { longer_than_ms: 5000, after_role: agent, between: other }", turns), Truth::Yes);
        assert_eq!(truth("silence: { longer_than_ms: 5000, between: same }", turns), Truth::No);
    }

    #[test]
    fn talk_that_goes_on_beside_hides_no_silence() {
        // The customer's long turn ends after the agent's short one began and ended: no gap at all.
        let turns = "{ role: customer, text: 我说了很久, start_ms: 0, end_ms: 10000 }, \
                     { role: agent, text: 嗯, start_ms: 2000, end_ms: 2500 }, \
                     { role: agent, text: 好的, start_ms: 10500, end_ms: 11000 }";
        assert_eq!(truth("silence: { longer_than_ms: 3000 }", turns), Truth::No);
    }
}
