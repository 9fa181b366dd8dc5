//! `DuckDB`, Polars and pyarrow read every table and agree on every number.

use std::process::Command;

use crate::support::{code, python, root, run, stderr, stdout};

#[test]
fn three_readers_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (file, lake) = (folder.path().join("calls.jsonl"), folder.path().join("lake"));
    let lines: Vec<String> = (0..40)
        .map(|i| {
            let day = 16 + i % 3;
            let said = if i % 4 == 0 { "这不归我管" } else { "好的，再见" };
            format!(
                "{{\"call_id\":\"k{i:02}\",\"agent_id\":\"30{:02}\",\"started_at\":\"2026-11-{day}T09:{i:02}:00+08:00\",\"turns\":[\
                 {{\"role\":\"agent\",\"start_ms\":0,\"end_ms\":3000,\"text\":\"您好，工号三零二一。\"}},\
                 {{\"role\":\"agent\",\"start_ms\":4000,\"end_ms\":7000,\"text\":\"{said}\"}}]}}",
                i % 7
            )
        })
        .collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = run(&[
        "run",
        "--transcripts",
        file.to_str().unwrap(),
        "--out",
        lake.to_str().unwrap(),
        "--calls-per-part",
        "5",
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let compared = Command::new(python()).arg(root().join("tests/readers.py")).arg(&lake).output().unwrap();
    assert!(compared.status.success(), "{}\n{}", stdout(&compared), stderr(&compared));
    assert!(stdout(&compared).contains("calls: 40 rows"), "{}", stdout(&compared));
}
