//! One side speaks into the other's words.

use callsift_core::{ChannelLayout, MatchKind};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "overlap",
    checks: "A selected turn that begins while the other side is speaking and shares more than `longer_than_ms` \
             milliseconds with it; turns under `min_chars` characters (default 4: 嗯, 好的) are no interruption.",
    example: "overlap: { longer_than_ms: 2000, min_chars: 4 }",
    blind_spots: "Mono recordings: overlap cannot be told apart there, the condition stays undecided.",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Longer than this, in milliseconds.
    pub longer_than_ms: Spanned<i64>,
    /// Shorter turns do not count, in spoken characters.
    #[serde(default = "four")]
    pub min_chars: usize,
}

fn four() -> usize {
    4
}

impl Overlap {
    /// Adds a problem where the limit is negative.
    pub fn check(&self, problems: &mut Vec<(usize, usize, String)>) {
        if self.longer_than_ms.value < 0 {
            problems.push(at(&self.longer_than_ms.referenced, "`longer_than_ms` must not be negative".to_owned()));
        }
    }

    /// Compares each selected turn with the other side's.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        if call.facts.layout.is_some_and(|l| l != ChannelLayout::Stereo) {
            return Eval::unknown(path, "单声道录音无法判断抢话".to_owned());
        }
        let mut evidence = Vec::new();
        for i in &on.turns {
            let view = &call.turns[*i];
            let began_inside = call.turns.iter().any(|other| {
                other.turn.channel != view.turn.channel
                    && other.turn.span.start_ms < view.turn.span.start_ms
                    && other.turn.span.overlap_ms(view.turn.span) > self.longer_than_ms.value
            });
            if began_inside && view.turn.spoken_chars() >= self.min_chars {
                evidence.push(view.whole(MatchKind::Measure, 0.0, path));
            }
        }
        let note = format!("重叠超过{}毫秒的话轮{}个", self.longer_than_ms.value, evidence.len());
        Eval::found(path, evidence, note)
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::ChannelLayout;

    use crate::logic::{Condition, Truth};
    use crate::selftest::turns_at;
    use crate::view::{CallFacts, CallView};

    fn truth(layout: ChannelLayout, turns: &[(&str, i64, i64)]) -> Truth {
        let condition: Condition = serde_saphyr::from_str("overlap: { longer_than_ms: 1000 }").unwrap();
        let turns = turns_at(turns);
        let call = CallView::new(&turns, CallFacts { layout: Some(layout), ..CallFacts::default() }, 0.5);
        condition.eval(&call, &call.everything(), "condition").truth
    }

    #[test]
    fn cutting_in_counts_and_agreeing_does_not() {
        let cut_in = [("customer: 我还没有说完呢", 0, 4000), ("agent: 您先听我说", 2000, 5000)];
        assert_eq!(truth(ChannelLayout::Stereo, &cut_in), Truth::Yes);
        let agree = [("customer: 我还没有说完呢", 0, 4000), ("agent: 嗯好的", 2000, 3500)];
        assert_eq!(truth(ChannelLayout::Stereo, &agree), Truth::No);
    }

    #[test]
    fn mono_cannot_tell() {
        let cut_in = [("customer: 我还没有说完呢", 0, 4000), ("agent: 您先听我说", 2000, 5000)];
        assert_eq!(truth(ChannelLayout::Mono, &cut_in), Truth::Unknown);
    }
}
