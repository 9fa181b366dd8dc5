//! Any bytes as a line of a transcripts file, and whatever is a call, under the whole pack.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use callsift_dialogue::{DialogueOptions, Transcript, talk_metrics};
use callsift_rules::{CallFacts, EvalOptions, RuleSet};
use libfuzzer_sys::fuzz_target;

static PACK: OnceLock<RuleSet> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
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
