//! Several processes, one lake: shares of a manifest, at once, killed, repeated.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::{callsift, code, parquet_bytes, root, run, stderr, stdout};

fn args<'a>(manifest: &'a str, lake: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let recordings = "--recordings=tests/demo/recordings";
    let fixed = ["run", "--model=whisper-mini-zh", "--rules=rules", recordings, "--calls-per-part=1", "--workers=1"];
    fixed.into_iter().chain(["--manifest", manifest, "--lake", lake]).chain(more.iter().copied()).collect()
}

/// Eight calls of the demo, the broken one among them.
fn manifest(folder: &Path) -> String {
    let text = fs::read_to_string(root().join("tests/demo/metadata.csv")).unwrap();
    let text = text.replacen("call_id,file", "recording_id,uri", 1);
    let ids = ["c03", "c05", "c06", "c08", "c10", "c12", "c13", "c14"];
    let rows = text.lines().filter(|l| l.starts_with("recording_id") || ids.iter().any(|id| l.starts_with(id)));
    let path = folder.join("m.csv");
    fs::write(&path, rows.collect::<Vec<_>>().join("\n")).unwrap();
    path.to_string_lossy().into_owned()
}

fn parts(lake: &str) -> BTreeSet<String> {
    parquet_bytes(Path::new(lake)).into_keys().filter(|name| name.starts_with("calls/")).collect()
}

fn compacted(lake: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let done = run(&["compact", "--lake", lake]);
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    parquet_bytes(Path::new(lake))
}

#[test]
fn shares_that_write_one_lake_at_once_make_the_lake_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(folder.path());
    let lake = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (whole, shared, again) = (lake("whole"), lake("shared"), lake("again"));
    let one = run(&args(&manifest, &whole, &["--json"]));
    assert_eq!(code(&one), 1, "{}", stderr(&one));

    let start = |lake: &str, share: &str| -> Child {
        callsift()
            .args(args(&manifest, lake, &["--shard", share]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let both: Vec<Child> = ["0/2", "1/2"].iter().map(|share| start(&shared, share)).collect();
    let codes: Vec<i32> = both.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
    assert_eq!(codes.iter().sum::<i32>(), 1, "one share has the broken recording: {codes:?}");
    // One after the other, the second first: parts have the same names and bytes, whoever came first.
    for share in ["1/2", "0/2"] {
        assert!(code(&run(&args(&manifest, &again, &["--shard", share]))) <= 1);
    }
    let bytes = |lake: &str| parquet_bytes(Path::new(lake));
    assert!(bytes(&shared) == bytes(&again), "{:?} {:?}", parts(&shared), parts(&again));
    assert_eq!(parts(&shared).len(), 8);
    let by_share = |share: &str| {
        let summary = run(&args(&manifest, &shared, &["--shard", share, "--json"]));
        let summary: serde_json::Value = serde_json::from_str(&stdout(&summary)).unwrap();
        assert_eq!(summary["calls"], 0, "nothing is done twice");
        summary["skipped"].as_u64().unwrap() as usize
    };
    let counts = [by_share("0/2"), by_share("1/2")];
    assert!(counts[0] + counts[1] == 8 && counts[0] > 0 && counts[1] > 0, "{counts:?}");
    let numbers = |share: usize| {
        (0..counts[share]).map(move |n| format!("calls/dt=2026-11-16/part-{:05}.parquet", 2 * n + share))
    };
    assert_eq!(parts(&shared), numbers(0).chain(numbers(1)).collect());
    assert!(compacted(&shared) == compacted(&whole));
}

#[test]
fn a_killed_share_goes_on_where_it_was_while_another_writes() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(folder.path());
    let lake = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (whole, shared) = (lake("whole"), lake("shared"));
    assert_eq!(code(&run(&args(&manifest, &whole, &[]))), 1);
    let start = |share: &str| -> Child {
        callsift()
            .args(args(&manifest, &shared, &["--shard", share]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut other = start("1/2");
    for moment in [900, 1700, 2600] {
        let mut child = start("0/2");
        sleep(Duration::from_millis(moment));
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(start("0/2").wait().unwrap().code().unwrap() <= 1);
    assert!(other.wait().unwrap().code().unwrap() <= 1);
    assert!(compacted(&shared) == compacted(&whole));
    let checked = run(&["lake", "check", "--lake", &shared]);
    assert_eq!(code(&checked), 0, "{}", stdout(&checked));
}
