//! Turns per second of the text classifier, for `make bench-text`.
//!
//! `bench_text FOLDER TURNS THREADS CALL`: TURNS is a file with one turn a line; CALL turns at a time are classified as one
//! call, and every thread has a classifier of its own, as in the pipeline. A folder without config.json is a sentence
//! encoder. Prints one number.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use callsift_sentiment::{SentenceEncoder, SentimentError, TextClassifier};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is measured.
enum Model {
    Labels(Box<TextClassifier>),
    Sentences(Box<SentenceEncoder>),
}

impl Model {
    fn load(folder: &Path) -> Result<Self, SentimentError> {
        if folder.join("config.json").is_file() {
            return TextClassifier::load(folder).map(|model| Self::Labels(Box::new(model)));
        }
        SentenceEncoder::load(folder).map(|model| Self::Sentences(Box::new(model)))
    }

    fn read(&mut self, call: &[String]) -> Result<(), SentimentError> {
        match self {
            Self::Labels(model) => model.classify_texts(call).map(drop),
            Self::Sentences(model) => model.vectors(call).map(drop),
        }
    }
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, turns, threads, call] = args.as_slice() else {
        return Err("usage: bench_text FOLDER TURNS THREADS CALL".into());
    };
    let (threads, call): (usize, usize) = (threads.parse()?, call.parse()?);
    let turns: Vec<String> = std::fs::read_to_string(turns)?.lines().map(str::to_owned).collect();
    let calls: Vec<&[String]> = turns.chunks(call.max(1)).collect();
    let load = || Model::load(Path::new(folder));
    let mut models = (0..threads).map(|_| load()).collect::<Result<Vec<_>, _>>()?;
    for model in &mut models {
        model.read(calls[0])?;
    }
    let (next, begin) = (AtomicUsize::new(0), Instant::now());
    let work = |mut model: Model| {
        while let Some(texts) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
            model.read(texts)?;
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
