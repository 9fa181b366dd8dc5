//! A second hearing before an accusation: what else may have been said where a rule would claim that something was not, and
//! what the recogniser's answer makes of the verdict.
//!
//! Where a rule would hit, words that it waited for are looked for by sound, far more readily than a match would be: the
//! stretch of a turn that sounds most like each is read as that word. What clears the rule when it is judged by the turn so read
//! is worth a question ([`RuleSet::questions`]). Whoever has the recording asks the recogniser how likely each reading is beside
//! what it wrote, and keeps the answer with the turn ([`Alternative`]); from then on every judgement, now and in replays, takes
//! it into account. The transcript itself is never changed.

use std::ops::Range;

use callsift_core::{Alternative, Evidence, Finding, TimeSpan, TimedChar, Turn, Verdict};
use callsift_text::{SoundText, least_cost, phrase_likeness};

use crate::evaluate::{EvalOptions, Judgement, judge};
use crate::load::RuleSet;
use crate::logic::Condition;
use crate::operators::Awaited;
use crate::schema::{Rule, ViolationWhen};
use crate::sentences::said;
use crate::view::{CallFacts, CallView, Selection};

/// Mean cost per syllable from which a stretch does not sound like a word at all.
const MAX_COST: f64 = 0.67;
/// Readings of one rule that are tried, and that are asked about.
const TRIED: usize = 48;
const ASKED: usize = 6;

/// A reading that would clear a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which turn.
    pub turn: u32,
    /// Characters of it that may have been misheard.
    pub range: Range<usize>,
    /// What may have been said there.
    pub phrase: String,
}

impl Question {
    /// The turn's text read this way.
    pub fn text(&self, turn: &Turn) -> String {
        let chars = |range: Range<usize>| turn.chars.get(range).unwrap_or_default().iter().map(|c| c.ch);
        chars(0..self.range.start).chain(self.phrase.chars()).chain(chars(self.range.end..turn.chars.len())).collect()
    }
}

impl RuleSet {
    /// Readings of turns that would clear a rule which hits now, the nearest by sound first; of each rule a few.
    pub fn questions(&self, turns: &[Turn], facts: &CallFacts, options: &EvalOptions) -> Vec<Question> {
        let call = self.view(turns, facts.clone(), options);
        let mut questions: Vec<Question> = Vec::new();
        for rule in self.rules() {
            let judgement = judge(rule, &call, options);
            if judgement.finding.verdict != Verdict::Hit {
                continue;
            }
            let clears = |q: &Question| {
                let read = with_reading(turns, q.turn, &q.text(&turns[q.turn as usize]));
                judge(rule, &self.view(&read, facts.clone(), options), options).finding.verdict == Verdict::Clear
            };
            let near = readings(rule, &call, &judgement);
            for question in near.into_iter().take(TRIED).filter(clears).take(ASKED) {
                if !questions.contains(&question) {
                    questions.push(question);
                }
            }
        }
        questions
    }

    /// The finding, after the readings that were asked about: one that clears the rule and is likely takes a hit back, one that
    /// may be leaves it open.
    pub(crate) fn heard_again(
        &self,
        rule: &Rule,
        hit: Finding,
        (turns, facts): (&[Turn], &CallFacts),
        options: &EvalOptions,
    ) -> Finding {
        let mut readings: Vec<(&Turn, &Alternative)> =
            turns.iter().flat_map(|turn| turn.alternatives.iter().map(move |a| (turn, a))).collect();
        readings.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
        for (turn, alternative) in readings.into_iter().filter(|(_, a)| a.score >= options.unsaid_below) {
            let read = with_reading(turns, turn.index, &alternative.text);
            if judge(rule, &self.view(&read, facts.clone(), options), options).finding.verdict != Verdict::Clear {
                continue;
            }
            let (heard, may_be) = differing(&turn.text(), &alternative.text);
            let doubt = said!(HEARD_AGAIN, heard, may_be, alternative.score).to_string();
            let verdict = if alternative.score >= options.said_from { Verdict::Clear } else { Verdict::CannotTell };
            return Finding { verdict, reason: doubt, points: 0.0, evidence: Vec::new(), ..hit };
        }
        hit
    }
}

/// Where words by which the rule would be met, or not be broken, may have been said, the nearest by sound first.
fn readings(rule: &Rule, call: &CallView<'_>, judgement: &Judgement) -> Vec<Question> {
    let searched = &judgement.searched;
    let mut words: Vec<Awaited> = Vec::new();
    match rule.violation_when {
        ViolationWhen::Missing => rule.condition.value.walk(&mut |c| words.extend(awaited(c, call))),
        ViolationWhen::Found => rule.condition.value.walk(&mut |c| {
            words.extend(c.operator().map(|(_, op)| op.contrary(call, searched)).unwrap_or_default());
        }),
    }
    let mut excuses: Vec<Awaited> = Vec::new();
    rule.except.iter().for_each(|except| except.walk(&mut |c| excuses.extend(awaited(c, call))));
    let on = judgement.eval.as_ref().and_then(|e| e.failed_selection()).unwrap_or(searched);
    let mut found = nearest(call, on, words);
    // What excuses stands beside what accuses, not in its place.
    let accuses = |q: &Question| judgement.finding.evidence.iter().any(|e| is_within(q, e));
    found.extend(nearest(call, searched, excuses).into_iter().filter(|(_, q)| !accuses(q)));
    found.sort_by(|a, b| {
        let place = |q: &Question| (q.turn, q.range.start, q.phrase.clone());
        a.0.total_cmp(&b.0).then_with(|| place(&a.1).cmp(&place(&b.1)))
    });
    found.into_iter().map(|(_, question)| question).collect()
}

fn awaited(condition: &Condition, call: &CallView<'_>) -> Vec<Awaited> {
    condition.operator().map(|(_, op)| op.awaited(call)).unwrap_or_default()
}

fn is_within(question: &Question, evidence: &Evidence) -> bool {
    let range = evidence.char_start as usize..evidence.char_end as usize;
    question.turn == evidence.turn && question.range.start < range.end && range.start < question.range.end
}

/// The best place of each of the words in each turn where it may have been said, with its cost.
fn nearest(call: &CallView<'_>, on: &Selection, mut words: Vec<Awaited>) -> Vec<(f64, Question)> {
    words.sort_unstable();
    words.dedup();
    let everything = call.everything();
    let mut found = Vec::new();
    for Awaited { words, role } in words {
        let chars: Vec<char> = words.chars().collect();
        let sounds = SoundText::of_phrase(&chars);
        let from = if role.is_some() { &everything } else { on };
        for view in from.views(call).filter(|view| role.is_none_or(|role| view.turn.role == role)) {
            if least_cost(view.sounds(), &sounds) > MAX_COST {
                continue;
            }
            let Some(near) = phrase_likeness(view.sounds(), &sounds).filter(|m| m.cost <= MAX_COST) else { continue };
            let range = view.norm.to_original(near.range);
            found.push((near.cost, Question { turn: view.turn.index, range, phrase: words.clone() }));
        }
    }
    found
}

/// The turns, one of them read another way: characters that both readings share keep their times and probabilities.
fn with_reading(turns: &[Turn], index: u32, text: &str) -> Vec<Turn> {
    let mut turns = turns.to_vec();
    let Some(turn) = turns.get_mut(index as usize) else { return turns };
    let (new, old): (Vec<char>, &[TimedChar]) = (text.chars().collect(), &turn.chars);
    let (start, end) = shared_ends(&old.iter().map(|c| c.ch).collect::<Vec<_>>(), &new);
    let replaced = &old[start..old.len() - end];
    let before = start.checked_sub(1).map_or(turn.span.start_ms, |i| old[i].span.end_ms);
    let span = match (replaced.first(), replaced.last()) {
        (Some(first), Some(last)) => TimeSpan::new(first.span.start_ms, last.span.end_ms),
        _ => TimeSpan::new(before, before),
    };
    let said: String = new[start..new.len() - end].iter().collect();
    let middle = TimedChar::spread(&said, span, 1.0);
    turn.chars = [&old[..start], &middle, &old[old.len() - end..]].concat();
    turns
}

/// How many characters two texts share at their beginnings, and at their ends beside those.
fn shared_ends(a: &[char], b: &[char]) -> (usize, usize) {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (start, end)
}

/// Where two readings of a turn differ, with the characters beside it that make words of it.
fn differing(heard: &str, read: &str) -> (String, String) {
    const BESIDE: usize = 2;
    let (heard, read): (Vec<char>, Vec<char>) = (heard.chars().collect(), read.chars().collect());
    let (start, end) = shared_ends(&heard, &read);
    let cut = |text: &[char]| -> String {
        let to = (text.len() - end + BESIDE).min(text.len());
        text[start.saturating_sub(BESIDE)..to].iter().collect()
    };
    (cut(&heard), cut(&read))
}
