//! The run: what is to do, the line over it, parts of the lake.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use callsift_core::{CallReport, StageName};
use callsift_store::{Lake, Part};
use rayon::prelude::*;

use crate::analyse::{Analyser, failed};
use crate::compact::{CompactSummary, compact_days};
use crate::engine::Engine;
use crate::error::PipelineError;
use crate::identity::{self, Todo, resolve};
use crate::input::InputPlan;
use crate::line::{Clock, line, panic_text};
use crate::parts::{Parts, Target};
use crate::progress::{Event, Summary};
use crate::shard::Share;
use crate::transcripts::{self, TranscriptTodo, Transcripts};

/// How to run; nothing here changes a result.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Recogniser threads; one state each.
    pub workers: usize,
    /// Calls per part file.
    pub calls_per_part: usize,
    /// Do calls again that failed before.
    pub retry_failed: bool,
    /// When all is done, make each day that got calls few files of this size, bytes; `None` leaves the parts as they
    /// are.
    pub compact_bytes: Option<u64>,
}

fn open_lake(engine: &Engine, out: &Path, options: &RunOptions) -> Result<Lake, PipelineError> {
    let mut lake = Lake::open(out, engine.segmenter()?)?;
    if options.retry_failed {
        lake.forget_failed();
    }
    Ok(lake)
}

fn unread(lake: &Lake) -> Vec<String> {
    lake.unread().iter().map(ToString::to_string).collect()
}

/// Runs recordings through the whole line into the lake. `stop` ends the run early: calls under way are finished,
/// the open part is written, and the summary says how many were not reached.
///
/// # Errors
/// The lake cannot be written, or a model cannot be loaded; what was written before stays.
pub fn run(
    engine: &Engine,
    plan: InputPlan,
    out: &Path,
    options: &RunOptions,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, PipelineError> {
    let mut lake = open_lake(engine, out, options)?;
    let todo = begin(engine, &lake, plan, on_event)?;
    let total = todo.jobs.len();
    let started = Instant::now();
    let clock = Clock::default();
    let mut summary = Summary { unread: unread(&lake), ..Summary::default() };
    let written = inspect(engine, todo, Target::Held(&mut lake), options, stop, &clock, &mut summary, on_event)?;
    put_in_order(&mut lake, &written, options, stop, &clock, &mut summary)?;
    finish(&mut summary, clock, started, total);
    Ok(summary)
}

/// Runs one share of a manifest's recordings into a lake that other processes write, too: the lake is held only for the
/// moments in which it is asked what is done and in which a part is published.
///
/// # Errors
/// As [`run`]; or somebody else held the lake for longer than [`callsift_store::Lake::open_shared`] waits.
pub fn run_shard(
    engine: &Engine,
    mut plan: InputPlan,
    out: &Path,
    share: Share,
    options: &RunOptions,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, PipelineError> {
    // Reading all recordings takes a while: before the lake is held.
    identity::hash(&mut plan.recordings);
    let mut lake = Lake::open_shared(out, engine.segmenter()?)?;
    if options.retry_failed {
        lake.forget_failed();
    }
    let todo = begin(engine, &lake, plan, on_event)?;
    let total = todo.jobs.len();
    let started = Instant::now();
    let clock = Clock::default();
    let mut summary = Summary { unread: unread(&lake), ..Summary::default() };
    let target = Target::Shared { root: out, share, words: Some(lake.close()) };
    let written = inspect(engine, todo, target, options, stop, &clock, &mut summary, on_event)?;
    name_written(&written, &mut summary);
    finish(&mut summary, clock, started, total);
    Ok(summary)
}

/// What there is to do.
fn begin(
    engine: &Engine,
    lake: &Lake,
    plan: InputPlan,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Todo, PipelineError> {
    let Todo { jobs, skipped, intake: resolved } = resolve(lake, plan.recordings)?;
    let mut intake = plan.intake;
    intake.extend(resolved);
    on_event(Event::Started { calls: jobs.len(), skipped, stale: lake.stale(&engine.provenance)?, intake: &intake });
    Ok(Todo { jobs, skipped, intake })
}

/// Puts calls through the line and their reports into parts.
#[expect(clippy::too_many_arguments, reason = "what both kinds of runs share")]
fn inspect(
    engine: &Engine,
    todo: Todo,
    target: Target<'_>,
    options: &RunOptions,
    stop: &AtomicBool,
    clock: &Clock,
    summary: &mut Summary,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Part>, PipelineError> {
    (summary.skipped, summary.intake) = (todo.skipped, todo.intake);
    let mut parts = Parts::new(target, engine, options);
    if !todo.jobs.is_empty() {
        line(engine, &mut todo.jobs.into_iter(), options, stop, clock, &mut |report| {
            summary.count(&report);
            on_event(Event::Call { report: &report, done: summary.calls });
            let source = identity::source(&report.recording.path);
            let is_part = clock.time("store", || parts.push(report, source))?;
            tell_part(is_part, on_event);
            Ok(())
        })?;
        let is_part = clock.time("store", || parts.flush())?;
        tell_part(is_part, on_event);
    }
    Ok(parts.written)
}

fn tell_part(is_part: bool, on_event: &mut dyn FnMut(Event<'_>)) {
    if is_part {
        on_event(Event::Part);
    }
}

fn name_written(written: &[Part], summary: &mut Summary) {
    summary.days = written.iter().map(|part| part.date.clone()).collect();
    summary.parts = written.iter().map(|p| format!("dt={}/part-{:05}.parquet", p.date, p.number)).collect();
}

/// Makes days that got calls few files, unless the run was stopped: the next one, which does the rest, will.
fn put_in_order(
    lake: &mut Lake,
    written: &[Part],
    options: &RunOptions,
    stop: &AtomicBool,
    clock: &Clock,
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    name_written(written, summary);
    let Some(target) = options.compact_bytes else { return Ok(()) };
    let days = written.iter().map(|part| part.date.as_str()).collect();
    let mut done = CompactSummary::default();
    clock.time("store", || compact_days(lake, days, target, stop, &mut done, &mut |_, _| ()))?;
    summary.compacted = done.compacted;
    summary.not_compacted = done.left;
    Ok(())
}

fn finish(summary: &mut Summary, clock: Clock, started: Instant, todo: usize) {
    let spent = clock.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.stage_ms = spent.stage_ms;
    summary.repeats = spent.repeats;
    summary.wall_ms = started.elapsed().as_millis() as u64;
    summary.not_reached = todo - summary.calls;
}

/// Runs calls that another system transcribed through everything after recognition.
///
/// # Errors
/// As [`run`].
pub fn run_transcripts(
    engine: &Engine,
    calls: &Transcripts,
    out: &Path,
    options: &RunOptions,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, PipelineError> {
    let mut lake = open_lake(engine, out, options)?;
    let TranscriptTodo { calls: todo, skipped, intake } = transcripts::resolve(&mut lake, calls)?;
    let total = todo.len();
    on_event(Event::Started { calls: total, skipped, stale: lake.stale(&engine.provenance)?, intake: &intake });
    let started = Instant::now();
    let clock = Clock::default();
    let workers = options.workers.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(PipelineError::pool)?;
    // Sessions of text models are not shared; opening them here shows a missing one before any call is read.
    let analysers =
        (0..workers).map(|_| Ok(Mutex::new(Analyser::new(&engine.config, &engine.rules, engine.classifier()?))));
    let analysers: Vec<Mutex<Analyser<'_>>> = analysers.collect::<Result<_, PipelineError>>()?;
    let unread = unread(&lake);
    let mut parts = Parts::new(Target::Held(&mut lake), engine, options);
    let mut summary = Summary { unread, skipped, intake, ..Summary::default() };
    for chunk in todo.chunks(CHUNK_PER_WORKER * workers) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let reports: Vec<CallReport> = clock.time("analyse", || {
            pool.install(|| chunk.par_iter().map(|call| transcript(&analysers, calls, call)).collect::<Result<_, _>>())
        })?;
        for (report, (call, _)) in reports.into_iter().zip(chunk) {
            summary.count(&report);
            on_event(Event::Call { report: &report, done: summary.calls });
            let is_part = clock.time("store", || parts.push(report, calls.hash(*call).into()))?;
            tell_part(is_part, on_event);
        }
    }
    let is_part = clock.time("store", || parts.flush())?;
    tell_part(is_part, on_event);
    let written = parts.written;
    put_in_order(&mut lake, &written, options, stop, &clock, &mut summary)?;
    finish(&mut summary, clock, started, total);
    Ok(summary)
}

/// Calls that each worker judges between two visits to the store.
const CHUNK_PER_WORKER: usize = 64;

fn transcript(
    analysers: &[Mutex<Analyser<'_>>],
    calls: &Transcripts,
    (call, id): &(usize, String),
) -> Result<CallReport, PipelineError> {
    let mut report = calls.read(*call)?;
    report.recording.meta.call_id.clone_from(id);
    let own = rayon::current_thread_index().unwrap_or(0) % analysers.len().max(1);
    let mut analyser = analysers[own].lock().unwrap_or_else(PoisonError::into_inner);
    let kept = report.recording.clone();
    Ok(catch_unwind(AssertUnwindSafe(|| analyser.transcript(report)))
        .unwrap_or_else(|panic| failed(kept, None, StageName::Rules, panic_text(panic.as_ref()))))
}
