//! Receipts (签收): an agent says that the result of a call was read.

use rusqlite::{Connection, OptionalExtension, params};

use crate::claims::Slot;
use crate::db::Db;
use crate::error::ReviewsError;

/// A receipt of one version of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The version that was read.
    pub form_id: i64,
    /// Who, by display name.
    pub by: String,
    /// When, microseconds since the epoch.
    pub at_us: i64,
}

impl Db {
    /// Signs the form that stands for a call. That the call is the person's own is the caller's to check. Whoever signed it before
    /// keeps the first time.
    ///
    /// # Errors
    /// No form was handed in, or another version than the one that was read stands now.
    pub fn sign(&mut self, call_id: &str, form_id: i64, user_id: i64, now_us: i64) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            let sql = "SELECT f.id, u.display FROM current_forms f JOIN users u ON u.id = f.user_id
                       WHERE f.call_id = ?1 AND f.slot = 0";
            let row = |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?));
            let (standing, by) =
                conn.query_row(sql, [call_id], row).optional()?.ok_or(ReviewsError::Missing("form"))?;
            if standing != form_id {
                return Err(ReviewsError::Overtaken { by });
            }
            let sql = "INSERT INTO receipts (form_id, user_id, at_us)
                       SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE form_id = ?1)";
            conn.execute(sql, params![form_id, user_id, now_us])?;
            Ok(())
        })
    }

    /// The last receipt of a call's form, of whichever version.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn receipt_of(&self, call_id: &str) -> Result<Option<Receipt>, ReviewsError> {
        let sql = "SELECT r.form_id, u.display, r.at_us FROM receipts r JOIN forms f ON f.id = r.form_id
                   JOIN users u ON u.id = r.user_id WHERE f.call_id = ?1 AND f.slot = ?2 ORDER BY f.id DESC LIMIT 1";
        let row = |r: &rusqlite::Row<'_>| Ok(Receipt { form_id: r.get(0)?, by: r.get(1)?, at_us: r.get(2)? });
        Ok(self.conn.prepare_cached(sql)?.query_row(params![call_id, Slot::First.number()], row).optional()?)
    }
}

/// What agents get a part of and sign: the name of the key in both tables, that of who got it, and that of who signed.
pub(crate) struct Parts {
    pub key: &'static str,
    pub agents: &'static str,
    pub receipts: &'static str,
    /// What is missing where the agent got no part.
    pub what: &'static str,
}

impl Parts {
    /// An agent signs the own part. Whoever signed it before keeps the first time.
    pub(crate) fn sign(
        &self,
        conn: &Connection,
        (id, agent_id): (i64, &str),
        user_id: i64,
        now_us: i64,
    ) -> Result<(), ReviewsError> {
        let Self { key, agents, receipts, what } = self;
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {agents} WHERE {key} = ?1 AND agent_id = ?2)");
        if !conn.query_row(&sql, params![id, agent_id], |r| r.get::<_, bool>(0))? {
            return Err(ReviewsError::Missing(what));
        }
        let sql = format!(
            "INSERT INTO {receipts} ({key}, agent_id, user_id, at_us) SELECT ?1, ?2, ?3, ?4
             WHERE NOT EXISTS (SELECT 1 FROM {receipts} WHERE {key} = ?1 AND agent_id = ?2)"
        );
        conn.execute(&sql, params![id, agent_id, user_id, now_us])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::forms::tests::form;

    #[test]
    fn a_version_is_signed_once_and_only_while_it_stands() {
        let (_dir, mut db) = centre();
        assert!(db.sign("c1", 1, 1, 9).is_err(), "nothing was handed in");
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let first = db.submit_form(&form("c1", 1, None)).unwrap();
        db.sign("c1", first, 1, 5).unwrap();
        db.sign("c1", first, 1, 6).unwrap();
        let receipt = db.receipt_of("c1").unwrap().unwrap();
        assert_eq!((receipt.form_id, receipt.by.as_str(), receipt.at_us), (first, "a", 5));
        db.claim("c1", Slot::First, 2, 7, 100).unwrap();
        let second = db.submit_form(&form("c1", 8, Some(first))).unwrap();
        assert!(db.sign("c1", first, 1, 9).is_err(), "a newer version stands");
        assert_eq!(db.receipt_of("c1").unwrap().unwrap().form_id, first, "the old one stays on record");
        db.sign("c1", second, 1, 9).unwrap();
        assert!(db.connection().execute("DELETE FROM receipts", []).is_err());
    }
}
