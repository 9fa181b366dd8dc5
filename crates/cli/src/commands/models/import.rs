//! `callsift models pull` and `callsift models import`: from published files to the engine's folder.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use callsift_models::{Manifest, ModelEntry, ModelKind, Places, PullOptions, pull, verify_file};
use callsift_whisper::{ModelFolder, Precision, folder, import as forms};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::PrecisionName;
use crate::exit::Exit;
use crate::output::{emit, note};

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Int8 => Self::Int8,
            PrecisionName::Fp32 => Self::Fp32,
        }
    }
}

fn destination(dest: Option<&Path>) -> Result<PathBuf> {
    let folder = dest.map(Path::to_owned).or_else(|| Places::of_process().pull_folder());
    folder.context("no folder to put models in; name one with --dest DIR")
}

/// Fetches and verifies; a speech model is then made ready for the engine, unless it is.
pub fn pull_model(entry: &ModelEntry, dest: Option<&Path>, precision: PrecisionName, offline: bool) -> Result<Exit> {
    let models = destination(dest)?;
    let folder = models.join(&entry.name);
    let speech = entry.kind == ModelKind::Asr && !entry.embedded;
    if speech && is_made_of(&folder, entry, precision.into()) {
        emit(&format!("{}  ready\n", folder.display()));
        return Ok(Exit::Done);
    }
    let path = if offline { fetched_before(entry, &models)? } else { fetch(entry, &models)? };
    if speech {
        let source = if entry.published.is_empty() { path.as_path() } else { path.parent().unwrap_or(&path) };
        make(source, &folder, precision.into())?;
        emit(&format!("{}  ready\n", folder.display()));
    }
    Ok(Exit::Done)
}

fn fetch(entry: &ModelEntry, models: &Path) -> Result<PathBuf> {
    let bar = ProgressBar::new(entry.bytes().unwrap_or(0));
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  剩余约 {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let pulled = pull(entry, &PullOptions::new(models.to_owned()), &mut |done, total| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    emit(&format!("{}  sha256 {}\n", pulled.path.display(), pulled.sha256));
    Ok(pulled.path)
}

/// The first file of a model that was fetched before, all of them verified.
fn fetched_before(entry: &ModelEntry, models: &Path) -> Result<PathBuf> {
    let files = entry.files();
    for file in &files {
        verify_file(file, &models.join(&file.file)).with_context(|| format!("{} is not fetched whole", entry.name))?;
    }
    let first = files.first().with_context(|| format!("{} has no files", entry.name))?;
    Ok(models.join(&first.file))
}

/// True where the engine's folder was made of just these published files.
fn is_made_of(folder: &Path, entry: &ModelEntry, precision: Precision) -> bool {
    let Ok(model) = ModelFolder::open(folder) else { return false };
    let origin = &model.info.origin.files;
    let same = |file: &callsift_models::ModelFile| {
        let name = Path::new(&file.file).file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| origin.get(&name) == file.sha256.as_ref())
    };
    model.info.precision == precision && entry.files().iter().all(same)
}

/// Makes a model of the user's ready for the engine.
pub fn import(
    manifest: &Manifest,
    path: &Path,
    name: Option<&str>,
    precision: PrecisionName,
    dest: Option<&Path>,
    replace: bool,
) -> Result<Exit> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => name_of(path).context("the path has no name of its own; give one with --name NAME")?,
    };
    let plain = Path::new(&name).components().collect::<Vec<_>>();
    if !matches!(plain.as_slice(), [Component::Normal(_)]) || name.starts_with(['.', '-']) {
        bail!("{name} cannot be the name of a model: letters, digits, - and _ will do");
    }
    if manifest.get(&name).is_ok() {
        bail!("{name} is the name of a model that callsift knows; give another one with --name NAME");
    }
    let folder = destination(dest)?.join(&name);
    if folder.exists() && !(replace && ModelFolder::is_one(&folder)) {
        bail!("{} is there already; give another name with --name NAME, or --replace", folder.display());
    }
    make(path, &folder, precision.into())?;
    emit(&format!("{}  ready: use it with --model {name}, or models.asr = \"{name}\"\n", folder.display()));
    Ok(Exit::Done)
}

/// The name of a file or folder; of its folder where the file is called as all are.
fn name_of(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let whole = path.is_dir();
    let common = ["model.bin", "model.safetensors", "ggml-model.bin"];
    let name = if path.file_name().is_some_and(|name| common.iter().any(|common| name == *common)) {
        path.parent()?.file_name()?
    } else if whole {
        path.file_name()?
    } else {
        path.file_stem()?
    };
    Some(name.to_string_lossy().into_owned())
}

fn make(source: &Path, target: &Path, precision: Precision) -> Result<()> {
    let busy = ProgressBar::new_spinner().with_message(format!("{} → {}", source.display(), target.display()));
    busy.enable_steady_tick(Duration::from_millis(200));
    let made = forms::open(source).and_then(|mut model| {
        let origin = forms::origin(source)?;
        folder::write(model.as_mut(), target, precision, origin)?;
        Ok(model)
    });
    busy.finish_and_clear();
    let model = made?;
    let (dims, vocabulary) = (*model.dims(), model.vocabulary());
    note(&format!(
        "{} layers of {}, {} mel bands, {} tokens, {} languages",
        dims.n_audio_layer + dims.n_text_layer,
        dims.n_audio_state,
        dims.n_mels,
        dims.n_vocab,
        vocabulary.special.languages.len()
    ));
    if vocabulary.language_id("zh").is_none() {
        note("注意：该模型不会普通话（the model has no Mandarin: English-only or another language）");
    }
    Ok(())
}
