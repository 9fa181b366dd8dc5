//! Any bytes as a metadata file, and each of its rows as a call's metadata.
#![no_main]

mod file;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use callsift_pipeline::config::MetadataConfig;
use callsift_pipeline::metadata::sheet::read_sheet;
use callsift_pipeline::metadata::{MetadataReader, assign};
use libfuzzer_sys::fuzz_target;

static READER: OnceLock<MetadataReader> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut sheet) = read_sheet(&file::written("calls.csv", bytes)) else { return };
    let new = || MetadataReader::new(&MetadataConfig::default()).expect("the defaults are right");
    let reader = READER.get_or_init(new);
    // Names as recordings have them, and those that the rows ask for.
    let mut names: Vec<String> = vec!["a.wav".to_owned(), "night/0001.wav".to_owned()];
    names.extend(sheet.rows.iter().filter_map(|row| row.fields.get("file").cloned()));
    names.sort();
    names.dedup();
    let assigned = assign(&mut sheet, Path::new("recordings"), &names);
    assert_eq!(assigned.len(), names.len());
    for (name, fields) in names.iter().zip(assigned) {
        let all: BTreeMap<String, String> = fields;
        reader.meta(name.clone(), all);
    }
});
