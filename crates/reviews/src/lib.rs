//! The reviews database: users, sessions, draws, claims, verdicts, forms, appeals and the audit log.
//!
//! One `SQLite` file in WAL mode with `synchronous=FULL`: what was acknowledged survives a killed process and a lost power
//! supply. What people said is only ever added, never changed: triggers in the database refuse both change and deletion. A new
//! verdict names the one that it replaces, so two people who act on one place at once cannot both win.
//!
//! Times are microseconds since the Unix epoch and are given by the caller: this crate reads no clock.

pub mod appeals;
pub mod audit;
pub mod causes;
pub mod claims;
pub mod clock;
pub mod corrections;
pub mod db;
pub mod drafts;
pub mod draws;
pub mod error;
pub mod forms;
pub mod handovers;
pub mod heard;
pub mod holders;
pub mod holds;
pub mod keeping;
pub mod lessons;
pub mod password;
pub mod private;
pub mod raised;
pub mod receipts;
pub mod sessions;
pub mod sheets;
pub mod summaries;
pub mod users;
pub mod verdicts;

pub use appeals::{Appeal, AppealFilter};
pub use audit::AuditEntry;
pub use causes::Cause;
pub use claims::{Claim, STEP_US, Slot};
pub use corrections::Correction;
pub use db::Db;
pub use drafts::Draft;
pub use draws::{DrawCall, DrawRecord};
pub use error::{Invalid, ReviewsError, TooLate};
pub use forms::{Form, NewForm, With, score};
pub use handovers::{DrawLine, Handover, Share};
pub use holders::{DRAWN_WHOLE, HEARD_ENOUGH, Holder};
pub use holds::Hold;
pub use keeping::{BACKUPS, backups, hold, restore};
pub use lessons::{Handed, Lesson, NewLesson};
pub use raised::{NewRaised, Notice, Raised, RaisedKind};
pub use receipts::Receipt;
pub use sessions::{Session, Token};
pub use summaries::{NewSummary, Step, SummaryPart, SummaryStep};
pub use users::{NewUser, Role, User};
pub use verdicts::{Judgement, NewVerdict, Published, Source, VerdictRow};
