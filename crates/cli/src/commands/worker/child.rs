//! The process that has the models and does the work.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use callsift_core::{CallReport, StageName};
use callsift_objects::Fetcher;
use callsift_pipeline::{Engine, Fetch, Job, ManifestReader, PipelineError, stream};
use callsift_store::{Answered, ResultRows, ResultsWriter};
use serde_json::json;

use super::{Task, tell};
use crate::args::WorkerArgs;
use crate::exit::Exit;
use crate::{load, rule_folder};

/// Recordings that were begun and not yet answered, in order.
type Begun = Mutex<VecDeque<(Answered, Instant)>>;

/// Answers every line of stdin with a batch on stdout.
pub fn run(args: &WorkerArgs, threads: usize) -> Result<Exit> {
    die_with_parent();
    let config = load::config(&args.config)?;
    let base = args.recordings.as_deref().unwrap_or(Path::new(""));
    let fetcher = Arc::new(Fetcher::new(args.spool.clone().unwrap_or_else(std::env::temp_dir)));
    let manifest = ManifestReader::new(&config.metadata, base, None)?.fetching(fetch(Arc::clone(&fetcher)));
    let rules = rule_folder::load(&args.rules)?;
    let engine = load::engine(config, rules, true)?;
    let begun = Begun::default();
    answer(&engine, &manifest, &fetcher, threads, &begun)?;
    Ok(Exit::Done)
}

/// A recording that cannot be had is a failed row. A server that fails is not the recording's fault: the process
/// ends, so that its supervisor, and in the end the engine, tries again.
fn fetch(fetcher: Arc<Fetcher>) -> Fetch {
    Box::new(move |uri| {
        fetcher.fetch(uri).map_err(|why| {
            if why.may_pass() {
                tell(json!({"event": "stopped", "why": why.to_string()}));
                std::process::exit(Exit::Temporary as i32);
            }
            why.to_string()
        })
    })
}

fn answer(engine: &Engine, manifest: &ManifestReader, fetcher: &Fetcher, threads: usize, begun: &Begun) -> Result<()> {
    let rows = ResultRows::new(&engine.provenance, engine.segmenter()?);
    // The schema on stdout says that the models are loaded.
    let mut out = ResultsWriter::new(io::stdout())?;
    tell(json!({"event": "ready", "pid": std::process::id(), "model": engine.provenance.asr_model}));
    // What is no line of ours ends the input: the other side is gone.
    let lines = BufReader::new(io::stdin()).lines().map_while(io::Result::ok);
    let tasks = lines.map_while(|line| serde_json::from_str::<Task>(&line).ok());
    let mut jobs = tasks.map(|task| job(task, manifest, begun));
    let mut take = |report: CallReport| {
        let first = begun.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((answered, since)) = first else { return Ok(()) };
        let written = rows.row(&report, &answered).and_then(|row| out.write(&row));
        written.map_err(|e| PipelineError::Io { path: PathBuf::from("stdout"), source: io::Error::other(e) })?;
        fetcher.done(&report.recording.path);
        let audio_ms = report.audio.as_ref().map(|audio| audio.duration_ms);
        tell(json!({
            "event": "done", "recording_id": answered.recording_id, "outcome": report.outcome.as_str(),
            "audio_ms": audio_ms, "wall_ms": since.elapsed().as_millis() as u64,
        }));
        Ok(())
    };
    stream(engine, &mut jobs, threads, &AtomicBool::new(false), &mut take)?;
    Ok(out.finish()?)
}

fn job(task: Task, manifest: &ManifestReader, begun: &Begun) -> Job {
    let Task { recording_id, row, attempt, refused } = task;
    tell(json!({
        "event": "begin", "recording_id": recording_id, "attempt": attempt, "pid": std::process::id(),
        "refused": refused.is_some(),
    }));
    let job = manifest.job(&recording_id, row);
    let job = match refused {
        // Where it died nobody knows; it is the sound that leads native code astray.
        Some(why) => Job { refused: Some((StageName::Audio, why)), ..job },
        None => job,
    };
    let answered = Answered { recording_id, attempt };
    begun.lock().unwrap_or_else(PoisonError::into_inner).push_back((answered, Instant::now()));
    job
}

/// A killed supervisor takes the child along, instead of leaving it at work for nobody.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
