//! What people typed and did not send: kept for them alone, whatever becomes of the page, the browser or the machine.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use callsift_reviews::Draft;
use maud::{Markup, html};
use serde_json::json;

use crate::addresses::call_of;
use crate::app::{Shared, now_us};
use crate::auth::Guarded;
use crate::page_error::PageError;

/// Longest name of a draft, and longest id of a call.
const NAME_CHARS: usize = 400;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/drafts", post(keep))
}

/// Keeps a text as it is sent; without one it is forgotten.
async fn keep(State(app): State<Shared>, sent: Guarded) -> Result<StatusCode, PageError> {
    let (call_id, name, value) = (sent.text("call"), sent.text("name"), sent.text("value"));
    if name.is_empty() || name.len() > NAME_CHARS || call_id.len() > NAME_CHARS {
        return Err(PageError::Bad("没有这样的草稿 · there is no such draft".to_owned()));
    }
    let (handle, name, value) = (call_id.to_owned(), name.to_owned(), value.to_owned());
    app.run(move |db| {
        let call_id = call_of(db, &sent.person, &handle)?.ok_or(PageError::NotFound)?;
        let draft = Draft { call_id, name, value, at_us: now_us() };
        Ok(db.keep_draft(sent.person.user().id, &draft)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The drafts of a page, for its scripts.
pub(crate) fn embedded(drafts: &[Draft]) -> Markup {
    let all: serde_json::Map<String, serde_json::Value> =
        drafts.iter().map(|d| (d.name.clone(), json!(d.value))).collect();
    html! { @if !all.is_empty() { div #drafts hidden data-drafts=(serde_json::Value::Object(all)) {} } }
}
