//! Calls that another system transcribed go through everything after recognition.

use crate::support::{code, run, stderr, stdout};

#[test]
fn transcripts_are_judged_without_audio() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lake) = (folder.path().join("calls.jsonl"), folder.path().join("lake"));
    let call = |id: &str, agent: &str| {
        format!(
            "{{\"call_id\":\"{id}\",\"direction\":\"inbound\",\"queue\":\"order\",\"agent_id\":\"3021\",\
             \"started_at\":\"2026-11-16T09:00:00+08:00\",\"turns\":[\
             {{\"role\":\"agent\",\"start_ms\":0,\"end_ms\":4000,\"text\":\"您好，订货中心，工号三零二一。\"}},\
             {{\"role\":\"customer\",\"start_ms\":4500,\"end_ms\":7000,\"text\":\"我的货少了两条。\"}},\
             {{\"role\":\"agent\",\"start_ms\":7500,\"end_ms\":11000,\"text\":\"{agent}\"}}]}}"
        )
    };
    let lines = [
        call("good", "我帮您登记，感谢您的来电，再见。"),
        call("bad", "这不归我管，你找别人吧，再见。"),
        "{broken".to_owned(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let args = ["run", "--transcripts", file.to_str().unwrap(), "--out", lake.to_str().unwrap(), "--dt", "2026-11-16"];
    let output = run(&args);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("bad  得分 65") && text.contains("不归我管") && !text.contains("good  得分"), "{text}");
    assert!(text.contains("calls.jsonl:3"), "{text}");
    let again = run(&args);
    assert_eq!(code(&again), 0);
    assert!(stdout(&again).contains("此前已完成 3 通"), "{}", stdout(&again));
}
