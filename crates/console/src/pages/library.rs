//! The training library (培训库): good and bad examples. Staff enter them and leads hand them out; agents see what they
//! got, hear the stretch and sign. Whose call it was is not told to other agents.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use callsift_reviews::{Db, Handed, Lesson, NewLesson, Role};
use maud::{Markup, html};

use crate::addresses::CallId;
use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::CallRow;
use crate::catalog::queue::names;
use crate::catalog::rows::turns;
use crate::lang::{Lang, speaker};
use crate::page_error::PageError;
use crate::pages::call::{clip_of, find, said};
use crate::pages::layout::{self, csrf};
use crate::pages::pager::{self, Pages};
use crate::pages::parts::{call_name, visible};
use crate::pages::{clock, url, when};

/// Examples on a page.
const PAGE: usize = 30;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/library", get(show))
        .route("/library/{id}/clip", get(clip))
        .route("/library/{id}/receipt", post(sign))
        .route("/library/{id}/handout", post(hand_out))
        .route("/library/{id}/end", post(end))
        .route("/calls/{id}/lesson", post(enter))
}

/// An example with what was said in it; nothing where the lake holds the call no more.
struct Shown {
    lesson: Lesson,
    said: Option<Vec<(String, String)>>,
    signing: Signing,
}

/// Whether the reader is to sign an example.
#[derive(Debug, Clone, Copy)]
enum Signing {
    /// It was not handed out to the reader.
    No,
    Open,
    /// When it was signed.
    Done(i64),
}

struct Found {
    shown: Vec<Shown>,
    all: usize,
    pages: Pages,
    tags: BTreeSet<String>,
    units: Vec<String>,
    /// `good`, `bad` or empty.
    kind: String,
    tag: String,
}

/// What a person may find: agents what they got, staff all but what they are to hear blindly.
fn known(db: &Db, person: &Person) -> Result<Vec<(Lesson, Signing)>, PageError> {
    if let Some(agent) = person.agent() {
        let of = |h: Handed| (h.lesson, h.signed_us.map_or(Signing::Open, Signing::Done));
        return Ok(db.lessons_of(agent)?.into_iter().map(of).collect());
    }
    person.must_be(Role::Reviewer)?;
    let blind = db.blind_calls(&person.blind_name())?;
    let lessons = db.lessons()?.into_iter().filter(|l| !blind.contains(&l.call_id));
    Ok(lessons.map(|l| (l, Signing::No)).collect())
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    let (reader, asked) = (person.clone(), query.clone());
    let found = app
        .run(move |db| {
            let text = |name: &str| asked.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
            let (kind, tag) = (text("kind"), text("tag"));
            let mut lessons = known(db, &reader)?;
            let tags = lessons.iter().flat_map(|(l, _)| l.tags.split(' ')).filter(|t| !t.is_empty()).map(str::to_owned);
            let tags: BTreeSet<String> = tags.collect();
            lessons.retain(|(l, _)| match kind.as_str() {
                "good" => l.good,
                "bad" => !l.good,
                _ => true,
            });
            lessons.retain(|(l, _)| tag.is_empty() || l.tags.split(' ').any(|t| t == tag));
            let (all, pages) = (lessons.len(), Pages::asked(&asked, "page", lessons.len(), PAGE));
            let mut shown = Vec::new();
            for (lesson, signing) in lessons.into_iter().skip(pages.offset()).take(PAGE) {
                let said = words(db, &reader, &lesson)?;
                shown.push(Shown { lesson, said, signing });
            }
            let units = if reader.leads() { names(db.connection(), "unit")? } else { Vec::new() };
            Ok(Found { shown, all, pages, tags, units, kind, tag })
        })
        .await?;
    Ok(page(&app, &person, &found, &query))
}

/// What was said in the stretch, numbers masked as on the call's page.
fn words(db: &Db, person: &Person, lesson: &Lesson) -> Result<Option<Vec<(String, String)>>, PageError> {
    let conn = db.connection();
    let Some(call) = CallRow::find(conn, &lesson.call_id)? else { return Ok(None) };
    let (from, to) = lesson.span_ms;
    let inside = turns(conn, call.id)?.into_iter().filter(|t| t.span.start_ms < to && t.span.end_ms > from);
    Ok(Some(inside.map(|t| (t.role.clone(), said(person, &t))).collect()))
}

fn page(app: &App, person: &Person, found: &Found, query: &BTreeMap<String, String>) -> Markup {
    let l = person.lang;
    let link = |kind: &str| format!("/library?kind={kind}&tag={}", url(&found.tag));
    layout::page(
        person,
        l.t("培训库", "Training Library"),
        "/library",
        &html! {
            main {
                div.bar { h1 { (l.t("培训库", "Training Library")) " " small { (found.all) } }
                    span { @for (kind, name) in [("", l.t("全部", "All")), ("good", l.t("正面", "Good")), ("bad", l.t("反面", "Bad"))] {
                        a href=(link(kind)) aria-current=[(kind == found.kind).then_some("true")] { (name) } " " } } }
                @if !found.tags.is_empty() { p { @for tag in &found.tags { a href=(format!("/library?kind={}&tag={}", found.kind, url(tag))) aria-current=[(*tag == found.tag).then_some("true")] { "#" (visible(person, tag)) } " " }
                    @if !found.tag.is_empty() { a href=(format!("/library?kind={}", found.kind)) { (l.t("清除", "clear")) } } } }
                @if found.shown.is_empty() { p.empty { @if person.agent().is_some() { (l.t("还没有发给您的案例。主管发出后会出现在这里。", "No example was handed out to you yet.")) }
                    @else { (l.t("还没有案例。在通话页点“存入培训库”。", "No example yet: enter one on the page of a call.")) } } }
                @for shown in &found.shown { (card(app, person, found, shown)) }
                (found.pages.show(l, |page| pager::with("/library", query, "page", page)))
            }
        },
    )
}

fn card(app: &App, person: &Person, found: &Found, s: &Shown) -> Markup {
    let (l, x) = (person.lang, &s.lesson);
    html! {
        article.card #{ "l" (x.id) } {
            header { span.chip.(if x.good { "done" } else { "appeal" }) { (if x.good { l.t("正面", "Good") } else { l.t("反面", "Bad") }) } " " b { (visible(person, &x.title)) }
                @for tag in x.tags.split(' ').filter(|t| !t.is_empty()) { " " small { "#" (visible(person, tag)) } } }
            @if person.is_staff() { p.facts { a href=(person.call_url(&x.call_id)) { (call_name(person, &x.call_id)) } " @" (clock(x.span_ms.0)) " · " (x.by) " · " (when(app, x.at_us))
                " · " (l.t("已发 ", "handed out: ")) (x.agents) (l.t(" 人，签收 ", ", signed: ")) (x.signed) (l.t(" 人", "")) } }
            @if !x.note.is_empty() { p { (visible(person, &x.note)) } }
            @match &s.said {
                Some(said) => { (quotes(l, said)) @if app.options.recordings.is_some() { p.sound { audio controls preload="none" src=(format!("/library/{}/clip", x.id)) aria-label=(l.t("录音片段", "clip")) {} } } },
                None => p.problem { (l.t("这通电话已不在库中。", "The lake holds this call no more.")) },
            }
            (signing(app, person, s))
            @if person.leads() { (handing(person, found, x)) }
        }
    }
}

fn quotes(l: Lang, said: &[(String, String)]) -> Markup {
    html! { @if !said.is_empty() { blockquote { @for (role, text) in said { p { (speaker(l, role)) (l.t("：", ": ")) (text) } } } } }
}

fn signing(app: &App, person: &Person, s: &Shown) -> Markup {
    let l = person.lang;
    html! { @match s.signing {
        Signing::No => {},
        Signing::Done(at) => p.good { (l.t("已签收 · ", "Signed · ")) (when(app, at)) },
        Signing::Open => form action=(format!("/library/{}/receipt", s.lesson.id)) method="post" { (csrf(person)) button.primary type="submit" { (l.t("看过，签收", "seen: sign")) } },
    } }
}

fn handing(person: &Person, found: &Found, x: &Lesson) -> Markup {
    let l = person.lang;
    html! {
        form.filters action=(format!("/library/{}/handout", x.id)) method="post" { (csrf(person))
            label { (l.t("发给班组", "to team")) select name="unit" { option value="" { (l.t("（不选）", "(none)")) } @for unit in &found.units { option value=(unit) { (unit) } } } }
            label { (l.t("或工号（逗号分隔）", "or agents' numbers")) input name="agents" maxlength="500"; }
            button type="submit" { (l.t("发出", "hand out")) } }
        form action=(format!("/library/{}/end", x.id)) method="post" { (csrf(person)) button.link type="submit" { (l.t("撤下", "withdraw")) } }
    }
}

/// A reviewer enters a stretch of a call.
async fn enter(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_review()?;
    let lesson = app
        .run(move |db| {
            let call = find(db, &sent.person, &id)?;
            let ms =
                |name: &str| sent.text(name).parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1000.0) as i64);
            let (from, to) = (ms("from_s").unwrap_or(-1), ms("to_s").unwrap_or(-1));
            let good = match sent.text("good") {
                "1" => true,
                "0" => false,
                _ => return Err(PageError::Bad("请选择正面或反面 · good or bad".to_owned())),
            };
            let new = NewLesson {
                call_id: call.call_id,
                span_ms: (from, to.min(call.duration_ms.max(1))),
                good,
                title: sent.text("title").chars().take(100).collect(),
                tags: sent.text("tags").chars().take(100).collect(),
                note: sent.remark("note"),
                user_id: sent.person.user().id,
                at_us: now_us(),
            };
            let lesson = db.add_lesson(&new)?;
            db.log(now_us(), &sent.person.user().name, "lesson", Some(&id), "")?;
            Ok(lesson)
        })
        .await?;
    Ok(Redirect::to(&format!("/library#l{lesson}")))
}

async fn hand_out(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_lead()?;
    app.run(move |db| {
        let mut agents: Vec<String> =
            sent.text("agents").split([',', '，', ' ']).filter(|a| !a.is_empty()).map(str::to_owned).collect();
        let unit = sent.text("unit");
        if !unit.is_empty() {
            agents.extend(of_team(db, unit)?);
        }
        if agents.is_empty() {
            return Err(PageError::Bad("请选择班组或填写工号 · choose a team or agents".to_owned()));
        }
        let n = db.hand_out(id, &agents, sent.person.user().id, now_us())?;
        Ok(db.log(now_us(), &sent.person.user().name, "lesson_out", None, &format!("{id} {n}"))?)
    })
    .await?;
    Ok(Redirect::to(&format!("/library#l{id}")))
}

/// Agents with calls of a team in the last sixty days that the lake has.
fn of_team(db: &Db, unit: &str) -> Result<Vec<String>, PageError> {
    let sql = "SELECT DISTINCT agent_id FROM cat.calls WHERE unit = ?1 AND agent_id <> ''
               AND date >= (SELECT date(max(date), '-60 days') FROM cat.calls)";
    let mut statement = db.connection().prepare_cached(sql)?;
    Ok(statement.query_map([unit], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
}

async fn end(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_lead()?;
    app.run(move |db| {
        db.end_lesson(id, sent.person.user().id, now_us())?;
        Ok(db.log(now_us(), &sent.person.user().name, "lesson_end", None, &id.to_string())?)
    })
    .await?;
    Ok(Redirect::to("/library"))
}

async fn sign(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    let agent = sent.person.agent().ok_or(PageError::NotFound)?.to_owned();
    app.run(move |db| {
        db.sign_lesson(id, &agent, sent.person.user().id, now_us())?;
        Ok(db.log(now_us(), &sent.person.user().name, "lesson_sign", None, &id.to_string())?)
    })
    .await?;
    Ok(Redirect::to(&format!("/library#l{id}")))
}

/// The stretch, and nothing else of the call, for whoever may find the example.
async fn clip(State(app): State<Shared>, person: Person, Path(id): Path<i64>) -> Result<Response, PageError> {
    let reader = person.clone();
    let lesson = app
        .run(move |db| {
            let found = known(db, &reader)?.into_iter().find(|(l, _)| l.id == id);
            found.map(|(l, _)| l).ok_or(PageError::NotFound)
        })
        .await?;
    clip_of(app, person, lesson.call_id, lesson.span_ms).await
}

/// The form by which a reviewer enters a stretch of a call.
pub(super) fn adder(person: &Person, call_id: &str, duration_ms: i64) -> Markup {
    let l = person.lang;
    let last = (duration_ms > 0).then(|| format!("{:.1}", (duration_ms as f64 / 100.0).ceil() / 10.0));
    html! {
        details.add #lesson { summary { (l.t("存入培训库", "into the training library")) }
            form.stack action=(format!("{}/lesson", person.call_url(call_id))) method="post" data-draft-of=(format!("lesson {}", person.handle(call_id))) {
                (csrf(person))
                div.pair {
                    label { (l.t("从（秒）", "from (s)")) input name="from_s" type="number" step="0.1" min="0" max=[last.as_deref()] required; }
                    label { (l.t("到（秒）", "to (s)")) input name="to_s" type="number" step="0.1" min="0" max=[last.as_deref()] required; }
                }
                label { (l.t("正面还是反面", "good or bad")) select name="good" required { option value="" { (l.t("请选择", "choose")) }
                    option value="1" { (l.t("正面案例", "good example")) } option value="0" { (l.t("反面案例", "bad example")) } } }
                label { (l.t("标题", "title")) input name="title" required maxlength="100"; }
                label { (l.t("标签（空格分隔）", "tags, with blanks between")) input name="tags" maxlength="100"; }
                label { (l.t("说明", "note")) textarea name="note" maxlength="2000" {} }
                button type="submit" { (l.t("存入", "enter")) }
            }
        }
    }
}
