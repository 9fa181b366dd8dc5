//! Claims: who is at a call, so that nobody works twice.

use rusqlite::{Connection, OptionalExtension, params};

use crate::db::Db;
use crate::error::ReviewsError;

/// Which review of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The one that counts.
    First,
    /// A blind duplicate, to measure agreement.
    Duplicate,
}

impl Slot {
    /// Number in the database.
    pub fn number(self) -> i64 {
        match self {
            Self::First => 0,
            Self::Duplicate => 1,
        }
    }

    /// Reads the number back.
    pub fn of(number: i64) -> Self {
        if number == 0 { Self::First } else { Self::Duplicate }
    }
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who.
    pub user_id: i64,
    /// Name as shown.
    pub display: String,
    /// Until when, microseconds since the epoch.
    pub until_us: i64,
}

/// Clocks are set back by moments every day. A claim from later than that was made before the clock was set right: by that time
/// it would hold for hours.
pub const STEP_US: i64 = 60_000_000;

fn current(conn: &Connection, call_id: &str, slot: Slot, now_us: i64) -> rusqlite::Result<Option<Claim>> {
    let sql = "SELECT c.user_id, u.display, c.until_us FROM claims c JOIN users u ON u.id = c.user_id
               WHERE c.call_id = ?1 AND c.slot = ?2 AND c.until_us > ?3 AND c.since_us <= ?3 + ?4";
    let row = |r: &rusqlite::Row<'_>| Ok(Claim { user_id: r.get(0)?, display: r.get(1)?, until_us: r.get(2)? });
    conn.prepare_cached(sql)?.query_row(params![call_id, slot.number(), now_us, STEP_US], row).optional()
}

/// That the person holds the claim; inside a transaction of the writer.
pub(crate) fn must_hold(
    conn: &Connection,
    call_id: &str,
    slot: Slot,
    user_id: i64,
    now_us: i64,
) -> Result<(), ReviewsError> {
    match current(conn, call_id, slot, now_us)? {
        Some(claim) if claim.user_id == user_id => Ok(()),
        Some(claim) => Err(ReviewsError::Claimed { by: claim.display, until_us: claim.until_us }),
        None => Err(ReviewsError::NotClaimed),
    }
}

impl Db {
    /// Who is at the call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn claim_of(&self, call_id: &str, slot: Slot, now_us: i64) -> Result<Option<Claim>, ReviewsError> {
        Ok(current(&self.conn, call_id, slot, now_us)?)
    }

    /// Claims a call, or holds it longer.
    ///
    /// # Errors
    /// [`ReviewsError::Claimed`]: somebody else is at it.
    pub fn claim(
        &mut self,
        call_id: &str,
        slot: Slot,
        user_id: i64,
        now_us: i64,
        for_us: i64,
    ) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            if let Some(claim) = current(conn, call_id, slot, now_us)?
                && claim.user_id != user_id
            {
                return Err(ReviewsError::Claimed { by: claim.display, until_us: claim.until_us });
            }
            let sql = "INSERT INTO claims (call_id, slot, user_id, since_us, until_us) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (call_id, slot) DO UPDATE SET user_id = ?3, since_us = ?4, until_us = ?5";
            conn.execute(sql, params![call_id, slot.number(), user_id, now_us, now_us + for_us])?;
            Ok(())
        })
    }

    /// Gives a call back.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn release(&mut self, call_id: &str, slot: Slot, user_id: i64) -> Result<(), ReviewsError> {
        let sql = "DELETE FROM claims WHERE call_id = ?1 AND slot = ?2 AND user_id = ?3";
        self.conn.execute(sql, params![call_id, slot.number(), user_id])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Slot;
    use crate::db::tests::centre;
    use crate::error::ReviewsError;

    #[test]
    fn one_wins_the_other_is_told_and_time_runs_out() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.claim("c1", Slot::First, 2, 50, 100).unwrap();
        match db.claim("c1", Slot::First, 3, 60, 100) {
            Err(ReviewsError::Claimed { by, until_us }) => assert_eq!((by.as_str(), until_us), ("r1", 150)),
            other => panic!("{other:?}"),
        }
        db.claim("c1", Slot::Duplicate, 3, 60, 100).unwrap();
        db.claim("c1", Slot::First, 3, 151, 100).unwrap();
        db.release("c1", Slot::First, 2).unwrap();
        let back = 151 - super::STEP_US;
        assert!(db.claim_of("c1", Slot::First, back).unwrap().is_some(), "a moment earlier");
        assert!(db.claim_of("c1", Slot::First, back - 1).unwrap().is_none(), "the clock was wrong");
        assert!(db.claim_of("c1", Slot::First, 152).unwrap().is_some(), "only one's own");
        db.release("c1", Slot::First, 3).unwrap();
        assert!(db.claim_of("c1", Slot::First, 152).unwrap().is_none());
    }
}
