//! What `callsift sample` is told.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::{ConfigArgs, DataArgs, DayArgs};

pub const SAMPLE_EXAMPLES: &str = "Examples:
  callsift sample --lake lake --plan half-month --from 2026-11-01 --to 2026-11-15 \\
      --seed 2026-11-1 --record nov-1.json
  callsift sample --lake lake --plan half-month --from 2026-11-01 --to 2026-11-15 \\
      --seed 2026-11-1 --reviewers 王芳,李强,周敏 --round 3 --csv nov-1.csv
  callsift sample --lake lake --plan risk-queue --dt 2026-11-16 \\
      --seed 2026-11-16 --reviewers wangfang,liqiang --save
  callsift sample verify nov-1.json --lake lake

Publish the seed before the calls are known. The same plan, seed and calls give the same draw. `sample verify` \
repeats the draw and exits 1 if the draw or the eligible calls differ, or if it is not the draw that was recorded.";

const VERIFY_EXAMPLES: &str = "Examples:
  callsift sample verify nov-1.json --lake lake

Exit codes: 0 the same draw · 1 the eligible calls, the machine's findings or the draw differ, or it is not the \
draw that was recorded: saved with --save, or announced (console/draws.jsonl)";

/// `callsift sample`: draws, unless a command says otherwise. By hand, since derived arguments cannot be required only where there
/// is no command and have groups in them.
#[derive(Debug)]
pub enum SampleArgs {
    /// Draw a plan.
    Draw(Box<DrawArgs>),
    /// Draw again what a file says was drawn, and compare.
    Verify(VerifyArgs),
}

const VERIFY: &str = "verify";

impl Args for SampleArgs {
    fn augment_args(command: Command) -> Command {
        let verify = VerifyArgs::augment_args(Command::new(VERIFY))
            .about("Repeat the draw of a file by `sample --record`, and compare")
            .after_help(VERIFY_EXAMPLES);
        let command = command.subcommand(verify).args_conflicts_with_subcommands(true).subcommand_negates_reqs(true);
        DrawArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SampleArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((VERIFY, given)) => VerifyArgs::from_arg_matches(given).map(Self::Verify),
            _ => DrawArgs::from_arg_matches(matches).map(|args| Self::Draw(Box::new(args))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `callsift sample verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// What `sample --record` wrote.
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
    /// The lake that was drawn from, and the data folder that knows of its draws.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What to draw.
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: DataArgs,
    /// The plan: a file, or the name of one that comes with callsift, such as half-month.
    #[arg(long, value_name = "FILE.toml|NAME")]
    pub plan: PathBuf,
    /// Random seed: any text, published before the calls are known.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub seed: String,
    /// Which days.
    #[command(flatten)]
    pub days: DayArgs,
    /// Reviewers, separated by commas: each agent's calls go to one of them.
    #[arg(long, value_name = "NAMES")]
    pub reviewers: Vec<String>,
    /// Rotation index for team and agent order [default: one more than that of the last saved draw of this plan].
    #[arg(long, value_name = "N")]
    pub round: Option<usize>,
    /// Metadata field with an agent's team.
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
    /// Write the record of the draw, with all that it depends on: what `sample verify` checks.
    #[arg(long, value_name = "FILE.json", alias = "out")]
    pub record: Option<PathBuf>,
    /// Write the listening list as CSV.
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// Save the draw in the reviews database: reviewers, named by login, find their calls in the console.
    #[arg(long)]
    pub save: bool,
    /// Print the record as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Configuration: its `metadata.utc_offset` says which hour it is at the centre.
    #[command(flatten)]
    pub config: ConfigArgs,
}
