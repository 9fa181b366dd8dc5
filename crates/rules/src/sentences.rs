//! What the engine says, in Chinese, and the same in English.
//!
//! Findings keep their reasons in Chinese, also those that were stored years ago, so English is made of the Chinese sentence by
//! the very template that made it. A reason can only be said with [`said!`], which knows the sentences of this table and no
//! others: one without English does not compile, and a test looks for sentences that somebody says without it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Declares the sentences: name, Chinese with a place for each argument, English with their numbers. In English `{0*}` stands for
/// a sentence inside the sentence, `{0~}` for a quote that may be a measure in round brackets, `{0,}` for a list with 、.
macro_rules! sentences {
    ($d:tt $($name:ident: $zh:literal => $en:literal;)*) => {
        /// One of the sentences with its arguments, for whatever formats.
        macro_rules! said {
            $(($name $d(, $d argument:expr)* $d(,)?) => { format_args!($zh $d(, $d argument)*) };)*
        }
        pub(crate) use said;

        /// All sentences: Chinese and English.
        const SENTENCES: &[(&str, &str)] = &[$(($zh, $en)),*];
    };
}

sentences! { $
    // Whether a rule applies.
    NO_DIRECTION: "呼叫方向不明" => "the direction of the call is not known";
    OTHER_DIRECTION: "呼叫方向不在规则范围内" => "the rule is for calls of another direction";
    OTHER_QUEUE: "队列不在规则范围内" => "the rule is for other queues";
    OTHER_BUSINESS: "业务类型不在规则范围内" => "the rule is for other business";
    OTHER_DATE: "通话日期不在规则有效期内" => "the rule was not in force on that day";
    NOT_MET: "前提不成立" => "its condition is not met";
    NOT_MET_SINCE: "前提不成立：{}" => "its condition is not met: {0*}";
    MAYBE_MET: "前提无法判定：{}" => "whether its condition is met cannot be told: {0*}";
    // What a rule answers.
    NOTHING_HEARD: "没有识别到任何话语" => "no speech was recognised";
    WHO_SAID: "说话人角色不确定，无法判定是谁说的" => "it is not sure who spoke, so not who said it";
    WHO_MISSED: "说话人角色不确定，无法判定是否缺失" => "it is not sure who spoke, so not whether it is missing";
    NOT_FOUND: "未发现" => "not found";
    NOT_MISSING: "未缺失" => "not missing";
    WAS_SAID: "已说“{}”" => "“{0}” was said";
    HEARD_BADLY: "疑似“{}”，但识别置信度过低" => "perhaps “{0}”, but it was heard too badly";
    MAY_BE: "“{}”可能就算，请人工确认" => "“{0}” may count; a person must decide";
    EXCUSED: "符合豁免条件" => "the condition that excuses is met";
    EXCUSED_AS: "豁免：{}" => "excused: {0*}";
    HIT: "“{}”" => "“{0~}”";
    HITS: "“{}”等{}处" => "“{0~}”, {1} places in all";
    HIT_SOUND: "“{}”（读音相近）" => "“{0~}” (sounds alike)";
    HITS_SOUND: "“{}”（读音相近）等{}处" => "“{0~}” (sounds alike), {1} places in all";
    QUOTED: "“{}”是客户先说的，坐席在转述并致歉" => "“{0~}” repeats the customer's words, with an apology";
    HIT_MODEL: "“{}”（模型判断）" => "“{0~}” (judged by a model)";
    HITS_MODEL: "“{}”（模型判断）等{}处" => "“{0~}” (judged by a model), {1} places in all";
    HIT_SIMILAR: "“{}”（句子相似）" => "“{0~}” (a similar sentence)";
    HITS_SIMILAR: "“{}”（句子相似）等{}处" => "“{0~}” (a similar sentence), {1} places in all";
    // What proves that something is missing.
    LOW_CONFIDENCE: "识别置信度{:.2}低于{:.2}" => "recognised with {0} where {1} is needed";
    LITTLE_SPEECH: "检查范围内话语仅{:.1}秒，不足以判定" => "only {0} s of speech were searched, too little to tell";
    UNUSABLE_SPEECH: "检查范围内有{:.1}秒话语无法采信" => "{0} s of the speech that was searched cannot be relied on";
    GUESSED_TURN: "“{}”里{:.0}%的字没有听清，要找的话可能就在其中" =>
        "{1} % of the characters of “{0}” were not heard clearly: what is missing may be among them";
    NEAR_MISS: "“{}”与“{}”读音相近（{:.2}），请人工确认" => "“{0}” sounds like “{1}” ({2}); a person must decide";
    ABSENT: "已查{:.1}–{:.1}秒共{}个话轮、{:.1}秒话语，置信度{:.2}，未出现" =>
        "searched {0}–{1} s, {2} turns with {3} s of speech, heard with {4}: not there";
    ABSENT_NEAR: "已查{:.1}–{:.1}秒共{}个话轮、{:.1}秒话语，置信度{:.2}，未出现，最接近“{}”（{:.2}）" =>
        "searched {0}–{1} s, {2} turns with {3} s of speech, heard with {4}: not there; closest “{5}” ({6})";
    HEARD_AGAIN: "“{}”重听可能是“{}”（可能性{:.2}）" => "“{0}”, heard again, may be “{1}” ({2})";
    NOT_WHOLE: "录音不完整，没录到或听不清的部分可能改变结论" =>
        "the recording is not whole: what was not recorded or not understood may change the answer";
    BREAKS_OFF: "录音没有录到通话结束" => "the recording breaks off before the end of the call";
    NOT_RECORDED: "其间有一段没有录到声音" => "nothing was recorded for a part of it";
    NO_PERSON: "没有听到可以采信的人声话语" => "no words of a person were heard well enough";
    // What joins conditions.
    ALL: "须全部满足" => "all must hold";
    ANY: "满足其一即可" => "one of them must hold";
    NOT: "取反" => "the opposite";
    TIMES: "出现{}次" => "{0} times";
    UNCOUNTED: "被计数的条件无法判定" => "what is to be counted cannot be told";
    NO_EXPRESSION: "表达式无效" => "the expression is not valid";
    NO_OPERATOR: "没有这个算子" => "there is no such operator";
    NO_PLACE: "定位条件无法判定" => "the place to look near cannot be told";
    PLACE_MISSING: "没有出现定位条件" => "the place to look near is not there";
    NEAR: "定位条件出现{}处，其旁满足{}处" => "{0} places to look near, {1} of them with it";
    STEPS_DONE: "步骤齐全" => "all steps are there";
    STEPS_MISSING: "缺少或次序不对：{}" => "missing or out of order: {0,}";
    // What operators see.
    LENGTH: "时长{:.1}秒" => "{0} s long";
    LENGTH_MEASURED: "（{}）" => "({0*})";
    MONOLOGUE: "最长连续说话{:.1}秒" => "at most {0} s of talk without a break";
    MONOLOGUE_MEASURED: "（连续说话{:.1}秒）" => "({0} s of talk without a break)";
    ENTITIES: "找到{}处" => "{0} places found";
    NO_TURNS: "没有话语" => "nobody spoke";
    LAST_UNSURE: "最后说话人的角色不确定" => "it is not sure who spoke last";
    ONE_SIDE: "只听到一方说话，不知道谁说的最后一句" => "only one side was heard, so it is not known who spoke last";
    NO_LENGTH: "没有录音时长" => "the length of the recording is not known";
    LAST_SPOKE: "最后说话的是{}，其后{:.1}秒" => "{0} spoke last, {1} s before the end";
    PHRASES: "在{}个话轮中查找{}个短语，命中{}个" => "{1} phrases looked for in {0} turns, {2} found";
    NO_LOUDNESS: "没有音量数据" => "the level of the voice is not known";
    LOUDNESS: "{}个话轮音量超出界限" => "{0} turns beyond the limits of the level";
    LOUDNESS_MEASURED: "（音量{:.0} dBFS）" => "(level {0} dBFS)";
    FIELD: "{} = {}" => "{0} = {1~}";
    FIELD_MISSING: "（无）" => "(none)";
    NO_LABEL: "没有模型给出标签“{}”" => "no model gave the label “{0}”";
    LABEL: "标签“{}”：{}个话轮达到界限，最高{:.2}" => "label “{0}”: {1} turns reach the limit, at most {2}";
    SAID_OTHERWISE: "{}：应为{}，复述为{}" => "{0}: {1}, repeated as {2}";
    OTHER_GOODS: "客户要{}，复述为{}" => "the customer wants {0}, repeated as {1}";
    REPEATED_GOODS: "坐席复述{}个品种，{}个不符" => "the agent repeated {0} goods, {1} of them wrongly";
    OVERLAP_MONO: "单声道录音无法判断抢话" => "who talks over whom cannot be told from one channel";
    OVERLAPS: "重叠超过{}毫秒的话轮{}个" => "{1} turns talk over the other side for more than {0} ms";
    PACE_MEASURED: "（每分钟{:.0}字）" => "({0} characters a minute)";
    PACE_TURNS: "{}个话轮超出语速界限" => "{0} turns beyond the limits of the pace";
    PACE: "{}字，{:.1}秒，平均每分钟{:.0}字" => "{0} characters in {1} s, {2} a minute on average";
    PACE_MEAN: "（平均每分钟{:.0}字）" => "({0} characters a minute on average)";
    NO_QUANTITY: "客户没有说出订货数量" => "the customer named no quantity";
    ORDERED: "客户说出{}个订货数量，其中{}个有效（其余缺货或已取消）" => "the customer named {0} quantities, {1} of them stand (the others were out of stock or taken back)";
    ALL_FELL: "客户订的货都没有或已取消，无须复述" => "all that was ordered was out of stock or taken back: nothing is to be read back";
    READ_BACK: "客户说出{}个数量，坐席复述{}个（{:.0}%）" => "the customer named {0} quantities, the agent repeated {1} ({2}%)";
    READ_BACK_UNCLEAR: "像是在复述，但没有听清数量：“{}”" => "this sounds like a read-back, but its quantities were not understood: “{0}”";
    NUMBERS_UNCLEAR: "复述的数量没有听清：{}" => "the quantities that were read back were not understood: {0*}";
    GOODS_UNCLEAR: "复述的品种没有听清：客户说“{}”，听成“{}”" => "the goods that were read back were not understood: the customer said “{0}”, heard was “{1}”";
    NO_PATTERN: "正则表达式无效" => "the regular expression is not valid";
    PATTERN: "在{}个话轮中匹配“{}”，命中{}处" => "“{1}” matched against {0} turns, {2} places found";
    REPEATS: "重复{}次" => "repeated {0} times";
    ROLE_UNSURE: "说话人角色不确定" => "it is not sure who spoke";
    TURNS_SEEN: "看{}个话轮" => "{0} turns looked at";
    SHARE: "{}次对{}次，占{:.0}%" => "{0} times beside {1} times, {2}%";
    SILENCE_MEASURED: "（静默{:.1}秒）" => "({0} s of silence)";
    SILENCE: "最长静默{:.1}秒，界限{:.1}秒" => "at most {0} s of silence, limit {1} s";
    SIMILAR: "最高相似度{:.2}，界限{:.2}" => "most alike {0}, limit {1}";
    NEVER_SPOKE: "这一方没有说话" => "this side never spoke";
    FIRST_WORD: "第一句话在{:.1}秒" => "the first words after {0} s";
    WAIT_MEASURED: "（等待{:.1}秒）" => "({0} s of waiting)";
    TURNS: "{}个话轮" => "{0} turns";
    TURNS_MEASURED: "（{}个话轮）" => "({0} turns)";
    UNANSWERED: "问了{}次，{}次没有按表回答" => "asked {0} times, {1} times not answered as the table says";
    // Steps of an explanation.
    WHEN: "前提：" => "condition to apply:";
    SEARCHED: "检查范围：{:.1}–{:.1}秒，{}个话轮，不予采信{:.1}秒" => "looked at: {0}–{1} s, {2} turns, {3} s not relied on";
    TURN: "[{:.1}s {}] {}" => "[{0} s {1}] {2}";
    CONDITION: "条件：" => "condition:";
    EXCEPT: "豁免：" => "excused by:";
    UNDECIDED: "不能断定：" => "undecided:";
    PROOF: "缺失证明：{}" => "proof that it is missing: {0*}";
    VERDICT: "结论：{} — {}" => "verdict: {0} — {1*}";
    STEP: "{} {}：{}" => "{0} {1}: {2*}";
    EVIDENCE: "→ {:.1}s “{}”（{}，代价{:.2}）" => "→ {0} s “{1~}” ({2}, cost {3})";
}

/// A sentence that can be recognised.
struct Template {
    pattern: Regex,
    english: &'static str,
    /// Characters that are not arguments: what has more of them says more of what it recognises.
    fixed: usize,
}

impl Template {
    fn new(zh: &str, english: &'static str) -> Option<Self> {
        let mut pattern = String::from("(?s)^");
        let (mut rest, mut fixed) = (zh, 0);
        while let Some((before, after)) = rest.split_once('{') {
            let (spec, after) = after.split_once('}')?;
            pattern += &regex::escape(before);
            // What is printed with so many decimals is a number.
            pattern += if spec.is_empty() { "(.*?)" } else { "(-?[0-9.]+|NaN|-?inf)" };
            fixed += before.chars().count();
            rest = after;
        }
        pattern += &regex::escape(rest);
        pattern.push('$');
        Some(Self { pattern: Regex::new(&pattern).ok()?, english, fixed: fixed + rest.chars().count() })
    }
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut all: Vec<Template> = SENTENCES.iter().filter_map(|(zh, en)| Template::new(zh, en)).collect();
    all.sort_by_key(|t| std::cmp::Reverse(t.fixed));
    all
});

/// A reason of a finding, or a line of an explanation, in English; nothing where the engine does not speak so.
pub fn english(chinese: &str) -> Option<String> {
    let text = chinese.trim_start();
    let indent = &chinese[..chinese.len() - text.len()];
    if text.is_empty() {
        return Some(chinese.to_owned());
    }
    let whole = TEMPLATES.iter().find_map(|t| Some(filled(t.english, &t.pattern.captures(text)?)));
    // What was found of an order is one sentence after the other.
    let parts = || text.split('；').map(english).collect::<Option<Vec<_>>>().map(|parts| parts.join("; "));
    let one_by_one = || text.contains('；').then(parts).flatten();
    Some(format!("{indent}{}", one_by_one().or(whole)?))
}

/// The English template with its arguments.
fn filled(english: &str, arguments: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = english;
    while let Some((before, after)) = rest.split_once('{') {
        let (spec, after) = after.split_once('}').unwrap_or((after, ""));
        out += before;
        let number: usize = spec.trim_end_matches(['*', '~', ',']).parse().unwrap_or(0);
        out += &argument(spec, arguments.get(number + 1).map_or("", |m| m.as_str()));
        rest = after;
    }
    out + rest
}

fn argument(spec: &str, text: &str) -> String {
    let nested = || self::english(text).unwrap_or_else(|| text.to_owned());
    match spec.chars().last() {
        Some('*') => nested(),
        // What people say is never put into other words.
        Some('~') if text.starts_with('（') && text.ends_with('）') => nested(),
        Some(',') => text.replace('、', ", "),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use callsift_core::Verdict;

    use super::{SENTENCES, TEMPLATES, english};
    use crate::{EvalOptions, RuleSet, evaluate::judge, explain::explain, selftest};

    #[test]
    fn every_sentence_has_its_arguments_in_english() {
        assert_eq!(TEMPLATES.len(), SENTENCES.len());
        for (zh, en) in SENTENCES {
            let places = zh.matches('{').count();
            assert_eq!(en.matches('{').count(), places, "{zh}");
            assert!((0..places).all(|i| en.contains(&format!("{{{i}"))), "{en}");
            assert!(en.is_ascii() || en.chars().all(|c| c.is_ascii() || "“”–—→".contains(c)), "{en}");
        }
    }

    #[test]
    fn sentences_are_recognised_with_what_they_hold() {
        for (zh, en) in [
            ("“你，自己“不会”看吗”等2处", "“你，自己“不会”看吗”, 2 places in all"),
            ("“（静默12.0秒）”", "“(12.0 s of silence)”"),
            ("“静默12.0秒”", "“静默12.0秒”"),
            ("前提不成立：时长8.0秒", "its condition is not met: 8.0 s long"),
            ("豁免：“请稍等”", "excused: “请稍等”"),
            ("豁免：“（静默12.0秒）”", "excused: “(12.0 s of silence)”"),
            ("豁免：须全部满足", "excused: all must hold"),
            ("看3个话轮", "3 turns looked at"),
            ("3个话轮", "3 turns"),
            ("缺少或次序不对：问候、报单位", "missing or out of order: 问候, 报单位"),
            ("queue = （无）", "queue = (none)"),
            (
                "坐席复述2个品种，1个不符；红塔山：应为5，复述为3；客户要云烟，复述为中华",
                "the agent repeated 2 goods, 1 of them wrongly; 红塔山: 5, repeated as 3; the customer wants 云烟, repeated as 中华",
            ),
            ("    ✗ condition.any[0]：须全部满足", "    ✗ condition.any[0]: all must hold"),
            ("  [0.5s agent] 时长8.0秒", "  [0.5 s agent] 时长8.0秒"),
            ("", ""),
        ] {
            assert_eq!(english(zh).as_deref(), Some(en), "{zh}");
        }
        assert_eq!(english("规则文件里的话"), None);
    }

    /// Nothing is left in Chinese but what stands in quotes, in turns and in rule files.
    fn is_english(text: &str) -> bool {
        let mut quoted = 0;
        text.chars().all(|c| {
            quoted += match c {
                '“' => 1,
                '”' => -1,
                _ => 0,
            };
            quoted > 0 || !('\u{3000}'..='\u{9fff}').contains(&c) && !('\u{ff00}'..='\u{ffef}').contains(&c)
        })
    }

    #[test]
    fn all_that_the_pack_says_of_its_own_tests_can_be_said_in_english() {
        let rules = RuleSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")).unwrap();
        let options = EvalOptions::default();
        let mut verdicts = std::collections::BTreeSet::new();
        for rule in rules.rules() {
            for case in &rule.tests {
                let (turns, facts) = selftest::build(case, None);
                let finding = judge(rule, &rules.view(&turns, facts.clone(), &options), &options).finding;
                let reason = english(&finding.reason);
                // Order goods and steps are named by callers and rules.
                let named = ["：应为", "客户要", "缺少或次序不对", " = "].iter().any(|w| finding.reason.contains(w));
                assert!(reason.as_deref().is_some_and(|r| named || is_english(r)), "{}: {reason:?}", finding.reason);
                verdicts.insert(finding.verdict);
                let (_, steps) = explain(rule, &rules.view(&turns, facts, &options), &options);
                let begin = steps.find("检查范围：").unwrap();
                for line in steps[begin..].lines() {
                    assert!(english(line).is_some(), "{line}");
                }
            }
        }
        assert!(verdicts.contains(&Verdict::Hit) && verdicts.contains(&Verdict::CannotTell));
    }

    /// Whoever formats Chinese elsewhere says something that has no English.
    #[test]
    fn nobody_speaks_without_the_table() {
        let chinese = |line: &str| line.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let mut looked = 0;
        for folder in ["src", "src/logic", "src/operators"] {
            for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                if path.extension().is_none_or(|e| e != "rs")
                    || ["sentences", "docs", "explain"].contains(&name.as_str())
                {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let says = ["format!(", "format_args!(", "unknown(", "cannot(", "not(", "to_owned()"];
                let wrong = code.lines().find(|l| chinese(l) && says.iter().any(|s| l.contains(s)));
                assert_eq!(wrong, None, "{name}");
                looked += 1;
            }
        }
        assert!(looked > 30, "{looked}");
    }
}
