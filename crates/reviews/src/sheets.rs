//! The centre's own items of the listening form, by version: what a form was filled in with stays readable when items
//! change.

use rusqlite::{OptionalExtension, params};

use crate::db::Db;
use crate::error::{Invalid, ReviewsError};

impl Db {
    /// Keeps a version of the items, JSON; one that is there already must be the same.
    ///
    /// # Errors
    /// The version is known with other items.
    pub fn keep_sheet(&mut self, version: &str, content: &str, now_us: i64) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            let sql = "SELECT content FROM form_sheets WHERE version = ?1";
            match conn.query_row(sql, [version], |r| r.get::<_, String>(0)).optional()? {
                Some(known) if known == content => Ok(()),
                Some(_) => Err(Invalid::SheetVersion(version.to_owned()).into()),
                None => {
                    let sql = "INSERT INTO form_sheets (version, content, at_us) VALUES (?1, ?2, ?3)";
                    conn.execute(sql, params![version, content, now_us])?;
                    Ok(())
                }
            }
        })
    }

    /// The items of a version.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sheet(&self, version: &str) -> Result<Option<String>, ReviewsError> {
        let sql = "SELECT content FROM form_sheets WHERE version = ?1";
        Ok(self.conn.prepare_cached(sql)?.query_row([version], |r| r.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::forms::tests::form;
    use crate::forms::{NewForm, With};

    #[test]
    fn a_form_keeps_the_version_that_it_was_filled_in_with() {
        let (_dir, mut db) = centre();
        db.keep_sheet("2026-01", "[1]", 1).unwrap();
        db.keep_sheet("2026-01", "[1]", 2).unwrap();
        assert!(db.keep_sheet("2026-01", "[2]", 3).is_err(), "another version needs another name");
        assert_eq!((db.sheet("2026-01").unwrap().as_deref(), db.sheet("x").unwrap()), (Some("[1]"), None));
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let new = NewForm { items: r#"{"own/tone":5.0}"#.into(), score: 95.0, ..form("c1", 3, None) };
        let unknown = With { sheet: Some("2027"), ..With::default() };
        assert!(db.submit_form_with(&new, &unknown).is_err(), "no such version");
        db.submit_form_with(&new, &With { sheet: Some("2026-01"), ..With::default() }).unwrap();
        let kept = db.form_of("c1", Slot::First).unwrap().unwrap();
        assert_eq!((kept.sheet.as_deref(), kept.items.as_str()), (Some("2026-01"), r#"{"own/tone":5.0}"#));
        assert!(db.connection().execute("UPDATE form_sheets SET content = 'x'", []).is_err());
    }
}
