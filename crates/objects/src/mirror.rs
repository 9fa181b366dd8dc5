//! A folder of this machine that is kept equal to a place in object storage.
//!
//! What every file was when it came is written down: an object that did not change is not fetched again, and a file
//! that somebody changed here is. Files get their names when all have come, so that a fetch that is cut off changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::error::ObjectError;
use crate::remote::{Entry, Remote};

/// What a mirror is for; each has files of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A folder of recordings, or of a model.
    Input,
    /// Single files.
    File,
    /// A lake that is read.
    Read,
    /// A lake that a console reads as long as it runs.
    Console,
    /// A lake that is written.
    Write,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) etag: String,
    pub(crate) size: u64,
    /// Size, time and place of the file here.
    pub(crate) stamp: String,
}

/// Files that were fetched, and files that went.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pulled {
    pub(crate) came: usize,
    pub(crate) went: usize,
}

/// A mirror, held by this process.
pub struct Mirror {
    pub(crate) remote: Remote,
    root: PathBuf,
    folder: PathBuf,
    pub(crate) known: BTreeMap<String, Known>,
    /// Held until the mirror is dropped.
    _lock: File,
}

/// What a file here is, so that a change shows.
pub(crate) fn stamp(path: &Path) -> Option<String> {
    let meta = fs::metadata(path).ok()?;
    let time = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let inode = 0;
    Some(format!("{}@{}#{inode}", meta.len(), time.map_or(0, |t| t.as_nanos())))
}

/// The order in which files of a lake appear: a call's row when all that belongs to it is there.
pub(crate) fn rank(key: &str) -> u8 {
    match key.split('/').next().unwrap_or("") {
        "turns" => 1,
        "findings" => 2,
        "calls" => 3,
        "commits" => 4,
        _ => 0,
    }
}

/// Days whose tables have files among these.
pub(crate) fn days<'a>(keys: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let day = |key: &str| {
        let mut parts = key.split('/');
        let is_table = parts.next().is_some_and(|table| (1..=3).contains(&rank(table)));
        parts.next().filter(|_| is_table)?.strip_prefix("dt=").map(str::to_owned)
    };
    keys.filter_map(day).collect()
}

impl Mirror {
    /// Opens the mirror of a place below a folder of mirrors; nothing is fetched yet.
    ///
    /// # Errors
    /// The environment lacks credentials; the folder cannot be written; another process holds it.
    pub fn open(address: &Address, cache: &Path, place: Place) -> Result<Self, ObjectError> {
        Self::over(Remote::open(address)?, cache, place)
    }

    pub(crate) fn over(remote: Remote, cache: &Path, place: Place) -> Result<Self, ObjectError> {
        let server = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ENDPOINT"];
        let server = server.iter().filter_map(|name| std::env::var(name).ok()).collect::<Vec<_>>().join(" ");
        let kind = match place {
            Place::Input => "input",
            Place::File => "file",
            Place::Read => "read",
            Place::Console => "console",
            Place::Write => "write",
        };
        let root = remote.address().mirror(cache, &server).join(kind);
        let folder = root.join(remote.address().name());
        fs::create_dir_all(&folder).map_err(ObjectError::io(&folder))?;
        let path = root.join(".lock");
        let lock = File::create(&path).map_err(ObjectError::io(&path))?;
        let held = match place {
            // Short commands that only read wait for one another.
            Place::Read | Place::File => lock.lock().map_err(TryLockError::Error),
            _ => lock.try_lock(),
        };
        match held {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ObjectError::InUse(root)),
            Err(TryLockError::Error(source)) => return Err(ObjectError::Io { path, source }),
        }
        // Missing or broken: everything is fetched anew.
        let known = fs::read(root.join(".known.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Self { remote, root, folder, known: known.unwrap_or_default(), _lock: lock })
    }

    /// The folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Makes the folder equal to what lies there now.
    ///
    /// # Errors
    /// The server, the credentials or the disk fail; files that were there are as they were.
    pub fn pull(&mut self) -> Result<(), ObjectError> {
        self.pull_what(&|_| true).map(drop)
    }

    /// The same for objects whose names pass; files of other names are left alone.
    pub(crate) fn pull_what(&mut self, wanted: &dyn Fn(&str) -> bool) -> Result<Pulled, ObjectError> {
        let there: Vec<Entry> = self.remote.list("")?.into_iter().filter(|entry| wanted(&entry.key)).collect();
        self.take(&there)
    }

    /// Fetches one object; its path here.
    ///
    /// # Errors
    /// As [`Mirror::pull`]; there is no such object.
    pub fn pull_one(&mut self, name: &str) -> Result<PathBuf, ObjectError> {
        let to = self.path(name)?;
        let half = self.root.join(".incoming-one");
        self.remote.fetch(&[(name.to_owned(), &half)])?;
        fs::rename(&half, &to).map_err(ObjectError::io(&to))?;
        Ok(to)
    }

    /// The path of an object here; names that would leave the folder are refused.
    pub(crate) fn path(&self, key: &str) -> Result<PathBuf, ObjectError> {
        let odd = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\\', '\0']);
        if key.split('/').any(odd) {
            return Err(ObjectError::Name { address: self.remote.address().to_string(), key: key.to_owned() });
        }
        Ok(self.folder().join(key))
    }

    fn take(&mut self, there: &[Entry]) -> Result<Pulled, ObjectError> {
        let mut missing = Vec::new();
        for entry in there {
            let path = self.path(&entry.key)?;
            let is_same = |known: &Known| {
                known.etag == entry.etag && known.size == entry.size && stamp(&path).as_ref() == Some(&known.stamp)
            };
            if !self.known.get(&entry.key).is_some_and(is_same) {
                missing.push((entry, path));
            }
        }
        let names: BTreeSet<&str> = there.iter().map(|entry| entry.key.as_str()).collect();
        let gone: Vec<String> = self.known.keys().filter(|key| !names.contains(key.as_str())).cloned().collect();
        missing.sort_by_key(|(entry, _)| (rank(&entry.key), entry.key.clone()));
        let incoming = self.root.join(".incoming");
        let _ = fs::remove_dir_all(&incoming);
        fs::create_dir_all(&incoming).map_err(ObjectError::io(&incoming))?;
        let halves: Vec<PathBuf> = (0..missing.len()).map(|n| incoming.join(n.to_string())).collect();
        let wanted: Vec<(String, &Path)> =
            missing.iter().zip(&halves).map(|((entry, _), half)| (entry.key.clone(), half.as_path())).collect();
        let came = self.remote.fetch(&wanted)?;
        let keys = missing.iter().map(|(entry, _)| entry.key.as_str()).chain(gone.iter().map(String::as_str));
        self.mark_writing(&days(keys))?;
        for ((half, (_, path)), entry) in halves.iter().zip(&missing).zip(came) {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder).map_err(ObjectError::io(folder))?;
            fs::rename(half, path).map_err(ObjectError::io(path))?;
            let known = Known { etag: entry.etag, size: entry.size, stamp: stamp(path).unwrap_or_default() };
            self.known.insert(entry.key, known);
        }
        let pulled = Pulled { came: missing.len(), went: gone.len() };
        for key in gone {
            self.forget(&key)?;
        }
        self.save()?;
        Ok(pulled)
    }

    /// Who reads the folder meanwhile is told, as by whoever else changes a lake.
    fn mark_writing(&mut self, days: &BTreeSet<String>) -> Result<(), ObjectError> {
        for day in days {
            let path = self.folder().join(format!("commits/dt={day}.json"));
            let Ok(text) = fs::read_to_string(&path) else { continue };
            fs::write(&path, text.replace("\"writing\":false", "\"writing\":true")).map_err(ObjectError::io(&path))?;
        }
        Ok(())
    }

    fn forget(&mut self, key: &str) -> Result<(), ObjectError> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(ObjectError::io(&path)(e)),
            _ => {}
        }
        self.known.remove(key);
        // A folder that still has files refuses.
        let _ = path.parent().map(fs::remove_dir);
        Ok(())
    }

    /// Writes down what is known.
    pub(crate) fn save(&self) -> Result<(), ObjectError> {
        let (half, path) = (self.root.join(".known.tmp"), self.root.join(".known.json"));
        let text = serde_json::to_vec(&self.known).unwrap_or_default();
        fs::write(&half, text).and_then(|()| fs::rename(&half, &path)).map_err(ObjectError::io(&path))
    }
}
