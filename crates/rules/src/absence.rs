//! Proof that something was not said: what was searched, how well it was heard, what came closest.

use callsift_core::{AbsenceProof, MatchKind, NearMiss, Turn};
use callsift_text::phrase_within;

use crate::evaluate::EvalOptions;
use crate::logic::Eval;
use crate::sentences::said;
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
    (!on.turns.is_empty() && mean < least).then(|| said!(LOW_CONFIDENCE, mean, least).to_string())
}

/// The stretch of the searched turns that sounds most like a phrase that was looked for in vain.
fn near_miss(call: &CallView<'_>, eval: &Eval, on: &Selection) -> Option<NearMiss> {
    let mut best: Option<NearMiss> = None;
    for phrase in eval.missed_phrases() {
        let sounds = call.index.sounds(phrase);
        for view in on.views(call) {
            let least = best.as_ref().map_or(0.4, |b| b.score);
            let Some(found) = phrase_within(view.sounds(), sounds, 1.0 - least) else { continue };
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

/// Shorter turns hold no phrase that anybody waits for, in characters.
const SHORT_TURN: usize = 4;

/// Searched turns of which so many characters are less likely than not that the missing words may be among them.
fn guessed_turns<'c>(call: &'c CallView<'_>, on: &'c Selection, most: f64) -> impl Iterator<Item = &'c Turn> {
    let turns = on.views(call).map(|view| view.turn).filter(|turn| turn.spoken_chars() >= SHORT_TURN);
    turns.filter(move |turn| turn.doubtful_share() > most)
}

/// Why an absence cannot be claimed; `None` where it can.
pub(crate) fn doubt(
    call: &CallView<'_>,
    proof: &AbsenceProof,
    on: &Selection,
    options: &EvalOptions,
    asked: impl Fn(&Turn) -> bool,
) -> Option<String> {
    if on.role_unknown {
        return Some(said!(WHO_MISSED).to_string());
    }
    if proof.speech_ms < options.min_speech_ms {
        return Some(said!(LITTLE_SPEECH, seconds(proof.speech_ms)).to_string());
    }
    let total = (proof.speech_ms + on.skipped_ms) as f64;
    if on.skipped_ms as f64 > options.max_skipped_share * total {
        return Some(said!(UNUSABLE_SPEECH, seconds(on.skipped_ms)).to_string());
    }
    if proof.mean_confidence < options.min_confidence {
        return Some(said!(LOW_CONFIDENCE, proof.mean_confidence, options.min_confidence).to_string());
    }
    // Where the recogniser was asked, its answer decides (crate::again).
    if let Some(turn) = guessed_turns(call, on, options.max_doubtful_share).find(|turn| !asked(turn)) {
        return Some(said!(GUESSED_TURN, turn.text(), turn.doubtful_share() * 100.0).to_string());
    }
    let near = proof.near_miss.as_ref().filter(|n| n.score >= options.near_miss_doubt)?;
    Some(said!(NEAR_MISS, near.text, near.phrase, near.score).to_string())
}

/// The absence in words.
pub(crate) fn reason(proof: &AbsenceProof) -> String {
    let (from, to) = (seconds(proof.window.start_ms), seconds(proof.window.end_ms));
    let (turns, speech, heard) = (proof.turns, seconds(proof.speech_ms), proof.mean_confidence);
    match &proof.near_miss {
        None => said!(ABSENT, from, to, turns, speech, heard).to_string(),
        Some(n) => said!(ABSENT_NEAR, from, to, turns, speech, heard, n.text, n.score).to_string(),
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
