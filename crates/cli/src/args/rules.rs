//! Arguments of `callsift rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigArgs, DayArgs};

const DIFF_EXAMPLES: &str = "Examples:
  callsift rules diff rules rules-new --lake lake
  callsift rules diff rules rules-new --lake lake --from 2026-11-01 --examples 5

Exit codes: 0 no verdict, points or severity changes · 1 something changes · 2 bad usage or rules";

const EXPLAIN_EXAMPLES: &str = "Examples:
  callsift rules explain greeting-missing
  callsift rules explain shirking --lake lake --call c07";

/// `callsift rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with the rules.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// Which rules, without a profile: all of them are checked and explained.
#[derive(Debug, Args)]
pub struct FolderArgs {
    /// Folder of rules, or one file [default: rules/ of the project or the installation].
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The same as an option.
    #[arg(long = "rules", value_name = "DIR", alias = "dir", conflicts_with = "dir")]
    pub rules: Option<PathBuf>,
}

impl FolderArgs {
    /// The folder, however it was given.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.dir.as_deref().or(self.rules.as_deref())
    }
}

/// Commands on rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Load all rules and show every mistake with its line and column.
    Check {
        /// Which rules.
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Run the tests that the rule files carry.
    Test {
        /// Which rules.
        #[command(flatten)]
        folder: FolderArgs,
        /// Repeat them with simulated recognition errors: 5, 10 and 20 % of the characters replaced by ones that
        /// sound alike.
        #[arg(long)]
        noise: bool,
        /// With --noise: repetitions of each test.
        #[arg(long, value_name = "N", default_value_t = 10)]
        repeats: u64,
        /// Print as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Show how other rules change the verdicts, points and severities of a lake. Exit code 1 where anything changes.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff {
        /// Folder of the rules in force.
        old: PathBuf,
        /// Folder of the changed rules.
        new: PathBuf,
        /// The lake.
        #[arg(long, value_name = "LAKE")]
        lake: PathBuf,
        /// Which days.
        #[command(flatten)]
        days: DayArgs,
        /// Examples per rule.
        #[arg(long, value_name = "N", default_value_t = 3)]
        examples: usize,
        /// Profile for both folders; `all` for every rule.
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// Print as JSON on stdout.
        #[arg(long)]
        json: bool,
        /// Configuration.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Say what a rule checks and, for a call, how it reached its verdict.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// Rule id.
        id: String,
        /// Folder of rules [default: rules/ of the project or the installation].
        #[arg(long, value_name = "DIR", alias = "dir")]
        rules: Option<PathBuf>,
        /// The lake that holds the call.
        #[arg(long, value_name = "LAKE", requires = "call")]
        lake: Option<PathBuf>,
        /// Call id.
        #[arg(long, value_name = "ID", requires = "lake")]
        call: Option<String>,
    },
}
