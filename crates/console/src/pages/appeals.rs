//! Appeals, and the page of an agent's own calls.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use callsift_reviews::{Appeal, AppealFilter, Db, Role, Slot, VerdictRow};
use maud::{Markup, html};
use rusqlite::Connection;

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::CallRow;
use crate::catalog::queue::NONE;
use crate::lang::{Lang, judgement};
use crate::page_error::PageError;
use crate::pages::call::{Shown, evidence};
use crate::pages::chip::chip;
use crate::pages::layout::{csrf, page};
use crate::pages::pager::{self, Pages};
use crate::pages::parts::{call_name, copied, title, visible};
use crate::pages::{clock, drafts, points, when};

/// Which appeals a person may look at apart.
const STATES: [(&str, &str, &str); 4] =
    [("", "全部", "All"), ("open", "待裁定", "Open"), ("late", "超期", "Overdue"), ("decided", "已裁定", "Decided")];

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/appeals", get(show).post(make)).route("/appeals/{id}/decision", post(decide))
}

/// Which appeals a link asks for; empty texts mean: whatever.
struct Asked {
    from: String,
    to: String,
    agent: String,
    unit: String,
    state: String,
}

impl Asked {
    fn of(query: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| query.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
        Self { from: text("from"), to: text("to"), agent: text("agent"), unit: text("unit"), state: text("state") }
    }

    fn wants(&self, a: &Appeal) -> bool {
        let granted = a.decision.as_ref().map(|d| d.0);
        match self.state.as_str() {
            "open" => granted.is_none(),
            "late" => granted.is_none() && now_us() > a.deadline_us,
            "decided" => granted.is_some(),
            "granted" => granted == Some(true),
            _ => true,
        }
    }

    /// Whether the call fits; a call that the lake has no more fits where nothing is asked of it, and is not looked up.
    fn wants_call(&self, conn: &Connection, call_id: &str) -> rusqlite::Result<bool> {
        if [&self.from, &self.to, &self.agent, &self.unit].iter().all(|text| text.is_empty()) {
            return Ok(true);
        }
        let is = |asked: &str, own: &str| asked.is_empty() || own == if asked == NONE { "" } else { asked };
        let fits = |c: CallRow| {
            (self.from.is_empty() || c.date >= self.from)
                && (self.to.is_empty() || c.date <= self.to)
                && is(&self.agent, &c.agent_id)
                && is(&self.unit, &c.unit)
        };
        Ok(CallRow::find(conn, call_id)?.is_some_and(fits))
    }
}

/// Appeals on a page.
const PAGE: usize = 20;

/// An appeal with all that is needed to decide it.
struct Case {
    appeal: Appeal,
    /// Nothing where the lake holds the call no more.
    shown: Option<Shown>,
    /// What people said of the place, one after the other.
    history: Vec<VerdictRow>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    if person.team().is_some() {
        return Err(PageError::NotFound);
    }
    let filter = if person.is_staff() { AppealFilter::All } else { AppealFilter::Of(person.user().id) };
    let (asked, reader, wanted) = (Asked::of(&query), person.clone(), query.clone());
    let shared = app.clone();
    let (cases, count, pages, drafts) = app
        .run(move |db| {
            let (mut appeals, blind) = (db.appeals(filter)?, db.blind_calls(&reader.blind_name())?);
            appeals.retain(|a| asked.wants(a) && !blind.contains(&a.call_id));
            let mut found = Vec::new();
            for appeal in appeals {
                if asked.wants_call(db.connection(), &appeal.call_id)? {
                    found.push(appeal);
                }
            }
            let pages = Pages::asked(&wanted, "page", found.len(), PAGE);
            let (count, mut cases) = (found.len(), Vec::new());
            for appeal in found.into_iter().skip(pages.offset()).take(PAGE) {
                cases.push(case(&shared, db, &reader, appeal)?);
            }
            let mut drafts = db.drafts(reader.user().id, None)?;
            drafts.retain(|d| d.name.starts_with("decision "));
            Ok((cases, count, pages, drafts))
        })
        .await?;
    let l = person.lang;
    let state = query.get("state").map_or("", String::as_str);
    Ok(page(
        &person,
        l.t("申诉", "Appeals"),
        "/appeals",
        &html! {
            main {
                div.bar { h1 { (l.t("申诉", "Appeals")) " " small { (count) } }
                    span { @for (name, zh, en) in STATES { a href=(format!("/appeals?state={name}")) aria-current=[(name == state).then_some("true")] { (l.t(zh, en)) } " " } } }
                @if cases.is_empty() { (nothing(&person)) }
                @for case in &cases { (card(&app, &person, case)) }
                (pages.show(l, |page| pager::with("/appeals", &query, "page", page)))
                (drafts::embedded(&drafts))
            }
        },
    ))
}

fn nothing(person: &Person) -> Markup {
    let l = person.lang;
    html! { p.empty { @if person.is_staff() { (l.t("没有申诉。坐席可以在复核提交后七天内申诉，收到后会出现在这里，导航上有数目。",
    "No appeals. Agents may appeal within seven days of a submission; open ones appear here and are counted in the navigation.")) }
    @else { (l.t("您没有申诉。对结果有异议，可以在通话页的“申诉”里写明理由（提交后七天内）。",
    "You made no appeal. If you disagree with a result, say why under “appeal” on the page of the call, within seven days.")) } } }
}

/// Agents read what was published: the verdict and the decision.
fn case(app: &App, db: &Db, person: &Person, appeal: Appeal) -> Result<Case, PageError> {
    let shown = match Shown::load(app, db, person, &appeal.call_id) {
        Ok(shown) => Some(shown),
        Err(PageError::NotFound) => None,
        Err(e) => return Err(e),
    };
    let mut history = db.history_of(&appeal.call_id, Slot::First, &appeal.rule_id, &appeal.place)?;
    history.retain(|v| v.source != "appeal" && (person.is_staff() || v.id == appeal.verdict_id));
    Ok(Case { appeal, shown, history })
}

fn card(app: &App, person: &Person, case: &Case) -> Markup {
    let (l, a) = (person.lang, &case.appeal);
    html! {
        article.card #{ "a" (a.id) } {
            header { a href=(person.call_url(&a.call_id)) { (call_name(person, &a.call_id)) } (copied(l, &call_name(person, &a.call_id)))
                " · " b { (title(app, &a.rule_id)) }
                @if let Some(off) = case.shown.as_ref().and_then(|s| s.item(&a.rule_id)) { " " span.points { "−" (points(off)) } }
                " " (chip(person, case.shown.as_ref().and_then(Shown::standing))) }
            @match &case.shown {
                Some(shown) => { p.facts { (facts(app, shown)) } (sound(app, person, shown, a)) (evidence(app, person, shown, a)) },
                None => p.problem { (l.t("这通电话已不在库中，只能按记录裁定。", "The lake holds this call no more: decide by the record.")) },
            }
            ul.rest { @for v in &case.history { li { (when(app, v.at_us)) " · " (v.by) " · " b { (judgement(l, v.verdict.as_str())) }
                @if !v.note.is_empty() { (l.t("：", ": ")) (visible(person, &v.note)) } } } }
            p { b { (l.t("申诉理由", "Reason of the appeal")) } (l.t("（", " (")) (a.by) (l.t("，", ", ")) (when(app, a.at_us)) (l.t("）：", "): ")) (visible(person, &a.reason)) }
            @match &a.decision {
                Some((granted, reason, by, at_us)) => p {
                    b { (if *granted { l.t("申诉成立", "granted") } else { l.t("维持原判", "dismissed") }) } " · " (by) (l.t("，", ", ")) (when(app, *at_us)) (l.t("：", ": ")) (visible(person, reason))
                },
                None => { (deadline(app, l, a)) @if person.leads() { (decision(person, a)) } }
            }
        }
    }
}

fn facts(app: &App, shown: &Shown) -> String {
    let c = &shown.call;
    let time = c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t));
    [c.agent_name.clone(), c.unit.clone(), time, clock(c.duration_ms)]
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Sound before and after the place.
const AROUND_MS: i64 = 3_000;

/// The stretch in question, to be heard here.
fn sound(app: &App, person: &Person, shown: &Shown, a: &Appeal) -> Markup {
    let span = shown.span_of(&a.rule_id, &a.place);
    if app.options.recordings.is_none() || shown.call.is_failed() {
        return html! {};
    }
    let (from, to) = span.unwrap_or((0, shown.call.duration_ms));
    let seconds = |ms: i64| format!("{:.1}", ms.max(0) as f64 / 1000.0);
    let part =
        format!("#t={},{}", seconds(from - AROUND_MS), seconds((to + AROUND_MS).min(shown.call.duration_ms.max(to))));
    html! { p.sound { audio controls preload="none" src=(format!("{}/audio{part}", person.call_url(&a.call_id)))
    aria-label=(person.lang.t("争议片段", "the disputed stretch")) {} small { (clock(from)) "–" (clock(to)) } } }
}

fn deadline(app: &App, l: Lang, a: &Appeal) -> Markup {
    let late = now_us() > a.deadline_us;
    html! { p .problem[late] { (l.t("裁定期限：", "to be decided by ")) (when(app, a.deadline_us)) @if late { (l.t("（已超期）", " (overdue)")) } } }
}

fn decision(person: &Person, a: &Appeal) -> Markup {
    let l = person.lang;
    html! {
        form.stack action=(format!("/appeals/{}/decision", a.id)) method="post" data-draft-of=(format!("decision {}", a.id)) data-draft-call=(person.handle(&a.call_id)) {
            (csrf(person))
            label { (l.t("裁定理由（最终裁定）", "reason (the decision is final)")) textarea name="reason" required maxlength="1000" {} }
            div.pair {
                button name="granted" value="1" type="submit" { (l.t("申诉成立", "grant")) }
                button name="granted" value="0" type="submit" { (l.t("维持原判", "dismiss")) }
            }
        }
    }
}

/// An agent disputes a verdict on one of the own calls.
async fn make(State(app): State<Shared>, sent: Guarded) -> Result<Redirect, PageError> {
    let user = sent.person.user().clone();
    let verdict = sent.number("verdict").ok_or(PageError::NotFound)?;
    let reason = sent.remark("reason");
    app.run(move |db| {
        let row = db.verdict(verdict)?;
        let call = CallRow::find(db.connection(), &row.call_id)?.ok_or(PageError::NotFound)?;
        if user.role != Role::Agent || user.agent_id.as_deref() != Some(call.agent_id.as_str()) {
            return Err(PageError::NotFound);
        }
        db.appeal(verdict, &reason, user.id, now_us())?;
        Ok(db.log(now_us(), &user.name, "appeal", Some(&row.call_id), &row.rule_id)?)
    })
    .await?;
    Ok(Redirect::to("/appeals"))
}

async fn decide(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_lead()?;
    let (user, reason) = (sent.person.user().clone(), sent.remark("reason"));
    let granted = match sent.text("granted") {
        "1" => true,
        "0" => false,
        _ => return Err(PageError::Bad("请选择裁定结果 · choose a decision".to_owned())),
    };
    app.run(move |db| {
        db.decide(id, granted, &reason, user.id, now_us())?;
        Ok(db.log(now_us(), &user.name, "decide", None, &format!("appeal {id} granted {granted}"))?)
    })
    .await?;
    Ok(Redirect::to("/appeals"))
}
