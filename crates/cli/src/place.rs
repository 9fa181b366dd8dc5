//! Folders that lie in object storage: commands are given a mirror in their place.
//!
//! Everything else works on paths of this machine. An address becomes the folder of its mirror before a command
//! begins; a command that writes brings the lake back, a run after each part.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use callsift_objects::{Address, LakeMirror, Mirror, Place, is_address};

use crate::exit::Exit;

/// What holds mirrors for the length of a command.
#[derive(Default)]
pub struct Held {
    lake: Option<LakeMirror>,
    /// Held for their locks.
    inputs: Vec<Mirror>,
}

impl Held {
    /// Brings the lake back, where it lies in object storage.
    ///
    /// # Errors
    /// Somebody else changed it, or the server fails.
    pub fn publish(&mut self) -> Result<()> {
        if let Some(lake) = &mut self.lake {
            lake.publish()?;
        }
        Ok(())
    }

    /// The lake's mirror, for who keeps it fresh.
    pub fn take_lake(&mut self) -> Option<LakeMirror> {
        self.lake.take()
    }
}

/// Folder of all mirrors.
fn cache() -> Result<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own =
        || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache"))).map(|folder| folder.join("callsift"));
    of("CALLSIFT_CACHE").or_else(own).context("name a folder for mirrors of object storage: set CALLSIFT_CACHE")
}

/// A path of this machine that was written as an address.
fn plain(path: &mut PathBuf) {
    if let Some(rest) = path.to_str().and_then(|text| text.strip_prefix("file://")) {
        *path = PathBuf::from(rest.strip_prefix("localhost").unwrap_or(rest));
    }
}

fn address(path: &Path) -> Result<Address> {
    Ok(path.to_string_lossy().parse::<Address>()?)
}

fn lake(path: &mut PathBuf, place: Place) -> Result<Held> {
    plain(path);
    let mut held = Held::default();
    if is_address(path) {
        let mirror = LakeMirror::open(&address(path)?, &cache()?, place)?;
        *path = mirror.folder();
        held.lake = Some(mirror);
    }
    Ok(held)
}

/// A lake that is read.
///
/// # Errors
/// The server, the credentials or the disk fail.
pub fn to_read(path: &mut PathBuf) -> Result<Held> {
    lake(path, Place::Read)
}

/// A lake that a console reads as long as it runs.
///
/// # Errors
/// As [`to_read`].
pub fn to_show(path: &mut PathBuf) -> Result<Held> {
    lake(path, Place::Console)
}

/// A lake that is written.
///
/// # Errors
/// As [`to_read`].
pub fn to_write(path: &mut PathBuf) -> Result<Held> {
    lake(path, Place::Write)
}

/// Runs a command over a lake that it writes, and brings the lake back when all went well.
///
/// # Errors
/// Those of the command; as [`to_read`].
pub fn writing(path: &mut PathBuf, command: impl FnOnce(PathBuf) -> Result<Exit>) -> Result<Exit> {
    let mut held = to_write(path)?;
    let exit = command(path.clone())?;
    held.publish()?;
    Ok(exit)
}

/// A folder of recordings, or of a model: all of it is fetched, as far as it is not here yet.
///
/// # Errors
/// As [`to_read`].
pub fn folder(held: &mut Held, path: &mut Option<PathBuf>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    plain(path);
    if is_address(path) {
        let mut mirror = Mirror::open(&address(path)?, &cache()?, Place::Input)?;
        mirror.pull()?;
        *path = mirror.folder();
        held.inputs.push(mirror);
    }
    Ok(())
}

/// One file: metadata, a manifest, transcripts, a model of one file.
///
/// # Errors
/// As [`to_read`]; there is no such object.
pub fn file(path: &mut Option<PathBuf>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    plain(path);
    if is_address(path) {
        let whole = address(path)?;
        let Some((folder, name)) = whole.split() else { bail!("{whole} names no object") };
        *path = Mirror::open(&folder, &cache()?, Place::File)?.pull_one(name)?;
    }
    Ok(())
}

/// A speech model by its address: a folder of the engine, or a ggml file.
///
/// # Errors
/// As [`to_read`].
pub fn model(held: &mut Held, model: &mut Option<String>) -> Result<()> {
    let Some(name) = model else { return Ok(()) };
    let mut path = Some(PathBuf::from(&*name));
    if path.as_deref().and_then(Path::extension) == Some(OsStr::new("bin")) {
        file(&mut path)?;
    } else {
        folder(held, &mut path)?;
    }
    *name = path.unwrap_or_default().to_string_lossy().into_owned();
    Ok(())
}
