//! Arguments of the commands for people: console, users, reviews.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Subcommand, ValueEnum};

use super::{ConfigArgs, DayArgs, RuleArgs};

pub const CONSOLE_EXAMPLES: &str = "Examples:
  callsift console --lake lake --recordings /data/recordings
  callsift console --lake lake --recordings /data/recordings --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
  callsift console --lake lake --recordings /data/recordings --first-users 3021

Nobody can log in before there are users: add them with `callsift users add`, or start with --first-users for a first \
look. Ctrl-C stops the console. Whatever it confirmed is saved, however it stops.";

pub const USERS_EXAMPLES: &str = "Examples:
  callsift users add wangfang --lake lake --role reviewer --display 王芳
  callsift users add chenxiao --lake lake --role agent --display 陈晓 --agent-id 3021
  callsift users password wangfang --lake lake
  callsift users list --lake lake

Passwords are random and printed once; users change them on the page 账户.";

pub const REVIEWS_EXAMPLES: &str = "Examples:
  callsift reviews backup /backup/reviews-2026-11-16.db --lake lake
  callsift reviews check --lake lake
  callsift reviews restore lake/console/backups/reviews-2026-11-15.db --lake lake
  callsift reviews export --lake lake";

pub const ESTIMATE_EXAMPLES: &str = "Examples:
  callsift estimate --lake lake --from 2026-11-01 --to 2026-11-15
  callsift estimate --lake lake --rule greeting-missing
  callsift estimate --lake lake --json > estimates.json

Rates hold for all calls of these days if every call had a known chance of being drawn: draw with \
`callsift sample --save`, review what was drawn, and submit a form for each call. Calls that reviewers picked \
themselves stand for themselves only.";

/// Where the console keeps what people said.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// Folder of the reviews database and the caches [default: LAKE/console].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// The same for commands with commands of their own: before or behind them. What must be given cannot stand anywhere by
/// itself, so [`AnyPlaceDataArgs::given`] says what is missing.
#[derive(Debug, Args)]
pub struct AnyPlaceDataArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE", global = true)]
    pub lake: Option<PathBuf>,
    /// Folder of the reviews database and the caches [default: LAKE/console].
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl AnyPlaceDataArgs {
    /// Lake and data; where no lake is named, clap's own error for it ends the program.
    pub fn given(&self, command: &str) -> DataArgs {
        let lake = self.lake.clone().unwrap_or_else(|| missing_lake(command).exit());
        DataArgs { lake, data: self.data.clone() }
    }
}

fn missing_lake(command: &str) -> clap::Error {
    let mut whole = super::Cli::command();
    whole.build();
    let command = whole.find_subcommand_mut(command);
    let text = "the following required arguments were not provided:\n  --lake <LAKE>";
    let kind = clap::error::ErrorKind::MissingRequiredArgument;
    command.map_or_else(|| super::Cli::command().error(kind, text), |command| command.error(kind, text))
}

impl DataArgs {
    /// The folder in force.
    pub fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| self.lake.join("console"))
    }
}

/// `callsift console`.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder of the recordings, the same as for `run`; without it nothing can be played.
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Address to listen on. Addresses other than loopback require TLS.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8017")]
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS: only behind a proxy that provides it.
    #[arg(long)]
    pub insecure: bool,
    /// Metadata field with an agent's team.
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
    /// Minutes after which an idle claim on a call ends.
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub claim_minutes: u16,
    /// Daily copies of the reviews database to keep, in the folder `backups` beside it; 0 makes none.
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    pub backups: u16,
    /// Estimates rest only on calls of which 95 % was really played, whatever reason a form gives for less.
    #[arg(long)]
    pub proven_listening: bool,
    /// The centre's own items of the listening form, beside those of the rules: a TOML file (docs/console.md).
    #[arg(long, value_name = "FILE")]
    pub form_items: Option<PathBuf>,
    /// Tell this address of faults that are raised the same day: a signed POST for each, tried again until it is taken.
    #[arg(long, value_name = "URL", requires = "notify_secret")]
    pub notify_url: Option<String>,
    /// File with the secret that what is told is signed with (HMAC-SHA256); 16 characters at least.
    #[arg(long, value_name = "FILE", requires = "notify_url")]
    pub notify_secret: Option<PathBuf>,
    /// If there are no users yet: add one of each role, the agent with this number, and print their passwords.
    #[arg(long, value_name = "AGENT")]
    pub first_users: Option<String>,
    /// Which rules are shown [default: all].
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Configuration: its `metadata.utc_offset` says which hour it is at the centre.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `callsift users`.
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: AnyPlaceDataArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: UsersCommand,
}

/// Roles in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// 坐席: own calls only.
    Agent,
    /// 班长: the own team's calls only.
    TeamLead,
    /// 质检员: hears and judges.
    Reviewer,
    /// 主管: sees all, decides appeals.
    Lead,
    /// 经理: sees all, approves the summaries.
    Manager,
    /// 管理员: a lead who also keeps users.
    Admin,
}

/// Commands on people.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user and print the password, once.
    Add {
        /// Login name.
        name: String,
        /// Role.
        #[arg(long, value_enum)]
        role: RoleName,
        /// Name as shown [default: the login name].
        #[arg(long, value_name = "NAME")]
        display: Option<String>,
        /// Agent's number (工号); needed for agents.
        #[arg(long, value_name = "AGENT", required_if_eq("role", "agent"))]
        agent_id: Option<String>,
        /// Team (班组), as in the metadata field of --unit-field; needed for team leads.
        #[arg(long, value_name = "TEAM", required_if_eq("role", "team-lead"))]
        unit: Option<String>,
        /// May see and hear telephone, identity and card numbers.
        #[arg(long)]
        numbers: bool,
    },
    /// List all users.
    List {
        /// Print as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Set a new random password for a user and end open sessions.
    Password {
        /// Login name.
        name: String,
    },
    /// Disable a user.
    Disable {
        /// Login name.
        name: String,
    },
    /// Enable a disabled user.
    Enable {
        /// Login name.
        name: String,
    },
}

/// `callsift reviews`.
#[derive(Debug, Args)]
pub struct ReviewsArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: AnyPlaceDataArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: ReviewsCommand,
}

/// Commands on the reviews database.
#[derive(Debug, Subcommand)]
pub enum ReviewsCommand {
    /// Copy the database, also while the console runs.
    Backup {
        /// File to write; it must not exist yet.
        to: PathBuf,
    },
    /// Check the whole database for damage and list its nightly copies.
    Check {
        /// Print as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Replace the database by a copy. Checks the copy first and keeps the present file beside it. Stop the console
    /// before.
    Restore {
        /// A file that `backup` or the console made.
        from: PathBuf,
    },
    /// Write the sentences that people corrected as references for `callsift eval --speech`, one a line.
    Corrections {
        /// File to write, beside the recordings that it names.
        #[arg(value_name = "FILE.jsonl")]
        to: PathBuf,
    },
    /// Write verdicts, forms and draws to the lake as Parquet: tables `reviews`, `forms` and `samples`.
    Export {
        /// Configuration: its `metadata.utc_offset` says which day it is at the centre.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// `callsift estimate`.
#[derive(Debug, Args)]
pub struct EstimateArgs {
    /// Lake and data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Which days.
    #[command(flatten)]
    pub days: DayArgs,
    /// Metadata field with an agent's team.
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
    /// Count only calls of which 95 % was really played in the console, whatever reason a form gives for less.
    #[arg(long)]
    pub proven_listening: bool,
    /// Rates of violations of this rule instead of any rule that takes points. JSON has all of them.
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    pub rule: Option<String>,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}
