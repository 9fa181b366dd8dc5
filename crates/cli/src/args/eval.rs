//! Arguments of `callsift eval`.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, RuleArgs};

pub(super) const EXAMPLES: &str = "Examples:
  callsift eval --labelled tests/labelled/test.jsonl
  callsift eval --labelled calls.jsonl --rules rules-new --profile all --wrong 20
  callsift eval --speech tests/real/calls --model whisper-base
  callsift eval --spoken tests/spoken --set dev --wrong 5

A line of --speech is a turn: {\"file\": \"a.wav\", \"channel\": 0, \"start_ms\": 900, \"end_ms\": 2400, \"text\": \"您好\"}.
A line of --labelled is a call as for `run --transcripts`, with \"expect\": {\"rule-id\": \"hit|clear|cannot_tell|not_applicable\"}.";

/// `callsift eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Labelled calls; may be given several times.
    #[arg(long, value_name = "FILE.jsonl", required_unless_present_any = ["numbers", "speech", "punctuation", "spoken"])]
    pub labelled: Vec<PathBuf>,
    /// Measure the masking of customers' numbers on lines in which 【】 encloses what must be masked.
    #[arg(long, value_name = "FILE.txt", conflicts_with = "labelled")]
    pub numbers: Option<PathBuf>,
    /// Measure punctuation: removes the marks of these lines, restores them and compares.
    #[arg(long, value_name = "FILE.txt", conflicts_with_all = ["labelled", "numbers", "speech"])]
    pub punctuation: Option<PathBuf>,
    /// Measure recognition: transcribes the recordings beside this file (or this folder's references.jsonl) and
    /// compares with its turns.
    #[arg(long, value_name = "FILE.jsonl|DIR", conflicts_with_all = ["labelled", "numbers"])]
    pub speech: Option<PathBuf>,
    /// Measure rules on spoken calls (a folder with SET.jsonl, one or several): on the text and on what was recognised,
    /// side by side. Recordings beside them are transcribed to heard-SET.jsonl first.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["labelled", "numbers", "speech", "punctuation"])]
    pub spoken: Option<PathBuf>,
    /// Only this set of the spoken calls.
    #[arg(long, value_name = "SET", requires = "spoken")]
    pub set: Option<String>,
    /// Transcripts of another recogniser, in the same form: measures these and transcribes nothing.
    #[arg(long, value_name = "FILE.jsonl", requires = "speech")]
    pub hypotheses: Option<PathBuf>,
    /// Recogniser threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Number of wrong verdicts to show per rule, with call and reason.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub wrong: usize,
    /// Only this rule.
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Print as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
}
