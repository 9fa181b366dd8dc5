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
    /// Labelled calls; may be given more than once.
    #[arg(long, value_name = "FILE.jsonl", required_unless_present_any = ["numbers", "speech", "punctuation", "spoken"])]
    pub labelled: Vec<PathBuf>,
    /// Lines in which 【】 encloses what must be masked: measures the masking of customers' numbers instead of rules.
    #[arg(long, value_name = "FILE.txt", conflicts_with = "labelled")]
    pub numbers: Option<PathBuf>,
    /// Lines that people punctuated: takes the marks out, puts them in again and measures the difference.
    #[arg(long, value_name = "FILE.txt", conflicts_with_all = ["labelled", "numbers", "speech"])]
    pub punctuation: Option<PathBuf>,
    /// Turns that were spoken in recordings beside this file (or in this folder's references.jsonl): transcribes and measures
    /// recognition instead of rules.
    #[arg(long, value_name = "FILE.jsonl|DIR", conflicts_with_all = ["labelled", "numbers"])]
    pub speech: Option<PathBuf>,
    /// Labelled calls that were spoken (a folder with dev.jsonl, test.jsonl): measures rules on what was said and on what was
    /// heard of it, side by side. Where their recordings lie beside them they are transcribed, and heard-SET.jsonl is written.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["labelled", "numbers", "speech", "punctuation"])]
    pub spoken: Option<PathBuf>,
    /// Only this set of the spoken calls.
    #[arg(long, value_name = "dev|test", requires = "spoken")]
    pub set: Option<String>,
    /// What another recogniser heard of these recordings, in the same form: measures that, and transcribes nothing.
    #[arg(long, value_name = "FILE.jsonl", requires = "speech")]
    pub hypotheses: Option<PathBuf>,
    /// Recogniser threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Which rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Show so many wrong verdicts per rule, with call and reason.
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
