//! Sentences that a person heard otherwise than the recogniser wrote them down.

use rusqlite::{Row, params};

use crate::db::Db;
use crate::error::{Invalid, ReviewsError};

/// A sentence as it was really said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Call.
    pub call_id: String,
    /// Name of the recording.
    pub recording: String,
    /// Channel of the recording.
    pub channel: i64,
    /// Number of the turn.
    pub turn: i64,
    /// From and to in the call, milliseconds.
    pub span_ms: (i64, i64),
    /// As the recogniser wrote it down.
    pub heard: String,
    /// As it was said; empty where nobody spoke.
    pub said: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
}

const LAST: &str =
    "SELECT call_id, recording, channel, turn, start_ms, end_ms, heard, said, user_id, at_us FROM corrections c
    WHERE id = (SELECT max(id) FROM corrections o WHERE (o.call_id, o.turn, o.heard) = (c.call_id, c.turn, c.heard))";

fn from_row(r: &Row<'_>) -> rusqlite::Result<Correction> {
    Ok(Correction {
        call_id: r.get(0)?,
        recording: r.get(1)?,
        channel: r.get(2)?,
        turn: r.get(3)?,
        span_ms: (r.get(4)?, r.get(5)?),
        heard: r.get(6)?,
        said: r.get(7)?,
        user_id: r.get(8)?,
        at_us: r.get(9)?,
    })
}

impl Db {
    /// Enters what was said.
    ///
    /// # Errors
    /// It says what stands there already.
    pub fn correct(&mut self, new: &Correction) -> Result<i64, ReviewsError> {
        let (said, n) = (new.said.trim(), new);
        if said == n.heard.trim() {
            return Err(Invalid::SameWords.into());
        }
        self.alone(|conn| {
            let sql = "INSERT INTO corrections (call_id, recording, channel, turn, start_ms, end_ms, heard, said, user_id, at_us)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let (from, to) = n.span_ms;
            conn.execute(
                sql,
                params![n.call_id, n.recording, n.channel, n.turn, from, to, n.heard, said, n.user_id, n.at_us],
            )?;
            Ok(conn.last_insert_rowid())
        })
    }

    /// The last correction of each turn of a call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn corrections_of(&self, call_id: &str) -> Result<Vec<Correction>, ReviewsError> {
        let sql = format!("{LAST} AND call_id = ?1 ORDER BY turn, id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([call_id], from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last correction of each turn of all calls, by recording and time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn corrections(&self) -> Result<Vec<Correction>, ReviewsError> {
        let mut statement = self.conn.prepare(&format!("{LAST} ORDER BY recording, channel, start_ms, id"))?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::Correction;
    use crate::db::tests::centre;

    #[test]
    fn the_last_word_counts_and_nothing_is_taken_back() {
        let (_dir, mut db) = centre();
        let heard = |turn, said: &str| Correction {
            call_id: "c1".into(),
            recording: "c1.wav".into(),
            channel: 0,
            turn,
            span_ms: (1000 * turn, 1000 * turn + 900),
            heard: "我的功耗三零二一".into(),
            said: said.into(),
            user_id: 2,
            at_us: turn,
        };
        db.correct(&heard(2, "我的公号三零二一")).unwrap();
        db.correct(&heard(2, " 我的工号三零二一 ")).unwrap();
        db.correct(&heard(0, "")).unwrap();
        assert!(db.correct(&heard(1, "我的功耗三零二一")).is_err(), "that is what stands there");
        let said = |all: Vec<Correction>| all.into_iter().map(|c| (c.turn, c.said)).collect::<Vec<_>>();
        let wanted = [(0, String::new()), (2, "我的工号三零二一".to_owned())];
        assert_eq!(said(db.corrections_of("c1").unwrap()), wanted);
        assert_eq!(said(db.corrections().unwrap()), wanted);
        assert!(db.connection().execute("UPDATE corrections SET said = 'x'", []).is_err());
        assert!(db.connection().execute("DELETE FROM corrections", []).is_err());
    }
}
