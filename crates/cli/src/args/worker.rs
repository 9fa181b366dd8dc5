//! Arguments of `callsift worker`.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, RuleArgs};

/// Examples.
pub const WORKER_EXAMPLES: &str = "Input: columns recording_id and uri (a path, or s3://, gs://, az://), then dt or started_at; all others are metadata. Output: one batch of one row for each
recording, in the order of the input (`callsift schema --ddl spark` prints its columns). Progress: JSON lines on stderr.

Example:
  python3 manifest.py | callsift worker --recordings /data/recordings --threads 4 > results.arrows

Exit codes: 0 every recording was answered · 2 bad usage, configuration, rules or a missing model · 65 the input is no manifest \
· 70 internal error · 75 try again, perhaps elsewhere: the machine or the reader of the results failed";

/// `callsift worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Folder that relative addresses of recordings start from [default: the working directory].
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Recogniser threads; with Spark the value of spark.task.cpus [default: all cores].
    #[arg(long, visible_alias = "workers", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Give up with code 75 once the process that does the work has died more often.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub max_deaths: u32,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Do the work: recordings as JSON lines on stdin.
    #[arg(long, hide = true)]
    pub child: bool,
    /// Folder for recordings in work that were fetched.
    #[arg(long, hide = true)]
    pub spool: Option<PathBuf>,
}
