//! Tasks of a draw that a lead gives to somebody else or takes back. What was drawn stays as it was.

use rusqlite::params;

use crate::db::Db;
use crate::error::{Invalid, ReviewsError};

/// A draw as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawLine {
    /// Row.
    pub id: i64,
    /// Title of its plan.
    pub title: String,
    /// Seed.
    pub seed: String,
    /// Calls that could be drawn.
    pub frame_calls: i64,
    /// When, microseconds since the epoch.
    pub drawn_us: i64,
    /// Who.
    pub drawn_by: String,
}

/// What a person has of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Login name; nothing for calls that are nobody's task.
    pub reviewer: Option<String>,
    /// Calls.
    pub calls: i64,
    /// Those of them with a form.
    pub done: i64,
    /// Those that can be given to somebody else: no form, and nobody is at them.
    pub open: i64,
}

/// Tasks of a draw that change hands.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The draw.
    pub draw_id: i64,
    /// Login name of who has them; nothing for those that are nobody's task.
    pub from: Option<&'a str>,
    /// Login name of who gets them; nothing takes them back.
    pub to: Option<&'a str>,
    /// At most so many, the last of the list first: what comes next stays where it is.
    pub most: u32,
    /// The lead.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
}

/// Condition on a row `d` of `draw_calls`: nobody submitted or is at the call, as of `?1`.
const OPEN: &str = "NOT EXISTS (SELECT 1 FROM forms f WHERE f.call_id = d.call_id AND f.slot = 0)
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.call_id = d.call_id AND c.slot = 0 AND c.until_us > ?1)";

impl Db {
    /// The last draws, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn draw_lines(&self, most: u32) -> Result<Vec<DrawLine>, ReviewsError> {
        let sql = "SELECT id, title, seed, frame_calls, drawn_us, drawn_by FROM draws ORDER BY id DESC LIMIT ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([most], |r| {
            let (id, title, seed, frame_calls) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
            Ok(DrawLine { id, title, seed, frame_calls, drawn_us: r.get(4)?, drawn_by: r.get(5)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All that a draw depends on, as it was kept.
    ///
    /// # Errors
    /// There is no such draw.
    pub fn draw_record(&self, draw_id: i64) -> Result<String, ReviewsError> {
        let sql = "SELECT record FROM draws WHERE id = ?1";
        self.conn.prepare_cached(sql)?.query_row([draw_id], |r| r.get(0)).map_err(|e| match e {
            rusqlite::Error::QueryReturnedNoRows => ReviewsError::Missing("draw"),
            e => e.into(),
        })
    }

    /// Who has how much of a draw, by login name; calls that are nobody's task last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn draw_shares(&self, draw_id: i64, now_us: i64) -> Result<Vec<Share>, ReviewsError> {
        let sql = format!(
            "SELECT d.reviewer, count(*), sum(EXISTS (SELECT 1 FROM forms f WHERE f.call_id = d.call_id AND f.slot = 0)), sum({OPEN})
             FROM draw_calls d WHERE d.draw_id = ?2 AND d.picked = 1 GROUP BY d.reviewer ORDER BY d.reviewer IS NULL, d.reviewer"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([now_us, draw_id], |r| {
            Ok(Share { reviewer: r.get(0)?, calls: r.get(1)?, done: r.get(2)?, open: r.get(3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Gives tasks to somebody else, or takes them back; tells how many. What is submitted, what somebody is at, and
    /// what the receiver is to hear blindly stays where it is.
    ///
    /// # Errors
    /// The receiver reviews no calls.
    pub fn hand_over(&mut self, h: &Handover<'_>) -> Result<usize, ReviewsError> {
        if let Some(to) = h.to {
            let user = self.user_by_name(to)?.map(|(user, _)| user);
            if !user.is_some_and(|u| u.role.reviews() && !u.disabled) {
                return Err(Invalid::NoReviewer(to.to_owned()).into());
            }
        }
        self.alone(|conn| {
            let sql = format!(
                "SELECT d.call_id FROM draw_calls d WHERE d.draw_id = ?2 AND d.picked = 1 AND d.reviewer IS ?3
                   AND d.reviewer IS NOT ?4 AND (d.duplicate IS NULL OR d.duplicate IS NOT ?4) AND {OPEN}
                 ORDER BY d.position IS NULL DESC, d.position DESC, d.call_id DESC LIMIT ?5"
            );
            let mut statement = conn.prepare(&sql)?;
            let rows = statement.query_map(params![h.at_us, h.draw_id, h.from, h.to, h.most], |r| r.get(0))?;
            let calls: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
            for call in &calls {
                let sql = "INSERT INTO handovers (draw_id, call_id, before, reviewer, user_id, at_us)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                conn.execute(sql, params![h.draw_id, call, h.from, h.to, h.user_id, h.at_us])?;
                let sql = "UPDATE draw_calls SET reviewer = ?3 WHERE draw_id = ?1 AND call_id = ?2";
                conn.execute(sql, params![h.draw_id, call, h.to])?;
            }
            Ok(calls.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Handover, Share};
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::draws::DrawCall;
    use crate::draws::tests::{drawn, record};
    use crate::forms::tests::form;

    #[test]
    fn open_tasks_change_hands_and_the_draw_stays() {
        let (_dir, mut db) = centre();
        let call = |id: &str, duplicate| DrawCall { ..drawn(id, Some("r1"), duplicate) };
        let calls = [call("c1", None), call("c2", None), call("c3", None), call("c4", Some("r2"))];
        let id = db.add_draw(&record("s"), &calls).unwrap();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.submit_form(&form("c1", 1, None)).unwrap();
        db.claim("c2", Slot::First, 2, 2, 100).unwrap();
        let shares = |db: &crate::Db| db.draw_shares(id, 3).unwrap();
        let share = |name: Option<&str>, calls, done, open| Share { reviewer: name.map(Into::into), calls, done, open };
        assert_eq!(shares(&db), [share(Some("r1"), 4, 1, 2)]);
        let to = |from, to, most| Handover { draw_id: id, from, to, most, user_id: 4, at_us: 3 };
        assert!(db.hand_over(&to(Some("r1"), Some("a"), 9)).is_err(), "an agent reviews nothing");
        // One is submitted, at one somebody is, one the receiver hears blindly.
        assert_eq!(db.hand_over(&to(Some("r1"), Some("r2"), 9)).unwrap(), 1);
        assert_eq!(shares(&db), [share(Some("r1"), 3, 1, 1), share(Some("r2"), 1, 0, 1)]);
        assert_eq!(db.hand_over(&to(Some("r2"), None, 9)).unwrap(), 1);
        assert_eq!(shares(&db), [share(Some("r1"), 3, 1, 1), share(None, 1, 0, 1)]);
        assert_eq!(db.hand_over(&to(None, Some("lead"), 9)).unwrap(), 1);
        let c3 = |db: &crate::Db| db.draw_calls(id).unwrap().into_iter().find(|c| c.call_id == "c3").unwrap().reviewer;
        assert_eq!(c3(&db).as_deref(), Some("lead"));
        for forged in [
            "UPDATE draw_calls SET reviewer = 'r1'",
            "UPDATE draw_calls SET probability = 0.9",
            "DELETE FROM handovers",
            "UPDATE handovers SET reviewer = 'r1'",
        ] {
            assert!(db.connection().execute(forged, []).is_err(), "{forged}");
        }
        assert_eq!(db.draw_record(id).unwrap(), "{}");
        assert!(db.draw_record(99).is_err());
    }
}
