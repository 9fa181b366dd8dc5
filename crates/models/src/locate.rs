//! Where the files of models lie on this machine.

use std::env;
use std::path::{Path, PathBuf};

use crate::{ModelEntry, ModelError};

/// Environment variable with the folder that holds callsift's models.
pub const HOME_ENV: &str = "CALLSIFT_HOME";

/// The starting points of a search; [`Places::of_process`] for the real ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `$CALLSIFT_HOME`.
    pub home: Option<PathBuf>,
    /// Folder of the running program.
    pub exe_dir: Option<PathBuf>,
    /// Current folder.
    pub cwd: Option<PathBuf>,
    /// The user's data folder for callsift: `$XDG_DATA_HOME/callsift` or `~/.local/share/callsift`.
    pub data_dir: Option<PathBuf>,
}

impl Places {
    /// The places of the running process.
    pub fn of_process() -> Self {
        let var = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = var("XDG_DATA_HOME").or_else(|| var("HOME").map(|home| home.join(".local/share")));
        let exe = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
        Self {
            home: env::var_os(HOME_ENV).map(PathBuf::from),
            exe_dir: exe,
            cwd: env::current_dir().ok(),
            data_dir: data.map(|data| data.join("callsift")),
        }
    }

    /// Folders that may hold a model file, in order, without repeats: `$CALLSIFT_HOME`, beside the program, the
    /// repository that the current folder or the program lies in, the user's data folder.
    pub fn model_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.trusted_folders("models");
        let above_cwd = self.cwd.iter().flat_map(|dir| repository_folders(dir, "models"));
        let user = folders.pop();
        folders.extend(above_cwd);
        folders.extend(user);
        without_repeats(folders)
    }

    /// Folders that may hold a library. The current folder is not among them: working in a folder must not run its
    /// code.
    pub(crate) fn library_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.trusted_folders("onnxruntime");
        let user = folders.pop();
        folders.extend(self.exe_dir.iter().filter_map(|dir| dir.parent()).flat_map(package_libraries));
        folders.extend(user);
        without_repeats(folders)
    }

    fn trusted_folders(&self, part: &str) -> Vec<PathBuf> {
        let home = self.home.iter().flat_map(|home| [home.join(part), home.clone()]);
        let beside = self.exe_dir.iter().flat_map(|dir| {
            let share = dir.parent().map(|prefix| prefix.join("share/callsift").join(part));
            share.into_iter().chain([dir.join(part), dir.clone()])
        });
        let repository = self.exe_dir.iter().flat_map(|dir| repository_folders(dir, part));
        let user = self.data_dir.iter().map(|data| data.join(part));
        home.chain(beside).chain(repository).chain(user).collect()
    }

    /// The share folder of an installation, `PREFIX/share/callsift`, with a part of it; empty where the program's
    /// folder is unknown.
    pub fn share_folders(&self, part: &str) -> Vec<PathBuf> {
        let home = self.home.iter().map(|home| home.join(part));
        let prefix = self.exe_dir.iter().filter_map(|dir| Some(dir.parent()?.join("share/callsift").join(part)));
        home.chain(prefix).collect()
    }

    /// What brings back a file that is part of callsift: in a checkout its set-up, else the package.
    pub(crate) fn setup_mend(&self) -> String {
        let in_checkout = self.exe_dir.iter().chain(&self.cwd).any(|dir| !repository_folders(dir, "models").is_empty());
        if in_checkout {
            "run `make setup`".to_owned()
        } else {
            "it belongs to callsift: install callsift again".to_owned()
        }
    }

    /// Where [`pull`](crate::pull) puts models: `$CALLSIFT_HOME/models`, else the user's data folder.
    pub fn pull_folder(&self) -> Option<PathBuf> {
        self.home.as_ref().or(self.data_dir.as_ref()).map(|base| base.join("models"))
    }

    /// First of `folders` that holds the file, or an error that names them all.
    pub(crate) fn find(folders: &[PathBuf], file: &str, name: &str, mend: String) -> Result<PathBuf, ModelError> {
        folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file()).ok_or_else(|| {
            let searched: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
            ModelError::Missing { name: name.to_owned(), mend, searched: searched.join(", ") }
        })
    }
}

/// In a checkout, `make setup` fills `.callsift/` and the committed models lie in `models/`.
fn repository_folders(dir: &Path, part: &str) -> Vec<PathBuf> {
    let root = dir.ancestors().find(|dir| dir.join("models/manifest.toml").is_file());
    root.map(|root| vec![root.join("models"), root.join(".callsift").join(part), root.join(".callsift")])
        .unwrap_or_default()
}

/// Libraries of an installation: of the package itself, and of the Python package `onnxruntime` beside a wheel's
/// command.
fn package_libraries(prefix: &Path) -> Vec<PathBuf> {
    let mut found = vec![prefix.join("lib/callsift")];
    for lib in ["lib", "lib64", "local/lib"] {
        let entries = std::fs::read_dir(prefix.join(lib)).into_iter().flatten().flatten();
        let mut pythons: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        pythons.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3")));
        pythons.sort();
        let packages = |python: &PathBuf| ["site-packages", "dist-packages"].map(|packages| python.join(packages));
        found.extend(pythons.iter().flat_map(packages).map(|packages| packages.join("onnxruntime/capi")));
    }
    found.into_iter().filter(|folder| folder.is_dir()).collect()
}

fn without_repeats(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::with_capacity(folders.len());
    for folder in folders {
        if !kept.contains(&folder) {
            kept.push(folder);
        }
    }
    kept
}

/// File of a model: the explicit path if there is one, else the first place that holds it.
pub fn locate(entry: &ModelEntry, explicit: Option<&Path>) -> Result<PathBuf, ModelError> {
    match explicit {
        Some(path) if path.is_file() => Ok(path.to_owned()),
        Some(path) => Err(ModelError::Missing {
            name: entry.name.clone(),
            mend: "correct the path in the configuration or on the command line".to_owned(),
            searched: path.display().to_string(),
        }),
        None => locate_in(entry, &Places::of_process().model_folders()),
    }
}

/// File of a model in the first of `folders` that holds it.
///
/// # Errors
/// None does: the error names them, and the command that mends it.
pub fn locate_in(entry: &ModelEntry, folders: &[PathBuf]) -> Result<PathBuf, ModelError> {
    Places::find(folders, &entry.file, &entry.name, entry.mend())
}

/// A file that `make setup` brings, e.g. `silero_vad.onnx`.
pub fn locate_file(file: &str) -> Result<PathBuf, ModelError> {
    let places = Places::of_process();
    Places::find(&places.model_folders(), file, file, places.setup_mend())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn places_are_tried_in_order_of_how_explicit_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = Places {
            home: Some(root.join("home")),
            exe_dir: Some(root.join("prefix/bin")),
            cwd: Some(root.join("repo/deep/er")),
            data_dir: Some(root.join("data")),
        };
        touch(&root.join("repo/models/manifest.toml"));
        let find = || Places::find(&places.model_folders(), "m.bin", "m", "mend it".to_owned());
        let error = find().unwrap_err().to_string();
        assert!(
            error.starts_with("m was not found: mend it; searched: ") && error.contains("repo/.callsift"),
            "{error}"
        );
        // Least explicit first; each later one wins.
        for place in [
            "data/models",
            "repo/.callsift",
            "repo/models",
            "prefix/bin",
            "prefix/share/callsift/models",
            "home/models",
        ] {
            let path = root.join(place).join("m.bin");
            touch(&path);
            assert_eq!(find().unwrap(), path);
        }
    }

    #[test]
    fn libraries_never_come_from_the_current_folder() {
        let dir = tempfile::tempdir().unwrap();
        touch(&dir.path().join("models/manifest.toml"));
        let places = Places { cwd: Some(dir.path().to_owned()), ..Places::default() };
        assert_eq!(places.library_folders(), Vec::<PathBuf>::new());
        let beside = Places { exe_dir: Some(dir.path().join("target/debug")), ..Places::default() };
        assert!(beside.library_folders().contains(&dir.path().join(".callsift/onnxruntime")));
    }

    #[test]
    fn an_installation_holds_its_library_and_says_nothing_of_make() {
        let dir = tempfile::tempdir().unwrap();
        let prefix = dir.path();
        let wheel = prefix.join("lib/python3.11/site-packages/onnxruntime/capi");
        touch(&prefix.join("lib/callsift/libonnxruntime.so.1.31.1"));
        touch(&wheel.join("libonnxruntime.so.1.31.1"));
        let places = Places { exe_dir: Some(prefix.join("bin")), cwd: Some("/".into()), ..Places::default() };
        let folders = places.library_folders();
        assert!(folders.contains(&prefix.join("lib/callsift")) && folders.contains(&wheel), "{folders:?}");
        assert_eq!(places.share_folders("rules"), [prefix.join("share/callsift/rules")]);
        assert!(!places.setup_mend().contains("make"), "{}", places.setup_mend());
        touch(&prefix.join("models/manifest.toml"));
        assert!(places.setup_mend().contains("make setup"));
    }

    #[test]
    fn pulls_go_home_or_to_the_users_data() {
        let mut places = Places { data_dir: Some("/d".into()), ..Places::default() };
        assert_eq!(places.pull_folder(), Some("/d/models".into()));
        places.home = Some("/h".into());
        assert_eq!(places.pull_folder(), Some("/h/models".into()));
    }
}
