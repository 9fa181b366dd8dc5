//! Proof that something was not said: what was searched, how well it was heard, what came closest.

use callsift_core::{AbsenceProof, MatchKind, NearMiss};
use callsift_text::{least_cost, phrase_likeness};

use crate::evaluate::EvalOptions;
use crate::logic::Eval;
use crate::view::{CallView, Selection};

/// Collects the proof over the searched turns.
pub(crate) fn prove(call: &CallView<'_>, eval: &Eval, on: &Selection) -> AbsenceProof {
    let speech_ms = on.views(call).map(|t| t.turn.span.len_ms()).sum();
    let mean_confidence = mean_confidence(call, on);
    let turns = on.turns.len() as u32;
    AbsenceProof { window: on.window, speech_ms, mean_confidence, turns, near_miss: near_miss(call, eval, on) }
}

/// Mean probability of the characters of the chosen turns; 0 where there are none.
fn mean_confidence(call: &CallView<'_>, on: &Selection) -> f64 {
    let chars: usize = on.views(call).map(|t| t.turn.chars.len()).sum();
    let weighted: f64 = on.views(call).map(|t| t.turn.confidence * t.turn.chars.len() as f64).sum();
    if chars == 0 { 0.0 } else { weighted / chars as f64 }
}

/// Why not finding something proves nothing; `None` where the turns were heard well enough.
pub(crate) fn too_faint(call: &CallView<'_>, on: &Selection, least: f64) -> Option<String> {
    let mean = mean_confidence(call, on);
    (!on.turns.is_empty() && mean < least).then(|| format!("识别置信度{mean:.2}低于{least:.2}"))
}

/// The stretch of the searched turns that sounds most like a phrase that was looked for in vain.
fn near_miss(call: &CallView<'_>, eval: &Eval, on: &Selection) -> Option<NearMiss> {
    let mut best: Option<NearMiss> = None;
    for phrase in eval.missed_phrases() {
        let sounds = call.index.sounds(phrase);
        for view in on.views(call) {
            let least = best.as_ref().map_or(0.4, |b| b.score);
            if 1.0 - least_cost(view.sounds(), sounds) <= least {
                continue;
            }
            let Some(found) = phrase_likeness(view.sounds(), sounds) else { continue };
            let score = 1.0 - found.cost;
            if score > least {
                let e = view.evidence(found.range, MatchKind::Sound, found.cost, "");
                let phrase = call.index.text(phrase);
                best = Some(NearMiss { turn: e.turn, span: e.span, text: e.text, phrase, score });
            }
        }
    }
    best
}

/// Why an absence cannot be claimed; `None` where it can.
pub(crate) fn doubt(proof: &AbsenceProof, on: &Selection, options: &EvalOptions) -> Option<String> {
    if on.role_unknown {
        return Some("说话人角色不确定，无法判定是否缺失".to_owned());
    }
    if proof.speech_ms < options.min_speech_ms {
        return Some(format!("检查范围内话语仅{:.1}秒，不足以判定", seconds(proof.speech_ms)));
    }
    let total = (proof.speech_ms + on.skipped_ms) as f64;
    if on.skipped_ms as f64 > options.max_skipped_share * total {
        return Some(format!("检查范围内有{:.1}秒话语无法采信", seconds(on.skipped_ms)));
    }
    if proof.mean_confidence < options.min_confidence {
        return Some(format!("识别置信度{:.2}低于{:.2}", proof.mean_confidence, options.min_confidence));
    }
    let near = proof.near_miss.as_ref().filter(|n| n.score >= options.near_miss_doubt)?;
    Some(format!("“{}”与“{}”读音相近（{:.2}），请人工确认", near.text, near.phrase, near.score))
}

/// The absence in words.
pub(crate) fn reason(proof: &AbsenceProof) -> String {
    let near = proof.near_miss.as_ref().map_or_else(String::new, |n| format!("，最接近“{}”（{:.2}）", n.text, n.score));
    format!(
        "已查{:.1}–{:.1}秒共{}个话轮、{:.1}秒话语，置信度{:.2}，未出现{near}",
        seconds(proof.window.start_ms),
        seconds(proof.window.end_ms),
        proof.turns,
        seconds(proof.speech_ms),
        proof.mean_confidence,
    )
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
