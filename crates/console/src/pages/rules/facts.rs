//! A rule in words: which calls it concerns, where it looks, what needs a model.

use callsift_core::{Direction, SpeakerRole};
use callsift_rules::Rule;
use callsift_rules::logic::Condition;
use callsift_rules::schema::{Scope, ViolationWhen};
use maud::{Markup, html};

use crate::lang::{Lang, speaker};
use crate::pages::points;

pub(super) fn facts(l: Lang, rule: &Rule) -> Markup {
    html! {
        dl.facts {
            dt { (l.t("规则说明", "why")) } dd { (rule.why.trim()) }
            dt { (l.t("依据", "requirement")) } dd { (rule.requirement) }
            dt { (l.t("扣分", "points")) } dd { (points(rule.points.value)) @if let Some(cap) = &rule.points_cap { (l.t("，每处累计，至多 ", " for each place, at most ")) (points(cap.value)) } }
            dt { (l.t("适用", "applies to")) } dd { (applies(l, rule)) }
            dt { (l.t("检查范围", "looks at")) } dd { (scope(l, &rule.scope)) }
            dt { (l.t("违规", "violation")) } dd { (match rule.violation_when { ViolationWhen::Found => l.t("出现即违规", "where it is found"), ViolationWhen::Missing => l.t("缺失即违规", "where it is missing") }) }
            @if !rule.conditions.is_empty() { dt { (l.t("条件", "conditions")) } dd { (rule.conditions.keys().cloned().collect::<Vec<_>>().join(l.t("，", ", "))) } }
            @if rule.except.is_some() { dt { (l.t("豁免", "excused")) } dd { (l.t("有豁免条件，见试算步骤", "has a condition that excuses; see the steps below")) } }
        }
    }
}

fn applies(l: Lang, rule: &Rule) -> String {
    let a = &rule.applies;
    let direction = |d: &Direction| match d {
        Direction::Inbound => l.t("呼入", "inbound").to_owned(),
        Direction::Outbound => l.t("呼出", "outbound").to_owned(),
        Direction::Unknown => l.t("方向未知", "unknown direction").to_owned(),
    };
    let mut out: Vec<String> = a.directions.iter().map(direction).collect();
    out.extend(a.queues.iter().map(|q| format!("{} {q}", l.t("队列", "queue"))));
    out.extend(a.business.iter().map(|b| format!("{} {b}", l.t("业务", "business"))));
    out.extend(a.from.as_ref().map(|d| format!("{} {}", l.t("自", "from"), d.value)));
    out.extend(a.until.as_ref().map(|d| format!("{} {}", l.t("至", "until"), d.value)));
    out.extend(a.when.as_ref().map(|_| l.t("满足前提条件的通话", "calls that meet its condition").to_owned()));
    if out.is_empty() { l.t("全部通话", "all calls").to_owned() } else { out.join(l.t("，", ", ")) }
}

fn scope(l: Lang, s: &Scope) -> String {
    let mut out: Vec<String> = s.role.iter().map(|r: &SpeakerRole| speaker(l, r.as_str()).to_owned()).collect();
    let mut limit = |title: &str, value: Option<String>| out.extend(value.map(|v| format!("{title} {v}")));
    let seconds = |ms: i64| format!("{} s", points(ms as f64 / 1000.0));
    limit(l.t("前几句", "first turns"), s.first_turns.as_ref().map(|v| v.value.to_string()));
    limit(l.t("后几句", "last turns"), s.last_turns.as_ref().map(|v| v.value.to_string()));
    limit(l.t("开头", "first"), s.first_ms.as_ref().map(|v| seconds(v.value)));
    limit(l.t("结尾", "last"), s.last_ms.as_ref().map(|v| seconds(v.value)));
    limit(l.t("开头", "first"), s.first_percent.as_ref().map(|v| format!("{} %", points(v.value))));
    limit(l.t("结尾", "last"), s.last_percent.as_ref().map(|v| format!("{} %", points(v.value))));
    if out.is_empty() {
        l.t("整通，双方", "the whole call, both sides").to_owned()
    } else {
        out.join(l.t("，", ", "))
    }
}

/// Whether an answer may hang on a text model's label.
pub(super) fn needs_model(rule: &Rule) -> bool {
    let others = [rule.applies.when.as_deref(), rule.except.as_deref()];
    let all = rule.conditions.values().chain([&rule.condition.value]).chain(others.into_iter().flatten());
    // Every part, however deep, is printed with the name of its type: this holds for whatever conditions there will be.
    all.into_iter().any(|condition: &Condition| format!("{condition:?}").contains("ModelLabel"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use callsift_rules::RuleSet;

    use super::{facts, needs_model};
    use crate::lang::Lang;

    fn rule(condition: &str) -> RuleSet {
        let text = format!(
            "version: 1\nid: x\ntitle: 测试\nrequirement: A12\nseverity: minor\npoints: 5\nwhy: 因为\n\
             scope: {{ role: agent, first_turns: 3, first_ms: 1500 }}\nviolation_when: found\ncondition:\n  {condition}\ntests:\n\
             \x20 - {{ name: a, turns: [\"agent: 你真笨\"], expect: hit }}\n  - {{ name: b, turns: [\"agent: 您好\"], expect: clear }}\n"
        );
        RuleSet::from_texts(Path::new("r"), &[(PathBuf::from("r/c/x.yaml"), text)], None).unwrap()
    }

    #[test]
    fn a_model_is_found_however_deep_it_lies() {
        let plain = rule("keyword: { any: [笨] }");
        assert!(!needs_model(&plain.rules()[0]));
        let deep =
            rule("any: [{ keyword: { any: [笨] } }, { count: { of: { model: { label: rude } }, at_least: 2 } }]");
        assert!(needs_model(&deep.rules()[0]));
    }

    #[test]
    fn limits_are_said_in_words() {
        let page = facts(Lang::Zh, &rule("keyword: { any: [笨] }").rules()[0]).into_string();
        assert!(page.contains("坐席，前几句 3，开头 1.5 s") && page.contains("出现即违规"), "{page}");
    }
}
