//! Silence between turns.

use callsift_core::{Evidence, MatchKind, SpeakerRole, TimeSpan};
use callsift_text::Normalizer;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "silence",
    checks: "Nobody speaks for longer than `longer_than_ms` milliseconds between two turns. `before_role`: only \
             silence that this role ends. `except`: excused where one of these phrases was said in the turn before.",
    example: "silence: { longer_than_ms: 10000, before_role: agent, except: [请稍等, 稍等] }",
    blind_spots: "Silence before the first and after the last turn; hold music counts as silence where no speech is found in it.",
};

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Longer than this, in milliseconds.
    pub longer_than_ms: Spanned<i64>,
    /// Only silence that this role ends.
    #[serde(default)]
    pub before_role: Option<crate::schema::RoleName>,
    /// Phrases in the turn before that excuse it.
    #[serde(default)]
    pub except: Vec<String>,
}

impl Silence {
    /// Adds a problem where the limit is not positive.
    pub fn check(&self, problems: &mut Vec<(usize, usize, String)>) {
        if self.longer_than_ms.value <= 0 {
            problems.push(at(&self.longer_than_ms.referenced, "`longer_than_ms` must be more than 0".to_owned()));
        }
    }

    /// Looks at every gap inside the window.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let normalizer = Normalizer::matching();
        let except: Vec<String> = self.except.iter().map(|e| normalizer.normalize(e).text()).collect();
        let (mut evidence, mut longest, mut end, mut last) = (Vec::new(), 0, None::<i64>, None::<usize>);
        for (i, view) in call.turns.iter().enumerate() {
            let span = view.turn.span;
            if let (Some(from), Some(before)) = (end, last) {
                let gap = TimeSpan::new(from, span.start_ms);
                longest = longest.max(gap.len_ms());
                let said = call.turns[before].norm.text();
                let excused = except.iter().any(|e| said.contains(e.as_str()));
                let role_ok = self.before_role.is_none_or(|r| view.turn.role == r.into());
                if gap.len_ms() > self.longer_than_ms.value && on.window.overlap_ms(gap) > 0 && role_ok && !excused {
                    evidence.push(gap_evidence(view.turn.index, view.turn.role, gap, path));
                }
            }
            if end.is_none_or(|e| span.end_ms > e) {
                (end, last) = (Some(span.end_ms), Some(i));
            }
        }
        let note =
            format!("最长静默{:.1}秒，界限{:.1}秒", longest as f64 / 1000.0, self.longer_than_ms.value as f64 / 1000.0);
        Eval::found(path, evidence, note)
    }
}

fn gap_evidence(turn: u32, role: SpeakerRole, span: TimeSpan, path: &str) -> Evidence {
    let text = format!("（静默{:.1}秒）", span.len_ms() as f64 / 1000.0);
    Evidence {
        turn,
        role,
        char_start: 0,
        char_end: 0,
        span,
        text,
        kind: MatchKind::Measure,
        cost: 0.0,
        condition: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::logic::{Condition, Truth};
    use crate::selftest::turns_at;
    use crate::view::{CallFacts, CallView};

    fn truth(yaml: &str, turns: &[(&str, i64, i64)]) -> Truth {
        let mut condition: Condition = serde_saphyr::from_str(yaml).unwrap();
        condition.compile(&mut Vec::new());
        let turns = turns_at(turns);
        let call = CallView::new(&turns, CallFacts::default(), 0.5);
        condition.eval(&call, &call.everything(), "condition").truth
    }

    #[test]
    fn silence_is_measured_between_any_speakers_and_can_be_excused() {
        let op = "silence: { longer_than_ms: 5000, except: [请稍等] }";
        assert_eq!(truth(op, &[("agent: 我查一下", 0, 2000), ("agent: 好了", 9000, 9500)]), Truth::Yes);
        assert_eq!(truth(op, &[("agent: 请稍等", 0, 2000), ("agent: 好了", 9000, 9500)]), Truth::No);
        assert_eq!(
            truth(op, &[("agent: 喂", 0, 2000), ("customer: 嗯", 5000, 6000), ("agent: 好", 9000, 9500)]),
            Truth::No
        );
        let agent = "silence: { longer_than_ms: 5000, before_role: agent }";
        assert_eq!(truth(agent, &[("agent: 喂", 0, 1000), ("customer: 在", 9000, 9500)]), Truth::No);
    }

    #[test]
    fn talk_that_goes_on_beside_hides_no_silence() {
        // The customer's long turn ends after the agent's short one began and ended: no gap at all.
        let op = "silence: { longer_than_ms: 3000 }";
        let turns = [("customer: 我说了很久", 0, 10_000), ("agent: 嗯", 2000, 2500), ("agent: 好的", 10_500, 11_000)];
        assert_eq!(truth(op, &turns), Truth::No);
    }
}
