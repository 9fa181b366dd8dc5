//! The rules: what each looks for, how far it can be trusted, and trying one on text.

mod facts;
mod false_hits;
mod list;
mod one;
mod trial;

use axum::Router;
use axum::routing::get;

use crate::app::Shared;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/rules", get(list::show)).route("/rules/{id}", get(one::show).post(one::attempt))
}
