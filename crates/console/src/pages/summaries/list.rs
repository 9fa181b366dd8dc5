//! What waits for whom, and all summaries of a month.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use callsift_reviews::{Role, Step, SummaryStep};
use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::catalog::queue::names;
use crate::figures::cells::last_day;
use crate::figures::period::Period;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::parts::{period_name, visible};
use crate::pages::summaries::{address, approves, chip};
use crate::pages::{layout, url, when};

/// All that the page shows.
struct Found {
    /// `2026-11`.
    month: String,
    units: Vec<String>,
    steps: Vec<SummaryStep>,
    /// What waits, of whatever month; nothing for team leads.
    open: Vec<SummaryStep>,
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::TeamLead)?;
    let asked = query.get("month").filter(|m| m.len() == 7 && Period::named(m).is_some()).cloned();
    let reader = person.clone();
    let found = app
        .run(move |db| {
            let conn = db.connection();
            let last = last_day(conn)?;
            let month = asked.unwrap_or_else(|| last.get(..7).unwrap_or_default().to_owned());
            let mut steps = db.summaries(&Period::names_of(&month))?;
            let mut units: BTreeSet<String> = names(conn, "unit")?.into_iter().collect();
            units.extend(steps.iter().map(|s| s.unit.clone()));
            if units.is_empty() {
                units.insert(String::new());
            }
            if let Some(team) = reader.team() {
                units.retain(|unit| unit == team);
                steps.retain(|s| s.unit == team && s.step == Step::Approved);
            }
            let open = if reader.is_staff() { db.open_summaries()? } else { Vec::new() };
            Ok(Found { month, units: units.into_iter().collect(), steps, open })
        })
        .await?;
    Ok(page(&app, &person, &found))
}

fn page(app: &App, person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    layout::page(
        person,
        l.t("监听分析表", "Listening Summaries"),
        "/summaries",
        &html! {
            main {
                div.bar { h1 { (l.t("监听分析表", "Listening Summaries")) " " small { (found.month) } }
                    span { @for (month, name) in beside(l, &found.month) { a href=(format!("/summaries?month={}", url(&month))) { (name) } " " } } }
                (waiting(app, person, found))
                (table(person, found))
                details { summary { (l.t("流程", "How it goes")) } p.note { (l.t("主管核对各班组的半月和全月分析表并提交，提交时的数字和评语就此定稿；经理三天内审批或写明原因退回；审批后每个坐席在“我的质检”里看到自己的部分并签收。审批过的表不再随后来的判断、申诉改变。",
                    "A lead checks the half-monthly and monthly summary of each team and submits it: figures and remarks are frozen. The manager approves it within three days, or returns it and says why. Then every agent finds the own part under my calls and signs it. What was approved never changes, whatever is judged or appealed later.")) } }
            }
        },
    )
}

/// The months beside one.
fn beside(l: Lang, month: &str) -> Vec<(String, &'static str)> {
    let Ok(first) = format!("{month}-01").parse::<Date>() else { return Vec::new() };
    let name = |day: Date| day.to_string().get(..7).unwrap_or_default().to_owned();
    let before = first.checked_sub(1.month()).ok().map(|d| (name(d), l.t("◂ 上月", "◂ month before")));
    let after = first.checked_add(1.month()).ok().map(|d| (name(d), l.t("下月 ▸", "month after ▸")));
    before.into_iter().chain(after).collect()
}

fn waiting(app: &App, person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    let wanted = if approves(person) { Step::Submitted } else { Step::Returned };
    let (own, others): (Vec<&SummaryStep>, Vec<&SummaryStep>) = found.open.iter().partition(|s| s.step == wanted);
    let line = |s: &SummaryStep| {
        html! { li { a href=(address(&s.unit, &s.period)) { (named(l, &s.unit)) " " (period_name(l, &s.period)) } " " (chip(l, Some(s)))
        " " small { (s.by) " · " (when(app, s.at_us)) @if !s.remark.is_empty() { (l.t("：", ": ")) (visible(person, &s.remark)) } } } }
    };
    html! {
        @if !own.is_empty() {
            section.card { h2 { (if approves(person) { l.t("待您审批 ", "For you to approve ") } else { l.t("被退回 ", "Returned ") }) small { (own.len()) } }
                ul.plain { @for s in own { (line(s)) } } }
        }
        @if !others.is_empty() && !approves(person) {
            section.card { h2 { (l.t("等经理审批 ", "Waiting for the manager ")) small { (others.len()) } } ul.plain { @for s in others { (line(s)) } } }
        }
    }
}

/// The name of a team.
pub(super) fn named(l: Lang, unit: &str) -> String {
    if unit.is_empty() { l.t("（未分组）", "(no unit)").to_owned() } else { unit.to_owned() }
}

fn table(person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    let periods = Period::names_of(&found.month);
    let last = |unit: &str, period: &str| found.steps.iter().find(|s| s.unit == unit && s.period == period);
    html! {
        @if found.units.is_empty() { p.empty { (l.t("没有班组。", "There are no teams.")) } } @else {
            div.wide { table {
                caption { (l.t("本月各班组", "Teams of the month")) }
                thead { tr { th scope="col" { (l.t("班组", "team")) } @for period in &periods { th scope="col" { (period_name(l, period)) } } } }
                tbody { @for unit in &found.units { tr {
                    th scope="row" { (named(l, unit)) }
                    @for period in &periods { @let last = last(unit, period); td {
                        @if last.is_some() || person.is_staff() { a href=(address(unit, period)) { (chip(l, last)) } } @else { span.soft { (l.t("未审批", "not approved yet")) } }
                    } }
                } } }
            } }
        }
    }
}
