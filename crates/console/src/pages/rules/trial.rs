//! Trying a rule on text that somebody types.

use callsift_core::{CallMeta, ChannelLayout, Direction, Finding, SpeakerRole, TimeSpan, Turn};
use callsift_rules::explain::explain;
use callsift_rules::{CallFacts, EvalOptions, Rule, RuleSet};

use crate::error::ConsoleError;
use crate::lang::{self, Lang};
use crate::options::Labeller;

/// Longest text and most turns that are tried: whole calls fit, and nobody keeps the server busy.
pub(super) const MOST_CHARS: usize = 8000;
const MOST_TURNS: usize = 300;
/// As in rules' own tests: 240 characters a minute, pauses of 300 ms, words heard well.
const CHAR_MS: i64 = 250;
const PAUSE_MS: i64 = 300;
const HEARD: f32 = 0.95;
/// Characters that are shown of a long step.
const SHOWN: usize = 90;

/// What somebody typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) text: String,
    pub(super) direction: String,
    pub(super) order: String,
}

/// What came of it.
pub(super) struct Tried {
    pub(super) finding: Finding,
    /// Step by step.
    pub(super) steps: String,
    pub(super) turns: usize,
}

/// One turn a line, `坐席：…` or `客户：…`; a line without a speaker goes on with the last one's.
pub(super) fn turns(text: &str) -> Vec<Turn> {
    let (mut out, mut at, mut last): (Vec<Turn>, i64, _) = (Vec::new(), 0, SpeakerRole::Agent);
    let text: String = text.chars().take(MOST_CHARS).collect();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()).take(MOST_TURNS) {
        let named = line.split_once([':', '：']).and_then(|(who, said)| Some((role(who)?, said.trim())));
        let (role, said) = named.unwrap_or((last, line));
        last = role;
        if said.is_empty() {
            continue;
        }
        let end = at + said.chars().count() as i64 * CHAR_MS;
        out.push(Turn::from_text(out.len() as u32, role, TimeSpan::new(at, end), said, HEARD));
        at = end + PAUSE_MS;
    }
    out
}

fn role(name: &str) -> Option<SpeakerRole> {
    match name.trim().to_lowercase().as_str() {
        "坐席" | "座席" | "客服" | "agent" | "a" => Some(SpeakerRole::Agent),
        "客户" | "顾客" | "用户" | "customer" | "c" => Some(SpeakerRole::Customer),
        _ => None,
    }
}

/// Judges what was typed as a run judges a call; nothing where there are no words.
pub(super) fn attempt(
    rules: &RuleSet,
    rule: &Rule,
    typed: &Typed,
    options: &EvalOptions,
    labeller: Option<&dyn Labeller>,
    l: Lang,
) -> Result<Option<Tried>, ConsoleError> {
    let mut turns = turns(&typed.text);
    let Some(end) = turns.last().map(|t| t.span.end_ms) else { return Ok(None) };
    labeller.map_or(Ok(()), |model| model.label(&mut turns)).map_err(ConsoleError::Model)?;
    let order = Some(typed.order.trim().to_owned()).filter(|o| !o.is_empty());
    let meta = CallMeta { direction: Direction::parse(&typed.direction), order, ..CallMeta::default() };
    let facts = CallFacts { meta, layout: Some(ChannelLayout::Stereo), duration_ms: Some(end), ..CallFacts::default() };
    let (finding, steps) = explain(rule, &rules.view(&turns, facts, options), options);
    // What the rule is stands on the page already; the steps begin with what was looked at.
    let begin = ["前提：", "检查范围："].iter().filter_map(|word| steps.find(word)).min().unwrap_or(0);
    let lines = steps.get(begin..).unwrap_or_default().lines();
    let steps = lines.map(|line| short(&lang::engine(l, &in_words(l, line)))).collect::<Vec<_>>().join("\n");
    Ok(Some(Tried { finding, steps, turns: turns.len() }))
}

/// What matched, and the verdict: of forty lines of expressions that were tried, those that somebody who tries a rule looks for.
pub(super) fn matched(steps: &str) -> String {
    let found = |line: &&str| line.trim_start().starts_with(['✓', '→']);
    let lines = steps.lines().filter(found).chain(steps.lines().last().filter(|last| !found(last)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line with the words that the pages use in place of the codes that rules and the command line have.
fn in_words(l: Lang, line: &str) -> String {
    if let Some((code, why)) = line.strip_prefix("结论：").and_then(|rest| rest.split_once(" — ")) {
        return format!("结论：{} — {why}", lang::verdict(l, code));
    }
    if let Some((at, role, said)) = line.strip_prefix("  [").and_then(turn) {
        return format!("  [{at}{} {}] {said}", l.t("秒", "s"), lang::speaker(l, role));
    }
    match line.rsplit_once('（').and_then(|(head, tail)| Some((head, tail.split_once("，代价")?))) {
        Some((head, (code, cost))) => format!("{head}（{}，{}{cost}", lang::match_kind(l, code), l.t("偏差", "代价")),
        None => line.to_owned(),
    }
}

/// `0.0s agent] 您好` as time, role and words.
fn turn(line: &str) -> Option<(&str, &str, &str)> {
    let (head, said) = line.split_once("] ")?;
    let (at, role) = head.split_once("s ")?;
    Some((at, role, said))
}

/// A line without the middle of its expression: how it came out stands at its end.
fn short(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    match (chars.get(..SHOWN), chars.len().checked_sub(SHOWN / 3).and_then(|at| chars.get(at..))) {
        (Some(head), Some(tail)) if chars.len() > SHOWN * 3 / 2 => {
            head.iter().chain(&[' ', '…', ' ']).chain(tail).collect()
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use callsift_core::{LabelScore, SpeakerRole, Turn, Verdict};
    use callsift_rules::{EvalOptions, RuleSet};

    use super::{MOST_CHARS, Typed, in_words, short, turns};
    use crate::lang::Lang;

    const RULE: &str = "version: 1\nid: x\ntitle: 测试\nrequirement: A12\nseverity: minor\npoints: 5\nwhy: 因为\n\
        scope: { role: agent }\nviolation_when: found\ncondition:\n  keyword: { any: [笨] }\ntests:\n\
        \x20 - { name: a, turns: [\"agent: 你真笨\"], expect: hit }\n  - { name: b, turns: [\"agent: 您好\"], expect: clear }\n";

    #[test]
    fn lines_are_turns() {
        let made = turns("坐席：您好\n\ncustomer: 喂\n还在吗\n时间：三点\n坐席：\n");
        let said: Vec<_> = made.iter().map(|t| (t.role, t.text())).collect();
        let wanted = [
            (SpeakerRole::Agent, "您好"),
            (SpeakerRole::Customer, "喂"),
            (SpeakerRole::Customer, "还在吗"),
            (SpeakerRole::Customer, "时间：三点"),
        ];
        assert_eq!(said, wanted.map(|(r, t)| (r, t.to_owned())));
        assert!(made.windows(2).all(|w| w[0].span.end_ms < w[1].span.start_ms));
        assert!(turns("  \n：\n").len() <= 1 && turns("").is_empty());
        assert!(turns(&"客户：好\n".repeat(100_000)).len() <= 300);
        assert!(turns(&"好".repeat(100_000)).iter().map(|t| t.text().chars().count()).sum::<usize>() <= MOST_CHARS);
    }

    #[test]
    fn long_steps_keep_both_ends() {
        let line = format!("✗ regex：{}，命中0处", "难|".repeat(500));
        let cut = short(&line);
        assert!(cut.starts_with("✗ regex") && cut.ends_with("命中0处") && cut.chars().count() < 130, "{cut}");
        assert_eq!(short("✓ 短"), "✓ 短");
    }

    #[test]
    fn steps_speak_chinese() {
        for (line, wanted) in [
            ("结论：hit — 找到", "结论：命中 — 找到"),
            ("  [0.5s agent] 您好] s", "  [0.5秒 坐席] 您好] s"),
            ("    → 0.0s “笨（一点）”（exact，代价0.00）", "    → 0.0s “笨（一点）”（原词，偏差0.00）"),
            ("  ✓ condition：（好）", "  ✓ condition：（好）"),
        ] {
            assert_eq!(in_words(Lang::Zh, line), wanted);
        }
    }

    #[test]
    fn the_real_engine_answers() {
        let rules =
            RuleSet::from_texts(Path::new("r"), &[(PathBuf::from("r/c/x.yaml"), RULE.to_owned())], None).unwrap();
        let typed = |text: &str| Typed { text: text.to_owned(), ..Typed::default() };
        let (options, lang) = (EvalOptions::default(), std::cell::Cell::new(Lang::Zh));
        let attempt =
            |text: &str| super::attempt(&rules, &rules.rules()[0], &typed(text), &options, None, lang.get()).unwrap();
        let hit = attempt("坐席：你真笨").unwrap();
        assert_eq!((hit.finding.verdict, hit.turns), (Verdict::Hit, 1));
        assert!(
            hit.steps.contains("结论：命中")
                && hit.steps.contains("秒 坐席]")
                && hit.steps.starts_with("检查范围")
                && !hit.finding.evidence.is_empty()
        );
        let matched = super::matched(&hit.steps);
        assert!(matched.contains("→") && matched.ends_with("“笨”") && !matched.contains("坐席]"), "{matched}");
        let clear = attempt("客户：你真笨").unwrap();
        assert_eq!((clear.finding.verdict, super::matched(&clear.steps).lines().count()), (Verdict::Clear, 1));
        assert!(attempt(" \n").is_none());
        lang.set(Lang::En);
        let hit = attempt("坐席：你真笨").unwrap();
        let wanted = "looked at: 0.0–0.8 s, 1 turns, 0.0 s not relied on\n  [0.0 s agent] 你真笨\ncondition:\n\
                      \x20 ✓ condition.keyword: 1 phrases looked for in 1 turns, 1 found\n\
                      \x20   → 0.5 s “笨” (the very words, cost 0.00)\nverdict: hit — “笨”";
        assert_eq!(hit.steps, wanted);
    }

    #[derive(Debug)]
    struct Rude(bool);

    impl crate::Labeller for Rude {
        fn label(&self, turns: &mut [Turn]) -> Result<(), String> {
            for turn in turns {
                let score = LabelScore { label: "rude".to_owned(), prob: 0.99, threshold: None };
                turn.labels = vec![score];
            }
            if self.0 { Ok(()) } else { Err("broken".to_owned()) }
        }
    }

    #[test]
    fn labels_are_read_where_there_is_a_model() {
        let text = RULE.replace("keyword: { any: [笨] }", "model: { label: rude, at_least: 0.5 }");
        let turn = |p: f32| format!("[{{ role: agent, text: 您好, labels: {{ rude: {p} }} }}]");
        let text = text.replace("[\"agent: 你真笨\"]", &turn(0.9)).replace("[\"agent: 您好\"]", &turn(0.1));
        let rules = RuleSet::from_texts(Path::new("r"), &[(PathBuf::from("r/c/x.yaml"), text)], None).unwrap();
        let typed = Typed { text: "坐席：您好".to_owned(), ..Typed::default() };
        let options = EvalOptions::default();
        let attempt = |model| super::attempt(&rules, &rules.rules()[0], &typed, &options, model, Lang::Zh);
        assert_eq!(attempt(None).unwrap().unwrap().finding.verdict, Verdict::CannotTell);
        assert_eq!(attempt(Some(&Rude(true))).unwrap().unwrap().finding.verdict, Verdict::Hit);
        assert!(attempt(Some(&Rude(false))).is_err_and(|e| e.to_string().contains("broken")));
    }
}
