//! 监听分析表 as a workflow: what waits for whom, the paper of a team and period, an agent's own part, exports.

mod act;
mod content;
mod export;
mod list;
mod one;
mod own;

use axum::Router;
use axum::routing::{get, post};
use callsift_reviews::{Db, Role, Step, SummaryStep};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::error::ConsoleError;
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::url;

use content::Content;
pub(super) use content::remarks;
pub(super) use own::section;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/summaries", get(list::show))
        .route("/summaries/one", get(one::show))
        .route("/summaries/one.csv", get(export::csv))
        .route("/summaries/one.xlsx", get(export::xlsx))
        .route("/summaries/submit", post(act::submit))
        .route("/summaries/{id}/decision", post(act::decide))
        .route("/summaries/part/{id}", get(own::show))
        .route("/summaries/part/{id}/receipt", post(own::sign))
}

/// Address of the summary of a team and period.
pub(super) fn address(unit: &str, period: &str) -> String {
    format!("/summaries/one?unit={}&period={}", url(unit), url(period))
}

/// A summary as a person may read it.
struct Paper {
    content: Content,
    /// The last step; nothing while nobody submitted it.
    last: Option<SummaryStep>,
    /// The copy that was submitted, and not figures of today.
    frozen: bool,
}

/// Reads the summary of a team: the frozen copy while it is submitted or approved, today's figures while it is a
/// draft. Team leads read what is approved for their team.
fn read(app: &App, db: &Db, person: &Person, unit: &str, name: &str) -> Result<Paper, PageError> {
    let period = days(name)?;
    let last = db.summary(unit, name)?;
    let step = last.as_ref().map(|s| s.step);
    let of_team = person.team() == Some(unit) && step == Some(Step::Approved);
    if !person.is_staff() && !of_team {
        return Err(PageError::NotFound);
    }
    if let Some(s) = last.as_ref().filter(|s| s.step != Step::Returned) {
        return Ok(Paper { content: Content::read(&db.summary_content(s.id)?)?, frozen: true, last });
    }
    let figures = app.figures.get(db.connection(), &period)?;
    let content = Content::make(app, db.connection(), &figures, (name, &period), unit)?;
    Ok(Paper { content, last, frozen: false })
}

/// The days of a period by name.
fn days(name: &str) -> Result<Period, PageError> {
    let unknown = || PageError::Bad("没有这个周期，例如 2026-11-1、2026-11 · no such period".to_owned());
    Period::named(name).ok_or_else(unknown)
}

/// What would be submitted now, counted anew: the figures of pages may be a little old.
fn fresh(app: &App, db: &Db, unit: &str, name: &str) -> Result<Content, PageError> {
    let period = days(name)?;
    let figures = Figures::make(db.connection(), &period)?;
    if !figures.units().contains(unit) {
        return Err(PageError::Bad("这段时间本组没有通话 · the team has no calls in this period".to_owned()));
    }
    Ok(Content::make(app, db.connection(), &figures, (name, &period), unit)?)
}

/// How far a summary is, with a colour, and until when it is to be decided.
pub(super) fn chip(l: Lang, last: Option<&SummaryStep>) -> Markup {
    let (kind, text) = match last.map(|s| s.step) {
        None => ("open", l.t("草稿", "Draft")),
        Some(Step::Submitted) => ("busy", l.t("待审批", "To approve")),
        Some(Step::Approved) => ("done", l.t("已审批", "Approved")),
        Some(Step::Returned) => ("appeal", l.t("已退回", "Returned")),
    };
    html! { span.chip.(kind) { (text) } @if let Some(due) = last.and_then(|s| s.deadline_us) { " " (countdown(l, due - now_us())) } }
}

/// Time that is left, or over, in days and hours.
fn countdown(l: Lang, left_us: i64) -> Markup {
    let hours = left_us.abs() / 3_600_000_000;
    let (days, rest) = (hours / 24, hours % 24);
    let span = match (days, rest) {
        (0, 0) => l.t("不到 1 小时", "less than an hour").to_owned(),
        (0, h) => format!("{h}{}", l.t(" 小时", " h")),
        (d, h) => format!("{d}{}{h}{}", l.t(" 天 ", " d "), l.t(" 小时", " h")),
    };
    html! {
        @if left_us >= 0 { small.soft { (l.t("还剩 ", "left: ")) (span) } } @else { small.problem { (l.t("已超期 ", "overdue: ")) (span) } }
    }
}

/// Whether the person approves summaries.
fn approves(person: &Person) -> bool {
    person.role() == Role::Manager
}

/// The file of an export: made by serving threads, an error of ours where it fails.
fn unwritten(e: &dyn std::fmt::Display) -> PageError {
    PageError::Internal(ConsoleError::Option(format!("an export cannot be made: {e}")))
}

#[cfg(test)]
mod tests {
    use super::countdown;
    use crate::lang::Lang;

    #[test]
    fn time_is_told_in_days_and_hours() {
        let hours = |h: i64| countdown(Lang::Zh, h * 3_600_000_000).into_string();
        assert!(hours(71).contains("还剩 2 天 23 小时") && hours(0).contains("不到 1 小时"));
        assert!(hours(-25).contains("已超期 1 天 1 小时"));
    }
}
