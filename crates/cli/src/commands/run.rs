//! `callsift run`: the main job.

mod metrics;
mod watch;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use callsift_asr::Repeats;
use callsift_objects::is_address;
use callsift_pipeline::metadata::check_date;
use callsift_pipeline::run::{RunOptions, run as run_recordings, run_shard, run_transcripts};
use callsift_pipeline::transcripts::Transcripts;
use callsift_pipeline::{
    Config, Engine, Event, InputPlan, NoteKind, PipelineError, Quiet, Summary, plan_input, plan_manifest, walk,
};
use callsift_rules::RuleSet;

use crate::args::RunArgs;
use crate::commands::report::Report;
use crate::exit::Exit;
use crate::output::{emit, emit_value, note, unread};
use crate::place::{self, Held};
use crate::progress::Progress;
use crate::{input, lake, load, rule_folder};

/// A run, or one after the other while recordings arrive.
pub struct Job<'a> {
    args: &'a RunArgs,
    /// Mirrors of what lies in object storage; the lake there follows each part.
    held: Held,
    config: Config,
    rules: Option<RuleSet>,
    /// Loaded once there are calls to hear or judge.
    engine: Option<Engine>,
    options: RunOptions,
    forced: Option<String>,
    stop: Arc<AtomicBool>,
}

/// Runs, shows progress, prints the summary.
pub fn run(mut args: RunArgs) -> Result<Exit> {
    // First of all: an interrupt while models load ends the run in order, too.
    let stop = stop_on_signal()?;
    let held = mirrors(&mut args)?;
    let args = &args;
    for (option, path) in [
        ("--metadata", &args.metadata),
        ("--recordings", &args.recordings),
        ("--watch", &args.watch),
        ("--transcripts", &args.transcripts),
        ("--manifest", &args.manifest),
    ] {
        input::file(option, path.as_deref())?;
    }
    let config = load::config(&args.config)?;
    let rules = rule_folder::load(&args.rules)?;
    let forced = args.dt.as_deref().map(check_date).transpose()?;
    let options = RunOptions {
        workers: args.workers.map_or_else(cores, usize::from),
        calls_per_part: args.calls_per_part as usize,
        retry_failed: args.retry_failed,
        compact_bytes: config.lake.compact.then(|| config.lake.part_bytes()),
    };
    lake::check_new(&args.lake)?;
    let mut job = Job { args, held, config, rules: Some(rules), engine: None, options, forced, stop };
    if let Some(folder) = &args.watch {
        return watch::run(&mut job, folder);
    }
    let summary = match (&args.transcripts, &args.manifest, &args.recordings) {
        (Some(file), _, _) => job.transcripts(file),
        (_, Some(file), _) => job.manifest(file),
        (_, _, Some(root)) => job.recordings(root),
        (None, None, None) => bail!("name the recordings with --recordings DIR"),
    };
    metrics::written(args.metrics.as_deref(), summary.as_ref().ok())?;
    let summary = summary?;
    job.print(&summary)?;
    let missing = summary.intake.count(NoteKind::NotReadable) > 0;
    Ok(if summary.failed > 0 || missing { Exit::Some } else { Exit::Done })
}

/// Puts mirrors in the place of addresses.
fn mirrors(args: &mut RunArgs) -> Result<Held> {
    let of_objects = args.watch.iter().chain([&args.lake]).any(|path| is_address(path));
    if args.watch.is_some() && of_objects {
        bail!(
            "--watch looks at folders of this machine; let a timer start `callsift run --recordings` over object storage"
        );
    }
    if args.shard.is_some() && is_address(&args.lake) {
        bail!(
            "--shard needs a lake on a file system that all processes see; docs/many-machines.md says what else there is"
        );
    }
    let mut held = place::to_write(&mut args.lake)?;
    place::folder(&mut held, &mut args.recordings)?;
    for file in [&mut args.metadata, &mut args.manifest, &mut args.transcripts] {
        place::file(file)?;
    }
    place::model(&mut held, &mut args.config.model)?;
    Ok(held)
}

/// Events to the progress shown; a lake in object storage follows each part that is written. Where it does not let
/// itself be written the run is stopped, and why is kept.
fn follow<'a>(
    progress: &'a mut Progress,
    held: &'a mut Held,
    stop: &'a AtomicBool,
    failed: &'a mut Option<anyhow::Error>,
) -> impl FnMut(Event<'_>) + 'a {
    move |event| {
        progress.event(&event);
        if matches!(event, Event::Part)
            && failed.is_none()
            && let Err(error) = held.publish()
        {
            *failed = Some(error);
            stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Job<'_> {
    fn engine(&mut self, speech: bool) -> Result<&Engine> {
        if let (None, Some(rules)) = (&self.engine, self.rules.take()) {
            self.engine = Some(load::engine(self.config.clone(), rules, speech)?);
        }
        self.engine.as_ref().context("the rules are not loaded")
    }

    fn today() -> String {
        jiff::Zoned::now().date().to_string()
    }

    fn transcripts(&mut self, file: &Path) -> Result<Summary> {
        let calls = Transcripts::open(file, &self.config.metadata, &Self::today(), self.forced.as_deref())?;
        self.engine(false)?;
        let engine = self.engine.as_ref().context("the rules are not loaded")?;
        let (mut progress, mut failed) = (Progress::new(self.args.json), None);
        let mut tell = follow(&mut progress, &mut self.held, &self.stop, &mut failed);
        let summary = run_transcripts(engine, &calls, &self.args.lake, &self.options, &self.stop, &mut tell);
        drop(tell);
        self.end(&progress, summary, failed)
    }

    fn recordings(&mut self, root: &Path) -> Result<Summary> {
        let mut found = walk(root)?;
        found.settle(&Quiet {
            time: Duration::from_secs(self.args.settle_secs.into()),
            now: &SystemTime::now,
            pause: &|time| pause(time, &self.stop),
        });
        let metadata = self.args.metadata.as_deref();
        let plan = plan_input(found, metadata, &self.config.metadata, &Self::today(), self.forced.as_deref())?;
        if self.engine.is_none() {
            load::warn_of_demo_model(&self.config, &[root])?;
        }
        self.inspect(plan)
    }

    fn manifest(&mut self, file: &Path) -> Result<Summary> {
        let base = self.args.recordings.as_deref().or(file.parent()).unwrap_or(Path::new(""));
        let (today, forced) = (Self::today(), self.forced.as_deref());
        let plan = plan_manifest(file, base, &self.config.metadata, &today, forced, self.args.shard)?;
        load::warn_of_demo_model(&self.config, &[base])?;
        self.inspect(plan)
    }

    fn inspect(&mut self, plan: InputPlan) -> Result<Summary> {
        self.engine(true)?;
        let engine = self.engine.as_ref().context("the rules are not loaded")?;
        let (mut progress, mut failed) = (Progress::new(self.args.json), None);
        let mut tell = follow(&mut progress, &mut self.held, &self.stop, &mut failed);
        let (lake, options, stop) = (&self.args.lake, &self.options, &*self.stop);
        let summary = match self.args.shard {
            Some(share) => run_shard(engine, plan, lake, share, options, stop, &mut tell),
            None => run_recordings(engine, plan, lake, options, stop, &mut tell),
        };
        drop(tell);
        self.end(&progress, summary, failed)
    }

    fn end(
        &mut self,
        progress: &Progress,
        summary: Result<Summary, PipelineError>,
        failed: Option<anyhow::Error>,
    ) -> Result<Summary> {
        progress.finish();
        let summary = summary?;
        match failed {
            Some(error) => Err(error),
            // What compaction did after the last part.
            None => self.held.publish().map(|()| summary),
        }
    }

    fn print(&self, summary: &Summary) -> Result<()> {
        if self.args.json {
            return emit_value(summary);
        }
        emit(&text(summary, self.options.workers));
        let lake = &self.args.lake;
        // Of the days that got calls: a run of minutes does not read the months before.
        if summary.days.is_empty() {
            emit(&format!("没有新的通话；已有的结果：callsift report --lake {}\n", lake.display()));
        } else {
            let days: Vec<&str> = summary.days.iter().take(5).map(String::as_str).collect();
            emit(&format!("\n以下是有新通话的 {} 天：{}\n", summary.days.len(), days.join("，")));
            emit(&Report::read(lake, &summary.days)?.text(lake, 20, self.args.lang)?);
        }
        Ok(())
    }
}

/// Waits, in short steps so that an interrupt is heard.
fn pause(time: Duration, stop: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(50);
    let end = Instant::now() + time;
    while !stop.load(Ordering::Relaxed)
        && let Some(left) = end.checked_duration_since(Instant::now())
    {
        std::thread::sleep(left.min(STEP));
    }
}

pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The first Ctrl-C (or SIGTERM) ends the run in order, the second at once.
pub(super) fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        note("正在停止：写完进行中的通话后退出；再按一次立即退出（已写入的不会丢失）");
    })
    .context("cannot handle Ctrl-C")?;
    Ok(stop)
}

fn text(s: &Summary, workers: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "本次处理 {} 通：已质检 {}，无人声 {}，失败 {}；此前已完成 {} 通",
        s.calls, s.ok, s.empty, s.failed, s.skipped
    );
    let odd = s.intake.counts.iter().filter(|(kind, _)| kind.is_trouble() || **kind == NoteKind::Replaced);
    let odd: Vec<String> = odd.map(|(kind, count)| format!("{} {count}", kind.title())).collect();
    if !odd.is_empty() {
        let _ = writeln!(out, "注意：{}", odd.join("；"));
    }
    for damage in &s.unread {
        let _ = writeln!(out, "{}", unread(damage));
    }
    for why in &s.not_compacted {
        let _ = writeln!(out, "未合并：{why}");
    }
    if s.not_reached > 0 {
        let _ = writeln!(out, "提前停止，未处理 {} 通；再次运行同一命令即可继续", s.not_reached);
    }
    if let Some(rtf) = s.rtf() {
        let total: u64 = s.stage_ms.values().sum::<u64>().max(1);
        let asr = s.stage_ms.get("asr").copied().unwrap_or(0) as f64 * 100.0 / total as f64;
        let _ = writeln!(
            out,
            "录音 {:.1} 分钟，用时 {:.1} 秒，实时率 {rtf:.3}（{workers} 个识别线程，识别占处理时间 {asr:.0}%）",
            s.audio_ms as f64 / 60_000.0,
            s.wall_ms as f64 / 1000.0,
        );
        let _ = writeln!(out, "{}", repeats(&s.repeats));
    }
    out
}

/// How many windows were heard again, and why.
fn repeats(r: &Repeats) -> String {
    let reasons = [
        ("循环", r.looped),
        ("未写完", r.cut_off),
        ("概率低", r.unlikely),
        ("过密", r.dense),
        ("有声无字", r.uncovered),
        ("编造", r.invented),
    ];
    let why: Vec<String> = reasons.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
    let why = if why.is_empty() { String::new() } else { format!("（{}）", why.join("，")) };
    let more = [("逐段再听", r.alone), ("去掉提示词再听", r.echo)];
    let mut out = format!("识别窗口 {} 个，重听 {} 个{why}", r.windows, r.beam);
    for (name, n) in more.iter().filter(|(_, n)| *n > 0) {
        let _ = write!(out, "，{name} {n}");
    }
    out
}
