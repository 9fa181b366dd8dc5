//! Finding recordings and giving each its metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use callsift_core::{CallMeta, Recording};

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::metadata::{Fields, MetadataReader, read_sidecar};

/// Extensions that never are recordings: metadata, notes and tables that lie beside them.
const NOT_RECORDINGS: [&str; 22] = [
    "csv", "tsv", "json", "jsonl", "txt", "md", "toml", "yaml", "yml", "xml", "log", "ini", "db", "parquet", "part",
    "tmp", "py", "sh", "xlsx", "xls", "pdf", "srt",
];

/// What a run is to work on.
#[derive(Debug, Clone, Default)]
pub struct InputPlan {
    /// Recordings, sorted by day and then id.
    pub recordings: Vec<Recording>,
    /// Metadata rows that no recording matched.
    pub unmatched: Vec<String>,
}

/// Finds recordings under a folder (or takes one file) and joins their metadata. Days come from the metadata;
/// `fallback_date` is the day of calls without one, and `force_date` overrides all.
///
/// # Errors
/// The folder or the metadata cannot be read.
pub fn plan_input(
    root: &Path,
    sidecar: Option<&Path>,
    config: &MetadataConfig,
    fallback_date: &str,
    force_date: Option<&str>,
) -> Result<InputPlan, PipelineError> {
    let reader = MetadataReader::new(config)?;
    let files = recording_files(root)?;
    if files.is_empty() {
        return Err(PipelineError::NoRecordings(root.to_owned()));
    }
    let mut rows = SidecarRows::new(sidecar.map(read_sidecar).transpose()?.unwrap_or_default());
    let base = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let names: Vec<String> = files.iter().map(|f| relative_name(base, f)).collect();
    let stems = shared_stems(&names);
    let mut recordings: Vec<Recording> = files
        .into_iter()
        .zip(names)
        .map(|(path, name)| {
            let mut fields = reader.from_filename(&name);
            let stem = stem_of(&name);
            fields.extend(rows.take(&name, &stem));
            let default_id = if stems.contains(&stem) { name.clone() } else { stem };
            let call_id = fields.get("call_id").filter(|id| !id.is_empty()).cloned().unwrap_or(default_id);
            let mut meta = reader.meta(call_id, fields);
            let date = force_date.map(str::to_owned).or(meta.date.take());
            meta.date = Some(date.unwrap_or_else(|| fallback_date.to_owned()));
            Recording { path, name, meta }
        })
        .collect();
    unique_ids(&mut recordings);
    recordings.sort_by(|a, b| (&a.meta.date, &a.meta.call_id).cmp(&(&b.meta.date, &b.meta.call_id)));
    Ok(InputPlan { recordings, unmatched: rows.left() })
}

/// Two recordings must not share an id: the later one by name gets its path as id.
fn unique_ids(recordings: &mut [Recording]) {
    let mut seen = BTreeSet::new();
    for recording in recordings {
        if !seen.insert(recording.meta.call_id.clone()) {
            recording.meta.call_id.clone_from(&recording.name);
            seen.insert(recording.name.clone());
        }
    }
}

fn shared_stems(names: &[String]) -> BTreeSet<String> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *count.entry(stem_of(name)).or_default() += 1;
    }
    count.into_iter().filter(|(_, n)| *n > 1).map(|(stem, _)| stem).collect()
}

fn stem_of(name: &str) -> String {
    Path::new(name).file_stem().map_or_else(|| name.to_owned(), |s| s.to_string_lossy().into_owned())
}

fn relative_name(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap_or(file);
    relative.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn recording_files(root: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    if root.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let io = |source| PipelineError::Io { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if !is_sidecar(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_sidecar(path: &Path) -> bool {
    path.extension().is_some_and(|e| NOT_RECORDINGS.iter().any(|n| e.eq_ignore_ascii_case(n)))
}

/// Sidecar rows by every name that may find them.
struct SidecarRows {
    rows: Vec<Option<Fields>>,
    by_key: BTreeMap<String, usize>,
}

impl SidecarRows {
    fn new(rows: Vec<Fields>) -> Self {
        let mut by_key = BTreeMap::new();
        for (i, row) in rows.iter().enumerate() {
            for key in ["file", "path", "recording", "call_id"] {
                if let Some(value) = row.get(key).filter(|v| !v.is_empty()) {
                    by_key.insert(value.replace('\\', "/"), i);
                }
            }
        }
        Self { rows: rows.into_iter().map(Some).collect(), by_key }
    }

    /// The row of a recording: by relative path, file name, or stem as call id.
    fn take(&mut self, name: &str, stem: &str) -> Fields {
        let file = name.rsplit('/').next().unwrap_or(name);
        let index = [name, file, stem].into_iter().find_map(|key| self.by_key.get(key));
        index.and_then(|i| self.rows[*i].take()).unwrap_or_default()
    }

    fn left(self) -> Vec<String> {
        let name = |row: &Fields| row.get("file").or(row.get("call_id")).cloned().unwrap_or_default();
        self.rows.iter().flatten().map(name).collect()
    }
}

/// Metadata for a call that has no recording of its own.
pub(crate) fn bare_meta(call_id: String, date: &str) -> CallMeta {
    CallMeta { call_id, date: Some(date.to_owned()), ..CallMeta::default() }
}

#[cfg(test)]
mod tests {
    use super::plan_input;
    use crate::config::MetadataConfig;

    #[test]
    fn recordings_are_found_named_and_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("sub")).unwrap();
        for name in ["b.wav", "a.mp3", "sub/a.wav", "notes.txt", ".hidden.wav"] {
            std::fs::write(root.join(name), b"x").unwrap();
        }
        let sidecar = root.join("calls.csv");
        std::fs::write(&sidecar, "file,call_id,started_at\nb.wav,k1,2026-11-15 08:00:00\ngone.wav,k2,\n").unwrap();
        let plan = plan_input(root, Some(&sidecar), &MetadataConfig::default(), "2026-11-16", None).unwrap();
        let seen: Vec<_> =
            plan.recordings.iter().map(|r| (r.meta.date.as_deref().unwrap(), r.meta.call_id.as_str())).collect();
        assert_eq!(seen, [("2026-11-15", "k1"), ("2026-11-16", "a.mp3"), ("2026-11-16", "sub/a.wav")]);
        assert_eq!(plan.unmatched, ["gone.wav"]);
        let forced = plan_input(root, None, &MetadataConfig::default(), "2026-11-16", Some("2026-01-01")).unwrap();
        assert!(forced.recordings.iter().all(|r| r.meta.date.as_deref() == Some("2026-01-01")));
    }
}
