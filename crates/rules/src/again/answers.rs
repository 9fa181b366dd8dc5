//! What the recogniser's answers make of verdicts.

use std::ops::Range;

use callsift_core::{Alternative, Finding, TimeSpan, TimedChar, Turn, Verdict, doubtful_share};
use callsift_text::{Normalizer, SoundText, phrase_likeness};

use super::is_part_of;
use crate::evaluate::{EvalOptions, judge};
use crate::schema::{Rule, ViolationWhen};
use crate::sentences::said;
use crate::view::CallView;

/// The finding on the call, one of its turns read another way.
pub(super) fn read_as(rule: &Rule, call: &CallView<'_>, turn: &Turn, text: &str, options: &EvalOptions) -> Finding {
    let read = reading_of(turn, text);
    judge(rule, &call.with_turn(&read), options).finding
}

/// What was answered of a call, each answer made a probability once for all rules; the likeliest first.
pub struct Answers<'c, 't> {
    call: &'c CallView<'t>,
    readings: Vec<Reading<'t>>,
}

impl<'c, 't> Answers<'c, 't> {
    /// All answers that stand with the turns of a call.
    pub fn of(call: &'c CallView<'t>) -> Self {
        let turns = call.turns.iter().map(|view| view.turn);
        let all = turns.flat_map(|turn| turn.alternatives.iter().map(move |a| Reading::of(turn, a)));
        let mut readings: Vec<Reading<'t>> = all.collect();
        readings.sort_by(|a, b| b.prob.total_cmp(&a.prob).then_with(|| a.alternative.text.cmp(&b.alternative.text)));
        Self { call, readings }
    }

    /// All of them.
    pub fn readings(&self) -> &[Reading<'t>] {
        &self.readings
    }

    fn at_least(&self, prob: f64) -> impl Iterator<Item = &Reading<'t>> {
        self.readings.iter().take_while(move |r| r.prob >= prob)
    }

    fn verdict(&self, rule: &Rule, reading: &Reading<'_>, options: &EvalOptions) -> Verdict {
        read_as(rule, self.call, reading.turn, &reading.alternative.text, options).verdict
    }

    /// The likeliest reading by which a rule that hits would not; `None` where there is none.
    pub fn clearing(&self, rule: &Rule, hit: &Finding, options: &EvalOptions) -> Option<&Reading<'t>> {
        // What excuses stands beside what accuses, not in its place; whether figures differ hangs on what was heard of both.
        let compares = rule.condition.value.operator().is_some_and(|(_, op)| op.compares());
        let replaces =
            |r: &Reading<'_>| !compares && hit.evidence.iter().any(|e| is_part_of(r.turn.index, &r.changed(), e));
        let mut likely = self.at_least(options.unsaid_below).filter(|r| !replaces(r));
        likely.find(|r| takes_back(self.verdict(rule, r, options)))
    }

    /// The likeliest reading by which a rule that found nothing would hit; `None` where there is none.
    pub fn accusing(&self, rule: &Rule, options: &EvalOptions) -> Option<&Reading<'t>> {
        // What is missing was not said: another reading only adds to what was.
        if rule.violation_when == ViolationWhen::Missing {
            return None;
        }
        // Nor does a few words' likeness accuse anybody where the words around them were not understood.
        let clear = |r: &&Reading<'_>| r.cost <= ALIKE && r.doubtful_beside() <= options.max_doubtful_share;
        let mut likely = self.at_least(options.said_from).filter(clear);
        likely.find(|r| self.verdict(rule, r, options) == Verdict::Hit)
    }

    /// The finding, after the answers: a reading that clears the rule and is likely takes a hit back, one that may be
    /// leaves it open, and so does a likely one by which a rule that found nothing would hit.
    pub(crate) fn heard_again(&self, rule: &Rule, finding: Finding, options: &EvalOptions) -> Finding {
        match finding.verdict {
            Verdict::Hit => {
                let Some(best) = self.clearing(rule, &finding, options) else { return finding };
                let verdict = if best.prob >= options.said_from { Verdict::Clear } else { Verdict::CannotTell };
                Finding { verdict, reason: best.reason(), points: 0.0, evidence: Vec::new(), ..finding }
            }
            Verdict::Clear => {
                // Of such readings more than half were said: enough to have somebody listen, too few to accuse anybody.
                let Some(best) = self.accusing(rule, options) else { return finding };
                Finding { verdict: Verdict::CannotTell, reason: best.reason(), evidence: Vec::new(), ..finding }
            }
            _ => finding,
        }
    }
}

/// True for verdicts by which a rule that hit would have nothing to say.
pub(super) fn takes_back(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Clear | Verdict::NotApplicable)
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

impl<'t> Reading<'t> {
    fn of(turn: &'t Turn, alternative: &'t Alternative) -> Self {
        let cost = cost(&turn.text(), &alternative.text);
        Self { turn, alternative, cost, prob: prob(alternative.score, cost) }
    }

    /// What it says in place of what was heard, with a character on either side where it is a single one.
    pub fn says(&self) -> String {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let (heard, read) = (chars(&self.turn.text()), chars(&self.alternative.text));
        let ends = shared_ends(&heard, &read);
        cut(&read, ends, usize::from(read.len() - ends.0 - ends.1 < 2))
    }

    /// Characters of the turn that it reads otherwise; where it only adds, the one after which it does.
    fn changed(&self) -> Range<usize> {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let heard = chars(&self.turn.text());
        let (start, end) = shared_ends(&heard, &chars(&self.alternative.text));
        start..(heard.len() - end).max(start + 1)
    }

    /// Share of the characters that both readings have which are less likely than not.
    fn doubtful_beside(&self) -> f64 {
        let other = self.changed();
        let beside = self.turn.chars.iter().enumerate().filter(|(at, _)| !other.contains(at)).map(|(_, c)| c);
        doubtful_share(beside)
    }

    /// Both readings with their probability, in words.
    fn reason(&self) -> String {
        let (heard, may_be) = differing(&self.turn.text(), &self.alternative.text);
        said!(HEARD_AGAIN, heard, may_be, self.prob).to_string()
    }
}

/// Constant, weight of the recogniser's answer, weight of the cost by sound.
const WEIGHTS: [f64; 3] = [0.40, 0.174, -2.33];
/// Mean cost per syllable from which a reading does not sound like what was heard: it accuses nobody, however likely.
const ALIKE: f64 = 0.6;
/// Answers below this say no more: the recogniser heard nothing of the kind.
pub const UNHEARD: f64 = -15.0;

/// Probability that a reading's own words were said, by the recogniser's answer and their likeness by sound to what
/// was heard: logistic regression over the 630 readings of the spoken calls of tests/spoken (dev; how it holds on
/// both sets:
/// `cargo run --release -p callsift-pipeline --example readings -- tests/spoken dev test`).
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

/// A turn read another way: characters that both readings share keep their times and probabilities.
fn reading_of(turn: &Turn, text: &str) -> Turn {
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
    Turn { chars: [&old[..start], &middle, &old[old.len() - end..]].concat(), ..turn.clone() }
}

/// How many characters two texts share at their beginnings, and at their ends beside those.
pub(super) fn shared_ends(a: &[char], b: &[char]) -> (usize, usize) {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (start, end)
}

/// Where two readings of a turn differ, with the characters beside it that make words of it.
fn differing(heard: &str, read: &str) -> (String, String) {
    const BESIDE: usize = 2;
    let (heard, read): (Vec<char>, Vec<char>) = (heard.chars().collect(), read.chars().collect());
    let ends = shared_ends(&heard, &read);
    (cut(&heard, ends, BESIDE), cut(&read, ends, BESIDE))
}

/// What stands between the ends that a text shares with another, with so many characters on either side.
fn cut(text: &[char], (start, end): (usize, usize), beside: usize) -> String {
    let to = (text.len() - end + beside).min(text.len());
    text[start.saturating_sub(beside)..to].iter().collect()
}
