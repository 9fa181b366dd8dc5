//! What people do to a call.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use callsift_reviews::heard::WHOLE;
use callsift_reviews::{
    Cause, Db, Draft, Judgement, NewForm, NewRaised, NewVerdict, RaisedKind, Slot, Source, VerdictRow, With, score,
};
use serde_json::json;

use crate::addresses::CallId;
use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::FindingRow;
use crate::page_error::PageError;
use crate::pages::call::Shown;
use crate::pages::call::cause;
use crate::pages::call::data::{find, heard_share, slot};
use crate::pages::call::form::typed;
use crate::pages::call::{card, view};
use crate::pages::parts::visible;
use crate::pages::{queue, url};

/// Severities of what is raised the same day.
const GRAVE: [&str; 2] = ["severe", "fatal"];

fn hold_us(app: &App) -> i64 {
    app.options.claim_minutes * 60_000_000
}

/// The call and the review that the person does of it; staff only.
fn reviewing(db: &Db, person: &Person, call_id: &str) -> Result<Slot, PageError> {
    person.must_review()?;
    if find(db, person, call_id)?.is_failed() {
        // Nobody heard anything: a form of it would be a perfect score for nothing.
        return Err(PageError::Bad(
            "这通录音没有处理成功，无法复核 · the recording could not be processed; there is nothing to review"
                .to_owned(),
        ));
    }
    slot(db, person, call_id)
}

pub(super) async fn claim(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Redirect, PageError> {
    let (hold, back) = (hold_us(&app), sent.person.call_url(&id));
    app.run(move |db| {
        let slot = reviewing(db, &sent.person, &id)?;
        Ok(db.claim(&id, slot, sent.person.user().id, now_us(), hold)?)
    })
    .await?;
    Ok(Redirect::to(&back))
}

pub(super) async fn release(
    State(app): State<Shared>,
    CallId(id): CallId,
    sent: Guarded,
) -> Result<Redirect, PageError> {
    let back = sent.person.call_url(&id);
    app.run(move |db| {
        let slot = reviewing(db, &sent.person, &id)?;
        Ok(db.release(&id, slot, sent.person.user().id)?)
    })
    .await?;
    Ok(Redirect::to(&back))
}

/// What a person says: of a place, of the rule's other places with it, and the line of the audit log.
pub(super) struct Words {
    pub(super) head: NewVerdict,
    pub(super) others: Vec<NewVerdict>,
    pub(super) action: &'static str,
    pub(super) detail: String,
}

/// A verdict on a finding, or the withdrawal of a mark.
pub(super) async fn verdict(
    State(app): State<Shared>,
    CallId(id): CallId,
    sent: Guarded,
) -> Result<Response, PageError> {
    say(app, id, sent, |shown, sent, slot| {
        let head = judged(shown, sent, slot)?;
        let why = head.cause.map_or_else(String::new, |c| format!(" {}", c.as_str()));
        let detail = format!("{} {}{why}", head.rule_id, head.verdict.as_str());
        Ok(Words { others: elsewhere(shown, &head), head, action: "verdict", detail })
    })
    .await
}

/// Records what a person says of a call. The first word claims the call.
pub(super) async fn say(
    app: Shared,
    id: String,
    sent: Guarded,
    words: impl FnOnce(&Shown, &Guarded, Slot) -> Result<Words, PageError> + Send + 'static,
) -> Result<Response, PageError> {
    let (shared, back) = (app.clone(), sent.person.call_url(&id));
    let told = app
        .run(move |db| {
            let slot = reviewing(db, &sent.person, &id)?;
            let shown = Shown::load(&shared, db, &sent.person, &id)?;
            let Words { mut head, others, action, detail } = words(&shown, &sent, slot)?;
            if action == "missed" {
                head.before = db.withdrawn(&id, slot, &head.rule_id, &head.place)?;
            }
            db.claim(&id, slot, head.user_id, head.at_us, hold_us(&shared))?;
            let row = db.record_with(&head, &others)?;
            begun(db, &sent.person, &id)?;
            log(db, &sent.person, action, &id, &detail)?;
            // A script wants to see what became of the score; a page is loaded anew.
            if sent.by_script {
                let mut row = db.verdict(row)?;
                row.note = visible(&sent.person, &row.note);
                let shown = Shown::load(&shared, db, &sent.person, &id)?;
                return Ok(Some((row, shown, sent.person)));
            }
            Ok(None)
        })
        .await?;
    Ok(match told {
        Some((row, shown, person)) => answer(&app, &person, &row, &shown).into_response(),
        None => Redirect::to(&back).into_response(),
    })
}

/// Name of the draft that only says that a review is begun and not handed in.
const BEGUN: &str = "begun";

/// Remembers that the person has a review here that is not handed in.
fn begun(db: &mut Db, person: &Person, call_id: &str) -> Result<(), PageError> {
    let (call_id, name, value) = (call_id.to_owned(), BEGUN.to_owned(), "1".to_owned());
    Ok(db.keep_draft(person.user().id, &Draft { call_id, name, value, at_us: now_us() })?)
}

fn judged(shown: &Shown, sent: &Guarded, slot: Slot) -> Result<NewVerdict, PageError> {
    let (rule, place) = (sent.text("rule"), sent.text("place"));
    let verdict = Judgement::parse(sent.text("verdict"))
        .ok_or_else(|| PageError::Bad("判断无法识别 · no such verdict".to_owned()))?;
    let finding = shown.findings.iter().find(|f| f.rule_id == rule && f.place == place && f.verdict == "hit");
    let marked = shown.missed().find(|v| v.rule_id == rule && v.place == place);
    let (source, span_ms, text, ruleset_hash) = match (finding, marked) {
        (Some(f), _) if verdict != Judgement::Withdrawn => {
            (Source::Finding, f.span.map(|s| (s.start_ms, s.end_ms)), f.text.clone(), f.ruleset_hash.clone())
        }
        (None, Some(v)) => (Source::Missed, v.span_ms, v.text.clone(), v.ruleset_hash.clone()),
        _ => return Err(PageError::Bad("没有这一处发现，请刷新 · no such finding; reload the page".to_owned())),
    };
    Ok(NewVerdict {
        call_id: shown.call.call_id.clone(),
        slot,
        rule_id: rule.to_owned(),
        place: place.to_owned(),
        source,
        verdict,
        // It may be left over from an earlier verdict on the place.
        cause: cause::chosen(sent)?.filter(|_| verdict.has_cause()),
        span_ms,
        text,
        note: note(sent, "note"),
        ruleset_hash,
        user_id: sent.person.user().id,
        at_us: now_us(),
        before: sent.number("before"),
    })
}

/// The same verdict on the rule's other places. One place that is a violation makes the call one, so confirming says nothing
/// of the others; rejecting and doubting do.
fn elsewhere(shown: &Shown, new: &NewVerdict) -> Vec<NewVerdict> {
    if new.source != Source::Finding || new.verdict == Judgement::Confirmed {
        return Vec::new();
    }
    let of_rule = shown.hits().into_iter().filter(|(head, _)| head.rule_id == new.rule_id);
    let places = of_rule.flat_map(|(head, others)| std::iter::once(head).chain(others));
    let other = |f: &FindingRow| NewVerdict {
        place: f.place.clone(),
        span_ms: f.span.map(|s| (s.start_ms, s.end_ms)),
        text: f.text.clone(),
        before: shown.verdict_of(&f.rule_id, &f.place).map(|v| v.id),
        ..new.clone()
    };
    places.filter(|f| f.place != new.place).map(other).collect()
}

pub(super) fn note(sent: &Guarded, field: &str) -> String {
    sent.remark(field)
}

fn answer(app: &App, person: &Person, row: &VerdictRow, shown: &Shown) -> Json<serde_json::Value> {
    let items = shown.items(&app.rules);
    // The card of a mark is made here, so that the page need not be loaded anew.
    let marked = shown.missed().find(|v| v.id == row.id).map(|v| card::missed(app, person, shown, v).into_string());
    Json(json!({
        "head": view::head(app, person, shown).into_string(),
        "card": marked,
        "id": row.id,
        "verdict": row.verdict.as_str(),
        "cause": row.cause.map(Cause::as_str),
        "by": row.by,
        "note": row.note,
        "items": items,
        "score": score(&items),
    }))
}

fn log(db: &Db, person: &Person, action: &str, call_id: &str, detail: &str) -> Result<(), PageError> {
    Ok(db.log(now_us(), &person.user().name, action, Some(call_id), detail)?)
}

/// A violation that the machine missed, on a stretch of the call.
pub(super) async fn missed(
    State(app): State<Shared>,
    CallId(id): CallId,
    sent: Guarded,
) -> Result<Response, PageError> {
    sent.person.must_review()?;
    let rule = app.rules.get(sent.text("rule")).map_err(|_| PageError::Bad("请选择项目 · choose a rule".to_owned()))?;
    let (rule_id, ruleset_hash) = (rule.id.value.clone(), app.rules.hash().to_owned());
    say(app, id, sent, |shown, sent, slot| {
        let (from, to) = span(sent, shown.call.duration_ms)?;
        let head = NewVerdict {
            call_id: shown.call.call_id.clone(),
            slot,
            place: format!("m{from}-{to}"),
            source: Source::Missed,
            verdict: Judgement::Confirmed,
            cause: None,
            span_ms: Some((from, to)),
            text: said_between(shown, from, to),
            note: note(sent, "note"),
            user_id: sent.person.user().id,
            at_us: now_us(),
            before: None,
            rule_id,
            ruleset_hash,
        };
        Ok(Words { detail: head.rule_id.clone(), head, others: Vec::new(), action: "missed" })
    })
    .await
}

/// Times are typed in tenths of a second: the end of the call may come rounded up.
const ROUNDED_MS: i64 = 100;

/// From and to in milliseconds, inside the call where its length is known.
fn span(sent: &Guarded, duration_ms: i64) -> Result<(i64, i64), PageError> {
    let ms = |field: &str| sent.text(field).parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1000.0) as i64);
    match (ms("from_s"), ms("to_s")) {
        (Some(from), Some(to)) if 0 <= from && from < to => match duration_ms {
            ..=0 => Ok((from, to)),
            last if from < last && to <= last + ROUNDED_MS => Ok((from, to.min(last))),
            last => {
                let s = format!("{:.1}", last as f64 / 1000.0);
                let zh = format!("漏检的起止时间超出了通话：全长只有 {s} 秒");
                Err(PageError::Bad(format!("{zh} · the miss lies beyond the end of the call, which is {s} s long")))
            }
        },
        _ => Err(PageError::Bad("起止时间不对 · from must lie before to".to_owned())),
    }
}

fn said_between(shown: &Shown, from: i64, to: i64) -> Option<String> {
    let turns = shown.turns.iter().filter(|t| t.span.start_ms < to && t.span.end_ms > from);
    let text: Vec<String> = turns.map(|t| t.text.iter().collect()).collect();
    (!text.is_empty()).then(|| text.join(" / "))
}

/// Points off by rule, as the form gives them; rules that take nothing off are left out.
fn items(app: &App, sent: &Guarded) -> Result<BTreeMap<String, f64>, PageError> {
    let mut items = BTreeMap::new();
    let typed = sent.fields().iter().filter_map(|(name, value)| Some((name.strip_prefix("item.")?, value.trim())));
    for (id, value) in typed.filter(|(_, value)| !value.is_empty()) {
        let own = app.options.own_items.as_ref().and_then(|own| own.find(id));
        let (title, most) = match (own, app.rules.get(id)) {
            (Some(item), _) => (item.title.as_str(), item.points),
            (None, Ok(rule)) => (rule.title.as_str(), 100.0),
            // What is no more may stand on a page from before.
            (None, Err(_)) => continue,
        };
        let points = value.parse::<f64>().ok().filter(|p| (0.0..=most).contains(p));
        let points = points.ok_or_else(|| out_of_range(title, most))?;
        if points > 0.0 {
            items.insert(id.to_owned(), points);
        }
    }
    Ok(items)
}

fn out_of_range(title: &str, most: f64) -> PageError {
    PageError::Bad(format!("“{title}”的扣分应在 0 到 {most} 之间 · points off must be from 0 to {most}: {title}"))
}

/// The listening form. Handing it in finishes the review, gives the call back, and opens the next one where that is asked.
pub(super) async fn form(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Redirect, PageError> {
    let (hold, back) = (hold_us(&app), sent.person.call_url(&id));
    let items = items(&app, &sent)?;
    let shared = app.clone();
    let to = app.run(move |db| {
        let slot = reviewing(db, &sent.person, &id)?;
        let last = db.form_of(&id, slot)?;
        let text = |field: &str, last: Option<&str>| typed(&sent.person, note(&sent, field), last);
        let form = NewForm {
            call_id: id.clone(),
            slot,
            score: score(&items),
            // Numbers by text always serialise.
            items: serde_json::to_string(&items).unwrap_or_else(|_| "{}".to_owned()),
            strengths: text("strengths", last.as_ref().map(|f| f.strengths.as_str())),
            weaknesses: text("weaknesses", last.as_ref().map(|f| f.weaknesses.as_str())),
            keep: sent.text("keep") == "1",
            whole: sent.text("whole") == "1",
            user_id: sent.person.user().id,
            at_us: now_us(),
            before: sent.number("before"),
        };
        let reason = note(&sent, "whole_reason");
        if form.whole && reason.is_empty() {
            heard_whole(db, &sent.person, &id)?;
        }
        db.claim(&id, slot, form.user_id, form.at_us, hold)?;
        let raised = if slot == Slot::First { grave(&shared, db, &sent.person, &id)? } else { Vec::new() };
        let with = With {
            whole_reason: if form.whole { &reason } else { "" },
            sheet: shared.options.own_items.as_ref().map(|own| own.version.as_str()),
            raised: &raised,
            notify: shared.options.notify.is_some(),
        };
        db.submit_form_with(&form, &with)?;
        log(db, &sent.person, "form", &id, &format!("{}", form.score))?;
        if sent.text("then") != "next" {
            return Ok(format!("{back}?done={}", url(&sent.person.handle(&id))));
        }
        let next = queue::claim_next(db, &shared, &sent.person)?;
        let next = next.map_or_else(|| "/queue".to_owned(), |id| sent.person.call_url(&id));
        Ok(format!("{next}?done={}", url(&sent.person.handle(&id))))
    });
    Ok(Redirect::to(&to.await?))
}

/// The grave faults that a form of the first review publishes: confirmed ones of rules that are severe or fatal, one
/// for each rule.
fn grave(app: &App, db: &Db, person: &Person, call_id: &str) -> Result<Vec<NewRaised>, PageError> {
    let shown = Shown::load(app, db, person, call_id)?;
    let mut out: Vec<NewRaised> = Vec::new();
    for v in shown.verdicts.iter().filter(|v| v.verdict == Judgement::Confirmed) {
        let found = shown.findings.iter().find(|f| f.rule_id == v.rule_id && f.verdict == "hit");
        let of_rule = || app.rules.get(&v.rule_id).map_or("", |r| r.severity.as_str());
        let severity = found.map_or_else(of_rule, |f| f.severity.as_str());
        if !GRAVE.contains(&severity) || out.iter().any(|r| r.rule_id == v.rule_id) {
            continue;
        }
        out.push(NewRaised {
            kind: RaisedKind::Grave,
            call_id: shown.call.call_id.clone(),
            unit: shown.call.unit.clone(),
            agent_id: shown.call.agent_id.clone(),
            rule_id: v.rule_id.clone(),
            severity: severity.to_owned(),
            span_ms: v.span_ms,
            note: v.note.clone(),
            user_id: person.user().id,
            at_us: now_us(),
        });
    }
    Ok(out)
}

/// That the person played nearly all of the call: rates rest on such calls, so a tick alone is not enough.
fn heard_whole(db: &Db, person: &Person, call_id: &str) -> Result<(), PageError> {
    let call = find(db, person, call_id)?;
    let share = heard_share(db.heard_ms(person.user().id, call_id)?, call.duration_ms);
    if share >= WHOLE {
        return Ok(());
    }
    let (share, least) = (share * 100.0, WHOLE * 100.0);
    Err(PageError::Bad(format!(
        "“整通已听”要听过 {least:.0}%（现在听了 {share:.0}%），或写明原因 · heard as a whole means {least:.0} % played ({share:.0} % now), or a reason"
    )))
}

/// 签收: the agent says that the result of an own call was read.
pub(super) async fn sign(State(app): State<Shared>, CallId(id): CallId, sent: Guarded) -> Result<Redirect, PageError> {
    let back = sent.person.call_url(&id);
    let read = sent.number("form").ok_or(PageError::NotFound)?;
    app.run(move |db| {
        sent.person.agent().ok_or(PageError::NotFound)?;
        let call = find(db, &sent.person, &id)?;
        db.sign(&call.call_id, read, sent.person.user().id, now_us())?;
        log(db, &sent.person, "sign", &id, &read.to_string())
    })
    .await?;
    Ok(Redirect::to(&back))
}
