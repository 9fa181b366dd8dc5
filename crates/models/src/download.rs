//! One file over HTTP: a cut connection is taken up where it broke (range request); a server that ignores ranges makes
//! the file start anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

use crate::ModelError;
use crate::manifest::ModelFile;
use crate::pull::{PullOptions, verify_file};

/// Why an attempt ended without the whole file.
enum Broken {
    /// The connection failed or was cut: go on from where it broke.
    Cut(String),
    /// This server will not do: take the next.
    Refused(String),
    /// The disk failed: no use in going on.
    Disk(ModelError),
}

/// One file, from its addresses.
pub(crate) struct Download<'a> {
    name: &'a str,
    file: &'a ModelFile,
    options: &'a PullOptions,
    part: &'a Path,
    agent: Agent,
}

impl<'a> Download<'a> {
    pub(crate) fn new(name: &'a str, file: &'a ModelFile, options: &'a PullOptions, part: &'a Path) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(options.stall))
            .timeout_recv_response(Some(options.stall))
            .timeout_per_read(Some(options.stall))
            .user_agent(concat!("callsift/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { name, file, options, part, agent: config.into() }
    }

    /// Tries the addresses in turn until the part file is whole and right.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<String, ModelError> {
        let urls: Vec<&str> = self.file.urls().collect();
        // Where there are other sources, addresses that give nothing are not waited for.
        let patient = self.file.pip.is_empty();
        let attempts = if patient { self.options.attempts } else { urls.len() as u32 };
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
            if idle >= attempts {
                let (name, url) = (self.name.to_owned(), url.to_owned());
                return Err(ModelError::Fetch { name, attempts: requests, url, detail });
            }
            // A server that cannot be reached at all must not keep the other from being tried.
            turn += usize::from(idle > 0 && (idle % 2 == 0 || !patient));
            thread::sleep((self.options.backoff * (1 << idle.min(5))).min(Duration::from_secs(30)));
        }
    }

    fn part_bytes(&self) -> u64 {
        fs::metadata(self.part).map_or(0, |meta| meta.len())
    }

    /// One request: appends to the part file whatever arrives.
    fn attempt(&self, url: &str, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), Broken> {
        let mut have = self.part_bytes();
        if Some(have) == self.file.size {
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
        let total = self.file.size.or_else(|| length.map(|length| have + length));
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
            if self.file.size.is_some_and(|size| have > size) {
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
        verify_file(self.file, self.part).map_err(|error| match error {
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
