//! Any bytes as one table of a part of a lake whose other tables are whole: read as replay, console and check read it.
#![no_main]

mod file;

use std::fs;
use std::path::Path;
use std::sync::Once;

use callsift_store::{Part, PartReader, TableName, check, read_findings, read_part};
use libfuzzer_sys::fuzz_target;

static LAKE: Once = Once::new();
const NAME: &str = "dt=2026-11-16/part-00000.parquet";

/// The table of a lake that today's program wrote.
fn genuine(table: TableName) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/store/test-data/v4").join(table.as_str()).join(NAME)
}

fuzz_target!(init: file::let_panics_be_contained(), |bytes: &[u8]| {
    let root = file::folder();
    LAKE.call_once(|| {
        for table in TableName::ALL {
            fs::create_dir_all(root.join(table.as_str()).join("dt=2026-11-16")).expect("a folder can be made");
            fs::copy(genuine(table), root.join(table.as_str()).join(NAME)).expect("a file can be copied");
        }
    });
    // The first byte chooses the table.
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let table = TableName::ALL[usize::from(*choice) % TableName::ALL.len()];
    let path = root.join(table.as_str()).join(NAME);
    fs::write(&path, bytes).expect("a file can be written");
    let part = Part { date: "2026-11-16".to_owned(), number: 0 };
    read_as_a_whole(root, &part);
    let _ = check(root).expect("a damaged part is named, and no reason to give up");
    fs::copy(genuine(table), &path).expect("a file can be copied");
});

fn read_as_a_whole(root: &Path, part: &Part) {
    let _ = read_part(root, part);
    let _ = read_findings(root, part);
    let Ok(mut reader) = PartReader::open(root, part, true) else { return };
    while let Ok(Some(group)) = reader.next_group() {
        assert!(group.calls.len() <= 100_000, "a group without end");
    }
}
