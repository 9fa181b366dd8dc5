//! What a person really played of a call: the player tells, each moment counts once.

use axum::Json;
use axum::extract::State;
use serde_json::json;

use crate::addresses::CallId;
use crate::app::{Shared, now_us};
use crate::auth::Guarded;
use crate::page_error::PageError;
use crate::pages::call::data::{find, heard_share};

/// Stretches of one message; a player that tells every few seconds has one or two.
const MOST: usize = 200;

/// Adds stretches, `from-to` in milliseconds with commas between, and tells the share of the call that was played in all.
pub(super) async fn heard(
    State(app): State<Shared>,
    CallId(id): CallId,
    sent: Guarded,
) -> Result<Json<serde_json::Value>, PageError> {
    sent.person.must_review()?;
    let share = app
        .run(move |db| {
            let call = find(db, &sent.person, &id)?;
            let spans = spans(sent.text("spans"), call.duration_ms);
            let ms = db.add_heard(sent.person.user().id, &call.call_id, &spans, now_us())?;
            Ok(heard_share(ms, call.duration_ms))
        })
        .await?;
    Ok(Json(json!({ "share": share })))
}

/// Stretches inside the call; what is none is left out.
fn spans(text: &str, duration_ms: i64) -> Vec<(i64, i64)> {
    let one = |part: &str| {
        let (from, to) = part.split_once('-')?;
        let ms = |text: &str| text.trim().parse::<i64>().ok().map(|ms| ms.clamp(0, duration_ms.max(0)));
        Some((ms(from)?, ms(to)?)).filter(|(from, to)| from < to)
    };
    text.split(',').take(MOST).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn only_what_lies_in_the_call_was_heard() {
        assert_eq!(spans("0-1500,2000-99999,x,5-,9-3,-1-5", 10_000), [(0, 1500), (2000, 10_000)]);
        assert_eq!((spans("", 10), spans("0-5", 0)), (vec![], vec![]));
    }
}
