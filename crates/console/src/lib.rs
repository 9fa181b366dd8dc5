//! The web console (质检台): QA staff hear the calls that deserve it and say what is true of them.
//!
//! Pages are made on the server from two `SQLite` files: the catalogue, a copy of the lake that may be lost
//! (`catalog`), and the reviews database, which may not (crate `callsift-reviews`). Recordings are only ever read by the
//! call they belong to: no address holds a path. Everything works by keyboard; scripts are few, small and of this server only.

mod addresses;
mod app;
mod auth;
mod catalog;
mod connections;
mod error;
pub mod figures;
mod lang;
mod notify;
mod options;
mod own_items;
mod page_error;
mod pages;
mod retain;
mod sampler;
mod serve;
mod sound;
pub mod spreadsheet;
mod turns;
mod workbook;

pub use app::now_us;
pub use error::ConsoleError;
pub use options::{ConsoleOptions, Labeller, Notify, Tls};
pub use own_items::{OwnItem, OwnItems};
pub use retain::{Forgotten, forget_removed};
pub use sampler::{Load, Outcome, PlanName, Sampler, Wish};
pub use serve::serve;
