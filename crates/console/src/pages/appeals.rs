//! Appeals, and the page of an agent's own calls.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use callsift_reviews::{Appeal, AppealFilter, Role};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::CallRow;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::layout::{csrf, page};
use crate::pages::parts::title;
use crate::pages::{call_url, when};

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/appeals", get(show).post(make)).route("/appeals/{id}/decision", post(decide))
}

async fn show(State(app): State<Shared>, person: Person) -> Result<Markup, PageError> {
    let filter = if person.is_staff() { AppealFilter::All } else { AppealFilter::Of(person.user().id) };
    let appeals = app.run(move |db| Ok(db.appeals(filter)?)).await?;
    let l = person.lang;
    Ok(page(
        &person,
        l.t("申诉", "appeals"),
        "/appeals",
        &html! {
            main {
                h1 { (l.t("申诉", "appeals")) " " small { (appeals.len()) } }
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
            header { a href=(call_url(&a.call_id)) { (a.call_id) } " · " b { (title(app, &a.rule_id)) } " · " (l.t("复核人 ", "reviewed by ")) (a.reviewer) }
            p { (a.by) "，" (when(app, a.at_us)) "：" (a.reason) }
            @match &a.decision {
                Some((granted, reason, by, at_us)) => p {
                    b { (if *granted { l.t("申诉成立", "granted") } else { l.t("维持原判", "dismissed") }) } " · " (by) "，" (when(app, *at_us)) "：" (reason)
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
        form.stack action=(format!("/appeals/{}/decision", a.id)) method="post" {
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
    let reason = sent.text("reason").to_owned();
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
    let (user, reason) = (sent.person.user().clone(), sent.text("reason").to_owned());
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
