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

/// Hands out drawn calls in listening order: units by the pinyin of their names, inside them agents by the pinyin of
/// theirs; `round` turns both lists so that the first of one round is the last of the next. An agent's calls go to one
/// reviewer, the one with the fewest so far; blind duplicates of a risk queue go to a second one besides.
pub fn assign(picked: &[Picked], reviewers: &[String], round: usize) -> Vec<Assignment> {
    if reviewers.is_empty() {
        return Vec::new();
    }
    let mut units: BTreeMap<(Vec<String>, &str), Agents<'_>> = BTreeMap::new();
    for call in picked {
        let unit = units.entry((pinyin(&call.unit), &call.unit)).or_default();
        unit.entry((pinyin_of_person(&call.agent_name), &call.agent_name, &call.agent_id)).or_default().push(call);
    }
    let mut load: Vec<usize> = vec![0; reviewers.len()];
    let mut out = Vec::with_capacity(picked.len());
    for agents in turned(units.into_values().collect(), round) {
        for calls in turned(agents.into_values().collect(), round) {
            let who = (0..reviewers.len()).min_by_key(|i| (load[*i], *i)).unwrap_or(0);
            load[who] += calls.len();
            for call in calls {
                out.push(Assignment { reviewer: reviewers[who].clone(), picked: call.clone() });
                if call.risk.is_some_and(|r| r.duplicate) {
                    second(call, who, reviewers, &mut load, &mut out);
                }
            }
        }
    }
    out
}

/// Gives a call to one more reviewer, the one with the fewest besides the first; it stands where its agent's calls stand.
/// With one reviewer there is no second opinion.
fn second(call: &Picked, first: usize, reviewers: &[String], load: &mut [usize], out: &mut Vec<Assignment>) {
    let Some(who) = (0..reviewers.len()).filter(|i| *i != first).min_by_key(|i| (load[*i], *i)) else { return };
    load[who] += 1;
    out.push(Assignment { reviewer: reviewers[who].clone(), picked: call.clone() });
}

/// Calls of a unit's agents, by pinyin, name and number.
type Agents<'a> = BTreeMap<(Vec<String>, &'a str, &'a str), Vec<&'a Picked>>;

/// Pinyin of a name; characters without a reading sort after all others, as they stand.
fn pinyin(name: &str) -> Vec<String> {
    let syllables = syllables(name);
    if syllables.is_empty() { vec![format!("~{name}")] } else { syllables }
}

/// Surnames that are read otherwise than the character mostly is.
const SURNAMES: [(char, &str); 21] = [
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

    use super::assign;
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
        let out = assign(&calls, &reviewers, 0);
        let mut load: BTreeMap<&str, usize> = BTreeMap::new();
        for a in &out {
            *load.entry(&a.reviewer).or_default() += 1;
        }
        assert_eq!(load.values().copied().collect::<Vec<_>>(), [160, 160, 160]);
        let ids: BTreeSet<&str> = out.iter().map(|a| a.picked.call_id.as_str()).collect();
        assert_eq!(ids.len(), 480);
    }

    #[test]
    fn duplicates_go_to_a_second_reviewer() {
        let risk = crate::risk::RiskPick {
            part: crate::risk::Part::Risk,
            hear: crate::risk::Hear::Clips,
            expected: 1.0,
            per_minute: 1.0,
            minutes: 1.0,
            duplicate: true,
            whole_probability: 0.1,
        };
        let calls: Vec<Picked> =
            picked("一组", "安宁", 3).into_iter().map(|p| Picked { risk: Some(risk), ..p }).collect();
        let out = assign(&calls, &["甲".to_owned(), "乙".to_owned()], 0);
        let pairs: BTreeSet<(&str, &str)> =
            out.iter().map(|a| (a.picked.call_id.as_str(), a.reviewer.as_str())).collect();
        assert_eq!((out.len(), pairs.len()), (6, 6));
        assert_eq!(assign(&calls, &["甲".to_owned()], 0).len(), 3);
    }

    #[test]
    fn the_first_of_one_round_is_the_last_of_the_next() {
        let calls: Vec<Picked> = [("营销组", "周敏"), ("订单组", "王芳"), ("订单组", "安宁"), ("订单组", "李强")]
            .iter()
            .flat_map(|(u, a)| picked(u, a, 1))
            .collect();
        let order = |round| {
            let out = assign(&calls, &["甲".to_owned()], round);
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
