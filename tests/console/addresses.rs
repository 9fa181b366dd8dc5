//! Addresses of pages hold no customer's number.

use std::path::Path;

use super::client::{Client, field};
use super::{Console, lake};
use crate::support::{code, run, stderr};

const NUMBER: &str = "13912345678";

/// A lake of one call whose id holds the customer's number, as recorders name files.
fn numbered() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let id = format!("{NUMBER}-20261116.wav");
    let turn = |role: &str, at: i64, text: &str| serde_json::json!({"role": role, "start_ms": at, "end_ms": at + 3000, "text": text});
    let call = serde_json::json!({"call_id": id, "agent_id": "3021", "agent_name": format!("陈晓 {NUMBER}"),
        "queue": format!("外呼{NUMBER}"), "unit": "一组", "recording": "c05-rhetorical-question.wav",
        "started_at": "2026-11-16T12:00:00+08:00",
        "turns": [turn("agent", 0, "这不归我管，你找别人去"), turn("customer", 4000, "好的")]});
    let file = folder.path().join("calls.jsonl");
    std::fs::write(&file, call.to_string()).unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let made = run(&["run", "--transcripts", &text(&file), "--out", &text(&folder.path().join("lake"))]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    (folder, id)
}

/// The first address of a call on a page.
fn address(page: &str) -> String {
    let at = page.find("href=\"/calls/").unwrap_or_else(|| panic!("no call in {page}"));
    page[at..].split('"').nth(1).unwrap().to_owned()
}

#[test]
fn addresses_hold_no_number_and_old_ones_answer_those_who_may_see_it() {
    let (folder, id) = numbered();
    let mut console =
        Console::hearing(&folder.path().join("lake"), &lake().join("recordings"), tempfile::tempdir().unwrap());
    console.add("trusted", &["reviewer", "--numbers"]);
    let (plain, trusted, agent) = (console.login("zhijian"), console.login("trusted"), console.login("zuoxi"));
    let to = address(&plain.get("/queue").text());
    assert!(to.starts_with("/calls/~") && !to.contains(NUMBER), "{to}");
    assert_eq!((address(&trusted.get("/queue").text()), address(&agent.get("/mine").text())), (to.clone(), to.clone()));
    // Nothing of the page or of what it asks for tells the number, not even to scripts.
    for path in ["/queue", "/queue?state=all", &to, "/search?q=归我管", "/agents/3021", "/tasks"] {
        let page = plain.get(path);
        assert!(page.status == 200 && !page.text().contains(NUMBER), "{path}: {}", page.text());
    }
    let page = trusted.get(&to).text();
    let followed = page.split(['"', '\'']).filter(|piece| piece.starts_with("/calls/")).collect::<Vec<_>>();
    assert!(!followed.is_empty() && followed.iter().all(|piece| !piece.contains(NUMBER)), "{followed:?}");
    assert_eq!(plain.get(&format!("{to}/audio")).status, 200);
    works(&plain, &to);
    let record = plain.get(&format!("{to}/record"));
    assert!(record.status == 200 && !record.text().contains(NUMBER), "{}", record.text());
    // The old address: for those who may see the number, as one could else try who called.
    let old = format!("/calls/{id}");
    assert_eq!([&plain, &agent, &trusted].map(|client| client.get(&old).status), [404, 404, 200]);
    assert_eq!(trusted.get(&format!("{old}/audio")).status, 200);
    assert_eq!(plain.post(&format!("{old}/claim"), &[]).status, 404);
    let draft = [("call", id.as_str()), ("name", "x"), ("value", "{}")];
    assert_eq!(plain.post("/drafts", &draft).status, 404);
    assert!(!plain.get(&format!("/queue?left={id}")).text().contains(NUMBER));
    let strange = "/calls/~00112233445566778899aabbccddeeff";
    assert_eq!((trusted.get(strange).status, plain.get(strange).status), (404, 404));
    for path in [&to, strange, &old] {
        let asked = Client::new(&console.base).get(path);
        assert!(asked.status == 303 && asked.header("location").starts_with("/login"), "{path}");
    }
    // The catalogue is made anew, and the address is what it was.
    let data = console.kill();
    std::fs::remove_file(data.path().join("catalog.db")).unwrap();
    let again = Console::hearing(&folder.path().join("lake"), &lake().join("recordings"), data);
    let mut reviewer = Client::new(&again.base);
    reviewer.cookie = plain.cookie;
    assert_eq!(reviewer.get(&to).status, 200);
}

/// A whole review by the opaque address; wherever it sends one on, there is no number.
fn works(reviewer: &Client, to: &str) {
    let page = reviewer.get(to).text();
    let (place, rule) = (field(&page, "place"), field(&page, "rule"));
    let fields = [("rule", rule.as_str()), ("place", &place), ("verdict", "confirmed"), ("before", "")];
    let sent = [
        reviewer.post(&format!("{to}/claim"), &[]),
        reviewer.post(&format!("{to}/verdict"), &fields),
        reviewer.post("/queue/next", &[("from", to.trim_start_matches("/calls/"))]),
        reviewer.post(&format!("{to}/form"), &[("before", "")]),
        reviewer.post(&format!("{to}/form"), &[("before", "1"), ("then", "next")]),
    ];
    for answer in sent {
        let location = answer.header("location").to_owned();
        assert!(answer.status == 303 && !location.contains(NUMBER), "{} {location}", answer.status);
        assert_eq!(reviewer.get(&location).status, 200, "{location}");
    }
    let kept = reviewer.post("/drafts", &[("call", to.trim_start_matches("/calls/")), ("name", "x"), ("value", "{}")]);
    assert_eq!(kept.status, 204);
}
