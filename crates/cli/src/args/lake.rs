//! Arguments of `callsift lake`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub const LAKE_EXAMPLES: &str = "Examples:
  callsift lake check --lake lake                 # reads all of every part; changes nothing
  callsift lake check --lake lake --quarantine    # and puts damaged parts into lake/.quarantine
  callsift run --recordings /data/recordings --lake lake     # inspects their calls again

A damaged part stops no command: it is left out and named. Found is what cannot be read or decompressed; \
a changed byte that still decompresses is not found.

Exit codes: 0 nothing is damaged · 1 something is · 2 bad usage · 3 the lake is in use or cannot be read";

/// `callsift lake`.
#[derive(Debug, Args)]
pub struct LakeArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LakeCommand,
}

/// What to do with a lake.
#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// Find damaged parts, list their calls and say how to restore them.
    Check {
        /// The lake.
        #[arg(long, value_name = "DIR")]
        lake: PathBuf,
        /// Move damaged parts to LAKE/.quarantine, so that a run inspects their calls again; nothing is removed.
        #[arg(long)]
        quarantine: bool,
        /// Print the damaged parts as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
}
