//! Search over everything that was said.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use callsift_reviews::Role;
use maud::{Markup, html};

use crate::app::Shared;
use crate::auth::Person;
use crate::catalog::text_query;
use crate::lang::speaker;
use crate::page_error::PageError;
use crate::pages::parts::{call_name, visible};
use crate::pages::{call_url, clock, layout, pager};

/// Turns on a page.
const PAGE: usize = 100;
/// Pages that are looked at.
const MOST: usize = 1_000;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/search", get(show))
}

struct Found {
    call_id: String,
    date: String,
    agent: String,
    turn: i64,
    role: String,
    start_ms: i64,
    text: String,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let asked = query.get("q").map(|q| q.trim().to_owned()).unwrap_or_default();
    let page = query.get("page").and_then(|n| n.trim().parse().ok()).unwrap_or(0_usize).min(MOST);
    let mut found = match text_query(&asked) {
        None => Vec::new(),
        Some(words) => app.run(move |db| Ok(search(db.connection(), &words, page)?)).await?,
    };
    // One more than a page holds tells that there is another one; counting all would cost as much as reading them.
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let (l, before) = (person.lang, page * PAGE);
    let to = |page| pager::with("/search", &query, "page", page);
    let here = html! { span { (before + 1) "–" (before + found.len()) } };
    Ok(layout::page(
        &person,
        l.t("搜索", "search"),
        "/search",
        &html! {
            main {
                h1 { (l.t("搜索：", "search: ")) (asked) " " small { (before + found.len()) @if more { "+" } } }
                @if found.is_empty() { p.empty { (l.t("没有人这样说过。", "Nobody said so.")) } }
                table.calls { tbody { @for f in &found { tr {
                    td { a href=(format!("{}#t{}", call_url(&f.call_id), f.turn)) { (f.date) } small { (call_name(&person, &f.call_id)) " · " (l.t("通话中 ", "at ")) (clock(f.start_ms)) (l.t("", " of the call")) } }
                    td { (f.agent) }
                    td.text { (speaker(l, &f.role)) (l.t("：", ": ")) (visible(&person, &f.text)) }
                } } } }
                @if more || page > 0 { (pager::neighbours(l, page, more, &here, to)) }
            }
        },
    ))
}

/// Newest part first, as turns were entered: a page of turns and one more.
fn search(conn: &rusqlite::Connection, query: &str, page: usize) -> rusqlite::Result<Vec<Found>> {
    let sql = "SELECT c.call_id, c.date, c.agent_name, t.turn, t.role, t.start_ms, t.text
               FROM (SELECT rowid FROM cat.turns_text WHERE turns_text MATCH ?1 ORDER BY rowid DESC LIMIT ?2 OFFSET ?3) x
               JOIN cat.turns t ON t.id = x.rowid JOIN cat.calls c ON c.id = t.call ORDER BY t.id DESC";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(rusqlite::params![query, PAGE as i64 + 1, (page * PAGE) as i64], |r| {
        let (call_id, date, agent, turn) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        Ok(Found { call_id, date, agent, turn, role: r.get(4)?, start_ms: r.get(5)?, text: r.get(6)? })
    })?;
    rows.collect()
}
