//! Why a rule answered as it did, step by step, in Chinese.

use std::fmt::Write;

use callsift_core::Finding;

use crate::evaluate::{EvalOptions, judge};
use crate::logic::{Eval, Truth};
use crate::schema::Rule;
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
        let _ = writeln!(out, "前提：");
        tree(&mut out, applies, 1);
    }
    let on = &judgement.searched;
    let window = on.window;
    let _ = writeln!(
        out,
        "检查范围：{:.1}–{:.1}秒，{}个话轮，不予采信{:.1}秒",
        window.start_ms as f64 / 1000.0,
        window.end_ms as f64 / 1000.0,
        on.turns.len(),
        on.skipped_ms as f64 / 1000.0
    );
    for view in on.turns.iter().map(|i| &call.turns[*i]) {
        let _ = writeln!(
            out,
            "  [{:.1}s {}] {}",
            view.turn.span.start_ms as f64 / 1000.0,
            view.turn.role.as_str(),
            view.turn.text()
        );
    }
    for (title, eval) in [("条件：", &judgement.eval), ("豁免：", &judgement.except)] {
        if let Some(eval) = eval {
            let _ = writeln!(out, "{title}");
            tree(&mut out, eval, 1);
        }
    }
    if let Some(proof) = &judgement.finding.proof {
        let _ = writeln!(out, "缺失证明：{}", crate::absence::reason(proof));
    }
    let _ = writeln!(out, "结论：{} — {}", judgement.finding.verdict.as_str(), judgement.finding.reason);
    (judgement.finding, out)
}

fn tree(out: &mut String, eval: &Eval, depth: usize) {
    let mark = match eval.truth {
        Truth::Yes => "✓",
        Truth::No => "✗",
        Truth::Unknown => "?",
    };
    let _ = writeln!(out, "{}{mark} {}：{}", "  ".repeat(depth), eval.path, eval.note);
    for e in &eval.evidence {
        if eval.parts.is_empty() {
            let _ = writeln!(
                out,
                "{}→ {:.1}s “{}”（{}，代价{:.2}）",
                "  ".repeat(depth + 1),
                e.span.start_ms as f64 / 1000.0,
                e.text,
                e.kind.as_str(),
                e.cost
            );
        }
    }
    eval.parts.iter().for_each(|part| tree(out, part, depth + 1));
}
