//! Any bytes as a rule file, and whatever loads, on a call.
#![no_main]

use std::path::{Path, PathBuf};

use callsift_core::Turn;
use callsift_rules::{CallFacts, EvalOptions, RuleSet, run_tests};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files = [(PathBuf::from("rules/x/x.yaml"), text.to_owned())];
    let Ok(rules) = RuleSet::from_texts(Path::new("rules"), &files, None) else { return };
    let options = EvalOptions::default();
    let none: [Turn; 0] = [];
    rules.evaluate(&none, CallFacts::default(), &options);
    run_tests(&rules, &options);
});
