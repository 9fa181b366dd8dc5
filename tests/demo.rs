//! The demo: bundled recordings in, planted faults out; the same bytes for any number of workers.

use std::path::Path;

use crate::support::{code, parquet_bytes, recordings, root, run, stderr, stdout};

fn inspect(recordings: &Path, lake: &Path, more: &[&str]) -> std::process::Output {
    let metadata = root().join("tests/demo/metadata.csv");
    let mut args = vec![
        "run",
        "--model=whisper-mini-zh",
        "--recordings",
        recordings.to_str().unwrap(),
        "--out",
        lake.to_str().unwrap(),
        "--metadata",
        metadata.to_str().unwrap(),
        "--rules",
        "rules",
    ];
    args.extend(more);
    run(&args)
}

#[test]
fn the_planted_faults_are_found_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let all = root().join("tests/demo/recordings");
    let first = inspect(&all, &lake, &[]);
    assert_eq!(code(&first), 1, "one recording is broken on purpose: {}", stderr(&first));
    assert!(stdout(&first).contains("建议先听") && stdout(&first).contains("duckdb"));
    let compared = run(&["expect", "--lake", lake.to_str().unwrap(), "tests/demo/expected.jsonl"]);
    assert_eq!(code(&compared), 0, "{}", stdout(&compared));

    // A second run with nothing changed does nothing and changes nothing.
    let before = parquet_bytes(&lake);
    let again = inspect(&all, &lake, &["--json"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!((summary["calls"].as_u64(), summary["skipped"].as_u64()), (Some(0), Some(14)));
    assert!(before == parquet_bytes(&lake));

    // A recording that was mended is done again with --retry-failed, and none is doubled: once the day is compacted
    // it has the same bytes as without that.
    let compacted = || {
        assert_eq!(code(&run(&["compact", "--lake", lake.to_str().unwrap()])), 0);
        parquet_bytes(&lake)
    };
    let before = compacted();
    let retried = inspect(&all, &lake, &["--json", "--retry-failed"]);
    assert_eq!(code(&retried), 1);
    assert!(before == compacted(), "the same input must give the same lake");

    let explained =
        run(&["rules", "explain", "rhetorical-question", "--lake", lake.to_str().unwrap(), "--call", "c05"]);
    assert!(stdout(&explained).contains("结论：hit"), "{}", stdout(&explained));
}

#[test]
fn one_worker_and_two_write_the_same_bytes() {
    let calls = recordings(&[
        "c05-rhetorical-question.wav",
        "c06-forbidden-phrase.wav",
        "c12-clean-mono.wav",
        "c14-broken.wav",
    ]);
    let lakes = tempfile::tempdir().unwrap();
    let bytes = |workers: &str| {
        let lake = lakes.path().join(workers);
        let output = inspect(calls.path(), &lake, &["--workers", workers, "--calls-per-part", "3"]);
        assert_eq!(code(&output), 1, "{}", stderr(&output));
        parquet_bytes(&lake)
    };
    let one = bytes("1");
    assert_eq!(one.len(), 6, "two parts of three tables: {:?}", one.keys());
    assert!(one == bytes("2"));
}
