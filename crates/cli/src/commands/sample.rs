//! `callsift sample`: listening plans.

use std::path::Path;

use anyhow::{Context, Result, bail};
use callsift_pipeline::facts;
use callsift_pipeline::metadata::hour_at;
use callsift_sampling::{Assignment, Draw, Frame, FrameCall, Plan, assign, draw};
use callsift_store::{StoredCall, read_calls, stored_parts};
use serde::{Deserialize, Serialize};

use crate::args::SampleArgs;
use crate::exit::Exit;
use crate::load;
use crate::output::{emit, table};

/// A draw and the days of its frame: what `--verify` needs.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    from: Option<String>,
    to: Option<String>,
    unit_field: String,
    utc_offset: String,
    #[serde(flatten)]
    draw: Draw,
    assignments: Vec<Assignment>,
}

/// Draws, or draws again and compares.
pub fn run(args: &SampleArgs) -> Result<Exit> {
    if let Some(file) = &args.verify {
        return verify(args, file);
    }
    let (Some(plan), Some(seed)) = (&args.plan, &args.seed) else { bail!("name --plan and --seed, or --verify") };
    let plan = Plan::load(plan)?;
    let utc_offset = load::config(&args.config)?.metadata.utc_offset;
    let (from, to) = load::days(&args.days)?;
    let frame = frame(&args.lake, from.as_deref(), to.as_deref(), &args.unit_field, &utc_offset)?;
    // Seed and frame stand before the draw is made.
    emit(&format!("种子 {seed}，可抽 {} 通，名单指纹 {}\n", frame.calls().len(), frame.hash()));
    let draw = draw(&plan, seed, &frame)?;
    let assignments = assign(&draw.picked, &args.reviewers, args.round);
    let record = Record { from, to, unit_field: args.unit_field.clone(), utc_offset, draw, assignments };
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&record)?;
        std::fs::write(out, text + "\n").with_context(|| format!("cannot write {}", out.display()))?;
    }
    if let Some(csv) = &args.csv {
        write_csv(csv, &record).with_context(|| format!("cannot write {}", csv.display()))?;
    }
    emit(&text(&record));
    Ok(Exit::Done)
}

/// Calls that were heard, from one day to another.
fn frame(lake: &Path, from: Option<&str>, to: Option<&str>, unit_field: &str, utc_offset: &str) -> Result<Frame> {
    let mut calls = Vec::new();
    for part in stored_parts(lake, from, to)? {
        let stored = read_calls(lake, &part)?;
        for call in stored.into_iter().filter(|c| c.status == "ok") {
            calls.push(frame_call(call, unit_field, utc_offset)?);
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

fn verify(args: &SampleArgs, file: &Path) -> Result<Exit> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let record: Record =
        serde_json::from_str(&text).with_context(|| format!("not a draw of `callsift sample`: {}", file.display()))?;
    let frame =
        frame(&args.lake, record.from.as_deref(), record.to.as_deref(), &record.unit_field, &record.utc_offset)?;
    if frame.hash() != record.draw.frame_hash {
        let (was, is) = (record.draw.frame_calls, frame.calls().len());
        emit(&format!("✗ 可抽名单变了：抽样时 {was} 通，现在 {is} 通；指纹 {}\n", frame.hash()));
        return Ok(Exit::Some);
    }
    let again = draw(&record.draw.plan, &record.draw.seed, &frame)?;
    if again.picked != record.draw.picked {
        emit("✗ 名单相同，但重抽的结果与文件不同：文件被改过\n");
        return Ok(Exit::Some);
    }
    emit(&format!("✓ 重抽一致：{} 通，种子 {}\n", again.picked.len(), again.seed));
    Ok(Exit::Done)
}

fn rows(record: &Record) -> Vec<Vec<String>> {
    let row = |reviewer: &str, p: &callsift_sampling::Picked| {
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

fn text(record: &Record) -> String {
    let agents: std::collections::BTreeSet<&str> = record.draw.picked.iter().map(|p| p.agent_id.as_str()).collect();
    let (title, n) = (&record.draw.plan.title, record.draw.picked.len());
    format!("{title}：{n} 通，坐席 {} 人\n{}", agents.len(), table(&rows(record)))
}

fn write_csv(path: &Path, record: &Record) -> Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    for row in rows(record) {
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}
