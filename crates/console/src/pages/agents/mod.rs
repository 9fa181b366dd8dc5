//! Agents: the ranking for staff, one agent's page for staff, and the own page of an agent.

mod calls;
mod funnel;
mod list;
mod monthly;
mod one;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use callsift_reviews::Role;
use maud::Markup;

use crate::app::Shared;
use crate::auth::Person;
use crate::page_error::PageError;

type Asked = Query<BTreeMap<String, String>>;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/mine", get(mine)).route("/agents", get(all)).route("/agents/{id}", get(agent))
}

async fn all(State(app): State<Shared>, person: Person, Query(query): Asked) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let shared = app.clone();
    let (period, figures) = app.run(move |db| Ok(shared.figures.asked(db.connection(), &query)?)).await?;
    Ok(list::page(&app, &person, &period, &figures))
}

async fn agent(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Asked,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    one::show(app, person, id, query).await
}

/// The own page, for agents only.
async fn mine(State(app): State<Shared>, person: Person, Query(query): Asked) -> Result<Markup, PageError> {
    let own = person.agent().map(str::to_owned);
    one::show(app, person, own.ok_or(PageError::NotFound)?, query).await
}
