//! Fetches a model: resumes what was cut off, verifies what arrived, and only then puts it in its place.
//!
//! Bytes go to `FILE.part` beside the target. A cut connection is taken up where it broke (HTTP range request); a server
//! that ignores ranges makes the file start anew. The part file becomes the target by rename, so nobody ever sees half
//! a model. Without a known size and SHA-256 nothing is fetched: nobody could tell what came.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

use crate::{ModelEntry, ModelError, file_sha256};

/// How hard to try.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Models folder; [`Places::pull_folder`](crate::Places::pull_folder) by default.
    pub folder: PathBuf,
    /// Attempts in a row that bring no new byte before giving up. Default 5.
    pub attempts: u32,
    /// Wait after the first such attempt; doubled after each further one, up to 30 s. Default 1 s.
    pub backoff: Duration,
    /// Time without any byte after which a connection is given up. Default 30 s.
    pub stall: Duration,
}

impl PullOptions {
    /// Defaults, into a folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, attempts: 5, backoff: Duration::from_secs(1), stall: Duration::from_secs(30) }
    }
}

/// A model in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// False where the file was there already and right.
    pub fetched: bool,
}

/// Fetches a model, unless it is there and right. `progress` gets the bytes so far and, where known, in all.
pub fn pull(
    entry: &ModelEntry,
    options: &PullOptions,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Pulled, ModelError> {
    let path = options.folder.join(&entry.file);
    if path.is_file()
        && let Ok(sha256) = verify(entry, &path)
    {
        return Ok(Pulled { path, sha256, fetched: false });
    }
    if entry.url.is_none() {
        return Err(ModelError::NoUrl { name: entry.name.clone(), note: entry.note.clone() });
    }
    if entry.sha256.is_none() || entry.size.is_none() {
        return Err(ModelError::Unpinned { name: entry.name.clone() });
    }
    let parent = path.parent().unwrap_or(&options.folder);
    fs::create_dir_all(parent).map_err(|error| ModelError::io(error, parent))?;
    let part = beside(&path, ".part");
    let sha256 = Download::new(entry, options, &part).run(progress)?;
    fs::rename(&part, &path).map_err(|error| ModelError::io(error, &path))?;
    Ok(Pulled { path, sha256, fetched: true })
}

/// Checks a file against the manifest, or against the lock of its first pull; gives its SHA-256.
pub fn verify(entry: &ModelEntry, path: &Path) -> Result<String, ModelError> {
    let wrong = |what, expected: String, found: String| {
        Err(ModelError::WrongContent { what, expected, found, path: path.to_owned() })
    };
    let size = fs::metadata(path).map_err(|error| ModelError::io(error, path))?.len();
    if let Some(expected) = entry.size
        && expected != size
    {
        return wrong("size", expected.to_string(), size.to_string());
    }
    let found = file_sha256(path)?;
    let expected = entry.sha256.clone().or_else(|| locked(path));
    match expected {
        Some(expected) if expected != found => wrong("sha256", expected, found),
        _ => Ok(found),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The hash that an older version wrote down of a copy that it trusted.
fn locked(path: &Path) -> Option<String> {
    let text = fs::read_to_string(beside(path, ".sha256")).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

/// Why an attempt ended without the whole file.
enum Broken {
    /// The connection failed or was cut: go on from where it broke.
    Cut(String),
    /// This server will not do: take the next.
    Refused(String),
    /// The disk failed: no use in going on.
    Disk(ModelError),
}

struct Download<'a> {
    entry: &'a ModelEntry,
    options: &'a PullOptions,
    part: &'a Path,
    agent: Agent,
}

impl<'a> Download<'a> {
    fn new(entry: &'a ModelEntry, options: &'a PullOptions, part: &'a Path) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(options.stall))
            .timeout_recv_response(Some(options.stall))
            .timeout_per_read(Some(options.stall))
            .user_agent(concat!("callsift/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { entry, options, part, agent: config.into() }
    }

    /// Tries the addresses in turn until the part file is whole and right.
    fn run(&self, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<String, ModelError> {
        let urls: Vec<&str> = self.entry.urls().collect();
        let (mut idle, mut turn, mut requests) = (0, 0, 0);
        loop {
            let url = urls[turn % urls.len()];
            let before = self.part_bytes();
            requests += 1;
            let detail = match self.attempt(url, progress).and_then(|()| self.check()) {
                Ok(sha256) => return Ok(sha256),
                Err(Broken::Disk(error)) => return Err(error),
                Err(Broken::Cut(detail)) => detail,
                Err(Broken::Refused(detail)) => {
                    turn += 1;
                    detail
                }
            };
            idle = if self.part_bytes() > before { 0 } else { idle + 1 };
            if idle >= self.options.attempts {
                let (name, url) = (self.entry.name.clone(), url.to_owned());
                return Err(ModelError::Fetch { name, attempts: requests, url, detail });
            }
            // A server that cannot be reached at all must not keep the other from being tried.
            turn += usize::from(idle > 0 && idle % 2 == 0);
            thread::sleep((self.options.backoff * (1 << idle.min(5))).min(Duration::from_secs(30)));
        }
    }

    fn part_bytes(&self) -> u64 {
        fs::metadata(self.part).map_or(0, |meta| meta.len())
    }

    /// One request: appends to the part file whatever arrives.
    fn attempt(&self, url: &str, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), Broken> {
        let mut have = self.part_bytes();
        if Some(have) == self.entry.size {
            return Ok(());
        }
        let request = self.agent.get(url).header("Accept-Encoding", "identity");
        let request = if have > 0 { request.header("Range", format!("bytes={have}-")) } else { request };
        let response = request.call().map_err(|error| Broken::Cut(error.to_string()))?;
        match response.status().as_u16() {
            206 if range_start(&response) == Some(have) => {}
            // The whole file, or another range than was asked for: begin anew.
            200 => have = self.restart()?,
            206 | 416 => {
                self.restart()?;
                return Err(Broken::Cut("the server does not resume there".to_owned()));
            }
            408 | 429 | 500..=599 => return Err(Broken::Cut(format!("status {}", response.status()))),
            _ => return Err(Broken::Refused(format!("status {}", response.status()))),
        }
        let length = response.body().content_length();
        let total = self.entry.size.or_else(|| length.map(|length| have + length));
        self.receive(response.into_body().into_reader(), have, total, progress)
    }

    fn restart(&self) -> Result<u64, Broken> {
        File::create(self.part).map_err(|error| self.disk(error))?;
        Ok(0)
    }

    fn receive(
        &self,
        mut body: impl Read,
        mut have: u64,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Broken> {
        let mut part =
            OpenOptions::new().create(true).append(true).open(self.part).map_err(|error| self.disk(error))?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let got = body.read(&mut buffer).map_err(|error| Broken::Cut(error.to_string()))?;
            if got == 0 {
                break;
            }
            have += got as u64;
            // A server that sends without end must not fill the disk.
            if self.entry.size.is_some_and(|size| have > size) {
                self.restart()?;
                return Err(Broken::Refused("the server sends more than the model's size".to_owned()));
            }
            part.write_all(&buffer[..got]).map_err(|error| self.disk(error))?;
            progress(have, total);
        }
        match total {
            Some(total) if have < total => Err(Broken::Cut(format!("cut off at {have} of {total} bytes"))),
            _ => part.sync_all().map_err(|error| self.disk(error)),
        }
    }

    /// Verifies the whole part file; wrong bytes are thrown away, and the next server gets its turn.
    fn check(&self) -> Result<String, Broken> {
        verify(self.entry, self.part).map_err(|error| match error {
            ModelError::WrongContent { .. } => {
                let _ = fs::remove_file(self.part);
                Broken::Refused(error.to_string())
            }
            error => Broken::Disk(error),
        })
    }

    fn disk(&self, error: io::Error) -> Broken {
        Broken::Disk(ModelError::io(error, self.part))
    }
}

/// First byte of a `Content-Range: bytes 100-199/200`.
fn range_start<T>(response: &Response<T>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}
