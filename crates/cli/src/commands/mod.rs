//! One file per command.

pub mod about;
pub mod doctor;
pub mod eval;
pub mod expect;
pub mod models;
pub mod replay;
pub mod report;
pub mod rules;
pub mod run;
pub mod sample;
pub mod transcribe;
