//! `callsift report`: what a lake says, for a QA lead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use callsift_core::failure::{reason_zh, sentence_zh};
use callsift_core::visible_line;
use callsift_pipeline::metadata::check_date;
use callsift_store::lines::{CallLine, FindingLine, call_lines, finding_lines};

use crate::args::ReportArgs;
use crate::exit::Exit;
use crate::load;
use crate::output::{self, clock, emit, table};

/// Prints the report.
pub fn run(args: &ReportArgs) -> Result<Exit> {
    let date = args.dt.as_deref().map(check_date).transpose()?;
    load::warn_of_strangers(&args.lake)?;
    emit(&text(&args.lake, date.map(|d| BTreeSet::from([d])).as_ref(), args.top)?);
    Ok(Exit::Done)
}

/// The report of some days, or of all, as text.
pub fn text(lake: &Path, days: Option<&BTreeSet<String>>, top: usize) -> Result<String> {
    let (calls, findings) = (call_lines(lake, days)?, finding_lines(lake, days)?);
    let unread: Vec<String> = calls.unread.iter().chain(&findings.unread).map(ToString::to_string).collect();
    let (calls, findings) = (calls.rows, findings.rows);
    let mut out = String::new();
    odd_section(&mut out, &calls, &unread);
    if calls.is_empty() {
        let _ = writeln!(out, "{} 中没有通话", lake.display());
        return Ok(out);
    }
    let judged = calls.iter().filter(|c| c.status == "ok").count();
    let failed: Vec<&CallLine> = calls.iter().filter(|c| c.status == "failed").collect();
    let silent = calls.iter().filter(|c| c.status == "empty").count();
    let total = calls.len();
    let _ =
        writeln!(out, "\n质检结果：共 {total} 通，已质检 {judged} 通，无人声 {silent} 通，失败 {} 通", failed.len());
    rules_section(&mut out, &findings);
    listen_section(&mut out, &calls, &findings, top);
    failed_section(&mut out, &failed);
    let shown = lake.canonicalize().with_context(|| format!("cannot read the lake: {}", lake.display()))?;
    let _ = writeln!(
        out,
        "\n数据在 {}（calls、turns、findings）。查询示例：\n  duckdb -c \"SELECT rule_id, count(DISTINCT call_id) AS calls FROM \
         read_parquet('{}/findings/*/*.parquet') WHERE verdict = 'hit' GROUP BY 1 ORDER BY 2 DESC\"",
        shown.display(),
        shown.display()
    );
    Ok(out)
}

/// Parts that cannot be read, and calls whose id stands twice: the figures below are without them, or count them twice.
fn odd_section(out: &mut String, calls: &[CallLine], unread: &[String]) {
    for error in unread {
        let _ = writeln!(out, "{}", output::unread(error));
    }
    let mut parts: BTreeMap<&str, &str> = BTreeMap::new();
    for call in calls {
        if let Some(first) = parts.insert(&call.call_id, &call.part) {
            let (id, part) = (visible_line(&call.call_id), &call.part);
            let _ = writeln!(out, "注意：通话 {id} 重复出现（duplicate）：{first} 和 {part}，下面按两通计");
        }
    }
}

fn rules_section(out: &mut String, findings: &[FindingLine]) {
    let mut counts: BTreeMap<(&str, &str), [usize; 4]> = BTreeMap::new();
    for f in findings.iter().filter(|f| f.hit_index == 0) {
        let row = counts.entry((&f.rule_id, &f.title)).or_default();
        let column = ["hit", "clear", "cannot_tell", "not_applicable"].iter().position(|v| *v == f.verdict);
        if let Some(cell) = column.and_then(|c| row.get_mut(c)) {
            *cell += 1;
        }
    }
    let mut rows = vec![["规则", "编号", "命中", "未犯", "无法判定", "不适用"].map(str::to_owned).to_vec()];
    rows.extend(counts.into_iter().map(|((id, title), n)| {
        let mut row = vec![title.to_owned(), id.to_owned()];
        row.extend(n.iter().map(ToString::to_string));
        row
    }));
    let _ = write!(out, "\n各规则\n{}", table(&rows));
}

fn listen_section(out: &mut String, calls: &[CallLine], findings: &[FindingLine], top: usize) {
    let mut hits: BTreeMap<&str, Vec<&FindingLine>> = BTreeMap::new();
    for f in findings.iter().filter(|f| f.verdict == "hit" && f.hit_index == 0) {
        hits.entry(&f.call_id).or_default().push(f);
    }
    let mut worst: Vec<&CallLine> = calls.iter().filter(|c| hits.contains_key(c.call_id.as_str())).collect();
    worst.sort_by(|a, b| {
        let score = |c: &CallLine| c.score.unwrap_or(100.0);
        score(a).total_cmp(&score(b)).then(a.call_id.cmp(&b.call_id))
    });
    let _ = writeln!(out, "\n建议先听（得分从低到高，共 {} 通有问题）", worst.len());
    for call in worst.iter().take(top) {
        let score = call.score.map_or_else(|| "—".to_owned(), |s| format!("{s:.0}"));
        let agent = if call.agent_id.is_empty() { "—" } else { &call.agent_id };
        let length = call.duration_ms.map_or_else(|| "—".to_owned(), clock);
        let (id, agent) = (visible_line(&call.call_id), visible_line(agent));
        let _ = writeln!(out, "  {id}  得分 {score}  工号 {agent}  时长 {length}");
        for f in &hits[call.call_id.as_str()] {
            let points = if f.points > 0.0 { format!("（−{}分）", f.points) } else { String::new() };
            let _ = writeln!(out, "      {}  {}{points}：{}", clock(f.start_ms), f.title, visible_line(&f.reason));
        }
    }
    if worst.len() > top {
        let _ = writeln!(out, "  …… 另有 {} 通", worst.len() - top);
    }
}

fn failed_section(out: &mut String, failed: &[&CallLine]) {
    if failed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n未能质检（未计分，请人工处理）");
    for call in failed {
        let (reason, stage) = (call.fail_reason.as_str(), call.fail_stage.as_str());
        // The engineers' words beside those for QA staff, where they are others.
        let details = if reason_zh(reason).is_some() { format!("（{reason}）") } else { String::new() };
        let line = format!("{}  {}{details}", call.call_id, sentence_zh(stage, reason));
        let _ = writeln!(out, "  {}", visible_line(&line));
    }
}
