//! One process at a time holds a lake.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::StoreError;

/// How often, and how long between, a process asks for a lake that others write, too: ten minutes.
const TRIES: u32 = 12_000;
const PAUSE: Duration = Duration::from_millis(50);

/// The lock of a lake, which is made where there is none. It is held until the file is dropped.
pub(crate) fn lock(root: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(root).map_err(StoreError::io("cannot make the lake", root))?;
    let path = root.join(".lock");
    let lock = File::create(&path).map_err(StoreError::io("cannot write to the lake", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(root.to_owned())),
        Err(TryLockError::Error(source)) => Err(StoreError::io("cannot lock the lake", &path)(source)),
    }
}

/// The same, waiting while another process holds it.
pub(crate) fn lock_patiently(root: &Path) -> Result<File, StoreError> {
    for _ in 0..TRIES {
        match lock(root) {
            Err(StoreError::Locked(_)) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    Err(StoreError::Locked(root.to_owned()))
}
