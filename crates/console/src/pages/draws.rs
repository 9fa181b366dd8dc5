//! Sampling (抽样): a lead draws by a plan, sees who gets how much, hands out, gives to others and takes back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use callsift_reviews::{DrawLine, Handover, Share, User};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::figures::cells::last_day;
use crate::figures::period::Period;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::layout::{self, csrf};
use crate::pages::when;
use crate::sampler::{Outcome, Wish};

/// Draws that are listed.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/draws", get(list).post(draw))
        .route("/draws/{id}", get(one))
        .route("/draws/{id}/record.json", get(record))
        .route("/draws/{id}/handover", post(hand_over))
}

/// What the list of draws shows.
struct Found {
    lines: Vec<DrawLine>,
    people: Vec<User>,
    /// What is in the form: as it was sent, or as it is offered.
    wish: Wish,
    outcome: Option<Outcome>,
}

async fn list(State(app): State<Shared>, person: Person) -> Result<Markup, PageError> {
    person.must_lead()?;
    let by = person.user().name.clone();
    let found = app
        .run(move |db| {
            let day = last_day(db.connection())?;
            let [first, second, _] = Period::names_of(&day);
            let name = if day.get(8..).is_some_and(|d| d <= "15") { first } else { second };
            let half = Period::named(&name).unwrap_or(Period { from: day.clone(), to: day });
            let (from, to) = (half.from, half.to);
            let wish =
                Wish { plan: String::new(), seed: String::new(), from, to, reviewers: Vec::new(), by, save: false };
            Ok(Found { lines: db.draw_lines(SHOWN)?, people: reviewers(db.users()?), wish, outcome: None })
        })
        .await?;
    Ok(page(&app, &person, &found))
}

/// Who may get tasks.
fn reviewers(users: Vec<User>) -> Vec<User> {
    users.into_iter().filter(|u| u.role.reviews() && !u.disabled).collect()
}

/// What a form asks for. Without a seed it is made of plan and days: nobody can try seeds by pressing again.
fn wish(sent: &Guarded) -> Result<Wish, PageError> {
    let text = |name: &str| sent.text(name).to_owned();
    let bad = || PageError::Bad("请选择计划和起止日期 · choose a plan and days".to_owned());
    let days = Period::strict(sent.text("from"), sent.text("to")).filter(|p| p.from <= p.to).ok_or_else(bad)?;
    let plan = Some(text("plan")).filter(|p| !p.is_empty()).ok_or_else(bad)?;
    let picked = sent.fields().iter().filter(|(_, value)| *value == "1");
    let reviewers = picked.filter_map(|(name, _)| name.strip_prefix("reviewer.").map(str::to_owned)).collect();
    let seed = Some(text("seed")).filter(|s| !s.is_empty());
    let seed = seed.unwrap_or_else(|| format!("{plan} {} {}", days.from, days.to));
    let by = sent.person.user().name.clone();
    Ok(Wish { plan, seed, from: days.from, to: days.to, reviewers, by, save: sent.text("save") == "1" })
}

async fn draw(State(app): State<Shared>, sent: Guarded) -> Result<Response, PageError> {
    sent.person.must_lead()?;
    let sampler = app.options.sampler.clone().ok_or(PageError::NotFound)?;
    let wish = wish(&sent)?;
    let asked = wish.clone();
    let drawn = app.run(move |_| sampler.draw(&asked).map_err(PageError::Bad)).await?;
    if let Some(id) = drawn.saved {
        let (who, about) = (sent.person.user().name.clone(), format!("{} {}", wish.plan, wish.seed));
        app.run(move |db| Ok(db.log(now_us(), &who, "draw", None, &about)?)).await?;
        return Ok(Redirect::to(&format!("/draws/{id}")).into_response());
    }
    let found = app
        .run(move |db| {
            let (lines, people) = (db.draw_lines(SHOWN)?, reviewers(db.users()?));
            Ok(Found { lines, people, wish, outcome: Some(drawn) })
        })
        .await?;
    Ok(page(&app, &sent.person, &found).into_response())
}

fn page(app: &App, person: &Person, found: &Found) -> Markup {
    let l = person.lang;
    layout::page(
        person,
        l.t("抽样", "Sampling"),
        "/draws",
        &html! {
            main {
                div.bar { h1 { (l.t("抽样", "Sampling")) } }
                (form(app, person, found))
                @if let Some(outcome) = &found.outcome { (preview(l, outcome)) }
                section { h2 { (l.t("抽过的", "Draws")) }
                    @if found.lines.is_empty() { p.empty { (l.t("还没有抽样。在上面选计划、日期和质检员，先看工作量，再抽取。", "No draw yet. Choose a plan, days and reviewers above, look at the load, then draw.")) } } @else {
                        div.wide { table {
                            thead { tr { th scope="col" { (l.t("计划", "plan")) } th scope="col" { (l.t("抽取", "drawn")) } th scope="col" { (l.t("谁", "by")) } th scope="col" { (l.t("种子", "seed")) } th.num scope="col" { (l.t("可抽", "frame")) } } }
                            tbody { @for d in &found.lines { tr {
                                td { a href=(format!("/draws/{}", d.id)) { (d.title) } } td { (when(app, d.drawn_us)) } td { (d.drawn_by) } td { (d.seed) } td.num { (d.frame_calls) } } } }
                        } }
                    } }
            }
        },
    )
}

fn form(app: &App, person: &Person, found: &Found) -> Markup {
    let (l, w) = (person.lang, &found.wish);
    let plans = app.options.sampler.as_ref().map_or_else(Vec::new, |s| s.plans());
    html! {
        form.stack.card action="/draws" method="post" { (csrf(person))
            div.pair {
                label { (l.t("计划", "plan")) select name="plan" required { @for p in &plans { option value=(p.name) selected[p.name == w.plan] { (p.title) } } } }
                label { (l.t("种子（可不填）", "seed (optional)")) input name="seed" maxlength="100" value=(w.seed); }
            }
            div.pair {
                label { (l.t("从", "from")) input type="date" name="from" required value=(w.from); }
                label { (l.t("到", "to")) input type="date" name="to" required value=(w.to); }
            }
            fieldset { legend { (l.t("分派给", "Hand out to")) }
                @for u in &found.people { label.check { input type="checkbox" name=(format!("reviewer.{}", u.name)) value="1" checked[w.reviewers.contains(&u.name)]; (u.display) } }
                @if found.people.is_empty() { p.empty { (l.t("还没有质检员，请管理员在“用户”里添加。", "There is no reviewer: an administrator adds them under users.")) } } }
            div.pair {
                button type="submit" name="save" value="0" { (l.t("看工作量", "look at the load")) }
                button.primary type="submit" name="save" value="1" { (l.t("抽取并分派", "draw and hand out")) } }
        }
    }
}

fn preview(l: Lang, o: &Outcome) -> Markup {
    html! {
        section.card role="status" {
            h2 { (l.t("工作量", "Load")) }
            p { (l.t("可抽 ", "frame: ")) (o.frame_calls) (l.t(" 通，抽取 ", " calls, drawn: ")) b { (o.calls) } (l.t(" 通，坐席 ", ", agents: ")) (o.agents) (l.t(" 人", "")) }
            ul.plain { @for load in &o.loads { li { b { (load.reviewer) } " " (load.calls) (l.t(" 通", " calls"))
                @if load.held > 0 { (l.t("，其中此前已在手 ", ", had before: ")) (load.held) }
                @if let Some(m) = load.minutes { (l.t("，约 ", ", about ")) (format!("{m:.0}")) (l.t(" 分钟", " min")) } } } }
            @for note in &o.notes { p.note { (note) } }
            p.note { (l.t("还没有保存：看工作量不抽取任何通话给人，按“抽取并分派”才生效。每次查看也记在抽样日志里。", "Nothing is kept: only “draw and hand out” does. Every look is a line of the log of draws, too.")) }
        }
    }
}

/// What the page of a draw shows.
struct Shown {
    line: DrawLine,
    shares: Vec<Share>,
    people: Vec<User>,
}

async fn one(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_lead()?;
    let shown = app
        .run(move |db| {
            let line = db.draw_lines(u32::MAX)?.into_iter().find(|d| d.id == id).ok_or(PageError::NotFound)?;
            Ok(Shown { line, shares: db.draw_shares(id, now_us())?, people: reviewers(db.users()?) })
        })
        .await?;
    Ok(of_one(&app, &person, &shown, query.get("moved").map(String::as_str)))
}

fn of_one(app: &App, person: &Person, s: &Shown, moved: Option<&str>) -> Markup {
    let l = person.lang;
    let name = |login: &str| s.people.iter().find(|u| u.name == login).map_or(login.to_owned(), |u| u.display.clone());
    layout::page(
        person,
        &s.line.title,
        "/draws",
        &html! {
            main {
                div.bar { h1 { (s.line.title) " " small { (l.t("第 ", "draw ")) (s.line.id) (l.t(" 次", "")) } }
                    a href=(format!("/draws/{}/record.json", s.line.id)) download { (l.t("下载记录（sample verify 核对用）", "record, for sample verify")) } }
                p.facts { (when(app, s.line.drawn_us)) " · " (s.line.drawn_by) " · " (l.t("种子 ", "seed ")) (s.line.seed) " · " (l.t("可抽 ", "frame ")) (s.line.frame_calls) }
                @if let Some(n) = moved { p.notice role="status" { (l.t("已转 ", "moved: ")) (n) (l.t(" 通。已提交的、有人正在听的不动。", ". What is submitted or somebody is at stays.")) } }
                div.wide { table {
                    caption { (l.t("谁听多少", "Who hears how much")) }
                    thead { tr { th scope="col" { (l.t("质检员", "reviewer")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("已提交", "submitted")) } th.num scope="col" { (l.t("可转", "can be moved")) } th scope="col" { (l.t("转给别人、收回", "give to others, take back")) } } }
                    tbody { @for share in &s.shares { tr {
                        th scope="row" { @match &share.reviewer { Some(login) => (name(login)), None => span.soft { (l.t("没有分派", "nobody's task")) } } }
                        td.num { (share.calls) } td.num { (share.done) } td.num { (share.open) }
                        td { @if share.open > 0 { (mover(person, s, share)) } }
                    } } }
                } }
                p.note { (l.t("抽到哪些通话、概率多少不会改变，只换谁来听；每次转交都记下来。从名单末尾转起。", "Which calls were drawn, and with which chance, does not change; only who hears them. Each handover is kept. The end of the list moves first.")) }
            }
        },
    )
}

fn mover(person: &Person, s: &Shown, share: &Share) -> Markup {
    let l = person.lang;
    html! {
        form.filters action=(format!("/draws/{}/handover", s.line.id)) method="post" { (csrf(person))
            input type="hidden" name="from" value=(share.reviewer.as_deref().unwrap_or(""));
            input type="number" name="most" min="1" max=(share.open) value=(share.open) aria-label=(l.t("通数", "calls"));
            select name="to" aria-label=(l.t("转给", "to")) {
                @for u in s.people.iter().filter(|u| Some(&u.name) != share.reviewer.as_ref()) { option value=(u.name) { (u.display) } }
                @if share.reviewer.is_some() { option value="" { (l.t("收回", "take back")) } } }
            button type="submit" { (l.t("转", "move")) }
        }
    }
}

async fn hand_over(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_lead()?;
    let moved = app
        .run(move |db| {
            let some = |name: &str| Some(sent.text(name).to_owned()).filter(|t| !t.is_empty());
            let (from, to) = (some("from"), some("to"));
            let most = sent.number("most").and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
            let most = most.ok_or_else(|| PageError::Bad("请写明转多少通 · say how many".to_owned()))?;
            let user = sent.person.user();
            let (from, to) = (from.as_deref(), to.as_deref());
            let moved = db.hand_over(&Handover { draw_id: id, from, to, most, user_id: user.id, at_us: now_us() })?;
            let mut about = format!("{id} {} {moved}", from.unwrap_or("-"));
            // Writing to a text cannot fail.
            let _ = write!(about, " {}", to.unwrap_or("-"));
            db.log(now_us(), &user.name, "handover", None, &about)?;
            Ok(moved)
        })
        .await?;
    Ok(Redirect::to(&format!("/draws/{id}?moved={moved}")))
}

/// The record of a draw: what `callsift sample verify` repeats and compares.
async fn record(State(app): State<Shared>, person: Person, Path(id): Path<i64>) -> Result<Response, PageError> {
    person.must_lead()?;
    let text = app.run(move |db| Ok(db.draw_record(id)?)).await?;
    let name = format!("attachment; filename=\"draw-{id}.json\"");
    // As it is: what is compared must not be made readable.
    Ok(([(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, name)], text).into_response())
}
