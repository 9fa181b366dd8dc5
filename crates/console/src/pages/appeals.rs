//! Appeals, and the page of an agent's own calls.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use callsift_reviews::{Appeal, AppealFilter, Role};
use maud::{Markup, html};
use rusqlite::Connection;

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::CallRow;
use crate::catalog::queue::NONE;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::layout::{csrf, page};
use crate::pages::parts::{call_name, title, visible};
use crate::pages::{call_url, when};

/// Which appeals a person may look at apart.
const STATES: [(&str, &str, &str); 4] =
    [("", "全部", "all"), ("open", "待裁定", "open"), ("late", "超期", "overdue"), ("decided", "已裁定", "decided")];

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

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    let filter = if person.is_staff() { AppealFilter::All } else { AppealFilter::Of(person.user().id) };
    let (asked, reader) = (Asked::of(&query), person.blind_name());
    let appeals = app
        .run(move |db| {
            let (mut appeals, blind) = (db.appeals(filter)?, db.blind_calls(&reader)?);
            appeals.retain(|a| asked.wants(a) && !blind.contains(&a.call_id));
            let mut out = Vec::new();
            for appeal in appeals {
                if asked.wants_call(db.connection(), &appeal.call_id)? {
                    out.push(appeal);
                }
            }
            Ok(out)
        })
        .await?;
    let l = person.lang;
    Ok(page(
        &person,
        l.t("申诉", "appeals"),
        "/appeals",
        &html! {
            main {
                div.bar { h1 { (l.t("申诉", "appeals")) " " small { (appeals.len()) } }
                    span { @for (state, zh, en) in STATES { a href=(format!("/appeals?state={state}")) { (l.t(zh, en)) } " " } } }
                @if appeals.is_empty() { p.empty { (l.t("没有申诉。", "No appeals.")) } }
                @for appeal in &appeals { (card(&app, &person, appeal)) }
            }
        },
    ))
}

fn card(app: &App, person: &Person, a: &Appeal) -> Markup {
    let l = person.lang;
    html! {
        article.card {
            header { a href=(call_url(&a.call_id)) { (call_name(person, &a.call_id)) } " · " b { (title(app, &a.rule_id)) } " · " (l.t("复核人 ", "reviewed by ")) (a.reviewer) }
            p { (a.by) (l.t("，", ", ")) (when(app, a.at_us)) (l.t("：", ": ")) (visible(person, &a.reason)) }
            @match &a.decision {
                Some((granted, reason, by, at_us)) => p {
                    b { (if *granted { l.t("申诉成立", "granted") } else { l.t("维持原判", "dismissed") }) } " · " (by) (l.t("，", ", ")) (when(app, *at_us)) (l.t("：", ": ")) (visible(person, reason))
                },
                None => { (deadline(app, l, a)) @if person.is_lead() { (decision(person, a)) } }
            }
        }
    }
}

fn deadline(app: &App, l: Lang, a: &Appeal) -> Markup {
    let late = now_us() > a.deadline_us;
    html! { p .problem[late] { (l.t("裁定期限：", "to be decided by ")) (when(app, a.deadline_us)) @if late { (l.t("（已超期）", " (overdue)")) } } }
}

fn decision(person: &Person, a: &Appeal) -> Markup {
    let l = person.lang;
    html! {
        form.stack action=(format!("/appeals/{}/decision", a.id)) method="post" data-draft-of=(format!("decision {}", a.id)) {
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
    sent.person.must_be(Role::Lead)?;
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
