use std::fs;
use std::path::Path;

use callsift_core::{CallReport, Provenance};

use crate::lake::tests::{open, report};
use crate::{KnownSource, Lake, Part, TableName};

const DAY: &str = "2026-11-16";

fn write(lake: &mut Lake, ids: &[&str]) -> Part {
    let reports: Vec<CallReport> = ids.iter().map(|id| report(id, id.starts_with('f'))).collect();
    lake.remember_sources(DAY, ids.iter().map(|id| (*id, id.as_bytes()))).unwrap();
    lake.write_part(DAY, &reports, &Provenance::default()).unwrap()
}

fn ids(root: &Path) -> Vec<String> {
    open(root).unwrap().done().unwrap().into_keys().collect()
}

#[test]
fn an_index_that_is_lost_stale_or_broken_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(&mut open(root).unwrap(), &["a", "b"]);
    write(&mut open(root).unwrap(), &["f1"]);
    open(root).unwrap().mark_removed(DAY, [("x", "sha")].into_iter()).unwrap();
    let db = root.join(".index/calls.db");
    let whole = fs::read(&db).unwrap();
    let harms: [&dyn Fn(); 6] = [
        &|| fs::remove_dir_all(root.join(".index")).unwrap(),
        &|| fs::write(&db, "").unwrap(),
        &|| fs::write(&db, "not a database, and long enough to be taken for one? ".repeat(200)).unwrap(),
        &|| fs::write(&db, &whole[..whole.len() / 2]).unwrap(),
        // The pages after the first, which names the tables.
        &|| fs::write(&db, [&whole[..4096], &vec![0xa5; whole.len() - 4096]].concat()).unwrap(),
        &|| {
            let other = rusqlite::Connection::open(&db).unwrap();
            other.pragma_update(None, "user_version", 77).unwrap();
        },
    ];
    for (i, harm) in harms.iter().enumerate() {
        harm();
        let lake = open(root).unwrap();
        assert_eq!(lake.done().unwrap().into_keys().collect::<Vec<_>>(), ["a", "b", "f1"], "harm {i}");
        assert_eq!(lake.source_of("a", b"a").unwrap(), KnownSource::Same, "harm {i}");
        assert_eq!(lake.source_of("a", b"b").unwrap(), KnownSource::Other, "harm {i}");
        assert!(lake.was_removed("x", || "sha".to_owned()).unwrap(), "harm {i}");
    }
}

#[test]
fn it_follows_the_parts_whoever_changed_them() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    let part = write(&mut open(root).unwrap(), &["a", "b"]);
    write(&mut open(other.path()).unwrap(), &["c"]);
    // Another part under the same name, as a restored backup would put it there.
    for table in TableName::ALL {
        fs::copy(part.path(other.path(), table), part.path(root, table)).unwrap();
    }
    assert_eq!(ids(root), ["c"]);
    let lake = open(root).unwrap();
    assert_eq!(lake.stale(&Provenance::default()).unwrap(), 0);
    let now = Provenance { ruleset_hash: "new".to_owned(), ..Provenance::default() };
    assert_eq!(lake.stale(&now).unwrap(), 1);
    drop(lake);
    fs::remove_file(part.path(root, TableName::Calls)).unwrap();
    assert!(ids(root).is_empty());
    fs::write(root.join(".sources").join(DAY), "\n").unwrap();
    assert_eq!(open(root).unwrap().source_of("a", b"a").unwrap(), KnownSource::Unknown);
}

/// What a call was made by is found by id, name and bytes.
#[test]
fn rows_are_found_by_what_a_recording_has() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path()).unwrap();
    write(&mut lake, &["a", "b", "f1"]);
    let found = |id: &str, name: &str, sha256: &str| -> Vec<String> {
        let rows = lake.rows_like(id, name, sha256).unwrap();
        rows.into_iter().map(|row| row.call_id).collect()
    };
    assert_eq!(found("a", "b.wav", "sha-a"), ["a", "b", "a"]);
    // Nothing is found by nothing: f1 has no bytes that anybody knows.
    assert!(found("", "", "").is_empty());
    assert_eq!(lake.done_call("b").unwrap().map(|c| c.recording), Some("b.wav".to_owned()));
}
