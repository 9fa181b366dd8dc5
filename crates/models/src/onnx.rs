//! The one place that opens ONNX Runtime.
//!
//! The library is opened by [`session`] when it is first needed, from a known place, before anything else of `ort`
//! runs: left to itself `ort` panics or waits for ever where the library is missing.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{PrepackedWeights, SessionBuilder};

use crate::{ModelError, Places};

/// Environment variable with the path of the library; wins over every other place.
pub const LIBRARY_ENV: &str = "ORT_DYLIB_PATH";

/// What mends a library that is missing or too old.
fn mend(places: &Places) -> String {
    format!("{}, or set {LIBRARY_ENV} to libonnxruntime.so (1.24 or newer)", places.setup_mend())
}

/// One per process: ONNX Runtime allows no second. The first failure stays too, for `ort` cannot try twice.
static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();

/// Opens a model on the CPU with so many threads inside one operator. Results do not depend on the machine's load:
/// no spinning, one operator at a time, deterministic kernels.
pub fn session(model: &Path, threads: usize) -> Result<Session, ModelError> {
    session_with(model, threads, None)
}

/// Weights in the order that the kernels want them, shared by all sessions that are opened with it.
pub struct SharedWeights(PrepackedWeights);

impl SharedWeights {
    /// Nothing shared yet.
    ///
    /// # Errors
    /// The runtime cannot be opened.
    pub fn new() -> Result<Self, ModelError> {
        environment().map(|_| Self(PrepackedWeights::new()))
    }
}

/// As [`session`]; sessions of the same model with the same `shared` hold its weights once.
///
/// # Errors
/// As [`session`].
pub fn session_sharing(model: &Path, threads: usize, shared: &SharedWeights) -> Result<Session, ModelError> {
    session_with(model, threads, Some(shared))
}

fn session_with(model: &Path, threads: usize, shared: Option<&SharedWeights>) -> Result<Session, ModelError> {
    let environment = environment()?;
    if !model.is_file() {
        return Err(ModelError::io(std::io::ErrorKind::NotFound.into(), model));
    }
    open(environment, model, threads, shared).map_err(|detail| ModelError::Session { detail, path: model.to_owned() })
}

/// Path of the library that is used, or would be; for `callsift doctor`.
pub fn library() -> Result<PathBuf, ModelError> {
    let named = env::var_os(LIBRARY_ENV).filter(|path| !path.is_empty()).map(PathBuf::from);
    find_library(named, &Places::of_process())
}

/// Opens the library if that has not happened; the error is the same at every call.
pub fn ready() -> Result<(), ModelError> {
    environment().map(|_| ())
}

fn environment() -> Result<&'static Environment, ModelError> {
    // The remedy is said once, at the end.
    let why = |error: ModelError| match error {
        ModelError::Missing { name, searched, .. } => format!("{name} was not found (searched: {searched})"),
        error => error.to_string(),
    };
    let opened = ENVIRONMENT.get_or_init(|| library().map_err(why).and_then(|path| start(&path)));
    opened.as_ref().map_err(|detail| ModelError::Runtime { detail: detail.clone(), mend: mend(&Places::of_process()) })
}

fn start(library: &Path) -> Result<Environment, String> {
    let builder = ort::init_from(library).map_err(|error| error.to_string())?;
    builder.with_name("callsift").with_telemetry(false).build().map_err(|error| error.to_string())
}

fn open(
    environment: &Environment,
    model: &Path,
    threads: usize,
    shared: Option<&SharedWeights>,
) -> Result<Session, String> {
    let text = |error: ort::Error<SessionBuilder>| error.to_string();
    let builder = Session::builder(environment).map_err(|error| error.to_string())?;
    let builder = builder.with_intra_threads(threads.max(1)).map_err(text)?;
    let builder = builder.with_inter_threads(1).map_err(text)?;
    let builder = builder.with_intra_op_spinning(false).map_err(text)?;
    let builder = builder.with_inter_op_spinning(false).map_err(text)?;
    // Without it 8-bit products overflow on processors that lack VNNI, and results depend on the machine.
    let builder = builder.with_precise_qmm().map_err(text)?;
    let mut builder = builder.with_deterministic_compute(true).map_err(text)?;
    if let Some(SharedWeights(weights)) = shared {
        builder = builder.with_prepacked_weights(weights).map_err(text)?;
        // Large models are run on inputs of all sizes: an arena would keep the most that any of them ever took,
        // doubled.
        let cpu = ort::ep::CPU::default().with_arena_allocator(false).build();
        builder = builder.with_execution_providers([cpu]).map_err(text)?;
        builder = builder.with_memory_pattern(false).map_err(text)?;
    }
    builder.commit_from_file(model).map_err(|error| error.to_string())
}

fn find_library(named: Option<PathBuf>, places: &Places) -> Result<PathBuf, ModelError> {
    let missing =
        |searched: String| ModelError::Missing { name: "libonnxruntime".to_owned(), mend: mend(places), searched };
    if let Some(path) = named {
        return if path.is_file() { Ok(path) } else { Err(missing(path.display().to_string())) };
    }
    let folders = places.library_folders();
    folders.iter().find_map(|folder| library_in(folder)).ok_or_else(|| {
        let all: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        missing(all.join(", "))
    })
}

/// The library in a folder; the versioned names of wheels count, and of several the last in order.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let is_library = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("libonnxruntime.so") || name.starts_with("libonnxruntime.") && name.ends_with(".dylib")
    };
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    files.filter(|file| is_library(&file.file_name())).map(|file| file.path()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_library_wins_and_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("onnxruntime");
        fs::create_dir(&folder).unwrap();
        for name in ["libonnxruntime.so.1.30.0", "libonnxruntime.so.1.31.1", "libonnxruntime_providers_shared.so"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        let places = Places { home: Some(dir.path().to_owned()), ..Places::default() };
        assert_eq!(find_library(None, &places).unwrap(), folder.join("libonnxruntime.so.1.31.1"));
        let named = folder.join("libonnxruntime.so.1.30.0");
        assert_eq!(find_library(Some(named.clone()), &places).unwrap(), named);
        let error = find_library(Some("/no/lib.so".into()), &places).unwrap_err().to_string();
        assert!(error.contains(LIBRARY_ENV) && error.contains("/no/lib.so"), "{error}");
    }

    #[test]
    fn the_real_library_opens_and_refuses_what_is_no_model() {
        ready().unwrap_or_else(|error| panic!("{error}"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        assert!(matches!(session(&path, 1), Err(ModelError::Io { .. })));
        fs::write(&path, "this is no graph").unwrap();
        assert!(matches!(session(&path, 1), Err(ModelError::Session { .. })));
    }
}
