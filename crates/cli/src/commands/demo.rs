//! `callsift demo`: the bundled calls, inspected.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use callsift_models::Places;

use crate::args::{Cli, Command, DemoArgs};
use crate::exit::Exit;
use crate::output::emit;

/// The recordings, and what is planted in them.
const FILES: [&str; 2] = ["recordings", "metadata.csv"];

/// Runs over the bundled calls into a lake of its own, and says what to do next.
pub fn run(args: &DemoArgs) -> Result<Exit> {
    let bundled = folder().context("the demo calls are not installed here")?;
    let [recordings, metadata] = FILES.map(|name| bundled.join(name));
    let lake = args.dir.join("lake");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let words =
        ["callsift", "run", "--model", "whisper-mini-zh", "--recordings", &text(&recordings)].map(str::to_owned);
    let more = ["--metadata", &text(&metadata), "--lake", &text(&lake)].map(str::to_owned);
    let run = <Cli as clap::Parser>::try_parse_from(words.into_iter().chain(more))?;
    if let Command::Run(run) = run.command {
        super::run::run(run)?;
    }
    let (lake, recordings) = (lake.display(), recordings.display());
    emit(&format!(
        "\n接下来 · what next（14 通演示录音，其中一通故意损坏）\n  \
         callsift console --lake {lake} --recordings {recordings} --first-users 3021\n  \
         callsift rules explain shirking --lake {lake} --call c07\n  \
         callsift models pull whisper-base && callsift run --recordings DIR --lake LAKE    # 您自己的录音 · your own\n"
    ));
    Ok(Exit::Done)
}

/// Of the installation, or of the checkout that the program lies in.
fn folder() -> Option<PathBuf> {
    let places = Places::of_process();
    let checkout = places.exe_dir.iter().flat_map(|dir| dir.ancestors()).map(|dir| dir.join("tests/demo"));
    let share = places.share_folders("demo");
    share.into_iter().chain(checkout).find(|folder| FILES.iter().all(|name| folder.join(name).exists()))
}
