//! Single recordings, wherever they lie, for as long as they are in work.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::address::Address;
use crate::error::ObjectError;
use crate::remote::Remote;

/// Fetches objects of any bucket into a folder.
pub struct Fetcher {
    folder: PathBuf,
    buckets: Mutex<BTreeMap<String, Arc<Remote>>>,
    count: AtomicU64,
}

impl Fetcher {
    /// Into this folder, which is there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, buckets: Mutex::default(), count: AtomicU64::new(0) }
    }

    /// Fetches an object; its file has the object's name, in a folder of its own.
    ///
    /// # Errors
    /// It is no address of an object; the server, the credentials or the disk fail.
    pub fn fetch(&self, uri: &str) -> Result<PathBuf, ObjectError> {
        let address: Address = uri.parse()?;
        let Some((_, name)) = address.split() else { return Err(ObjectError::Address(uri.to_owned())) };
        let remote = self.bucket(&address)?;
        let folder = self.folder.join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder).map_err(ObjectError::io(&folder))?;
        let path = folder.join(name);
        remote.fetch(&[(address.path.clone(), path.as_path())])?;
        Ok(path)
    }

    fn bucket(&self, address: &Address) -> Result<Arc<Remote>, ObjectError> {
        let whole = address.whole_bucket();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remote) = buckets.get(&whole.to_string()) {
            return Ok(Arc::clone(remote));
        }
        let remote = Arc::new(Remote::open(&whole)?);
        buckets.insert(whole.to_string(), Arc::clone(&remote));
        Ok(remote)
    }

    /// Takes a file away that was fetched; others are left.
    pub fn done(&self, path: &std::path::Path) {
        // What cannot be removed now goes with the folder.
        if let Some(folder) = path.parent().filter(|folder| folder.parent() == Some(&self.folder)) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}
