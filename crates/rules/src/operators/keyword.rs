//! Phrases: any, all, N of them, none; by characters or by sound; with synonyms, exceptions and a guard against negation.

use std::collections::BTreeMap;

use callsift_core::Evidence;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Awaited, EXCEPT, Operator, OperatorDoc};
use crate::compile::Compiler;
use crate::logic::{Eval, Truth};
use crate::phrases::{Ear, Phrases};
use crate::sentences::said;
use crate::view::{CallView, Selection, TurnView};

/// What the registry says.
pub const DOC: OperatorDoc = OperatorDoc {
    name: "keyword",
    title: "关键词",
    checks: "在所选话轮里查找短语。三个列表只写一个：`any` 有一个就算，`all` 每个都要有，`none` 一个都没有才算。",
    params: &[
        ("any", "短语列表，出现其一即可"),
        ("all", "短语列表，须全部出现"),
        ("none", "短语列表，全不出现才成立"),
        ("at_least", "与 `any` 合用：至少出现几个不同的短语，默认 1"),
        ("min_hits", "各短语合计至少出现几次，默认 1"),
        ("synonyms", "同义词：`{词: [同义词…]}`，出现同义词等于出现该词"),
        ("per", "`call` 在所选话轮整体上计数（默认），`turn` 须在同一个话轮里满足"),
        ("sound", "true：读音相同或极相近也算，证据里记下代价；单字短语不按读音匹配"),
        ("common_words", "true：读音相近的常用词也算（默认不算，如“投宿”不当作“投诉”）"),
        (
            "borders",
            "`word` 短语两端须是词的边界（“中心寒假”里没有“心寒”，“火大不大”不是“火大”，“请问什么问题”里没有“问什么问”）；`none` 不要求。默认：找到即不利于人的条件里，五字以下的短语要求，其余不要求",
        ),
        ("negation_guard", "true：前面有“没有说、不是说、不会”等否定，或“有人说、听说、以为”等转述时不算"),
        EXCEPT,
    ],
    example: "keyword: { any: [爱买不买, 你有完没完], sound: true, except: [不能说], negation_guard: true }",
    holds: "turns: [\"agent: 就这个价爱卖不卖\"]",
    fails: "turns: [\"agent: 我没有说您爱买不买\"]",
    blind_spots: "反话；被话轮边界切断的短语。两个字的短语按读音只容忍声调不同。",
};

/// Words that, shortly before a phrase, say that it was not meant.
const NEGATORS: [&str; 27] = [
    "没有说",
    "没说",
    "不是说",
    "不会说",
    "没有讲",
    "并没有",
    "不要说",
    "不能说",
    "别说",
    "不可以说",
    "不允许说",
    "没有要",
    "不会",
    "绝不",
    "不敢",
    // What somebody else said, or might.
    "有人说",
    "有人打电话",
    "别人说",
    "人家说",
    "电话说是",
    "听说",
    "据说",
    "以为",
    "怕是",
    "生怕",
    "担心",
    "怀疑",
];
/// Phrases that accuse and are shorter than this need the borders of words, unless the rule says otherwise.
const SHORT: usize = 5;
/// How far before the phrase a negator may stand, in characters.
const GUARD_CHARS: usize = 8;

/// Parameters of the operator.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keyword {
    /// One of these is enough.
    pub any: Phrases,
    /// Each of these must occur.
    pub all: Phrases,
    /// None of these may occur.
    pub none: Phrases,
    /// With `any`: so many different phrases must occur.
    pub at_least: Option<usize>,
    /// All phrases together must occur so often.
    pub min_hits: Option<usize>,
    /// Words that stand for a phrase of the list.
    pub synonyms: BTreeMap<String, Phrases>,
    /// Whether counts are over all selected turns or inside one.
    pub per: Per,
    /// Accept the same sound.
    pub sound: bool,
    /// Accept common words that sound alike, too.
    pub common_words: bool,
    /// Where phrases may begin and end.
    pub borders: Option<Borders>,
    /// A turn that holds one of these is excused.
    pub except: Phrases,
    /// Excuse negated phrases.
    pub negation_guard: bool,
    /// Numbers of each phrase and its synonyms in the table of all phrases.
    #[serde(skip)]
    groups: Vec<Vec<u32>>,
    /// The same the other way round: number in the table and group, sorted.
    #[serde(skip)]
    group_of: Vec<(u32, usize)>,
}

/// Where a phrase may begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Borders {
    /// With a word of the dictionary.
    Word,
    /// Anywhere.
    None,
}

/// Where counts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Over all selected turns.
    #[default]
    Call,
    /// Inside one turn.
    Turn,
}

impl Operator for Keyword {
    fn compile(&mut self, cx: &mut Compiler<'_>) {
        let ear = match (self.sound, self.common_words) {
            (false, _) => Ear::Exact,
            (true, false) => Ear::Sound,
            (true, true) => Ear::SoundOfWords,
        };
        let mut given = 0;
        let (borders, accuses) = (self.borders, cx.accuses);
        let whole_words = |length: usize| match borders {
            Some(borders) => borders == Borders::Word,
            None => accuses && length < SHORT,
        };
        for list in [&mut self.any, &mut self.all, &mut self.none] {
            list.enter(cx, ear, whole_words);
            given += usize::from(!list.is_empty());
        }
        self.except.compile(cx, Ear::Exact);
        if given != 1 {
            cx.wrong_somewhere("`keyword` needs exactly one of `any`, `all`, `none`, not empty");
        }
        if self.at_least.is_some_and(|n| n == 0 || n > self.any.len()) {
            cx.wrong_somewhere(format!("`at_least` must be 1 to {}, the number of phrases in `any`", self.any.len()));
        }
        self.shadowed(cx);
        self.groups = self.list().ids().iter().map(|id| vec![*id]).collect();
        let words: Vec<String> = self.list().written().iter().map(|w| w.value.clone()).collect();
        for (word, others) in &mut self.synonyms {
            others.enter(cx, ear, whole_words);
            match words.iter().position(|w| w == word) {
                Some(at) if at < self.groups.len() => self.groups[at].extend(others.ids()),
                _ => cx.wrong_somewhere(format!("`synonyms`: `{word}` is not in the list of phrases")),
            }
        }
        let pairs = self.groups.iter().enumerate().flat_map(|(group, ids)| ids.iter().map(move |id| (*id, group)));
        self.group_of = pairs.collect();
        self.group_of.sort_unstable();
    }

    fn awaited(&self, call: &CallView<'_>) -> Vec<Awaited> {
        let wanted = self.groups.iter().flatten().filter(|_| self.none.is_empty());
        wanted.map(|phrase| Awaited::of_searched(call.index.text(*phrase))).collect()
    }

    fn excusing(&self, call: &CallView<'_>) -> Vec<Awaited> {
        self.except.ids().iter().map(|phrase| Awaited::of_searched(call.index.text(*phrase))).collect()
    }

    fn eval(&self, call: &CallView<'_>, on: &Selection, path: &str) -> Eval {
        let mut best: Option<(usize, Vec<Evidence>)> = None;
        if self.per == Per::Turn {
            for view in on.views(call) {
                let (heard, evidence) = self.look(std::iter::once(view), path);
                let all = best.get_or_insert((0, Vec::new()));
                all.0 = all.0.max(heard);
                if self.enough(heard, evidence.len()) {
                    all.1.extend(evidence);
                }
            }
        } else {
            best = Some(self.look(on.views(call), path));
        }
        let (heard, mut evidence) = best.unwrap_or_default();
        let note = call.words(said!(PHRASES, on.turns.len(), self.groups.len(), heard));
        if !self.none.is_empty() {
            return Eval::new(path, Truth::from(heard == 0), Vec::new(), note);
        }
        if !self.enough(heard, evidence.len()) {
            evidence.clear();
        }
        let in_vain = evidence.is_empty() && call.is_traced();
        let missed = if in_vain { self.groups.iter().flatten().copied().collect() } else { Vec::new() };
        Eval { missed, ..Eval::found(path, evidence, note) }
    }

    /// `none` holds until one of them is said.
    fn open(&self, _call: &CallView<'_>, on: &Selection, eval: &Eval) -> bool {
        on.unheard && eval.truth == if self.none.is_empty() { Truth::No } else { Truth::Yes }
    }
}

impl Keyword {
    fn list(&self) -> &Phrases {
        [&self.any, &self.all, &self.none].into_iter().find(|l| !l.is_empty()).unwrap_or(&self.any)
    }

    fn enough(&self, heard: usize, places: usize) -> bool {
        let needed = if self.all.is_empty() { self.at_least.unwrap_or(1) } else { self.groups.len() };
        heard >= needed && places >= self.min_hits.unwrap_or(1)
    }

    /// How many phrases occur, and where; of overlapping places the longest that begins first.
    fn look<'v, 'a: 'v>(&self, turns: impl Iterator<Item = &'v TurnView<'a>>, path: &str) -> (usize, Vec<Evidence>) {
        let mut heard = vec![false; self.groups.len()];
        let mut evidence: Vec<Evidence> = Vec::new();
        for turn in turns.filter(|t| !t.all_hits().is_empty() && !self.except.any_in(t)) {
            // A turn holds few phrases and a list may have hundreds: what is held is looked up in the list.
            for hit in turn.all_hits() {
                let Ok(at) = self.group_of.binary_search_by_key(&hit.phrase, |g| g.0) else { continue };
                if !(self.negation_guard && is_negated(turn.norm.chars(), hit.range.start)) {
                    heard[self.group_of[at].1] = true;
                    evidence.push(turn.evidence(hit.range.clone(), hit.kind, hit.cost, path));
                }
            }
        }
        evidence.sort_by(|a, b| (a.turn, a.char_start).cmp(&(b.turn, b.char_start)).then(b.char_end.cmp(&a.char_end)));
        evidence.dedup_by(|later, kept| later.turn == kept.turn && later.char_start < kept.char_end);
        (heard.into_iter().filter(|h| *h).count(), evidence)
    }

    /// A phrase that holds an exception can never be met.
    fn shadowed(&self, cx: &mut Compiler<'_>) {
        let excused: Vec<Vec<char>> = self.except.written().iter().map(|e| cx.matching(&e.value)).collect();
        for phrase in self.list().written() {
            let chars = cx.matching(&phrase.value);
            let hidden = excused.iter().find(|e| !e.is_empty() && chars.windows(e.len()).any(|w| w == e.as_slice()));
            if let Some(e) = hidden {
                let e: String = e.iter().collect();
                let message = format!("`{}` can never be met: it holds the exception `{e}`", phrase.value);
                cx.wrong(&phrase.referenced, message);
            }
        }
    }
}

fn is_negated(text: &[char], start: usize) -> bool {
    let before: String = text[start.saturating_sub(GUARD_CHARS)..start].iter().collect();
    NEGATORS.iter().any(|n| before.contains(n))
}

#[cfg(test)]
mod tests {
    use crate::logic::Truth;
    use crate::selftest::eval_lines;

    fn truth(yaml: &str, lines: &[&str]) -> Truth {
        eval_lines(yaml, lines).truth
    }

    #[test]
    fn evidence_is_what_was_said_not_what_was_normalised() {
        let eval = eval_lines("keyword: { any: [五条红塔山] }", &["customer: 嗯，要５條，紅塔山。"]);
        assert_eq!(eval.evidence[0].text, "５條，紅塔山");
    }

    #[test]
    fn all_none_and_counts() {
        let lines = &["agent: 您好，工号三零二一"];
        assert_eq!(truth("keyword: { all: [您好, 工号] }", lines), Truth::Yes);
        assert_eq!(truth("keyword: { all: [您好, 再见] }", lines), Truth::No);
        assert_eq!(truth("keyword: { none: [再见] }", lines), Truth::Yes);
        assert_eq!(truth("keyword: { none: [工号] }", lines), Truth::No);
        assert_eq!(truth("keyword: { any: [您好, 再见, 谢谢], at_least: 2 }", lines), Truth::No);
        assert_eq!(truth("keyword: { any: [您好], min_hits: 2 }", &["agent: 您好您好"]), Truth::Yes);
    }

    #[test]
    fn counts_may_be_taken_inside_one_turn() {
        let apart = &["agent: 您好", "agent: 工号三零二一"];
        assert_eq!(truth("keyword: { all: [您好, 工号] }", apart), Truth::Yes);
        assert_eq!(truth("keyword: { all: [您好, 工号], per: turn }", apart), Truth::No);
    }

    #[test]
    fn synonyms_stand_for_their_word() {
        let op = "keyword: { all: [您好, 工号], synonyms: { 工号: [坐席号, 员工号] } }";
        assert_eq!(truth(op, &["agent: 您好员工号三零二一"]), Truth::Yes);
    }

    #[test]
    fn sound_exceptions_and_negation() {
        assert_eq!(truth("keyword: { any: [爱买不买], sound: true }", &["agent: 爱卖不卖"]), Truth::Yes);
        assert_eq!(truth("keyword: { any: [爱买不买] }", &["agent: 爱卖不卖"]), Truth::No);
        assert_eq!(truth("keyword: { any: [笨], negation_guard: true }", &["agent: 我没有说您笨"]), Truth::No);
        assert_eq!(truth("keyword: { any: [投诉], except: [登记投诉] }", &["agent: 帮您登记投诉"]), Truth::No);
    }

    #[test]
    fn short_phrases_that_accuse_need_the_borders_of_words() {
        for (phrase, text) in [
            ("不是人", "请问你是不是人工客服"),
            ("心寒", "你们服务中心寒假放不放假"),
            ("气死", "客气死我了，你们太热情了"),
            ("火大", "那个炉子火大不大"),
            ("问什么问", "请问什么问题"),
        ] {
            let keyword = format!("keyword: {{ any: [{phrase}] }}");
            assert_eq!(truth(&keyword, &[&format!("agent: {text}")]), Truth::No, "{text}");
            let anywhere = format!("keyword: {{ any: [{phrase}], borders: none }}");
            assert_eq!(truth(&anywhere, &[&format!("agent: {text}")]), Truth::Yes, "{text}");
        }
        for (phrase, text) in
            [("不是人", "你真不是人"), ("心寒", "太让人心寒了"), ("骗子", "你这个大骗子"), ("骗我", "又骗我们")]
        {
            let keyword = format!("keyword: {{ any: [{phrase}] }}");
            assert_eq!(truth(&keyword, &[&format!("agent: {text}")]), Truth::Yes, "{text}");
        }
    }

    #[test]
    fn polyphones_are_read_as_in_their_words() {
        let keyword = "keyword: { any: [重新登记], sound: true }";
        for (text, heard) in [("给您虫新登记", Truth::Yes), ("来我们中心登记", Truth::No), ("重心登记", Truth::No)]
        {
            assert_eq!(truth(keyword, &[&format!("agent: {text}")]), heard, "{text}");
        }
    }

    #[test]
    fn common_words_that_sound_alike_are_not_it_unless_wanted() {
        let lines = &["agent: 我们在这里投宿一晚"];
        assert_eq!(truth("keyword: { any: [投诉], sound: true }", lines), Truth::No);
        assert_eq!(truth("keyword: { any: [投诉], sound: true, common_words: true }", lines), Truth::Yes);
    }
}
