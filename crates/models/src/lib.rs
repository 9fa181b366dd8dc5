//! Model manifest, verified downloads, and the one place that opens the ONNX runtime.
//!
//! [`Manifest`] says which models there are, [`locate`] where a model's file lies on this machine, [`pull`] fetches
//! and verifies one, and [`onnx::session`] opens an ONNX graph. Nothing here is fetched unless [`pull`] is called.

mod download;
mod error;
mod hash;
mod locate;
mod manifest;
pub mod onnx;
mod pull;
mod wheels;

pub use error::ModelError;
pub use hash::file_sha256;
pub use locate::{HOME_ENV, Places, locate, locate_file, locate_in};
pub use manifest::{Manifest, ModelEntry, ModelFile, ModelKind, PipMember};
pub use pull::{PullOptions, Pulled, pull, verify, verify_file};
