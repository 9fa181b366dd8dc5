//! The run: threads, channels, order, parts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use callsift_asr::{Repeats, Session, Window};
use callsift_core::{AudioInfo, CallReport, StageName, Utterance};
use callsift_store::{Lake, Part};
use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;

use crate::again::SecondHearing;
use crate::analyse::{Analyser, failed};
use crate::compact::{CompactSummary, compact_days};
use crate::engine::Engine;
use crate::error::PipelineError;
use crate::front::{Failed, Front};
use crate::identity::{self, Job, Todo, resolve};
use crate::input::InputPlan;
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

/// Windows of one call on their way to a recogniser.
struct WindowJob {
    call: usize,
    job: Arc<Job>,
    seq: usize,
    windows: Vec<Window>,
}

/// Windows that go to a recogniser together, at most. They are those of one call in the order in which they came, so a
/// batch is the same whatever else runs; 12 windows of 24 s take 18 MB.
pub const WINDOWS_PER_JOB: usize = 12;

/// Collects a call's windows into jobs.
struct Jobs<'a> {
    call: usize,
    job: &'a Arc<Job>,
    seq: usize,
    open: Vec<Window>,
    out: &'a Sender<WindowJob>,
    waiting: Duration,
}

impl Jobs<'_> {
    fn push(&mut self, window: Window) -> bool {
        self.open.push(window);
        self.open.len() < WINDOWS_PER_JOB || self.send()
    }

    fn send(&mut self) -> bool {
        if self.open.is_empty() {
            return true;
        }
        let windows = std::mem::take(&mut self.open);
        let wait = Instant::now();
        let sent =
            self.out.send(WindowJob { call: self.call, job: Arc::clone(self.job), seq: self.seq, windows }).is_ok();
        self.waiting += wait.elapsed();
        self.seq += 1;
        sent
    }
}

/// News for the gatherer.
enum News {
    Text { call: usize, seq: usize, result: Result<Vec<Utterance>, String> },
    Front { call: usize, job: Arc<Job>, jobs: usize, result: Result<AudioInfo, Failed> },
}

/// What became of a call's decoding and recognition: its text, or the stage that failed, why, and the audio if it was
/// read.
type Closed = Result<(AudioInfo, Vec<Utterance>), Box<(Option<AudioInfo>, StageName, String)>>;

/// A call whose windows have all come back.
struct Whole {
    call: usize,
    job: Arc<Job>,
    result: Closed,
}

/// Time spent per stage, over all threads.
#[derive(Default)]
struct Clock(Mutex<Summary>);

impl Clock {
    fn time<T>(&self, stage: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let out = work();
        self.add(stage, start.elapsed());
        out
    }

    fn repeated(&self, repeats: &Repeats) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).repeats.add(repeats);
    }

    fn add(&self, stage: &str, time: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spend(stage, time);
    }
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

/// Runs calls as they come, on so many recogniser threads, and gives each report in their order: the line of [`run`] without
/// a lake. At most [`calls_ahead`] calls are taken before their reports are given.
///
/// # Errors
/// A model cannot be loaded, or `take` fails; the line ends then.
pub fn stream(
    engine: &Engine,
    jobs: &mut (dyn Iterator<Item = Job> + Send),
    workers: usize,
    stop: &AtomicBool,
    take: &mut dyn FnMut(CallReport) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let options = RunOptions { workers, calls_per_part: 1, retry_failed: false, compact_bytes: None };
    line(engine, jobs, &options, stop, &Clock::default(), take)
}

/// How many calls [`stream`] takes before it has given the report of the first.
pub fn calls_ahead(workers: usize) -> usize {
    ahead(workers.max(1), 1)
}

/// How far the front may run ahead of the oldest unwritten call: enough for a part, and for every worker.
fn ahead(workers: usize, calls_per_part: usize) -> usize {
    calls_per_part.max(2 * workers).max(4)
}

/// The threads. Reports come to `take` in the order of `todo`.
fn line(
    engine: &Engine,
    todo: &mut (dyn Iterator<Item = Job> + Send),
    options: &RunOptions,
    stop: &AtomicBool,
    clock: &Clock,
    take: &mut dyn FnMut(CallReport) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let workers = options.workers.max(1);
    // Sessions and models open here, so that a missing model ends the run before any call is marked as failed.
    let sessions = sessions(engine, workers)?;
    let front_end = Front::new(engine)?;
    let analysers = analysers(engine, workers)?;
    let (tickets, ticket_gate) = bounded::<()>(ahead(workers, options.calls_per_part));
    let (window_tx, window_rx) = bounded::<WindowJob>(workers);
    let (news_tx, news_rx) = bounded::<News>(4 * workers);
    let (whole_tx, whole_rx) = bounded::<Whole>(4);
    let (report_tx, report_rx) = bounded::<(usize, CallReport)>(4);
    let halt = AtomicBool::new(false);
    let stopped = || stop.load(Ordering::Relaxed) || halt.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let front_news = news_tx.clone();
        let stopped = &stopped;
        spawn(scope, "front".to_owned(), move || {
            front(front_end, todo, stopped, clock, &tickets, &window_tx, &front_news);
        })?;
        for (i, session) in sessions.into_iter().enumerate() {
            let (jobs, news) = (window_rx.clone(), news_tx.clone());
            spawn(scope, format!("asr-{i}"), move || recognise(session, clock, &jobs, &news))?;
        }
        drop((window_rx, news_tx));
        spawn(scope, "gather".to_owned(), move || gather(&news_rx, &whole_tx))?;
        for (i, analyser) in analysers.into_iter().enumerate() {
            let (whole, report) = (whole_rx.clone(), report_tx.clone());
            spawn(scope, format!("analyse-{i}"), move || analyse(analyser, clock, &whole, &report))?;
        }
        drop((whole_rx, report_tx));
        let mut written = Ok(());
        let mut early: BTreeMap<usize, CallReport> = BTreeMap::new();
        let mut next = 0;
        for (call, report) in &report_rx {
            early.insert(call, report);
            while let Some(report) = early.remove(&next) {
                next += 1;
                // A failed write stops the run; the threads drain, what was written stays.
                if written.is_ok() {
                    written = take(report);
                    halt.store(written.is_err(), Ordering::Relaxed);
                }
                let _ = ticket_gate.try_recv();
            }
        }
        written
    })
}

/// Starts a named thread of the line.
fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: String,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), PipelineError> {
    thread::Builder::new().name(name).spawn_scoped(scope, work).map(drop).map_err(PipelineError::Thread)
}

fn sessions(engine: &Engine, workers: usize) -> Result<Vec<Session>, PipelineError> {
    let recognizer = engine
        .recognizer
        .as_deref()
        .ok_or_else(|| PipelineError::Asr(callsift_asr::AsrError::State("no speech model was loaded".to_owned())))?;
    (0..workers).map(|_| Session::open(recognizer, &engine.config.asr).map_err(PipelineError::from)).collect()
}

/// Recognisers per thread that judges calls: hearing again costs less than a tenth of recognition.
const WORKERS_PER_ANALYSER: usize = 8;

fn analysers(engine: &Engine, workers: usize) -> Result<Vec<Analyser<'_>>, PipelineError> {
    let open = |_| {
        let again = SecondHearing::open(engine)?;
        Ok(Analyser::new(&engine.config, &engine.rules, engine.classifier()?).with_second_hearing(again))
    };
    (0..workers.div_ceil(WORKERS_PER_ANALYSER)).map(open).collect()
}

/// Decodes calls in order; a ticket per call is given back when the call is written.
fn front(
    mut front: Front<'_>,
    todo: &mut (dyn Iterator<Item = Job> + Send),
    stopped: &(dyn Fn() -> bool + Sync),
    clock: &Clock,
    tickets: &Sender<()>,
    windows: &Sender<WindowJob>,
    news: &Sender<News>,
) {
    for call in 0.. {
        if stopped() || tickets.send(()).is_err() || stopped() {
            return;
        }
        let Some(job) = todo.next() else { return };
        let (start, job) = (Instant::now(), Arc::new(job));
        let mut jobs = Jobs { call, job: &job, seq: 0, open: Vec::new(), out: windows, waiting: Duration::ZERO };
        let run = catch_unwind(AssertUnwindSafe(|| match &job.refused {
            Some(refused) => Err(refused.clone()),
            None => front.run(&job.recording.path, &mut |window| jobs.push(window)),
        }));
        let result = run.unwrap_or_else(|panic| Err((StageName::Audio, panic_text(panic.as_ref()))));
        // Windows of a call that failed half-way are void.
        if result.is_ok() {
            jobs.send();
        }
        clock.add("front", start.elapsed().saturating_sub(jobs.waiting));
        let seq = jobs.seq;
        if news.send(News::Front { call, job, jobs: seq, result }).is_err() {
            return;
        }
    }
}

fn recognise(mut session: Session, clock: &Clock, jobs: &Receiver<WindowJob>, news: &Sender<News>) {
    for WindowJob { call, job, seq, windows } in jobs {
        let queue = job.recording.meta.queue.as_deref();
        let run = clock.time("asr", || catch_unwind(AssertUnwindSafe(|| session.recognize(&windows, queue))));
        clock.repeated(&session.take_repeats());
        let result = match run {
            Ok(result) => result.map(|heard| heard.into_iter().flatten().collect()).map_err(|e| e.to_string()),
            Err(panic) => Err(panic_text(panic.as_ref())),
        };
        if news.send(News::Text { call, seq, result }).is_err() {
            return;
        }
    }
}

/// What the gatherer holds of a call until it is whole.
#[derive(Default)]
struct Partial {
    expected: Option<usize>,
    front: Option<(Arc<Job>, Result<AudioInfo, Failed>)>,
    texts: BTreeMap<usize, Vec<Utterance>>,
    came: usize,
    error: Option<String>,
}

/// Puts windows together into calls, each in the order of its windows.
fn gather(news: &Receiver<News>, whole: &Sender<Whole>) {
    let mut partial: BTreeMap<usize, Partial> = BTreeMap::new();
    for item in news {
        let call = match item {
            News::Text { call, seq, result } => {
                let p = partial.entry(call).or_default();
                p.came += 1;
                match result {
                    Ok(utterances) => drop(p.texts.insert(seq, utterances)),
                    Err(error) => p.error = Some(p.error.take().map_or(error.clone(), |e| e.min(error))),
                }
                call
            }
            News::Front { call, job, jobs, result } => {
                let p = partial.entry(call).or_default();
                p.expected = Some(jobs);
                p.front = Some((job, result));
                call
            }
        };
        let complete = partial.get(&call).is_some_and(|p| p.expected == Some(p.came));
        let Some(done) = complete.then(|| partial.remove(&call)).flatten() else { continue };
        let Some((job, front)) = done.front else { continue };
        if whole.send(Whole { call, job, result: close(front, done.texts, done.error) }).is_err() {
            return;
        }
    }
}

fn close(front: Result<AudioInfo, Failed>, texts: BTreeMap<usize, Vec<Utterance>>, error: Option<String>) -> Closed {
    match (front, error) {
        (Ok(audio), None) => Ok((audio, texts.into_values().flatten().collect())),
        (Ok(audio), Some(error)) => Err(Box::new((Some(audio), StageName::Asr, error))),
        (Err((stage, reason)), _) => Err(Box::new((None, stage, reason))),
    }
}

fn analyse(mut analyser: Analyser<'_>, clock: &Clock, whole: &Receiver<Whole>, out: &Sender<(usize, CallReport)>) {
    for Whole { call, job, result } in whole {
        let recording = job.recording.clone();
        let report = match result {
            Err(error) => {
                let (audio, stage, reason) = *error;
                failed(recording, audio, stage, reason)
            }
            Ok((audio, utterances)) => {
                let start = Instant::now();
                let (kept, info) = (recording.clone(), audio.clone());
                let report = catch_unwind(AssertUnwindSafe(|| analyser.call(recording, audio, utterances)))
                    .unwrap_or_else(|panic| failed(kept, Some(info), StageName::Rules, panic_text(panic.as_ref())));
                let asking = analyser.take_asking();
                clock.add("second_hearing", asking);
                clock.add("analyse", start.elapsed().saturating_sub(asking));
                report
            }
        };
        if out.send((call, report)).is_err() {
            return;
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("internal error (please report it): {}", text.unwrap_or_else(|| "unknown".to_owned()))
}
