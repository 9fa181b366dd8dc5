//! Why a hit was rejected or doubted, said after the verdict.

use axum::extract::State;
use axum::response::Response;
use callsift_reviews::{Cause, NewVerdict, Slot, Source, VerdictRow};

use crate::addresses::CallId;
use crate::app::{Shared, now_us};
use crate::auth::Guarded;
use crate::page_error::PageError;
use crate::pages::call::Shown;
use crate::pages::call::actions::{Words, note, say};

/// The cause of a form; nothing where none is chosen.
pub(super) fn chosen(sent: &Guarded) -> Result<Option<Cause>, PageError> {
    match sent.text("cause") {
        "" => Ok(None),
        name => Cause::parse(name).map(Some).ok_or_else(|| PageError::Bad("原因无法识别 · no such cause".to_owned())),
    }
}

/// Gives the person's own verdict a cause, or another one: new rows of history with the verdict as it was.
pub(super) async fn give(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Response, PageError> {
    say(app, id, sent, |shown, sent, slot| {
        let (head, others) = explained(shown, sent, slot)?;
        let code = head.cause.map_or("none", Cause::as_str);
        let detail = format!("{} {code}", head.rule_id);
        Ok(Words { head, others, action: "cause", detail })
    })
    .await
}

/// The verdict with its cause, and the rule's other places that the same person judged alike. A place that nobody judged yet
/// stays so: saying why decides nothing.
fn explained(shown: &Shown, sent: &Guarded, slot: Slot) -> Result<(NewVerdict, Vec<NewVerdict>), PageError> {
    let (rule, place, cause) = (sent.text("rule"), sent.text("place"), chosen(sent)?);
    let user_id = sent.person.user().id;
    let of_machine = |v: &&VerdictRow| v.source == Source::Finding.as_str() && v.verdict.has_cause();
    let said = shown.verdict_of(rule, place).filter(of_machine);
    let said =
        said.ok_or_else(|| PageError::Bad("先判为误报或存疑，再注明原因 · reject or doubt it first".to_owned()))?;
    if said.user_id != user_id {
        // What another person meant is not this one's to say, and the verdict would pass for this one's own.
        return Err(PageError::Bad("这一处不是由您判断的，请先自己判断 · judge it yourself first".to_owned()));
    }
    let typed = note(sent, "note");
    let with_cause = |v: &VerdictRow| NewVerdict {
        call_id: v.call_id.clone(),
        slot,
        rule_id: v.rule_id.clone(),
        place: v.place.clone(),
        source: Source::Finding,
        verdict: v.verdict,
        cause,
        span_ms: v.span_ms,
        text: v.text.clone(),
        note: if typed.is_empty() { v.note.clone() } else { typed.clone() },
        ruleset_hash: v.ruleset_hash.clone(),
        user_id,
        at_us: now_us(),
        before: Some(v.id),
    };
    let alike = |v: &&VerdictRow| {
        v.rule_id == rule && v.place != place && v.verdict == said.verdict && v.user_id == user_id && of_machine(v)
    };
    let head = NewVerdict { before: sent.number("before"), ..with_cause(said) };
    Ok((head, shown.verdicts.iter().filter(alike).map(with_cause).collect()))
}
