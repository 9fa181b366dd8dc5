//! Running the command and looking at what it left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Top of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The command, started at the top of the project.
pub fn callsift() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callsift"));
    command.current_dir(root());
    command
}

/// Runs the command and gives its output.
pub fn run(args: &[&str]) -> Output {
    callsift().args(args).output().unwrap()
}

/// Arguments of a run of demo recordings by the embedded model into a lake.
pub fn run_args<'a>(recordings: &'a Path, lake: &'a Path) -> [&'a str; 8] {
    let (recordings, lake) = (recordings.to_str().unwrap(), lake.to_str().unwrap());
    ["run", "--model=whisper-mini-zh", "--recordings", recordings, "--out", lake, "--dt", "2026-11-16"]
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Exit code; −1 where a signal ended it.
pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Every Parquet file of a lake with its bytes, by relative path.
pub fn parquet_bytes(lake: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut folders, mut out) = (vec![lake.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "parquet") {
                let name = path.strip_prefix(lake).unwrap().to_string_lossy().into_owned();
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

/// The Python that `make setup` installed the readers into.
pub fn python() -> PathBuf {
    let path = root().join(".callsift/venv/bin/python");
    assert!(path.exists(), "{} is missing: run `make setup`", path.display());
    path
}

/// A folder with some of the bundled recordings, linked.
pub fn recordings(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::copy(root().join("tests/demo/recordings").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A configuration by which runs compact the days that got calls.
pub fn compacting(folder: &Path) -> String {
    let file = folder.join("compacting.toml");
    std::fs::write(&file, "[lake]\ncompact = true\n").unwrap();
    file.to_string_lossy().into_owned()
}
