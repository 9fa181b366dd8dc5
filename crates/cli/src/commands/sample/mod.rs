//! `callsift sample`: listening plans and the risk queue.

mod console;
mod frame;
mod keep;
mod make;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use callsift_models::Places;
use callsift_sampling::risk::RuleRecord;
use callsift_sampling::{Assignment, Draw, Held, Plan, assign, draw_with};
use serde::{Deserialize, Serialize};

use crate::args::{DayArgs, DrawArgs, SampleArgs, VerifyArgs};
use crate::exit::Exit;
use crate::output::{emit, emit_value, note};
use crate::{input, lake, load};
pub use console::sampler;
use frame::Scope;
use keep::Known;
use make::{Made, Order, findings, make};

/// A draw and the days of its frame: what `sample verify` needs.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    from: Option<String>,
    to: Option<String>,
    unit_field: String,
    utc_offset: String,
    /// How often people agreed with each rule when a risk queue was drawn; they may have heard more since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<RuleRecord>,
    /// Who was to hear calls, and the turn of units and agents: with the draw they say who hears which.
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    round: usize,
    /// Who had drawn calls already: they stay there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    held: BTreeMap<String, Held>,
    #[serde(flatten)]
    draw: Draw,
    assignments: Vec<Assignment>,
}

impl Record {
    fn scope<'a>(&'a self, lake: &'a Path) -> Scope<'a> {
        let (from, to) = (self.from.as_deref(), self.to.as_deref());
        Scope { lake, from, to, unit_field: &self.unit_field, utc_offset: &self.utc_offset }
    }
}

/// Where plans that come with callsift may lie, the first before the others.
fn plan_folders() -> Vec<PathBuf> {
    let places = Places::of_process();
    let dirs = places.exe_dir.iter().chain(&places.cwd).flat_map(|dir| dir.ancestors()).map(|dir| dir.join("plans"));
    places.share_folders("plans").into_iter().chain(dirs).collect()
}

/// The file of a plan: a path, or the name of one that comes with callsift (`half-month`, `plans/half-month.toml`).
fn plan_file(given: &Path) -> Result<PathBuf> {
    let folder = given.parent().unwrap_or(given);
    if let (false, true, Some(name)) =
        (given.exists(), [Path::new(""), Path::new("plans")].contains(&folder), given.file_stem())
    {
        let mut files = plan_folders().into_iter().map(|dir| dir.join(name).with_extension("toml"));
        if let Some(file) = files.find(|file| file.is_file()) {
            return Ok(file);
        }
    }
    input::file("--plan", Some(given))?;
    Ok(given.to_owned())
}

/// Draws, or draws again and compares.
pub fn run(args: &SampleArgs) -> Result<Exit> {
    match args {
        SampleArgs::Draw(args) => draw(args),
        SampleArgs::Verify(args) => verify(args),
    }
}

fn draw(args: &DrawArgs) -> Result<Exit> {
    let (days, _) = lake::with_calls(&args.data.lake, &args.days)?;
    let utc_offset = load::config(&args.config)?.metadata.utc_offset;
    let order = Order {
        data: &args.data,
        plan: Plan::load(&plan_file(&args.plan)?)?,
        seed: &args.seed,
        days,
        reviewers: keep::names(&args.reviewers),
        round: args.round,
        unit_field: &args.unit_field,
        utc_offset: &utc_offset,
        by: std::env::var("USER").unwrap_or_default(),
        save: args.save,
    };
    // With --json only the record goes to standard output.
    let say = |text: &str| if args.json { text.lines().for_each(note) } else { emit(&format!("{text}\n")) };
    let Made { record, notes, saved, before: files } = make(&order, say, |record| Files::write(args, record))?;
    for text in &notes {
        note(text);
    }
    if let Some(id) = saved {
        let who = if record.reviewers.is_empty() {
            "no --reviewers: nobody got tasks"
        } else {
            "reviewers find their calls at 我的任务"
        };
        note(&format!("saved as draw {id}; {who}"));
    }
    files.keep()?;
    if args.json {
        emit_value(&record)?;
    } else {
        emit(&words::text(&record));
    }
    Ok(Exit::Done)
}

/// Files of a draw, written beside their names: they get them when the draw is saved, and a draw that cannot be written is not
/// saved.
struct Files(Vec<(PathBuf, PathBuf)>);

impl Files {
    fn write(args: &DrawArgs, record: &Record) -> Result<Self> {
        let mut files = Self(Vec::new());
        if let Some(out) = &args.record {
            let text = serde_json::to_string_pretty(record)? + "\n";
            let part = files.beside(out);
            std::fs::write(part, text).with_context(|| format!("cannot write {}", out.display()))?;
        }
        if let Some(csv) = &args.csv {
            let part = files.beside(csv);
            words::write_csv(part, record).with_context(|| format!("cannot write {}", csv.display()))?;
        }
        Ok(files)
    }

    fn beside(&mut self, file: &Path) -> &Path {
        self.0.push((file.with_added_extension("part"), file.to_owned()));
        self.0.last().map_or(Path::new(""), |(part, _)| part)
    }

    fn keep(mut self) -> Result<()> {
        for (part, file) in self.0.drain(..) {
            std::fs::rename(&part, &file).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for (part, _) in &self.0 {
            let _ = std::fs::remove_file(part);
        }
    }
}

fn verify(args: &VerifyArgs) -> Result<Exit> {
    lake::with_calls(&args.data.lake, &DayArgs::default())?;
    let file = &args.file;
    input::file("", Some(file))?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let record: Record =
        serde_json::from_str(&text).with_context(|| format!("not a draw of `callsift sample`: {}", file.display()))?;
    let scope = record.scope(&args.data.lake);
    let frame = frame::frame(&scope)?;
    if frame.hash() != record.draw.frame_hash {
        let (was, is) = (record.draw.frame_calls, frame.calls().len());
        emit(&format!("✗ 可抽名单变了：抽样时 {was} 通，现在 {is} 通；指纹 {}\n", frame.hash()));
        return Ok(Exit::Some);
    }
    let heard = record.draw.passed_over.iter().cloned().collect();
    let found = findings(&record.draw.plan, &scope, record.records.clone(), heard)?;
    let (findings, unknown) = found.map_or((None, Vec::new()), |(findings, unknown)| (Some(findings), unknown));
    for text in &unknown {
        note(text);
    }
    let again = draw_with(&record.draw.plan, &record.draw.seed, &frame, findings.as_ref())?.draw;
    if again.findings_hash != record.draw.findings_hash {
        emit("✗ 名单相同，但机器发现、得分或复核记录变了（规则重跑过？），无法重抽\n");
        return Ok(Exit::Some);
    }
    if again != record.draw {
        emit("✗ 名单相同，但重抽的结果与文件不同：文件被改过\n");
        return Ok(Exit::Some);
    }
    if assign(&again.picked, &record.reviewers, record.round, &record.held) != record.assignments {
        emit("✗ 抽取一致，但分配与文件不同：谁听哪一通被改过\n");
        return Ok(Exit::Some);
    }
    let (sign, exit, known) = match keep::known(&args.data, &record)? {
        Known::Saved(id) => ("✓", Exit::Done, format!("与登记的第 {id} 次抽样相同")),
        Known::Other(id) => {
            ("✗", Exit::Some, format!("但登记的第 {id} 次抽样用同一种子抽自同一名单，内容不同：文件被改过"))
        }
        Known::Begun(times) => ("✓", Exit::Done, format!("未登记（没有 --save）；日志中同一名单共抽过 {times} 次")),
        Known::Never => ("✗", Exit::Some, "但抽样日志里没有这次抽取：没有事先公布种子，或文件被改过".to_owned()),
        Known::NoLog => ("✓", Exit::Done, "这里没有抽样日志，无法核对它是否唯一的一次抽取".to_owned()),
    };
    emit(&format!("{sign} 重抽一致：{} 通，种子 {}；{known}\n", again.picked.len(), again.seed));
    Ok(exit)
}
