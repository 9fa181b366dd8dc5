use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use callsift_core::{CallReport, Provenance};

use super::{DayCompaction, TARGET_BYTES};
use crate::lake::tests::{open, report, version_2};
use crate::read::part_files;
use crate::{Judged, Part, PartReader, SCHEMA_VERSION, TableName, day_commits, read_calls};

const DAY: &str = "2026-11-16";

fn write(root: &Path, ids: &[String]) {
    let reports: Vec<CallReport> = ids.iter().map(|id| report(id, id.starts_with('f'))).collect();
    open(root).unwrap().write_part(DAY, &reports, &Provenance::default()).unwrap();
}

fn compact(root: &Path, target: u64) -> DayCompaction {
    open(root).unwrap().compact_day(DAY, target).unwrap()
}

fn bytes(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = TableName::ALL.iter().flat_map(|t| part_files(root, *t).unwrap());
    files.map(|f| (f.strip_prefix(root).unwrap().display().to_string(), fs::read(f).unwrap())).collect()
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("{}{i:05}", if i % 7 == 3 { "f" } else { "c" })).collect()
}

fn calls(root: &Path) -> Vec<String> {
    let parts = crate::stored_parts(root, None, None).unwrap();
    parts.iter().flat_map(|p| read_calls(root, p).unwrap()).map(|c| c.meta.call_id).collect()
}

#[test]
fn bytes_depend_on_calls_alone() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let roots: Vec<&Path> = folders.iter().map(tempfile::TempDir::path).collect();
    write(roots[0], &ids(0..2500));
    // Some at a time, in another order, and some twice.
    for start in [1800, 0, 900] {
        let mut some = ids(start..2500.min(start + 900));
        some.reverse();
        write(roots[1], &some);
        compact(roots[1], TARGET_BYTES);
    }
    write(roots[1], &ids(20..30));
    // More parts than are open at once, each reaching over the whole day.
    for i in 0..70 {
        write(roots[2], &ids(0..2500).into_iter().skip(i).step_by(70).collect::<Vec<_>>());
    }
    for root in &roots {
        assert!(
            matches!(compact(root, TARGET_BYTES), DayCompaction::Done(day) if day.calls == 2500 && day.parts_after == 1)
        );
        assert_eq!(compact(root, TARGET_BYTES), DayCompaction::AsItWas);
        assert!(!root.join(".staging").exists() || fs::read_dir(root.join(".staging")).unwrap().next().is_none());
    }
    let mut sorted = ids(0..2500);
    sorted.sort();
    assert_eq!(calls(roots[0]), sorted);
    assert!(bytes(roots[0]) == bytes(roots[1]) && bytes(roots[0]) == bytes(roots[2]));
}

#[test]
fn a_large_part_is_read_and_rewritten_block_by_block() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &ids(0..2500));
    compact(root, TARGET_BYTES);
    let part = Part { date: DAY.to_owned(), number: 0 };
    let groups = |part: &Part| {
        let mut reader = PartReader::open(root, part, true).unwrap();
        std::iter::from_fn(move || reader.next_group().unwrap()).collect::<Vec<_>>()
    };
    let sizes: Vec<_> = groups(&part).iter().map(|g| (g.calls.len(), g.findings.len())).collect();
    assert_eq!(sizes, [(1024, 2048), (1024, 2048), (452, 904)]);
    assert!(groups(&part).iter().flat_map(|g| &g.calls).all(|c| c.turns.len() == 1 && c.turns[0].text().len() == 24));
    // A replay leaves the order and what a fresh compaction would write.
    let before = bytes(root);
    let made_by = Provenance::default();
    let judge = |c: &crate::StoredCall| Judged {
        call_id: c.meta.call_id.clone(),
        findings: report("x", false).findings,
        score: c.score,
    };
    let lake = open(root).unwrap();
    let mut new = lake.replacing(&part, &made_by).unwrap();
    for group in groups(&part) {
        new.push(&group.calls.iter().map(judge).collect::<Vec<_>>()).unwrap();
    }
    new.commit().unwrap();
    assert!(lake.replacing(&part, &made_by).unwrap().commit().is_err(), "nothing was judged");
    drop(lake);
    assert!(bytes(root) == before);
    assert_eq!(compact(root, TARGET_BYTES), DayCompaction::AsItWas);
    // So does a removal.
    let gone = ids(100..1600);
    open(root).unwrap().remove_calls(&part, &gone.iter().map(String::as_str).collect()).unwrap();
    let other = tempfile::tempdir().unwrap();
    write(other.path(), &[ids(0..100), ids(1600..2500)].concat());
    compact(other.path(), TARGET_BYTES);
    assert!(bytes(root) == bytes(other.path()));
}

#[test]
fn a_day_is_cut_at_its_target_and_made_one_when_little_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &ids(0..3000));
    assert!(matches!(compact(root, 1), DayCompaction::Done(day) if day.parts_after == 3));
    let parts = crate::stored_parts(root, None, None).unwrap();
    let calls_of = |part: &Part| read_calls(root, part).unwrap().len();
    assert_eq!(parts.iter().map(calls_of).collect::<Vec<_>>(), [1024, 1024, 952]);
    assert!(parts.iter().all(|p| crate::read_findings(root, p).unwrap().len() == 2 * calls_of(p)));
    let lake = open(root).unwrap();
    assert!(
        lake.done()
            .unwrap()
            .iter()
            .all(|(id, call)| read_calls(root, &call.part).unwrap().iter().any(|c| c.meta.call_id == *id))
    );
    drop(lake);
    assert!(
        matches!(compact(root, TARGET_BYTES), DayCompaction::Done(day) if (day.parts_before, day.parts_after) == (3, 1))
    );
    assert_eq!(day_commits(root).unwrap().last().map(|d| (d.commit, d.writing)), Some((3, false)));
}

#[test]
fn old_and_new_parts_become_one_of_today() {
    let folder = version_2();
    let root = folder.path();
    write(root, &["c09".to_owned(), "c01".to_owned()]);
    let turns: usize =
        crate::read_part(root, &Part { date: DAY.to_owned(), number: 0 }).unwrap().iter().map(|c| c.turns.len()).sum();
    assert!(
        matches!(compact(root, TARGET_BYTES), DayCompaction::Done(day) if (day.parts_before, day.parts_after) == (2, 1))
    );
    assert_eq!(calls(root), ["c01", "c08", "c09", "c12", "c14"]);
    let part = Part { date: DAY.to_owned(), number: 0 };
    assert_eq!(crate::read::footer(&part.path(root, TableName::Calls)).unwrap().version, SCHEMA_VERSION);
    let now = crate::read_part(root, &part).unwrap();
    assert_eq!(now.iter().map(|c| c.turns.len()).sum::<usize>(), turns + 2);
    assert_eq!(compact(root, TARGET_BYTES), DayCompaction::AsItWas);
}

#[test]
fn what_is_damaged_or_stands_twice_is_left_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &["a".to_owned()]);
    write(root, &["b".to_owned()]);
    let file = |table: TableName, number| Part { date: DAY.to_owned(), number }.path(root, table);
    for table in TableName::ALL {
        let whole = fs::read(file(table, 1)).unwrap();
        fs::write(file(table, 1), &whole[..whole.len() / 2]).unwrap();
        let before = bytes(root);
        let left = compact(root, TARGET_BYTES);
        assert!(matches!(&left, DayCompaction::Left(why) if why.contains("part-00001.parquet")), "{table:?} {left:?}");
        assert!(bytes(root) == before);
        fs::write(file(table, 1), &whole).unwrap();
    }
    for table in TableName::ALL {
        fs::copy(file(table, 1), file(table, 2)).unwrap();
    }
    let left = compact(root, TARGET_BYTES);
    assert!(matches!(&left, DayCompaction::Left(why) if why.contains("`b` stands twice")), "{left:?}");
    let gone: BTreeSet<&str> = BTreeSet::from(["b"]);
    open(root).unwrap().remove_calls(&Part { date: DAY.to_owned(), number: 2 }, &gone).unwrap();
    assert!(matches!(compact(root, TARGET_BYTES), DayCompaction::Done(_)));
    assert_eq!(calls(root), ["a", "b"]);
}

/// Killed at each step of the swap: the next to open finishes it, and no call is missing or twice.
#[test]
fn a_kill_in_the_middle_of_a_swap_is_made_good() {
    let (folder, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for root in [folder.path(), whole.path()] {
        write(root, &ids(0..3));
        write(root, &ids(3..6));
    }
    compact(whole.path(), TARGET_BYTES);
    // The journal as a compaction writes it, and how far it came.
    let moves = TableName::ALL
        .map(|t| (format!(".staging/{}", t.as_str()), format!("{}/dt={DAY}/part-00000.parquet", t.as_str())));
    let removes = TableName::ALL.map(|t| format!("{}/dt={DAY}/part-00001.parquet", t.as_str()));
    for done in 0..=6 {
        let lake = tempfile::tempdir().unwrap();
        let root = lake.path();
        write(root, &ids(0..3));
        write(root, &ids(3..6));
        fs::create_dir_all(root.join(".staging")).unwrap();
        for (from, to) in &moves {
            fs::copy(whole.path().join(to), root.join(from)).unwrap();
        }
        let lines = moves.iter().map(|(from, to)| format!("{from}\t{to}\n"));
        let journal: String = lines.chain(removes.iter().rev().map(|file| format!("\t{file}\n"))).collect();
        fs::write(root.join(format!(".replace-{DAY}-00000")), journal).unwrap();
        fs::write(
            root.join(format!("commits/dt={DAY}.json")),
            format!(r#"{{"dt":"{DAY}","commit":2,"writing":true}}"#),
        )
        .unwrap();
        for step in 0..done {
            match moves.get(step) {
                Some((from, to)) => fs::rename(root.join(from), root.join(to)).unwrap(),
                None => fs::remove_file(root.join(&removes[5 - step])).unwrap(),
            }
        }
        assert_eq!(open(root).unwrap().done().unwrap().len(), 6, "after {done} steps");
        assert!(bytes(root) == bytes(whole.path()), "after {done} steps");
        assert_eq!(day_commits(root).unwrap().first().map(|d| (d.commit, d.writing)), Some((3, false)));
    }
}
