//! A recording and what is known of its call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who started the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer called the centre.
    Inbound,
    /// An agent called the customer.
    Outbound,
    /// Not given in the metadata.
    #[default]
    Unknown,
}

impl Direction {
    /// Name used in tables and rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the names that centres write: `in`, `inbound`, `呼入`, `out`, `outbound`, `呼出`; anything else is unknown.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "in" | "inbound" | "呼入" => Self::Inbound,
            "out" | "outbound" | "呼出" | "外呼" => Self::Outbound,
            _ => Self::Unknown,
        }
    }
}

/// Metadata of a call; everything but the id may be absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallMeta {
    /// Unique id of the call; the file stem where no metadata gives one.
    pub call_id: String,
    /// Agent's number (工号).
    pub agent_id: Option<String>,
    /// Agent's name.
    pub agent_name: Option<String>,
    /// Queue or skill group.
    pub queue: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// Customer's code.
    pub customer_id: Option<String>,
    /// Start of the call, microseconds since the Unix epoch (UTC).
    pub started_at_us: Option<i64>,
    /// Calendar day of the call at the centre, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The order as recorded by the order system, `item=quantity unit;…`.
    pub order: Option<String>,
    /// Any other field of the metadata, kept by name.
    pub extra: BTreeMap<String, String>,
}

/// One recording to inspect.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Where the audio lies.
    pub path: PathBuf,
    /// Path relative to the recordings folder, with `/` between parts: what tables show.
    pub name: String,
    /// What is known of the call.
    pub meta: CallMeta,
}
