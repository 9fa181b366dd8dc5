//! The page of a team lead (班长): the own team's agents and what was submitted of their calls. Nothing of other teams,
//! and nothing that only the machine says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use maud::{Markup, html};

use crate::app::{Shared, now_us};
use crate::auth::Person;
use crate::catalog::standing::{Eyes, Standing, standings};
use crate::figures::cells::Heard;
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::page_error::PageError;
use crate::pages::chip::chip;
use crate::pages::layout;
use crate::pages::pager::{self, Pages};
use crate::pages::parts::{call_name, chooser, led, visible};
use crate::pages::raised;
use crate::pages::{points, url};

/// Calls on a page.
const PAGE: usize = 50;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/team", get(show))
}

/// All that the page shows.
struct Found {
    team: String,
    period: Period,
    figures: Arc<Figures>,
    /// The agent that is asked for; empty for all.
    agent: String,
    /// Submitted calls of the page, and how many there are.
    heard: Vec<Heard>,
    all: usize,
    pages: Pages,
    standings: HashMap<String, Standing>,
    /// Faults that nobody acknowledged, and when the oldest was raised.
    raised: (i64, Option<i64>),
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    let team = person.team().ok_or(PageError::NotFound)?.to_owned();
    let (shared, asked) = (app.clone(), query.clone());
    let found = app
        .run(move |db| {
            let conn = db.connection();
            let (period, figures) = shared.figures.asked(conn, &asked)?;
            let agent = asked.get("agent").map(|a| a.trim().to_owned()).unwrap_or_default();
            let rows = if agent.is_empty() { figures.rows().unit(&team) } else { figures.rows().agent(&team, &agent) };
            let mut heard: Vec<&Heard> = rows.heard.iter().collect();
            heard.sort_by(|a, b| (&b.at.date, &a.call_id).cmp(&(&a.at.date, &b.call_id)));
            let (all, pages) = (heard.len(), Pages::asked(&asked, "page", heard.len(), PAGE));
            let heard: Vec<Heard> = heard.into_iter().skip(pages.offset()).take(PAGE).cloned().collect();
            let ids = heard.iter().map(|h| h.call_id.as_str());
            let standings = standings(conn, ids, now_us(), Eyes { blind: "", staff: false })?;
            let raised = db.raised_open(Some(&team))?;
            Ok(Found { team, period, figures, agent, heard, all, pages, standings, raised })
        })
        .await?;
    Ok(page(&person, &found, &query))
}

fn page(person: &Person, found: &Found, query: &BTreeMap<String, String>) -> Markup {
    let (l, p) = (person.lang, &found.period);
    layout::page(
        person,
        l.t("我的班组", "My Team"),
        "/team",
        &html! {
            main {
                div.bar { h1 { (l.t("我的班组", "My Team")) " " small { (found.team) } } }
                (chooser(l, "/team", p, true))
                div.tiles { (raised::tile(l, found.raised)) }
                (agents(person, found))
                section #heard { h2 { (l.t("复核过的通话", "Reviewed calls")) " " small { (found.all) }
                        @if !found.agent.is_empty() { " " small { (found.figures.name(&found.agent)) " · " a href=(format!("/team?from={}&to={}", p.from, p.to)) { (l.t("看全组", "the whole team")) } } } }
                    (calls(person, found))
                    (found.pages.show(l, |page| pager::with("/team", query, "page", page))) }
            }
        },
    )
}

fn agents(person: &Person, found: &Found) -> Markup {
    let (l, f, p) = (person.lang, &found.figures, &found.period);
    let agents = f.agents(&found.team);
    html! {
        @if agents.is_empty() { p.empty { (l.t("这段时间本组没有通话。可以在上面换日期。", "The team has no calls in these days. Choose others above.")) } } @else {
            div.wide { table {
                caption { (l.t("坐席", "Agents")) }
                thead { tr { th scope="col" { (l.t("坐席", "agent")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("已复核", "reviewed")) }
                    th.num scope="col" { (l.t("平均监听得分", "mean score")) } th.num scope="col" { (l.t("有属实问题的通话", "calls with confirmed problems")) } } }
                tbody { @for agent in agents {
                    @let rows = f.rows().agent(&found.team, agent);
                    @let (sum, (score, n)) = (rows.total(), rows.score(|_| true));
                    @let address = format!("/team?from={}&to={}&agent={}#heard", p.from, p.to, url(agent));
                    tr {
                        td { (f.name(agent)) @if f.name(agent) != agent { small { (agent) } } }
                        td.num { (sum.calls) } td.num { (led(usize::try_from(sum.heard).unwrap_or(0), &address)) }
                        td.num { (score.map_or_else(|| "–".to_owned(), points)) @if n > 0 { small { " n=" (n) } } }
                        td.num { (sum.confirmed) }
                    }
                } }
            } }
        }
    }
}

fn calls(person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! {
        @if found.heard.is_empty() { p.empty { (l.t("还没有提交的复核。质检员提交后会出现在这里。", "No review is submitted yet; they appear here when they are.")) } } @else {
            div.wide { table.calls {
                caption.unseen { (l.t("复核过的通话", "Reviewed calls")) }
                thead { tr { th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("坐席", "agent")) } th scope="col" { (l.t("状态", "state")) }
                    th scope="col" { (l.t("优点", "strengths")) } th scope="col" { (l.t("不足", "weaknesses")) } } }
                tbody { @for h in &found.heard { tr {
                    td { a href=(person.call_url(&h.call_id)) { (h.at.date) } small { (call_name(person, &h.call_id)) } }
                    td { (found.figures.name(&h.at.agent)) }
                    td { (chip(person, found.standings.get(&h.call_id))) }
                    td.text { (visible(person, &h.strengths)) } td.text { (visible(person, &h.weaknesses)) }
                } } }
            } }
        }
    }
}
