//! Where words may have been said that a rule waits for.

use callsift_core::{SpeakerRole, Turn};
use callsift_text::{SoundText, phrase_within};

use super::{Question, is_part_of};
use crate::evaluate::Judgement;
use crate::logic::Condition;
use crate::operators::Awaited;
use crate::schema::{Rule, ViolationWhen};
use crate::view::{CallView, Selection};

/// Mean cost per syllable from which a stretch does not sound like a word at all.
const MAX_COST: f64 = 0.56;
/// The same for what would excuse that a rule applies.
const EXCEPTED_COST: f64 = 0.4;
/// The same for what would accuse, and the fewest characters of such words: short ones sound like something
/// everywhere. Every turn with a question is heard again, and there are many more words that accuse than are said.
const ACCUSING_COST: f64 = 0.2;
const ACCUSING_CHARS: usize = 3;
/// So many turns, a greeting or a farewell, are searched whatever was heard.
const FEW: usize = 3;
/// Turns in which one rule's phrases are looked for by the recogniser itself.
const SEARCHED_AGAIN: usize = 8;

/// Where words by which the rule would be met, or not be broken, may have been said, the nearest by sound first.
pub(super) fn readings(rule: &Rule, call: &CallView<'_>, judgement: &Judgement) -> Vec<Question> {
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
    // What makes the rule apply may be excused as well (没送到, heard 妹送到), by whoever said it.
    let mut exceptions = Vec::new();
    if let Some(when) = &rule.applies.when {
        when.walk(&mut |c| exceptions.extend(c.operator().map(|(_, op)| op.excusing(call)).into_iter().flatten()));
    }
    let near = nearest(call, &call.everything(), exceptions).into_iter().filter(|(_, q)| !accuses(q));
    found.extend(near.filter(|(cost, _)| *cost <= EXCEPTED_COST));
    in_order(found)
}

/// The nearest by sound first.
fn in_order(mut found: Vec<(f64, Question)>) -> Vec<Question> {
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

/// Words that the condition of a rule waits for, sorted.
pub(super) fn awaited_by(rule: &Rule, call: &CallView<'_>) -> Vec<Awaited> {
    let mut words = Vec::new();
    awaited(&rule.condition.value, call, None, &mut words);
    words.sort_unstable();
    words.dedup();
    words
}

/// Turns in which some of the words may have been said and not understood, the least certain first, and whether the
/// rule searched them; not more than a few. Where a rule looks at a few turns only, all of them: whisper is sure of
/// wrong words, too.
pub(super) fn least_understood<'c>(call: &'c CallView<'_>, on: &Selection, words: &[Awaited]) -> Vec<(&'c Turn, bool)> {
    let everything = call.everything();
    let from = if words.iter().any(|word| word.role.is_some()) { &everything } else { on };
    let of = |i: &usize| (call.turns[*i].turn, on.turns.contains(i));
    let mut turns: Vec<(&Turn, bool)> = from.turns.iter().map(of).collect();
    let few = on.turns.len() <= FEW;
    turns.retain(|(turn, searched)| turn.doubtful_share() > 0.0 || few && *searched);
    turns.sort_by(|(a, _), (b, _)| b.doubtful_share().total_cmp(&a.doubtful_share()).then(a.index.cmp(&b.index)));
    turns.truncate(SEARCHED_AGAIN);
    turns
}

/// Where something may have been said by which a rule would hit that found nothing, the nearest by sound first.
pub(super) fn accusing(rule: &Rule, call: &CallView<'_>, judgement: &Judgement) -> Vec<Question> {
    let mut words = awaited_by(rule, call);
    words.retain(|word| word.words.chars().count() >= ACCUSING_CHARS);
    let near = nearest(call, &judgement.searched, words);
    let near = near.into_iter().filter(|(cost, _)| *cost <= ACCUSING_COST);
    in_order(near.map(|(cost, question)| (cost, Question { accuses: true, ..question })).collect())
}

/// True where the recogniser was asked whether one of the words that the rule waits for was said in the turn.
pub(crate) fn was_asked(rule: &Rule, call: &CallView<'_>, turn: &Turn) -> bool {
    if turn.alternatives.is_empty() {
        return false;
    }
    let (words, heard) = (awaited_by(rule, call), turn.text());
    let new = |word: &Awaited, text: &str| text.contains(&word.words) && !heard.contains(&word.words);
    turn.alternatives.iter().any(|a| words.iter().any(|word| new(word, &a.text)))
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
            let Some(near) = phrase_within(view.sounds(), &sounds, MAX_COST) else { continue };
            let range = view.norm.to_original(near.range);
            found.push((near.cost, Question { turn: view.turn.index, range, phrase: words.clone(), accuses: false }));
        }
    }
    found
}
