//! The one integration binary: the real command over real audio, with the real models. `make setup` brings what it needs.

mod cli;
mod demo;
mod hostile;
mod killed;
mod readers;
mod support;
mod transcripts;
