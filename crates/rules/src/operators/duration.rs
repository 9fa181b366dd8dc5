//! Length of the recording, of the talk, or of one side's uninterrupted talk.

use callsift_core::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "duration",
    title: "时长",
    checks: "录音时长、从第一句话到最后一句话的时长，或一方不间断独白的时长，长于或短于界限。",
    params: &[
        (
            "of",
            "`recording` 录音（默认；没有录音时长时按 `talk`），`talk` 首句到末句，`monologue` 所选角色连续说话、对方未开口的最长一段",
        ),
        ("longer_than_ms", "长于多少毫秒"),
        ("shorter_than_ms", "短于多少毫秒"),
        ("except", "豁免短语：`monologue` 的那一段里有其中之一就不算；其他时长：全程出现其中之一就不算"),
    ],
    example: "duration: { of: talk, longer_than_ms: 150000 }",
    holds: "turns: [{ role: agent, text: 您好, start_ms: 0, end_ms: 1000 }, { role: customer, text: 再见, start_ms: 160000, end_ms: 161000 }]",
    fails: "turns: [{ role: agent, text: 您好, start_ms: 0, end_ms: 1000 }, { role: customer, text: 再见, start_ms: 60000, end_ms: 61000 }]",
    blind_spots: "录音里的振铃与排队时间计入录音时长。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Duration {
    /// What is measured.
    pub of: What,
    /// Longer than this, in milliseconds.
    pub longer_than_ms: Option<i64>,
    /// Shorter than this, in milliseconds.
    pub shorter_than_ms: Option<i64>,
    /// Excused where one of these was said.
    pub except: Phrases,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The recording; the talk where its length is not known.
    #[default]
    Recording,
    /// From the first word to the last.
    Talk,
    /// Longest stretch in which only the selected role speaks.
    Monologue,
}

impl Operator for Duration {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        match (self.longer_than_ms, self.shorter_than_ms) {
            (None, None) => cx.wrong_somewhere("`duration` needs `longer_than_ms` or `shorter_than_ms`"),
            (Some(low), Some(high)) if low >= high => {
                cx.wrong_somewhere("`duration` can never hold: `longer_than_ms` is not under `shorter_than_ms`");
            }
            _ => {}
        }
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        if self.of == What::Monologue {
            return self.monologue(call, on, path);
        }
        let talk = call.span.len_ms();
        let ms = if self.of == What::Recording { call.facts.duration_ms.unwrap_or(talk) } else { talk };
        let note = call.words(said!(LENGTH, ms as f64 / 1000.0));
        let holds = self.is_out(ms) && !on.views(call).any(|t| self.except.any_in(t));
        let whole = TimeSpan::new(0, ms);
        let evidence = match call.turns.last().filter(|_| holds) {
            Some(last) => vec![last.measured(whole, said!(LENGTH_MEASURED, note).to_string(), path)],
            None => Vec::new(),
        };
        Eval::new(path, Truth::from(holds), evidence, note)
    }

    /// A call that breaks off lasts longer than its recording; in a gap the other side may have spoken.
    fn open(&self, call: &CallView<'_>, on: &Selection, eval: &Eval) -> bool {
        match (self.of, eval.truth) {
            (What::Monologue, Truth::Yes) => eval.evidence.iter().all(|e| call.gap_ms(e.span) > 0),
            (What::Monologue, _) => on.unheard,
            (_, Truth::Yes) => call.facts.end_open && self.shorter_than_ms.is_some(),
            _ => call.facts.end_open,
        }
    }
}

impl Duration {
    fn is_out(&self, ms: i64) -> bool {
        self.longer_than_ms.is_none_or(|limit| ms > limit) && self.shorter_than_ms.is_none_or(|limit| ms < limit)
    }

    /// Runs of turns of the selected role that no usable turn of the other side interrupts.
    fn monologue(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let (mut runs, mut run) = (Vec::<Vec<&TurnView<'_>>>::new(), Vec::new());
        // Words that cannot be relied on are still somebody's who spoke.
        for view in call.turns.iter().map(|t| &**t).filter(|t| t.spoken_chars() > 0 || t.turn.is_unusable()) {
            let chosen = on.turns.contains(&(view.turn.index as usize));
            if chosen {
                run.push(view);
            } else if !run.is_empty() {
                runs.push(std::mem::take(&mut run));
            }
        }
        runs.push(run);
        let length = |run: &[&TurnView<'_>]| match (run.first(), run.last()) {
            (Some(first), Some(last)) => TimeSpan::new(first.turn.span.start_ms, last.turn.span.end_ms),
            _ => TimeSpan::default(),
        };
        let longest = runs.iter().map(|r| length(r).len_ms()).max().unwrap_or(0);
        let mut evidence = Vec::new();
        for run in &runs {
            let span = length(run);
            let excused = || run.iter().any(|t| self.except.any_in(t));
            if let Some(first) = run.first().filter(|_| self.is_out(span.len_ms()) && !excused()) {
                let text = said!(MONOLOGUE_MEASURED, span.len_ms() as f64 / 1000.0).to_string();
                evidence.push(first.measured(span, text, path));
            }
        }
        Eval::found(path, evidence, call.words(said!(MONOLOGUE, longest as f64 / 1000.0)))
    }
}
