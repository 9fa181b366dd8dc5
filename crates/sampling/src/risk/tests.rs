use std::collections::{BTreeMap, BTreeSet};

use callsift_core::Severity;
use proptest::prelude::*;

use super::{Evidence, Flag, Hear, Part, RiskPlan, RuleRecord, draw, value};
use crate::frame::tests::call;
use crate::frame::{Frame, FrameCall};
use crate::plan::{Method, Plan};
use crate::{Findings, SamplingError, draw_with};

fn flag(rule: &str, severity: Severity, clip_ms: i64) -> Flag {
    Flag { rule_id: rule.to_owned(), severity, clip_ms }
}

fn frame(n: i64) -> Frame {
    Frame::new((0..n).map(|i| call("1", "2026-11-03", i + 1, 300)).collect())
}

/// Every tenth call is flagged, some gravely.
fn flags(frame: &Frame) -> BTreeMap<String, Vec<Flag>> {
    let severity = |i: usize| if i.is_multiple_of(20) { Severity::Fatal } else { Severity::Minor };
    let each = frame.calls().iter().enumerate().filter(|(i, _)| i.is_multiple_of(10));
    each.map(|(i, c)| (c.call_id.clone(), vec![flag("r", severity(i), 4000)])).collect()
}

fn plan(calls: usize) -> RiskPlan {
    RiskPlan { calls: Some(calls), ..RiskPlan::default() }
}

#[test]
fn clips_cost_their_length_and_lead_in_and_reviews_teach() {
    let c = call("1", "2026-11-03", 1, 300);
    let flags: BTreeMap<String, Vec<Flag>> =
        [(c.call_id.clone(), vec![flag("a", Severity::Severe, 4000), flag("b", Severity::Minor, 7000)])].into();
    let records = [RuleRecord { rule_id: "a".to_owned(), confirmed: 25, rejected: 5 }];
    let evidence = Evidence::new(&flags, &records);
    let v = value(&plan(1), &c, &evidence);
    assert!((v.minutes - (4.0 + 2.0 + 7.0 + 2.0 + 15.0) / 60.0).abs() < 1e-12, "{v:?}");
    // (0.5 * 10 + 25) / 40 = 0.75, and 0.5 where nobody reviewed.
    assert!((v.expected - 1.25).abs() < 1e-12 && (v.worth - 8.0).abs() < 1e-12, "{v:?}");
    // Another place of the same rule costs time and adds no violation.
    let twice: BTreeMap<String, Vec<Flag>> =
        [(c.call_id.clone(), [&flags[&c.call_id][..], &[flag("a", Severity::Minor, 3000)]].concat())].into();
    let more = value(&plan(1), &c, &Evidence::new(&twice, &records));
    assert!((more.worth - v.worth).abs() < 1e-12 && more.minutes > v.minutes && more.flags == 3, "{more:?}");
    let absence = [(c.call_id.clone(), vec![flag("a", Severity::Severe, 0)])].into();
    let v = value(&plan(1), &c, &Evidence::new(&absence, &records));
    assert!((v.minutes - 315.0 / 60.0).abs() < 1e-12);
}

#[test]
fn the_queue_takes_the_worst_and_a_share_by_chance() {
    let frame = frame(500);
    let drawn = draw(&plan(50), "s", &frame, &flags(&frame), &[], &BTreeSet::new());
    let (risk, random): (Vec<_>, Vec<_>) = drawn.picked.iter().partition(|p| p.risk.part == Part::Risk);
    assert_eq!(random.len(), 10);
    assert!(drawn.picked.len() <= 50 && risk.iter().all(|p| p.probability >= 1.0));
    assert!(random.iter().all(|p| p.risk.hear == Hear::Whole && (p.risk.whole_probability - 0.02).abs() < 1e-12));
    // All 25 fatal ones are in.
    assert_eq!(drawn.inclusion.values().filter(|i| i.flagged >= 1.0).count(), 40);
    assert_eq!(drawn.picked.iter().filter(|p| p.risk.per_minute > 20.0).count(), 25);
    let duplicates = drawn.picked.iter().filter(|p| p.risk.duplicate).count();
    assert_eq!(duplicates, (drawn.picked.len() as f64 * 0.03).round() as usize);
    assert_eq!(drawn.inclusion.len(), 500);
}

#[test]
fn nobody_steers_the_random_part() {
    let frame = frame(300);
    let chosen = |frame: &Frame, flags: &BTreeMap<String, Vec<Flag>>| -> Vec<String> {
        let drawn = draw(&plan(60), "s", frame, flags, &[], &BTreeSet::new());
        let mut ids: Vec<String> =
            drawn.picked.iter().filter(|p| p.risk.part == Part::Random).map(|p| p.call.call_id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(chosen(&frame, &flags(&frame)), chosen(&frame, &BTreeMap::new()));
    // Whoever changes the points of a rule changes the machine's scores.
    let other = |c: &FrameCall| FrameCall { score: c.score.map(|s| s - 7.5), ..c.clone() };
    let scored = Frame::new(frame.calls().iter().map(other).collect());
    assert_eq!(chosen(&frame, &BTreeMap::new()), chosen(&scored, &BTreeMap::new()));
}

#[test]
fn each_call_is_heard_with_the_stated_probability() {
    let frame = frame(40);
    let mut heard: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut stated = BTreeMap::new();
    let flags = flags(&frame);
    for seed in 0..2000 {
        let drawn = draw(&plan(10), &seed.to_string(), &frame, &flags, &[], &BTreeSet::new());
        for p in &drawn.picked {
            let (any, whole) = heard.entry(&p.call.call_id).or_default();
            *any += 1;
            *whole += u32::from(p.risk.hear == Hear::Whole);
        }
        stated = drawn.inclusion;
    }
    for (call, inclusion) in &stated {
        let (any, whole) = heard.get(call.as_str()).copied().unwrap_or_default();
        let near = |count: u32, p: f64| (f64::from(count) / 2000.0 - p).abs() < 0.03;
        assert!(near(any, inclusion.flagged) && near(whole, inclusion.whole), "{call} {any} {whole} {inclusion:?}");
    }
}

#[test]
fn a_second_queue_over_the_same_days_goes_on_where_the_first_ended() {
    let frame = frame(1000);
    let flags = flags(&frame);
    let risk_part = |drawn: &super::RiskDraw<'_>| -> BTreeSet<String> {
        let risk = drawn.picked.iter().filter(|p| p.risk.part == Part::Risk);
        risk.map(|p| p.call.call_id.clone()).collect()
    };
    let by_chance = |drawn: &super::RiskDraw<'_>| -> BTreeSet<String> {
        drawn.picked.iter().filter(|p| p.risk.part == Part::Random).map(|p| p.call.call_id.clone()).collect()
    };
    let first = draw(&plan(50), "s", &frame, &flags, &[], &BTreeSet::new());
    let heard: BTreeSet<String> = first.picked.iter().map(|p| p.call.call_id.clone()).collect();
    let second = draw(&plan(50), "t", &frame, &flags, &[], &heard);
    assert!(risk_part(&first).is_disjoint(&risk_part(&second)));
    assert!(risk_part(&second).len() >= 38 && second.passed_over.len() >= 40, "{second:?}");
    // What is drawn by chance is drawn whatever was heard, or the chances would not be what they are said to be.
    assert_eq!(by_chance(&second), by_chance(&draw(&plan(50), "t", &frame, &flags, &[], &BTreeSet::new())));
    // Whatever has a chance of 1 was heard in one of the two, and what is drawn again is the same with what was passed over.
    let judged = |id: &String| heard.contains(id) || second.picked.iter().any(|p| p.call.call_id == *id);
    assert!(second.inclusion.iter().filter(|(_, i)| i.flagged >= 1.0).all(|(id, _)| judged(id)));
    let again = draw(&plan(50), "t", &frame, &flags, &[], &second.passed_over.iter().cloned().collect());
    assert_eq!(again, second);
    let minutes = RiskPlan { minutes: Some(60.0), ..RiskPlan::default() };
    let third = draw(&minutes, "t", &frame, &flags, &[], &heard);
    assert!(risk_part(&third).len() > 30 && risk_part(&third).is_disjoint(&risk_part(&first)), "{third:?}");
}

#[test]
fn minutes_are_kept() {
    let frame = frame(500);
    let plan = RiskPlan { minutes: Some(60.0), ..RiskPlan::default() };
    let drawn = draw(&plan, "s", &frame, &flags(&frame), &[], &BTreeSet::new());
    let minutes: f64 = drawn.picked.iter().map(|p| p.risk.minutes).sum();
    assert!((25.0..=60.0).contains(&minutes), "{minutes}");
    assert_eq!(drawn.picked.iter().filter(|p| p.risk.part == Part::Random).count(), 2);
}

#[test]
fn the_shipped_plan_is_drawn_again_and_needs_findings() {
    let plan = Plan::parse(include_str!("../../../../plans/risk-queue.toml")).unwrap();
    assert_eq!(plan.method, Method::Risk(super::RiskPlan { calls: Some(200), ..RiskPlan::default() }));
    let frame = frame(500);
    assert!(matches!(crate::draw(&plan, "s", &frame), Err(SamplingError::NeedsFindings)));
    let findings = Findings { flags: flags(&frame), ..Findings::default() };
    let drawn = draw_with(&plan, "s", &frame, Some(&findings)).unwrap();
    assert_eq!(drawn, draw_with(&drawn.draw.plan, "s", &frame, Some(&findings)).unwrap());
    assert_eq!(drawn.inclusion.len(), 500, "every call has its chance, drawn or not");
    let mut other = findings.clone();
    other.records.push(RuleRecord { rule_id: "r".to_owned(), confirmed: 1, rejected: 0 });
    assert_ne!(drawn.draw.findings_hash, draw_with(&plan, "s", &frame, Some(&other)).unwrap().draw.findings_hash);
    for bad in ["calls = 10\nminutes = 3", "", "calls = 0", "calls = 9\nrandom_share = 1.5", "calls = 9\nx = 1"] {
        assert!(Plan::parse(&format!("title = \"x\"\nmethod = \"risk\"\n{bad}\n")).is_err(), "{bad}");
    }
}

#[test]
fn a_draw_comes_back_from_its_file_as_it_was() {
    let frame = frame(487);
    let findings = Findings { flags: flags(&frame), ..Findings::default() };
    let plan = Plan { title: "x".to_owned(), method: Method::Risk(plan(61)) };
    let drawn = draw_with(&plan, "s", &frame, Some(&findings)).unwrap().draw;
    let text = serde_json::to_string(&drawn).unwrap();
    assert_eq!(serde_json::from_str::<crate::Draw>(&text).unwrap(), drawn);
}

proptest! {
    #[test]
    fn no_option_panics_and_probabilities_are_some(
        calls in prop::option::of(0usize..100),
        minutes in prop::option::of(prop::num::f64::ANY),
        share in prop::num::f64::ANY,
        clip in any::<i64>(),
        duration in any::<i64>(),
        prior in prop::num::f64::ANY,
        n in 0i64..30,
    ) {
        let base = frame(n);
        let frame = Frame::new(base.calls().iter().map(|c| FrameCall { duration_ms: duration, ..c.clone() }).collect());
        let flags = frame.calls().iter().take(9).map(|c| (c.call_id.clone(), vec![flag("r", Severity::Fatal, clip)])).collect();
        let plan = RiskPlan {
            calls, minutes, random_share: share, duplicate_share: share, prior_precision: prior, prior_strength: prior,
            ..RiskPlan::default()
        };
        let drawn = draw(&plan, "s", &frame, &flags, &[], &BTreeSet::new());
        prop_assert!(drawn.inclusion.values().all(|i| (0.0..=1.0).contains(&i.flagged) && i.whole <= i.flagged));
        prop_assert!(drawn.picked.iter().all(|p| p.risk.per_minute >= 0.0 && p.probability > 0.0));
    }
}
