//! Any bytes as a transcripts file, and whatever is a call of it under the whole pack.
#![no_main]

mod file;

use std::path::Path;
use std::sync::OnceLock;

use callsift_dialogue::{DialogueOptions, Transcript, talk_metrics};
use callsift_pipeline::config::MetadataConfig;
use callsift_pipeline::transcripts::Transcripts;
use callsift_rules::{CallFacts, EvalOptions, RuleSet};
use libfuzzer_sys::fuzz_target;

static PACK: OnceLock<RuleSet> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    whole_file(bytes);
    let Ok(call) = Transcript::parse(&String::from_utf8_lossy(bytes)) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let pack = PACK.get_or_init(|| RuleSet::load(&folder).expect("the pack loads"));
    talk_metrics(&call.turns, &DialogueOptions::default());
    let mut facts = CallFacts::default();
    facts.duration_ms = call.fields.get("duration_ms").and_then(|v| v.parse().ok());
    facts.meta.order = call.fields.get("order").cloned();
    facts.meta.extra = call.fields;
    let findings = pack.evaluate(&call.turns, facts, &EvalOptions::default());
    assert_eq!(findings.len(), pack.rules().len());
});

/// Every call of the file gets a row, whatever is wrong with it, and no id stands twice.
fn whole_file(bytes: &[u8]) {
    let path = file::written("calls.jsonl", bytes);
    let config = MetadataConfig::default();
    let Ok(calls) = Transcripts::open(&path, &config, "2026-11-16", None) else { return };
    let mut ids: Vec<&str> = (0..calls.len()).map(|call| calls.call_id(call)).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), calls.len(), "an id stands twice");
    calls.read_all().expect("a file that was opened is read");
}
