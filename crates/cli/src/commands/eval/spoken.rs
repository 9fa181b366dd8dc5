//! `callsift eval --spoken`: what recognition costs the rules, on labelled calls that were spoken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use callsift_core::Turn;
use callsift_pipeline::RuleMeasure;
use callsift_pipeline::spoken::{SpokenCall, heard_line, metadata_csv, read_calls};

use super::speech::{Listened, listen, recordings};
use super::{measured, wrong};
use crate::args::EvalArgs;
use crate::exit::Exit;
use crate::output::{emit, emit_json, note, table};
use crate::{load, rule_folder};

/// What the files of heard calls begin with.
const HEARD: &str = "heard-";

/// Rules on what was said and on what was heard: figures of one set.
#[derive(serde::Serialize)]
struct SpokenReport {
    said: BTreeMap<String, RuleMeasure>,
    heard: BTreeMap<String, RuleMeasure>,
}

/// Hears the calls where their recordings are there, and prints the figures of each set.
pub(super) fn run(folder: &Path, args: &EvalArgs) -> Result<Exit> {
    let (mut reports, mut unheard) = (BTreeMap::new(), 0);
    let all = sets(folder)?;
    for set in all.iter().filter(|set| args.set.as_ref().is_none_or(|wanted| wanted == *set)) {
        let file = folder.join(format!("{set}.jsonl"));
        let calls = read_calls(&file)?;
        let heard = folder.join(format!("{HEARD}{set}.jsonl"));
        if calls.iter().any(|call| folder.join(&call.file).is_file()) {
            unheard += hear(folder, &calls, &heard, args)?;
        }
        if !heard.is_file() {
            bail!("neither the recordings of {} nor {} are there", file.display(), heard.display());
        }
        reports.insert(set, both(file, heard, args)?);
    }
    if reports.is_empty() {
        bail!("no such set in {}; there are: {}", folder.display(), all.join(", "));
    }
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&reports)?));
        return Ok(done(unheard));
    }
    for (set, report) in &reports {
        emit(&text(set, report));
        wrong(&report.heard, args.wrong);
    }
    Ok(done(unheard))
}

fn done(unheard: usize) -> Exit {
    if unheard > 0 { Exit::Some } else { Exit::Done }
}

/// The sets of a folder: its `SET.jsonl`, sorted.
fn sets(folder: &Path) -> Result<Vec<String>> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut sets = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name().to_string_lossy().into_owned();
        sets.extend(name.strip_suffix(".jsonl").filter(|set| !set.starts_with(HEARD)).map(str::to_owned));
    }
    sets.sort();
    Ok(sets)
}

/// Judged without recognition: what was said, and what was heard before.
fn both(said: PathBuf, heard: PathBuf, args: &EvalArgs) -> Result<SpokenReport> {
    let engine = load::engine(load::config(&args.config)?, rule_folder::load(&args.rules)?, false)?;
    Ok(SpokenReport { said: measured(&engine, &[said], args)?, heard: measured(&engine, &[heard], args)? })
}

/// Transcribes the recordings and keeps what was heard. Gives the number of calls of which nothing could be had; they are named
/// and left out.
fn hear(folder: &Path, calls: &[SpokenCall], out: &Path, args: &EvalArgs) -> Result<usize> {
    let config = load::config(&args.config)?;
    let table = tempfile::NamedTempFile::with_suffix(".csv").context("no room for a table")?;
    std::fs::write(table.path(), metadata_csv(calls))?;
    let wanted: BTreeSet<&str> = calls.iter().map(|c| c.file.as_str()).collect();
    let plan = recordings(folder, &wanted, Some(table.path()), &config)?;
    let engine = load::engine(config, rule_folder::load(&args.rules)?, true)?;
    let Listened { said, summary, .. } = listen(&engine, plan, args)?;
    let failed: BTreeSet<&str> = summary.failures.iter().map(|f| f.call_id.as_str()).collect();
    for failure in &summary.failures {
        note(&format!("{}：{}：{}，不在数内", failure.call_id, failure.stage, failure.reason));
    }
    let nothing: &[Turn] = &[];
    let heard = calls.iter().filter(|call| !failed.contains(call.call_id.as_str()));
    let lines: Vec<String> =
        heard.map(|call| heard_line(call, said.get(&call.file).map_or(nothing, Vec::as_slice))).collect();
    std::fs::write(out, lines.concat()).with_context(|| format!("cannot write {}", out.display()))?;
    note(&format!("{}：{} 通", out.display(), lines.len()));
    Ok(failed.len())
}

fn text(set: &str, report: &SpokenReport) -> String {
    let titles = ["规则", "标注", "应违规", "原文", "听写查准", "听写查全", "误判", "漏判", "无法判定"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    let (mut said, mut heard) = (RuleMeasure::default(), RuleMeasure::default());
    for (rule, one) in &report.heard {
        let before = report.said.get(rule).cloned().unwrap_or_default();
        rows.push(row(rule, &before, one));
        said.add(&before);
        heard.add(one);
    }
    rows.push(row("合计", &said, &heard));
    let undecided = heard.undecided_hits + heard.undecided_others;
    let share = undecided as f64 * 100.0 / heard.labelled.max(1) as f64;
    let note = format!(
        "无法判定占标注的 {share:.1} %。“原文”为查准/查全；括号内为 Wilson 95 % 区间；应违规而无法判定的算漏。只对这些录音和这个模型成立。\n"
    );
    format!("{set}\n{}{note}", table(&rows))
}

fn row(name: &str, said: &RuleMeasure, heard: &RuleMeasure) -> Vec<String> {
    type Share = Option<(f64, f64, f64)>;
    let percent = |share: Share| share.map_or_else(|| "–".to_owned(), |s| format!("{:.0}", s.0 * 100.0));
    let range = |share: Share| {
        let all = |s: (f64, f64, f64)| format!("{:.0}（{:.0}–{:.0}）", s.0 * 100.0, s.1 * 100.0, s.2 * 100.0);
        share.map_or_else(|| "–".to_owned(), all)
    };
    let hits = heard.true_hits + heard.missed + heard.undecided_hits;
    let mut cells = vec![name.to_owned(), heard.labelled.to_string(), hits.to_string()];
    cells.push(format!("{}/{}", percent(said.precision()), percent(said.recall())));
    cells.extend([heard.precision(), heard.recall()].map(range));
    let undecided = heard.undecided_hits + heard.undecided_others;
    cells.extend([heard.false_hits, heard.missed, undecided].map(|n| n.to_string()));
    cells
}
