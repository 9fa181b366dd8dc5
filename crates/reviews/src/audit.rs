//! The audit log: who heard, saw or took out what.

use rusqlite::params;

use crate::db::Db;
use crate::error::ReviewsError;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, microseconds since the epoch.
    pub at_us: i64,
    /// Login name; what was typed where a login failed.
    pub who: String,
    /// What: `login`, `login_failed`, `listen`, `clip`, `export`, `verdict` …
    pub action: String,
    /// Call, where it concerns one.
    pub call_id: Option<String>,
    /// More.
    pub detail: String,
}

impl Db {
    /// Adds a line.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn log(
        &self,
        at_us: i64,
        who: &str,
        action: &str,
        call_id: Option<&str>,
        detail: &str,
    ) -> Result<(), ReviewsError> {
        self.conn.execute(
            "INSERT INTO audit (at_us, who, action, call_id, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![at_us, who, action, call_id, detail],
        )?;
        Ok(())
    }

    /// The last lines, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, ReviewsError> {
        let sql = "SELECT at_us, who, action, call_id, detail FROM audit ORDER BY id DESC LIMIT ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([limit as i64], |r| {
            let (at_us, who, action) = (r.get(0)?, r.get(1)?, r.get(2)?);
            Ok(AuditEntry { at_us, who, action, call_id: r.get(3)?, detail: r.get(4)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
