//! A second hearing before an accusation: what else may have been said where a rule would claim that something was not, and
//! what the recogniser's answer makes of the verdict.
//!
//! Where a rule would hit, words that it waited for are looked for by sound, far more readily than a match would be: the
//! stretch of a turn that sounds most like each is read as that word. What takes the hit back when the rule is judged by the turn
//! so read is worth a question. In turns that were not understood sound is no guide: there the recogniser itself says where
//! such words would stand, if anywhere. And where a rule found nothing, what sounds like its words is asked about as well.
//! Whoever has the recording puts the questions ([`RuleSet::doubts`]) and keeps the answers with the turn ([`Alternative`](callsift_core::Alternative));
//! from then on every judgement, now and in replays, takes them into account. The transcript
//! itself is never changed.

mod answers;
mod places;

use std::collections::BTreeMap;
use std::ops::Range;

use callsift_core::{Evidence, Turn, Verdict};

pub use self::answers::{Answers, Reading, UNHEARD};
use self::answers::{read_as, takes_back};
pub(crate) use self::places::was_asked;
use self::places::{accusing, awaited_by, least_understood, readings};
use crate::evaluate::{EvalOptions, Judgement, judge};
use crate::load::RuleSet;
use crate::operators::Awaited;
use crate::schema::{Rule, ViolationWhen};
use crate::view::{CallFacts, CallView};

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
    /// True where somebody would be accused by it. Unlikely ones are not worth keeping: nobody should read insults in
    /// a lake that were never said.
    pub accuses: bool,
}

impl Question {
    /// The turn's text read this way.
    pub fn text(&self, turn: &Turn) -> String {
        let chars = |range: Range<usize>| turn.chars.get(range).unwrap_or_default().iter().map(|c| c.ch);
        chars(0..self.range.start).chain(self.phrase.chars()).chain(chars(self.range.end..turn.chars.len())).collect()
    }
}

/// Phrases that rules wait for in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Which turn.
    pub turn: u32,
    /// Of each rule its phrases.
    pub groups: Vec<Vec<String>>,
}

/// What is worth asking about a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doubts {
    /// Readings that would change the verdict of a rule, of each rule the nearest by sound.
    pub questions: Vec<Question>,
    /// Phrases that may stand anywhere in a turn that was not heard well; sorted by turn.
    pub wanted: Vec<Wanted>,
}

impl RuleSet {
    /// What the recogniser should be asked about a call: whether rules that hit would not if turns read otherwise, and
    /// whether rules that found nothing would hit.
    pub fn doubts(&self, turns: &[Turn], facts: &CallFacts, options: &EvalOptions) -> Doubts {
        let asking = Asking { call: self.view(turns, facts.clone(), options), turns, options };
        let understood = EvalOptions { max_doubtful_share: 1.0, ..*options };
        let (mut questions, mut wanted) = (Vec::new(), BTreeMap::new());
        for rule in self.rules() {
            let judgement = judge(rule, &asking.call, &understood);
            let found = match (judgement.finding.verdict, rule.violation_when) {
                (Verdict::Hit, when) => {
                    if when == ViolationWhen::Missing {
                        asking.want(rule, &judgement, &mut wanted);
                    }
                    asking.changing(rule, readings(rule, &asking.call, &judgement), takes_back)
                }
                (Verdict::Clear, ViolationWhen::Found) => {
                    asking.changing(rule, accusing(rule, &asking.call, &judgement), |verdict| verdict == Verdict::Hit)
                }
                _ => Vec::new(),
            };
            for question in found {
                if !questions.contains(&question) {
                    questions.push(question);
                }
            }
        }
        let wanted = wanted.into_iter().map(|(turn, groups)| Wanted { turn, groups }).collect();
        Doubts { questions, wanted }
    }
}

struct Asking<'a> {
    call: CallView<'a>,
    turns: &'a [Turn],
    options: &'a EvalOptions,
}

impl Asking<'_> {
    /// Those of the readings that give the rule another verdict.
    fn changing(&self, rule: &Rule, near: Vec<Question>, wanted: impl Fn(Verdict) -> bool) -> Vec<Question> {
        let changes = |q: &Question| {
            let turn = &self.turns[q.turn as usize];
            wanted(read_as(rule, &self.call, turn, &q.text(turn), self.options).verdict)
        };
        near.into_iter().take(TRIED).filter(changes).take(ASKED).collect()
    }

    /// Adds the phrases of a rule to the turns in which one may have been said and not understood.
    fn want(&self, rule: &Rule, judgement: &Judgement, wanted: &mut BTreeMap<u32, Vec<Vec<String>>>) {
        let words = awaited_by(rule, &self.call);
        let on = judgement.eval.as_ref().and_then(|e| e.failed_selection()).unwrap_or(&judgement.searched);
        for (turn, searched) in least_understood(&self.call, on, &words) {
            let may_say = |word: &&Awaited| word.role.map_or(searched, |role| self.call.role(turn) == role);
            let group: Vec<String> = words.iter().filter(may_say).map(|w| w.words.clone()).collect();
            if !group.is_empty() {
                wanted.entry(turn.index).or_default().push(group);
            }
        }
    }
}

/// True where characters of a turn are part of a piece of evidence.
fn is_part_of(turn: u32, chars: &Range<usize>, evidence: &Evidence) -> bool {
    let range = evidence.char_start as usize..evidence.char_end as usize;
    turn == evidence.turn && chars.start < range.end && range.start < chars.end
}

#[cfg(test)]
mod tests;
