//! The pages. Each file holds its addresses, what it asks of the database, and how it looks.

mod account;
mod agents;
mod appeals;
mod assets;
mod audit;
mod call;
mod chart;
mod chip;
mod dashboard;
mod downloads;
mod drafts;
mod draws;
mod evidence;
pub(crate) mod layout;
mod library;
mod login;
mod notice;
mod pager;
mod parts;
mod queue;
mod raised;
mod reviewers;
mod rules;
mod search;
mod summaries;
mod tasks;
mod team;
mod trend;
mod users;

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::get;
use callsift_reviews::Role;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::queue::task;
use crate::page_error::PageError;

/// All addresses.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .merge(login::routes())
        .merge(account::routes())
        .merge(queue::routes())
        .merge(tasks::routes())
        .merge(team::routes())
        .merge(library::routes())
        .merge(draws::routes())
        .merge(raised::routes())
        .merge(summaries::routes())
        .merge(call::routes())
        .merge(appeals::routes())
        .merge(agents::routes())
        .merge(dashboard::routes())
        .merge(reviewers::routes())
        .merge(rules::routes())
        .merge(users::routes())
        .merge(audit::routes())
        .merge(search::routes())
        .merge(assets::routes())
        .merge(drafts::routes())
        .fallback(|| async { crate::page_error::PageError::NotFound })
}

/// Whoever has tasks begins with them.
async fn home(State(app): State<Shared>, person: Person) -> Result<Redirect, PageError> {
    match person.role() {
        Role::Agent => return Ok(Redirect::to("/mine")),
        Role::TeamLead => return Ok(Redirect::to("/team")),
        Role::Manager => return Ok(Redirect::to("/summaries")),
        _ => {}
    }
    let (reader, name) = (person.blind_name(), person.user().name.clone());
    let given = app.run(move |db| Ok(task(db.connection(), now_us(), &reader, &name)?.is_some())).await?;
    Ok(Redirect::to(if given { "/tasks" } else { "/queue" }))
}

/// Everything but letters, digits and what never means anything in an address.
const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Text as a part of an address.
pub(crate) fn url(text: &str) -> String {
    utf8_percent_encode(text, KEEP).to_string()
}

/// Milliseconds as minutes and seconds: `3:07`.
pub(crate) fn clock(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    format!("{}:{:02}", s / 60, s % 60)
}

/// Day and time at the centre: `11-16 09:12`.
pub(crate) fn when(app: &App, at_us: i64) -> String {
    let zone = TimeZone::fixed(Offset::from_seconds(app.options.utc_offset_s).unwrap_or(Offset::UTC));
    let time = Timestamp::from_microsecond(at_us).unwrap_or_default().to_zoned(zone);
    time.strftime("%m-%d %H:%M").to_string()
}

/// The day at the centre of a moment: `2026-11-16`.
pub(crate) fn day_of(app: &App, at_us: i64) -> String {
    let zone = TimeZone::fixed(Offset::from_seconds(app.options.utc_offset_s).unwrap_or(Offset::UTC));
    Timestamp::from_microsecond(at_us).unwrap_or_default().to_zoned(zone).date().to_string()
}

/// From when to when at the centre: `09:12:30–09:14:02`.
pub(crate) fn from_to(app: &App, from_us: i64, to_us: i64) -> String {
    let zone = TimeZone::fixed(Offset::from_seconds(app.options.utc_offset_s).unwrap_or(Offset::UTC));
    let at = |us| {
        Timestamp::from_microsecond(us).unwrap_or_default().to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
    };
    format!("{}–{}", at(from_us), at(to_us))
}

/// Points or a score without needless decimals: `95`, `92.5`.
pub(crate) fn points(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{clock, points, url};

    #[test]
    fn ids_of_calls_stay_inside_their_address() {
        assert_eq!(url("a/../b?x=1#y"), "a%2F..%2Fb%3Fx%3D1%23y");
        assert_eq!(
            (clock(187_400), clock(-5), points(92.5), points(95.0)),
            ("3:07".into(), "0:00".into(), "92.5".into(), "95".into())
        );
    }
}
