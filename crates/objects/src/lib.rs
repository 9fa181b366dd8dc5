//! Object storage: S3 and what speaks it, Google Cloud Storage, Azure.
//!
//! callsift works on folders. What lies in object storage is mirrored into a folder on this machine, where only what
//! changed travels ([`Mirror`]); a lake goes back by one commit that happens as a whole or not at all ([`LakeMirror`]).
//! docs/many-machines.md says why.

mod address;
mod error;
mod fetch;
mod lake;
mod mirror;
mod remote;

pub use address::{Address, is_address};
pub use error::ObjectError;
pub use fetch::Fetcher;
pub use lake::LakeMirror;
pub use mirror::{Mirror, Place};
pub use remote::Remote;
