//! `callsift models`: list, pull, import, verify.

mod import;
mod installed;
mod list;

use anyhow::{Result, bail};
use callsift_models::{Manifest, ModelEntry, locate, verify};

use crate::args::{ModelsArgs, ModelsCommand};
use crate::exit::Exit;
use crate::output::emit;

pub use installed::{Installed, find_installed};

/// Runs the subcommand.
pub fn run(args: &ModelsArgs) -> Result<Exit> {
    let manifest = Manifest::builtin()?;
    match &args.command {
        ModelsCommand::List => Ok(list::run(&manifest)),
        ModelsCommand::Pull { name, dest, precision, offline } => {
            import::pull_model(manifest.get(name)?, dest.as_deref(), *precision, *offline)
        }
        ModelsCommand::Import { path, name, precision, dest, replace } => {
            import::import(&manifest, path, name.as_deref(), *precision, dest.as_deref(), *replace)
        }
        ModelsCommand::Verify { name } => verify_models(&manifest, name.as_deref()),
    }
}

fn verify_models(manifest: &Manifest, name: Option<&str>) -> Result<Exit> {
    let installed = installed::all();
    let entries: Vec<&ModelEntry> = manifest.models.iter().filter(|m| name.is_none_or(|name| name == m.name)).collect();
    let chosen: Vec<&Installed> = installed.iter().filter(|m| name.is_none_or(|name| name == m.name)).collect();
    if let (Some(name), true, true) = (name, entries.is_empty(), chosen.is_empty()) {
        manifest.get(name)?;
        bail!("{name} is not installed");
    }
    let mut exit = Exit::Done;
    let mut say = |name: &str, result: Result<String, String>| match result {
        Ok(sha256) => emit(&format!("ok   {name}  {sha256}\n")),
        Err(error) => {
            exit = Exit::Some;
            emit(&format!("bad  {name}  {error}\n"));
        }
    };
    for model in &chosen {
        say(&model.name, model.verify().map_err(|error| error.to_string()));
    }
    for entry in entries.into_iter().filter(|entry| entry.published.is_empty()) {
        match locate(entry, None) {
            Ok(path) => say(&entry.name, verify(entry, &path).map_err(|error| error.to_string())),
            // A model that is here in the engine's form only was said above.
            Err(error) if name.is_some() && chosen.is_empty() => say(&entry.name, Err(error.to_string())),
            Err(_) => {}
        }
    }
    if let (Some(name), true) = (name, chosen.is_empty())
        && let Ok(entry) = manifest.get(name)
        && !entry.published.is_empty()
    {
        say(name, Err(format!("is not installed: {}", entry.mend())));
    }
    Ok(exit)
}
