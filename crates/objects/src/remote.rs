//! What a server is asked: list, fetch, store, create, copy, delete.

use std::fs::{self, File};
use std::future::Future;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::{
    ClientConfigKey, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    WriteMultipart,
};
use tokio::runtime::{Builder, Runtime};

use crate::address::{Address, Scheme};
use crate::error::ObjectError;

/// Objects from this size on go in parts.
const PART_BYTES: usize = 8 << 20;
/// Objects that travel at once.
const AT_ONCE: usize = 8;
/// How long a server may fail, with growing pauses between tries, until a command gives up; [`PATIENCE_S`] says
/// otherwise.
const PATIENCE: Duration = Duration::from_mins(2);
/// Environment variable of it, in seconds.
const PATIENCE_S: &str = "CALLSIFT_PATIENCE_S";

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Name below the address.
    pub(crate) key: String,
    pub(crate) size: u64,
    /// Changes with its bytes.
    pub(crate) etag: String,
}

/// A place in object storage, open.
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    address: Address,
    runtime: Runtime,
}

/// What limits of time a client has: to connect, for the next bytes, for all of a request.
const LIMITS: [(ClientConfigKey, &str); 3] = [
    (ClientConfigKey::ConnectTimeout, "5 seconds"),
    (ClientConfigKey::ReadTimeout, "20 seconds"),
    (ClientConfigKey::Timeout, "300 seconds"),
];

fn connect(address: &Address, retry: RetryConfig) -> object_store::Result<Arc<dyn ObjectStore>> {
    let bucket = address.bucket.as_str();
    Ok(match address.scheme {
        Scheme::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
            let limited =
                LIMITS.iter().fold(builder, |b, (key, value)| b.with_config(AmazonS3ConfigKey::Client(*key), *value));
            Arc::new(limited.build()?)
        }
        Scheme::Google => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry);
            let limited =
                LIMITS.iter().fold(builder, |b, (key, value)| b.with_config(GoogleConfigKey::Client(*key), *value));
            Arc::new(limited.build()?)
        }
        Scheme::Azure => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_retry(retry);
            let limited =
                LIMITS.iter().fold(builder, |b, (key, value)| b.with_config(AzureConfigKey::Client(*key), *value));
            Arc::new(limited.build()?)
        }
    })
}

impl Remote {
    /// Opens a place with the credentials and the endpoint that the environment names (`AWS_…`, `GOOGLE_…`, `AZURE_…`).
    ///
    /// # Errors
    /// What the environment says is not enough or wrong.
    pub fn open(address: &Address) -> Result<Self, ObjectError> {
        let asked = std::env::var(PATIENCE_S).ok().and_then(|text| text.parse().ok());
        let patience = asked.map_or(PATIENCE, Duration::from_secs);
        // The first to set it wins; every one of ours is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { retry_timeout: patience, ..RetryConfig::default() };
        let store = connect(address, retry).map_err(|e| ObjectError::of("open it", &address.to_string(), &e))?;
        Self::over(store, address)
    }

    pub(crate) fn over(store: Arc<dyn ObjectStore>, address: &Address) -> Result<Self, ObjectError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(ObjectError::io("."))?;
        Ok(Self { store, address: address.clone(), runtime })
    }

    #[cfg(test)]
    pub(crate) fn store_for_tests(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    fn key(&self, name: &str) -> Result<Key, ObjectError> {
        let whole =
            [self.address.path.as_str(), name].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/");
        Key::parse(&whole).map_err(|_| ObjectError::Name { address: self.address.to_string(), key: name.to_owned() })
    }

    fn ask<T>(
        &self,
        what: &'static str,
        asked: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, ObjectError> {
        self.runtime.block_on(asked).map_err(|e| ObjectError::of(what, &self.address.to_string(), &e))
    }

    fn entry(&self, meta: &ObjectMeta) -> Option<Entry> {
        let whole = meta.location.as_ref();
        let key = if self.address.path.is_empty() {
            whole
        } else {
            whole.strip_prefix(&self.address.path)?.strip_prefix('/')?
        };
        let etag = meta.e_tag.clone().unwrap_or_else(|| meta.last_modified.to_string());
        Some(Entry { key: key.to_owned(), size: meta.size, etag })
    }

    /// All objects below the address, or below a folder of it, sorted.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<Entry>, ObjectError> {
        let prefix = self.key(folder)?;
        let all: Vec<ObjectMeta> = self.ask("list it", self.store.list(Some(&prefix)).try_collect())?;
        let mut all: Vec<Entry> = all.iter().filter_map(|meta| self.entry(meta)).collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// Fetches objects into files, several at once; each file is whole when it has its name. Gives what came, in order.
    pub(crate) fn fetch(&self, wanted: &[(String, &Path)]) -> Result<Vec<Entry>, ObjectError> {
        let one = |(name, to): (String, &Path)| {
            let to = to.to_owned();
            async move {
                let key = self.key(&name)?;
                let fail = |e: object_store::Error| ObjectError::of("read", &format!("{}/{name}", self.address), &e);
                let found = self.store.get(&key).await.map_err(fail)?;
                let meta = found.meta.clone();
                let mut file = File::create(&to).map_err(ObjectError::io(&to))?;
                // A stream that breaks is taken up again where it broke, by the library.
                let mut bytes = found.into_stream();
                while let Some(chunk) = bytes.try_next().await.map_err(fail)? {
                    file.write_all(&chunk).map_err(ObjectError::io(&to))?;
                }
                let entry = self.entry(&meta);
                entry.ok_or_else(|| ObjectError::Name { address: self.address.to_string(), key: name })
            }
        };
        self.runtime.block_on(stream::iter(wanted.iter().cloned()).map(one).buffered(AT_ONCE).try_collect())
    }

    /// The bytes of a small object; `None` where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let key = self.key(name)?;
        let read = async { self.store.get(&key).await?.bytes().await };
        match self.ask("read it", read) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(ObjectError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores files, several at once, large ones in parts.
    pub(crate) fn store(&self, files: &[(&Path, String)]) -> Result<(), ObjectError> {
        let one = |(from, name): (&Path, String)| {
            let from = from.to_owned();
            async move { self.store_one(&from, &name).await }
        };
        self.runtime.block_on(stream::iter(files.iter().cloned()).map(one).buffered(AT_ONCE).try_collect())
    }

    async fn store_one(&self, from: &Path, name: &str) -> Result<(), ObjectError> {
        let key = self.key(name)?;
        let fail = |e: object_store::Error| ObjectError::of("write", &format!("{}/{name}", self.address), &e);
        let bytes = fs::metadata(from).map_err(ObjectError::io(from))?.len();
        if bytes <= PART_BYTES as u64 {
            let whole = fs::read(from).map_err(ObjectError::io(from))?;
            return self.store.put(&key, PutPayload::from(whole)).await.map(drop).map_err(fail);
        }
        let mut file = File::open(from).map_err(ObjectError::io(from))?;
        let upload = self.store.put_multipart(&key).await.map_err(fail)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut chunk = vec![0; PART_BYTES];
        loop {
            let read = file.read(&mut chunk).map_err(ObjectError::io(from));
            let sent = match read {
                Ok(0) => break,
                Ok(read) => {
                    upload.write(&chunk[..read]);
                    upload.wait_for_capacity(4).await.map_err(fail)
                }
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                // Parts that were sent would be paid for.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        upload.finish().await.map(drop).map_err(fail)
    }

    /// Writes a small object.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let key = self.key(name)?;
        self.ask("write", self.store.put(&key, PutPayload::from(bytes.to_vec()))).map(drop)
    }

    /// Writes a small object that must not be there; false where it is.
    pub(crate) fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, ObjectError> {
        let key = self.key(name)?;
        let anew = PutOptions::from(PutMode::Create);
        match self.ask("write", self.store.put_opts(&key, PutPayload::from(bytes.to_vec()), anew)) {
            Ok(_) => Ok(true),
            Err(ObjectError::Changed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Copies an object on the server; false where it is not there.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<bool, ObjectError> {
        let (from, to) = (self.key(from)?, self.key(to)?);
        match self.ask("copy", self.store.copy(&from, &to)) {
            Ok(()) => Ok(true),
            Err(ObjectError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object, where it is there.
    pub(crate) fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let key = self.key(name)?;
        match self.ask("delete", self.store.delete(&key)) {
            Ok(()) | Err(ObjectError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
