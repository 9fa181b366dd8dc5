//! The `callsift` command: arguments, printing, exit codes. Everything else lies in the libraries.

#![expect(unreachable_pub, reason = "a binary has no API: `pub` marks what a module offers to the others")]

mod args;
mod commands;
mod cpu;
#[cfg(test)]
mod documents;
mod exit;
mod input;
mod lake;
mod load;
mod nearest;
mod output;
mod place;
mod progress;
mod quiet;
mod rule_folder;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Exit;

/// Judging makes many small things and drops them; see Cargo.toml.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quiet::start();
    let cli = Cli::parse();
    // Programs read what a worker says.
    let machine = matches!(cli.command, Command::Worker(_));
    output::log_as(if machine { args::LogFormat::Json } else { cli.log_format });
    let result = match cli.command {
        Command::Run(args) => commands::run::run(args),
        Command::Worker(args) => commands::worker::run(&args),
        Command::Transcribe(args) => commands::transcribe::run(&args),
        Command::Report(mut args) => place::to_read(&mut args.lake).and_then(|_held| commands::report::run(&args)),
        Command::Expect(args) => commands::expect::run(&args),
        Command::Replay(mut args) => place::writing(&mut args.lake.clone(), |lake| {
            args.lake = lake;
            commands::replay::run(&args)
        }),
        Command::Snapshot(args) => commands::snapshot::run(&args),
        Command::Sample(args) => commands::sample::run(&args),
        Command::Console(args) => commands::console::run(args),
        Command::Estimate(args) => commands::estimate::run(&args),
        Command::Users(args) => commands::users::run(&args),
        Command::Reviews(args) => commands::reviews::run(&args),
        Command::Compact(mut args) => place::writing(&mut args.lake.clone(), |lake| {
            args.lake = lake;
            commands::compact::run(&args)
        }),
        Command::Lake(args) => commands::lake::run(&args),
        Command::Retain(args) => commands::retain::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Rules(args) => commands::rules::run(&args),
        Command::Models(args) => commands::models::run(&args),
        Command::Formats(args) => commands::about::formats(args.json),
        Command::Schema(args) => commands::about::schema(&args),
        Command::Operators { json_schema } => commands::about::operators(json_schema),
        Command::Config(args) => commands::about::config(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Man { dir } => commands::about::man(&dir),
        Command::Completion { shell } => commands::about::completion(shell),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            output::error(&error);
            Exit::of(&error).code()
        }
    }
}
