//! Hearing a call: the recording with ranges, its waveform, clips.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use callsift_core::TimeSpan;
use callsift_reviews::Db;
use maud::html;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::addresses::CallId;
use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::CallRow;
use crate::catalog::rows::numbers;
use crate::error::ConsoleError;
use crate::page_error::PageError;
use crate::pages::call::data::find;
use crate::sound::{self, BUCKETS};

/// Recognition knows times to about a tenth of a second: so much more is silenced before and after a number.
const MARGIN_MS: i64 = 200;
/// Players ask for a recording piece by piece, from wherever one jumps to: so long a stretch of that is one line of the log.
const STRETCH_US: i64 = 600_000_000;

/// The recording of a call and the stretches that this person may not hear.
fn source(
    app: &App,
    db: &Db,
    person: &Person,
    call_id: &str,
) -> Result<(std::path::PathBuf, Vec<TimeSpan>), PageError> {
    source_of(app, db, person, |db| find(db, person, call_id))
}

/// The same of a call that `find` lets the person have.
fn source_of(
    app: &App,
    db: &Db,
    person: &Person,
    find: impl FnOnce(&Db) -> Result<CallRow, PageError>,
) -> Result<(std::path::PathBuf, Vec<TimeSpan>), PageError> {
    // Of one moment: a part that is read anew meanwhile would take the numbers away, and the right may go, too.
    let moment = db.connection().unchecked_transaction()?;
    let call = find(db)?;
    let sees_numbers = db.may_see_numbers(person.user().id)?;
    let spans = numbers(db.connection(), call.id)?;
    drop(moment);
    if call.is_failed() && !sees_numbers {
        // Nobody knows where in it numbers are said.
        return Err(PageError::NotFound);
    }
    let path = app.hashes.own(app.options.recordings.as_deref(), &call).path()?;
    if sees_numbers {
        return Ok((path, Vec::new()));
    }
    let wide = |s: TimeSpan| TimeSpan::new((s.start_ms - MARGIN_MS).max(0), s.end_ms + MARGIN_MS);
    Ok((path, spans.into_iter().map(|n| wide(n.span)).collect()))
}

pub(super) async fn audio(
    State(app): State<Shared>,
    person: Person,
    CallId(id): CallId,
    mut request: Request,
) -> Result<Response, PageError> {
    known_unit_only(request.headers_mut());
    let turn = app.turns.sound(person.user().id).await?;
    let asks_for_sound = request.method() == Method::GET;
    let (shared, listener) = (app.clone(), person.user().name.clone());
    let call_id = id.clone();
    let file = app
        .run(move |db| {
            let (path, silenced) = source(&shared, db, &person, &id)?;
            Ok(sound::playable(&shared.sounds, &path, &silenced, person.sees_numbers())?)
        })
        .await?;
    // What is sent from a file from here on waits for the network, and keeps nobody waiting.
    drop(turn);
    let failed = |e: &dyn std::fmt::Display| PageError::Internal(ConsoleError::Option(e.to_string()));
    let mime = file.mime.parse().map_err(|e| failed(&e))?;
    let served = ServeFile::new_with_mime(&file.path, &mime).oneshot(request).await;
    let mut response = served.map_err(|e| failed(&e))?.map(Body::new);
    if asks_for_sound && response.status().is_success() {
        // Before the first byte leaves, whichever byte that is.
        app.run(move |db| Ok(db.log_stretch(now_us(), &listener, "listen", &call_id, STRETCH_US)?)).await?;
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response.into_response())
}

/// A range in a unit that nobody knows is no range (RFC 9110, 14.2): everything is sent.
fn known_unit_only(headers: &mut HeaderMap) {
    let known = |v: &HeaderValue| v.as_bytes().starts_with(b"bytes=");
    if headers.get(RANGE).is_some_and(|v| !known(v)) {
        headers.remove(RANGE);
    }
}

/// From and to of an address, in milliseconds.
fn between(query: &BTreeMap<String, String>) -> Result<(i64, i64), PageError> {
    let ms = |name: &str| query.get(name).and_then(|v| v.trim().parse::<i64>().ok());
    match (ms("from"), ms("to")) {
        (Some(from), Some(to)) if 0 <= from && from < to => Ok((from, to)),
        _ => Err(PageError::Bad("起止时间不对 · from must lie before to".to_owned())),
    }
}

pub(super) async fn clip(
    State(app): State<Shared>,
    person: Person,
    CallId(id): CallId,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    let span = between(&query)?;
    // Whether the person may have the call is asked first.
    let (reader, call) = (person.clone(), id.clone());
    app.run(move |db| find(db, &reader, &call)).await?;
    clip_of(app, person, id, span).await
}

/// A stretch of a call, numbers silenced. That the person may have it is the caller's to check.
pub(crate) async fn clip_of(
    app: Shared,
    person: Person,
    id: String,
    (from, to): (i64, i64),
) -> Result<Response, PageError> {
    let _turn = app.turns.sound(person.user().id).await?;
    let shared = app.clone();
    let bytes = app
        .run(move |db| {
            let call = |db: &Db| CallRow::find(db.connection(), &id)?.ok_or(PageError::NotFound);
            let (path, silenced) = source_of(&shared, db, &person, call)?;
            let clip = sound::clip(&shared.sounds, &path, &silenced, TimeSpan::new(from, to))?;
            let clip = clip.ok_or_else(|| {
                PageError::Bad("起点在录音结束之后 · the recording ends before the clip begins".to_owned())
            })?;
            db.log(now_us(), &person.user().name, "clip", Some(&id), &format!("{from}-{to} ms"))?;
            Ok(clip)
        })
        .await?;
    let name = format!("attachment; filename=\"clip-{from}-{to}.wav\"");
    Ok(([(CONTENT_TYPE, "audio/wav".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

pub(super) async fn waveform(
    State(app): State<Shared>,
    person: Person,
    CallId(id): CallId,
) -> Result<Response, PageError> {
    let _turn = app.turns.sound(person.user().id).await?;
    let shared = app.clone();
    let peaks = app
        .run(move |db| {
            let (path, _) = source(&shared, db, &person, &id)?;
            Ok(shared.sounds.peaks(&path)?)
        })
        .await?;
    let lanes = peaks.0.len().max(1);
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {BUCKETS} {}", lanes * 100)) preserveAspectRatio="none" {
            @for (lane, channel) in peaks.0.iter().enumerate() {
                path d=(outline(channel, lane * 100 + 50)) fill=(if lane == 0 { "#2f6f9f" } else { "#b0712b" }) {}
            }
        }
    };
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg.into_string()).into_response())
}

/// The outline of a channel around its middle line.
fn outline(peaks: &[u8], middle: usize) -> String {
    let n = peaks.len().max(1);
    // The loudest of telephone speech is far from full scale: the square root shows the quiet parts as well.
    let height = |p: u8| (f64::from(p) / 100.0).sqrt() * 48.0 + 0.5;
    let x = |i: usize| i * BUCKETS / n;
    let mut d = String::from("M");
    for (i, p) in peaks.iter().enumerate() {
        // Writing to a text cannot fail.
        let _ = write!(d, "{} {:.1} ", x(i), middle as f64 - height(*p));
    }
    for (i, p) in peaks.iter().enumerate().rev() {
        let _ = write!(d, "{} {:.1} ", x(i), middle as f64 + height(*p));
    }
    if peaks.is_empty() { format!("M0 {middle}h{BUCKETS}") } else { d + "Z" }
}
