//! `callsift models`: list, pull, import, verify.

mod import;
mod installed;
mod list;

use anyhow::{Result, anyhow, bail};
use callsift_models::{Manifest, ModelEntry, locate, verify};

use crate::args::{ModelsArgs, ModelsCommand};
use crate::exit::Exit;
use crate::nearest::did_you_mean;
use crate::output::{emit, emit_value};

pub use installed::{Installed, find_installed};

/// Runs the subcommand.
pub fn run(args: &ModelsArgs) -> Result<Exit> {
    let manifest = Manifest::builtin()?;
    match &args.command {
        ModelsCommand::List(args) => list::run(&manifest, args.json),
        ModelsCommand::Pull { name, dest, precision, offline } => {
            import::pull_model(known(&manifest, name)?, dest.as_deref(), *precision, *offline)
        }
        ModelsCommand::Import { path, name, precision, dest, replace } => {
            import::import(&manifest, path, name.as_deref(), *precision, dest.as_deref(), *replace)
        }
        ModelsCommand::Verify { name, json } => verify_models(&manifest, name.as_deref(), *json),
    }
}

/// The model of the manifest that is called so; the error names the nearest.
fn known<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a ModelEntry> {
    manifest.get(name).map_err(|_| unknown(manifest, name))
}

/// That no model is called so, neither here nor in the manifest.
pub fn unknown(manifest: &Manifest, name: &str) -> anyhow::Error {
    let installed = installed::all();
    let names = manifest.models.iter().map(|m| m.name.as_str()).chain(installed.iter().map(|m| m.name.as_str()));
    let names: Vec<&str> = names.collect();
    let hint = match did_you_mean(name, names.iter().copied()) {
        near if near.is_empty() => format!("; models: {}", names.join(", ")),
        near => format!("{near}\n`callsift models list` shows all models"),
    };
    anyhow!("no model, file or folder is called `{name}`{hint}")
}

fn verify_models(manifest: &Manifest, name: Option<&str>, json: bool) -> Result<Exit> {
    let installed = installed::all();
    let entries: Vec<&ModelEntry> = manifest.models.iter().filter(|m| name.is_none_or(|name| name == m.name)).collect();
    let chosen: Vec<&Installed> = installed.iter().filter(|m| name.is_none_or(|name| name == m.name)).collect();
    if let (Some(name), true, true) = (name, entries.is_empty(), chosen.is_empty()) {
        known(manifest, name)?;
        bail!("{name} is not installed; `callsift models pull {name}` fetches it");
    }
    let mut exit = Exit::Done;
    let mut lines = Vec::new();
    let mut say = |name: &str, result: Result<String, String>| {
        let (ok, text) = result.map_or_else(|error| (false, error), |sha256| (true, sha256));
        if !ok {
            exit = Exit::Some;
        }
        if json {
            let key = if ok { "sha256" } else { "error" };
            lines.push(serde_json::json!({ "model": name, "ok": ok, key: text }));
        } else {
            emit(&format!("{}  {name}  {text}\n", if ok { "ok " } else { "bad" }));
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
    if json {
        emit_value(&lines)?;
    }
    Ok(exit)
}
