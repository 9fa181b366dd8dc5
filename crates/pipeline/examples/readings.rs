//! How likely a reading is that the recogniser was asked about: fits the weights of `callsift-rules`' second hearing to labelled
//! calls that were spoken and heard.
//!
//! `cargo run --release -p callsift-pipeline --example readings -- tests/spoken dev test`
//!
//! Each reading that was asked about is one observation, said where the reference text holds its words. Prints the
//! weights (constant, score, cost by sound) fitted to the first set, and how the probabilities hold in each set, in
//! five classes.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use callsift_core::Turn;
use callsift_pipeline::{Config, facts, transcripts::Transcripts};
use callsift_rules::{Answers, EvalOptions, Reading, RuleSet, UNHEARD};
use callsift_text::Normalizer;

/// Scores are brought to the size of the others, so that the fit converges.
const SCALE: f64 = 10.0;

/// Constant, score, cost; and whether it was said.
type Observation = ([f64; 3], bool);

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("name a folder of spoken calls and its sets")?);
    let rules = RuleSet::load(Path::new("rules"))?;
    let mut weights = None;
    for set in args {
        let file = |name: String| folder.join(name);
        let observed = observations(&file(format!("heard-{set}.jsonl")), &file(format!("{set}.jsonl")), &rules)?;
        let weights = *weights.get_or_insert_with(|| fit(&observed));
        let said = observed.iter().filter(|o| o.1).count();
        println!("{set}: {} readings, {said} of them said", observed.len());
        println!("weights: {:.2} {:+.3} score {:+.2} cost", weights[0], weights[1] / SCALE, weights[2]);
        reliability(&observed, weights);
    }
    Ok(())
}

fn observations(heard: &Path, said: &Path, rules: &RuleSet) -> Result<Vec<Observation>> {
    let open = |path: &Path| Transcripts::open(path, &Config::default().metadata, "1970-01-01", None);
    let (heard, said) = (open(heard)?, open(said)?);
    let mut truth = BTreeMap::new();
    for call in 0..said.len() {
        let report = said.read(call)?;
        truth.insert(report.recording.meta.call_id.clone(), report.turns);
    }
    let mut observations = Vec::new();
    for call in 0..heard.len() {
        let report = heard.read(call)?;
        let Some(said) = truth.get(&report.recording.meta.call_id) else { continue };
        let call = rules.view(&report.turns, facts::of_report(&report), &EvalOptions::default());
        for reading in Answers::of(&call).readings() {
            let was_said = is_said(reading, said);
            println!("{was_said:5} {}", line(reading, &report.recording.meta.call_id));
            observations.push(([1.0, reading.alternative.score.max(UNHEARD) / SCALE, reading.cost], was_said));
        }
    }
    Ok(observations)
}

/// True where the reading's own words were said while the turn lasted, by the same side.
fn is_said(reading: &Reading<'_>, said: &[Turn]) -> bool {
    let normalizer = Normalizer::matching();
    let words = normalizer.normalize(&reading.says()).text();
    let then = said.iter().filter(|t| t.role == reading.turn.role && t.span.overlap_ms(reading.turn.span) > 0);
    let text: String = then.map(|t| normalizer.normalize(&t.text()).text()).collect();
    !words.is_empty() && text.contains(&words)
}

fn line(reading: &Reading<'_>, call: &str) -> String {
    let (score, heard) = (reading.alternative.score, reading.turn.text());
    let (cost, prob, read) = (reading.cost, reading.prob, &reading.alternative.text);
    format!("{score:7.2} {cost:.2} {prob:.2} {call}：{read} <- {heard}")
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
