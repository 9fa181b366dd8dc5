//! `callsift rules diff`: what other rules change, in the rule files and in the verdicts of a lake.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use callsift_core::Verdict;
use callsift_pipeline::{Change, Differences, compare};
use callsift_rules::{Rule, RuleSet};
use serde::Serialize;

use crate::args::{ConfigArgs, DayArgs, RuleArgs};
use crate::exit::Exit;
use crate::output::{clock, emit, emit_value, note, unread};
use crate::{lake, load, rule_folder};

/// What is compared, and how it is shown.
pub struct Asked<'a> {
    pub folders: [&'a Path; 2],
    pub profile: Option<&'a String>,
    pub lake: &'a Path,
    pub days: &'a DayArgs,
    pub examples: usize,
    pub json: bool,
    pub config: &'a ConfigArgs,
}

/// A rule that stands in both folders with other points or severity, or in one of them only.
#[derive(Debug, Serialize, PartialEq)]
struct Weights {
    old: Option<Weight>,
    new: Option<Weight>,
}

/// What a hit costs.
#[derive(Debug, Serialize, PartialEq, Clone)]
struct Weight {
    points: f64,
    /// Points for each place, up to this many in all; once per call where there is none.
    points_cap: Option<f64>,
    severity: &'static str,
}

impl Weight {
    fn of(rule: &Rule) -> Self {
        let points_cap = rule.points_cap.as_ref().map(|cap| cap.value);
        Self { points: rule.points.value, points_cap, severity: rule.severity.as_str() }
    }

    fn shown(&self) -> String {
        let cap = self.points_cap.map_or_else(String::new, |cap| format!("，每处计，至多 {cap}"));
        format!("{} 分（{}{cap}）", self.points, self.severity)
    }
}

/// All that changes.
#[derive(Serialize)]
struct Report {
    /// By rule: added, removed, other points or severity.
    rules: BTreeMap<String, Weights>,
    #[serde(flatten)]
    verdicts: Differences,
}

/// Compares and prints; exit code 1 where anything changes.
pub fn run(asked: &Asked<'_>) -> Result<Exit> {
    let load = |folder: &Path| {
        rule_folder::load(&RuleArgs { rules: Some(folder.to_owned()), profile: asked.profile.cloned() })
    };
    let (old, new) = (load(asked.folders[0])?, load(asked.folders[1])?);
    let (days, _) = lake::with_calls(asked.lake, asked.days)?;
    let options = load::config(asked.config)?.rules;
    let report =
        Report { rules: weights(&old, &new), verdicts: compare(asked.lake, &old, &new, &options, days.pair())? };
    report.verdicts.unread.iter().for_each(|damage| note(&unread(damage)));
    let same = report.rules.is_empty() && report.verdicts.changes.is_empty();
    if asked.json {
        emit_value(&report)?;
    } else {
        emit(&text(&report, asked.examples));
    }
    Ok(if same { Exit::Done } else { Exit::Some })
}

fn weights(old: &RuleSet, new: &RuleSet) -> BTreeMap<String, Weights> {
    let of = |rules: &RuleSet| -> BTreeMap<String, Weight> {
        rules.rules().iter().map(|rule| (rule.id.value.clone(), Weight::of(rule))).collect()
    };
    let (old, new) = (of(old), of(new));
    let ids = old.keys().chain(new.keys().filter(|id| !old.contains_key(*id)));
    let both = ids.map(|id| (id.clone(), Weights { old: old.get(id).cloned(), new: new.get(id).cloned() }));
    both.filter(|(_, weights)| weights.old != weights.new).collect()
}

fn text(report: &Report, examples: usize) -> String {
    let mut out = String::new();
    for (rule, Weights { old, new }) in &report.rules {
        let _ = match (old, new) {
            (Some(old), Some(new)) => writeln!(out, "{rule}：扣分 {} → {}", old.shown(), new.shown()),
            (None, Some(new)) => writeln!(out, "{rule}：新增规则，{}", new.shown()),
            (Some(old), None) => writeln!(out, "{rule}：规则已删除，原为 {}", old.shown()),
            (None, None) => Ok(()),
        };
    }
    for (rule, changes) in &report.verdicts.changes {
        let hit = |v: Option<Verdict>| v == Some(Verdict::Hit);
        let count = |was: bool, is: bool| changes.iter().filter(|c| hit(c.old) == was && hit(c.new) == is).count();
        let (gained, lost, other) = (count(false, true), count(true, false), count(false, false) + count(true, true));
        let _ = writeln!(out, "{rule}：新增违规 {gained}，减少违规 {lost}，其他变化 {other}");
        out.extend(changes.iter().take(examples).map(example));
    }
    let (gained, lost) = report.verdicts.gained_and_lost();
    let _ = writeln!(out, "比较 {} 通：新增违规 {gained} 处，减少违规 {lost} 处", report.verdicts.calls);
    out
}

fn example(change: &Change) -> String {
    let name = |v: Option<Verdict>| v.map_or("（无此规则）", Verdict::as_str);
    let (old, new) = (name(change.old), name(change.new));
    let (date, call, at) = (&change.date, &change.call_id, clock(change.start_ms));
    format!("  {date} {call} {at}  {old} → {new}  {}\n", change.reason)
}
