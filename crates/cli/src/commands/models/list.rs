//! `callsift models list`: what is installed, and what is known.

use anyhow::Result;
use callsift_models::{Manifest, ModelEntry, ModelKind, locate, verify};
use callsift_whisper::{ModelFolder, Precision};
use serde_json::{Map, Value};

use super::installed::{self, Installed};
use crate::exit::Exit;
use crate::output::{emit, emit_value, table};

/// Prints tables, or all of it as JSON.
pub fn run(manifest: &Manifest, json: bool) -> Result<Exit> {
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
    let installed = rows;
    let mut rows = vec![["KNOWN", "KIND", "HERE", "MB", "LICENCE"].map(str::to_owned).to_vec()];
    for entry in &manifest.models {
        let here = if speech.iter().any(|model| model.name == entry.name) { "yes" } else { here(entry) };
        rows.push(vec![
            entry.name.clone(),
            entry.kind.as_str().to_owned(),
            here.to_owned(),
            megabytes(entry.bytes()),
            entry.licence.clone(),
        ]);
    }
    if json {
        let mut known = objects(&rows);
        for (object, entry) in known.iter_mut().zip(&manifest.models) {
            object.insert("note".to_owned(), entry.note.as_str().into());
        }
        emit_value(&serde_json::json!({ "installed": objects(&installed), "known": known }))?;
    } else {
        let notes = manifest.models.iter().map(|entry| vec![entry.name.clone(), entry.note.clone()]);
        let notes: Vec<_> = std::iter::once(["KNOWN", "NOTE"].map(str::to_owned).to_vec()).chain(notes).collect();
        emit(&format!("{}\n{}\n{}", table(&installed), table(&rows), table(&notes)));
    }
    Ok(Exit::Done)
}

/// Rows as objects, by the names of their columns; sizes as numbers.
fn objects(rows: &[Vec<String>]) -> Vec<Map<String, Value>> {
    let Some((heading, rows)) = rows.split_first() else { return Vec::new() };
    let value = |cell: &String| cell.parse::<f64>().map_or_else(|_| cell.as_str().into(), Value::from);
    let key = |i: usize, name: &String| if i == 0 { "name".to_owned() } else { name.to_lowercase() };
    let object = |row: &Vec<String>| {
        heading.iter().zip(row).enumerate().map(|(i, (name, cell))| (key(i, name), value(cell))).collect()
    };
    rows.iter().map(object).collect()
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
