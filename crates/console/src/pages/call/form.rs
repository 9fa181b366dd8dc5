//! The listening form (电话监控记录表, REQUIREMENTS C2).

use std::collections::BTreeMap;

use callsift_reviews::score;
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::lang::{Lang, category};
use crate::pages::call::Shown;
use crate::pages::call::data::is_overtaken;
use crate::pages::layout::csrf;
use crate::pages::parts::visible;
use crate::pages::{call_url, points, when};

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
        form.sheet #sheet autocomplete="off" action=(format!("{}/form", call_url(&shown.call.call_id))) method="post" {
            (csrf(person))
            input type="hidden" name="before" value=[form.map(|f| f.id)];
            h2 { (l.t("电话监控记录表", "listening form")) " "
                output.score { (points(form.map_or_else(|| score(items), |f| f.score))) } (l.t(" 分", "")) }
            p.overtaken.busy hidden[!given.as_ref().is_some_and(|g| is_overtaken(shown, g, &app.rules))] {
                (l.t("判断在提交之后改过：请核对后重新提交，得分才会更新。",
                    "Verdicts changed after this was handed in: check it and hand it in again, or the score stays what it was.")) }
            @if let Some(f) = form { p.said { (l.t("已提交 · ", "handed in · ")) (f.by) " · " (when(app, f.at_us)) } }
            @for name in CATEGORIES {
                @let rules: Vec<_> = app.rules.rules().iter().filter(|r| r.category == name).collect();
                @if !rules.is_empty() {
                    fieldset { legend { (category(l, name)) }
                        @for rule in rules {
                            @let (id, off) = (&rule.id.value, items.get(&rule.id.value).copied().unwrap_or(0.0));
                            @let by_hand = (off - confirmed.get(id).copied().unwrap_or(0.0)).abs() > 1e-9;
                            label data-rule=(id) {
                                span { (rule.title) @if let Some(off) = machine(shown, id) { " " small.machine { (machine_words(l, off)) } } }
                                input type="number" name=(format!("item.{id}")) min="0" max="100" step="0.5" value=(points(off))
                                    data-points=(points(rule.points.value)) data-hand[by_hand] aria-label=(rule.title);
                            }
                        }
                    }
                }
            }
            label { (l.t("优点", "strengths")) textarea name="strengths" maxlength="2000" { (form.map_or_else(String::new, |f| visible(person, &f.strengths))) } }
            label { (l.t("不足", "weaknesses")) textarea name="weaknesses" maxlength="2000" { (form.map_or_else(String::new, |f| visible(person, &f.weaknesses))) } }
            label.check { input type="checkbox" name="whole" value="1" checked[form.is_some_and(|f| f.whole)];
                (l.t("整通已听（未发现的项目也算听过）", "heard as a whole (what is not marked is right)")) }
            @if shown.to_hear_whole && !form.is_some_and(|f| f.whole) {
                p.soft { (l.t("抽样要求全程听：勾选后任务才算完成。", "The draw has it heard whole: the task is done when this is ticked.")) }
            }
            label.check { input type="checkbox" name="keep" value="1" checked[form.is_some_and(|f| f.keep)];
                (l.t("留作培训", "keep for training")) }
            button.primary type="submit" { (l.t("提交", "hand in")) }
        }
    }
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
        format!("{}{}", l.t("机器 −", "machine −"), points(off))
    } else {
        l.t("机器命中", "machine hit").to_owned()
    }
}

/// Points off by rule, as they were kept. What cannot be read counts as none.
pub(super) fn items_of(json: &str) -> BTreeMap<String, f64> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The form as an agent reads it.
pub(super) fn reader(person: &Person, shown: &Shown) -> Markup {
    let l = person.lang;
    html! {
        @if let Some(f) = &shown.form {
            section.sheet {
                h2 { (l.t("监控得分", "listening score")) " " output { (points(f.score)) } }
                @if !f.strengths.is_empty() { h3 { (l.t("优点", "strengths")) } p { (visible(person, &f.strengths)) } }
                @if !f.weaknesses.is_empty() { h3 { (l.t("不足", "weaknesses")) } p { (visible(person, &f.weaknesses)) } }
            }
        } @else { p.empty { (l.t("这通电话还没有复核完。", "This call is not reviewed yet.")) } }
    }
}
