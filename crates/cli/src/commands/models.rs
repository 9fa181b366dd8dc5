//! `callsift models`: list, pull, verify.

use std::path::Path;

use anyhow::{Context, Result};
use callsift_models::{Manifest, ModelEntry, Places, PullOptions, locate, pull, verify};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{ModelsArgs, ModelsCommand};
use crate::exit::Exit;
use crate::output::{emit, table};

/// Runs the subcommand.
pub fn run(args: &ModelsArgs) -> Result<Exit> {
    let manifest = Manifest::builtin()?;
    match &args.command {
        ModelsCommand::List => Ok(list(&manifest)),
        ModelsCommand::Pull { name, dest } => pull_model(manifest.get(name)?, dest.as_deref()),
        ModelsCommand::Verify { name } => verify_models(&manifest, name.as_deref()),
    }
}

fn list(manifest: &Manifest) -> Exit {
    let mut rows = vec![["NAME", "KIND", "HERE", "MB", "LICENCE", "NOTE"].map(str::to_owned).to_vec()];
    for m in &manifest.models {
        // What comes with callsift is small: its SHA-256 is looked at each time. `verify` does so for all.
        let here = match locate(m, None) {
            Ok(path) if m.embedded && verify(m, &path).is_ok() => "embedded, verified",
            Ok(_) if m.embedded => "embedded, CHANGED",
            Ok(_) => "yes",
            Err(_) => "no",
        };
        let size = m.size.map_or_else(|| "?".to_owned(), |s| format!("{:.1}", s as f64 / 1e6));
        rows.push(vec![
            m.name.clone(),
            m.kind.as_str().to_owned(),
            here.to_owned(),
            size,
            m.licence.clone(),
            m.note.clone(),
        ]);
    }
    emit(&table(&rows));
    Exit::Done
}

fn pull_model(entry: &ModelEntry, dest: Option<&Path>) -> Result<Exit> {
    let folder = dest.map(Path::to_owned).or_else(|| Places::of_process().pull_folder());
    let folder = folder.context("no folder to put models in; name one with --dest DIR")?;
    let bar = ProgressBar::new(entry.size.unwrap_or(0));
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  剩余约 {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let pulled = pull(entry, &PullOptions::new(folder), &mut |done, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    emit(&format!("{}  sha256 {}\n", pulled.path.display(), pulled.sha256));
    Ok(Exit::Done)
}

fn verify_models(manifest: &Manifest, name: Option<&str>) -> Result<Exit> {
    let chosen: Vec<&ModelEntry> = match name {
        Some(name) => vec![manifest.get(name)?],
        None => manifest.models.iter().filter(|m| locate(m, None).is_ok()).collect(),
    };
    let mut exit = Exit::Done;
    for entry in chosen {
        match locate(entry, None).and_then(|path| verify(entry, &path)) {
            Ok(sha256) => emit(&format!("ok   {}  {sha256}\n", entry.name)),
            Err(error) => {
                exit = Exit::Some;
                emit(&format!("bad  {}  {error}\n", entry.name));
            }
        }
    }
    Ok(exit)
}
