//! What a draw says to people: lists, who hears how much, and what it could not do.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use callsift_sampling::plan::{Method, Stratum};
use callsift_sampling::{Frame, Lacks, Picked, Plan};

use super::Record;
use crate::output::table;
use callsift_console::spreadsheet::{self, Cell};

/// Calls that are named where several lack the same.
const NAMED: usize = 3;

/// What whoever draws should know.
pub fn notes(record: &Record, frame: &Frame, left_out: &[(String, Lacks)], let_go: &[Stratum]) -> Vec<String> {
    let mut out = Vec::new();
    if frame.calls().iter().all(|c| c.unit.is_empty()) {
        out.push(format!(
            "no call has the metadata field `{}`: nobody has a unit; see --unit-field",
            record.unit_field
        ));
    }
    let given: BTreeSet<&str> = record.assignments.iter().map(|a| a.picked.call_id.as_str()).collect();
    let alone = record.draw.picked.iter().filter(|p| !given.contains(p.call_id.as_str())).count();
    if alone > 0 && !record.reviewers.is_empty() {
        out.push(format!(
            "{} given to nobody: the only reviewer named hears them a second time, blindly; name others with --reviewers",
            counted(alone)
        ));
    }
    for (lack, what) in [(Lacks::Agent, "agent number (agent_id)"), (Lacks::Start, "start time (started_at)")] {
        let calls: Vec<&str> = left_out.iter().filter(|(_, l)| *l == lack).map(|(call, _)| call.as_str()).collect();
        if !calls.is_empty() {
            let named = calls.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if calls.len() > NAMED { ", ..." } else { "" };
            out.push(format!(
                "left out {} without {what}: {named}{more}; give it in the metadata",
                counted(calls.len())
            ));
        }
    }
    if !let_go.is_empty() {
        let names: Vec<String> = let_go.iter().map(|s| s.name().to_owned()).collect();
        out.push(format!(
            "with all of `by` there are more strata than calls to draw, and some calls would have no chance: drawn without \
             {}; raise `n` to keep it",
            names.join(", ")
        ));
    }
    let passed_over = record.draw.passed_over.len();
    if passed_over > 0 {
        out.push(format!("{} of high risk heard before or given to somebody: passed over", counted(passed_over)));
    }
    let duplicates = record.draw.picked.iter().filter(|p| p.risk.is_some_and(|r| r.duplicate)).count();
    if duplicates > 0 && record.reviewers.len() < 2 {
        out.push(format!("{duplicates} blind duplicates have no second reviewer: name at least two with --reviewers"));
    }
    out
}

/// Rules of a plan's priors that no call of these days was inspected by: mostly a name that is mistyped.
pub fn unknown_priors(plan: &Plan, inspected: &BTreeSet<String>) -> Vec<String> {
    let Method::Risk(risk) = &plan.method else { return Vec::new() };
    let unknown = risk.priors.keys().filter(|rule| !inspected.contains(*rule));
    unknown.map(|rule| format!("[priors] names `{rule}`, which no call of these days was inspected by")).collect()
}

/// The days as given, for a sentence.
pub fn days(from: Option<&str>, to: Option<&str>) -> String {
    let day = |word: &str, day: Option<&str>| day.map_or_else(String::new, |d| format!(" {word} {d}"));
    day("from", from) + &day("to", to)
}

fn counted(calls: usize) -> String {
    if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") }
}

fn rows(record: &Record) -> Vec<Vec<String>> {
    let row = |reviewer: &str, p: &Picked| {
        let probability = p.probability.map_or_else(String::new, |p| format!("{p:.4}"));
        let cells = [reviewer, &p.unit, &p.agent_id, &p.agent_name, &p.date, &p.call_id, &p.why, &probability];
        cells.map(str::to_owned).to_vec()
    };
    let mut rows =
        vec![["质检员", "班组", "工号", "坐席", "日期", "通话", "抽取理由", "入样概率"].map(str::to_owned).to_vec()];
    if record.assignments.is_empty() {
        rows.extend(record.draw.picked.iter().map(|p| row("", p)));
    } else {
        rows.extend(record.assignments.iter().map(|a| row(&a.reviewer, &a.picked)));
    }
    rows
}

/// The list, and what each reviewer gets.
pub fn text(record: &Record) -> String {
    let agents: BTreeSet<&str> = record.draw.picked.iter().map(|p| p.agent_id.as_str()).collect();
    let (title, n) = (&record.draw.plan.title, record.draw.picked.len());
    format!("{title}：{n} 通，坐席 {} 人\n{}{}", agents.len(), table(&rows(record)), load_lines(record))
}

/// What a reviewer gets of a draw.
#[derive(Default)]
pub struct Load {
    pub calls: usize,
    /// Those of them that the reviewer had before.
    pub held: usize,
    pub minutes: Option<f64>,
}

/// Who gets how much: as they are named, then others who have drawn calls from before.
pub fn loads(record: &Record) -> Vec<(String, Load)> {
    let mut loads: BTreeMap<&str, Load> = record.reviewers.iter().map(|r| (r.as_str(), Load::default())).collect();
    for a in &record.assignments {
        let load = loads.entry(&a.reviewer).or_default();
        load.calls += 1;
        let held = record.held.get(&a.picked.call_id);
        let mut by = held.into_iter().flat_map(|h| [&h.first, &h.second]).flatten();
        if by.any(|name| *name == a.reviewer) {
            load.held += 1;
        } else if let Some(risk) = a.picked.risk {
            *load.minutes.get_or_insert(0.0) += risk.minutes;
        }
    }
    let named = record.reviewers.iter().filter_map(|name| loads.remove_entry(name.as_str())).collect::<Vec<_>>();
    named.into_iter().chain(loads).map(|(name, load)| (name.to_owned(), load)).collect()
}

fn load_lines(record: &Record) -> String {
    let lines: String = loads(record).into_iter().map(|(name, load)| load.line(&name)).collect();
    if lines.is_empty() { lines } else { format!("分配（轮次 {}）：\n{lines}", record.round) }
}

impl Load {
    fn line(&self, name: &str) -> String {
        let minutes = self.minutes.map_or_else(String::new, |m| format!("，约 {m:.0} 分钟"));
        let held = if self.held > 0 { format!("，其中 {} 通此前已在手", self.held) } else { String::new() };
        format!("  {name} {} 通{minutes}{held}\n", self.calls)
    }
}

/// Writes the list for spreadsheets.
pub fn write_csv(path: &Path, record: &Record) -> Result<()> {
    let rows = rows(record);
    let rows: Vec<Vec<Cell<'_>>> = rows.iter().enumerate().map(|(i, row)| cells(row, i == 0)).collect();
    let mut file = std::fs::File::create(path)?;
    spreadsheet::write(&mut file, &rows)?;
    Ok(file.sync_all()?)
}

fn cells(row: &[String], is_heading: bool) -> Vec<Cell<'_>> {
    let text = |cell| Cell::Text(Cow::Borrowed(String::as_str(cell)));
    match row.split_last() {
        // The probability is calculated with.
        Some((probability, others)) if !is_heading => {
            others.iter().map(text).chain([Cell::Number(probability.clone())]).collect()
        }
        _ => row.iter().map(text).collect(),
    }
}
