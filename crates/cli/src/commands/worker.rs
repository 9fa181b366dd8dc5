//! `callsift worker`: recordings in, results out, as Arrow streams, for engines that divide work among machines.
//!
//! Two processes: the one that was started reads the manifest and hands recordings to a second, which has the models
//! and does the work. Where native code takes the second down, only recordings that were in work are in doubt: each
//! is begun again alone, and one that takes the process down alone, too, becomes a failed row.

mod child;
mod supervisor;

use std::collections::BTreeMap;

use anyhow::Result;
use callsift_pipeline::calls_ahead;
use serde::{Deserialize, Serialize};

use crate::args::WorkerArgs;
use crate::commands::run::cores;
use crate::exit::Exit;
use crate::input;

/// A recording on its way to the child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Task {
    recording_id: String,
    row: BTreeMap<String, String>,
    /// How often it has been begun, this time included.
    attempt: i32,
    /// Not to be begun again, and why.
    refused: Option<String>,
}

/// Runs one of the two processes.
pub fn run(args: &WorkerArgs) -> Result<Exit> {
    input::file("--recordings", args.recordings.as_deref())?;
    let threads = args.threads.map_or_else(cores, usize::from);
    if args.child { child::run(args, threads) } else { supervisor::run(args, calls_ahead(threads)) }
}

/// Says on stderr what happens, as one JSON object a line.
fn tell(mut event: serde_json::Value) {
    event["time"] = jiff::Timestamp::now().to_string().into();
    crate::output::event(&event);
}
