//! One file per command.

pub mod about;
pub mod compact;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod estimate;
pub mod eval;
pub mod expect;
pub mod lake;
pub mod models;
pub mod replay;
pub mod report;
pub mod retain;
pub mod reviews;
pub mod rules;
pub mod run;
pub mod sample;
pub mod snapshot;
pub mod transcribe;
pub mod users;
pub mod worker;
