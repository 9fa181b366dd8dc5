//! Why a rule answered as it did, step by step, in Chinese.

use std::fmt::Write;

use callsift_core::Finding;

use crate::evaluate::{EvalOptions, judge};
use crate::logic::{Eval, Truth};
use crate::schema::Rule;
use crate::sentences::said;
use crate::view::CallView;

/// What a rule checks, from its file.
pub fn describe(rule: &Rule) -> String {
    let mut out = String::new();
    let id = &rule.id.value;
    let _ = writeln!(
        out,
        "{id}  {}（{}，扣{}分，依据{}）",
        rule.title,
        severity_zh(rule),
        rule.points.value,
        rule.requirement
    );
    let _ = writeln!(out, "缘由：{}", rule.why.trim());
    let _ = writeln!(out, "用例：{}个", rule.tests.len());
    out
}

fn severity_zh(rule: &Rule) -> &'static str {
    match rule.severity {
        callsift_core::Severity::Minor => "轻微",
        callsift_core::Severity::Moderate => "一般",
        callsift_core::Severity::Severe => "严重",
        callsift_core::Severity::Fatal => "致命",
    }
}

/// How one call came to its verdict.
pub fn explain(rule: &Rule, call: &CallView<'_>, options: &EvalOptions) -> (Finding, String) {
    let judgement = call.traced(|| judge(rule, call, options));
    let mut out = describe(rule);
    if let Some(applies) = &judgement.applies {
        let _ = writeln!(out, "{}", said!(WHEN));
        tree(&mut out, applies, 1);
    }
    let on = &judgement.searched;
    let window = on.window;
    let _ = writeln!(
        out,
        "{}",
        said!(
            SEARCHED,
            window.start_ms as f64 / 1000.0,
            window.end_ms as f64 / 1000.0,
            on.turns.len(),
            on.skipped_ms as f64 / 1000.0
        )
    );
    for view in on.turns.iter().map(|i| &call.turns[*i]) {
        let at = view.turn.span.start_ms as f64 / 1000.0;
        let _ = writeln!(out, "  {}", said!(TURN, at, view.turn.role.as_str(), view.turn.text()));
    }
    if let Some(eval) = &judgement.eval {
        let _ = writeln!(out, "{}", said!(CONDITION));
        tree(&mut out, eval, 1);
    }
    if let Some(eval) = &judgement.except {
        let _ = writeln!(out, "{}", said!(EXCEPT));
        tree(&mut out, eval, 1);
    }
    if let Some(eval) = &judgement.undecided {
        let _ = writeln!(out, "{}", said!(UNDECIDED));
        tree(&mut out, eval, 1);
    }
    if let Some(proof) = &judgement.finding.proof {
        let _ = writeln!(out, "{}", said!(PROOF, crate::absence::reason(proof)));
    }
    let (verdict, reason) = (judgement.finding.verdict.as_str(), &judgement.finding.reason);
    let _ = writeln!(out, "{}", said!(VERDICT, verdict, reason));
    (judgement.finding, out)
}

fn tree(out: &mut String, eval: &Eval, depth: usize) {
    let mark = match eval.truth {
        Truth::Yes => "✓",
        Truth::No => "✗",
        Truth::Unknown => "?",
    };
    let _ = writeln!(out, "{}{}", "  ".repeat(depth), said!(STEP, mark, eval.path, eval.note));
    for e in &eval.evidence {
        if eval.parts.is_empty() {
            let at = e.span.start_ms as f64 / 1000.0;
            let _ = writeln!(out, "{}{}", "  ".repeat(depth + 1), said!(EVIDENCE, at, e.text, e.kind.as_str(), e.cost));
        }
    }
    eval.parts.iter().for_each(|part| tree(out, part, depth + 1));
}
