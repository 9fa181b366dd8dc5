//! The listening form (电话监控记录表, REQUIREMENTS C2).

use std::collections::BTreeMap;

use callsift_reviews::{Form, Judgement, score};
use callsift_rules::Rule;
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::lang::{Lang, category};
use crate::pages::call::Shown;
use crate::pages::call::data::{heard_share, is_overtaken};
use crate::pages::layout::csrf;
use crate::pages::parts::{percent, title, visible};
use crate::pages::{points, when};

/// Order of the categories in the form: that of a call.
const CATEGORIES: [&str; 7] = ["opening", "language", "attitude", "order", "process", "complaint", "closing"];

pub(super) fn editor(app: &App, person: &Person, shown: &Shown) -> Markup {
    let l = person.lang;
    let given = shown.form.as_ref().map(|f| items_of(&f.items));
    let confirmed = shown.items(&app.rules);
    let items = given.as_ref().unwrap_or(&confirmed);
    let form = shown.form.as_ref();
    html! {
        // The browser must not fill in what was there before a reload: the page keeps drafts itself.
        form.sheet #sheet autocomplete="off" action=(format!("{}/form", person.call_url(&shown.call.call_id))) method="post" {
            (csrf(person))
            input type="hidden" name="before" value=[form.map(|f| f.id)];
            // Enter in a field hands nothing in by accident: it presses the first button, which does nothing.
            button type="submit" disabled hidden {}
            h2 { (l.t("电话监控记录表", "Listening form")) " "
                output.score aria-live="polite" { (points(form.map_or_else(|| score(items), |f| f.score))) } (l.t(" 分", "")) }
            p.overtaken.busy hidden[!given.as_ref().is_some_and(|g| is_overtaken(shown, g, &app.rules))] {
                (l.t("判断在提交之后改过：请核对后重新提交，得分才会更新，坐席才会看到。",
                    "Verdicts changed after this was submitted: check it and submit it again, or the score stays what it was.")) }
            @if let Some(f) = form { p.said { (l.t("已提交 · ", "Submitted · ")) (f.by) " · " (when(app, f.at_us)) " · " (signed(app, l, shown, f))
                " · " a.screen href=(format!("{}/record", person.call_url(&shown.call.call_id))) { (l.t("打印、XLSX", "print, XLSX")) }
                @if let Some(ms) = f.heard_ms { " · " (l.t("实听 ", "played ")) (percent(heard_share(ms, shown.call.duration_ms))) } } }
            @let concerned = |id: &String| items.contains_key(id) || machine(shown, id).is_some() || confirmed.contains_key(id);
            @let (near, rest): (Vec<&Rule>, Vec<&Rule>) = app.rules.rules().iter().partition(|r| concerned(&r.id.value));
            @let field = |rule: &Rule| item(l, shown, rule, items, &confirmed);
            @if !near.is_empty() { fieldset { legend { (l.t("本通涉及的项目", "items of this call")) } @for rule in near { (field(rule)) } } }
            details.others { summary { (l.t("其余项目 ", "other items ")) (rest.len()) }
                @for name in categories(&rest) {
                    fieldset { legend { (category(l, name)) } @for rule in rest.iter().filter(|r| r.category == name) { (field(rule)) } }
                }
            }
            (own(app, l, items))
            label { (l.t("优点", "strengths")) textarea name="strengths" maxlength="2000" { (form.map_or_else(String::new, |f| visible(person, &f.strengths))) } }
            label { (l.t("不足", "weaknesses")) textarea name="weaknesses" maxlength="2000" { (form.map_or_else(String::new, |f| visible(person, &f.weaknesses))) } }
            label.check { input type="checkbox" name="whole" value="1" checked[form.is_some_and(|f| f.whole)];
                (l.t("整通已听（未发现的项目也算听过）", "heard as a whole (what is not marked is right)")) }
            label.whole-reason hidden[form.is_none_or(|f| f.whole_reason.is_empty())] data-words=(l.t("听了 ", "played "))
                { span { (l.t("没有听满 95%，原因", "less than 95 % was played: why")) } input name="whole_reason" maxlength="500" value=(form.map_or("", |f| f.whole_reason.as_str())); }
            @if shown.to_hear_whole && !form.is_some_and(|f| f.whole) {
                p.soft { (l.t("抽样要求全程听：勾选后任务才算完成。", "The draw has it heard whole: the task is done when this is ticked.")) }
            }
            label.check { input type="checkbox" name="keep" value="1" checked[form.is_some_and(|f| f.keep)];
                (l.t("留作培训", "keep for training")) }
            p.signed.paper { span { (l.t("复核员：", "reviewed by: ")) (form.map_or("", |f| f.by.as_str())) } span { (l.t("坐席签收：", "signed by the agent: ")) } span { (l.t("日期：", "date: ")) } }
            div.pair {
                button.primary type="submit" name="then" value="next" { (l.t("提交并打开下一通", "submit and open the next call")) kbd { "Ctrl+Enter" } }
                button type="submit" name="then" value="stay" { (l.t("只提交", "submit only")) }
            }
        }
    }
}

/// Categories of rules in the order of the form; those that the pack does not know come last.
fn categories<'a>(rules: &[&'a Rule]) -> Vec<&'a str> {
    let mut names: Vec<&str> = rules.iter().map(|r| r.category.as_str()).collect();
    names.sort_by_key(|name| (CATEGORIES.iter().position(|c| c == name).unwrap_or(CATEGORIES.len()), *name));
    names.dedup();
    names
}

/// Points off for a rule.
fn item(
    l: Lang,
    shown: &Shown,
    rule: &Rule,
    items: &BTreeMap<String, f64>,
    confirmed: &BTreeMap<String, f64>,
) -> Markup {
    let (id, off) = (&rule.id.value, items.get(&rule.id.value).copied().unwrap_or(0.0));
    let by_hand = (off - confirmed.get(id).copied().unwrap_or(0.0)).abs() > 1e-9;
    html! {
        label data-rule=(id) {
            span { (rule.title) @if let Some(off) = machine(shown, id) { " " small.machine { (machine_words(l, off)) } } }
            input type="number" name=(format!("item.{id}")) min="0" max="100" step="0.5" value=(points(off))
                data-points=(points(rule.points.value)) data-hand[by_hand] aria-label=(rule.title);
        }
    }
}

/// The centre's own items of today. They follow no verdict: a person gives the points.
fn own(app: &App, l: Lang, items: &BTreeMap<String, f64>) -> Markup {
    html! { @if let Some(own) = &app.options.own_items {
        fieldset { legend { (l.t("本中心项目 ", "The centre's own items ")) small { (own.version) } }
            @for item in &own.items { label title=[Some(&item.note).filter(|n| !n.is_empty())] {
                span { (item.title(l)) " " small { (l.t("最多 −", "at most −")) (points(item.points)) } }
                input type="number" name=(format!("item.{}", item.key())) min="0" max=(item.points) step="0.5" data-hand
                    value=(points(items.get(&item.key()).copied().unwrap_or(0.0))) aria-label=(item.title(l));
            } }
        }
    } }
}

/// Whether the agent signed this version of the form.
fn signed(app: &App, l: Lang, shown: &Shown, form: &Form) -> Markup {
    html! { @match &shown.receipt {
        Some(r) if r.form_id == form.id => span.good { (l.t("坐席已签收 ", "signed by the agent ")) (when(app, r.at_us)) },
        Some(r) => span.soft { (l.t("坐席签收过上一版 ", "the agent signed the last version ")) (when(app, r.at_us)) },
        None => span.soft { (l.t("坐席未签收", "not signed by the agent yet")) },
    } }
}

/// What was typed into a text of the form. Whoever saw the last version masked and left it so did not mean the stars.
pub(super) fn typed(person: &Person, sent: String, last: Option<&str>) -> String {
    last.filter(|last| visible(person, last) == sent).map_or(sent, str::to_owned)
}

/// Points that the machine took off for a rule.
fn machine(shown: &Shown, rule: &str) -> Option<f64> {
    let hits: Vec<f64> =
        shown.findings.iter().filter(|f| f.rule_id == rule && f.verdict == "hit").map(|f| f.points).collect();
    (!hits.is_empty()).then(|| hits.iter().sum())
}

/// Not every rule takes points off.
fn machine_words(l: Lang, off: f64) -> String {
    if off > 0.0 {
        format!("{}{}", l.t("系统 −", "system −"), points(off))
    } else {
        l.t("系统命中", "system hit").to_owned()
    }
}

/// Points off by rule, as they were kept. What cannot be read counts as none.
pub(super) fn items_of(json: &str) -> BTreeMap<String, f64> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The form as an agent reads it: the score, what took points off, and the signature.
pub(super) fn reader(app: &App, person: &Person, shown: &Shown) -> Markup {
    let l = person.lang;
    let Some(f) = &shown.form else {
        return html! { p.empty { (l.t("这通电话还没有复核完，提交后才能看到结果。", "This call is not reviewed yet; the result appears when it is submitted.")) } };
    };
    html! {
        section.sheet {
            h2 { (l.t("监控得分", "Listening score")) " " output.score { (points(f.score)) } (l.t(" 分", "")) }
            p.said { (l.t("提交于 ", "submitted ")) (when(app, f.at_us)) }
            (sum(app, l, shown, f))
            @if !f.strengths.is_empty() { h3 { (l.t("优点", "Strengths")) } p { (visible(person, &f.strengths)) } }
            @if !f.weaknesses.is_empty() { h3 { (l.t("不足", "Weaknesses")) } p { (visible(person, &f.weaknesses)) } }
            p.screen { a href=(format!("{}/record", person.call_url(&shown.call.call_id))) { (l.t("监控记录表（打印、XLSX）", "the record (print, XLSX)")) } }
            (receipt(app, person, shown, f))
        }
    }
}

/// How the score comes about, item by item; whatever an item rests on, all of them add up.
fn sum(app: &App, l: Lang, shown: &Shown, f: &Form) -> Markup {
    let items = items_of(&f.items);
    let total: f64 = items.values().sum();
    let ground = |rule: &str| {
        let mut of =
            shown.verdicts.iter().filter(|v| v.rule_id == rule && v.verdict == Judgement::Confirmed).peekable();
        match (of.peek().is_some(), of.any(|v| v.place.starts_with('m'))) {
            (false, _) => l.t("复核员直接扣分", "taken off by the reviewer"),
            (true, true) => l.t("人工补记", "marked by hand"),
            (true, false) => l.t("见上", "see above"),
        }
    };
    html! {
        table.plain.sum {
            caption { (l.t("得分怎么来的", "How the score comes about")) }
            tbody {
                tr { td { (l.t("满分", "full marks")) } td {} td.num { "100" } }
                @for (rule, off) in &items { @let own = shown.own.as_ref().and_then(|own| own.find(rule)); tr {
                    td { (own.map_or_else(|| title(app, rule), |item| item.title(l))) } td.soft { (if own.is_some() { l.t("本中心项目", "the centre's own item") } else { ground(rule) }) } td.num { "−" (points(*off)) } } }
                @if total > 100.0 { tr { td { (l.t("扣完为止", "no score is below zero")) } td {} td.num { "+" (points(total - 100.0)) } } }
                tr { th { (l.t("监控得分", "listening score")) } td {} th.num { (points(f.score)) } }
            }
        }
    }
}

fn receipt(app: &App, person: &Person, shown: &Shown, f: &Form) -> Markup {
    let l = person.lang;
    let last = shown.receipt.as_ref();
    html! { @match last.filter(|r| r.form_id == f.id) {
        Some(r) => p.good { (l.t("已签收 · ", "Signed · ")) (r.by) " · " (when(app, r.at_us)) },
        None if person.agent().is_none() => p.soft { (l.t("坐席未签收", "not signed by the agent yet")) },
        None => {
            @if last.is_some() { p.busy { (l.t("签收之后结果有改动，请再看一遍并重新签收。", "The result changed after you signed it: read it again and sign it again.")) } }
            form action=(format!("{}/receipt", person.call_url(&shown.call.call_id))) method="post" { (csrf(person))
                input type="hidden" name="form" value=(f.id);
                button.primary type="submit" { (l.t("签收", "sign")) } " "
                small { (l.t("签收表示已看过结果，不影响申诉。", "Signing says that you read it; you may still appeal.")) } }
        }
    } }
}
