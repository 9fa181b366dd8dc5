//! The file: opened, brought up to date, backed up.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::error::ReviewsError;
use crate::{keeping, private};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);

pub(crate) fn migrations() -> &'static Migrations<'static> {
    static MIGRATIONS: OnceLock<Migrations<'static>> = OnceLock::new();
    // A step that was released is never changed; a new one is added below it.
    MIGRATIONS.get_or_init(|| {
        let steps = [
            include_str!("../migrations/001-start.sql"),
            include_str!("../migrations/002-views.sql"),
            include_str!("../migrations/003-causes.sql"),
            include_str!("../migrations/004-blind.sql"),
            include_str!("../migrations/005-order.sql"),
            include_str!("../migrations/006-stays.sql"),
            include_str!("../migrations/007-devices.sql"),
            include_str!("../migrations/008-published.sql"),
            include_str!("../migrations/009-heard.sql"),
            include_str!("../migrations/010-roles.sql"),
            include_str!("../migrations/011-summaries.sql"),
            include_str!("../migrations/012-sheets.sql"),
            include_str!("../migrations/013-raised.sql"),
            include_str!("../migrations/014-handovers.sql"),
            include_str!("../migrations/015-lessons.sql"),
            include_str!("../migrations/016-address-key.sql"),
            include_str!("../migrations/017-corrections.sql"),
        ];
        // Foreign keys are off meanwhile, so that a table may be made anew: a step that broke one is not committed.
        Migrations::new(steps.into_iter().map(|sql| M::up(sql).foreign_key_check()).collect())
    })
}

/// A connection to the reviews database. One per thread; writers wait for each other.
pub struct Db {
    pub(crate) conn: Connection,
}

impl Db {
    /// Name of the file in the console's folder.
    pub const FILE: &'static str = "reviews.db";

    /// Opens the database of a folder; makes both where they are not there.
    ///
    /// # Errors
    /// As [`Db::open`]; the folder cannot be made.
    pub fn open_in(folder: &Path) -> Result<Self, ReviewsError> {
        let fail = |source| ReviewsError::Folder { path: folder.to_owned(), source };
        private::folder(folder).map_err(fail)?;
        Self::open(&folder.join(Self::FILE))
    }

    /// Opens the file, makes it where it is not there, and brings it up to date.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, empty or another program's, or a newer callsift made it. Where it is gone but
    /// its log or nightly copies are there, no new one is begun.
    pub fn open(path: &Path) -> Result<Self, ReviewsError> {
        let fail = |source| keeping::of(path, source);
        if !path.exists() {
            keeping::make(path)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let mut conn = Connection::open_with_flags(path, flags).map_err(fail)?;
        conn.busy_timeout(BUSY).map_err(fail)?;
        keeping::look(path, &conn)?;
        // The mode stays in the file; whoever comes second finds it set.
        conn.pragma_update(None, "journal_mode", "wal").map_err(fail)?;
        // FULL: a commit returns when it is on the disk, not when it is in the log's cache.
        conn.pragma_update(None, "synchronous", "full").map_err(fail)?;
        // A table that others refer to can be made anew only without them, and no transaction can turn them off.
        conn.pragma_update(None, "foreign_keys", false).map_err(fail)?;
        migrations()
            .to_latest(&mut conn)
            .map_err(|e| ReviewsError::Version { path: path.to_owned(), reason: e.to_string() })?;
        conn.pragma_update(None, "foreign_keys", true).map_err(fail)?;
        Ok(Self { conn })
    }

    /// The secret of addresses of pages; made at random where there is none.
    ///
    /// # Errors
    /// The database cannot be written, or the system gives no random bytes.
    pub fn address_key(&mut self) -> Result<String, ReviewsError> {
        let fresh = crate::password::random_token()?;
        self.alone(|conn| {
            conn.execute("INSERT OR IGNORE INTO address_key (one, key) VALUES (1, ?1)", [&fresh])?;
            Ok(conn.query_row("SELECT key FROM address_key", [], |r| r.get(0))?)
        })
    }

    /// The connection, for reading together with other files.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// A copy of the database as it is at one moment, while others write. The copy is a file of its own without a log; it gets its
    /// name when it is whole.
    ///
    /// # Errors
    /// The target exists, or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), ReviewsError> {
        let bad = |reason: String| ReviewsError::Backup { path: to.to_owned(), reason };
        if to.exists() {
            return Err(bad("it exists; a backup never overwrites".to_owned()));
        }
        let part = to.with_added_extension("part");
        let copied = self
            .copy(&part)
            .map_err(|e| bad(e.to_string()))
            .and_then(|integrity| if integrity == "ok" { Ok(()) } else { Err(bad(integrity)) });
        let named = copied.and_then(|()| std::fs::rename(&part, to).map_err(|e| bad(e.to_string())));
        if named.is_err() {
            // What is half written is no backup, and would be in the way of the next one.
            let _ = std::fs::remove_file(&part);
        }
        named
    }

    /// Copies the database; says what the copy's own check says.
    fn copy(&self, to: &Path) -> rusqlite::Result<String> {
        let _ = std::fs::remove_file(to);
        // VACUUM INTO fills an empty file.
        private::file(to).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        self.conn.execute("VACUUM INTO ?1", [to.to_string_lossy().as_ref()])?;
        let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        copy.query_row("PRAGMA integrity_check", [], |r| r.get(0))
    }

    /// Runs `work` alone: no other writer between its reads and its writes.
    pub(crate) fn alone<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, ReviewsError>,
    ) -> Result<T, ReviewsError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let out = work(&tx)?;
        tx.commit()?;
        Ok(out)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rusqlite::Connection;

    use super::{Db, migrations};
    use crate::claims::Slot;
    use crate::users::{NewUser, Role};

    /// A database with an agent, two reviewers and a lead: ids 1 to 4.
    pub(crate) fn centre() -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = Db::open(&dir.path().join("reviews.db")).unwrap();
        let people = [("a", Role::Agent), ("r1", Role::Reviewer), ("r2", Role::Reviewer), ("lead", Role::Lead)];
        for (name, role) in people {
            let agent_id = (role == Role::Agent).then(|| "8001".to_owned());
            let user =
                NewUser { name: name.into(), display: name.into(), role, agent_id, unit: None, may_see_numbers: false };
            db.add_user(&user, "not a hash", 0).unwrap();
        }
        (dir, db)
    }

    #[test]
    fn steps_are_valid_and_history_cannot_be_touched() {
        migrations().validate().unwrap();
        let (_dir, db) = centre();
        db.log(5, "r1", "listen", Some("c1"), "").unwrap();
        assert!(db.connection().execute("DELETE FROM audit", []).is_err());
        assert!(db.connection().execute("UPDATE audit SET who = 'x'", []).is_err());
        let over = "INSERT OR REPLACE INTO audit (id, at_us, who, action, detail) VALUES (1, 5, 'x', 'listen', '')";
        assert!(db.connection().execute(over, []).is_err());
    }

    /// A database of an older version with some rows, opened by this one.
    fn of_version(version: usize, rows: &str) -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviews.db");
        let mut old = Connection::open(&path).unwrap();
        migrations().to_version(&mut old, version).unwrap();
        old.execute_batch(rows).unwrap();
        drop(old);
        let db = Db::open(&path).unwrap();
        (dir, db)
    }

    #[test]
    fn a_database_from_before_keeps_what_it_holds() {
        let said = "INSERT INTO users (id, name, display, role, password, created_us) VALUES (1, 'r', 'r', 'reviewer', '', 0);
                    INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, note, ruleset_hash, user_id, at_us)
                    VALUES ('c1', 0, 'rude', '', 'finding', 'rejected', '玩笑', 'h', 1, 1)";
        let (_dir, db) = of_version(2, said);
        let standing = db.verdicts_of("c1", Slot::First).unwrap();
        assert_eq!((standing[0].note.as_str(), standing[0].cause), ("玩笑", None));
    }

    /// The record of a draw names its calls in order, and always did.
    #[test]
    fn draws_from_before_keep_their_order() {
        let drawn = r#"INSERT INTO draws VALUES (1, '', '{"picked":[{"call_id":"b"},{"call_id":"a"}]}', '', '', 3, 0, ''),
                         (2, '', 'no record', '', '', 1, 0, '');
                       INSERT INTO draw_calls (draw_id, call_id, picked, part, why)
                       VALUES (1, 'a', 1, '', ''), (1, 'b', 1, '', ''), (1, 'c', 0, '', ''), (2, 'a', 1, '', '')"#;
        let (_dir, db) = of_version(4, drawn);
        let mut statement = db.conn.prepare("SELECT position FROM draw_calls ORDER BY draw_id, call_id").unwrap();
        let positions = statement.query_map([], |r| r.get::<_, Option<i64>>(0)).unwrap();
        assert_eq!(positions.map(Result::unwrap).collect::<Vec<_>>(), [Some(1), Some(0), None, None]);
    }

    /// What was said before a form was handed in is in it, what came after is not; forms still cannot be changed.
    #[test]
    fn forms_from_before_publish_what_they_held() {
        let said = "INSERT INTO users (id, name, display, role, password, created_us) VALUES (1, 'r', 'r', 'reviewer', '', 0);
                    INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, note, ruleset_hash, user_id, at_us)
                    VALUES ('c1', 0, 'rude', 't1', 'finding', 'confirmed', '', 'h', 1, 10),
                           ('c1', 0, 'rude', 't2', 'finding', 'confirmed', '', 'h', 1, 30),
                           ('c2', 0, 'rude', 't1', 'finding', 'confirmed', '', 'h', 1, 10);
                    INSERT INTO forms (call_id, slot, items, score, strengths, weaknesses, keep, whole, user_id, at_us)
                    VALUES ('c1', 0, '{}', 90.0, '', '', 0, 1, 1, 20)";
        let (_dir, db) = of_version(7, said);
        let of = |call: &str| {
            let rows = db.published_of(call, Slot::First).unwrap();
            rows.into_iter().map(|p| (p.verdict.place, p.published_us)).collect::<Vec<_>>()
        };
        assert_eq!((of("c1"), of("c2")), (vec![("t1".to_owned(), 20)], vec![]));
        assert!(db.connection().execute("UPDATE forms SET score = 1.0", []).is_err());
    }

    /// What was played is measured from now on: forms from before know nothing of it.
    #[test]
    fn forms_from_before_know_nothing_of_what_was_played() {
        let said =
            "INSERT INTO users (id, name, display, role, password, created_us) VALUES (1, 'r', 'r', 'reviewer', '', 0);
                    INSERT INTO forms (call_id, slot, items, score, strengths, weaknesses, keep, whole, user_id, at_us)
                    VALUES ('c1', 0, '{}', 90.0, '', '', 0, 1, 1, 20)";
        let (_dir, db) = of_version(8, said);
        let form = db.form_of("c1", Slot::First).unwrap().unwrap();
        assert_eq!((form.heard_ms, form.whole_reason.as_str(), form.whole), (None, "", true));
        assert_eq!(db.heard_ms(1, "c1").unwrap(), 0);
    }

    /// The table of people is made anew: everybody stays with what the others say of them, and what cannot be is
    /// still refused.
    #[test]
    fn people_from_before_keep_their_work() {
        let said = "INSERT INTO users VALUES (1, 'r', '王', 'reviewer', NULL, 'hash', 1, 0, 7),
                      (5, 'a', '陈', 'agent', '8001', 'x', 0, 1, 8);
                    INSERT INTO sessions VALUES ('t', 1, 'c', 0, 0);
                    INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, note, ruleset_hash, user_id, at_us)
                    VALUES ('c1', 0, 'rude', '', 'finding', 'rejected', '玩笑', 'h', 1, 1)";
        for version in [1, 5, 9] {
            let (_dir, db) = of_version(version, said);
            let people: Vec<_> =
                db.users().unwrap().into_iter().map(|u| (u.id, u.role, u.agent_id, u.disabled)).collect();
            let agent = Some("8001".to_owned());
            assert_eq!(people, [(1, Role::Reviewer, None, false), (5, Role::Agent, agent, true)], "{version}");
            assert_eq!(db.user_by_name("r").unwrap().unwrap().1, "hash");
            assert_eq!(db.verdicts_of("c1", Slot::First).unwrap()[0].by, "王");
            let conn = db.connection();
            let on: i64 = conn.query_row("PRAGMA foreign_keys", [], |r| r.get(0)).unwrap();
            let broken = conn.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
            assert_eq!((on, broken), (1, false));
            let add = |role: &str, unit: &str| {
                let sql = "INSERT INTO users (name, display, role, unit, password, created_us) VALUES (?1, '', ?1, ?2, '', 0)";
                conn.execute(sql, [role, unit]).is_ok()
            };
            assert_eq!(
                [add("team_lead", ""), add("boss", "一组"), add("manager", ""), add("team_lead", "一组")],
                [false, false, true, true]
            );
            assert!(conn.execute("DELETE FROM users WHERE id = 1", []).is_err(), "verdicts refer to it");
            let next = "INSERT INTO users (name, display, role, password, created_us) VALUES ('n', '', 'lead', '', 0)";
            conn.execute(next, []).unwrap();
            assert!(conn.last_insert_rowid() > 5);
        }
    }

    #[test]
    fn a_backup_holds_everything_and_overwrites_nothing() {
        let (dir, db) = centre();
        let copy = dir.path().join("copy.db");
        db.backup(&copy).unwrap();
        assert_eq!(Db::open(&copy).unwrap().users().unwrap(), db.users().unwrap());
        assert!(db.backup(&copy).is_err());
        // Both are the owner's alone, and so are the logs beside them.
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&entry.as_ref().unwrap().metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "{entry:?}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviews.db");
        std::fs::write(&path, "no database at all, but long enough to look at ".repeat(40)).unwrap();
        assert!(Db::open(&path).err().unwrap().to_string().contains("reviews.db"));
    }
}
