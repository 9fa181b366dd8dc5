//! Turns per second of the text classifier, for `make bench-text`.
//!
//! `bench_text FOLDER TURNS THREADS CALL`: TURNS is a file with one turn a line; CALL turns at a time are classified as one
//! call, and every thread has a classifier of its own, as in the pipeline. Prints one number.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use callsift_sentiment::TextClassifier;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, turns, threads, call] = args.as_slice() else {
        return Err("usage: bench_text FOLDER TURNS THREADS CALL".into());
    };
    let (threads, call): (usize, usize) = (threads.parse()?, call.parse()?);
    let turns: Vec<String> = std::fs::read_to_string(turns)?.lines().map(str::to_owned).collect();
    let calls: Vec<&[String]> = turns.chunks(call.max(1)).collect();
    let load = || TextClassifier::load(Path::new(folder));
    let mut models = (0..threads).map(|_| load()).collect::<Result<Vec<_>, _>>()?;
    for model in &mut models {
        model.classify_texts(calls[0])?;
    }
    let (next, begin) = (AtomicUsize::new(0), Instant::now());
    let work = |mut model: TextClassifier| {
        while let Some(texts) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
            model.classify_texts(texts)?;
        }
        Ok::<(), Failure>(())
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = models.into_iter().map(|model| scope.spawn(|| work(model))).collect();
        started.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })?;
    println!("{:.1}", turns.len() as f64 / begin.elapsed().as_secs_f64());
    Ok(())
}
