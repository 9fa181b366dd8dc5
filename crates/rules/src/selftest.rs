//! Running the tests that rule files carry.

use callsift_core::{CallMeta, Direction, LabelScore, SpeakerRole, TimeSpan, TimedChar, Turn, Verdict};

use crate::evaluate::{EvalOptions, judge};
use crate::schema::{DirectionName, FullTurn, RoleName, Rule, TestCase, TestTurn};
use crate::view::{CallFacts, CallView};

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
pub fn run_tests(rules: &[Rule], options: &EvalOptions) -> Vec<CaseResult> {
    rules.iter().flat_map(|rule| rule.tests.iter().map(move |case| run(rule, case, options))).collect()
}

fn run(rule: &Rule, case: &TestCase, options: &EvalOptions) -> CaseResult {
    let turns = build(&case.turns);
    let facts = CallFacts {
        direction: match case.direction {
            Some(DirectionName::Outbound) => Direction::Outbound,
            Some(DirectionName::Inbound) => Direction::Inbound,
            None => CallMeta::default().direction,
        },
        queue: case.queue.clone(),
        layout: None,
    };
    let call = CallView::new(&turns, facts, options.min_role_confidence);
    let finding = judge(rule, &call, options).finding;
    CaseResult {
        rule_id: rule.id.value.clone(),
        case: case.name.clone(),
        expected: case.expect,
        found: finding.verdict,
        reason: finding.reason,
    }
}

/// Milliseconds per character in a test turn: 240 characters a minute, a calm conversational pace.
const CHAR_MS: i64 = 250;
/// Pause between test turns.
const PAUSE_MS: i64 = 300;

fn build(turns: &[TestTurn]) -> Vec<Turn> {
    let mut out: Vec<Turn> = Vec::new();
    for turn in turns {
        let full = match turn {
            TestTurn::Full(full) => full.clone(),
            TestTurn::Line(line) => parse_line(line),
        };
        let after = out.last().map_or(0, |t| t.span.end_ms + PAUSE_MS);
        let index = out.len() as u32;
        out.push(make_turn(&full, index, after));
    }
    out
}

fn parse_line(line: &str) -> FullTurn {
    let (role, text) = line.split_once([':', '：']).unwrap_or(("agent", line));
    let role = if SpeakerRole::parse(role) == SpeakerRole::Customer { RoleName::Customer } else { RoleName::Agent };
    FullTurn {
        role,
        text: text.trim().to_owned(),
        start_ms: None,
        end_ms: None,
        confidence: None,
        role_confidence: None,
        labels: std::collections::BTreeMap::new(),
    }
}

fn make_turn(full: &FullTurn, index: u32, after: i64) -> Turn {
    let start = full.start_ms.unwrap_or(after);
    let end = full.end_ms.unwrap_or(start + full.text.chars().count().max(1) as i64 * CHAR_MS);
    let span = TimeSpan::new(start, end);
    let confidence = full.confidence.unwrap_or(0.95);
    let (role, channel) = match full.role {
        RoleName::Agent => (SpeakerRole::Agent, 0),
        RoleName::Customer => (SpeakerRole::Customer, 1),
    };
    Turn {
        index,
        role,
        role_confidence: full.role_confidence.unwrap_or(1.0),
        channel,
        span,
        chars: TimedChar::spread(&full.text, span, confidence as f32),
        confidence,
        marks: Vec::new(),
        overlap_ms: 0,
        labels: full.labels.iter().map(|(label, prob)| LabelScore { label: label.clone(), prob: *prob }).collect(),
    }
}

/// Turns from `role: text` lines: for tests of operators.
#[cfg(test)]
pub(crate) fn turns_of(lines: &[&str]) -> Vec<Turn> {
    build(&lines.iter().map(|l| TestTurn::Line((*l).to_owned())).collect::<Vec<_>>())
}

/// Turns from `role: text` lines with their times.
#[cfg(test)]
pub(crate) fn turns_at(lines: &[(&str, i64, i64)]) -> Vec<Turn> {
    let timed = |(line, start, end): &(&str, i64, i64)| {
        TestTurn::Full(FullTurn { start_ms: Some(*start), end_ms: Some(*end), ..parse_line(line) })
    };
    build(&lines.iter().map(timed).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{EvalOptions, RuleSet, run_tests};

    #[test]
    fn the_shipped_pack_passes_its_own_tests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
        let rules = RuleSet::load(&root).unwrap();
        let results = run_tests(rules.rules(), &EvalOptions::default());
        let failed: Vec<String> = results
            .iter()
            .filter(|r| !r.passed())
            .map(|r| {
                format!(
                    "{} / {}: expected {}, found {}: {}",
                    r.rule_id,
                    r.case,
                    r.expected.as_str(),
                    r.found.as_str(),
                    r.reason
                )
            })
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(results.len() >= 40);
    }
}
