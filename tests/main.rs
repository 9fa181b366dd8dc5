//! The one integration binary: the real command over real audio, with the real models. `make setup` brings what it needs.

#![expect(unreachable_pub, clippy::unwrap_used, reason = "a test binary has no API, and its helpers are tests too")]

mod cli;
mod compact;
mod console;
mod damaged;
mod demo;
mod documents;
mod estimate;
mod hostile;
mod intake;
mod killed;
mod mistakes;
mod models;
mod packages;
mod questions;
mod readers;
mod real;
mod reports;
mod retain;
mod rules;
mod sample;
mod shards;
mod spoken;
mod steering;
mod support;
mod transcripts;
mod watch;
mod worker;
