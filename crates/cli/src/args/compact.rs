//! Arguments of `callsift compact`.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, DayArgs};

pub const COMPACT_EXAMPLES: &str = "Examples:
  callsift compact --lake /data/lake                         # all days that need it
  callsift compact --lake /data/lake --from 2026-11-01 --to 2026-11-30
  callsift compact --lake /data/lake --part-mib 256

Every night, by cron, after the run:
  30 0 * * *  callsift run --recordings /data/in --lake /data/lake && callsift compact --lake /data/lake

Rewrites the days with more than one small part and skips the others. Others may read meanwhile; a query that fails \
because a file is gone has to be repeated (docs/schema.md says how to read what belongs together). Stopped or killed? \
Run it again: each day changes as a whole or not at all. With [lake] compact = true in callsift.toml a run does \
this at its end by itself.

Exit codes: 0 done · 1 a day was left because a part of it cannot be read or a call stands twice, or the command was \
stopped · 2 bad usage · 3 the lake is in use or cannot be written";

/// `callsift compact`.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// Which days.
    #[command(flatten)]
    pub days: DayArgs,
    /// Size of a part's `turns`, the largest table, from which the next part begins, MiB [default: that of the
    /// configuration, 128].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub part_mib: Option<u32>,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}
