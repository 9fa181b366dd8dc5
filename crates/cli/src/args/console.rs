//! Arguments of the commands for people: console, users, reviews.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigArgs, DayArgs, RuleArgs};

pub const CONSOLE_EXAMPLES: &str = "Examples:
  callsift console --lake lake --recordings /data/recordings
  callsift console --lake lake --recordings /data/recordings --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
  callsift console --lake lake --recordings /data/recordings --first-users 3021

Without people nobody can log in: `callsift users add`, or --first-users for a first look. Ctrl-C ends it; nothing that was
acknowledged is lost, however it ends.";

pub const USERS_EXAMPLES: &str = "Examples:
  callsift users --lake lake add wangfang --role reviewer --display 王芳
  callsift users --lake lake add chenxiao --role agent --display 陈晓 --agent-id 3021
  callsift users --lake lake password wangfang
  callsift users --lake lake list

Passwords are made at random and printed once; people change them at 账户.";

pub const REVIEWS_EXAMPLES: &str = "Examples:
  callsift reviews --lake lake backup /backup/reviews-2026-11-16.db
  callsift reviews --lake lake check
  callsift reviews --lake lake restore lake/console/backups/reviews-2026-11-15.db
  callsift reviews --lake lake export";

pub const ESTIMATE_EXAMPLES: &str = "Examples:
  callsift estimate --lake lake --from 2026-11-01 --to 2026-11-15
  callsift estimate --lake lake --rule greeting-missing
  callsift estimate --lake lake --json > estimates.json

Rates hold for all calls of these days where every call had a known chance of being heard: draw with `callsift sample --save`,
hear what was drawn, and hand in a form for each call. Calls that people picked by themselves stand for themselves only.";

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
    /// Folder of the recordings, the same as for `run`; without it nothing can be heard.
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Address; other machines reach the console only by another one than loopback, and then by TLS.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8017")]
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS: only behind a proxy that does it.
    #[arg(long)]
    pub insecure: bool,
    /// Metadata field that names an agent's unit.
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
    /// A claim on a call that nobody renews ends after so many minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub claim_minutes: u16,
    /// Copies of the reviews database that stay, one a day, in the folder `backups` beside it; 0 makes none.
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    pub backups: u16,
    /// Where there are no people yet: add one of each role, the agent with this number, and print their passwords.
    #[arg(long, value_name = "AGENT")]
    pub first_users: Option<String>,
    /// Which rules are shown and can be marked [default: all].
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
    pub data: DataArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: UsersCommand,
}

/// Roles in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// 坐席: own calls only.
    Agent,
    /// 质检员: hears and judges.
    Reviewer,
    /// 主管: sees all, decides appeals.
    Lead,
    /// 管理员: a lead who also keeps users.
    Admin,
}

/// Commands on people.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a person and print the password, once.
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
        /// Sees and hears phone, identity and card numbers unmasked.
        #[arg(long)]
        numbers: bool,
    },
    /// Print everybody.
    List,
    /// Give a person a new password and end the open sessions.
    Password {
        /// Login name.
        name: String,
    },
    /// Let a person in no more.
    Disable {
        /// Login name.
        name: String,
    },
    /// Let a person in again.
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
    pub data: DataArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: ReviewsCommand,
}

/// Commands on the reviews database.
#[derive(Debug, Subcommand)]
pub enum ReviewsCommand {
    /// Copy the database as it is at this moment, also while the console runs.
    Backup {
        /// A file that is not there yet.
        to: PathBuf,
    },
    /// Go through the whole database and say whether it is sound, and which nightly copies there are.
    Check,
    /// Put a copy in its place. The copy is looked through first, and what was there stays beside it. End the console before.
    Restore {
        /// A file that `backup` or the console made.
        from: PathBuf,
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
    /// Metadata field that names an agent's unit.
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
    /// Rates of violations of this rule, instead of any rule that takes points off. JSON has all of them.
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    pub rule: Option<String>,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}
