//! What matching by sound is worth on real recognition errors.
//!
//! Usage: `sound_errors [PAIRS.jsonl]`, lines of `{"ref": what was said, "hyp": what a recogniser wrote}`. Words of two to
//! six characters of what was said stand for the phrases of rules. Recall: the share of phrases said that are found in
//! what was written. False hits: phrases found that were not said, per million looks of one phrase at one utterance. Without a file, and besides
//! it, the same for simulated noise of 5, 10 and 20 % of the characters on the project's labelled calls.
#![allow(clippy::print_stdout, reason = "a report")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use callsift_core::stats::wilson;
use callsift_core::{SpeakerRole, TimeSpan, Turn};
use callsift_rules::{CallFacts, EvalOptions, RuleSet};
use callsift_text::{Normalizer, RecognitionNoise, Segmenter, error_rate};

type Pairs = Vec<(String, String)>;

fn main() -> Result<(), Box<dyn Error>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::args().nth(1).map(PathBuf::from);
    match given.filter(|p| p.is_file()) {
        Some(path) => report("real recogniser output", &real(&path)?)?,
        None => println!("no file of real recogniser output: left out"),
    }
    let said = labelled(&project)?;
    for rate in [0.05, 0.10, 0.20] {
        let noise = RecognitionNoise { rate, seed: 1 };
        let pairs: Pairs = said.iter().map(|t| (t.clone(), noise.apply(t))).collect();
        report(&format!("simulated, {:.0} % of characters", rate * 100.0), &pairs)?;
    }
    Ok(())
}

/// Pairs without marks of noise and other speakers, in matching form.
fn real(path: &Path) -> Result<Pairs, Box<dyn Error>> {
    let normalizer = Normalizer::matching();
    let mut pairs = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let (said, heard) = (line["ref"].as_str().unwrap_or(""), line["hyp"].as_str().unwrap_or(""));
        if !said.contains('(') && !heard.contains('(') && !heard.is_empty() {
            pairs.push((normalizer.normalize(said).text(), normalizer.normalize(heard).text()));
        }
    }
    Ok(pairs)
}

fn labelled(project: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let normalizer = Normalizer::matching();
    let mut turns = BTreeSet::new();
    for line in std::fs::read_to_string(project.join("tests/labelled/dev.jsonl"))?.lines() {
        let call: serde_json::Value = serde_json::from_str(line)?;
        for turn in call["turns"].as_array().into_iter().flatten() {
            turns.insert(normalizer.normalize(turn["text"].as_str().unwrap_or("")).text());
        }
    }
    Ok(turns.into_iter().filter(|t| t.chars().count() >= 4).collect())
}

/// Words that stand for phrases, by utterance.
fn phrases(said: &str) -> BTreeSet<String> {
    let words = Segmenter::default().words(said);
    words.into_iter().filter(|w| (2..=6).contains(&w.chars().count())).collect()
}

/// How one way of matching did for phrases of one length.
#[derive(Default, Clone)]
struct Tally {
    said: usize,
    found: usize,
    false_hits: usize,
}

fn report(title: &str, pairs: &Pairs) -> Result<(), Box<dyn Error>> {
    let vocabulary: BTreeSet<String> = pairs.iter().flat_map(|(said, _)| phrases(said)).collect();
    let (mut edits, mut length) = (0, 0);
    for (said, heard) in pairs {
        let e = error_rate(said, heard);
        edits += e.edits;
        length += e.reference;
    }
    let cer = edits as f64 * 100.0 / length.max(1) as f64;
    println!("\n{title}: {} utterances, {} phrases, CER {cer:.1} %", pairs.len(), vocabulary.len());
    println!("{:<28}{:>9}{:>22}{:>16}", "matching, length", "said", "recall % [95 %]", "false per million");
    for (name, options) in
        [("exact", ""), ("sound", ", sound: true"), ("sound, common words too", ", sound: true, common_words: true")]
    {
        let rules = rules(&vocabulary, options)?;
        for (length, tally) in tally(&rules, pairs) {
            let label = if length == 5 { "5–6".to_owned() } else { length.to_string() };
            let (low, high) = wilson(tally.found, tally.said);
            let recall = tally.found as f64 * 100.0 / tally.said.max(1) as f64;
            println!(
                "{:<28}{:>9}{:>8.1} [{:.1}–{:.1}]{:>16.1}",
                format!("{name}, {label}"),
                tally.said,
                recall,
                low * 100.0,
                high * 100.0,
                tally.false_hits as f64 * 1e6 / (pairs.len() * count(&vocabulary, length)) as f64
            );
        }
    }
    Ok(())
}

/// Phrases of a length.
fn count(vocabulary: &BTreeSet<String>, length: usize) -> usize {
    vocabulary.iter().filter(|w| w.chars().count().min(5) == length).count().max(1)
}

/// One rule that looks for all phrases.
fn rules(vocabulary: &BTreeSet<String>, options: &str) -> Result<RuleSet, Box<dyn Error>> {
    let list = vocabulary.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "version: 1\nid: x\ntitle: x\nrequirement: A1\nseverity: minor\npoints: 1\nwhy: x\nviolation_when: found\n\
         condition:\n  keyword: {{ any: [{list}]{options} }}\ntests:\n  - {{ name: a, turns: [\"agent: x\"], expect: hit }}\n  \
         - {{ name: b, turns: [\"agent: x\"], expect: clear }}\n"
    );
    Ok(RuleSet::from_texts(Path::new("rules"), &[("rules/x/x.yaml".into(), text)], None)?)
}

fn tally(rules: &RuleSet, pairs: &Pairs) -> BTreeMap<usize, Tally> {
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    for (said, heard) in pairs {
        let wanted = phrases(said);
        let turns = [turn(heard)];
        let call = rules.view(&turns, CallFacts::default(), &EvalOptions::default());
        let hits = call.turns.iter().flat_map(|turn| turn.all_hits());
        // A phrase inside a longer one that was said was said too.
        let found: BTreeSet<String> = hits.map(|h| call.index.text(h.phrase)).collect();
        for phrase in &wanted {
            let tally = tallies.entry(phrase.chars().count().min(5)).or_default();
            tally.said += 1;
            tally.found += usize::from(found.contains(phrase));
        }
        for phrase in found.iter().filter(|p| !said.contains(p.as_str())) {
            tallies.entry(phrase.chars().count().min(5)).or_default().false_hits += 1;
        }
    }
    tallies
}

fn turn(text: &str) -> Turn {
    Turn::from_text(0, SpeakerRole::Agent, TimeSpan::new(0, 1000), text, 0.9)
}
