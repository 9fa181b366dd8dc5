//! The paper of one team and period: figures, agents, what became of it, and what the reader may do about it.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use callsift_reviews::{Step, SummaryStep};
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::layout::{self, csrf};
use crate::pages::parts::{percent, period_name, range, visible};
use crate::pages::summaries::content::{Content, Part, Problem};
use crate::pages::summaries::list::named;
use crate::pages::summaries::{Paper, approves, chip, read};
use crate::pages::{points, url, when};

/// All that the page shows besides the paper.
struct Found {
    paper: Paper,
    history: Vec<SummaryStep>,
    /// Who signed what was approved, and when.
    signed: BTreeMap<String, i64>,
}

/// Team and period of an address.
pub(super) fn asked(query: &BTreeMap<String, String>) -> (String, String) {
    let text = |name: &str| query.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
    (text("unit"), text("period"))
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    let (unit, period) = asked(&query);
    let (shared, reader) = (app.clone(), person.clone());
    let found = app
        .run(move |db| {
            let paper = read(&shared, db, &reader, &unit, &period)?;
            let history = db.summary_history(&unit, &period)?;
            let approved = paper.last.as_ref().filter(|s| s.step == Step::Approved);
            let signed = approved.map_or_else(|| Ok(Vec::new()), |s| db.summary_receipts(s.id))?;
            Ok(Found { paper, history, signed: signed.into_iter().collect() })
        })
        .await?;
    Ok(page(&app, &person, &found))
}

fn page(app: &App, person: &Person, found: &Found) -> Markup {
    let (l, c, last) = (person.lang, &found.paper.content, found.paper.last.as_ref());
    let heading =
        format!("{} {} {}", l.t("监听分析表", "Listening summary"), named(l, &c.unit), period_name(l, &c.period));
    let to = |kind: &str| format!("/summaries/one.{kind}?unit={}&period={}", url(&c.unit), url(&c.period));
    layout::page(
        person,
        &heading,
        "/summaries",
        &html! {
            main.report {
                div.bar { h1 { (heading) " " small { (c.from) " – " (c.to) } " " (chip(l, last)) }
                    span.screen { a href=(to("xlsx")) download { "XLSX" } " " a href=(to("csv")) download { "CSV" } " "
                        button type="button" data-do="print" { (l.t("打印", "print")) }
                        @if person.is_staff() { " " a href=(format!("/dashboard/report?period={}", url(&c.period))) { (l.t("数字背后的通话", "the calls behind it")) } } } }
                @if !found.paper.frozen { p.notice { (l.t("草稿：数字随复核变化，提交时定稿。", "A draft: figures follow the reviews until it is submitted.")) } }
                (sums(l, c))
                (agents(app, person, found))
                (history(app, person, &found.history))
                (actions(person, found))
                p.signed.paper { span { (l.t("制表：", "made by: ")) (by(found, Step::Submitted)) } span { (l.t("经理审批：", "approved by: ")) (by(found, Step::Approved)) } span { (l.t("日期：", "date: ")) } }
            }
        },
    )
}

/// Who did the last step of a kind.
fn by(found: &Found, step: Step) -> &str {
    found.history.iter().rfind(|s| s.step == step).map_or("", |s| s.by.as_str())
}

fn sums(l: Lang, c: &Content) -> Markup {
    let score = c.sums.score.map_or_else(|| "–".to_owned(), points);
    html! {
        div.tiles {
            div.tile { b { (c.sums.calls) } (l.t("通话", "calls")) }
            div.tile { b { (c.sums.heard) } (l.t("监听", "heard")) }
            div.tile { b { (score) } (l.t("平均监听得分", "mean score")) small { " n=" (c.sums.heard) } }
            div.tile { b { (c.sums.confirmed) } (l.t("有属实问题的通话", "calls with confirmed problems")) }
            div.tile { b { (c.appeals) } (l.t("申诉", "appeals")) small { " " (l.t("成立 ", "granted ")) (c.granted) } }
            @if let Some(r) = &c.rate { div.tile { b { (percent(r.at)) } (l.t("推断违规率", "estimated violation rate")) small { " " (range(r.low, r.high)) " n=" (r.n) } } }
        }
        p { b { (l.t("主要问题：", "main problems: ")) } (problems(l, &c.sums.problems)) }
    }
}

/// Confirmed problems with their numbers of calls.
pub(super) fn problems(l: Lang, problems: &[Problem]) -> Markup {
    html! {
        @if problems.is_empty() { span.soft { (l.t("没有属实的问题", "none confirmed")) } }
        @for (i, p) in problems.iter().enumerate() { @if i > 0 { (l.t("，", ", ")) } (p.title) " " (p.calls) (l.t(" 通", "")) }
    }
}

/// Remarks, each with how often it was made where that is more than once.
pub(super) fn remarks(person: &Person, remarks: &[(String, usize)]) -> String {
    let l = person.lang;
    let word = |(text, n): &(String, usize)| {
        let times = if *n > 1 { format!("{}{n}{}", l.t("（", " ("), l.t("）", ")")) } else { String::new() };
        visible(person, text) + &times
    };
    remarks.iter().map(word).collect::<Vec<_>>().join(l.t("；", "; "))
}

/// A score, or that there is none.
pub(super) fn score(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), points)
}

fn agents(app: &App, person: &Person, found: &Found) -> Markup {
    let (l, c) = (person.lang, &found.paper.content);
    let approved = found.paper.last.as_ref().is_some_and(|s| s.step == Step::Approved);
    html! {
        div.wide { table {
            caption { (l.t("坐席", "Agents")) }
            thead { tr { th scope="col" { (l.t("坐席", "agent")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("监听", "heard")) } th.num scope="col" { (l.t("平均得分", "mean score")) }
                @if c.is_month() { th.num scope="col" { (l.t("上半月", "first half")) } th.num scope="col" { (l.t("下半月", "second half")) } th.num scope="col" { (l.t("计入月度（×70%）", "counts 70 %")) } }
                th.num scope="col" { (l.t("属实", "confirmed")) } th scope="col" { (l.t("主要问题", "main problems")) } th scope="col" { (l.t("评语", "remarks")) }
                @if approved { th scope="col" { (l.t("签收", "signed")) } } } }
            tbody { @for part in &c.agents { tr {
                (cells(person, part))
                @if approved { td { @match found.signed.get(&part.agent) {
                    Some(at) => (when(app, *at)),
                    None if part.agent.is_empty() => "–",
                    None => span.busy { (l.t("待签收", "not signed")) } } } }
            } } }
        } }
    }
}

fn cells(person: &Person, part: &Part) -> Markup {
    let l = person.lang;
    html! {
        th scope="row" { (part.name) @if part.name != part.agent { small { (part.agent) } } }
        td.num { (part.sums.calls) } td.num { (part.sums.heard) } td.num { (score(part.sums.score)) }
        @if let Some(halves) = &part.halves {
            @for (mean, n) in halves { td.num { (score(*mean)) @if *n > 0 { small { "n=" (n) } } } }
            td.num { (score(part.month)) }
        }
        td.num { (part.sums.confirmed) } td { (problems(l, &part.sums.problems)) } td.text { (remarks(person, &part.remarks)) }
    }
}

fn history(app: &App, person: &Person, history: &[SummaryStep]) -> Markup {
    let l = person.lang;
    html! { @if !history.is_empty() { section { h2 { (l.t("经过", "What became of it")) }
    ul.plain { @for s in history { li { (when(app, s.at_us)) " · " (s.by) " · " b { (match s.step {
        Step::Submitted => l.t("提交", "submitted"), Step::Approved => l.t("审批通过", "approved"), Step::Returned => l.t("退回", "returned") }) }
        @if !s.remark.is_empty() { (l.t("：", ": ")) (visible(person, &s.remark)) } } } } } } }
}

/// What the reader may do: submit, or approve and return.
fn actions(person: &Person, found: &Found) -> Markup {
    let (l, c, last) = (person.lang, &found.paper.content, found.paper.last.as_ref());
    let open = last.is_none_or(|s| s.step == Step::Returned);
    html! {
        @if open && person.leads() {
            form.stack.screen action="/summaries/submit" method="post" data-draft-of=(format!("summary {} {}", c.unit, c.period)) { (csrf(person))
                input type="hidden" name="unit" value=(c.unit); input type="hidden" name="period" value=(c.period);
                input type="hidden" name="before" value=[last.map(|s| s.id)];
                label { (l.t("说明和培训计划（随表提交）", "Remarks and training plan (submitted with it)")) textarea name="remark" maxlength="2000" {} }
                button.primary type="submit" { (l.t("提交审批", "submit for approval")) } }
        }
        @if let Some(s) = last.filter(|s| s.step == Step::Submitted && approves(person)) {
            form.stack.screen action=(format!("/summaries/{}/decision", s.id)) method="post" { (csrf(person))
                label { (l.t("意见（退回必填）", "Remark (needed to return it)")) textarea name="remark" maxlength="2000" {} }
                div.pair {
                    button.primary type="submit" name="approved" value="1" { (l.t("审批通过", "approve")) }
                    button type="submit" name="approved" value="0" { (l.t("退回", "return")) } } }
        }
    }
}
