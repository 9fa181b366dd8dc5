//! From conditions to verdicts: pure and deterministic.

use callsift_core::{AbsenceProof, Direction, Evidence, Finding, MatchKind, SpeakerRole, Turn, Verdict};
use serde::{Deserialize, Serialize};

use crate::absence;
use crate::load::RuleSet;
use crate::logic::{Eval, Truth};
use crate::schema::{Rule, ViolationWhen};
use crate::view::{CallFacts, CallView, Selection};

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
    /// Prepares a call for these rules.
    pub fn view<'a>(&'a self, turns: &'a [Turn], facts: CallFacts, options: &EvalOptions) -> CallView<'a> {
        CallView::new(turns, facts, self.index(), options.min_role_confidence)
    }

    /// One finding per rule, sorted by rule id.
    pub fn evaluate(&self, turns: &[Turn], facts: CallFacts, options: &EvalOptions) -> Vec<Finding> {
        let call = self.view(turns, facts, options);
        self.rules().iter().map(|rule| judge(rule, &call, options).finding).collect()
    }
}

/// A finding with the way to it.
pub struct Judgement {
    /// The finding.
    pub finding: Finding,
    /// How `applies.when` came out.
    pub applies: Option<Eval>,
    /// How `except` came out; `None` where there was nothing to excuse.
    pub except: Option<Eval>,
    /// How the condition came out; `None` where the rule does not apply.
    pub eval: Option<Eval>,
    /// What was searched.
    pub searched: Selection,
}

/// Judges one call by one rule. The call must have been prepared by the rule's own [`RuleSet::view`].
pub fn judge(rule: &Rule, call: &CallView<'_>, options: &EvalOptions) -> Judgement {
    let all = call.everything();
    let searched = call.select(&rule.scope, &all);
    let applies = rule.applies.when.as_ref().map(|when| when.eval(call, &all, "applies.when"));
    if let Some((verdict, reason)) = does_not_apply(rule, call, applies.as_ref()) {
        let finding = finding(rule, verdict, reason, Vec::new(), None);
        return Judgement { finding, applies, except: None, eval: None, searched };
    }
    let eval = rule.condition.value.eval(call, &searched, "condition");
    let mut finding = match rule.violation_when {
        ViolationWhen::Found => presence(rule, call, &eval, &searched, options),
        ViolationWhen::Missing => missing(rule, call, &eval, &searched, options),
    };
    let excusable = matches!(finding.verdict, Verdict::Hit | Verdict::CannotTell);
    let except = rule.except.as_ref().filter(|_| excusable).map(|e| e.eval(call, &all, "except"));
    if let Some(excuse) = except.as_ref().filter(|e| e.truth == Truth::Yes) {
        let why = excuse.evidence.first().map_or_else(|| excuse.note.clone(), |e| format!("“{}”", e.text));
        finding = self::finding(rule, Verdict::Clear, format!("豁免：{why}"), Vec::new(), None);
    }
    Judgement { finding, applies, except, eval: Some(eval), searched }
}

fn does_not_apply(rule: &Rule, call: &CallView<'_>, when: Option<&Eval>) -> Option<(Verdict, String)> {
    let not = |reason: &str| Some((Verdict::NotApplicable, reason.to_owned()));
    let applies = &rule.applies;
    let direction = call.facts.meta.direction;
    if !applies.directions.is_empty() && !applies.directions.contains(&direction) {
        return not(if direction == Direction::Unknown { "呼叫方向不明" } else { "呼叫方向不在规则范围内" });
    }
    let listed = |list: &[String], value: Option<&str>| list.is_empty() || value.is_some_and(|v| list.iter().any(|l| l == v));
    if !listed(&applies.queues, call.facts.field("queue")) {
        return not("队列不在规则范围内");
    }
    if !listed(&applies.business, call.facts.field("business")) {
        return not("业务类型不在规则范围内");
    }
    if let Some(date) = call.facts.field("date") {
        // ISO days sort as text.
        let early = applies.from.as_ref().is_some_and(|from| date < from.value.as_str());
        let late = applies.until.as_ref().is_some_and(|until| date > until.value.as_str());
        if early || late {
            return not("通话日期不在规则有效期内");
        }
    }
    match when.map(|eval| (eval.truth, eval)) {
        Some((Truth::No, eval)) => not(&format!("前提不成立：{}", eval.note)),
        Some((Truth::Unknown, eval)) => Some((Verdict::CannotTell, format!("前提无法判定：{}", first_unknown(eval)))),
        _ => None,
    }
}

/// Finding the condition is the fault.
fn presence(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    let cannot = |reason: String| finding(rule, Verdict::CannotTell, reason, Vec::new(), None);
    if call.turns.is_empty() {
        return cannot("没有识别到任何话语".to_owned());
    }
    match eval.truth {
        Truth::Unknown => cannot(first_unknown(eval)),
        Truth::No if rule.names_role && hidden_by_roles(rule, call) => {
            cannot("说话人角色不确定，无法判定是谁说的".to_owned())
        }
        Truth::No => finding(rule, Verdict::Clear, eval.note.clone(), Vec::new(), None),
        Truth::Yes if eval.evidence.is_empty() => {
            let unsure = rule.names_role && on.role_unknown;
            let verdict = if unsure { Verdict::CannotTell } else { Verdict::Hit };
            finding(rule, verdict, eval.note.clone(), Vec::new(), None)
        }
        Truth::Yes => {
            let heard: Vec<Evidence> = eval.evidence.iter().filter(|e| is_heard(call, e, options)).cloned().collect();
            if heard.is_empty() {
                return cannot(format!("疑似“{}”，但识别置信度过低", eval.evidence[0].text));
            }
            let sure: Vec<Evidence> = heard.into_iter().filter(|e| !rule.names_role || is_whose(call, e)).collect();
            if sure.is_empty() {
                return cannot("说话人角色不确定，无法判定是谁说的".to_owned());
            }
            finding(rule, Verdict::Hit, hit_reason(&sure), sure, None)
        }
    }
}

/// Would the rule hit if turns of unsure role were the role it looks at?
fn hidden_by_roles(rule: &Rule, call: &CallView<'_>) -> bool {
    let unsure = call.turns.iter().any(|t| call.role(t.turn) == SpeakerRole::Unknown && !t.turn.is_unusable());
    unsure
        && call.with_any_role(|| {
            let on = call.select(&rule.scope, &call.everything());
            rule.condition.value.eval(call, &on, "condition").truth == Truth::Yes
        })
}

fn is_whose(call: &CallView<'_>, evidence: &Evidence) -> bool {
    call.turns.get(evidence.turn as usize).is_none_or(|t| call.role(t.turn) != SpeakerRole::Unknown)
}

fn is_heard(call: &CallView<'_>, evidence: &Evidence, options: &EvalOptions) -> bool {
    if evidence.kind == MatchKind::Measure {
        return true;
    }
    let Some(view) = call.turns.get(evidence.turn as usize) else { return true };
    let chars = &view.turn.chars;
    let range = (evidence.char_start as usize).min(chars.len())..(evidence.char_end as usize).min(chars.len());
    let probs: Vec<f64> = chars[range].iter().filter(|c| c.ch.is_alphanumeric()).map(|c| f64::from(c.prob)).collect();
    probs.is_empty() || probs.iter().sum::<f64>() / probs.len() as f64 >= options.min_evidence_confidence
}

fn hit_reason(evidence: &[Evidence]) -> String {
    let Some(first) = evidence.first() else { return String::new() };
    let how = match first.kind {
        MatchKind::Sound => "（读音相近）",
        MatchKind::Model => "（模型判断）",
        MatchKind::Similar => "（句子相似）",
        _ => "",
    };
    match evidence.len() {
        1 => format!("“{}”{how}", first.text),
        n => format!("“{}”{how}等{n}处", first.text),
    }
}

fn first_unknown(eval: &Eval) -> String {
    let inner = eval.parts.iter().find(|p| p.truth == Truth::Unknown);
    inner.map_or_else(|| eval.note.clone(), first_unknown)
}

/// Missing the condition is the fault: the absence must be proved.
fn missing(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    match eval.truth {
        Truth::Yes => {
            let reason = eval.evidence.first().map_or_else(|| eval.note.clone(), |e| format!("已说“{}”", e.text));
            finding(rule, Verdict::Clear, reason, Vec::new(), None)
        }
        Truth::Unknown => finding(rule, Verdict::CannotTell, first_unknown(eval), Vec::new(), None),
        Truth::No => {
            let on = eval.failed_selection().unwrap_or(on);
            let proof = absence::prove(rule, call, on);
            let (verdict, reason) = match absence::doubt(&proof, on, options) {
                Some(doubt) => (Verdict::CannotTell, doubt),
                None => (Verdict::Hit, absence::reason(&proof)),
            };
            finding(rule, verdict, reason, Vec::new(), Some(proof))
        }
    }
}

fn finding(
    rule: &Rule,
    verdict: Verdict,
    reason: String,
    evidence: Vec<Evidence>,
    proof: Option<AbsenceProof>,
) -> Finding {
    let places = evidence.len().max(1) as f64;
    let points = match (&rule.points_cap, verdict) {
        (_, v) if v != Verdict::Hit => 0.0,
        (None, _) => rule.points.value,
        (Some(cap), _) => (rule.points.value * places).min(cap.value),
    };
    Finding {
        rule_id: rule.id.value.clone(),
        title: rule.title.clone(),
        category: rule.category.clone(),
        severity: rule.severity,
        points,
        verdict,
        reason,
        evidence,
        proof,
    }
}
