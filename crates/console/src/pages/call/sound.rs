//! Hearing a call: the recording with ranges, its waveform, clips.

use std::fmt::Write;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RANGE};
use axum::response::{IntoResponse, Response};
use callsift_core::TimeSpan;
use callsift_reviews::Db;
use maud::html;
use serde::Deserialize;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::rows::numbers;
use crate::error::ConsoleError;
use crate::page_error::PageError;
use crate::pages::call::data::find;
use crate::sound::{self, BUCKETS};

/// Recognition knows times to about a tenth of a second: so much more is silenced before and after a number.
const MARGIN_MS: i64 = 200;

/// The recording of a call and the stretches that this person may not hear.
fn source(
    app: &App,
    db: &Db,
    person: &Person,
    call_id: &str,
) -> Result<(std::path::PathBuf, Vec<TimeSpan>), PageError> {
    let call = find(db, person, call_id)?;
    let path = sound::recording(app.options.recordings.as_deref(), &call.recording)?;
    if person.sees_numbers() {
        return Ok((path, Vec::new()));
    }
    let spans = numbers(db.connection(), call.id)?;
    let wide = |s: TimeSpan| TimeSpan::new((s.start_ms - MARGIN_MS).max(0), s.end_ms + MARGIN_MS);
    Ok((path, spans.into_iter().map(|n| wide(n.span)).collect()))
}

pub(super) async fn audio(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, PageError> {
    let range = request.headers().get(RANGE).and_then(|v| v.to_str().ok());
    let begins = range.is_none_or(|r| r.starts_with("bytes=0-"));
    let shared = app.clone();
    let file = app
        .run(move |db| {
            let (path, silenced) = source(&shared, db, &person, &id)?;
            if begins {
                db.log(now_us(), &person.user().name, "listen", Some(&id), "")?;
            }
            Ok(sound::playable(&shared.sounds, &path, &silenced)?)
        })
        .await?;
    let failed = |e: &dyn std::fmt::Display| PageError::Internal(ConsoleError::Option(e.to_string()));
    let mime = file.mime.parse().map_err(|e| failed(&e))?;
    let served = ServeFile::new_with_mime(&file.path, &mime).oneshot(request).await;
    let mut response = served.map_err(|e| failed(&e))?.map(Body::new);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response.into_response())
}

/// From and to, in milliseconds.
#[derive(Deserialize)]
pub(super) struct Between {
    from: i64,
    to: i64,
}

pub(super) async fn clip(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
    Query(Between { from, to }): Query<Between>,
) -> Result<Response, PageError> {
    if from < 0 || to <= from {
        return Err(PageError::Bad("起止时间不对 · from must lie before to".to_owned()));
    }
    let shared = app.clone();
    let bytes = app
        .run(move |db| {
            let (path, silenced) = source(&shared, db, &person, &id)?;
            db.log(now_us(), &person.user().name, "clip", Some(&id), &format!("{from}-{to} ms"))?;
            Ok(sound::clip(&shared.sounds, &path, &silenced, TimeSpan::new(from, to))?)
        })
        .await?;
    let name = format!("attachment; filename=\"clip-{from}-{to}.wav\"");
    Ok(([(CONTENT_TYPE, "audio/wav".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

pub(super) async fn waveform(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
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
