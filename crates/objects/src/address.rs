//! Addresses: `s3://bucket/path`, `gs://bucket/path`, `az://container/path`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::ObjectError;

/// Kinds of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    S3,
    Google,
    Azure,
}

/// A place in object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) scheme: Scheme,
    pub(crate) bucket: String,
    /// Without slashes at its ends; empty for the whole bucket.
    pub(crate) path: String,
    shown: String,
}

/// Whether an argument that may be a path is an address: it has `://`, and is none of this machine.
pub fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains("://") && !text.starts_with("file://"))
}

impl FromStr for Address {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ObjectError::Address(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let scheme = match scheme {
            "s3" | "s3a" => Scheme::S3,
            "gs" => Scheme::Google,
            "az" | "azure" => Scheme::Azure,
            _ => return Err(wrong()),
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        // Keys of accounts do not belong into addresses, which stand in logs.
        let odd = bucket.is_empty()
            || bucket.contains(['@', '?', '#', '%'])
            || path.split('/').any(|p| p == ".." || p == ".");
        if odd || path.contains("//") {
            return Err(wrong());
        }
        Ok(Self {
            scheme,
            bucket: bucket.to_owned(),
            path: path.to_owned(),
            shown: text.trim_end_matches('/').to_owned(),
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    /// The folder and the name of one object; `None` for a whole bucket.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let shown = self.shown.strip_suffix(name)?.trim_end_matches('/').to_owned();
        (!name.is_empty()).then(|| (Self { path: folder.to_owned(), shown, ..self.clone() }, name))
    }

    /// The bucket that it lies in.
    pub(crate) fn whole_bucket(&self) -> Self {
        let shown = self.shown.strip_suffix(&self.path).unwrap_or(&self.shown).trim_end_matches('/').to_owned();
        Self { path: String::new(), shown, ..self.clone() }
    }

    /// The last part: what a model is called by.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&self.bucket)
    }

    /// Where its mirror lies below a folder: the same for the same place of the same server.
    pub(crate) fn mirror(&self, cache: &Path, server: &str) -> PathBuf {
        let place = format!("{server}\n{:?}\n{}\n{}", self.scheme, self.bucket, self.path);
        let hash = callsift_core::hex(&Sha256::digest(place.as_bytes())[..6]);
        cache.join(format!("{}-{hash}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Address, is_address};

    #[test]
    fn addresses_are_read_and_odd_ones_refused() {
        let of = |text: &str| text.parse::<Address>();
        let lake = of("s3://centre/a/lake/").unwrap();
        assert_eq!(
            (lake.bucket.as_str(), lake.path.as_str(), lake.to_string().as_str()),
            ("centre", "a/lake", "s3://centre/a/lake")
        );
        let (folder, name) =
            of("gs://b/x/calls.csv").unwrap().split().map(|(f, n)| (f.to_string(), n.to_owned())).unwrap();
        assert_eq!((folder.as_str(), name.as_str()), ("gs://b/x", "calls.csv"));
        assert_eq!(lake.whole_bucket(), of("s3://centre").unwrap());
        assert!(of("az://container").unwrap().split().is_none());
        for wrong in
            ["", "b/x", "http://b/x", "s3:///x", "s3://key:secret@b/x", "s3://b/../x", "s3://b/x//y", "s3://b?x=1"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(
            is_address(Path::new("s3://b/x"))
                && !is_address(Path::new("/data/x"))
                && !is_address(Path::new("file:///x"))
        );
        let of_server = |server| lake.mirror(Path::new("/c"), server);
        assert!(of_server("") == of_server("") && of_server("") != of_server("http://other"));
    }
}
