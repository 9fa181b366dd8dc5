//! Arguments of the command line.

use std::path::PathBuf;

use callsift_pipeline::Share;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

mod compact;
mod console;
mod eval;
mod lake;
mod models;
mod retain;
mod rules;
mod sample;
mod worker;

pub use compact::CompactArgs;
pub use console::{
    ConsoleArgs, DataArgs, EstimateArgs, ReviewsArgs, ReviewsCommand, RoleName, UsersArgs, UsersCommand,
};
pub use eval::EvalArgs;
pub use lake::{LakeArgs, LakeCommand};
pub use models::{ModelsArgs, ModelsCommand, PrecisionName};
pub use retain::RetainArgs;
pub use rules::{RulesArgs, RulesCommand};
pub use sample::{DrawArgs, SampleArgs, VerifyArgs};
pub use worker::WorkerArgs;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "callsift", version, about = ABOUT, long_about = None, after_help = TOP_EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Messages on stderr as lines for people, or as one JSON object a line with time, level and message.
    #[arg(long, value_enum, global = true, value_name = "text|json", default_value_t = LogFormat::Text)]
    #[arg(env = "CALLSIFT_LOG_FORMAT", hide_env_values = true, hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// Forms of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line: time, level, message.
    Json,
}

const ABOUT: &str = "Inspects call recordings in Mandarin: which calls to hear, and why.";

const TOP_EXAMPLES: &str = "Examples:
  callsift run --recordings /data/2026-11-16 --lake /data/lake --metadata calls.csv
  callsift report --lake /data/lake --dt 2026-11-16
  callsift transcribe call.wav --format srt
  callsift rules test

Exit codes: 0 done · 1 some calls failed or tests did not pass · 2 bad usage, configuration, rules or a missing model \
· 3 the run could not go on (disk, lock); what was written stays";

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Inspect a folder of recordings (or transcripts) into a lake of Parquet.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Inspect the recordings of a manifest for a batch engine: Arrow stream on stdin, results on stdout.
    #[command(after_help = worker::WORKER_EXAMPLES)]
    Worker(WorkerArgs),
    /// Transcribe single files.
    #[command(
        after_help = "Examples:\n  callsift transcribe call.wav\n  callsift transcribe *.mp3 --format json > calls.json"
    )]
    Transcribe(TranscribeArgs),
    /// Report on a lake: verdicts by rule, calls to hear first, failures.
    Report(ReportArgs),
    /// Judge the stored calls of a lake by other rules, without transcribing them again.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Make a consistent copy of a lake out of links, to read from while others write.
    #[command(after_help = "Example:\n  callsift snapshot --lake /data/lake --out /data/lake-now")]
    Snapshot(SnapshotArgs),
    /// Measure precision and recall of rules on labelled calls, or the error rate of recognition.
    #[command(after_help = eval::EXAMPLES)]
    Eval(EvalArgs),
    /// Draw calls for reviewers by a plan; anyone can verify the draw.
    #[command(after_help = sample::SAMPLE_EXAMPLES)]
    Sample(SampleArgs),
    /// Open the web console (质检台) for QA staff.
    #[command(after_help = console::CONSOLE_EXAMPLES)]
    Console(ConsoleArgs),
    /// Estimate true rates from reviewed calls: precision and recall per rule, violations per agent, team and centre.
    #[command(after_help = console::ESTIMATE_EXAMPLES)]
    Estimate(EstimateArgs),
    /// Add, list and change the users of the console.
    #[command(after_help = console::USERS_EXAMPLES)]
    Users(UsersArgs),
    /// Back up, check and restore the reviews database, or export it to the lake as Parquet.
    #[command(after_help = console::REVIEWS_EXAMPLES)]
    Reviews(ReviewsArgs),
    /// Rewrite each day of a lake as few large files, sorted by call id.
    #[command(after_help = compact::COMPACT_EXAMPLES)]
    Compact(CompactArgs),
    /// Find damaged parts of a lake and put them aside.
    #[command(after_help = lake::LAKE_EXAMPLES)]
    Lake(LakeArgs),
    /// Delete calls and recordings after a retention period.
    #[command(after_help = retain::RETAIN_EXAMPLES)]
    Retain(RetainArgs),
    /// Compare a lake's verdicts with expected ones.
    Expect(ExpectArgs),
    /// Check, test, explain and compare rules.
    Rules(RulesArgs),
    /// List, fetch, import and verify models.
    Models(ModelsArgs),
    /// List the audio formats that can be read.
    Formats(JsonArgs),
    /// Print the data dictionary of the lake, or views over it as SQL.
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Print the manual for rule writers, or the JSON schema of rule files.
    Operators {
        /// The JSON schema, for editors.
        #[arg(long)]
        json_schema: bool,
    },
    /// Print the configuration in force.
    Config(ConfigArgs),
    /// Check the installation and measure the speed of this machine.
    Doctor(DoctorArgs),
    /// Inspect the bundled demo calls: what callsift does, in a minute.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Write the manual pages, one for each command.
    Man {
        /// Folder to write to; created if it does not exist.
        dir: PathBuf,
    },
    /// Print a shell completion script.
    #[command(
        after_help = "Example:\n  callsift completion bash > ~/.local/share/bash-completion/completions/callsift"
    )]
    Completion {
        /// The shell.
        shell: Shell,
    },
}

/// Commands that print a table and have no other option.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// `callsift doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

const DEMO_EXAMPLES: &str = "Example:
  callsift demo

It ends with the commands to go on with: the console on these calls, one finding explained, your own recordings.";

/// `callsift demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for the lake; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "callsift-demo")]
    pub dir: PathBuf,
}

const SCHEMA_EXAMPLES: &str = "Examples:
  callsift schema > schema.md
  callsift schema --sql duckdb --lake /data/lake > views.sql && duckdb -init views.sql
  callsift schema --sql spark --lake /data/lake > views.sql
  callsift schema --ddl spark          # columns of the results of `callsift worker`";

/// Engines whose SQL is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SqlName {
    /// `DuckDB`.
    Duckdb,
    /// Spark SQL.
    Spark,
    /// `ClickHouse`.
    Clickhouse,
}

/// Engines in whose words the schema of results is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DdlName {
    /// Spark SQL.
    Spark,
}

/// `callsift schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Print views for this engine in place of the dictionary.
    #[arg(long, value_enum, requires = "lake")]
    pub sql: Option<SqlName>,
    /// The lake, by the path that the engine will read it by.
    #[arg(long, value_name = "LAKE", requires = "sql")]
    pub lake: Option<PathBuf>,
    /// Print the columns of the results of `callsift worker` for this engine.
    #[arg(long, value_enum, conflicts_with = "sql")]
    pub ddl: Option<DdlName>,
    /// Metadata field that names an agent's unit (班组).
    #[arg(long, value_name = "FIELD", default_value = "unit")]
    pub unit_field: String,
}

const RUN_EXAMPLES: &str = "Examples:
  callsift run --recordings /data/2026-11-16 --lake /data/lake --metadata calls.csv
  callsift run --recordings day/ --lake lake --config callsift.toml --workers 8
  callsift run --transcripts calls.jsonl --lake lake
  callsift run --manifest calls.csv --recordings /data --lake lake --shard 3/16
  callsift run --watch /data/incoming --lake /data/lake --metrics callsift.prom

Interrupted or killed? Run the same command again: it skips the calls that are done.";

/// Options shared by commands that read the configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file; callsift.toml shows every option with its default.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Speech model: a name from `callsift models list`, a folder written by `models import`, or a ggml file;
    /// overrides the configuration.
    #[arg(long, value_name = "NAME|PATH")]
    pub model: Option<String>,
}

/// Options shared by commands that judge calls.
#[derive(Debug, Args)]
pub struct RuleArgs {
    /// Folder of rules [default: rules/ of the project or the installation].
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Profile, a selection of the rules; `all` for every rule [default: order-hotline, where the folder has it].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `callsift run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder of recordings, searched with its subfolders; or one file.
    #[arg(long, value_name = "DIR", conflicts_with = "transcripts")]
    #[arg(required_unless_present_any = ["transcripts", "watch", "manifest"])]
    pub recordings: Option<PathBuf>,
    /// Folder of recordings to watch: new ones are inspected as they arrive, until Ctrl-C or SIGTERM.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recordings", "transcripts"])]
    pub watch: Option<PathBuf>,
    /// With --watch: interval between two looks, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub every: u32,
    /// Calls that another system transcribed, one JSON object a line.
    #[arg(long, value_name = "FILE.jsonl")]
    pub transcripts: Option<PathBuf>,
    /// Table that names the recordings: CSV or JSON lines with `recording_id`, `uri`, `dt` and metadata. Relative
    /// paths start from --recordings, else from the folder of the table.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch", "transcripts", "metadata"])]
    pub manifest: Option<PathBuf>,
    /// With --manifest: only the recordings of one share of N, from 0/N to N-1/N, by the hash of their ids. All
    /// shares may write one lake at once.
    #[arg(long, value_name = "I/N", requires = "manifest", value_parser = parse_share)]
    pub shard: Option<Share>,
    /// Lake to write to; created if it does not exist.
    #[arg(long, value_name = "LAKE", alias = "out")]
    pub lake: PathBuf,
    /// Metadata by recording or call id: CSV with a header, or JSON lines.
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Day of all calls, YYYY-MM-DD [default: by the metadata, else today].
    #[arg(long, value_name = "DATE")]
    pub dt: Option<String>,
    /// Recogniser threads [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Calls per part file; a killed run repeats at most so many.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub calls_per_part: u32,
    /// Take a recording once it has not changed for so many seconds. Recordings that still change are left to the
    /// next run. 0 takes all as they are; 60 suits recorders that write during the call.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub settle_secs: u32,
    /// Reprocess failed calls. Each keeps its row until it is done.
    #[arg(long)]
    pub retry_failed: bool,
    /// Language of the report at the end.
    #[arg(long, value_enum, default_value_t = Lang::Zh)]
    pub lang: Lang,
    /// Write what the run did as a Prometheus text file, e.g. for the textfile collector of `node_exporter`.
    #[arg(long, value_name = "FILE.prom")]
    pub metrics: Option<PathBuf>,
    /// Print the summary as JSON on stdout; with --watch a line for every pass.
    #[arg(long)]
    pub json: bool,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}

fn parse_share(text: &str) -> Result<Share, String> {
    text.parse()
}

const REPLAY_EXAMPLES: &str = "Examples:
  callsift rules diff rules rules-new --lake lake     # first see what would change
  callsift replay --lake lake --rules rules-new
  callsift replay --lake lake --rules rules-new --from 2026-10-01 --to 2026-10-31

Stopped or killed? Run it again: each part of the lake changes as a whole or not at all.";

/// Days of a lake; all of them where none is named.
#[derive(Debug, Default, Args)]
pub struct DayArgs {
    /// Only this day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to"])]
    pub dt: Option<String>,
    /// First day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
}

impl DayArgs {
    /// Whether any day is named.
    pub fn is_any(&self) -> bool {
        self.dt.is_some() || self.from.is_some() || self.to.is_some()
    }
}

/// `callsift replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Which days.
    #[command(flatten)]
    pub days: DayArgs,
    /// Also replay calls produced with a different configuration; they then carry the present one.
    #[arg(long)]
    pub other_options: bool,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Print the summary as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `callsift snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// Folder of the snapshot; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print what it holds as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Transcript formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TranscriptFormat {
    /// Turns with time and role.
    Txt,
    /// Turns with characters, times and probabilities.
    Json,
    /// `SubRip` subtitles.
    Srt,
    /// `WebVTT` subtitles.
    Vtt,
}

/// `callsift transcribe`.
#[derive(Debug, Args)]
pub struct TranscribeArgs {
    /// Recordings.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TranscriptFormat::Txt)]
    pub format: TranscriptFormat,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `callsift report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// Which days.
    #[command(flatten)]
    pub days: DayArgs,
    /// Language of the report; sentences of the calls stay as they are.
    #[arg(long, value_enum, default_value_t = Lang::Zh)]
    pub lang: Lang,
    /// Number of calls to list.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Languages of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// One of two.
    pub fn of<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// `callsift expect`.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    /// The lake.
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// One JSON object a line: `{"call_id":…,"status":…,"expect":{"rule-id":"hit|clear|cannot_tell|not_applicable"}}`.
    #[arg(value_name = "FILE.jsonl")]
    pub file: PathBuf,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}
