//! Who hears which calls: in turn by pinyin (B6), evenly and never double (B7).

use std::collections::BTreeMap;

use callsift_text::syllables;
use serde::{Deserialize, Serialize};

use crate::draw::Picked;

/// A drawn call and its reviewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Reviewer (质检员).
    pub reviewer: String,
    /// The call.
    #[serde(flatten)]
    pub picked: Picked,
}

/// Who heard a call before, or is to hear it by an earlier draw: it stays theirs, so that nobody does work twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose review counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Who hears it a second time, blindly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
}

/// Hands out drawn calls.
///
/// - **Plans** in listening order: units by the pinyin of their names, inside them agents by the pinyin of theirs; `round` turns
///   both lists so that the first of one round is the last of the next. An agent's calls go together to the reviewer with
///   the fewest so far, no more of them than a reviewer's even part of all.
/// - **Risk queues** in their own order, the worst first, each call to the reviewer with the fewest minutes so far: so everybody
///   begins with the worst there is, and clips of seconds are not counted like whole calls.
///
/// Blind duplicates go to a second reviewer besides. What is `held` stays with its holder, whoever is named now.
pub fn assign(picked: &[Picked], reviewers: &[String], round: usize, held: &BTreeMap<String, Held>) -> Vec<Assignment> {
    if reviewers.is_empty() {
        return Vec::new();
    }
    let mut hands = Hands { reviewers, held, load: vec![0.0; reviewers.len()], out: Vec::new() };
    if picked.iter().any(|p| p.risk.is_some()) {
        for call in picked {
            hands.give(&[call]);
        }
        return hands.out;
    }
    let even = picked.len().div_ceil(reviewers.len()).max(1);
    for agents in turned(by_unit(picked).into_values().collect(), round) {
        for calls in turned(agents.into_values().collect(), round) {
            for calls in calls.chunks(even) {
                hands.give(calls);
            }
        }
    }
    hands.out
}

fn by_unit(picked: &[Picked]) -> BTreeMap<(Vec<String>, &str), Agents<'_>> {
    let mut units: BTreeMap<(Vec<String>, &str), Agents<'_>> = BTreeMap::new();
    for call in picked {
        let unit = units.entry((pinyin(&call.unit), &call.unit)).or_default();
        unit.entry((pinyin_of_person(&call.agent_name), &call.agent_name, &call.agent_id)).or_default().push(call);
    }
    units
}

/// Who got what so far.
struct Hands<'a> {
    reviewers: &'a [String],
    held: &'a BTreeMap<String, Held>,
    load: Vec<f64>,
    out: Vec<Assignment>,
}

impl Hands<'_> {
    /// Gives calls to one reviewer, those that nobody holds.
    fn give(&mut self, calls: &[&Picked]) {
        let seconds = calls.iter().filter_map(|call| self.held.get(&call.call_id)?.second.as_deref());
        let together = self.idlest(&seconds.collect::<Vec<_>>());
        for call in calls {
            let held = self.held.get(&call.call_id).cloned().unwrap_or_default();
            let who = together.or_else(|| self.idlest(held.second.as_slice()));
            // Where the only one named hears it blindly already, nobody is left whose review counts.
            let Some(first) = held.first.or_else(|| who.map(|who| self.take(who, call))) else { continue };
            self.push(call, first.clone());
            if call.risk.is_some_and(|r| r.duplicate) {
                self.second(call, &first, held.second);
            }
        }
    }

    /// Gives a call to one more reviewer; it stands where its agent's calls stand. With one reviewer there is no second
    /// opinion.
    fn second(&mut self, call: &Picked, first: &str, held: Option<String>) {
        let second = held.or_else(|| self.idlest(&[first]).map(|who| self.take(who, call)));
        if let Some(second) = second {
            self.push(call, second);
        }
    }

    fn push(&mut self, call: &Picked, reviewer: String) {
        self.out.push(Assignment { reviewer, picked: call.clone() });
    }

    /// The reviewer with the least to do who is none of these; nobody where there is no other one.
    fn idlest<S: AsRef<str>>(&self, but: &[S]) -> Option<usize> {
        let free = |i: &usize| but.iter().all(|name| name.as_ref() != self.reviewers[*i]);
        (0..self.reviewers.len()).filter(free).min_by(|a, b| self.load[*a].total_cmp(&self.load[*b]))
    }

    /// Adds a call to what a reviewer has to do: its minutes in a risk queue, else one call.
    fn take(&mut self, who: usize, call: &Picked) -> String {
        self.load[who] += call.risk.map_or(1.0, |r| r.minutes);
        self.reviewers[who].clone()
    }
}

/// Calls of a unit's agents, by pinyin, name and number.
type Agents<'a> = BTreeMap<(Vec<String>, &'a str, &'a str), Vec<&'a Picked>>;

/// Pinyin of a name; characters without a reading sort after all others, as they stand.
fn pinyin(name: &str) -> Vec<String> {
    let syllables = syllables(name);
    if syllables.is_empty() { vec![format!("~{name}")] } else { syllables }
}

/// Surnames that are read otherwise than the character mostly is.
const SURNAMES: [(char, &str); 27] = [
    ('曾', "zeng1"),
    ('查', "zha1"),
    ('仇', "qiu2"),
    ('单', "shan4"),
    ('翟', "zhai2"),
    ('盖', "ge3"),
    ('解', "xie4"),
    ('朴', "piao2"),
    ('区', "ou1"),
    ('任', "ren2"),
    ('乐', "yue4"),
    ('缪', "miao4"),
    ('覃', "qin2"),
    ('种', "chong2"),
    ('员', "yun4"),
    ('召', "shao4"),
    ('华', "hua4"),
    ('燕', "yan1"),
    ('纪', "ji3"),
    ('宓', "mi4"),
    ('祭', "zhai4"),
    ('阚', "kan4"),
    ('佴', "nai4"),
    ('会', "gui4"),
    ('么', "yao1"),
    ('折', "she2"),
    ('重', "chong2"),
];

/// Pinyin of a person's name.
fn pinyin_of_person(name: &str) -> Vec<String> {
    let mut out = pinyin(name);
    let surname = name.chars().next().and_then(|first| SURNAMES.iter().find(|(c, _)| *c == first));
    if let Some((_, reading)) = surname {
        (*reading).clone_into(&mut out[0]);
    }
    out
}

fn turned<T>(mut list: Vec<T>, round: usize) -> Vec<T> {
    if !list.is_empty() {
        let by = round % list.len();
        list.rotate_left(by);
    }
    list
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Held, assign};
    use crate::draw::Picked;

    fn picked(unit: &str, agent: &str, n: usize) -> Vec<Picked> {
        (0..n)
            .map(|i| Picked {
                call_id: format!("{unit}-{agent}-{i}"),
                agent_id: agent.to_owned(),
                agent_name: agent.to_owned(),
                unit: unit.to_owned(),
                date: "2026-11-03".to_owned(),
                why: String::new(),
                probability: None,
                risk: None,
            })
            .collect()
    }

    #[test]
    fn ninety_six_agents_go_evenly_to_three_reviewers() {
        let calls: Vec<Picked> = (0..96).flat_map(|a| picked("一组", &format!("{a:04}"), 5)).collect();
        let reviewers = ["甲", "乙", "丙"].map(str::to_owned);
        let out = assign(&calls, &reviewers, 0, &BTreeMap::new());
        assert_eq!(count(&out).values().copied().collect::<Vec<_>>(), [160, 160, 160]);
        let ids: BTreeSet<&str> = out.iter().map(|a| a.picked.call_id.as_str()).collect();
        assert_eq!(ids.len(), 480);
    }

    fn count(out: &[super::Assignment]) -> BTreeMap<&str, usize> {
        let mut load = BTreeMap::new();
        for a in out {
            *load.entry(a.reviewer.as_str()).or_default() += 1;
        }
        load
    }

    fn queue(minutes: &[f64], duplicate: bool) -> Vec<Picked> {
        let risk = |minutes| crate::risk::RiskPick {
            part: crate::risk::Part::Risk,
            hear: crate::risk::Hear::Clips,
            expected: 1.0,
            per_minute: 1.0,
            minutes,
            duplicate,
            whole_probability: 0.1,
        };
        let calls = picked("一组", "安宁", minutes.len()).into_iter().zip(minutes);
        calls.map(|(p, m)| Picked { risk: Some(risk(*m)), ..p }).collect()
    }

    #[test]
    fn one_agent_with_nearly_all_calls_is_shared_out() {
        let calls = [picked("一组", "安", 100), picked("一组", "白", 2), picked("一组", "陈", 2)].concat();
        let reviewers = ["甲", "乙", "丙"].map(str::to_owned);
        let out = assign(&calls, &reviewers, 0, &BTreeMap::new());
        assert!(count(&out).values().all(|n| (34..=36).contains(n)), "{:?}", count(&out));
    }

    #[test]
    fn a_risk_queue_keeps_its_order_and_is_even_in_minutes() {
        let calls = queue(&[9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], false);
        let out = assign(&calls, &["甲", "乙"].map(str::to_owned), 0, &BTreeMap::new());
        assert!(out.iter().map(|a| &a.picked.call_id).eq(calls.iter().map(|c| &c.call_id)));
        assert_eq!(count(&out), [("甲", 1), ("乙", 9)].into());
    }

    #[test]
    fn what_somebody_holds_stays_there_and_weighs_nothing() {
        let calls = queue(&[1.0; 6], true);
        let held = |first: Option<&str>, second: Option<&str>| Held {
            first: first.map(str::to_owned),
            second: second.map(str::to_owned),
        };
        let held: BTreeMap<String, Held> = [
            (calls[0].call_id.clone(), held(Some("乙"), None)),
            (calls[1].call_id.clone(), held(Some("丁"), Some("甲"))),
            (calls[2].call_id.clone(), held(None, Some("甲"))),
        ]
        .into();
        let out = assign(&calls, &["甲", "乙", "丙"].map(str::to_owned), 0, &held);
        let of = |i: usize| -> Vec<&str> {
            out.iter().filter(|a| a.picked.call_id == calls[i].call_id).map(|a| a.reviewer.as_str()).collect()
        };
        assert!(of(0)[0] == "乙" && of(0)[1] != "乙", "{:?}", of(0));
        assert_eq!(of(1), ["丁", "甲"], "who is not named now, too");
        assert!(of(2)[0] != "甲" && of(2)[1] == "甲", "{:?}", of(2));
        let pairs: BTreeSet<(&str, &str)> =
            out.iter().map(|a| (a.picked.call_id.as_str(), a.reviewer.as_str())).collect();
        assert_eq!((pairs.len(), out.len()), (12, 12), "nobody hears a call twice");
        let alone = assign(&calls, &["甲".to_owned()], 0, &held);
        let names: Vec<(&str, &str)> = alone.iter().map(|a| (a.picked.call_id.as_str(), a.reviewer.as_str())).collect();
        assert!(!names.iter().any(|(call, _)| *call == calls[2].call_id), "甲 hears it blindly: {names:?}");
        assert_eq!(names.len(), 2 + 2 + 3, "{names:?}");
    }

    #[test]
    fn duplicates_go_to_a_second_reviewer() {
        let calls = queue(&[1.0; 3], true);
        let out = assign(&calls, &["甲".to_owned(), "乙".to_owned()], 0, &BTreeMap::new());
        let pairs: BTreeSet<(&str, &str)> =
            out.iter().map(|a| (a.picked.call_id.as_str(), a.reviewer.as_str())).collect();
        assert_eq!((out.len(), pairs.len()), (6, 6));
        assert_eq!(assign(&calls, &["甲".to_owned()], 0, &BTreeMap::new()).len(), 3);
    }

    #[test]
    fn the_first_of_one_round_is_the_last_of_the_next() {
        let calls: Vec<Picked> = [("营销组", "周敏"), ("订单组", "王芳"), ("订单组", "安宁"), ("订单组", "李强")]
            .iter()
            .flat_map(|(u, a)| picked(u, a, 1))
            .collect();
        let order = |round| {
            let out = assign(&calls, &["甲".to_owned()], round, &BTreeMap::new());
            out.into_iter().map(|a| a.picked.agent_name).collect::<Vec<_>>()
        };
        assert_eq!(order(0), ["安宁", "李强", "王芳", "周敏"]);
        assert_eq!(order(1), ["周敏", "李强", "王芳", "安宁"]);
    }

    #[test]
    fn surnames_are_read_as_surnames() {
        let mut names = ["曾红", "单军", "安平", "仇英", "查理", "张伟", "解放", "7"];
        names.sort_by_key(|name| super::pinyin_of_person(name));
        assert_eq!(names, ["安平", "仇英", "单军", "解放", "曾红", "查理", "张伟", "7"]);
        // A unit is no person.
        assert_eq!(super::pinyin("单")[0], "dan1");
    }
}
