//! What a draw is made from: the calls of a lake, and what the machine found in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use callsift_core::TimeSpan;
use callsift_pipeline::facts;
use callsift_pipeline::metadata::hour_at;
use callsift_sampling::risk::Flag;
use callsift_sampling::{Frame, FrameCall};
use callsift_store::{StoredCall, StoredFinding, each_finding, read_calls, stored_parts};

use crate::output::{note, unread};

/// Days, and how agents' units and hours are known.
pub struct Scope<'a> {
    pub lake: &'a Path,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub unit_field: &'a str,
    pub utc_offset: &'a str,
}

/// Calls that were heard, from one day to another.
pub fn frame(scope: &Scope<'_>) -> Result<Frame> {
    let mut calls = Vec::new();
    for part in stored_parts(scope.lake, scope.from, scope.to)? {
        // Without its findings a call would pass for one without faults.
        let whole = || each_finding(scope.lake, &part, |_| ());
        let stored = match read_calls(scope.lake, &part).and_then(|c| whole().map(|()| c)) {
            Err(damage) if damage.is_damage() => {
                note(&unread(&damage));
                continue;
            }
            stored => stored?,
        };
        for call in stored.into_iter().filter(|c| c.status == "ok") {
            calls.push(frame_call(call, scope.unit_field, scope.utc_offset)?);
        }
    }
    Ok(Frame::new(calls))
}

fn frame_call(call: StoredCall, unit_field: &str, utc_offset: &str) -> Result<FrameCall> {
    let duration_ms = facts::of_stored(&call).duration_ms.unwrap_or(0);
    let mut meta = call.meta;
    let started_at_us = meta.started_at_us.unwrap_or(0);
    let agent_id = meta.agent_id.unwrap_or_default();
    Ok(FrameCall {
        agent_name: meta.agent_name.unwrap_or_else(|| agent_id.clone()),
        agent_id,
        unit: meta.extra.remove(unit_field).unwrap_or_default(),
        queue: meta.queue.unwrap_or_default(),
        date: meta.date.unwrap_or_default(),
        hour: hour_at(started_at_us, utc_offset)?,
        duration_ms,
        call_id: meta.call_id,
        score: call.score,
        started_at_us,
    })
}

/// What the machine said of calls.
#[derive(Default)]
pub struct Machine {
    /// The hits of every call.
    pub flags: BTreeMap<String, Vec<Flag>>,
    /// All rules that calls were inspected by.
    pub rules: BTreeSet<String>,
}

/// Findings of the days.
pub fn machine(scope: &Scope<'_>) -> Result<Machine> {
    let mut out = Machine::default();
    for part in stored_parts(scope.lake, scope.from, scope.to)? {
        let read = each_finding(scope.lake, &part, |finding| {
            if !out.rules.contains(&finding.rule_id) {
                out.rules.insert(finding.rule_id.clone());
            }
            if finding.verdict == "hit" {
                out.flags.entry(finding.call_id.clone()).or_default().push(flag(&finding));
            }
        });
        match read {
            // Named when the frame was read.
            Err(damage) if damage.is_damage() => {}
            read => read?,
        }
    }
    Ok(out)
}

fn flag(f: &StoredFinding) -> Flag {
    // An absence has no place to listen to, whatever stretch was searched.
    let span = f.start_ms.zip(f.end_ms).map(|(start, end)| TimeSpan::new(start, end));
    Flag::new(&f.rule_id, &f.severity, f.turn.is_some().then(|| span.unwrap_or_default()))
}
