//! What people typed and did not send yet: theirs alone, no history, gone when it is sent.

use rusqlite::{Connection, params};

use crate::db::Db;
use crate::error::ReviewsError;

/// Longest draft, bytes.
pub const MOST_BYTES: usize = 40_000;
/// Drafts of one person; the oldest go first.
const KEEP: i64 = 500;
/// Nobody comes back to what is older: 60 days.
const OLD_US: i64 = 60 * 86_400_000_000;

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Call that it is about.
    pub call_id: String,
    /// Which form of the page.
    pub name: String,
    /// What was typed, as the page wrote it.
    pub value: String,
    /// When, microseconds since the epoch.
    pub at_us: i64,
}

/// Forgets all that a person typed about a call.
pub(crate) fn forget(conn: &Connection, user_id: i64, call_id: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM drafts WHERE user_id = ?1 AND call_id = ?2")?
        .execute(params![user_id, call_id])?;
    Ok(())
}

impl Db {
    /// Keeps what a person typed; an empty text forgets it. Longer texts than [`MOST_BYTES`] are not kept.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn keep_draft(&mut self, user_id: i64, draft: &Draft) -> Result<(), ReviewsError> {
        if draft.value.len() > MOST_BYTES {
            return Ok(());
        }
        self.alone(|conn| {
            if draft.value.is_empty() {
                let sql = "DELETE FROM drafts WHERE user_id = ?1 AND call_id = ?2 AND name = ?3";
                conn.prepare_cached(sql)?.execute(params![user_id, draft.call_id, draft.name])?;
                return Ok(());
            }
            let sql = "INSERT INTO drafts (user_id, call_id, name, value, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO UPDATE SET value = ?4, at_us = ?5";
            let Draft { call_id, name, value, at_us } = draft;
            conn.prepare_cached(sql)?.execute(params![user_id, call_id, name, value, at_us])?;
            let old = "DELETE FROM drafts WHERE user_id = ?1 AND (at_us < ?2 OR at_us <
                         (SELECT at_us FROM drafts WHERE user_id = ?1 ORDER BY at_us DESC LIMIT 1 OFFSET ?3))";
            conn.prepare_cached(old)?.execute(params![user_id, at_us - OLD_US, KEEP])?;
            Ok(())
        })
    }

    /// What a person typed about a call, or about all of them; the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn drafts(&self, user_id: i64, call_id: Option<&str>) -> Result<Vec<Draft>, ReviewsError> {
        let sql = "SELECT call_id, name, value, at_us FROM drafts
                   WHERE user_id = ?1 AND (?2 IS NULL OR call_id = ?2) ORDER BY at_us DESC, call_id, name";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![user_id, call_id], |r| {
            Ok(Draft { call_id: r.get(0)?, name: r.get(1)?, value: r.get(2)?, at_us: r.get(3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Draft, KEEP, MOST_BYTES, OLD_US};
    use crate::db::tests::centre;

    fn draft(call: &str, value: &str, at_us: i64) -> Draft {
        Draft { call_id: call.into(), name: "sheet".into(), value: value.into(), at_us }
    }

    #[test]
    fn what_was_typed_last_is_kept_for_its_author() {
        let (_dir, mut db) = centre();
        db.keep_draft(2, &draft("c1", "语速", 1)).unwrap();
        db.keep_draft(2, &draft("c1", "语速平稳", 2)).unwrap();
        db.keep_draft(3, &draft("c1", "别人的", 3)).unwrap();
        assert_eq!(db.drafts(2, Some("c1")).unwrap(), [draft("c1", "语速平稳", 2)]);
        db.keep_draft(2, &draft("c1", &"长".repeat(MOST_BYTES), 3)).unwrap();
        assert_eq!(db.drafts(2, None).unwrap().len(), 1, "too long to be typed");
        db.keep_draft(2, &draft("c1", "", 4)).unwrap();
        assert!(db.drafts(2, None).unwrap().is_empty() && db.drafts(3, None).unwrap().len() == 1);
    }

    #[test]
    fn drafts_do_not_pile_up() {
        let (_dir, mut db) = centre();
        for i in 0..KEEP + 20 {
            db.keep_draft(2, &draft(&format!("c{i}"), "x", i)).unwrap();
        }
        assert!(db.drafts(2, None).unwrap().len() as i64 <= KEEP + 1);
        db.keep_draft(2, &draft("new", "x", OLD_US * 2)).unwrap();
        assert_eq!(db.drafts(2, None).unwrap().len(), 1);
    }
}
