//! What a person has to do: reviews that are begun and not submitted, and the calls that draws gave.

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use callsift_reviews::{DRAWN_WHOLE, HEARD_ENOUGH};
use maud::{Markup, html};
use rusqlite::Connection;

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::CallRow;
use crate::catalog::standing::{Standing, standings};
use crate::page_error::PageError;
use crate::pages::chip::{chip, eyes};
use crate::pages::layout::{csrf, page};
use crate::pages::notice::Notice;
use crate::pages::pager::{self, Pages};
use crate::pages::parts::call_name;
use crate::pages::{clock, when};

/// Tasks on a page.
const PAGE: usize = 50;
/// Begun reviews that are named.
const BEGUN: usize = 30;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/tasks", get(show))
}

/// A call that a draw gave to a person, and whether it is done.
struct Task {
    call_id: String,
    title: String,
    why: String,
    /// It was heard as the draw asks.
    done: bool,
    /// The draw has it heard whole, not by its flagged places.
    whole: bool,
    /// Nothing where the lake holds the call no more.
    call: Option<CallRow>,
}

/// All tasks of a person, open ones first, in the order of their draws, the last draw first; what several draws gave stands
/// once, by the last. A blind duplicate looks like any other: `why` says why the call was drawn, not who hears it twice.
fn given(conn: &Connection, name: &str) -> rusqlite::Result<Vec<Task>> {
    let sql = format!(
        "SELECT d.call_id, w.title, d.why,
                 EXISTS (SELECT 1 FROM current_forms f WHERE f.call_id = d.call_id
                         AND f.slot = CASE WHEN d.duplicate = ?1 THEN 1 ELSE 0 END AND {HEARD_ENOUGH}),
                 {DRAWN_WHOLE}
               FROM draw_calls d JOIN draws w ON w.id = d.draw_id
               WHERE d.picked = 1 AND (d.reviewer = ?1 OR d.duplicate = ?1)
                 AND NOT EXISTS (SELECT 1 FROM draw_calls l WHERE l.call_id = d.call_id AND l.draw_id > d.draw_id
                                 AND l.picked = 1 AND (l.reviewer = ?1 OR l.duplicate = ?1))
               ORDER BY 4, d.draw_id DESC, d.position IS NULL, d.position, d.call_id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([name], |r| {
        Ok(Task { call_id: r.get(0)?, title: r.get(1)?, why: r.get(2)?, done: r.get(3)?, whole: r.get(4)?, call: None })
    })?;
    rows.collect()
}

/// All that the page shows.
struct Found {
    /// The tasks of the page, and how many there are in all, and done.
    tasks: Vec<Task>,
    all: usize,
    done: usize,
    pages: Pages,
    /// Calls with a review that is not submitted.
    begun: Vec<CallRow>,
    standings: HashMap<String, Standing>,
    notice: Option<Notice>,
    /// Done tasks are asked for.
    past: bool,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_review()?;
    let (reader, asked) = (person.clone(), query.clone());
    let found = app
        .run(move |db| {
            let conn = db.connection();
            let past = asked.get("show").is_some_and(|show| show == "done");
            let all = given(conn, &reader.user().name)?;
            let (count, done) = (all.len(), all.iter().filter(|t| t.done).count());
            let listed: Vec<Task> = all.into_iter().filter(|t| t.done == past).collect();
            let pages = Pages::asked(&asked, "page", listed.len(), PAGE);
            let mut tasks: Vec<Task> = listed.into_iter().skip(pages.offset()).take(PAGE).collect();
            for task in &mut tasks {
                task.call = CallRow::find(conn, &task.call_id)?;
            }
            let begun = begun(db, &reader)?;
            let blind = reader.blind_name();
            let ids = tasks.iter().map(|t| t.call_id.as_str()).chain(begun.iter().map(|c| c.call_id.as_str()));
            let standings = standings(conn, ids, now_us(), eyes(&reader, &blind))?;
            let notice = Notice::read(db, &reader, &asked)?;
            Ok(Found { tasks, all: count, done, pages, begun, standings, notice, past })
        })
        .await?;
    Ok(view(&app, &person, &found, &query))
}

/// Calls of which the person typed or said something that is not submitted, the newest first.
fn begun(db: &callsift_reviews::Db, person: &Person) -> Result<Vec<CallRow>, PageError> {
    let mut ids: Vec<String> = Vec::new();
    for draft in db.drafts(person.user().id, None)? {
        if !draft.call_id.is_empty() && !ids.contains(&draft.call_id) && ids.len() < BEGUN {
            ids.push(draft.call_id);
        }
    }
    let mut out = Vec::new();
    for id in ids {
        out.extend(CallRow::find(db.connection(), &id)?);
    }
    Ok(out)
}

fn view(app: &App, person: &Person, found: &Found, query: &BTreeMap<String, String>) -> Markup {
    let l = person.lang;
    let open = found.all - found.done;
    page(
        person,
        l.t("我的任务", "My Tasks"),
        "/tasks",
        &html! {
            main {
                @if let Some(notice) = &found.notice { (notice.show(person)) }
                div.bar { h1 { (l.t("我的任务", "My Tasks")) " " small { (l.t("还有 ", "left: ")) (open) (l.t(" 通，已完成 ", ", done: ")) (found.done) (l.t(" 通", "")) } }
                    form action="/queue/next" method="post" { (csrf(person))
                        button.primary type="submit" data-key="g" { (l.t("复核下一通 ▸", "review the next ▸")) kbd { "g" } } } }
                (unsubmitted(app, person, found))
                @if found.all > 0 {
                    progress max=(found.all) value=(found.done) aria-label=(l.t("完成多少", "how many are done")) {}
                    p { a href="/tasks" aria-current=[(!found.past).then_some("true")] { (l.t("待听 ", "To hear ")) (open) } " · "
                        a href="/tasks?show=done" aria-current=[found.past.then_some("true")] { (l.t("已完成 ", "Done ")) (found.done) } }
                }
                @if found.tasks.is_empty() { (nothing(person, found)) } @else { (table(person, found)) }
                (found.pages.show(l, |page| pager::with("/tasks", query, "page", page)))
            }
        },
    )
}

/// What was begun is one click away.
fn unsubmitted(app: &App, person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! {
        @if !found.begun.is_empty() {
            section.card { h2 { (l.t("还没有提交的复核 ", "Not submitted yet ")) small { (found.begun.len()) } }
                ul.plain { @for c in &found.begun { li {
                    a href=(person.call_url(&c.call_id)) { (c.agent_name) " " (c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t))) } " "
                    small { (call_name(person, &c.call_id)) } " " (chip(person, found.standings.get(&c.call_id)))
                } } }
            }
        }
    }
}

fn nothing(person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! {
        p.empty { @if found.all > 0 && !found.past { (l.t("任务都完成了。按 g 继续复核队列里最该听的电话。", "All tasks are done. Press g for the call of the queue most worth hearing.")) }
            @else if found.past { (l.t("还没有完成的任务。", "None is done yet.")) }
            @else { (l.t("没有分配给您的任务。按 g 从复核队列里最该听的电话开始。", "Nothing was given to you. Press g to begin with the call of the queue most worth hearing."))
                @if person.leads() { " " a href="/draws" { (l.t("抽样和分派", "Draw and hand out calls")) } (l.t("，分派后出现在各人的“我的任务”。", ": they appear under everybody's tasks.")) } } }
    }
}

fn table(person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    html! {
        div.wide { table.calls {
            caption.unseen { (l.t("任务", "Tasks")) }
            thead { tr { th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("坐席", "agent")) } th scope="col" { (l.t("班组", "unit")) } th scope="col" { (l.t("日期", "date")) }
                th.num scope="col" { (l.t("时长", "length")) } th scope="col" { (l.t("听法", "to hear")) } th scope="col" { (l.t("状态", "state")) } th scope="col" { (l.t("计划", "plan")) } th scope="col" { (l.t("抽取理由", "why")) } } }
            tbody { @for t in &found.tasks { tr {
                td { a href=(person.call_url(&t.call_id)) { (call_name(person, &t.call_id)) } }
                @match &t.call {
                    Some(c) => { td { (c.agent_name) } td { (c.unit) } td { (c.date) } td.num { (clock(c.duration_ms)) } },
                    None => td colspan="4" { span.soft { (l.t("已不在库中", "the lake holds it no more")) } },
                }
                td { @if t.whole { (l.t("全程听", "whole")) } @else { (l.t("只听片段", "flagged places")) } }
                td { (chip(person, found.standings.get(&t.call_id))) @if t.done { small { (l.t("任务完成", "done")) } } }
                td { (t.title) } td.text { (t.why) }
            } } }
        } }
    }
}
