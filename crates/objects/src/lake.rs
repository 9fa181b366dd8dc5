//! A lake in object storage: read as a mirror, changed by commits.
//!
//! Commands work on the mirror. [`LakeMirror::publish`] brings what they changed back: the new files go to a place
//! where no reader looks; then `.log/NNNNNNNNNN.json`, which lists what is to happen, is created under a number that
//! nobody has: from here on the change will happen, and whoever else was about to change the lake is refused. Then
//! the files are copied to their names, `calls` last, with the day's line in `commits/` saying so before and after,
//! and `.log/NNNNNNNNNN.done` says that all is done. Whoever opens the lake after a kill finishes what the last entry
//! lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::error::ObjectError;
use crate::mirror::{Known, Mirror, Place, days, rank, stamp};
use crate::remote::Remote;

/// What a lake keeps to itself on a machine, and what people's own databases are: never in object storage.
const HERE_ALONE: [&str; 4] = [".index/", ".staging/", "console/", ".lock"];
/// Entries of the log that are kept.
const KEPT: u64 = 3;
/// How often, and how long between, a change of somebody else is waited for: a minute.
const TRIES: u32 = 60;

/// A change of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    /// Where the new files lie.
    staging: String,
    puts: Vec<String>,
    deletes: Vec<String>,
    /// Lines of `commits/` by name: before is the same with `writing`.
    commits: Vec<(String, String)>,
}

/// A lake in object storage with its mirror.
pub struct LakeMirror {
    mirror: Mirror,
    /// Number of the change that the mirror is of.
    base: u64,
    pause: Duration,
}

fn entry(number: u64, kind: &str) -> String {
    format!(".log/{number:010}.{kind}")
}

/// Whether an object is part of the lake.
fn of_lake(key: &str) -> bool {
    let hidden = |start: &&str| key.starts_with(*start) || key == start.trim_end_matches('/');
    !key.starts_with(".log/") && !key.starts_with(".replace-") && !HERE_ALONE.iter().any(hidden)
}

impl LakeMirror {
    /// Opens a lake that is to be read, or written, and makes its mirror equal to it.
    ///
    /// # Errors
    /// The server, the credentials or the disk fail; a change of somebody else does not end.
    pub fn open(address: &Address, cache: &Path, place: Place) -> Result<Self, ObjectError> {
        Self::over(Remote::open(address)?, cache, place, Duration::from_secs(1))
    }

    fn over(remote: Remote, cache: &Path, place: Place, pause: Duration) -> Result<Self, ObjectError> {
        let mut lake = Self { mirror: Mirror::over(remote, cache, place)?, base: 0, pause };
        lake.settle(place == Place::Write)?;
        if place == Place::Write {
            lake.clear_staging()?;
        }
        lake.refresh()?;
        Ok(lake)
    }

    /// The mirror's folder.
    pub fn folder(&self) -> PathBuf {
        self.mirror.folder()
    }

    /// Takes away what others staged and can publish no more: their number is another's.
    fn clear_staging(&self) -> Result<(), ObjectError> {
        let remote = &self.mirror.remote;
        let (last, _) = self.head()?;
        for entry in remote.list(".staging")? {
            let number = entry.key.split('/').nth(1).and_then(|name| name.split('-').next()?.parse::<u64>().ok());
            if number.is_none_or(|number| number <= last) {
                remote.delete(&entry.key)?;
            }
        }
        Ok(())
    }

    /// Makes the mirror equal to the lake again, as it was at one moment; true where anything changed.
    ///
    /// # Errors
    /// As [`LakeMirror::open`].
    pub fn refresh(&mut self) -> Result<bool, ObjectError> {
        for _ in 0..TRIES {
            let before = self.head()?;
            if before.1 {
                self.clear_strangers()?;
                let pulled = self.mirror.pull_what(&of_lake)?;
                if self.head()? == before {
                    self.base = before.0;
                    return Ok(pulled.came + pulled.went > 0);
                }
            }
            std::thread::sleep(self.pause);
        }
        Err(ObjectError::UnderWay(self.mirror.remote.address().to_string()))
    }

    /// Takes files away that a killed command left in the mirror and that were never published.
    fn clear_strangers(&self) -> Result<(), ObjectError> {
        let folder = self.folder();
        for key in files(&folder)?.into_iter().filter(|key| !self.mirror.known.contains_key(key)) {
            // The index is made anew from what is there; the databases of people are theirs.
            if of_lake(&key) || key.starts_with(".replace-") || key.starts_with(".staging/") {
                let path = folder.join(key);
                fs::remove_file(&path).map_err(ObjectError::io(&path))?;
            }
        }
        Ok(())
    }

    /// Number of the last change, and whether it is done.
    fn head(&self) -> Result<(u64, bool), ObjectError> {
        let log = self.mirror.remote.list(".log")?;
        let numbers = |kind: &str| {
            let names = log.iter().filter_map(|e| e.key.strip_prefix(".log/")?.strip_suffix(kind)?.parse::<u64>().ok());
            names.collect::<BTreeSet<u64>>()
        };
        let last = numbers(".json").last().copied().unwrap_or(0);
        Ok((last, last == 0 || numbers(".done").contains(&last)))
    }

    /// Waits for a change that is under way; finishes it, where that does not end and we may write.
    fn settle(&self, finish: bool) -> Result<(), ObjectError> {
        for tries in 0..TRIES {
            let (number, done) = self.head()?;
            if done {
                return Ok(());
            }
            if finish && tries >= TRIES / 4 {
                let text = self.mirror.remote.read(&entry(number, "json"))?.unwrap_or_default();
                if let Ok(change) = serde_json::from_slice::<Change>(&text) {
                    return self.apply(number, &change);
                }
            }
            std::thread::sleep(self.pause);
        }
        Err(ObjectError::UnderWay(self.mirror.remote.address().to_string()))
    }

    /// Brings what changed in the mirror back; the number of files.
    ///
    /// # Errors
    /// Somebody else changed the lake: nothing is published then. The server or the disk fail: once the change is
    /// written down it happens all the same, by whoever opens the lake next.
    pub fn publish(&mut self) -> Result<usize, ObjectError> {
        let change = self.change()?;
        if change.puts.is_empty() && change.deletes.is_empty() && change.commits.is_empty() {
            return Ok(0);
        }
        let (folder, remote, number) = (self.folder(), &self.mirror.remote, self.base + 1);
        let paths: Vec<PathBuf> = change.puts.iter().map(|key| folder.join(key)).collect();
        let stamps: Vec<String> = paths.iter().map(|path| stamp(path).unwrap_or_default()).collect();
        let staged =
            change.puts.iter().zip(&paths).map(|(key, path)| (path.as_path(), format!("{}/{key}", change.staging)));
        remote.store(&staged.collect::<Vec<_>>())?;
        let text = serde_json::to_vec(&change).unwrap_or_default();
        let created = remote.create(&entry(number, "json"), &text)?;
        // An old number may be free again: only the last of all is ours.
        if !created || self.head()?.0 != number {
            if created {
                remote.delete(&entry(number, "json"))?;
            }
            self.unstage(&change)?;
            return Err(ObjectError::Changed(remote.address().to_string()));
        }
        self.apply(number, &change)?;
        self.base = number;
        self.remember(&change, &stamps)?;
        Ok(change.puts.len() + change.deletes.len())
    }

    /// What differs from what came.
    fn change(&self) -> Result<Change, ObjectError> {
        let folder = self.folder();
        let here: BTreeSet<String> = files(&folder)?.into_iter().filter(|key| of_lake(key)).collect();
        let known = &self.mirror.known;
        let is_new = |key: &&String| known.get(*key).map(|k| &k.stamp) != stamp(&folder.join(key)).as_ref();
        let (commits, mut puts): (Vec<String>, Vec<String>) =
            here.iter().filter(is_new).cloned().partition(|key| rank(key) == 4);
        puts.sort_by_key(|key| (rank(key), key.clone()));
        let mut deletes: Vec<String> = known.keys().filter(|key| !here.contains(*key)).cloned().collect();
        deletes.sort_by_key(|key| (std::cmp::Reverse(rank(key)), key.clone()));
        let read = |key: String| {
            let path = folder.join(&key);
            let text = fs::read_to_string(&path).map_err(ObjectError::io(&path))?;
            Ok((key, text))
        };
        let commits: Vec<(String, String)> = commits.into_iter().map(read).collect::<Result<_, ObjectError>>()?;
        // Two processes may stage at once; the process and its base tell them apart.
        let staging = format!(".staging/{:010}-{}-{}", self.base + 1, std::process::id(), host());
        Ok(Change { staging, puts, deletes, commits })
    }

    /// Does what an entry of the log lists. Done twice, or by two at once, it comes to the same.
    fn apply(&self, number: u64, change: &Change) -> Result<(), ObjectError> {
        let remote = &self.mirror.remote;
        let touched = days(change.puts.iter().chain(&change.deletes).map(String::as_str));
        for (name, text) in &change.commits {
            let day = name.strip_prefix("commits/dt=").and_then(|n| n.strip_suffix(".json")).unwrap_or("");
            if touched.contains(day) {
                remote.write(name, text.replace("\"writing\":false", "\"writing\":true").as_bytes())?;
            }
        }
        for key in &change.puts {
            // What is not there was copied by whoever finished before, and cleared away.
            remote.copy(&format!("{}/{key}", change.staging), key)?;
        }
        for key in &change.deletes {
            remote.delete(key)?;
        }
        for (name, text) in &change.commits {
            remote.write(name, text.as_bytes())?;
        }
        remote.write(&entry(number, "done"), b"")?;
        self.unstage(change)?;
        for old in number.saturating_sub(2 * KEPT)..=number.saturating_sub(KEPT) {
            remote.delete(&entry(old, "json"))?;
            remote.delete(&entry(old, "done"))?;
        }
        Ok(())
    }

    fn unstage(&self, change: &Change) -> Result<(), ObjectError> {
        change.puts.iter().try_for_each(|key| self.mirror.remote.delete(&format!("{}/{key}", change.staging)))
    }

    /// Writes down that the mirror is what lies there: what changed since it was staged is for the next time.
    fn remember(&mut self, change: &Change, stamps: &[String]) -> Result<(), ObjectError> {
        let there = self.mirror.remote.list("")?;
        let etags: std::collections::BTreeMap<&str, &crate::remote::Entry> =
            there.iter().map(|entry| (entry.key.as_str(), entry)).collect();
        let folder = self.mirror.folder();
        let commits = change.commits.iter().map(|(name, _)| (name, stamp(&folder.join(name))));
        let puts = change.puts.iter().zip(stamps).map(|(key, stamp)| (key, Some(stamp.clone())));
        for (key, stamp) in puts.chain(commits) {
            if let (Some(entry), Some(stamp)) = (etags.get(key.as_str()), stamp) {
                let known = Known { etag: entry.etag.clone(), size: entry.size, stamp };
                self.mirror.known.insert(key.clone(), known);
            }
        }
        for key in &change.deletes {
            self.mirror.known.remove(key);
        }
        self.mirror.save()
    }
}

fn host() -> String {
    let name = fs::read_to_string("/etc/hostname").unwrap_or_default();
    name.trim().chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}

/// Names of all files below a folder.
fn files(folder: &Path) -> Result<Vec<String>, ObjectError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for item in fs::read_dir(&next).map_err(ObjectError::io(&next))? {
            let item = item.map_err(ObjectError::io(&next))?;
            let path = item.path();
            if item.file_type().map_err(ObjectError::io(&path))?.is_dir() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
                found.push(parts.join("/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
