//! An agent's own part of an approved summary: read and signed (签收).

use axum::extract::{Path, State};
use axum::response::Redirect;
use callsift_reviews::{Db, Step, SummaryPart};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::page_error::PageError;
use crate::pages::layout::{self, csrf};
use crate::pages::parts::{call_name, period_name};
use crate::pages::summaries::Content;
use crate::pages::summaries::content::Part;
use crate::pages::summaries::one::{problems, remarks, score};
use crate::pages::{points, when};

/// Parts that are listed.
const SHOWN: usize = 12;

/// The own part of a step that approved a summary.
fn find(db: &Db, agent: &str, step_id: i64) -> Result<(SummaryPart, Content), PageError> {
    let own = db.summary_parts(agent)?.into_iter().find(|p| p.step_id == step_id).ok_or(PageError::NotFound)?;
    Ok((own, Content::read(&db.summary_content(step_id)?)?))
}

pub(super) async fn show(State(app): State<Shared>, person: Person, Path(id): Path<i64>) -> Result<Markup, PageError> {
    let agent = person.agent().ok_or(PageError::NotFound)?.to_owned();
    let (own, content, by) = app
        .run(move |db| {
            let (own, content) = find(db, &agent, id)?;
            let history = db.summary_history(&own.unit, &own.period)?;
            let by = history.into_iter().find(|s| s.id == id && s.step == Step::Approved).map(|s| s.by);
            Ok((own, content, by.unwrap_or_default()))
        })
        .await?;
    let part = content.part(person.agent().unwrap_or_default()).ok_or(PageError::NotFound)?;
    Ok(page(&app, &person, (&own, &content, &by), part))
}

fn page(app: &App, person: &Person, (own, content, by): (&SummaryPart, &Content, &str), part: &Part) -> Markup {
    let l = person.lang;
    let heading = format!("{} {}", l.t("监听分析表", "Listening summary"), period_name(l, &own.period));
    layout::page(
        person,
        &heading,
        "/mine",
        &html! {
            main.report {
                div.bar { h1 { (heading) " " small { (own.unit) " · " (content.from) " – " (content.to) } }
                    span.screen { button type="button" data-do="print" { (l.t("打印", "print")) } } }
                p.said { (l.t("审批 ", "approved ")) (by) " · " (when(app, own.at_us)) }
                div.tiles {
                    div.tile { b { (part.sums.calls) } (l.t("通话", "calls")) }
                    div.tile { b { (part.sums.heard) } (l.t("监听", "heard")) }
                    div.tile { b { (score(part.sums.score)) } (l.t("平均监听得分", "mean score")) }
                    @if part.halves.is_some() { div.tile { b { (score(part.month)) } (l.t("计入月度（×70%）", "counts 70 %")) } }
                    div.tile { b { (part.sums.confirmed) } (l.t("有属实问题的通话", "calls with confirmed problems")) }
                }
                p { b { (l.t("主要问题：", "main problems: ")) } (problems(l, &part.sums.problems)) }
                @if !part.remarks.is_empty() { p { b { (l.t("评语：", "remarks: ")) } (remarks(person, &part.remarks)) } }
                (calls(person, part))
                (receipt(app, person, own))
            }
        },
    )
}

fn calls(person: &Person, part: &Part) -> Markup {
    let l = person.lang;
    html! {
        @if part.calls.is_empty() { p.empty { (l.t("这段时间没有复核过的通话。", "None of your calls was reviewed in this period.")) } } @else {
            div.wide { table {
                caption { (l.t("复核过的通话", "Reviewed calls")) }
                thead { tr { th scope="col" { (l.t("日期", "date")) } th scope="col" { (l.t("通话", "call")) } th.num scope="col" { (l.t("得分", "score")) } th scope="col" { (l.t("计入月度", "counts")) } } }
                tbody { @for c in &part.calls { tr { td { (c.date) } td { a href=(person.call_url(&c.call_id)) { (call_name(person, &c.call_id)) } }
                    td.num { (points(c.score)) } td { (if c.planned { l.t("是", "yes") } else { "–" }) } } } }
            } }
        }
    }
}

fn receipt(app: &App, person: &Person, own: &SummaryPart) -> Markup {
    let l = person.lang;
    html! { @match own.signed_us {
        Some(at) => p.good { (l.t("已签收 · ", "Signed · ")) (when(app, at)) },
        None => form.screen action=(format!("/summaries/part/{}/receipt", own.step_id)) method="post" { (csrf(person))
            button.primary type="submit" { (l.t("签收", "sign")) } " "
            small { (l.t("签收表示已看过。", "Signing says that you read it.")) } },
    } }
}

pub(super) async fn sign(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    let agent = sent.person.agent().ok_or(PageError::NotFound)?.to_owned();
    app.run(move |db| {
        let user = sent.person.user();
        db.sign_summary(id, &agent, user.id, now_us())?;
        Ok(db.log(now_us(), &user.name, "summary_sign", None, &id.to_string())?)
    })
    .await?;
    Ok(Redirect::to(&format!("/summaries/part/{id}")))
}

/// The agent's parts, on the own page.
pub(crate) fn section(app: &App, person: &Person, parts: &[SummaryPart]) -> Markup {
    let l = person.lang;
    html! { @if !parts.is_empty() {
        section #summaries { h2 { (l.t("监听分析表", "Listening summaries")) }
            ul.plain { @for p in parts.iter().take(SHOWN) { li {
                a href=(format!("/summaries/part/{}", p.step_id)) { (period_name(l, &p.period)) " " (p.unit) } " "
                @match p.signed_us { Some(at) => span.good { (l.t("已签收 ", "signed ")) (when(app, at)) }, None => span.busy { (l.t("待签收", "not signed")) } }
            } } } }
    } }
}
