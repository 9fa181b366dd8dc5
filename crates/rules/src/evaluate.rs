//! From conditions to verdicts: pure and deterministic.

use callsift_core::{AbsenceProof, Evidence, Finding, MatchKind, NearMiss, Severity, Verdict};
use callsift_text::phrase_likeness;
use serde::{Deserialize, Serialize};

use crate::load::RuleSet;
use crate::logic::{Condition, Eval, Truth};
use crate::schema::{DirectionName, Rule, ViolationWhen};
use crate::view::{CallView, Selection};

/// Limits below which a rule does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalOptions {
    /// Mean character probability (0 to 1) of the searched speech below which an absence is not claimed.
    pub min_confidence: f64,
    /// Mean character probability (0 to 1) of the matched characters below which a hit is not claimed.
    pub min_evidence_confidence: f64,
    /// Speech in milliseconds that must have been searched before an absence is claimed.
    pub min_speech_ms: i64,
    /// Share (0 to 1) of the searched speech that may be unusable before an absence is not claimed.
    pub max_skipped_share: f64,
    /// Likeness (0 to 1) from which a near miss leaves an absence undecided.
    pub near_miss_doubt: f64,
    /// Role confidence (0 to 1) below which a turn's role counts as unknown.
    pub min_role_confidence: f64,
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            min_confidence: 0.5,
            min_evidence_confidence: 0.35,
            min_speech_ms: 800,
            max_skipped_share: 0.3,
            near_miss_doubt: 0.75,
            min_role_confidence: 0.6,
        }
    }
}

impl RuleSet {
    /// One finding per rule, sorted by rule id.
    pub fn evaluate(&self, call: &CallView<'_>, options: &EvalOptions) -> Vec<Finding> {
        self.rules().iter().map(|rule| judge(rule, call, options).finding).collect()
    }
}

/// 100 less the points of all hits, never under 0; 0 after a fatal hit.
pub fn score(findings: &[Finding]) -> f64 {
    let hits = findings.iter().filter(|f| f.verdict == Verdict::Hit);
    if hits.clone().any(|f| f.severity == Severity::Fatal) {
        return 0.0;
    }
    (100.0 - hits.map(|f| f.points).sum::<f64>()).max(0.0)
}

/// A finding with the way to it.
pub struct Judgement {
    /// The finding.
    pub finding: Finding,
    /// How `applies.when` came out.
    pub applies: Option<Eval>,
    /// How the condition came out; `None` where the rule does not apply.
    pub eval: Option<Eval>,
    /// What was searched.
    pub searched: Selection,
}

/// Judges one call by one rule.
pub fn judge(rule: &Rule, call: &CallView<'_>, options: &EvalOptions) -> Judgement {
    let all = call.everything();
    let searched = call.select(&rule.scope, &all);
    let applies = rule.applies.when.as_ref().map(|when| when.eval(call, &all, "applies.when"));
    if let Some(reason) = not_applicable(rule, call, applies.as_ref()) {
        let finding = finding(rule, Verdict::NotApplicable, reason, Vec::new(), None);
        return Judgement { finding, applies, eval: None, searched };
    }
    let eval = rule.condition.eval(call, &searched, "condition");
    let finding = match rule.violation_when {
        ViolationWhen::Found => presence(rule, call, &eval, &searched, options),
        ViolationWhen::Missing => absence(rule, call, &eval, &searched, options),
    };
    Judgement { finding, applies, eval: Some(eval), searched }
}

fn not_applicable(rule: &Rule, call: &CallView<'_>, when: Option<&Eval>) -> Option<String> {
    let applies = &rule.applies;
    let directions = &applies.directions;
    let direction = match call.facts.direction {
        callsift_core::Direction::Inbound => Some(DirectionName::Inbound),
        callsift_core::Direction::Outbound => Some(DirectionName::Outbound),
        callsift_core::Direction::Unknown => None,
    };
    if !directions.is_empty() && direction.is_some_and(|d| !directions.contains(&d)) {
        return Some("呼叫方向不在规则范围内".to_owned());
    }
    let queue = call.facts.queue.as_deref();
    if !applies.queues.is_empty() && !queue.is_some_and(|q| applies.queues.iter().any(|a| a == q)) {
        return Some("队列不在规则范围内".to_owned());
    }
    when.filter(|eval| eval.truth != Truth::Yes).map(|eval| format!("前提不成立：{}", eval.note))
}

/// Finding the condition is the fault.
fn presence(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    if call.turns.is_empty() {
        return finding(rule, Verdict::CannotTell, "没有识别到任何话语".to_owned(), Vec::new(), None);
    }
    match eval.truth {
        Truth::Unknown => finding(rule, Verdict::CannotTell, first_unknown(eval), Vec::new(), None),
        Truth::No => finding(rule, Verdict::Clear, eval.note.clone(), Vec::new(), None),
        Truth::Yes if rule.scope.role.is_some() && on.role_unknown => {
            finding(rule, Verdict::CannotTell, "说话人角色不确定，无法判定是谁说的".to_owned(), Vec::new(), None)
        }
        Truth::Yes => {
            let sure: Vec<Evidence> = eval.evidence.iter().filter(|e| is_sure(call, e, options)).cloned().collect();
            if sure.is_empty() && !eval.evidence.is_empty() {
                let reason = format!("疑似“{}”，但识别置信度过低", eval.evidence[0].text);
                return finding(rule, Verdict::CannotTell, reason, Vec::new(), None);
            }
            finding(rule, Verdict::Hit, hit_reason(&sure), sure, None)
        }
    }
}

fn is_sure(call: &CallView<'_>, evidence: &Evidence, options: &EvalOptions) -> bool {
    let Some(view) = call.turns.get(evidence.turn as usize) else { return true };
    let chars = &view.turn.chars;
    let range = (evidence.char_start as usize).min(chars.len())..(evidence.char_end as usize).min(chars.len());
    let probs: Vec<f64> = chars[range].iter().filter(|c| c.ch.is_alphanumeric()).map(|c| f64::from(c.prob)).collect();
    probs.is_empty() || probs.iter().sum::<f64>() / probs.len() as f64 >= options.min_evidence_confidence
}

fn hit_reason(evidence: &[Evidence]) -> String {
    let first = evidence.first();
    let how = first.map_or("", |e| match e.kind {
        MatchKind::Sound => "（读音相近）",
        MatchKind::Model => "（模型判断）",
        _ => "",
    });
    let text = first.map_or("", |e| e.text.as_str());
    match evidence.len() {
        0 | 1 => format!("“{text}”{how}"),
        n => format!("“{text}”{how}等{n}处"),
    }
}

fn first_unknown(eval: &Eval) -> String {
    let inner = eval.parts.iter().find(|p| p.truth == Truth::Unknown);
    inner.map_or_else(|| eval.note.clone(), first_unknown)
}

/// Missing the condition is the fault: the absence must be proved.
fn absence(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    match eval.truth {
        Truth::Yes => {
            let reason = eval.evidence.first().map_or_else(|| eval.note.clone(), |e| format!("已说“{}”", e.text));
            finding(rule, Verdict::Clear, reason, Vec::new(), None)
        }
        Truth::Unknown => finding(rule, Verdict::CannotTell, first_unknown(eval), Vec::new(), None),
        Truth::No => {
            let proof = prove(rule, call, on);
            let (verdict, reason) = match doubt(&proof, on, options) {
                Some(doubt) => (Verdict::CannotTell, doubt),
                None => (Verdict::Hit, absence_reason(&proof)),
            };
            finding(rule, verdict, reason, Vec::new(), Some(proof))
        }
    }
}

fn prove(rule: &Rule, call: &CallView<'_>, on: &Selection) -> AbsenceProof {
    let turns: Vec<_> = on.turns.iter().map(|i| &call.turns[*i]).collect();
    let speech_ms = turns.iter().map(|t| t.turn.span.len_ms()).sum();
    let chars: usize = turns.iter().map(|t| t.turn.chars.len()).sum();
    let weighted: f64 = turns.iter().map(|t| t.turn.confidence * t.turn.chars.len() as f64).sum();
    let mean_confidence = if chars == 0 { 0.0 } else { weighted / chars as f64 };
    AbsenceProof {
        window: on.window,
        speech_ms,
        mean_confidence,
        turns: turns.len() as u32,
        near_miss: near_miss(rule, call, on),
    }
}

/// The stretch of the searched turns that sounds most like a phrase of the rule.
fn near_miss(rule: &Rule, call: &CallView<'_>, on: &Selection) -> Option<NearMiss> {
    let mut best: Option<NearMiss> = None;
    rule.condition.walk(&mut |condition| {
        let Condition::Keyword(keyword) = condition else { return };
        for (phrase, sounds) in keyword.sounds() {
            for view in on.turns.iter().map(|i| &call.turns[*i]) {
                let Some(found) = phrase_likeness(view.sounds(), sounds) else { continue };
                let score = 1.0 - found.cost;
                if score > best.as_ref().map_or(0.4, |b| b.score) {
                    let evidence = view.evidence(found.range, MatchKind::Sound, found.cost, "");
                    let (turn, span, text) = (evidence.turn, evidence.span, evidence.text);
                    best = Some(NearMiss { turn, span, text, phrase: phrase.clone(), score });
                }
            }
        }
    });
    best
}

/// Why an absence cannot be claimed; `None` where it can.
fn doubt(proof: &AbsenceProof, on: &Selection, options: &EvalOptions) -> Option<String> {
    if on.role_unknown {
        return Some("说话人角色不确定，无法判定是否缺失".to_owned());
    }
    if proof.speech_ms < options.min_speech_ms {
        return Some(format!("检查范围内话语仅{:.1}秒，不足以判定", proof.speech_ms as f64 / 1000.0));
    }
    let total = (proof.speech_ms + on.skipped_ms) as f64;
    if on.skipped_ms as f64 > options.max_skipped_share * total {
        return Some(format!("检查范围内有{:.1}秒话语无法采信", on.skipped_ms as f64 / 1000.0));
    }
    if proof.mean_confidence < options.min_confidence {
        return Some(format!("识别置信度{:.2}低于{:.2}", proof.mean_confidence, options.min_confidence));
    }
    let near = proof.near_miss.as_ref().filter(|n| n.score >= options.near_miss_doubt)?;
    Some(format!("“{}”与“{}”读音相近（{:.2}），请人工确认", near.text, near.phrase, near.score))
}

fn absence_reason(proof: &AbsenceProof) -> String {
    let window = proof.window;
    let near = proof.near_miss.as_ref().map_or_else(String::new, |n| format!("，最接近“{}”（{:.2}）", n.text, n.score));
    format!(
        "已查{:.1}–{:.1}秒共{}个话轮、{:.1}秒话语，置信度{:.2}，未出现{near}",
        window.start_ms as f64 / 1000.0,
        window.end_ms as f64 / 1000.0,
        proof.turns,
        proof.speech_ms as f64 / 1000.0,
        proof.mean_confidence,
    )
}

fn finding(
    rule: &Rule,
    verdict: Verdict,
    reason: String,
    evidence: Vec<Evidence>,
    proof: Option<AbsenceProof>,
) -> Finding {
    Finding {
        rule_id: rule.id.value.clone(),
        title: rule.title.clone(),
        category: rule.category.clone(),
        severity: rule.severity,
        points: if verdict == Verdict::Hit { rule.points.value } else { 0.0 },
        verdict,
        reason,
        evidence,
        proof,
    }
}
