//! What was really said, where the recogniser wrote down something else.

use axum::extract::State;
use axum::response::Redirect;
use callsift_reviews::Correction;
use maud::{Markup, html};

use crate::addresses::CallId;
use crate::app::{Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::TurnRow;
use crate::page_error::PageError;
use crate::pages::call::Shown;
use crate::pages::call::talk::said;
use crate::pages::layout::csrf;
use crate::pages::parts::visible;

/// Whether the person may say what was said: not where numbers are hidden, which the correction would lose.
fn may_correct(person: &Person, shown: &Shown, turn: &TurnRow) -> bool {
    let hidden = || {
        let corrected = shown.correction(turn).is_some_and(|known| visible(person, &known.said) != known.said);
        corrected || !person.sees_numbers() && !turn.numbers.is_empty()
    };
    person.reviews() && !shown.call.is_failed() && !hidden()
}

/// What stands instead of a turn, and the way to say so.
pub(super) fn below(person: &Person, shown: &Shown, turn: &TurnRow) -> Markup {
    let l = person.lang;
    let known = shown.correction(turn);
    html! {
        @if let Some(known) = known {
            p.corrected { span { (l.t("更正：", "corrected: ")) }
                @if known.said.is_empty() { (l.t("没有人说话", "nobody spoke")) } @else { (visible(person, &known.said)) } }
        }
        @if may_correct(person, shown, turn) {
            details.correct {
                summary { (l.t("更正", "correct")) }
                form action=(format!("{}/correct", person.call_url(&shown.call.call_id))) method="post" {
                    (csrf(person))
                    input type="hidden" name="turn" value=(turn.turn);
                    textarea name="said" rows="2" aria-label=(l.t("实际说的话", "what was really said")) {
                        (known.map_or_else(|| said(person, turn), |known| known.said.clone())) }
                    button type="submit" { (l.t("保存", "save")) }
                }
            }
        }
    }
}

/// Keeps what was said in a turn.
pub(super) async fn correct(
    State(app): State<Shared>,
    CallId(id): CallId,
    sent: Guarded,
) -> Result<Redirect, PageError> {
    sent.person.must_review()?;
    let number = sent.number("turn").unwrap_or(-1);
    let back = format!("{}#t{number}", sent.person.call_url(&id));
    let shared = app.clone();
    app.run(move |db| {
        let shown = Shown::load(&shared, db, &sent.person, &id)?;
        let turn = shown.turns.iter().find(|t| t.turn == number).ok_or(PageError::NotFound)?;
        if !may_correct(&sent.person, &shown, turn) {
            let why =
                "这句话里有不可见的号码，无权查看的人不能更正 · the sentence holds numbers that are hidden from you";
            return Err(PageError::Bad(why.to_owned()));
        }
        let new = Correction {
            call_id: id.clone(),
            recording: shown.call.recording.clone(),
            channel: turn.channel,
            turn: turn.turn,
            span_ms: (turn.span.start_ms, turn.span.end_ms),
            heard: turn.text.iter().collect(),
            said: sent.remark("said"),
            user_id: sent.person.user().id,
            at_us: now_us(),
        };
        db.correct(&new)?;
        Ok(db.log(now_us(), &sent.person.user().name, "correct", Some(&id), &format!("turn {number}"))?)
    })
    .await?;
    Ok(Redirect::to(&back))
}
