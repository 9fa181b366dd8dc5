//! Sentences that people heard otherwise than the recogniser.

use super::{Console, lake};
use crate::support::{code, run, stderr};

#[test]
fn a_corrected_sentence_is_shown_kept_and_exported() {
    let console = Console::start();
    let [reviewer, agent] = ["zhijian", "zuoxi"].map(|name| console.login(name));
    let before = reviewer.get("/calls/t2").text();
    assert_eq!(before.matches("name=\"said\"").count(), 2, "not of the turn whose numbers are hidden");
    let correct = |said: &str, turn: &str| reviewer.post("/calls/t2/correct", &[("turn", turn), ("said", said)]).status;
    assert_eq!(correct("这不归我管，您找别人", "0"), 303);
    assert_eq!(correct("这不归我管，您找别人去，我的手机13912345678", "0"), 303);
    assert_eq!(correct("说了这事不归我们管", "2"), 400, "that is what stands there");
    assert_eq!(correct("我的电话", "1"), 400, "a turn with hidden numbers");
    assert_eq!(correct("什么", "9"), 404);
    let page = reviewer.get("/calls/t2").text();
    assert!(page.contains("更正：") && page.contains("您找别人去"), "the last one is shown");
    assert!(page.contains("你找别人去") && !page.contains("13912345678"), "what was heard stays, numbers are masked");
    assert_eq!(page.matches("name=\"said\"").count(), 1, "the correction holds a number that is hidden now");
    // Agents read what was really said and change nothing.
    assert!(agent.get("/calls/t2").text().contains("您找别人去"));
    assert_eq!(agent.post("/calls/t2/correct", &[("turn", "0"), ("said", "好的")]).status, 404);
    let out = console.data.path().join("said.jsonl");
    let (lake, data) = (lake().join("lake"), console.data.path());
    let [lake, data, to] = [&lake, data, &out].map(|path| path.to_str().unwrap());
    let done = run(&["reviews", "--lake", lake, "--data", data, "corrections", to]);
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    let lines = std::fs::read_to_string(&out).unwrap();
    let [line] = lines.lines().collect::<Vec<_>>()[..] else { panic!("one sentence was corrected: {lines}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let wanted = serde_json::json!({"file": "t2.wav", "channel": 0, "start_ms": 0, "end_ms": 3000,
        "text": "这不归我管，您找别人去，我的手机13912345678"});
    assert_eq!(line, wanted, "the form of `eval --speech`");
}
