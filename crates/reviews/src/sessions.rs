//! Sessions: a random token in a cookie, its hash in the database.

use rusqlite::{OptionalExtension, params};

use crate::db::Db;
use crate::error::ReviewsError;
use crate::password::{random_token, token_hash};
use crate::users::{self, User};

/// A session ends when nobody used it for so long: 8 h.
pub const IDLE_US: i64 = 8 * 3_600_000_000;
/// And at the latest after: 24 h.
pub const LONGEST_US: i64 = 24 * 3_600_000_000;
/// A browser is known for half a year.
const DEVICE_US: i64 = 180 * 24 * 3_600_000_000;
/// Use is noted once a minute, not with every picture.
const NOTE_US: i64 = 60_000_000;

/// A new session's token: goes to the browser and is kept nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(pub String);

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user: User,
    /// The token that forms must carry.
    pub csrf: String,
}

impl Db {
    /// Opens a session; always with a new token, so that a token known before the login is worth nothing.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn open_session(&mut self, user_id: i64, now_us: i64) -> Result<Token, ReviewsError> {
        let (token, csrf) = (random_token()?, random_token()?);
        self.conn.execute("DELETE FROM sessions WHERE created_us < ?1", [now_us - LONGEST_US])?;
        self.conn.execute(
            "INSERT INTO sessions (token_sha256, user_id, csrf, created_us, seen_us) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![token_hash(&token), user_id, csrf, now_us],
        )?;
        Ok(Token(token))
    }

    /// The session of a token; `None` where it ended or never was.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn session(&self, token: &str, now_us: i64) -> Result<Option<Session>, ReviewsError> {
        let hash = token_hash(token);
        let sql = format!(
            "SELECT {}, s.csrf, s.seen_us FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_sha256 = ?1 AND s.seen_us > ?2 AND s.created_us > ?3 AND u.disabled = 0",
            users::COLUMNS
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let found = statement
            .query_row(params![hash, now_us - IDLE_US, now_us - LONGEST_US], |r| {
                Ok((Session { user: users::from_row(r)?, csrf: r.get(8)? }, r.get::<_, i64>(9)?))
            })
            .optional()?;
        let Some((session, seen_us)) = found else { return Ok(None) };
        if now_us - seen_us > NOTE_US || seen_us > now_us {
            let noted =
                self.conn.execute("UPDATE sessions SET seen_us = ?2 WHERE token_sha256 = ?1", params![hash, now_us]);
            // Where the disk is full, reading goes on.
            match noted.map_err(ReviewsError::from) {
                Err(e) if !e.is_no_room() => return Err(e),
                _ => {}
            }
        }
        Ok(Some(session))
    }

    /// Remembers the browser of somebody who logged in, and gives its token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn remember_device(&mut self, user_id: i64, now_us: i64) -> Result<Token, ReviewsError> {
        let token = random_token()?;
        self.conn.execute("DELETE FROM devices WHERE created_us < ?1", [now_us - DEVICE_US])?;
        self.conn.execute("INSERT INTO devices VALUES (?1, ?2, ?3)", params![token_hash(&token), user_id, now_us])?;
        Ok(Token(token))
    }

    /// Whether the person of this name logged in with this browser within half a year.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn is_device_of(&self, token: &str, name: &str, now_us: i64) -> Result<bool, ReviewsError> {
        let sql = "SELECT 1 FROM devices d JOIN users u ON u.id = d.user_id
                   WHERE d.token_sha256 = ?1 AND u.name = ?2 AND d.created_us > ?3";
        Ok(self.conn.prepare_cached(sql)?.exists(params![token_hash(token), name, now_us - DEVICE_US])?)
    }

    /// Whether a person may see numbers now, and log in at all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn may_see_numbers(&self, user_id: i64) -> Result<bool, ReviewsError> {
        let sql = "SELECT 1 FROM users WHERE id = ?1 AND may_see_numbers = 1 AND disabled = 0";
        Ok(self.conn.prepare_cached(sql)?.exists([user_id])?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn close_session(&mut self, token: &str) -> Result<(), ReviewsError> {
        self.conn.execute("DELETE FROM sessions WHERE token_sha256 = ?1", [token_hash(token)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{IDLE_US, LONGEST_US};
    use crate::db::tests::centre;

    #[test]
    fn sessions_end_when_idle_when_old_when_closed_and_with_the_person() {
        let (_dir, mut db) = centre();
        let token = db.open_session(2, 0).unwrap().0;
        assert_eq!(db.session(&token, 1).unwrap().unwrap().user.name, "r1");
        assert!(db.session(&token, IDLE_US + 1).unwrap().is_none());
        for now in (0..LONGEST_US).step_by(IDLE_US as usize / 2) {
            db.session(&token, now).unwrap();
        }
        assert!(db.session(&token, LONGEST_US).unwrap().is_none(), "used all the time, but too old");
        let token = db.open_session(2, 0).unwrap().0;
        assert!(db.session("another", 1).unwrap().is_none());
        db.set_disabled(2, true).unwrap();
        assert!(db.session(&token, 1).unwrap().is_none());
        db.set_disabled(2, false).unwrap();
        assert!(db.session(&token, 1).unwrap().is_none(), "it does not come back");
        let token = db.open_session(2, 0).unwrap().0;
        db.close_session(&token).unwrap();
        assert!(db.session(&token, 1).unwrap().is_none());
    }
}
