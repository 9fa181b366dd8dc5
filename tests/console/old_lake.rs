//! Lakes of older versions of the tables stay in use, alone and with new parts beside the old ones.

use std::path::Path;

use super::Console;
use crate::support::{code, recordings, root, run, stderr, stdout};

/// The lake of `crates/store/test-data/v2`, which callsift wrote when the tables had version 2.
fn version_2() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for table in ["calls", "turns", "findings"] {
        let part = Path::new(table).join("dt=2026-11-16/part-00000.parquet");
        std::fs::create_dir_all(folder.path().join(&part).parent().unwrap()).unwrap();
        std::fs::copy(root().join("crates/store/test-data/v2").join(&part), folder.path().join(&part)).unwrap();
    }
    folder
}

/// Everything that reads a lake, over one that holds these calls.
fn works(lake: &Path, calls: &[&str]) {
    let at = lake.to_string_lossy().into_owned();
    let estimated = run(&["estimate", "--lake", &at]);
    // 1 says that nobody has reviewed anything yet.
    assert!(code(&estimated) <= 1 && stdout(&estimated).contains("人工判断"), "{}", stderr(&estimated));
    assert!(stdout(&run(&["report", "--lake", &at])).contains(&format!("共 {} 通", calls.len())));
    let console = Console::with(lake, tempfile::tempdir().unwrap());
    let lead = console.login("zhijian");
    for call in calls {
        assert_eq!(lead.get(&format!("/calls/{call}")).status, 200, "{call}");
    }
}

#[test]
fn old_lakes_are_read_replayed_and_grow() {
    let lake = version_2();
    let at = lake.path().to_string_lossy().into_owned();
    works(lake.path(), &["c08", "c12", "c14"]);
    let sounds = recordings(&["c10-clean-outbound.wav"]);
    let from = sounds.path().to_string_lossy().into_owned();
    let more = run(&["run", "--model=whisper-mini-zh", "--recordings", &from, "--out", &at, "--dt", "2026-11-17"]);
    assert_eq!(code(&more), 0, "{}", stderr(&more));
    works(lake.path(), &["c08", "c12", "c14", "c10-clean-outbound"]);
    // The options that made it are still those of today: nobody has to name them.
    let replayed = run(&["replay", "--lake", &at, "--rules", "rules"]);
    assert_eq!(code(&replayed), 0, "{}", stderr(&replayed));
    works(lake.path(), &["c08", "c12", "c14", "c10-clean-outbound"]);
}
