//! Other rules over stored turns: no recording is heard again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use callsift_core::{Finding, Provenance, Verdict};
use callsift_rules::{EvalOptions, RuleSet, score};
use callsift_store::{Judged, Lake, Part, PartReader, StoreError, StoredCall, stored_parts};
use rayon::prelude::*;

use crate::error::PipelineError;
use crate::facts;

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct ReplaySummary {
    /// Calls judged again.
    pub calls: usize,
    /// Parts rewritten.
    pub parts: usize,
    /// Parts left for next time, because the replay was stopped.
    pub not_reached: usize,
    /// Parts that cannot be read, and are as they were.
    pub unread: Vec<String>,
    /// Calls with a hit before and after, by rule.
    pub hits: BTreeMap<String, (usize, usize)>,
    /// Wall time.
    pub wall_ms: u64,
}

/// What to judge again, and by what.
#[derive(Debug, Clone, Copy)]
pub struct ReplayPlan<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// Limits below which they do not answer.
    pub options: &'a EvalOptions,
    /// Hashes of rules and options, to be written to the calls.
    pub made_by: &'a Provenance,
    /// First and last day; all where absent.
    pub days: (Option<&'a str>, Option<&'a str>),
    /// Judge also calls that other options made.
    pub other_options: bool,
}

/// Judges the calls of a lake again and puts the new findings in the place of the old ones. A part changes as a whole
/// or not at all; a replay that was stopped is simply run again. `progress` is told parts done and parts in all.
///
/// # Errors
/// Another process holds the lake; it cannot be read or written; other options made it.
pub fn replay(
    root: &Path,
    plan: ReplayPlan<'_>,
    stop: &AtomicBool,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<ReplaySummary, PipelineError> {
    let days = plan.days;
    let started = Instant::now();
    let lake = Lake::open(root, callsift_text::Segmenter::default())?;
    let parts = stored_parts(root, days.0, days.1)?;
    let done = AtomicUsize::new(0);
    let outcomes: Vec<Outcome> = parts
        .par_iter()
        .map(|part| -> Result<_, PipelineError> {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::NotReached);
            }
            let outcome = match judge_part(&lake, root, part, plan) {
                Err(PipelineError::Store(damage)) if damage.is_damage() => Outcome::Unread(damage.to_string()),
                outcome => outcome?,
            };
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, parts.len());
            Ok(outcome)
        })
        .collect::<Result<_, _>>()?;
    let mut summary = ReplaySummary::default();
    for outcome in outcomes {
        let (calls, before, after) = match outcome {
            Outcome::Judged(calls, before, after) => (calls, before, after),
            Outcome::Unread(damage) => {
                summary.unread.push(damage);
                continue;
            }
            Outcome::NotReached => {
                summary.not_reached += 1;
                continue;
            }
        };
        summary.calls += calls;
        summary.parts += 1;
        for (rule, n) in before {
            summary.hits.entry(rule).or_default().0 += n;
        }
        for (rule, n) in after {
            summary.hits.entry(rule).or_default().1 += n;
        }
    }
    summary.wall_ms = started.elapsed().as_millis() as u64;
    Ok(summary)
}

/// Judges a part again, a group of calls at a time: however large it is, a group is held.
fn judge_part(lake: &Lake, root: &Path, part: &Part, plan: ReplayPlan<'_>) -> Result<Outcome, PipelineError> {
    let ReplayPlan { rules, options, made_by, other_options, .. } = plan;
    let (mut calls, mut after) = (0, Hits::new());
    let before = hits_in(root, part)?;
    let mut reader = PartReader::open(root, part, false)?;
    let mut new = lake.replacing(part, made_by)?;
    while let Some(group) = reader.next_group()? {
        if let Some(call) = group.calls.iter().find(|c| !other_options && c.config_hash != made_by.config_hash) {
            return Err(PipelineError::OtherOptions { call_id: call.meta.call_id.clone() });
        }
        let judged: Vec<Judged> = group.calls.par_iter().map(|call| judge(call, rules, options)).collect();
        new.push(&judged)?;
        calls += judged.len();
        for (rule, n) in count_hits(judged.iter().map(|j| j.findings.as_slice())) {
            *after.entry(rule).or_default() += n;
        }
    }
    new.commit()?;
    Ok(Outcome::Judged(calls, before, after))
}

type Hits = BTreeMap<String, usize>;

/// What became of a part.
enum Outcome {
    /// Calls, hits before, hits after.
    Judged(usize, Hits, Hits),
    Unread(String),
    NotReached,
}

fn judge(call: &StoredCall, rules: &RuleSet, options: &EvalOptions) -> Judged {
    let failed = call.status == "failed";
    let findings = if failed { Vec::new() } else { rules.evaluate(&call.turns, facts::of_stored(call), options) };
    let score = (call.status == "ok").then(|| score(&findings));
    Judged { call_id: call.meta.call_id.clone(), findings, score }
}

fn count_hits<'f>(calls: impl Iterator<Item = &'f [Finding]>) -> Hits {
    let mut hits = Hits::new();
    for finding in calls.flatten().filter(|f| f.verdict == Verdict::Hit) {
        *hits.entry(finding.rule_id.clone()).or_default() += 1;
    }
    hits
}

fn hits_in(root: &Path, part: &Part) -> Result<Hits, PipelineError> {
    let mut hits = Hits::new();
    // Damaged findings are made anew from calls and turns; what they said is not known.
    let before = match callsift_store::lines::rules_hit(root, part) {
        Err(damage) if damage.is_damage() => Vec::new(),
        rules => rules?,
    };
    for rule in before {
        *hits.entry(rule).or_default() += 1;
    }
    Ok(hits)
}

/// One call that a change of rules judges otherwise.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Change {
    /// Day of the call.
    pub date: String,
    /// Call.
    pub call_id: String,
    /// Verdict by the old rules; `None` where they have no such rule.
    pub old: Option<Verdict>,
    /// Verdict by the new rules.
    pub new: Option<Verdict>,
    /// Reason of whichever hits.
    pub reason: String,
    /// When, milliseconds; 0 where there is no place.
    pub start_ms: i64,
}

/// What a change of rules does to a lake.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Differences {
    /// Calls compared.
    pub calls: usize,
    /// Parts that cannot be read, and were not compared.
    pub unread: Vec<String>,
    /// Calls that are judged otherwise, by rule, in the order of the lake.
    pub changes: BTreeMap<String, Vec<Change>>,
}

impl Differences {
    /// Hits that only the new rules have, and hits that only the old ones have.
    pub fn gained_and_lost(&self) -> (usize, usize) {
        let all = || self.changes.values().flatten();
        let hit = |v: Option<Verdict>| v == Some(Verdict::Hit);
        (all().filter(|c| hit(c.new) && !hit(c.old)).count(), all().filter(|c| hit(c.old) && !hit(c.new)).count())
    }
}

/// Calls of a part, and those that are judged otherwise, each with its rule.
type Compared = (usize, Vec<(String, Change)>);

/// Judges stored calls by two sets of rules. Nothing is written.
///
/// # Errors
/// The lake cannot be read.
pub fn compare(
    root: &Path,
    old: &RuleSet,
    new: &RuleSet,
    options: &EvalOptions,
    days: (Option<&str>, Option<&str>),
) -> Result<Differences, PipelineError> {
    let parts = stored_parts(root, days.0, days.1)?;
    let found: Vec<Result<Compared, String>> = parts
        .par_iter()
        .map(|part| -> Result<_, PipelineError> {
            match compare_part(root, part, old, new, options) {
                Err(damage) if damage.is_damage() => Ok(Err(damage.to_string())),
                compared => Ok(Ok(compared?)),
            }
        })
        .collect::<Result<_, _>>()?;
    let mut differences = Differences::default();
    for part in found {
        let (calls, changes) = match part {
            Ok(found) => found,
            Err(damage) => {
                differences.unread.push(damage);
                continue;
            }
        };
        differences.calls += calls;
        for (rule, change) in changes {
            differences.changes.entry(rule).or_default().push(change);
        }
    }
    Ok(differences)
}

fn compare_part(
    root: &Path,
    part: &Part,
    old: &RuleSet,
    new: &RuleSet,
    options: &EvalOptions,
) -> Result<Compared, StoreError> {
    let (mut calls, mut found) = (0, Vec::new());
    let mut reader = PartReader::open(root, part, false)?;
    while let Some(group) = reader.next_group()? {
        calls += group.calls.len();
        let judged = group.calls.par_iter().filter(|c| c.status != "failed");
        let groups: Vec<Vec<(String, Change)>> = judged.map(|c| changes(c, old, new, options)).collect();
        found.extend(groups.into_iter().flatten());
    }
    Ok((calls, found))
}

fn changes(call: &StoredCall, old: &RuleSet, new: &RuleSet, options: &EvalOptions) -> Vec<(String, Change)> {
    let judge = |rules: &RuleSet| -> BTreeMap<String, Finding> {
        let findings = rules.evaluate(&call.turns, facts::of_stored(call), options);
        findings.into_iter().map(|f| (f.rule_id.clone(), f)).collect()
    };
    let (old, new) = (judge(old), judge(new));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = ids.into_iter().filter_map(|id| {
        let (before, after) = (old.get(id), new.get(id));
        let verdicts = (before.map(|f| f.verdict), after.map(|f| f.verdict));
        if verdicts.0 == verdicts.1 {
            return None;
        }
        let shown = [after, before].into_iter().flatten().find(|f| f.verdict == Verdict::Hit).or(after).or(before)?;
        let start_ms = shown.evidence.first().map_or(0, |e| e.span.start_ms);
        let date = call.meta.date.clone().unwrap_or_default();
        let (call_id, reason) = (call.meta.call_id.clone(), shown.reason.clone());
        Some((id.clone(), Change { date, call_id, old: verdicts.0, new: verdicts.1, reason, start_ms }))
    });
    changed.collect()
}
