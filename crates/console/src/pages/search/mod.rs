//! One box for everything: the number of a call, a customer, an agent, or words that were said.

mod calls;
mod highlight;
mod words;

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use callsift_reviews::Role;
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::CallRow;
use crate::catalog::queue::names;
use crate::catalog::standing::{Standing, standings};
use crate::page_error::PageError;
use crate::pages::chip::{chip, eyes};
use crate::pages::parts::{call_name, copied, visible};
use crate::pages::{clock, layout, pager, url, when};

/// Longest text that is looked for.
const MOST_CHARS: usize = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/search", get(show))
}

/// All that was found.
struct Found {
    asked: words::Asked,
    calls: calls::Found,
    turns: words::Found,
    standings: HashMap<String, Standing>,
    units: Vec<String>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    person.must_be(Role::TeamLead)?;
    let q: String = query.get("q").map(|q| q.trim().chars().take(MOST_CHARS).collect()).unwrap_or_default();
    let asked = words::Asked::of(&query, q.clone())?.within(person.team());
    let reader = person.clone();
    let found = app
        .run(move |db| {
            let conn = db.connection();
            let calls = if asked.page == 0 { calls::find(conn, &reader, &q)? } else { calls::Found::default() };
            let turns = words::find(conn, &asked)?;
            let ids =
                calls.calls.iter().map(|c| c.call_id.as_str()).chain(turns.turns.iter().map(|t| t.call_id.as_str()));
            let blind = reader.blind_name();
            let standings = standings(conn, ids, now_us(), eyes(&reader, &blind))?;
            let units = reader.team().map_or_else(|| names(conn, "unit"), |team| Ok(vec![team.to_owned()]))?;
            Ok(Found { asked, calls, turns, standings, units })
        })
        .await?;
    // Whoever types the whole number of a call means that call.
    if let [call] = found.calls.calls.as_slice()
        && found.calls.exact
        && query.len() == 1
    {
        return Ok(Redirect::to(&person.call_url(&call.call_id)).into_response());
    }
    Ok(page(&app, &person, &found, &query).into_response())
}

fn page(app: &App, person: &Person, found: &Found, query: &BTreeMap<String, String>) -> Markup {
    let (l, q) = (person.lang, &found.asked.q);
    let before = found.asked.page * words::PAGE;
    let to = |page| pager::with("/search", query, "page", page);
    let here = html! { span { (before + 1) "–" (before + found.turns.turns.len()) } };
    let nothing = found.turns.turns.is_empty() && found.calls.is_empty();
    layout::page(
        person,
        l.t("查找", "Find"),
        "/search",
        &html! {
            main {
                h1 { (l.t("查找：", "Find: ")) (q) " " small { (before + found.turns.turns.len()) @if found.turns.more { "+" } } }
                (words::filters(l, &found.asked, &found.units))
                @if found.calls.hidden { p.note { (l.t("您没有看完整号码的权限，不能按客户号码查找；可以按通话编号、坐席或说过的话查找。",
                    "You may not see customers' numbers, so calls cannot be found by them; use the call, the agent or words.")) } }
                (agents(person, found)) (listed(app, person, found))
                @if nothing { (empty(person, q)) }
                @if !found.turns.turns.is_empty() { h2 { (l.t("说过的话", "What was said")) } (words::table(person, &found.turns, q, &found.standings)) }
                @if found.turns.cut { p.note { (l.t("说过这些话的句子太多，只查了最新的两万句；请缩小日期范围。", "Too many turns say so: only the newest twenty thousand were looked at; choose fewer days.")) } }
                @if found.turns.more || found.asked.page > 0 { (pager::neighbours(l, found.asked.page, found.turns.more, &here, to)) }
            }
        },
    )
}

fn empty(person: &Person, q: &str) -> Markup {
    let l = person.lang;
    html! { p.empty {
        @if q.is_empty() { (l.t("在上方的框里输入通话编号、客户、坐席工号或姓名，或者电话里说过的话。按 / 可以随时跳到这个框。",
            "Type the number of a call, a customer, an agent's number or name, or words that were said into the box above. Press / to get there.")) }
        @else { (l.t("未找到包含“", "Nothing found for “")) (q) (l.t("”的通话。可以少写几个字，或清除日期等筛选条件。", "”. Type less of it, or clear the filters.")) }
    } }
}

/// Agents, each two clicks from a reviewed call.
fn agents(person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! { @if !found.calls.agents.is_empty() {
        h2 { (l.t("坐席", "Agents")) }
        ul.plain { @for (id, name) in &found.calls.agents { li {
            @if person.is_staff() { a href=(format!("/agents/{}", url(id))) { (name) } } @else { a href=(format!("/team?agent={}", url(id))) { (name) } }
            @if id != name { " " small { (id) } }
            @if person.is_staff() { " · " a href=(format!("/queue?agent={}&state=done&order=newest", url(id))) { (l.t("复核过的通话", "reviewed calls")) }
            " · " a href=(format!("/queue?agent={}&state=all&order=newest", url(id))) { (l.t("全部通话", "all calls")) } }
        } } }
    } }
}

/// Calls by their number or their customer.
fn listed(app: &App, person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! { @if !found.calls.calls.is_empty() {
        h2 { (l.t("通话", "Calls")) }
        div.wide { table.calls {
            thead { tr { th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("时间", "time")) } th scope="col" { (l.t("坐席", "agent")) } th scope="col" { (l.t("客户", "customer")) } th.num scope="col" { (l.t("时长", "length")) } th scope="col" { (l.t("状态", "state")) } } }
            tbody { @for c in &found.calls.calls { (line(app, person, c, found.standings.get(&c.call_id))) } }
        } }
        @if found.calls.more { p.note { (l.t("还有更多，请写得更完整。", "There are more: type more of it.")) } }
    } }
}

fn line(app: &App, person: &Person, c: &CallRow, standing: Option<&Standing>) -> Markup {
    html! { tr {
        td { a href=(person.call_url(&c.call_id)) { (call_name(person, &c.call_id)) } (copied(person.lang, &call_name(person, &c.call_id))) }
        td { (c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t))) }
        td { (c.agent_name) @if c.agent_id != c.agent_name { small { (c.agent_id) } } }
        td { @if let Some(customer) = &c.customer_id { (visible(person, customer)) } }
        td.num { (clock(c.duration_ms)) } td { (chip(person, standing)) }
    } }
}
