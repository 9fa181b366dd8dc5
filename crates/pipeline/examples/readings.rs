//! How likely a reading is that the recogniser was asked about: fits the weights of `callsift-rules`' second hearing to labelled
//! calls that were spoken and heard.
//!
//! `cargo run --release -p callsift-pipeline --example readings -- tests/spoken/heard-dev.jsonl`
//!
//! For each rule that hits without the readings, the likeliest of those that clear it is one observation: said, where the label
//! is not a hit. Prints the weights (constant, score, cost by sound) and how the probabilities hold, in five classes; and the
//! readings by which rules that found nothing would hit.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::path::Path;

use anyhow::{Context, Result};
use callsift_core::Verdict;
use callsift_pipeline::{Config, facts, labelled, transcripts::Transcripts};
use callsift_rules::{Answers, EvalOptions, Reading, RuleSet, UNHEARD};

/// Scores are brought to the size of the others, so that the fit converges.
const SCALE: f64 = 10.0;

/// Constant, score, cost; and whether it was said.
type Observation = ([f64; 3], bool);

fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("name a file of labelled calls as heard")?;
    let rules = RuleSet::load(Path::new("rules"))?;
    let observations = observations(Path::new(&file), &rules)?;
    let weights = fit(&observations);
    let said = observations.iter().filter(|o| o.1).count();
    println!("{} readings, {said} of them said", observations.len());
    println!("weights: {:.2} {:+.3} score {:+.2} cost", weights[0], weights[1] / SCALE, weights[2]);
    reliability(&observations, weights);
    Ok(())
}

fn observations(file: &Path, rules: &RuleSet) -> Result<Vec<Observation>> {
    let labels = labelled::labels(file)?;
    let calls = Transcripts::open(file, &Config::default().metadata, "1970-01-01", None)?;
    // Everything that was asked, however unlikely.
    let options = EvalOptions { unsaid_below: 0.0, said_from: 0.0, ..EvalOptions::default() };
    let mut observations = Vec::new();
    for call in 0..calls.len() {
        let report = calls.read(call)?;
        let Some(labels) = labels.get(&report.recording.meta.call_id) else { continue };
        let facts = facts::of_report(&report);
        let mut plain = report.turns.clone();
        for turn in &mut plain {
            turn.alternatives.clear();
        }
        let found = rules.evaluate(&plain, facts.clone(), &options);
        let call = rules.view(&report.turns, facts, &options);
        let answers = Answers::of(&call);
        for clear in found.iter().filter(|f| f.verdict == Verdict::Clear) {
            let (Some(label), rule) = (labels.get(&clear.rule_id), rules.get(&clear.rule_id)?) else { continue };
            if let Some(best) = answers.accusing(rule, &options) {
                let said = *label == Verdict::Hit;
                println!("accuses: {said:5} {}", line(best, &report.recording.meta.call_id, &clear.rule_id));
            }
        }
        for hit in found.iter().filter(|f| f.verdict == Verdict::Hit) {
            let Some(label) = labels.get(&hit.rule_id) else { continue };
            let rule = rules.get(&hit.rule_id)?;
            let best = answers.clearing(rule, hit, &options);
            if let Some(best) = best {
                let said = *label != Verdict::Hit;
                println!("clears: {said:5} {}", line(best, &report.recording.meta.call_id, &hit.rule_id));
                observations.push(([1.0, best.alternative.score.max(UNHEARD) / SCALE, best.cost], said));
            }
        }
    }
    Ok(observations)
}

fn line(reading: &Reading<'_>, call: &str, rule: &str) -> String {
    let (score, heard) = (reading.alternative.score, reading.turn.text());
    let (cost, prob, read) = (reading.cost, reading.prob, &reading.alternative.text);
    format!("{score:7.2} {cost:.2} {prob:.2} {call} {rule}：{read} <- {heard}")
}

fn prob(weights: [f64; 3], x: [f64; 3]) -> f64 {
    let sum: f64 = weights.iter().zip(x).map(|(w, x)| w * x).sum();
    1.0 / (1.0 + (-sum).exp())
}

/// Logistic regression by gradient descent, with a weak pull to zero so that few observations give no wild weights.
fn fit(observations: &[Observation]) -> [f64; 3] {
    const PULL: f64 = 0.002;
    let mut weights = [0.0; 3];
    for _ in 0..50_000 {
        let mut gradient = weights.map(|w| PULL * w);
        for (x, said) in observations {
            let error = prob(weights, *x) - f64::from(u8::from(*said));
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += error * x / observations.len().max(1) as f64);
        }
        weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.5 * g);
    }
    weights
}

/// Mean probability and share of what was said, in five classes.
fn reliability(observations: &[Observation], weights: [f64; 3]) {
    for class in 0..5 {
        let (from, to) = (f64::from(class) / 5.0, f64::from(class + 1) / 5.0);
        let inside: Vec<(f64, bool)> = observations.iter().map(|(x, said)| (prob(weights, *x), *said)).collect();
        let inside: Vec<(f64, bool)> = inside.into_iter().filter(|(p, _)| (from..to).contains(p)).collect();
        let mean = inside.iter().map(|(p, _)| p).sum::<f64>() / inside.len().max(1) as f64;
        let said = inside.iter().filter(|(_, said)| *said).count();
        println!("{from:.1}–{to:.1}: {} readings, mean {mean:.2}, said {said}", inside.len());
    }
}
