//! How the call ends: who spoke last, how long before the line was cut.

use callsift_core::{MatchKind, SpeakerRole, TimeSpan};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "hang_up",
    title: "非正常挂机",
    checks: "通话以某一方的话结束，且（可选）最后一句话到录音结束的时间在界限之外。",
    params: &[
        ("last_role", "最后说话的一方：agent 或 customer"),
        ("longer_than_ms", "最后一句话结束到录音结束超过多少毫秒（没人说话却不挂机）"),
        ("shorter_than_ms", "最后一句话结束到录音结束不足多少毫秒（话音未落就挂机）"),
        ("min_chars", "最后一个话轮至少几个字，默认 1"),
        ("except", "豁免短语：最后一个话轮里有其中之一就不算，如“再见”"),
    ],
    example: "hang_up: { last_role: customer, min_chars: 5, except: [再见, 谢谢] }",
    holds: "turns: [\"agent: 就这样吧\", \"customer: 那我的货什么时候能到\"]",
    fails: "turns: [\"agent: 再见\", \"customer: 好的谢谢再见\"]",
    blind_spots: "谁按下的挂机键录音里听不出；没有录音时长时，涉及时间的条件无法判定。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HangUp {
    /// Who spoke last.
    #[schemars(with = "Option<crate::schema::RoleName>")]
    pub last_role: Option<SpeakerRole>,
    /// The line stays open longer than this after the last word, in milliseconds.
    pub longer_than_ms: Option<i64>,
    /// The line is cut sooner than this after the last word, in milliseconds.
    pub shorter_than_ms: Option<i64>,
    /// Least length of the last turn, in spoken characters; 1 where absent.
    pub min_chars: Option<usize>,
    /// Excused where the last turn holds one of these.
    pub except: Phrases,
}

impl Operator for HangUp {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Sound);
        if self.last_role.is_none() && self.longer_than_ms.is_none() && self.shorter_than_ms.is_none() {
            cx.wrong_somewhere("`hang_up` needs `last_role`, `longer_than_ms` or `shorter_than_ms`");
        }
    }

    fn eval(&self, call: &CallView<'_>, _on: &Selection, path: &str) -> Eval {
        if call.facts.end_open {
            return Eval::unknown(path, said!(BREAKS_OFF));
        }
        let usable = call.turns.iter().filter(|t| !t.turn.is_unusable() && t.spoken_chars() > 0);
        let Some(last) = usable.max_by_key(|t| (t.turn.span.end_ms, t.turn.index)) else {
            return Eval::unknown(path, said!(NO_TURNS));
        };
        let after = TimeSpan::new(last.turn.span.end_ms, call.facts.duration_ms.unwrap_or(call.span.end_ms));
        if call.gap_ms(after) > 0 {
            return Eval::unknown(path, said!(BREAKS_OFF));
        }
        let unclear = call.turns.iter().any(|t| t.turn.is_unusable() && t.turn.span.end_ms > last.turn.span.end_ms);
        if unclear || self.last_role.is_some() && call.role(last.turn) == SpeakerRole::Unknown {
            return Eval::unknown(path, said!(LAST_UNSURE));
        }
        // Who was never heard may have spoken last.
        let heard = |role| call.turns.iter().any(|t| t.turn.role == role && !t.turn.is_unusable());
        if self.last_role.is_some() && !(heard(SpeakerRole::Agent) && heard(SpeakerRole::Customer)) {
            return Eval::unknown(path, said!(ONE_SIDE));
        }
        let tail = call.facts.duration_ms.map(|d| (d - last.turn.span.end_ms).max(0));
        let timed = self.longer_than_ms.is_some() || self.shorter_than_ms.is_some();
        if timed && tail.is_none() {
            return Eval::unknown(path, said!(NO_LENGTH));
        }
        let tail = tail.unwrap_or(0);
        let holds = self.last_role.is_none_or(|r| r == last.turn.role)
            && self.longer_than_ms.is_none_or(|ms| tail > ms)
            && self.shorter_than_ms.is_none_or(|ms| tail < ms)
            && last.spoken_chars() >= self.min_chars.unwrap_or(1)
            && !self.except.any_in(last);
        let note = call.words(said!(LAST_SPOKE, last.turn.role.as_str(), tail as f64 / 1000.0));
        let evidence = if holds { vec![last.whole(MatchKind::Measure, 0.0, path)] } else { Vec::new() };
        Eval::new(path, Truth::from(holds), evidence, note)
    }
}
