//! What estimates must do whatever they are given; how well intervals hold is in [`super::super`]'s coverage bench.

use proptest::prelude::*;

use super::{Interval, Judged, any_human, any_machine, any_rule, groups, rules};

fn row(call: usize, agent: usize, machine: Option<bool>, human: Option<bool>, probability: f64) -> Judged {
    Judged {
        call_id: format!("{call:05}"),
        calls: 1,
        agent_id: agent.to_string(),
        unit: "一组".to_owned(),
        rule_id: "r".to_owned(),
        machine,
        human,
        probability,
    }
}

/// 1000 calls of 10 agents: 100 hits, 80 of them right, all heard; of the 900 others 90 heard, 9 of them violations.
fn centre() -> Vec<Judged> {
    (0..1000)
        .map(|i| match i {
            0..100 => row(i, i % 10, Some(true), Some(i < 80), 1.0),
            _ => row(i, i % 10, Some(false), (i % 10 == i / 100).then_some(i % 100 < 10), 0.1),
        })
        .collect()
}

#[test]
fn a_plain_centre_is_counted_right() {
    let rows = centre();
    let rule = &rules(&rows)[0];
    assert_eq!(rule.precision.estimate, Some(0.8));
    assert_eq!(rule.precision.interval, Interval { low: 0.8, high: 0.8 });
    let heard = rows.iter().filter(|r| r.human.is_some() && r.machine == Some(false)).count() as f64;
    let missed = rows.iter().filter(|r| r.human == Some(true) && r.machine == Some(false)).count() as f64;
    let expected = 80.0 / (80.0 + 900.0 * missed / heard);
    assert!((rule.recall.estimate.unwrap() - expected).abs() < 1e-12, "{rule:?}");
    assert!(rule.recall.interval.low < expected && expected < rule.recall.interval.high);
    assert!(rule.misses_fewer_than < 1.0 - rule.recall.interval.low);
}

#[test]
fn any_violation_is_known_only_where_everything_is() {
    let (yes, no) = (Some(true), Some(false));
    assert_eq!([any_human(yes, no), any_human(no, no), any_human(yes, None)], [yes, no, None]);
    let machine = [any_machine(yes, None), any_machine(no, no), any_machine(no, None), any_machine(None, yes)];
    assert_eq!(machine, [yes, no, None, yes]);
}

/// Rows that stand for many calls say what those calls would say one by one.
#[test]
fn rows_of_many_calls_say_what_single_ones_do() {
    let rows = centre();
    let mut many: Vec<Judged> = Vec::new();
    for row in &rows {
        let row = Judged { call_id: String::new(), ..row.clone() };
        let alike = |m: &&mut Judged| (m.calls, &row) == (m.calls, &Judged { calls: row.calls, ..(**m).clone() });
        match many.iter_mut().find(alike) {
            Some(known) => known.calls += 1,
            None => many.push(row),
        }
    }
    assert!(many.len() < 60, "{}", many.len());
    assert_eq!((rules(&many), groups(&many)), (rules(&rows), groups(&rows)));
}

#[test]
fn nothing_reviewed_says_nothing() {
    let rows: Vec<Judged> = centre().into_iter().map(|r| Judged { human: None, ..r }).collect();
    let rule = &rules(&rows)[0];
    assert_eq!((rule.precision.estimate, rule.recall.estimate), (None, None));
    assert_eq!((rule.precision.interval, rule.recall.interval), (Interval::ANY, Interval::ANY));
    assert!(rule.misses_fewer_than >= 1.0);
    let rates = &groups(&rows)[0];
    assert_eq!(rates.centre.powered.interval, Interval::ANY);
    assert!(rates.agents.iter().all(|a| !a.distinguishable && a.shrunk.estimate.is_none() && a.difference.is_none()));
    assert!(rules(&[]).is_empty() && groups(&[]).is_empty());
}

#[test]
fn calls_heard_only_for_their_risk_give_no_rate_of_the_rest() {
    let rows: Vec<Judged> =
        (0..200).map(|i| row(i, 1, Some(i < 20), (i < 20).then_some(true), if i < 20 { 1.0 } else { 0.1 })).collect();
    let centre = groups(&rows)[0].centre.human;
    assert_eq!(centre.estimate, None);
    assert_eq!(centre.interval, Interval { low: 0.1, high: 1.0 });
}

/// Two of a hundred calls or so are drawn every night: each night is a stratum of its own, and on some nobody hears a hit.
#[test]
fn a_few_calls_of_every_night_make_a_rate() {
    let nights = (0..30).flat_map(|night| (0..90 + night).map(move |i| (night, i)));
    let rows: Vec<Judged> = nights
        .map(|(night, i)| {
            let violation = (night + i) % 5 == 0;
            row(night * 1000 + i, i % 7, Some(violation), (i < 2).then_some(violation), 2.0 / (90 + night) as f64)
        })
        .collect();
    let rates = &groups(&rows)[0];
    let centre = rates.centre.human;
    assert!((centre.estimate.unwrap() - 0.2).abs() < 0.02 && centre.interval.holds(0.2), "{centre:?}");
    assert!(centre.interval.width() < 0.25 && centre.n_effective.unwrap() > 50.0, "{centre:?}");
    assert!(rates.centre.gain.unwrap() > 1.5, "the machine is always right: {:?}", rates.centre);
    let rule = &rules(&rows)[0];
    assert_eq!((rule.precision.estimate, rule.recall.estimate), (Some(1.0), Some(1.0)));
    assert!(rule.precision.interval.low > 0.6 && rule.precision.interval.low < 1.0, "{rule:?}");
    assert!(rates.agents.iter().all(|a| a.shrunk.interval.holds(0.2)), "{:?}", rates.agents);
}

#[test]
fn five_calls_make_nobody_different_and_five_hundred_do() {
    let unit = |per_agent: usize| -> Vec<Judged> {
        let calls = (0..20).flat_map(|a| (0..per_agent).map(move |i| (a, i)));
        calls.map(|(a, i)| row(a * 1000 + i, a, None, Some(i % 5 <= usize::from(a == 3) * 2), 1.0)).collect()
    };
    assert!(groups(&unit(5))[0].agents.iter().all(|a| !a.distinguishable));
    let found: Vec<String> =
        groups(&unit(100))[0].agents.iter().filter(|a| a.distinguishable).map(|a| a.agent_id.clone()).collect();
    assert_eq!(found, ["3"]);
}

#[test]
fn few_calls_are_drawn_toward_the_unit() {
    let rows: Vec<Judged> = (0..20)
        .flat_map(|a| (0..100).map(move |i| row(a * 100 + i, a, None, (i < 4).then_some(a == 0 || i == 0), 0.04)))
        .collect();
    let agents = &groups(&rows)[0].agents;
    let worst = agents.iter().find(|a| a.agent_id == "0").unwrap();
    assert_eq!(worst.own, Some(1.0));
    let shrunk = worst.shrunk.estimate.unwrap();
    assert!((0.3..0.9).contains(&shrunk), "{shrunk}");
    assert!(worst.shrunk.interval.holds(shrunk));
}

#[test]
fn a_call_counts_as_clean_only_where_all_rules_were_judged() {
    let clips = Judged { rule_id: "a".to_owned(), ..row(1, 1, Some(true), Some(true), 1.0) };
    let unheard = row(1, 1, Some(false), None, 0.1);
    let call = any_rule(&[clips.clone(), unheard]);
    assert_eq!((call[0].human, call[0].machine, call[0].probability), (None, Some(true), 0.1));
    let heard = row(1, 1, Some(false), Some(false), f64::NAN);
    let call = any_rule(&[clips, heard]);
    assert!(call[0].human == Some(true) && call[0].probability.is_nan());
}

fn any_row() -> impl Strategy<Value = Judged> {
    let p = prop_oneof![prop::num::f64::ANY, Just(0.0), Just(1.0), Just(0.1), 0.0..1.0];
    let verdict = || prop::option::of(any::<bool>());
    (0..40usize, 0..4usize, 0..2u8, verdict(), verdict(), p)
        .prop_map(|(c, a, u, m, h, p)| Judged { unit: u.to_string(), ..row(c, a, m, h, p) })
}

proptest! {
    #[test]
    fn nothing_panics_and_every_share_is_one(rows in prop::collection::vec(any_row(), 0..80)) {
        let fine = |e: Option<f64>, i: &Interval| {
            (0.0..=1.0).contains(&i.low) && i.low <= i.high && i.high <= 1.0
                && e.is_none_or(|e| i.low - 1e-9 <= e && e <= i.high + 1e-9)
        };
        for r in rules(&rows) {
            for rate in [r.precision, r.missed_among_clear, r.recall] {
                prop_assert!(fine(rate.estimate, &rate.interval), "{rate:?}");
            }
            prop_assert!((0.0..=1.0).contains(&r.misses_fewer_than));
        }
        for rates in groups(&rows) {
            for rate in [rates.centre.human, rates.centre.powered] {
                prop_assert!(fine(rate.estimate, &rate.interval), "{rate:?}");
            }
            for agent in rates.agents {
                prop_assert!(agent.own.is_none_or(|own| (0.0..=1.0).contains(&own)) && agent.n <= agent.calls, "{agent:?}");
                prop_assert!(fine(agent.shrunk.estimate, &agent.shrunk.interval), "{agent:?}");
            }
        }
        prop_assert!(any_rule(&rows).len() <= 40);
    }
}
