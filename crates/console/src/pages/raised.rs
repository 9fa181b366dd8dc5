//! What was raised the same day (当日差错): for the team lead of the call's team, and for staff.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use callsift_reviews::{NewRaised, Raised, RaisedKind};
use maud::{Markup, html};

use crate::addresses::CallId;
use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::figures::cells::names;
use crate::lang::{Lang, severity};
use crate::page_error::PageError;
use crate::pages::call::find;
use crate::pages::layout::{self, csrf};
use crate::pages::pager::{self, Pages};
use crate::pages::parts::{call_name, title, visible};
use crate::pages::{clock, day_of, when};

/// Faults on a page.
const PAGE: usize = 30;
/// Sound before and after the place.
const AROUND_MS: i64 = 3_000;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/raised", get(show))
        .route("/raised/{id}/ack", post(acknowledge))
        .route("/calls/{id}/raise", post(flag))
}

/// Whose faults a person may read of: a team lead's own team, staff's all.
fn must_know(person: &Person) -> Result<(), PageError> {
    if person.is_staff() || person.team().is_some() { Ok(()) } else { Err(PageError::NotFound) }
}

/// Whether the person is to deal with a fault: the team lead of its team, and leads.
fn deals(person: &Person, r: &Raised) -> bool {
    person.leads() || person.team() == Some(r.unit.as_str())
}

/// All that the page shows.
struct Found {
    raised: Vec<Raised>,
    all: usize,
    pages: Pages,
    names: BTreeMap<String, String>,
    open: bool,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    must_know(&person)?;
    let (reader, asked) = (person.clone(), query.clone());
    let found = app
        .run(move |db| {
            let open = asked.get("state").is_none_or(|s| s != "all");
            let mut raised = db.raised(reader.team(), open)?;
            let blind = db.blind_calls(&reader.blind_name())?;
            raised.retain(|r| !blind.contains(&r.call_id));
            let (all, pages) = (raised.len(), Pages::asked(&asked, "page", raised.len(), PAGE));
            let raised = raised.into_iter().skip(pages.offset()).take(PAGE).collect();
            Ok(Found { raised, all, pages, names: names(db.connection())?, open })
        })
        .await?;
    Ok(page(&app, &person, &found, &query))
}

fn page(app: &App, person: &Person, found: &Found, query: &BTreeMap<String, String>) -> Markup {
    let l = person.lang;
    layout::page(
        person,
        l.t("当日差错", "Same-day Faults"),
        "/raised",
        &html! {
            main {
                div.bar { h1 { (l.t("当日差错", "Same-day Faults")) " " small { (found.all) } }
                    span { a href="/raised" aria-current=[found.open.then_some("true")] { (l.t("待处理", "Open")) } " "
                        a href="/raised?state=all" aria-current=[(!found.open).then_some("true")] { (l.t("全部", "All")) } } }
                @if found.raised.is_empty() { p.empty { (l.t("没有待处理的差错。严重或致命的问题属实并提交后，以及质检员上报的，当天会出现在这里。",
                    "Nothing is open. Severe and fatal faults that were confirmed and submitted, and what reviewers flag, appear here the same day.")) } }
                @for r in &found.raised { (card(app, person, found, r)) }
                (found.pages.show(l, |page| pager::with("/raised", query, "page", page)))
            }
        },
    )
}

fn card(app: &App, person: &Person, found: &Found, r: &Raised) -> Markup {
    let l = person.lang;
    let name = found.names.get(&r.agent_id).filter(|n| !n.is_empty()).unwrap_or(&r.agent_id);
    let what =
        if r.rule_id.is_empty() { l.t("质检员上报", "flagged by a reviewer") } else { title(app, &r.rule_id) };
    html! {
        article.card #{ "r" (r.id) } {
            header { b { (what) } " " @if !r.severity.is_empty() { span.sev { (severity(l, &r.severity)) } " " }
                (state(app, l, r)) }
            p.facts { (name) " · " (r.unit) " · " a href=(person.call_url(&r.call_id)) { (call_name(person, &r.call_id)) }
                @if let Some((from, _)) = r.span_ms { " @" (clock(from)) }
                " · " (r.by) " · " (when(app, r.at_us)) }
            @if !r.note.is_empty() { p { (visible(person, &r.note)) } }
            @if !r.stands { p.busy { (l.t("复核后已改判，不再属实。", "The verdict was changed since: it is confirmed no more.")) } }
            (clip(app, person, r))
            @match &r.ack {
                Some((remark, by, at_us)) => p { b { (l.t("已处理", "Acknowledged")) } " · " (by) " · " (when(app, *at_us)) (l.t("：", ": ")) (visible(person, remark)) },
                None if deals(person, r) => form.stack.screen action=(format!("/raised/{}/ack", r.id)) method="post" { (csrf(person))
                    label { (l.t("怎么处理的", "What was done")) textarea name="remark" required maxlength="2000" {} }
                    button type="submit" { (l.t("确认处理", "acknowledge")) } },
                None => {},
            }
        }
    }
}

/// Open or not, and how old.
fn state(app: &App, l: Lang, r: &Raised) -> Markup {
    let late = day_of(app, r.at_us) < day_of(app, now_us());
    html! { @match &r.ack {
        Some(_) => span.chip.done { (l.t("已处理", "Acknowledged")) },
        None if late => { span.chip.appeal { (l.t("待处理，已过当日", "Open, not dealt with that day")) } " " small { (age(l, now_us() - r.at_us)) } },
        None => { span.chip.busy { (l.t("待处理", "Open")) } " " small { (age(l, now_us() - r.at_us)) } },
    } }
}

/// How long ago in days, hours or minutes.
pub(super) fn age(l: Lang, us: i64) -> String {
    let minutes = (us / 60_000_000).max(0);
    match (minutes / 1440, minutes / 60) {
        (0, 0) => format!("{minutes}{}", l.t(" 分钟前", " min ago")),
        (0, hours) => format!("{hours}{}", l.t(" 小时前", " h ago")),
        (days, _) => format!("{days}{}", l.t(" 天前", " days ago")),
    }
}

fn clip(app: &App, person: &Person, r: &Raised) -> Markup {
    let Some((from, to)) = r.span_ms.filter(|_| app.options.recordings.is_some()) else { return html! {} };
    let address =
        format!("{}/clip?from={}&to={}", person.call_url(&r.call_id), (from - AROUND_MS).max(0), to + AROUND_MS);
    html! { p.sound.screen { audio controls preload="none" src=(address) aria-label=(person.lang.t("录音片段", "clip")) {} } }
}

/// A reviewer flags a stretch of a call.
async fn flag(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_review()?;
    let back = sent.person.call_url(&id);
    let notify = app.options.notify.is_some();
    app.run(move |db| {
        let call = find(db, &sent.person, &id)?;
        let note = sent.remark("note");
        if note.is_empty() {
            return Err(PageError::Bad("请写明上报什么 · say what is raised".to_owned()));
        }
        let ms =
            |name: &str| sent.text(name).parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1000.0) as i64);
        let span = ms("from_s").zip(ms("to_s")).filter(|(from, to)| 0 <= *from && from < to);
        let new = NewRaised {
            kind: RaisedKind::Flag,
            call_id: call.call_id,
            unit: call.unit,
            agent_id: call.agent_id,
            rule_id: String::new(),
            severity: String::new(),
            span_ms: span,
            note,
            user_id: sent.person.user().id,
            at_us: now_us(),
        };
        db.raise(&new, notify)?;
        Ok(db.log(now_us(), &sent.person.user().name, "raise", Some(&id), "")?)
    })
    .await?;
    Ok(Redirect::to(&format!("{back}?raised=1")))
}

async fn acknowledge(State(app): State<Shared>, Path(id): Path<i64>, sent: Guarded) -> Result<Redirect, PageError> {
    must_know(&sent.person)?;
    app.run(move |db| {
        let raised = db.raised_one(id)?;
        if !deals(&sent.person, &raised) {
            return Err(PageError::NotFound);
        }
        db.acknowledge(id, &sent.remark("remark"), sent.person.user().id, now_us())?;
        Ok(db.log(now_us(), &sent.person.user().name, "raise_ack", Some(&raised.call_id), "")?)
    })
    .await?;
    Ok(Redirect::to("/raised"))
}

/// How many are open and how old the oldest is, on the dashboard and the team's page.
pub(super) fn tile(l: Lang, (open, oldest_us): (i64, Option<i64>)) -> Markup {
    html! { div.tile { b { @if open > 0 { a.problem href="/raised" { (open) } } @else { "0" } } (l.t("待处理差错", "open faults"))
    @if let Some(at) = oldest_us { small { " " (l.t("最早 ", "oldest ")) (age(l, now_us() - at)) } } } }
}

/// The form by which a reviewer flags a stretch of a call.
pub(super) fn flagger(person: &Person, call_id: &str, duration_ms: i64) -> Markup {
    let l = person.lang;
    let last = (duration_ms > 0).then(|| format!("{:.1}", (duration_ms as f64 / 100.0).ceil() / 10.0));
    html! {
        details.add #raise { summary { (l.t("上报班长", "raise to the team lead")) }
            form.stack action=(format!("{}/raise", person.call_url(call_id))) method="post" data-draft-of=(format!("raise {}", person.handle(call_id))) {
                (csrf(person))
                div.pair {
                    label { (l.t("从（秒）", "from (s)")) input name="from_s" type="number" step="0.1" min="0" max=[last.as_deref()]; }
                    label { (l.t("到（秒）", "to (s)")) input name="to_s" type="number" step="0.1" min="0" max=[last.as_deref()]; }
                }
                label { (l.t("说明", "remark")) textarea name="note" required maxlength="2000" {} }
                button type="submit" { (l.t("当日上报", "raise it today")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::age;
    use crate::lang::Lang;

    #[test]
    fn ages_are_told_in_one_word() {
        let minutes = |m: i64| age(Lang::Zh, m * 60_000_000);
        assert_eq!(
            [minutes(-3), minutes(59), minutes(61), minutes(3000)],
            ["0 分钟前", "59 分钟前", "1 小时前", "2 天前"]
        );
    }
}
