//! Listening plans (抽取录音原则): which calls people hear, drawn so that anyone can draw again, and who hears which.
//!
//! A draw depends on three things only: the plan, the seed, and the frame, the list of calls that could be drawn. There is
//! no random generator: whatever is left to chance is decided by SHA-256 over seed, hash of the frame and what is being
//! decided, so that a draw can be checked in any language with a page of code. Seed and hash of the frame are published
//! before the draw is looked at.

pub mod agreement;
pub mod allocate;
pub mod assign;
pub mod chance;
pub mod draw;
pub mod error;
pub mod estimate;
pub mod frame;
pub mod half_month;
pub mod plan;
pub mod risk;

pub use assign::{Assignment, assign};
pub use draw::{Draw, Findings, Picked, draw, draw_with};
pub use error::SamplingError;
pub use frame::{Frame, FrameCall};
pub use plan::Plan;
