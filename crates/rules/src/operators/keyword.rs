//! Phrases: any, all, N of them, none; by characters or by sound; with exceptions and a guard against negation.

use callsift_core::{Evidence, MatchKind};
use callsift_text::{Normalizer, SoundOptions, SoundText, find_sound};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::OperatorDoc;
use crate::logic::{Eval, at};
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "keyword",
    checks: "Phrases in the selected turns. Exactly one list: `any` (one is enough), `all` (each must occur), `none` \
             (holds where none occurs), or `any` with `at_least: N` different phrases. `sound: true` also accepts the \
             same sound within a small cost. `except`: a turn that holds one of these is excused. `negation_guard` \
             (default false): 没有说…, 不是说… and the like before the phrase excuse it.",
    example: "keyword: { any: [爱买不买, 你有完没完], sound: true, except: [不能说], negation_guard: true }",
    blind_spots: "Irony, and phrases that a turn boundary cuts in two. Sound matching of two-syllable phrases accepts \
                  other tones only.",
};

/// Words that, shortly before a phrase, say that it was not meant.
const NEGATORS: [&str; 11] =
    ["没有说", "没说", "不是说", "不会说", "没有讲", "并没有", "不要说", "不能说", "别说", "不可以说", "不允许说"];
/// How far before the phrase a negator may stand, in characters.
const GUARD_CHARS: usize = 8;

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keyword {
    /// One of these is enough.
    pub any: Vec<Spanned<String>>,
    /// Each of these must occur.
    pub all: Vec<Spanned<String>>,
    /// None of these may occur.
    pub none: Vec<Spanned<String>>,
    /// With `any`: so many different phrases must occur.
    pub at_least: Option<usize>,
    /// Accept the same sound.
    pub sound: bool,
    /// A turn that holds one of these is excused.
    pub except: Vec<Spanned<String>>,
    /// Excuse negated phrases.
    pub negation_guard: bool,
    #[serde(skip)]
    phrases: Vec<Phrase>,
    #[serde(skip)]
    excused: Vec<Vec<char>>,
}

/// A phrase in matching form.
#[derive(Debug, Clone)]
struct Phrase {
    chars: Vec<char>,
    sounds: SoundText,
}

impl Keyword {
    fn list(&self) -> &[Spanned<String>] {
        [&self.any, &self.all, &self.none].into_iter().find(|l| !l.is_empty()).map_or(&[], Vec::as_slice)
    }

    /// Brings the phrases into matching form.
    pub fn compile(&mut self, problems: &mut Vec<(usize, usize, String)>) {
        let given = [&self.any, &self.all, &self.none].into_iter().filter(|l| !l.is_empty()).count();
        if given != 1 {
            problems.push((0, 0, "`keyword` needs exactly one of `any`, `all`, `none`, not empty".to_owned()));
        }
        if self.at_least.is_some_and(|n| n == 0 || n > self.any.len()) {
            problems.push((
                0,
                0,
                format!("`at_least` must be 1 to {}, the number of phrases in `any`", self.any.len()),
            ));
        }
        let normalizer = Normalizer::matching();
        let mut prepare = |list: &[Spanned<String>]| -> Vec<Vec<char>> {
            list.iter()
                .map(|phrase| {
                    let chars = normalizer.normalize(&phrase.value).chars().to_vec();
                    if chars.is_empty() {
                        problems.push(at(
                            &phrase.referenced,
                            "a phrase needs at least one letter or Han character".to_owned(),
                        ));
                    }
                    chars
                })
                .collect()
        };
        let phrases = prepare(self.list());
        self.excused = prepare(&self.except);
        self.phrases = phrases.into_iter().map(|chars| Phrase { sounds: SoundText::new(&chars), chars }).collect();
    }

    /// The phrases that were looked for, in matching form: what near misses are measured against.
    pub fn sounds(&self) -> impl Iterator<Item = (String, &SoundText)> {
        let wanted = self.none.is_empty();
        self.phrases.iter().filter(move |_| wanted).map(|p| (p.chars.iter().collect(), &p.sounds))
    }

    /// Looks for the phrases.
    pub fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let per_phrase: Vec<Vec<Evidence>> = self
            .phrases
            .iter()
            .map(|phrase| on.turns.iter().flat_map(|i| self.find(&call.turns[*i], phrase, path)).collect())
            .collect();
        let heard = per_phrase.iter().filter(|e| !e.is_empty()).count();
        let note = format!("在{}个话轮中查找{}个短语，命中{heard}个", on.turns.len(), self.phrases.len());
        if !self.none.is_empty() {
            return none_of(heard, path, note);
        }
        let needed = if self.all.is_empty() { self.at_least.unwrap_or(1) } else { self.phrases.len() };
        let mut evidence: Vec<Evidence> = per_phrase.into_iter().flatten().collect();
        evidence.sort_by(|a, b| (a.turn, a.char_start).cmp(&(b.turn, b.char_start)).then(b.char_end.cmp(&a.char_end)));
        evidence.dedup_by(|later, kept| later.turn == kept.turn && later.char_start < kept.char_end);
        if heard < needed {
            evidence.clear();
        }
        Eval::found(path, evidence, note)
    }

    fn find(&self, turn: &TurnView<'_>, phrase: &Phrase, path: &str) -> Vec<Evidence> {
        let text = turn.norm.chars();
        if self.excused.iter().any(|e| contains(text, e)) {
            return Vec::new();
        }
        let mut found: Vec<(std::ops::Range<usize>, MatchKind, f64)> = Vec::new();
        if !phrase.chars.is_empty() {
            for start in 0..text.len().saturating_sub(phrase.chars.len() - 1) {
                if text[start..].starts_with(&phrase.chars) {
                    found.push((start..start + phrase.chars.len(), MatchKind::Exact, 0.0));
                }
            }
        }
        if self.sound && found.is_empty() {
            let heard = find_sound(turn.sounds(), &phrase.sounds, sound_options(phrase.chars.len()));
            found.extend(heard.into_iter().map(|m| (m.range, MatchKind::Sound, m.cost)));
        }
        found
            .into_iter()
            .filter(|(range, ..)| !(self.negation_guard && is_negated(text, range.start)))
            .map(|(range, kind, cost)| turn.evidence(range, kind, cost, path))
            .collect()
    }
}

/// Short phrases sound like many others, so they may differ less.
fn sound_options(syllables: usize) -> SoundOptions {
    let max_cost = match syllables {
        0..=2 => 0.1,
        3 => 0.15,
        _ => 0.2,
    };
    SoundOptions { max_cost, ..SoundOptions::default() }
}

fn none_of(heard: usize, path: &str, note: String) -> Eval {
    let mut eval = Eval::found(path, Vec::new(), note);
    if heard == 0 {
        eval.truth = crate::logic::Truth::Yes;
    }
    eval
}

fn contains(text: &[char], phrase: &[char]) -> bool {
    !phrase.is_empty() && text.windows(phrase.len()).any(|w| w == phrase)
}

fn is_negated(text: &[char], start: usize) -> bool {
    let before: String = text[start.saturating_sub(GUARD_CHARS)..start].iter().collect();
    NEGATORS.iter().any(|n| before.contains(n))
}

#[cfg(test)]
mod tests {
    use crate::logic::{Condition, Truth};
    use crate::selftest::turns_of;
    use crate::view::{CallFacts, CallView};

    fn eval(yaml: &str, lines: &[&str]) -> (Truth, Vec<String>) {
        let mut condition: Condition = serde_saphyr::from_str(yaml).unwrap();
        condition.compile(&mut Vec::new());
        let turns = turns_of(lines);
        let call = CallView::new(&turns, CallFacts::default(), 0.5);
        let all = call.everything();
        let eval = condition.eval(&call, &all, "condition");
        (eval.truth, eval.evidence.into_iter().map(|e| e.text).collect())
    }

    #[test]
    fn evidence_is_what_was_said_not_what_was_normalised() {
        let (truth, text) = eval("keyword: { any: [五条红塔山] }", &["customer: 嗯，要５條，紅塔山。"]);
        assert_eq!((truth, text), (Truth::Yes, vec!["５條，紅塔山".to_owned()]));
    }

    #[test]
    fn all_none_and_counts() {
        let lines = &["agent: 您好，工号三零二一"];
        assert_eq!(eval("keyword: { all: [您好, 工号] }", lines).0, Truth::Yes);
        assert_eq!(eval("keyword: { all: [您好, 再见] }", lines).0, Truth::No);
        assert_eq!(eval("keyword: { none: [再见] }", lines).0, Truth::Yes);
        assert_eq!(eval("keyword: { none: [工号] }", lines).0, Truth::No);
        assert_eq!(eval("keyword: { any: [您好, 再见, 谢谢], at_least: 2 }", lines).0, Truth::No);
    }

    #[test]
    fn sound_exceptions_and_negation() {
        assert_eq!(eval("keyword: { any: [爱买不买], sound: true }", &["agent: 爱卖不卖"]).0, Truth::Yes);
        assert_eq!(eval("keyword: { any: [爱买不买] }", &["agent: 爱卖不卖"]).0, Truth::No);
        assert_eq!(eval("keyword: { any: [笨], negation_guard: true }", &["agent: 我没有说您笨"]).0, Truth::No);
        assert_eq!(eval("keyword: { any: [投诉], except: [帮您登记投诉] }", &["agent: 帮您登记投诉"]).0, Truth::No);
    }
}
