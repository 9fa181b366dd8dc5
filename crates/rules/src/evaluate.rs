//! From conditions to verdicts: pure and deterministic.

use std::fmt::Arguments;

use callsift_core::{AbsenceProof, Direction, Evidence, Finding, MatchKind, SpeakerRole, Turn, Verdict};
use serde::{Deserialize, Serialize};

use crate::absence;
use crate::again::{self, Answers};
use crate::load::RuleSet;
use crate::logic::{Eval, Truth};
use crate::quoted::is_quoted;
use crate::schema::{Rule, ViolationWhen};
use crate::sentences::said;
use crate::view::{CallFacts, CallView, Selection, TurnView};

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
    /// Share (0 to 1) of the characters of one searched turn that may be less likely than not before an absence is not claimed.
    #[serde(skip_serializing_if = "is_default_doubtful")]
    pub max_doubtful_share: f64,
    /// Likeness (0 to 1) from which a near miss leaves an absence undecided.
    pub near_miss_doubt: f64,
    /// Whether the recogniser is asked again before a rule says that something was not said.
    #[serde(skip_serializing_if = "is_default_second_hearing")]
    pub second_hearing: bool,
    /// Probability (0 to 1) from which another reading of a turn counts as what was said: it clears a rule that would hit,
    /// and leaves one open that found nothing.
    #[serde(skip_serializing_if = "is_default_said_from")]
    pub said_from: f64,
    /// Probability (0 to 1) below which another reading of a turn was not said; between both limits the rule cannot tell.
    #[serde(skip_serializing_if = "is_default_unsaid_below")]
    pub unsaid_below: f64,
    /// Role confidence (0 to 1) below which a turn's role counts as unknown.
    pub min_role_confidence: f64,
}

/// Options that came later are written only where they are not the default: lakes keep the hash of those that made them.
macro_rules! is_default {
    ($($name:ident: $field:ident, $kind:ty;)*) => {
        $(fn $name(value: &$kind) -> bool {
            EvalOptions { $field: *value, ..EvalOptions::default() } == EvalOptions::default()
        })*
    };
}

is_default! {
    is_default_doubtful: max_doubtful_share, f64;
    is_default_second_hearing: second_hearing, bool;
    is_default_said_from: said_from, f64;
    is_default_unsaid_below: unsaid_below, f64;
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            min_confidence: 0.5,
            min_evidence_confidence: 0.35,
            min_speech_ms: 800,
            max_skipped_share: 0.3,
            max_doubtful_share: 0.33,
            near_miss_doubt: 0.75,
            second_hearing: true,
            said_from: 0.5,
            unsaid_below: 0.05,
            min_role_confidence: 0.6,
        }
    }
}

impl RuleSet {
    /// Prepares a call for these rules.
    pub fn view<'a>(&'a self, turns: &'a [Turn], facts: CallFacts, options: &EvalOptions) -> CallView<'a> {
        CallView::new(turns, facts, self.index(), options.min_role_confidence)
            .with_skipped_share(options.max_skipped_share)
    }

    /// One finding per rule, sorted by rule id.
    pub fn evaluate(&self, turns: &[Turn], facts: CallFacts, options: &EvalOptions) -> Vec<Finding> {
        let call = self.view(turns, facts, options);
        let asked = turns.iter().any(|turn| !turn.alternatives.is_empty());
        let answers = asked.then(|| Answers::of(&call));
        let finding = |rule| {
            let finding = judge(rule, &call, options).finding;
            match &answers {
                Some(answers) => answers.heard_again(rule, finding, options),
                None => finding,
            }
        };
        self.rules().iter().map(finding).collect()
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
    /// How `cannot_tell_when` came out; `None` where there was no hit to leave undecided.
    pub undecided: Option<Eval>,
    /// How the condition came out; `None` where the rule does not apply.
    pub eval: Option<Eval>,
    /// What was searched.
    pub searched: Selection,
}

/// Judges one call by one rule. The call must have been prepared by the rule's own [`RuleSet::view`]. A first pass without
/// words finds out whether there is anything to say; most often there is not.
pub fn judge(rule: &Rule, call: &CallView<'_>, options: &EvalOptions) -> Judgement {
    let quick = decide(rule, call, options);
    match quick.finding.verdict {
        Verdict::Hit | Verdict::CannotTell => call.traced(|| decide(rule, call, options)),
        Verdict::Clear | Verdict::NotApplicable => quick,
    }
}

fn decide(rule: &Rule, call: &CallView<'_>, options: &EvalOptions) -> Judgement {
    let all = call.everything();
    let searched = call.select(&rule.scope, &all);
    let applies = rule.applies.when.as_ref().map(|when| when.eval(call, &all, "applies.when"));
    if let Some((verdict, reason)) = does_not_apply(rule, call, applies.as_ref()) {
        let finding = finding(rule, verdict, reason, Vec::new(), None);
        return Judgement { finding, applies, except: None, undecided: None, eval: None, searched };
    }
    let eval = rule.condition.value.eval(call, &searched, "condition");
    let mut finding = match rule.violation_when {
        ViolationWhen::Found => presence(rule, call, &eval, &searched, options),
        ViolationWhen::Missing => missing(rule, call, &eval, &searched, options),
    };
    let excusable = matches!(finding.verdict, Verdict::Hit | Verdict::CannotTell);
    let except = rule.except.as_ref().filter(|_| excusable).map(|e| e.eval(call, &all, "except"));
    if let Some(excuse) = except.as_ref().filter(|e| e.truth == Truth::Yes) {
        let why =
            excuse.evidence.first().map_or_else(|| seen(excuse, said!(EXCUSED)), |e| said!(HIT, e.text).to_string());
        finding = self::finding(rule, Verdict::Clear, said!(EXCUSED_AS, why).to_string(), Vec::new(), None);
    }
    let mut undecided = None;
    if finding.verdict == Verdict::Hit {
        undecided = rule.cannot_tell_when.as_ref().map(|c| c.eval(call, &searched, "cannot_tell_when"));
        // An excuse, or what the rule hangs on, may lie where nothing was recorded.
        let hangs = applies.iter().chain(&except).any(|e| e.open);
        let reason = match undecided.as_ref().filter(|e| e.truth == Truth::Yes) {
            Some(doubt) => Some(said!(MAY_BE, doubt.evidence.first().map_or("", |e| &e.text)).to_string()),
            None if hangs => Some(said!(NOT_WHOLE).to_string()),
            None if !person_heard(call, options) => Some(said!(NO_PERSON).to_string()),
            None => None,
        };
        if let Some(reason) = reason {
            finding = self::finding(rule, Verdict::CannotTell, reason, Vec::new(), finding.proof);
        }
    }
    Judgement { finding, applies, except, undecided, eval: Some(eval), searched }
}

/// Somebody said something that was heard as words: noises and tones are nobody's silence, monologue or omission.
fn person_heard(call: &CallView<'_>, options: &EvalOptions) -> bool {
    let said = |t: &TurnView<'_>| {
        !t.turn.is_unusable() && t.spoken_chars() > 0 && t.turn.confidence >= options.min_evidence_confidence
    };
    call.turns.iter().any(|t| said(t))
}

/// What was seen, or a plain word where it was not written down.
fn seen(eval: &Eval, plain: Arguments<'_>) -> String {
    if eval.note.is_empty() { plain.to_string() } else { eval.note.clone() }
}

fn does_not_apply(rule: &Rule, call: &CallView<'_>, when: Option<&Eval>) -> Option<(Verdict, String)> {
    let not = |reason: Arguments<'_>| Some((Verdict::NotApplicable, reason.to_string()));
    let applies = &rule.applies;
    let direction = call.facts.meta.direction;
    if !applies.directions.is_empty() && !applies.directions.contains(&direction) {
        return if direction == Direction::Unknown { not(said!(NO_DIRECTION)) } else { not(said!(OTHER_DIRECTION)) };
    }
    let listed = |list: &[String], field: &str| {
        list.is_empty() || call.facts.field(field).is_some_and(|v| list.iter().any(|l| *l == v))
    };
    if !listed(&applies.queues, "queue") {
        return not(said!(OTHER_QUEUE));
    }
    if !listed(&applies.business, "business") {
        return not(said!(OTHER_BUSINESS));
    }
    if let Some(date) = call.facts.field("date") {
        // ISO days sort as text.
        let early = applies.from.as_ref().is_some_and(|from| *date < *from.value);
        let late = applies.until.as_ref().is_some_and(|until| *date > *until.value);
        if early || late {
            return not(said!(OTHER_DATE));
        }
    }
    match when.map(|eval| (eval.truth, eval)) {
        Some((Truth::No, eval)) if eval.note.is_empty() => not(said!(NOT_MET)),
        Some((Truth::No, eval)) => not(said!(NOT_MET_SINCE, eval.note)),
        Some((Truth::Unknown, eval)) => Some((Verdict::CannotTell, said!(MAYBE_MET, first_unknown(eval)).to_string())),
        _ => None,
    }
}

/// Finding the condition is the fault.
fn presence(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    let cannot = |reason: String| finding(rule, Verdict::CannotTell, reason, Vec::new(), None);
    if call.turns.is_empty() {
        return cannot(said!(NOTHING_HEARD).to_string());
    }
    match eval.truth {
        Truth::Unknown => cannot(first_unknown(eval)),
        Truth::No if rule.names_role && hidden_by_roles(rule, call) => cannot(said!(WHO_SAID).to_string()),
        Truth::No => match rule.min_confidence.as_ref().and_then(|least| absence::too_faint(call, on, least.value)) {
            Some(reason) => cannot(reason),
            None => finding(rule, Verdict::Clear, seen(eval, said!(NOT_FOUND)), Vec::new(), None),
        },
        Truth::Yes if eval.open => cannot(said!(NOT_WHOLE).to_string()),
        Truth::Yes if eval.evidence.is_empty() => {
            let unsure = rule.names_role && on.role_unknown;
            let verdict = if unsure { Verdict::CannotTell } else { Verdict::Hit };
            finding(rule, verdict, eval.note.clone(), Vec::new(), None)
        }
        Truth::Yes => {
            let heard: Vec<Evidence> = eval.evidence.iter().filter(|e| is_heard(call, e, options)).cloned().collect();
            if heard.is_empty() {
                return cannot(said!(HEARD_BADLY, eval.evidence[0].text).to_string());
            }
            let sure: Vec<Evidence> = heard.into_iter().filter(|e| !rule.names_role || is_whose(call, e)).collect();
            if sure.is_empty() {
                return cannot(said!(WHO_SAID).to_string());
            }
            let own: Vec<Evidence> = sure.iter().filter(|e| !is_quoted(call, e)).cloned().collect();
            if own.is_empty() {
                return finding(rule, Verdict::Clear, said!(QUOTED, sure[0].text).to_string(), Vec::new(), None);
            }
            let places = distinct(own);
            finding(rule, Verdict::Hit, hit_reason(&places), places, None)
        }
    }
}

/// One piece of evidence per place: of those that overlap, the first, or the longer one where they begin together.
fn distinct(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    let longer_first = |e: &Evidence| std::cmp::Reverse(e.char_end);
    evidence.sort_by_key(|e| (e.span.start_ms, e.turn, e.char_start, longer_first(e)));
    evidence.dedup_by(|later, kept| later.turn == kept.turn && later.char_start < kept.char_end);
    evidence
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
    let (text, n) = (&first.text, evidence.len());
    let said = match (first.kind, n) {
        (MatchKind::Sound, 1) => said!(HIT_SOUND, text),
        (MatchKind::Sound, _) => said!(HITS_SOUND, text, n),
        (MatchKind::Model, 1) => said!(HIT_MODEL, text),
        (MatchKind::Model, _) => said!(HITS_MODEL, text, n),
        (MatchKind::Similar, 1) => said!(HIT_SIMILAR, text),
        (MatchKind::Similar, _) => said!(HITS_SIMILAR, text, n),
        (_, 1) => said!(HIT, text),
        _ => said!(HITS, text, n),
    };
    said.to_string()
}

fn first_unknown(eval: &Eval) -> String {
    let inner = eval.parts.iter().find(|p| p.truth == Truth::Unknown);
    inner.map_or_else(|| eval.note.clone(), first_unknown)
}

/// Missing the condition is the fault: the absence must be proved.
fn missing(rule: &Rule, call: &CallView<'_>, eval: &Eval, on: &Selection, options: &EvalOptions) -> Finding {
    match eval.truth {
        Truth::Yes => {
            let reason = eval
                .evidence
                .first()
                .map_or_else(|| seen(eval, said!(NOT_MISSING)), |e| said!(WAS_SAID, e.text).to_string());
            finding(rule, Verdict::Clear, reason, Vec::new(), None)
        }
        Truth::Unknown => finding(rule, Verdict::CannotTell, first_unknown(eval), Vec::new(), None),
        // A hit or a doubt: which of them is worked out, at some cost, in the second pass.
        Truth::No if !call.is_traced() => finding(rule, Verdict::CannotTell, String::new(), Vec::new(), None),
        Truth::No => {
            let on = eval.failed_selection().unwrap_or(on);
            let proof = absence::prove(call, eval, on);
            let asked = |turn: &Turn| again::was_asked(rule, call, turn);
            let not_whole = || eval.open.then(|| said!(NOT_WHOLE).to_string());
            let (verdict, reason) = match absence::doubt(call, &proof, on, options, asked).or_else(not_whole) {
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

#[cfg(test)]
mod tests;
