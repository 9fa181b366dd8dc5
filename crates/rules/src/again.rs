//! A second hearing before an accusation: what else may have been said where a rule would claim that something was not, and
//! what the recogniser's answer makes of the verdict.
//!
//! Where a rule would hit, words that it waited for are looked for by sound, far more readily than a match would be: the
//! stretch of a turn that sounds most like each is read as that word. What clears the rule when it is judged by the turn so read
//! is worth a question ([`RuleSet::questions`]). Whoever has the recording asks the recogniser how likely each reading is beside
//! what it wrote, and keeps the answer with the turn ([`Alternative`]); from then on every judgement, now and in replays, takes
//! it into account. The transcript itself is never changed.

use std::ops::Range;

use callsift_core::{Alternative, Evidence, Finding, SpeakerRole, TimeSpan, TimedChar, Turn, Verdict};
use callsift_text::{Normalizer, SoundText, least_cost, phrase_likeness};

use crate::evaluate::{EvalOptions, Judgement, judge};
use crate::load::RuleSet;
use crate::logic::Condition;
use crate::operators::Awaited;
use crate::schema::{Rule, ViolationWhen};
use crate::sentences::said;
use crate::view::{CallFacts, CallView, Selection};

/// Mean cost per syllable from which a stretch does not sound like a word at all.
const MAX_COST: f64 = 0.56;
/// Readings of one rule that are tried, and that are asked about.
const TRIED: usize = 96;
const ASKED: usize = 8;

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
                let text = q.text(&turns[q.turn as usize]);
                self.clears(rule, &with_reading(turns, q.turn, &text), facts, options)
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

    fn clears(&self, rule: &Rule, turns: &[Turn], facts: &CallFacts, options: &EvalOptions) -> bool {
        judge(rule, &self.view(turns, facts.clone(), options), options).finding.verdict == Verdict::Clear
    }

    /// The likeliest of the readings that were asked about by which a rule that hits would not; `None` where there is none.
    pub fn clearing<'t>(
        &self,
        (rule, hit): (&Rule, &Finding),
        turns: &'t [Turn],
        facts: &CallFacts,
        options: &EvalOptions,
    ) -> Option<Reading<'t>> {
        let reading = |turn: &'t Turn, alternative: &'t Alternative| {
            let cost = cost(&turn.text(), &alternative.text);
            Reading { turn, alternative, cost, prob: prob(alternative.score, cost) }
        };
        let all = turns.iter().flat_map(|turn| turn.alternatives.iter().map(move |a| reading(turn, a)));
        // What excuses stands beside what accuses, not in its place; whether figures differ hangs on what was heard of both.
        let compares = rule.condition.value.operator().is_some_and(|(_, op)| op.compares());
        let replaces =
            |r: &Reading<'_>| !compares && hit.evidence.iter().any(|e| is_part_of(r.turn.index, &r.changed(), e));
        let likely = all.filter(|r| r.prob >= options.unsaid_below && !replaces(r));
        let mut readings: Vec<Reading<'_>> = likely.collect();
        readings.sort_by(|a, b| b.prob.total_cmp(&a.prob).then_with(|| a.alternative.text.cmp(&b.alternative.text)));
        let read = |r: &Reading<'_>| with_reading(turns, r.turn.index, &r.alternative.text);
        readings.into_iter().find(|r| self.clears(rule, &read(r), facts, options))
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
        let Some(best) = self.clearing((rule, &hit), turns, facts, options) else { return hit };
        let (heard, may_be) = differing(&best.turn.text(), &best.alternative.text);
        let reason = said!(HEARD_AGAIN, heard, may_be, best.prob).to_string();
        let verdict = if best.prob >= options.said_from { Verdict::Clear } else { Verdict::CannotTell };
        Finding { verdict, reason, points: 0.0, evidence: Vec::new(), ..hit }
    }
}

/// A reading that was asked about, and what was made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<'t> {
    /// Whose turn.
    pub turn: &'t Turn,
    /// What it says, and the recogniser's answer.
    pub alternative: &'t Alternative,
    /// Mean cost by sound of what it says otherwise, 0 the same sounds to 1.
    pub cost: f64,
    /// Probability that it was said.
    pub prob: f64,
}

impl Reading<'_> {
    /// Characters of the turn that it reads otherwise; where it only adds, the one after which it does.
    fn changed(&self) -> Range<usize> {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let heard = chars(&self.turn.text());
        let (start, end) = shared_ends(&heard, &chars(&self.alternative.text));
        start..(heard.len() - end).max(start + 1)
    }
}

/// Constant, weight of the recogniser's answer, weight of the cost by sound.
const WEIGHTS: [f64; 3] = [2.0, 0.18, -0.67];
/// Answers below this say no more: the recogniser heard nothing of the kind.
pub const UNHEARD: f64 = -15.0;

/// Probability that a reading was said, by the recogniser's answer and its likeness by sound: logistic regression over the readings
/// of the spoken calls of tests/spoken (dev), `cargo run --release -p callsift-pipeline --example readings`.
fn prob(score: f64, cost: f64) -> f64 {
    1.0 / (1.0 + (-(WEIGHTS[0] + WEIGHTS[1] * score.max(UNHEARD) + WEIGHTS[2] * cost)).exp())
}

/// What a reading costs by sound: of the characters that differ, a mean per syllable.
fn cost(heard: &str, read: &str) -> f64 {
    let normalizer = Normalizer::matching();
    let [heard, read] = [heard, read].map(|text| normalizer.normalize(text).chars().to_vec());
    let (start, end) = shared_ends(&heard, &read);
    let [heard, read] = [heard, read].map(|text| SoundText::new(&text[start..text.len() - end]));
    match phrase_likeness(&heard, &read) {
        Some(found) => found.cost,
        None if read.is_empty() => 0.0,
        None => 1.0,
    }
}

/// Where words by which the rule would be met, or not be broken, may have been said, the nearest by sound first.
fn readings(rule: &Rule, call: &CallView<'_>, judgement: &Judgement) -> Vec<Question> {
    let searched = &judgement.searched;
    let (mut words, mut excuses): (Vec<Awaited>, Vec<Awaited>) = (Vec::new(), Vec::new());
    match rule.violation_when {
        ViolationWhen::Missing => awaited(&rule.condition.value, call, None, &mut words),
        ViolationWhen::Found => rule.condition.value.walk(&mut |c| {
            let Some((_, op)) = c.operator() else { return };
            words.extend(op.contrary(call));
            excuses.extend(op.excusing(call));
        }),
    }
    rule.except.iter().for_each(|except| awaited(except, call, None, &mut excuses));
    let on = judgement.eval.as_ref().and_then(|e| e.failed_selection()).unwrap_or(searched);
    let mut found = nearest(call, on, words);
    // What excuses stands beside what accuses, not in its place.
    let accuses = |q: &Question| judgement.finding.evidence.iter().any(|e| is_part_of(q.turn, &q.range, e));
    found.extend(nearest(call, searched, excuses).into_iter().filter(|(_, q)| !accuses(q)));
    found.sort_by(|a, b| {
        let place = |q: &Question| (q.turn, q.range.start, q.phrase.clone());
        a.0.total_cmp(&b.0).then_with(|| place(&a.1).cmp(&place(&b.1)))
    });
    found.into_iter().map(|(_, question)| question).collect()
}

/// What the operators of a condition wait for, and from whom: what lies beside a place may be another's to say.
fn awaited(condition: &Condition, call: &CallView<'_>, role: Option<SpeakerRole>, words: &mut Vec<Awaited>) {
    match condition {
        Condition::Near(near) => {
            awaited(&near.anchor, call, near.anchor_role.or(role), words);
            awaited(&near.condition, call, near.role.or(role), words);
        }
        Condition::Within(within) => awaited(&within.condition, call, within.scope.role.or(role), words),
        other => {
            let own = other.operator().map(|(_, op)| op.awaited(call)).unwrap_or_default();
            words.extend(own.into_iter().map(|word| Awaited { role: word.role.or(role), ..word }));
            other.parts().into_iter().for_each(|part| awaited(part, call, role, words));
        }
    }
}

/// True where characters of a turn are part of a piece of evidence.
fn is_part_of(turn: u32, chars: &Range<usize>, evidence: &Evidence) -> bool {
    let range = evidence.char_start as usize..evidence.char_end as usize;
    turn == evidence.turn && chars.start < range.end && range.start < chars.end
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::OnceLock;

    use callsift_core::{Alternative, Turn, Verdict};

    use super::{Question, shared_ends};
    use crate::selftest::turns_of;
    use crate::{CallFacts, EvalOptions, RuleSet};

    fn pack() -> &'static RuleSet {
        static PACK: OnceLock<RuleSet> = OnceLock::new();
        PACK.get_or_init(|| RuleSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")).unwrap())
    }

    fn verdict(id: &str, turns: &[Turn]) -> (Verdict, String) {
        let findings = pack().evaluate(turns, CallFacts::default(), &EvalOptions::default());
        let finding = findings.into_iter().find(|f| f.rule_id == id).unwrap();
        (finding.verdict, finding.reason)
    }

    fn questions(turns: &[Turn]) -> Vec<Question> {
        pack().questions(turns, &CallFacts::default(), &EvalOptions::default())
    }

    const CALL: [&str; 4] = [
        "agent: 您好，长风伤茂，您请说",
        "customer: 我的货到哪儿了",
        "agent: 明天上午送到您店里",
        "customer: 好的知道了",
    ];

    #[test]
    fn what_may_have_been_said_is_asked_about() {
        let turns = turns_of(&CALL);
        let asked = questions(&turns);
        let company = asked.iter().find(|q| q.phrase == "商贸").unwrap();
        assert_eq!(company.text(&turns[0]), "您好，长风商贸，您请说");
        assert!(asked.iter().all(|q| q.turn % 2 == 0), "only the agent is accused: {asked:?}");
    }

    #[test]
    fn the_answer_clears_leaves_open_or_lets_stand() {
        let mut turns = turns_of(&CALL);
        assert_eq!(verdict("identity-missing", &turns).0, Verdict::Hit);
        for (score, wanted) in [(0.0, Verdict::Clear), (-8.5, Verdict::CannotTell), (-30.0, Verdict::Hit)] {
            turns[0].alternatives = vec![Alternative { text: "您好，长风商贸，您请说".to_owned(), score }];
            let (found, reason) = verdict("identity-missing", &turns);
            assert_eq!(found, wanted, "{score}: {reason}");
            assert_eq!(reason.contains("商贸"), wanted != Verdict::Hit, "both readings are named: {reason}");
        }
        turns[0].alternatives = vec![Alternative { text: "您好，长风伤猫，您请说".to_owned(), score: 5.0 }];
        assert_eq!(
            verdict("identity-missing", &turns).0,
            Verdict::Hit,
            "a reading that does not clear changes nothing"
        );
    }

    #[test]
    fn an_excuse_is_never_heard_in_place_of_what_accuses() {
        let turns = turns_of(&["agent: 您好", "customer: 坏了怎么办", "agent: 这个真不归我们管，您自己想办法"]);
        assert_eq!(verdict("shirking", &turns).0, Verdict::Hit);
        let without: Vec<Question> = questions(&turns).into_iter().filter(|q| q.turn == 2).collect();
        for question in without {
            let mut read = turns.clone();
            read[2].alternatives = vec![Alternative { text: question.text(&turns[2]), score: 5.0 }];
            assert_eq!(verdict("shirking", &read).0, Verdict::Hit, "{}", question.text(&turns[2]));
        }
    }

    #[test]
    fn a_read_back_that_was_misheard_is_asked_about_by_what_the_customer_wants() {
        let turns = turns_of(&["agent: 您好请讲", "customer: 要利群六条", "agent: 离群六降路好了", "customer: 嗯"]);
        assert_eq!(verdict("order-readback-missing", &turns).0, Verdict::Hit);
        let asked = questions(&turns);
        assert!(asked.iter().any(|q| q.turn == 2 && q.text(&turns[2]).contains("六条")), "{asked:?}");
    }

    #[test]
    fn readings_share_what_does_not_differ() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(shared_ends(&chars("的公号三"), &chars("的工号三")), (1, 2));
        assert_eq!(shared_ends(&chars("好好"), &chars("好好好")), (2, 0));
        assert_eq!(shared_ends(&chars(""), &chars("好")), (0, 0));
    }
}
