//! `callsift eval --speech`: recognition measured on calls whose words and times are known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use callsift_core::Turn;
use callsift_pipeline::run::{RunOptions, run as run_recordings};
use callsift_pipeline::speech::{
    Heard, SpeechMeasure, SpeechScore, SpokenTurn, read_hypotheses, read_references, score,
};
use callsift_pipeline::{Engine, Event, InputPlan, Summary, plan_input, walk};
use serde::Serialize;

use crate::args::EvalArgs;
use crate::commands::run::cores;
use crate::cpu;
use crate::exit::Exit;
use crate::output::{emit, emit_json, table};
use crate::progress::Progress;
use crate::{load, rule_folder};

/// What a measurement gives.
#[derive(Serialize)]
struct SpeechReport {
    #[serde(flatten)]
    score: SpeechScore,
    /// What the run took; nothing where another recogniser's text was measured.
    #[serde(flatten)]
    cost: Option<Cost>,
}

#[derive(Serialize)]
struct Cost {
    model: String,
    workers: usize,
    audio_ms: i64,
    /// Time of the line itself, without loading models, milliseconds.
    wall_ms: u64,
    /// Processor time of the whole program, models loaded included, seconds.
    cpu_seconds: f64,
    /// Time by stage over all threads, milliseconds.
    stage_ms: BTreeMap<String, u64>,
    /// Turns by the reason for care that they carry.
    marks: BTreeMap<String, usize>,
}

/// Transcribes the recordings of the references, or reads what was heard, and prints the figures.
pub(super) fn run(references: &Path, args: &EvalArgs) -> Result<Exit> {
    let file = if references.is_dir() { references.join("references.jsonl") } else { references.to_owned() };
    let turns = read_references(&file)?;
    if turns.is_empty() {
        bail!("{} holds no turn", file.display());
    }
    let report = match &args.hypotheses {
        Some(heard) => SpeechReport { score: measure(&turns, &read_hypotheses(heard)?).score(), cost: None },
        None => hear(&file, &turns, args)?,
    };
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        emit(&text(&report));
    }
    Ok(Exit::Done)
}

fn measure(turns: &[SpokenTurn], heard: &dyn Fn(&str, u16) -> Heard) -> SpeechMeasure {
    let mut channels: BTreeMap<(&str, u16), Vec<SpokenTurn>> = BTreeMap::new();
    for turn in turns {
        channels.entry((&turn.file, turn.channel)).or_default().push(turn.clone());
    }
    let mut all = SpeechMeasure::default();
    for ((file, channel), mut turns) in channels {
        turns.sort_by_key(|t| (t.start_ms, t.end_ms));
        all.add(score(&turns, &heard(file, channel)));
    }
    all
}

/// Runs the recordings through the whole line, as `callsift run` does, into a lake that is thrown away.
fn hear(file: &Path, turns: &[SpokenTurn], args: &EvalArgs) -> Result<SpeechReport> {
    let config = load::config(&args.config)?;
    let wanted: BTreeSet<&str> = turns.iter().map(|t| t.file.as_str()).collect();
    let plan = recordings(file.parent().unwrap_or(Path::new(".")), &wanted, None, &config)?;
    let engine = load::engine(config, rule_folder::load(&args.rules)?, true)?;
    let Listened { said, workers, wall_ms, summary } = listen(&engine, plan, args)?;
    if let Some(failure) = summary.failures.first() {
        bail!("{}: {}: {}", failure.call_id, failure.stage, failure.reason);
    }
    let measured = measure(turns, &|name, channel| Heard::of_turns(said.get(name).map_or(&[], Vec::as_slice), channel));
    let model = engine.provenance.asr_model.clone();
    let cost = cost(model, workers, wall_ms, summary, said.values().flatten());
    Ok(SpeechReport { score: measured.score(), cost: Some(cost) })
}

/// What a run over recordings gave.
pub(super) struct Listened {
    /// Turns by the names of the recordings.
    pub said: BTreeMap<String, Vec<Turn>>,
    workers: usize,
    wall_ms: u64,
    /// What the run counts, failed calls included.
    pub summary: Summary,
}

/// Transcribes recordings into a lake that is thrown away; says on stderr how far it is.
pub(super) fn listen(engine: &Engine, plan: InputPlan, args: &EvalArgs) -> Result<Listened> {
    let lake = tempfile::tempdir().context("no folder for a lake that is thrown away")?;
    let workers = args.workers.map_or_else(cores, usize::from);
    let options = RunOptions { workers, calls_per_part: 32, retry_failed: false, compact_bytes: None };
    let mut said: BTreeMap<String, Vec<Turn>> = BTreeMap::new();
    let mut progress = Progress::new(false);
    let mut keep = |event: Event<'_>| {
        if let Event::Call { report, .. } = &event {
            said.insert(report.recording.name.clone(), report.turns.clone());
        }
        progress.event(&event);
    };
    let started = Instant::now();
    let summary = run_recordings(engine, plan, lake.path(), &options, &AtomicBool::new(false), &mut keep)?;
    let wall_ms = started.elapsed().as_millis() as u64;
    Ok(Listened { said, workers, wall_ms, summary })
}

/// The recordings of a folder that are wanted, with what a table says of them.
pub(super) fn recordings(
    folder: &Path,
    wanted: &BTreeSet<&str>,
    metadata: Option<&Path>,
    config: &callsift_pipeline::Config,
) -> Result<InputPlan> {
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let mut found = walk(&folder)?;
    found.files.retain(|f| wanted.contains(f.name.as_str()));
    let there: BTreeSet<String> = found.files.iter().map(|f| f.name.clone()).collect();
    if let Some(missing) = wanted.iter().find(|name| !there.contains(**name)) {
        bail!("the references name {missing}, which is not in {}", folder.display());
    }
    // Any day: the lake is thrown away.
    Ok(plan_input(found, metadata, &config.metadata, "2026-01-01", None)?)
}

fn cost<'a>(
    model: String,
    workers: usize,
    wall_ms: u64,
    summary: Summary,
    turns: impl Iterator<Item = &'a Turn>,
) -> Cost {
    let mut marks: BTreeMap<String, usize> = BTreeMap::new();
    for mark in turns.flat_map(|t| &t.marks) {
        *marks.entry(mark.as_str().to_owned()).or_default() += 1;
    }
    let cpu_seconds = cpu::spent().as_secs_f64();
    Cost { model, workers, audio_ms: summary.audio_ms, wall_ms, cpu_seconds, stage_ms: summary.stage_ms, marks }
}

fn text(report: &SpeechReport) -> String {
    let s = &report.score;
    let share =
        |rate: f64, (low, high): (f64, f64)| format!("{:.1} %（{:.1}–{:.1}）", rate * 100.0, low * 100.0, high * 100.0);
    let times = |(half, most): (i64, i64), bias: i64| format!("中位 {half}，90 % 以内 {most}，偏 {bias:+} 毫秒");
    let mut rows = vec![
        ["字错率".to_owned(), share(s.cer, s.cer_interval)],
        ["错 / 漏 / 多".to_owned(), format!("{} / {} / {}", s.substitutions, s.deletions, s.insertions)],
        ["按轮次时间的字错率".to_owned(), share(s.turn_cer, s.turn_cer_interval)],
        ["无人说话处的字".to_owned(), s.stray.to_string()],
        ["轮次开始的时间误差".to_owned(), times(s.start_error_ms, s.start_bias_ms)],
        ["轮次结束的时间误差".to_owned(), times(s.end_error_ms, s.end_bias_ms)],
    ];
    rows.extend(report.cost.iter().flat_map(costs));
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    let note = "括号内为 95 % 区间（按轮次的比率估计）；数字按读法、繁体按简体比较，标点不计。只对这些录音成立。";
    format!("{}{} 轮，{} 字。{note}\n", table(&rows), s.turns, s.characters)
}

fn costs(cost: &Cost) -> Vec<[String; 2]> {
    let audio = cost.audio_ms as f64 / 1000.0;
    let total: u64 = cost.stage_ms.values().sum::<u64>().max(1);
    let asr = cost.stage_ms.get("asr").copied().unwrap_or(0) as f64 * 100.0 / total as f64;
    let marks: Vec<String> = cost.marks.iter().map(|(mark, count)| format!("{mark} {count}")).collect();
    vec![
        ["模型".to_owned(), format!("{}，{} 个识别线程，识别占处理时间 {asr:.0} %", cost.model, cost.workers)],
        [
            "用时".to_owned(),
            format!(
                "录音 {:.1} 分钟，{:.1} 秒，CPU {:.1} 秒，实时率 {:.3}，CPU 实时率 {:.3}",
                audio / 60.0,
                cost.wall_ms as f64 / 1000.0,
                cost.cpu_seconds,
                cost.wall_ms as f64 / 1000.0 / audio.max(1e-3),
                cost.cpu_seconds / audio.max(1e-3)
            ),
        ],
        ["有疑问的轮次".to_owned(), if marks.is_empty() { "0".to_owned() } else { marks.join("，") }],
    ]
}
