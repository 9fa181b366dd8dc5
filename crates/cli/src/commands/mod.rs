//! One file per command.

pub mod about;
pub mod doctor;
pub mod expect;
pub mod models;
pub mod report;
pub mod rules;
pub mod run;
pub mod transcribe;
