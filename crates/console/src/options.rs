//! What a console is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use callsift_audio::AudioLimits;
use callsift_core::Turn;
use callsift_rules::EvalOptions;

use crate::error::ConsoleError;
use crate::own_items::OwnItems;
use crate::sampler::Sampler;

/// Certificate and key, PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Another system that is told of what is raised.
#[derive(Clone)]
pub struct Notify {
    /// Address, `http` or `https`.
    pub url: String,
    /// What bodies are signed with.
    pub secret: String,
}

impl std::fmt::Debug for Notify {
    // The secret stands in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a console needs.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// The lake.
    pub lake: PathBuf,
    /// Folder of the reviews database, the catalogue and decoded sound.
    pub data: PathBuf,
    /// Folder of the recordings; without it nothing is heard.
    pub recordings: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate, for addresses beyond loopback.
    pub tls: Option<Tls>,
    /// Something before the console does TLS.
    pub insecure: bool,
    /// Metadata field that names an agent's unit.
    pub unit_field: String,
    /// How recordings are read, as in runs.
    pub audio: AudioLimits,
    /// Limits that rules answer within, as in runs.
    pub eval: EvalOptions,
    /// Hours at the centre: seconds east of UTC.
    pub utc_offset_s: i32,
    /// A claim that nobody renews ends after so many minutes.
    pub claim_minutes: i64,
    /// Nightly copies of the reviews database that stay; none are made where it is 0.
    pub backups: usize,
    /// Estimates rest only on calls of which nearly all was really played.
    pub proven: bool,
    /// The centre's own items of the listening form.
    pub own_items: Option<OwnItems>,
    /// Who is told of what is raised the same day.
    pub notify: Option<Notify>,
    /// Draws calls for leads; without it nothing is drawn here.
    pub sampler: Option<Arc<dyn Sampler>>,
    /// The text model, for trying rules that read its labels; without it they see none.
    pub labeller: Option<Arc<dyn Labeller>>,
}

/// Puts a text model's labels on turns. What runs the model stands outside: the console needs no model to show what was found.
pub trait Labeller: std::fmt::Debug + Send + Sync {
    /// Labels the turns that may be judged.
    ///
    /// # Errors
    /// The model failed, in words.
    fn label(&self, turns: &mut [Turn]) -> Result<(), String>;
}

impl ConsoleOptions {
    /// That nothing is sent unprotected to other machines, and that there is a lake.
    ///
    /// # Errors
    /// It would be; there is none.
    pub fn check(&self) -> Result<(), ConsoleError> {
        if !self.address.ip().is_loopback() && self.tls.is_none() && !self.insecure {
            return Err(ConsoleError::Unprotected(self.address));
        }
        if self.lake.is_dir() {
            Ok(())
        } else {
            Err(ConsoleError::Option(format!(
                "there is no lake at {}; make one with `callsift run`",
                self.lake.display()
            )))
        }
    }
}
