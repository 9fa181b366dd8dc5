//! Regular expressions over the matching form or the original, with an exclusion.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use callsift_core::{Evidence, MatchKind};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::keyword::Borders;
use super::{Awaited, EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::expression::{self, Expression};
use crate::literals;
use crate::logic::Eval;
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "regex",
    title: "正则表达式",
    checks: "对每个所选话轮做正则匹配（Rust `regex` 语法）。默认匹配规范化文本：简体、数字读作汉字、无标点、无语气填充词。",
    params: &[
        ("pattern", "表达式；也可以是一个列表，一行写一种说法，匹配其中任意一行即可"),
        ("not", "排除表达式，可以是列表：话轮里也能匹配它就不算"),
        ("text", "`matching` 规范化文本（默认）；`original` 识别原文，保留标点"),
        (
            "borders",
            "`word` 四字以下的匹配两端须是词的边界（“中心寒假”里没有“心寒”，“妈妈的”里没有“妈的”）；`none` 不要求。默认：找到即不利于人的条件里要求，其余不要求",
        ),
        (
            "over_marks",
            "true：匹配可以跨过标点。默认：找到即不利于人的条件里，跨过原文标点的匹配不算，改在标点之间的各小句里找（“声音很好，听得清”里没有“声音很好听”），小句末尾也是 `$`；其余条件可以跨过",
        ),
        EXCEPT,
    ],
    example: "regex: { pattern: \"难道.*(吗|么)\", not: \"难道.*(歌|电影)\" }",
    holds: "turns: [\"agent: 难道我没有说清楚吗？\"]",
    fails: "turns: [\"agent: 难道是那首歌吗\"]",
    blind_spots: "表达式里的字被识别错就匹配不到；识别结果常常没有标点。",
};

/// Matches that accuse and are shorter than this need the borders of words, unless the rule says otherwise. Longer ones often
/// end with a character that only tells what does not follow.
const SHORT: usize = 4;

/// Parameters of the operator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The expression.
    #[schemars(with = "Expression")]
    pub pattern: Spanned<Expression>,
    /// Excuses the turn.
    #[serde(default)]
    #[schemars(with = "Option<Expression>")]
    pub not: Option<Spanned<Expression>>,
    /// Which text is matched.
    #[serde(default)]
    pub text: TextForm,
    /// Where matches may begin and end.
    #[serde(default)]
    pub borders: Option<Borders>,
    /// A turn that holds one of these is excused.
    #[serde(default)]
    pub except: Phrases,
    /// Whether a match may reach over punctuation marks.
    #[serde(default)]
    pub over_marks: Option<bool>,
    #[serde(skip)]
    accuses: bool,
    #[serde(skip)]
    compiled: Option<(u32, Regex)>,
    #[serde(skip)]
    excluded: Option<(u32, Regex)>,
}

/// Which text is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextForm {
    /// Matching form.
    #[default]
    Matching,
    /// As recognised, with punctuation.
    Original,
}

impl Operator for Pattern {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        self.compiled = expression::compile(&mut self.pattern, cx);
        self.excluded = self.not.as_mut().and_then(|not| expression::compile(not, cx));
        self.except.compile(cx, Ear::Exact);
        self.accuses = cx.accuses;
        if self.compiled.as_ref().is_some_and(|(_, r)| r.is_match("")) {
            let message = format!("`{}` matches the empty text, so it matches every turn", self.pattern.value.as_str());
            cx.wrong(&self.pattern.referenced, message);
        }
    }

    fn awaited(&self, _call: &CallView<'_>) -> Vec<Awaited> {
        literals::likeliest(self.pattern.value.as_str()).into_iter().map(Awaited::of_searched).collect()
    }

    fn excusing(&self, call: &CallView<'_>) -> Vec<Awaited> {
        let not = self.not.iter().flat_map(|not| literals::likeliest(not.value.as_str()));
        let phrases = self.except.ids().iter().map(|phrase| call.index.text(*phrase));
        not.chain(phrases).map(Awaited::of_searched).collect()
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let Some(regex) = &self.compiled else { return Eval::unknown(path, said!(NO_PATTERN)) };
        let original = self.text == TextForm::Original;
        let turns = on.views(call).filter(|turn| original || turn.may_match(regex.0));
        let evidence: Vec<_> = turns.flat_map(|turn| self.find(regex, turn, path)).collect();
        let note = call.words(said!(PATTERN, on.turns.len(), beginning(self.pattern.value.as_str()), evidence.len()));
        Eval::found(path, evidence, note)
    }
}

impl Pattern {
    fn find(&self, (number, regex): &(u32, Regex), turn: &TurnView<'_>, path: &str) -> Vec<Evidence> {
        let ranges: Option<Rc<[Range<usize>]>> = match self.text {
            TextForm::Matching => turn.matches(*number, |text| char_ranges(regex, text)).map(|found| {
                if self.over_marks.unwrap_or(!self.accuses) { found } else { between_marks(regex, turn, found) }
            }),
            TextForm::Original => {
                Some(char_ranges(regex, &turn.turn.text()).into()).filter(|r: &Rc<[_]>| !r.is_empty())
            }
        };
        let Some(ranges) = ranges.filter(|_| !self.is_excused(turn)) else { return Vec::new() };
        let place = |range: &Range<usize>| match self.text {
            TextForm::Matching => range.clone(),
            TextForm::Original => turn.norm.from_original(range.clone()),
        };
        let whole = self.borders.map_or(self.accuses, |borders| borders == Borders::Word);
        let said = |range: &Range<usize>| !(whole && range.len() < SHORT && turn.cuts_words(range));
        let places = ranges.iter().map(place).filter(said);
        places.map(|range| turn.evidence(range, MatchKind::Pattern, 0.0, path)).collect()
    }

    fn is_excused(&self, turn: &TurnView<'_>) -> bool {
        let excluded = self.excluded.as_ref().is_some_and(|(number, not)| match self.text {
            TextForm::Matching => turn.matches(*number, |text| char_ranges(not, text)).is_some(),
            TextForm::Original => not.is_match(&turn.turn.text()),
        });
        excluded || self.except.any_in(turn)
    }
}

/// Expressions may be pages long: as much as tells them apart.
fn beginning(pattern: &str) -> Cow<'_, str> {
    const SHOWN: usize = 60;
    match pattern.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &pattern[..end])),
        None => Cow::Borrowed(pattern),
    }
}

/// Character ranges of all matches that hold anything.
fn char_ranges(regex: &Regex, text: &str) -> Vec<Range<usize>> {
    let found = regex.find_iter(text).filter(|m| !m.is_empty());
    found
        .map(|m| {
            let start = text.get(..m.start()).map_or(0, |before| before.chars().count());
            start..start + m.as_str().chars().count()
        })
        .collect()
}

/// The matches that no mark of the original cuts, and instead of the others what their clauses hold.
fn between_marks(regex: &Regex, turn: &TurnView<'_>, found: Rc<[Range<usize>]>) -> Rc<[Range<usize>]> {
    let clauses = turn.clauses();
    let whole = |range: &Range<usize>| clauses.iter().any(|c| c.start <= range.start && range.end <= c.end);
    if found.iter().all(whole) {
        return found;
    }
    let text = turn.text();
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let mut kept = Vec::new();
    for range in found.iter() {
        if whole(range) {
            kept.push(range.clone());
            continue;
        }
        for clause in clauses.iter().filter(|c| c.start < range.end && range.start < c.end) {
            let (inside, mut from) =
                (text.get(..byte(clause.end)).unwrap_or(text), byte(clause.start.max(range.start)));
            while let Some(m) = regex.find_at(inside, from).filter(|m| !m.is_empty()) {
                let start = turn.char_at(m.start());
                kept.push(start..start + m.as_str().chars().count());
                from = m.end();
            }
        }
    }
    // What is found in a clause may reach as far as the next match of the whole turn.
    kept.sort_by_key(|range| (range.start, range.end));
    kept.dedup_by(|later, kept| later.start < kept.end);
    kept.into()
}

#[cfg(test)]
mod tests {
    use crate::selftest::eval_lines;

    fn found(pattern: &str, more: &str, text: &str) -> Vec<String> {
        let yaml = format!("regex: {{ pattern: '{pattern}'{more} }}");
        eval_lines(&yaml, &[&format!("agent: {text}")]).evidence.into_iter().map(|e| e.text).collect()
    }

    #[test]
    fn no_match_of_what_accuses_reaches_over_a_mark() {
        let voice = "声音(真|很)?好听";
        assert!(found(voice, "", "声音很好，听得清楚").is_empty());
        assert_eq!(found(voice, "", "您的声音很好听，真的"), ["声音很好听"]);
        assert_eq!(found(voice, ", over_marks: true", "声音很好，听得清楚"), ["声音很好，听"]);
        // The longest match reaches over the mark, a shorter one does not.
        assert_eq!(found("连.{0,8}不会", "", "连这都不会，您也不会问问"), ["连这都不会"]);
        assert_eq!(found("嫌贵(就|$)", "", "嫌贵，就这样吧"), ["嫌贵"], "the end of a clause is an end");
        // What lies behind the mark is found all the same.
        assert_eq!(found("(烦|你).{0,6}烦死", "", "真烦，你烦死了"), ["你烦死"]);
        // The point of a number ends nothing.
        assert_eq!(found("涨了五点零三元", "", "涨了5.03元"), ["涨了5.03元"]);
    }

    #[test]
    fn short_matches_of_what_accuses_need_the_borders_of_words() {
        for (pattern, text) in [("妈的", "是我妈妈的"), ("懒得(动|说)", "懒得动手做饭"), ("告(你|的)", "帮您转告的")]
        {
            assert!(found(pattern, "", text).is_empty(), "{text}");
            assert_eq!(found(pattern, ", borders: none", text).len(), 1, "{text}");
        }
        assert_eq!(found("有(毛)?病(吧|啊)", "", "你有病吧？"), ["有病吧"]);
    }
}
