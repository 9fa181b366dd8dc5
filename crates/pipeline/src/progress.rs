//! What a run tells while it works and when it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use callsift_asr::Repeats;
use callsift_core::{CallReport, Outcome, Verdict};
use callsift_store::CompactedDay;
use serde::Serialize;

use crate::intake::Intake;

/// Something happened that people may want to see.
#[derive(Debug)]
pub enum Event<'a> {
    /// Work begins: calls to do, calls already done before.
    Started {
        /// Calls to do in this run.
        calls: usize,
        /// Calls that the lake holds already.
        skipped: usize,
        /// Calls of the lake that other rules, options or models made; they are not done again.
        stale: usize,
        /// What was passed over, told apart or doubtful.
        intake: &'a Intake,
    },
    /// A call is through the line (not yet written).
    Call {
        /// The call.
        report: &'a CallReport,
        /// Calls done in this run, this one included.
        done: usize,
    },
    /// A part of the lake is published.
    Part,
}

/// How often one rule gave each verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Title in Chinese.
    pub title: String,
    /// Calls with a hit.
    pub hit: usize,
    /// Calls without.
    pub clear: usize,
    /// Calls that could not be judged.
    pub cannot_tell: usize,
    /// Calls that the rule does not concern.
    pub not_applicable: usize,
}

/// A call that failed, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Call.
    pub call_id: String,
    /// Stage.
    pub stage: String,
    /// Reason.
    pub reason: String,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Parts of the lake that cannot be read; calls of theirs that were at hand were made again.
    pub unread: Vec<String>,
    /// Calls done in this run, whatever became of them.
    pub calls: usize,
    /// Calls with speech, judged.
    pub ok: usize,
    /// Calls in which nobody spoke.
    pub empty: usize,
    /// Calls that failed.
    pub failed: usize,
    /// Calls that the lake held already.
    pub skipped: usize,
    /// Calls that were not reached because the run was stopped.
    pub not_reached: usize,
    /// Audio gone through, milliseconds.
    pub audio_ms: i64,
    /// Wall time, milliseconds.
    pub wall_ms: u64,
    /// Time spent by stage over all threads, milliseconds: front (decode, VAD, packing), asr, analyse, store.
    pub stage_ms: BTreeMap<String, u64>,
    /// Windows recognised, and how many were heard again and why.
    pub repeats: Repeats,
    /// Calls by what is or may be wrong with their sound.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audio_marks: BTreeMap<String, usize>,
    /// Verdicts per rule.
    pub rules: BTreeMap<String, RuleCount>,
    /// Calls that failed.
    pub failures: Vec<Failure>,
    /// Parts written, as they were before the days were compacted.
    pub parts: Vec<String>,
    /// Days that got calls.
    pub days: BTreeSet<String>,
    /// Those of them whose parts were put together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compacted: Vec<CompactedDay>,
    /// Those that stay in many parts, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compacted: Vec<String>,
    /// What was passed over, told apart or doubtful before any call was heard.
    pub intake: Intake,
}

impl Summary {
    /// Counts one call.
    pub fn count(&mut self, report: &CallReport) {
        self.calls += 1;
        self.audio_ms += report.audio.as_ref().map_or(0, |a| a.duration_ms);
        for mark in report.audio.iter().flat_map(|a| &a.marks) {
            *self.audio_marks.entry(mark.as_str().to_owned()).or_default() += 1;
        }
        match &report.outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Empty => self.empty += 1,
            Outcome::Failed { stage, reason } => {
                self.failed += 1;
                let call_id = report.recording.meta.call_id.clone();
                self.failures.push(Failure { call_id, stage: stage.as_str().to_owned(), reason: reason.clone() });
            }
        }
        for finding in &report.findings {
            let count = self.rules.entry(finding.rule_id.clone()).or_default();
            count.title.clone_from(&finding.title);
            *match finding.verdict {
                Verdict::Hit => &mut count.hit,
                Verdict::Clear => &mut count.clear,
                Verdict::CannotTell => &mut count.cannot_tell,
                Verdict::NotApplicable => &mut count.not_applicable,
            } += 1;
        }
    }

    /// Adds time of a stage.
    pub(crate) fn spend(&mut self, stage: &str, time: Duration) {
        *self.stage_ms.entry(stage.to_owned()).or_default() += time.as_millis() as u64;
    }

    /// Real-time factor: wall time over audio time; `None` where there was no audio.
    pub fn rtf(&self) -> Option<f64> {
        (self.audio_ms > 0).then(|| self.wall_ms as f64 / self.audio_ms as f64)
    }
}
