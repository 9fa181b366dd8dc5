//! Telling another system of what was raised: a signed POST for each event, tried again until it is taken. What is to
//! be told lies in the reviews database, so that no restart loses it; the receiver knows an event that came twice by
//! its id.

use std::time::Duration;

use callsift_reviews::clock::LONGEST_WAIT_US;
use callsift_reviews::{Db, Notice, RaisedKind};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;

use crate::app::{App, Shared, now_us};
use crate::error::ConsoleError;
use crate::options::Notify;
use crate::serve::complain;

/// Looked for what is due after so long.
const LOOK: Duration = Duration::from_secs(2);
/// The receiver is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// First wait after a failure; doubled with each.
const FIRST_US: i64 = 5_000_000;
/// Notices of one look.
const AT_ONCE: u32 = 20;

/// Sends on a thread of its own, for as long as the console runs.
pub(crate) fn start(app: Shared) {
    let Some(notify) = app.options.notify.clone() else { return };
    let work = move || {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // What is told goes to the address that was given, and nowhere else.
            .max_redirects(0)
            .timeout_global(Some(PATIENCE));
        let agent: ureq::Agent = config.build().into();
        loop {
            if let Err(e) = send_due(&app, &notify, &agent) {
                complain(&e);
            }
            std::thread::sleep(LOOK);
        }
    };
    if let Err(e) = std::thread::Builder::new().name("notify".to_owned()).spawn(work) {
        complain(&ConsoleError::Option(format!("nobody is told of what is raised: {e}")));
    }
}

fn send_due(app: &App, notify: &Notify, agent: &ureq::Agent) -> Result<(), ConsoleError> {
    let mut db = Db::open_in(&app.options.data)?;
    for notice in db.notices_due(now_us(), AT_ONCE)? {
        let failed = send(app, notify, agent, &notice).err();
        let again_us = now_us() + wait_us(notice.tries);
        if let Some(why) = &failed {
            let text = format!("{} was not told of event {}: {why}", notify.url, notice.raised.event);
            complain(&ConsoleError::Option(text));
        }
        db.notice_tried(notice.raised.id, now_us(), failed.as_deref().map(|why| (why, again_us)))?;
    }
    Ok(())
}

/// How long to wait after so many failures before this one.
fn wait_us(tries: u32) -> i64 {
    FIRST_US.saturating_mul(1 << tries.min(20)).min(LONGEST_WAIT_US)
}

fn send(app: &App, notify: &Notify, agent: &ureq::Agent, notice: &Notice) -> Result<(), String> {
    let body = body(app, notice);
    let at = (now_us() / 1_000_000).to_string();
    let answer = agent
        .post(&notify.url)
        .header("content-type", "application/json")
        .header("x-callsift-event", &notice.raised.event)
        .header("x-callsift-timestamp", &at)
        .header("x-callsift-signature", &format!("sha256={}", sign(&notify.secret, &at, &body)?))
        .send(&body)
        .map_err(|e| e.to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("status {}", answer.status().as_u16())) }
}

/// What is told: enough to find it in the console, and no customer's number. The reviewer's words stay here.
fn body(app: &App, notice: &Notice) -> String {
    let r = &notice.raised;
    let title = app.rules.get(&r.rule_id).map_or("", |rule| rule.title.as_str());
    let mask = callsift_text::mask;
    json!({
        "event": r.event,
        "kind": r.kind.as_str(),
        "at": Timestamp::from_microsecond(r.at_us).unwrap_or_default().to_string(),
        "call": callsift_text::mask_id(&r.call_id),
        "unit": mask(&r.unit),
        "agent": mask(&r.agent_id),
        "rule": r.rule_id,
        "title": title,
        "severity": r.severity,
        "start_ms": r.span_ms.map(|s| s.0),
        "end_ms": r.span_ms.map(|s| s.1),
        "path": format!("/raised#r{}", r.id),
        "flagged": r.kind == RaisedKind::Flag,
    })
    .to_string()
}

/// HMAC-SHA256 over moment, dot and body, in hexadecimal digits: who knows the secret can tell that it is ours and
/// when it was sent.
fn sign(secret: &str, at: &str, body: &str) -> Result<String, String> {
    hmac(secret.as_bytes(), format!("{at}.{body}").as_bytes())
}

/// HMAC-SHA256 in hexadecimal digits.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|e| e.to_string())?;
    mac.update(message);
    Ok(callsift_core::hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{hmac, sign, wait_us};

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // RFC 4231, test case 2.
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac(b"Jefe", b"what do ya want for nothing?").unwrap(), known);
        assert_eq!(sign("Jefe", "1", "{}").unwrap(), hmac(b"Jefe", b"1.{}").unwrap(), "the moment is signed, too");
    }

    #[test]
    fn waits_grow_to_an_hour() {
        let seconds: Vec<i64> = [0, 1, 5, 10, 60].map(|n| wait_us(n) / 1_000_000).to_vec();
        assert_eq!(seconds, [5, 10, 160, 3600, 3600]);
    }
}
