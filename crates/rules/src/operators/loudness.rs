//! Level of the voice: against limits, the turn before, or the speaker's own baseline.

use callsift_core::Evidence;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "loudness",
    title: "音量",
    checks: "话轮的音量（dBFS，0 为满幅）超出范围、比同一人的上一话轮突变、比本人平时（本通话轮中位数）响，或全程起伏过大。写几项就须同时满足几项。",
    params: &[
        ("above_dbfs", "响于多少 dBFS"),
        ("below_dbfs", "轻于多少 dBFS"),
        ("above_own_db", "比本人平时响多少 dB"),
        ("jump_db", "比本人上一个话轮响多少 dB"),
        ("span_db", "本人最响与最轻的话轮相差多少 dB"),
        ("min_ms", "短于这么多毫秒的话轮不看，默认 800"),
        EXCEPT,
    ],
    example: "loudness: { above_own_db: 9 }",
    holds: "turns: [{ role: agent, text: 您好请讲, loudness_dbfs: -30 }, { role: agent, text: 好的没有问题, loudness_dbfs: -29 }, { role: agent, text: 我说过了不行, loudness_dbfs: -15 }]",
    fails: "turns: [{ role: agent, text: 您好请讲, loudness_dbfs: -20 }, { role: agent, text: 好的没有问题, loudness_dbfs: -19 }, { role: agent, text: 我说过了不行, loudness_dbfs: -15 }]",
    blind_spots: "不同话机、不同线路的绝对音量不可比；对方的串音会抬高音量。没有录音的通话无法判定。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Loudness {
    /// Louder than this, in dBFS.
    pub above_dbfs: Option<f64>,
    /// Softer than this, in dBFS.
    pub below_dbfs: Option<f64>,
    /// Louder than the speaker's own median by so many dB.
    pub above_own_db: Option<f64>,
    /// Louder than the speaker's turn before by so many dB.
    pub jump_db: Option<f64>,
    /// The speaker's loudest turn exceeds the softest by so many dB.
    pub span_db: Option<f64>,
    /// Shorter turns are not looked at, in milliseconds; 800 where absent.
    pub min_ms: Option<i64>,
    /// A turn that holds one of these is not looked at.
    pub except: Phrases,
}

impl Operator for Loudness {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        let given = [self.above_dbfs, self.below_dbfs, self.above_own_db, self.jump_db, self.span_db];
        if given.iter().all(Option::is_none) {
            cx.wrong_somewhere(
                "`loudness` needs one of `above_dbfs`, `below_dbfs`, `above_own_db`, `jump_db`, `span_db`",
            );
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let turns: Vec<(&TurnView<'_>, f64)> = on
            .views(call)
            .filter(|t| t.turn.span.len_ms() >= self.min_ms.unwrap_or(800) && !self.except.any_in(t))
            .filter_map(|t| t.turn.loudness_dbfs.map(|level| (t, level)))
            .collect();
        if turns.is_empty() {
            return Eval::unknown(path, said!(NO_LOUDNESS));
        }
        let mut evidence: Vec<Evidence> = Vec::new();
        for (i, (turn, level)) in turns.iter().enumerate() {
            let own: Vec<f64> = turns.iter().filter(|(t, _)| t.turn.role == turn.turn.role).map(|(_, l)| *l).collect();
            let before = turns[..i].iter().rev().find(|(t, _)| t.turn.role == turn.turn.role).map(|(_, l)| *l);
            if self.is_out(*level, &own, before) {
                evidence.push(turn.measured(turn.turn.span, said!(LOUDNESS_MEASURED, level).to_string(), path));
            }
        }
        let note = call.words(said!(LOUDNESS, evidence.len()));
        Eval::found(path, evidence, note)
    }
}

impl Loudness {
    fn is_out(&self, level: f64, own: &[f64], before: Option<f64>) -> bool {
        let loudest = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let softest = own.iter().copied().fold(f64::INFINITY, f64::min);
        self.above_dbfs.is_none_or(|limit| level > limit)
            && self.below_dbfs.is_none_or(|limit| level < limit)
            && self.above_own_db.is_none_or(|db| own.len() >= 3 && level - median(own) > db)
            && self.jump_db.is_none_or(|db| before.is_some_and(|b| level - b > db))
            && self.span_db.is_none_or(|db| loudest - softest > db && level >= loudest)
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mid = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[mid] } else { f64::midpoint(sorted[mid - 1], sorted[mid]) }
}
