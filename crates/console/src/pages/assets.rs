//! Styles and scripts: compiled in, few, ours.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::Shared;
use crate::page_error::PageError;

const FILES: [(&str, &str, &str); 5] = [
    ("app.css", "text/css; charset=utf-8", include_str!("../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../assets/app.js")),
    ("drafts.js", "text/javascript; charset=utf-8", include_str!("../assets/drafts.js")),
    ("call.js", "text/javascript; charset=utf-8", include_str!("../assets/call.js")),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/static/{file}", get(file))
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, mime, text)) => ([(CONTENT_TYPE, *mime), (CACHE_CONTROL, "max-age=300")], *text).into_response(),
        None => PageError::NotFound.into_response(),
    }
}
