use std::path::Path;
use std::sync::OnceLock;

use callsift_core::{CallMeta, Direction, Mark, SpeakerRole, TimeSpan, TimedChar, Turn, Verdict};
use proptest::prelude::*;

use super::{EvalOptions, judge};
use crate::{CallFacts, RuleSet, score};

fn pack() -> &'static RuleSet {
    static PACK: OnceLock<RuleSet> = OnceLock::new();
    PACK.get_or_init(|| RuleSet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")).unwrap())
}

/// Things people say, things recognisers write, and anything else.
fn words() -> impl Strategy<Value = String> {
    let said = prop::sample::select(vec![
        "您好",
        "订货中心工号三零二一",
        "五条红塔山",
        "红塔山5条",
        "白沙二十五条",
        "红塔山那个白沙",
        "三十跳",
        "是条",
        "从十箱改到三箱",
        "哦不对",
        "没货了",
        "算了",
        "難道",
        "不是告诉过你了吗",
        "爱卖不卖",
        "请稍等",
        "再见",
        "我要投诉",
        "一共俩",
        "半打",
        "非常抱歉",
        "实配三条",
        "，",
        "。",
        "？",
        "嗯",
        "😀",
        "e\u{301}",
        "\u{200b}",
    ]);
    prop_oneof![4 => said.prop_map(str::to_owned), 1 => "\\PC{0,12}", 1 => "[一-龥]{0,12}"]
}

prop_compose! {
    fn turn()(
        parts in prop::collection::vec(words(), 0..5),
        role in 0u8..3,
        sure in prop::bool::weighted(0.8),
        (start, length) in (0i64..200_000, -5i64..30_000),
        prob in 0.0f32..1.0,
        mark in prop::option::weighted(0.1, prop::sample::select(vec![Mark::Hallucination, Mark::Loop])),
        loudness_dbfs in prop::option::of(-90.0f64..0.0),
    ) -> Turn {
        let (text, span) = (parts.concat(), TimeSpan::new(start, start + length));
        Turn {
            index: 0,
            role: [SpeakerRole::Agent, SpeakerRole::Customer, SpeakerRole::Unknown][role as usize],
            role_confidence: if sure { 1.0 } else { 0.2 },
            channel: u16::from(role),
            span,
            chars: TimedChar::spread(&text, span, prob),
            confidence: f64::from(prob),
            marks: mark.into_iter().collect(),
            overlap_ms: 0,
            loudness_dbfs,
            labels: Vec::new(),
            alternatives: Vec::new(),
        }
    }
}

fn call() -> impl Strategy<Value = (Vec<Turn>, CallFacts)> {
    let turns = prop::collection::vec(turn(), 0..12).prop_map(|mut turns| {
        turns.sort_by_key(|t| t.span.start_ms);
        turns.iter_mut().zip(0u32..).for_each(|(t, i)| t.index = i);
        turns
    });
    let facts = (0u8..3, prop::option::of("\\PC{0,20}"), prop::option::of(0i64..400_000));
    (turns, facts).prop_map(|(turns, (direction, order, duration_ms))| {
        let direction = [Direction::Inbound, Direction::Outbound, Direction::Unknown][direction as usize];
        let meta = CallMeta { direction, order, ..CallMeta::default() };
        (turns, CallFacts { meta, duration_ms, ..CallFacts::default() })
    })
}

/// Turns of one role after the other, `gap_ms` apart.
fn talk(lines: &[(SpeakerRole, i64, &str)]) -> Vec<Turn> {
    let mut at = 0;
    lines
        .iter()
        .zip(0u32..)
        .map(|((role, pause, text), index)| {
            let span = TimeSpan::new(at + pause, at + pause + 250 * text.chars().count() as i64);
            at = span.end_ms;
            Turn { index, ..Turn::from_text(0, *role, span, text, 0.9) }
        })
        .collect()
}

fn verdict(id: &str, turns: &[Turn], facts: CallFacts) -> Verdict {
    let facts = CallFacts { duration_ms: turns.last().map(|t| t.span.end_ms + 500), ..facts };
    let options = EvalOptions::default();
    let rule = pack().rules().iter().find(|r| r.id.value == id).unwrap();
    judge(rule, &pack().view(turns, facts, &options), &options).finding.verdict
}

use SpeakerRole::{Agent, Customer};

#[test]
fn nothing_is_said_to_be_missing_at_an_end_that_was_not_recorded() {
    let open = || CallFacts { end_open: true, ..CallFacts::default() };
    let rude = talk(&[
        (Agent, 500, "说，要订什么货"),
        (Customer, 300, "我要五条红塔山"),
        (Agent, 300, "知道了，明天给你送过去"),
    ]);
    for id in ["farewell-missing", "order-readback-missing"] {
        assert_eq!(verdict(id, &rude, CallFacts::default()), Verdict::Hit, "{id}");
        assert_eq!(verdict(id, &rude, open()), Verdict::CannotTell, "{id}");
    }
    assert_eq!(verdict("greeting-missing", &rude, open()), Verdict::Hit, "the beginning was recorded");
    let polite = talk(&[(Agent, 500, "您好，订货中心"), (Customer, 300, "不订了"), (Agent, 300, "好的，再见")]);
    assert_eq!(verdict("farewell-missing", &polite, open()), Verdict::Clear);
    let cut = talk(&[(Agent, 500, "您好，订货中心"), (Customer, 300, "我的货什么时候能送到")]);
    assert_eq!(verdict("hung-up-on-customer", &cut, CallFacts::default()), Verdict::Hit);
    assert_eq!(verdict("hung-up-on-customer", &cut, open()), Verdict::CannotTell);
}

#[test]
fn a_gap_is_neither_silence_nor_proof_of_absence() {
    let call = talk(&[(Customer, 500, "查下我的订单"), (Agent, 300, "订单"), (Agent, 25_000, "明天给你送")]);
    let (from, to) = (call[1].span.end_ms, call[2].span.start_ms);
    let gap = |start, end| CallFacts { gaps: vec![TimeSpan::new(start, end)], ..CallFacts::default() };
    assert_eq!(verdict("long-silence", &call, CallFacts::default()), Verdict::Hit);
    assert_eq!(verdict("long-silence", &call, gap(from, to)), Verdict::CannotTell);
    assert_eq!(verdict("long-silence", &call, gap(from, from + 1_000)), Verdict::Hit, "24 s are still silent");
    assert_eq!(verdict("farewell-missing", &call, CallFacts::default()), Verdict::Hit);
    assert_eq!(verdict("farewell-missing", &call, gap(from, to)), Verdict::CannotTell);
    assert_eq!(verdict("farewell-missing", &call, gap(from, from + 300)), Verdict::Hit, "too short for a word");
}

#[test]
fn who_spoke_without_being_understood_spoke() {
    let long = "这个活动是这样的".repeat(16);
    let mut call = talk(&[(Agent, 500, &long), (Customer, 300, "嗯嗯嗯嗯"), (Agent, 300, &long)]);
    assert_eq!(verdict("monologue", &call, CallFacts::default()), Verdict::Clear);
    call[1].chars.clear();
    call[1].marks = vec![Mark::Uncovered];
    assert_eq!(verdict("monologue", &call, CallFacts::default()), Verdict::Clear);
    call.remove(1);
    call[1].index = 1;
    assert_eq!(verdict("monologue", &call, CallFacts::default()), Verdict::Hit);
}

#[test]
fn where_no_person_was_heard_nothing_is_held_against_anybody() {
    let mut tones = talk(&[(Agent, 500, "里里里"), (Customer, 30_000, "李补补"), (Agent, 150_000, "闭里")]);
    for turn in &mut tones {
        turn.confidence = 0.2;
        turn.chars.iter_mut().for_each(|c| c.prob = 0.2);
    }
    let facts = CallFacts { duration_ms: Some(200_000), ..CallFacts::default() };
    let findings = pack().evaluate(&tones, facts, &EvalOptions::default());
    assert!(findings.iter().all(|f| f.verdict != Verdict::Hit), "{findings:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_call_gets_one_sound_verdict_per_rule((turns, facts) in call()) {
        let findings = pack().evaluate(&turns, facts, &EvalOptions::default());
        prop_assert_eq!(findings.len(), pack().rules().len());
        for f in &findings {
            prop_assert!(f.verdict == Verdict::Hit || f.evidence.is_empty() && f.points == 0.0, "{:?}", f);
            for e in f.evidence.iter().filter(|e| e.char_end > e.char_start) {
                let turn = &turns[e.turn as usize];
                let said: String = turn.chars[e.char_start as usize..e.char_end as usize].iter().map(|c| c.ch).collect();
                prop_assert_eq!(&said, &e.text);
                prop_assert!(!turn.is_unusable());
            }
            if let Some(near) = f.proof.as_ref().and_then(|p| p.near_miss.as_ref()) {
                prop_assert!((0.0..=1.0).contains(&near.score));
            }
        }
        prop_assert!((0.0..=100.0).contains(&score(&findings)));
    }

    #[test]
    fn neither_the_order_of_rules_nor_threads_matter((turns, facts) in call()) {
        let options = EvalOptions::default();
        let forward = pack().evaluate(&turns, facts.clone(), &options);
        let view = pack().view(&turns, facts.clone(), &options);
        let mut backward: Vec<_> = pack().rules().iter().rev().map(|r| judge(r, &view, &options).finding).collect();
        backward.reverse();
        prop_assert_eq!(&forward, &backward);
        let elsewhere = std::thread::scope(|s| {
            let threads: Vec<_> =
                (0..2).map(|_| s.spawn(|| pack().evaluate(&turns, facts.clone(), &options))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
        });
        prop_assert!(elsewhere.iter().all(|found| *found == forward));
    }
}
