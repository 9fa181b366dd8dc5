//! Measuring rules on labelled calls: precision and recall with intervals.

use std::collections::BTreeMap;
use std::path::Path;

use callsift_core::stats::wilson;
use callsift_core::{Outcome, Verdict};
use serde::Serialize;

use crate::analyse::Analyser;
use crate::engine::Engine;
use crate::error::PipelineError;
use crate::transcripts::Transcripts;

/// How one rule did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleMeasure {
    /// Labelled hit, found hit.
    pub true_hits: usize,
    /// Found hit where the label says otherwise.
    pub false_hits: usize,
    /// Labelled hit, found clear or not applicable.
    pub missed: usize,
    /// Labelled hit, found `cannot_tell`: a person is asked instead.
    pub undecided_hits: usize,
    /// Labelled clear or not applicable, found `cannot_tell`.
    pub undecided_others: usize,
    /// Calls with a label.
    pub labelled: usize,
    /// Verdict equal to the label, letter by letter.
    pub agree: usize,
    /// Calls where verdict and label differ: call, label, verdict, reason.
    pub wrong: Vec<(String, Verdict, Verdict, String)>,
}

impl RuleMeasure {
    /// Share of found hits that are labelled so, with its 95 % interval; `None` where nothing was found.
    pub fn precision(&self) -> Option<(f64, f64, f64)> {
        share(self.true_hits, self.true_hits + self.false_hits)
    }

    /// Share of labelled hits that were found; undecided ones count as not found.
    pub fn recall(&self) -> Option<(f64, f64, f64)> {
        share(self.true_hits, self.true_hits + self.missed + self.undecided_hits)
    }

    fn count(&mut self, label: Verdict, found: Verdict) {
        self.labelled += 1;
        self.agree += usize::from(label == found);
        match (label == Verdict::Hit, found) {
            (true, Verdict::Hit) => self.true_hits += 1,
            (false, Verdict::Hit) => self.false_hits += 1,
            (true, Verdict::CannotTell) => self.undecided_hits += 1,
            (true, _) => self.missed += 1,
            (false, Verdict::CannotTell) if label != Verdict::CannotTell => self.undecided_others += 1,
            (false, _) => {}
        }
    }

    /// Adds another measure, for a total.
    pub fn add(&mut self, other: &Self) {
        self.true_hits += other.true_hits;
        self.false_hits += other.false_hits;
        self.missed += other.missed;
        self.undecided_hits += other.undecided_hits;
        self.undecided_others += other.undecided_others;
        self.labelled += other.labelled;
        self.agree += other.agree;
    }
}

fn share(part: usize, whole: usize) -> Option<(f64, f64, f64)> {
    let (low, high) = wilson(part, whole);
    (whole > 0).then(|| (part as f64 / whole as f64, low, high))
}

/// Judges the calls of a labelled file and counts, per rule in force. Labels of rules that are not in force are passed
/// over; a call without labels counts nowhere.
///
/// # Errors
/// The file cannot be read; a line is no labelled call: with its number.
pub fn measure(engine: &Engine, file: &Path) -> Result<BTreeMap<String, RuleMeasure>, PipelineError> {
    let labels = labels(file)?;
    let calls = Transcripts::open(file, &engine.config.metadata, "1970-01-01", None)?;
    let mut analyser = Analyser::new(&engine.config, &engine.rules, engine.classifier()?);
    let mut measures: BTreeMap<String, RuleMeasure> = BTreeMap::new();
    for call in 0..calls.len() {
        let report = calls.read(call)?;
        if let Outcome::Failed { reason, .. } = &report.outcome {
            let reason = format!("{}: {reason}", report.recording.name);
            return Err(PipelineError::Labelled { path: file.to_owned(), reason });
        }
        let report = analyser.transcript(report);
        let call_id = &report.recording.meta.call_id;
        let Some(expected) = labels.get(call_id) else { continue };
        for finding in &report.findings {
            let Some(label) = expected.get(&finding.rule_id) else { continue };
            let measure = measures.entry(finding.rule_id.clone()).or_default();
            measure.count(*label, finding.verdict);
            if *label != finding.verdict {
                measure.wrong.push((call_id.clone(), *label, finding.verdict, finding.reason.clone()));
            }
        }
    }
    Ok(measures)
}

/// Verdicts by rule, by call.
pub type Labels = BTreeMap<String, BTreeMap<String, Verdict>>;

#[derive(serde::Deserialize)]
struct Line {
    call_id: String,
    #[serde(default)]
    expect: BTreeMap<String, Verdict>,
}

/// The labels of a file's calls.
///
/// # Errors
/// The file cannot be read; a line is no labelled call: with its number.
pub fn labels(file: &Path) -> Result<Labels, PipelineError> {
    let text = std::fs::read_to_string(file).map_err(|source| PipelineError::Io { path: file.to_owned(), source })?;
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(i, line)| {
            let line: Line = serde_json::from_str(line).map_err(|e| PipelineError::Labelled {
                path: file.to_owned(),
                reason: format!("line {}: {e}", i + 1),
            })?;
            Ok((line.call_id, line.expect))
        })
        .collect()
}
