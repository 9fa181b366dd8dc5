//! Clocks on walls go back: by moments every day, by hours where somebody sets them right. What was to last for some
//! time and was written in a future that did not come would last until then; it is cut back to now.

use rusqlite::params;

use crate::claims::STEP_US;
use crate::db::Db;
use crate::error::ReviewsError;

/// The longest wait that is ever written for a notice: an hour.
pub const LONGEST_WAIT_US: i64 = 3_600_000_000;

impl Db {
    /// Cuts back what lies in the future; tells how many rows that were. History keeps the times that were written: its
    /// order is that of its rows.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clamp(&mut self, now_us: i64) -> Result<usize, ReviewsError> {
        let latest = now_us + STEP_US;
        let changes = [
            ("DELETE FROM claims WHERE since_us > ?2 AND ?1 = ?1", latest),
            (
                "UPDATE sessions SET created_us = min(created_us, ?1), seen_us = min(seen_us, ?1) WHERE seen_us > ?2",
                latest,
            ),
            ("UPDATE devices SET created_us = ?1 WHERE created_us > ?2", latest),
            ("UPDATE notices SET next_us = ?1 WHERE sent_us IS NULL AND next_us > ?2", latest + LONGEST_WAIT_US),
            ("UPDATE drafts SET at_us = ?1 WHERE at_us > ?2", latest),
        ];
        self.alone(|conn| {
            let mut cut = 0;
            for (sql, after) in changes {
                cut += conn.prepare_cached(sql)?.execute(params![now_us, after])?;
            }
            Ok(cut)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::drafts::Draft;
    use crate::sessions::{IDLE_US, LONGEST_US};

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn what_was_written_in_a_future_that_did_not_come_lasts_no_longer_than_it_should() {
        let (_dir, mut db) = centre();
        let (now, wrong) = (100 * DAY, 103 * DAY);
        db.claim("c1", Slot::First, 2, wrong, 30 * 60_000_000).unwrap();
        db.claim("c2", Slot::First, 2, now, 30 * 60_000_000).unwrap();
        let token = db.open_session(2, wrong).unwrap();
        let draft = Draft { call_id: "c1".into(), name: "n".into(), value: "v".into(), at_us: wrong };
        db.keep_draft(2, &draft).unwrap();
        assert_eq!(db.clamp(now).unwrap(), 3);
        assert_eq!(db.clamp(now).unwrap(), 0);
        assert!(db.claim_of("c2", Slot::First, now).unwrap().is_some());
        let claims: i64 = db.conn.query_row("SELECT count(*) FROM claims", [], |r| r.get(0)).unwrap();
        assert_eq!(claims, 1, "for every list, not only for who asks after the one call");
        assert!(db.session(&token.0, now + IDLE_US / 2).unwrap().is_some());
        for hours in 1..=3 {
            db.session(&token.0, now + hours * 7 * 3_600_000_000).unwrap();
        }
        assert!(db.session(&token.0, now + LONGEST_US + 1).unwrap().is_none(), "a day at most, not four");
        assert_eq!(db.drafts(2, None).unwrap()[0].at_us, now);
    }
}
