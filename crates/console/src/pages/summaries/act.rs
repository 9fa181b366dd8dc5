//! Submitting, approving, returning.

use axum::extract::{Path, State};
use axum::response::Redirect;
use callsift_reviews::NewSummary;

use crate::app::{Shared, now_us};
use crate::auth::Guarded;
use crate::error::ConsoleError;
use crate::page_error::PageError;
use crate::pages::summaries::{Content, address, approves, fresh};

/// A lead submits the draft of a team: the copy is made now.
pub(super) async fn submit(State(app): State<Shared>, sent: Guarded) -> Result<Redirect, PageError> {
    sent.person.must_lead()?;
    let (unit, period) = (sent.text("unit").to_owned(), sent.text("period").to_owned());
    let back = address(&unit, &period);
    let shared = app.clone();
    app.run(move |db| {
        let content = fresh(&shared, db, &unit, &period)?;
        let failed = |e: serde_json::Error| ConsoleError::Option(e.to_string());
        let new = NewSummary {
            content: serde_json::to_string(&content).map_err(failed)?,
            remark: sent.remark("remark"),
            user_id: sent.person.user().id,
            at_us: now_us(),
            before: sent.number("before"),
            unit,
            period,
        };
        db.submit_summary(&new)?;
        let about = format!("{} {}", new.unit, new.period);
        Ok(db.log(now_us(), &sent.person.user().name, "summary_submit", None, &about)?)
    })
    .await?;
    Ok(Redirect::to(&back))
}

/// The manager approves what was submitted, or returns it.
pub(super) async fn decide(
    State(app): State<Shared>,
    Path(id): Path<i64>,
    sent: Guarded,
) -> Result<Redirect, PageError> {
    if !approves(&sent.person) {
        return Err(PageError::NotFound);
    }
    let approved = match sent.text("approved") {
        "1" => true,
        "0" => false,
        _ => return Err(PageError::Bad("请选择通过或退回 · approve or return it".to_owned())),
    };
    let back = app
        .run(move |db| {
            let content = Content::read(&db.summary_content(id)?)?;
            let agents: Vec<String> = content.agents.iter().map(|p| p.agent.clone()).collect();
            let by = (sent.person.user().id, now_us());
            db.decide_summary(id, approved, &sent.remark("remark"), &agents, by)?;
            let action = if approved { "summary_approve" } else { "summary_return" };
            let about = format!("{} {}", content.unit, content.period);
            db.log(now_us(), &sent.person.user().name, action, None, &about)?;
            Ok(address(&content.unit, &content.period))
        })
        .await?;
    Ok(Redirect::to(&back))
}
