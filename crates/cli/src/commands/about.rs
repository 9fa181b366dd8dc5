//! Commands that print what is built in.
#![expect(clippy::unnecessary_wraps, reason = "all commands have one shape")]

use std::path::Path;

use anyhow::{Context, Result};
use callsift_audio::FORMATS;
use callsift_rules::docs;
use callsift_store::views::{Dialect, views};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Cli, ConfigArgs, DdlName, SchemaArgs, SqlName};
use crate::exit::Exit;
use crate::load;
use crate::output::{emit, emit_value, table};

/// `callsift formats`.
pub fn formats(json: bool) -> Result<Exit> {
    if json {
        let format = |f: &callsift_audio::Format| {
            serde_json::json!({
                "format": f.name, "extensions": f.extensions, "decoder": f.decoder.as_str(), "note": f.note,
            })
        };
        let formats: Vec<_> = FORMATS.iter().map(format).collect();
        emit_value(&serde_json::json!({ "formats": formats, "ffmpeg": callsift_audio::ffmpeg_program() }))?;
        return Ok(Exit::Done);
    }
    let mut rows = vec![["FORMAT", "EXTENSIONS", "DECODER", "NOTE"].map(str::to_owned).to_vec()];
    rows.extend(
        FORMATS
            .iter()
            .map(|f| vec![f.name.to_owned(), f.extensions.join(" "), f.decoder.as_str().to_owned(), f.note.to_owned()]),
    );
    let ffmpeg = callsift_audio::ffmpeg_program();
    let found =
        ffmpeg.map_or_else(|| "not found; install ffmpeg for its formats".to_owned(), |p| p.display().to_string());
    emit(&format!(
        "{}\nffmpeg: {found}\nFormats are recognised by their first bytes, not by their extension.\n",
        table(&rows)
    ));
    Ok(Exit::Done)
}

/// `callsift schema`.
pub fn schema(args: &SchemaArgs) -> Result<Exit> {
    if let Some(DdlName::Spark) = args.ddl {
        emit(&callsift_store::results_ddl());
        return Ok(Exit::Done);
    }
    let (Some(sql), Some(lake)) = (args.sql, &args.lake) else {
        emit(&callsift_store::dictionary_markdown());
        return Ok(Exit::Done);
    };
    let dialect = match sql {
        SqlName::Duckdb => Dialect::DuckDb,
        SqlName::Spark => Dialect::Spark,
        SqlName::Clickhouse => Dialect::ClickHouse,
    };
    // Engines have other folders than the shell that printed this.
    let lake = lake.canonicalize().unwrap_or_else(|_| lake.clone());
    let has_files = |day: std::io::Result<std::fs::DirEntry>| day.is_ok_and(|d| d.path().is_dir());
    let reviews = std::fs::read_dir(lake.join("reviews")).is_ok_and(|mut days| days.any(has_files));
    emit(&views(dialect, &lake.to_string_lossy(), &args.unit_field, reviews));
    Ok(Exit::Done)
}

/// `callsift operators`.
pub fn operators(json_schema: bool) -> Result<Exit> {
    emit(&if json_schema { docs::json_schema() } else { docs::rules_markdown() });
    Ok(Exit::Done)
}

/// `callsift config`.
pub fn config(args: &ConfigArgs) -> Result<Exit> {
    emit(&toml::to_string(&load::config(args)?)?);
    Ok(Exit::Done)
}

/// `callsift man`: `callsift.1`, `callsift-run.1`, ….
pub fn man(folder: &Path) -> Result<Exit> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Pages of `help` would only repeat the others.
    let command = Cli::command().disable_help_subcommand(true);
    let command = command.mut_subcommands(|command| command.disable_help_subcommand(true));
    clap_mangen::generate_to(command, folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(Exit::Done)
}

/// `callsift completion`.
pub fn completion(shell: Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "callsift", &mut script);
    emit(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
