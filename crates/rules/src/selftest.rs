//! Running the tests that rule files carry, as they stand and under recognition noise.

use callsift_core::{CallMeta, ChannelLayout, LabelScore, Mark, SpeakerRole, TimeSpan, Turn, Verdict};
use callsift_text::RecognitionNoise;

use crate::evaluate::{EvalOptions, judge};
use crate::load::RuleSet;
use crate::schema::{FullTurn, Rule, TestCase, TestTurn};
use crate::view::CallFacts;

/// How one test of one rule came out.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// Rule id.
    pub rule_id: String,
    /// Name of the case.
    pub case: String,
    /// What the file expects.
    pub expected: Verdict,
    /// What came out.
    pub found: Verdict,
    /// Why.
    pub reason: String,
}

impl CaseResult {
    /// True where the rule answered as its author expects.
    pub fn passed(&self) -> bool {
        self.expected == self.found
    }
}

/// Runs all tests of all rules, in order.
pub fn run_tests(rules: &RuleSet, options: &EvalOptions) -> Vec<CaseResult> {
    cases(rules).map(|(rule, case)| run(rules, rule, case, None, options)).collect()
}

/// Runs the tests of one rule of the set, in order.
pub fn run_tests_of(rules: &RuleSet, rule: &Rule, options: &EvalOptions) -> Vec<CaseResult> {
    rule.tests.iter().map(|case| run(rules, rule, case, None, options)).collect()
}

/// How a rule's tests came out at one rate of noise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoiseResult {
    /// Rule id.
    pub rule_id: String,
    /// Runs of cases that expect a hit, and those of them that still hit.
    pub hits: (usize, usize),
    /// Runs of cases that expect clear or not applicable, and those of them that became a hit: false accusations.
    pub accused: (usize, usize),
    /// Runs that ended in `cannot_tell` though the file expects an answer.
    pub undecided: usize,
}

/// Repeats every test `repeats` times with noise on the text at this rate; cases with `no_noise` are left out.
pub fn run_noisy(rules: &RuleSet, options: &EvalOptions, rate: f64, repeats: u64) -> Vec<NoiseResult> {
    let mut out: Vec<NoiseResult> = Vec::new();
    for (rule, case) in cases(rules).filter(|(_, c)| !c.no_noise && c.expect != Some(Verdict::CannotTell)) {
        if out.last().is_none_or(|r| r.rule_id != rule.id.value) {
            out.push(NoiseResult { rule_id: rule.id.value.clone(), ..NoiseResult::default() });
        }
        let Some(result) = out.last_mut() else { continue };
        for seed in 0..repeats {
            let found = run(rules, rule, case, Some(RecognitionNoise { rate, seed }), options).found;
            let counts = if case.expect == Some(Verdict::Hit) { &mut result.hits } else { &mut result.accused };
            counts.0 += 1;
            counts.1 += usize::from(found == Verdict::Hit);
            result.undecided += usize::from(found == Verdict::CannotTell);
        }
    }
    out
}

fn cases(rules: &RuleSet) -> impl Iterator<Item = (&Rule, &TestCase)> {
    rules.rules().iter().flat_map(|rule| rule.tests.iter().map(move |case| (rule, case)))
}

fn run(
    rules: &RuleSet,
    rule: &Rule,
    case: &TestCase,
    noise: Option<RecognitionNoise>,
    options: &EvalOptions,
) -> CaseResult {
    let (turns, facts) = build(case, noise);
    let finding = judge(rule, &rules.view(&turns, facts, options), options).finding;
    CaseResult {
        rule_id: rule.id.value.clone(),
        case: case.name.clone(),
        expected: case.expect.unwrap_or(Verdict::Hit),
        found: finding.verdict,
        reason: finding.reason,
    }
}

/// Threshold of every label in tests.
const TEST_THRESHOLD: f64 = 0.9;
/// Milliseconds per character in a test turn: 240 characters a minute, a calm conversational pace.
const CHAR_MS: i64 = 250;
/// Pause between test turns.
const PAUSE_MS: i64 = 300;

/// Turns and facts of a test case.
pub(crate) fn build(case: &TestCase, noise: Option<RecognitionNoise>) -> (Vec<Turn>, CallFacts) {
    let mut turns: Vec<Turn> = Vec::new();
    for turn in &case.turns {
        let mut full = match turn {
            TestTurn::Full(full) => full.clone(),
            TestTurn::Line(line) => parse_line(line),
        };
        if let Some(noise) = noise {
            full.text = noise.apply(&full.text);
        }
        let before = turns.last().map(|t| t.span.end_ms);
        turns.push(make_turn(&full, turns.len() as u32, before));
    }
    turns.sort_by_key(|t| (t.span.start_ms, t.index));
    for (i, turn) in turns.iter_mut().enumerate() {
        turn.index = i as u32;
    }
    let meta = CallMeta {
        call_id: case.name.clone(),
        queue: case.queue.clone(),
        direction: case.direction,
        date: case.date.clone(),
        order: case.order.clone(),
        extra: case.metadata.clone(),
        ..CallMeta::default()
    };
    let layout = Some(case.layout.unwrap_or(ChannelLayout::Stereo));
    (turns, CallFacts { meta, layout, duration_ms: case.duration_ms, ..CallFacts::default() })
}

fn parse_line(line: &str) -> FullTurn {
    let (role, text) = line.split_once([':', '：']).unwrap_or(("agent", line));
    let role =
        if SpeakerRole::parse(role) == SpeakerRole::Customer { SpeakerRole::Customer } else { SpeakerRole::Agent };
    FullTurn { role, text: text.trim().to_owned(), ..FullTurn::default() }
}

fn make_turn(full: &FullTurn, index: u32, before: Option<i64>) -> Turn {
    let pause = full.after_ms.unwrap_or(PAUSE_MS);
    let start = full.start_ms.unwrap_or_else(|| before.map_or(0, |end| end.saturating_add(pause)));
    let spoken = full.text.chars().count().max(1) as i64 * CHAR_MS;
    let span = TimeSpan::new(start, full.end_ms.unwrap_or(start.saturating_add(spoken)));
    let confidence = full.confidence.unwrap_or(0.95);
    let labels = full.labels.iter().map(|(label, prob)| LabelScore {
        label: label.clone(),
        prob: *prob,
        threshold: Some(TEST_THRESHOLD),
    });
    Turn {
        role_confidence: full.role_confidence.unwrap_or(1.0),
        confidence,
        marks: if full.hallucination { vec![Mark::Hallucination] } else { Vec::new() },
        loudness_dbfs: full.loudness_dbfs,
        labels: labels.collect(),
        ..Turn::from_text(index, full.role, span, &full.text, confidence as f32)
    }
}

/// Turns from `role: text` lines: for tests of operators.
#[cfg(test)]
pub(crate) fn turns_of(lines: &[&str]) -> Vec<Turn> {
    let turns = lines.iter().map(|l| TestTurn::Line((*l).to_owned())).collect();
    build(&TestCase { turns, ..TestCase::default() }, None).0
}

/// A call from YAML: for tests of operators.
#[cfg(test)]
pub(crate) fn parse_case(yaml: &str) -> TestCase {
    serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{yaml}: {e}"))
}

/// Evaluates a condition over a whole call: for tests of operators.
#[cfg(test)]
pub(crate) fn eval_case(condition: &str, case: &TestCase) -> crate::logic::Eval {
    let mut condition: crate::logic::Condition =
        serde_saphyr::from_str(condition).unwrap_or_else(|e| panic!("{condition}: {e}"));
    let mut table = crate::phrases::PhraseTable::default();
    let library = crate::logic::Library::new();
    let mut cx = crate::compile::Compiler::new(&mut table, &library);
    condition.compile(&mut cx);
    assert_eq!(cx.problems, []);
    let index = table.build();
    let (turns, facts) = build(case, None);
    let call = crate::view::CallView::new(&turns, facts, &index, 0.5);
    call.traced(|| condition.eval(&call, &call.everything(), "condition"))
}

/// The same for `role: text` lines.
#[cfg(test)]
pub(crate) fn eval_lines(condition: &str, lines: &[&str]) -> crate::logic::Eval {
    let turns = lines.iter().map(|l| TestTurn::Line((*l).to_owned())).collect();
    eval_case(condition, &TestCase { turns, ..TestCase::default() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{EvalOptions, RuleSet, run_tests, run_tests_of};

    #[test]
    fn the_shipped_pack_passes_its_own_tests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
        let rules = RuleSet::load(&root).unwrap();
        let results = run_tests(&rules, &EvalOptions::default());
        let failed: Vec<String> = results
            .iter()
            .filter(|r| !r.passed())
            .map(|r| {
                let (expected, found) = (r.expected.as_str(), r.found.as_str());
                format!("{} / {}: expected {expected}, found {found}: {}", r.rule_id, r.case, r.reason)
            })
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(results.len() >= 40);
        let first = &rules.rules()[0];
        assert_eq!(run_tests_of(&rules, first, &EvalOptions::default()).len(), first.tests.len());
    }
}
