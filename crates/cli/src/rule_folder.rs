//! The rules of a command: their folder, their profile, one of them by its id.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use callsift_rules::profile::names;
use callsift_rules::schema::Rule;
use callsift_rules::{RuleSet, default_profile};

use crate::args::RuleArgs;
use crate::input;
use crate::nearest::did_you_mean;

/// The folder of rules: given, or `rules/` found upwards of the current folder or of the program, or that of the
/// installation.
pub fn folder(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        input::file("rules", Some(given))?;
        return Ok(given.to_owned());
    }
    let cwd = std::env::current_dir().ok();
    let exe = std::env::current_exe().ok();
    let upwards = |from: &Path| from.ancestors().map(|a| a.join("rules")).collect::<Vec<_>>();
    let mut places: Vec<PathBuf> = cwd.iter().flat_map(|d| upwards(d)).collect();
    places.extend(exe.iter().flat_map(|e| upwards(e)));
    places.extend(callsift_models::Places::of_process().share_folders("rules"));
    let is_pack = |p: &PathBuf| p.join("opening").is_dir() || p.join("schema.json").is_file();
    places
        .into_iter()
        .find(is_pack)
        .context("no folder `rules` here, in the project or in the installation; name one with --rules DIR")
}

/// Loads rules: the profile that is named, all of them for `all`, the folder's default profile where none is named.
pub fn load(args: &RuleArgs) -> Result<RuleSet> {
    let folder = folder(args.rules.as_deref())?;
    let profile = match args.profile.as_deref() {
        Some("all") => None,
        Some(name) => Some(known_profile(&folder, name)?),
        None => default_profile(&folder),
    };
    Ok(RuleSet::load_profile(&folder, profile)?)
}

fn known_profile<'a>(folder: &Path, name: &'a str) -> Result<&'a str> {
    let there = names(folder);
    if there.iter().any(|known| known == name) {
        return Ok(name);
    }
    let near = did_you_mean(name, there.iter().map(String::as_str));
    if there.is_empty() {
        bail!("{} has no profiles; leave --profile out", folder.display());
    }
    bail!("no profile is called `{name}`{near} Profiles of {}: {}, all", folder.display(), there.join(", "))
}

/// Loads all rules of a folder or file.
pub fn all(given: Option<&Path>) -> Result<RuleSet> {
    Ok(RuleSet::load(&folder(given)?)?)
}

/// The rule of an id; the error names the nearest.
pub fn rule<'a>(rules: &'a RuleSet, id: &str) -> Result<&'a Rule> {
    let ids = || rules.rules().iter().map(|rule| rule.id.value.as_str());
    rules.get(id).map_err(|_| no_rule(id, ids()))
}

/// That there is no such rule among these.
pub fn no_rule<'a>(id: &str, ids: impl IntoIterator<Item = &'a str>) -> anyhow::Error {
    let ids: Vec<&str> = ids.into_iter().collect();
    match did_you_mean(id, ids.iter().copied()) {
        near if near.is_empty() => anyhow!("no rule has the id `{id}`; there are: {}", ids.join(", ")),
        near => anyhow!("no rule has the id `{id}`{near}"),
    }
}
