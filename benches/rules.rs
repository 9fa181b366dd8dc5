//! What rules cost: per operator, with the number of rules, of turns, and of phrases.
//!
//! `cargo bench -p callsift-rules` (or `make bench`). Calls are those of `tests/labelled/dev.jsonl`.
#![allow(missing_docs, clippy::expect_used, reason = "criterion makes the entry point; a bench may panic")]

use std::path::{Path, PathBuf};

use callsift_core::{SpeakerRole, TimeSpan, Turn};
use callsift_rules::{CallFacts, EvalOptions, OPERATORS, RuleSet};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Turns of the labelled calls, one call after another.
fn turns() -> Vec<Turn> {
    let text = std::fs::read_to_string(project().join("tests/labelled/dev.jsonl")).expect("the labelled calls");
    let calls = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a call"));
    let mut out: Vec<Turn> = Vec::new();
    for call in calls {
        for turn in call["turns"].as_array().into_iter().flatten() {
            let words = turn["text"].as_str().unwrap_or_default();
            let start = out.last().map_or(0, |t| t.span.end_ms + 300);
            let span = TimeSpan::new(start, start + words.chars().count() as i64 * 250);
            let role = SpeakerRole::parse(turn["role"].as_str().unwrap_or_default());
            let made = Turn::from_text(out.len() as u32, role, span, words, 0.9);
            out.push(Turn { loudness_dbfs: Some(-25.0), ..made });
        }
    }
    out
}

/// One rule around a condition.
fn rule(id: &str, condition: &str) -> (PathBuf, String) {
    let indented = format!("  {}\n", condition.trim_end().replace('\n', "\n  "));
    let text = format!(
        "version: 1\nid: {id}\ntitle: x\nrequirement: A1\nseverity: minor\npoints: 1\nwhy: x\nviolation_when: found\n\
         condition:\n{indented}tests:\n  - {{ name: a, turns: [\"agent: x\"], expect: hit }}\n  \
         - {{ name: b, turns: [\"agent: x\"], expect: clear }}\n"
    );
    (PathBuf::from(format!("rules/x/{id}.yaml")), text)
}

fn set(rules: &[(PathBuf, String)]) -> RuleSet {
    RuleSet::from_texts(Path::new("rules"), rules, None).unwrap_or_else(|e| panic!("{e}"))
}

fn evaluate(rules: &RuleSet, turns: &[Turn]) -> usize {
    rules.evaluate(turns, CallFacts::default(), &EvalOptions::default()).len()
}

/// Each operator's example on a call of twenty turns; `nothing` is the cost of preparing the call.
fn operators(c: &mut Criterion) {
    let turns = &turns()[..20];
    let mut group = c.benchmark_group("operator");
    let nothing = set(&[rule("nothing", "metadata: { field: queue, exists: true }")]);
    group.bench_function("nothing", |b| b.iter(|| evaluate(&nothing, turns)));
    for op in OPERATORS {
        let rules = set(&[rule("one", op.example)]);
        group.bench_function(op.name, |b| b.iter(|| evaluate(&rules, turns)));
    }
    group.finish();
}

/// The pack on calls of 20 turns, with a quarter of its rules to all of them; and all of it on longer and longer calls.
fn pack(c: &mut Criterion) {
    let all = turns();
    let pack = RuleSet::load(&project().join("rules")).unwrap_or_else(|e| panic!("{e}"));
    let files: Vec<(PathBuf, String)> = pack
        .rules()
        .iter()
        .map(|r| project().join("rules").join(&r.category).join(format!("{}.yaml", r.id.value)))
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("a rule")))
        .collect();
    let mut group = c.benchmark_group("rules in force");
    for share in [4, 2, 1] {
        let rules = set(&files[..files.len() / share]);
        let id = BenchmarkId::from_parameter(rules.rules().len());
        group.bench_function(id, |b| b.iter(|| evaluate(&rules, &all[..20])));
    }
    group.finish();
    let mut group = c.benchmark_group("turns");
    for n in [20, 80, 320, 1280] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(|| evaluate(&pack, &all[..n])));
    }
    group.finish();
}

/// More and more phrases with `sound: true` on the same twenty turns: taken from other calls, so that they are real
/// Mandarin. The cost should grow much more slowly than their number.
fn phrases(c: &mut Criterion) {
    let all = turns();
    let words: String = all[200..].iter().map(Turn::text).collect();
    let han: Vec<char> =
        words.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c) && !"呃嗯唔".contains(*c)).collect();
    // Phrases that the measured turns do not hold: the cost of looking, not of finding.
    let measured: String = all[..20].iter().map(Turn::text).collect();
    let mut seen = std::collections::BTreeSet::new();
    let pieces = han.windows(5).map(|w| w.iter().collect::<String>());
    let pieces = pieces.filter(|p| !measured.contains(p.as_str()) && seen.insert(p.clone()));
    let pieces: Vec<String> = pieces.take(8000).collect();
    let mut group = c.benchmark_group("phrases by sound");
    for n in [10, 100, 1000, 8000.min(pieces.len())] {
        let list = pieces[..n].join(", ");
        let rules = set(&[rule("phrases", &format!("keyword: {{ any: [{list}], sound: true }}"))]);
        group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(|| evaluate(&rules, &all[..20])));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(3));
    targets = operators, pack, phrases
}
criterion_main!(benches);
