//! Models in the engine's form that lie on this machine.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use callsift_models::{Places, file_sha256};
use callsift_whisper::{ModelFolder, folder};

/// A folder that `models import` or `models pull` wrote.
pub struct Installed {
    /// What it is called: the folder's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
}

impl Installed {
    /// Checks every file against the hash that was written down when the model was made; gives the model's own hash.
    pub fn verify(&self) -> Result<String> {
        let model = ModelFolder::open(&self.path)?;
        for (file, expected) in &model.info.files {
            let path = self.path.join(file);
            let found = file_sha256(&path)?;
            if found != *expected {
                bail!("wrong sha256: expected {expected}, found {found}: {}", path.display());
            }
        }
        Ok(folder::sha256(&self.path)?)
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }
}

/// All of them, by name; of two of one name the one that is used.
pub fn all() -> Vec<Installed> {
    let mut found: Vec<Installed> = Vec::new();
    for folder in Places::of_process().model_folders() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.')
                && ModelFolder::is_one(&entry.path())
                && !found.iter().any(|other| other.name == name)
            {
                found.push(Installed { name, path: entry.path() });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The one of a name, in the first of `folders` that has it.
pub fn find_installed(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|path| ModelFolder::is_one(path))
}
