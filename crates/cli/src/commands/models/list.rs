//! `callsift models list`: what is installed, and what is known.

use callsift_models::{Manifest, ModelEntry, ModelKind, locate, verify};
use callsift_whisper::{ModelFolder, Precision};

use super::installed::{self, Installed};
use crate::exit::Exit;
use crate::output::{emit, table};

/// Prints two tables.
pub fn run(manifest: &Manifest) -> Exit {
    let speech = installed::all();
    let mut rows = vec![["INSTALLED", "FORM", "MB", "LICENCE", "PATH"].map(str::to_owned).to_vec()];
    for model in &speech {
        let known = manifest.models.iter().find(|entry| entry.name == model.name);
        // Whoever published an imported model said its licence; its files do not.
        let licence = known.map_or("by its publisher", |entry| entry.licence.as_str()).to_owned();
        let path = model.path.display().to_string();
        rows.push(vec![model.name.clone(), form(model), megabytes(Some(model.bytes())), licence, path]);
    }
    for entry in &manifest.models {
        let Ok(path) = locate(entry, None) else { continue };
        if entry.published.is_empty() {
            let size = path.metadata().ok().map(|meta| meta.len());
            let path = path.display().to_string();
            rows.push(vec![entry.name.clone(), own_form(entry), megabytes(size), entry.licence.clone(), path]);
        }
    }
    emit(&table(&rows));
    emit("\n");
    let mut rows = vec![["KNOWN", "KIND", "HERE", "MB", "LICENCE", "NOTE"].map(str::to_owned).to_vec()];
    for entry in &manifest.models {
        let here = if speech.iter().any(|model| model.name == entry.name) { "yes" } else { here(entry) };
        rows.push(vec![
            entry.name.clone(),
            entry.kind.as_str().to_owned(),
            here.to_owned(),
            megabytes(entry.bytes()),
            entry.licence.clone(),
            entry.note.clone(),
        ]);
    }
    emit(&table(&rows));
    Exit::Done
}

/// What comes with callsift is small: its SHA-256 is looked at each time. `verify` does so for all.
fn here(entry: &ModelEntry) -> &'static str {
    match locate(entry, None) {
        Ok(path) if entry.embedded && verify(entry, &path).is_ok() => "embedded, verified",
        Ok(_) if entry.embedded => "embedded, CHANGED",
        Ok(_) => "yes",
        Err(_) => "no",
    }
}

fn form(model: &Installed) -> String {
    match ModelFolder::open(&model.path) {
        Ok(folder) => {
            let precision = match folder.info.precision {
                Precision::Int8 => "int8",
                Precision::Fp32 => "fp32",
            };
            format!("engine {precision}, of {}", folder.info.origin.form)
        }
        Err(_) => "UNUSABLE: import it again".to_owned(),
    }
}

fn own_form(entry: &ModelEntry) -> String {
    match entry.kind {
        ModelKind::Asr => "ggml",
        ModelKind::Vad | ModelKind::Text => "onnx",
        ModelKind::Runtime => "library",
    }
    .to_owned()
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6))
}
