//! One side speaks into the other's words.

use std::collections::BTreeMap;

use callsift_core::{ChannelLayout, MatchKind, TimeSpan};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "overlap",
    title: "抢话",
    checks: "所选话轮在对方说话时开始，重叠超过界限。少于 `min_chars` 个字的话轮（嗯、好的）不算；对方快说完时开口（宽限内）不算。",
    params: &[
        ("longer_than_ms", "重叠超过多少毫秒，建议 1500 到 3000"),
        ("min_chars", "少于这么多个字的话轮不算抢话，默认 4"),
        ("grace_ms", "对方开口这么多毫秒之内开始的不算抢话（两人同时开口），默认 0"),
        EXCEPT,
    ],
    example: "overlap: { longer_than_ms: 1500, min_chars: 4, except: [您继续说] }",
    holds: "turns: [{ role: customer, text: 我还没有说完呢你听我说, start_ms: 0, end_ms: 4000 }, { role: agent, text: 您先听我说, start_ms: 2000, end_ms: 5000 }]",
    fails: "turns: [{ role: customer, text: 我还没有说完呢你听我说, start_ms: 0, end_ms: 4000 }, { role: agent, text: 嗯好的, start_ms: 2000, end_ms: 4500 }]",
    blind_spots: "单声道录音分不开重叠的话，一律无法判定。",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Longer than this, in milliseconds.
    #[schemars(with = "i64")]
    pub longer_than_ms: Spanned<i64>,
    /// Shorter turns do not count, in spoken characters; 4 where absent.
    #[serde(default)]
    pub min_chars: Option<usize>,
    /// Begun so soon after the other side it is no interruption, in milliseconds; 0 where absent.
    #[serde(default)]
    pub grace_ms: Option<i64>,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
}

impl Operator for Overlap {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.except.compile(cx, Ear::Exact);
        let good = self.longer_than_ms.value >= 0;
        cx.expect(good, &self.longer_than_ms.referenced, "`longer_than_ms` must not be negative");
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        if call.facts.layout.is_some_and(|l| l != ChannelLayout::Stereo) {
            return Eval::unknown(path, said!(OVERLAP_MONO));
        }
        let runs = runs(call);
        let mut latest: BTreeMap<u16, &Run> = BTreeMap::new();
        let mut evidence = Vec::new();
        for run in &runs {
            let searched = on.turns.binary_search(&run.turns[0]).is_ok();
            if searched && latest.values().any(|theirs| self.cuts_in(call, theirs, run)) {
                evidence.push(call.turns[run.turns[0]].whole(MatchKind::Measure, 0.0, path));
            }
            latest.insert(run.channel, run);
        }
        let note = call.words(said!(OVERLAPS, self.longer_than_ms.value, evidence.len()));
        Eval::found(path, evidence, note)
    }
}

/// Speech of one channel without a longer pause. Where both speak, turns are cut wherever the other side begins.
struct Run {
    channel: u16,
    span: TimeSpan,
    turns: Vec<usize>,
}

/// Pause that ends a run, milliseconds.
const PAUSE_MS: i64 = 450;

/// All runs, by their beginnings.
fn runs(call: &CallView<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last: BTreeMap<u16, usize> = BTreeMap::new();
    for (i, view) in call.turns.iter().enumerate() {
        let (channel, span) = (view.turn.channel, view.turn.span);
        match last.get(&channel).copied().map(|at| &mut runs[at]) {
            Some(run) if span.start_ms - run.span.end_ms < PAUSE_MS => {
                run.span = run.span.union(span);
                run.turns.push(i);
            }
            _ => {
                last.insert(channel, runs.len());
                runs.push(Run { channel, span, turns: vec![i] });
            }
        }
    }
    runs
}

impl Overlap {
    /// Of each channel only the latest run can still last: runs of one channel do not overlap.
    fn cuts_in(&self, call: &CallView<'_>, theirs: &Run, own: &Run) -> bool {
        let views = || own.turns.iter().map(|i| &call.turns[*i]);
        theirs.channel != own.channel
            && theirs.span.start_ms + self.grace_ms.unwrap_or(0) < own.span.start_ms
            && theirs.span.overlap_ms(own.span) > self.longer_than_ms.value
            && views().map(|view| view.spoken_chars()).sum::<usize>() >= self.min_chars.unwrap_or(4)
            && !views().any(|view| self.except.any_in(view))
    }
}

#[cfg(test)]
mod tests {
    use crate::logic::Truth;
    use crate::selftest::{eval_case, parse_case};

    #[test]
    fn turns_that_the_other_side_cuts_are_one_speech() {
        let turns = "turns: [{ role: customer, text: 我想问一下那个架子, start_ms: 0, end_ms: 6600 }, \
                     { role: agent, text: 架子的事要找业务员, start_ms: 5400, end_ms: 8200 }, \
                     { role: customer, text: 他说这个月换新的, start_ms: 6750, end_ms: 9700 }, \
                     { role: agent, text: 我先给您记一笔, start_ms: 8400, end_ms: 10600 }]";
        assert_eq!(eval_case("overlap: { longer_than_ms: 2999 }", &parse_case(turns)).truth, Truth::Yes);
        assert_eq!(eval_case("overlap: { longer_than_ms: 4500 }", &parse_case(turns)).truth, Truth::No);
    }

    #[test]
    fn mono_cannot_tell_and_beginning_together_is_no_interruption() {
        let turns = "turns: [{ role: customer, text: 我还没有说完呢, start_ms: 0, end_ms: 4000 }, \
                     { role: agent, text: 您先听我说完, start_ms: 300, end_ms: 5000 }]";
        let op = "overlap: { longer_than_ms: 1000 }";
        assert_eq!(eval_case(op, &parse_case(turns)).truth, Truth::Yes);
        assert_eq!(eval_case(op, &parse_case(&format!("{turns}\nlayout: mono"))).truth, Truth::Unknown);
        let graced = "overlap: { longer_than_ms: 1000, grace_ms: 500 }";
        assert_eq!(eval_case(graced, &parse_case(turns)).truth, Truth::No);
    }
}
