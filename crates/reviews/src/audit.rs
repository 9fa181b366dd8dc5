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

    /// Adds a line unless the same person did the same with the call less than `within_us` ago: what is done in many small
    /// steps is one line for each such stretch. Whoever asks twice at once gets one line. Lines of the future say nothing: the
    /// clock was set back since.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn log_stretch(
        &self,
        at_us: i64,
        who: &str,
        action: &str,
        call_id: &str,
        within_us: i64,
    ) -> Result<(), ReviewsError> {
        let sql = "INSERT INTO audit (at_us, who, action, call_id, detail)
                   SELECT ?1, ?2, ?3, ?4, '' WHERE NOT EXISTS
                     (SELECT 1 FROM audit WHERE at_us > ?1 - ?5 AND at_us <= ?1 AND who = ?2 AND action = ?3 AND call_id = ?4)";
        self.conn.prepare_cached(sql)?.execute(params![at_us, who, action, call_id, within_us])?;
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

#[cfg(test)]
mod tests {
    use crate::db::tests::centre;

    #[test]
    fn a_stretch_is_one_line_for_each_person_and_call() {
        let (_dir, db) = centre();
        let steps =
            [(0, "r1", "c1"), (5, "r1", "c1"), (9, "r2", "c1"), (9, "r1", "c2"), (10, "r1", "c1"), (15, "r1", "c1")];
        for (at, who, call) in steps {
            db.log_stretch(at, who, "listen", call, 10).unwrap();
        }
        let lines = db.audit(20).unwrap();
        let lines: Vec<_> =
            lines.iter().rev().map(|a| (a.at_us, a.who.as_str(), a.call_id.as_deref().unwrap())).collect();
        assert_eq!(lines, [(0, "r1", "c1"), (9, "r2", "c1"), (9, "r1", "c2"), (10, "r1", "c1")]);
        // The clock went back by an hour: what is heard now is written down all the same.
        db.log_stretch(-100, "r1", "listen", "c1", 10).unwrap();
        db.log_stretch(-95, "r1", "listen", "c1", 10).unwrap();
        assert_eq!((db.audit(20).unwrap().len(), db.audit(1).unwrap()[0].at_us), (5, -100));
    }
}
