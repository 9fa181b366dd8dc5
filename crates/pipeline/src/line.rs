//! The line: threads and channels between recordings and reports; see the module text of the crate.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use callsift_asr::{Repeats, Session, Window};
use callsift_core::{AudioInfo, CallReport, StageName, Utterance};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::again::SecondHearing;
use crate::analyse::{Analyser, failed};
use crate::engine::Engine;
use crate::error::PipelineError;
use crate::front::{Failed, Front};
use crate::identity::Job;
use crate::progress::Summary;
use crate::run::RunOptions;

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
pub(crate) struct Clock(pub(crate) Mutex<Summary>);

impl Clock {
    pub(crate) fn time<T>(&self, stage: &str, work: impl FnOnce() -> T) -> T {
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

/// Runs calls as they come, on so many recogniser threads, and gives each report in their order: the line of
/// [`crate::run()`] without a lake. At most [`calls_ahead`] calls are taken before their reports are given.
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
pub(crate) fn line(
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

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("internal error (please report it): {}", text.unwrap_or_else(|| "unknown".to_owned()))
}
