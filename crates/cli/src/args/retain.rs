//! Arguments of `callsift retain`.

use std::path::PathBuf;

use clap::Args;

use super::DataArgs;

pub const RETAIN_EXAMPLES: &str = "Examples:
  callsift retain --lake lake --days 365                     # only lists what would go
  callsift retain --lake lake --days 365 --recordings /data/recordings --yes
  callsift retain --lake lake --days 365 --recordings /data/recordings --recordings-days 90 --yes
  callsift retain --lake lake --recordings /data/recordings --recordings-days 90   # recordings only

Every night, by cron:
  30 3 * * *  callsift retain --lake /data/lake --days 365 --recordings /data/recordings --yes

--days 90 keeps today and the 90 days before it. Calls and their recordings stay while their form \
says “kept for training”, while an appeal is open or still possible, and while they are in review. \
Review records (verdicts, forms, appeals, the audit log) are kept. Killed? Run it again.

Exit codes: 0 done · 1 a recording could not be removed (its call stays), or the console's copies \
could not be cleaned · 2 bad usage · 3 the lake is in use or cannot be written";

/// `callsift retain`.
#[derive(Debug, Args)]
pub struct RetainArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Remove calls that are older than so many days, and their recordings.
    #[arg(long, value_name = "N", required_unless_present = "recordings_days", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Folder of the recordings, the same as for `run`; without it recordings are left alone.
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Remove recordings that are older than so many days, also where their calls stay [default: as --days].
    #[arg(long, value_name = "N", requires = "recordings", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub recordings_days: Option<u32>,
    /// The day to count from, YYYY-MM-DD [default: today].
    #[arg(long, value_name = "DATE")]
    pub today: Option<String>,
    /// Remove; without it nothing is changed.
    #[arg(long)]
    pub yes: bool,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}
