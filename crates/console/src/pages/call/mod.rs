//! The page of a call: hear it, read it, judge it.

mod actions;
mod appeal;
mod card;
mod cause;
mod correct;
mod data;
mod form;
mod heard;
mod record;
mod second;
mod sound;
mod strip;
mod talk;
mod view;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use maud::Markup;

use crate::addresses::CallId;
use crate::app::Shared;
use crate::auth::Person;
use crate::page_error::PageError;
use crate::pages::notice::Notice;

pub(super) use card::evidence;
pub(super) use data::{Shown, find, slot};
pub(super) use sound::clip_of;
pub(super) use talk::said;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/calls/{id}", get(show))
        .route("/calls/{id}/audio", get(sound::audio))
        .route("/calls/{id}/clip", get(sound::clip))
        .route("/calls/{id}/waveform.svg", get(sound::waveform))
        .route("/calls/{id}/record", get(record::print))
        .route("/calls/{id}/record.xlsx", get(record::xlsx))
        .route("/calls/{id}/claim", post(actions::claim))
        .route("/calls/{id}/release", post(actions::release))
        .route("/calls/{id}/verdict", post(actions::verdict))
        .route("/calls/{id}/cause", post(cause::give))
        .route("/calls/{id}/correct", post(correct::correct))
        .route("/calls/{id}/missed", post(actions::missed))
        .route("/calls/{id}/form", post(actions::form))
        .route("/calls/{id}/receipt", post(actions::sign))
        .route("/calls/{id}/heard", post(heard::heard))
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    CallId(id): CallId,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    let reader = person.clone();
    let (hashing, recordings) = (app.clone(), app.options.recordings.clone());
    let (shown, heard, notice) = app
        .run(move |db| {
            let shown = Shown::load(&hashing, db, &reader, &id)?;
            let heard = hashing.hashes.own(recordings.as_deref(), &shown.call);
            Ok((shown, heard, Notice::read(db, &reader, &query)?))
        })
        .await?;
    Ok(view::page(&app, &person, &shown, &heard, notice.as_ref()))
}
