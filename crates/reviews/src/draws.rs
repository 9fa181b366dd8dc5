//! Draws that were made: what to hear, who hears it, and how likely each call of the frame was.

use std::collections::BTreeSet;

use rusqlite::{Row, params};

use crate::db::Db;
use crate::error::ReviewsError;

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawRecord {
    /// Row; 0 for a new one.
    pub id: i64,
    /// Title of its plan.
    pub title: String,
    /// All that it depends on, as `callsift sample --record` writes it: enough to draw again.
    pub record: String,
    /// Seed.
    pub seed: String,
    /// Hash of the frame.
    pub frame_hash: String,
    /// Calls in the frame.
    pub frame_calls: i64,
    /// When, microseconds since the epoch.
    pub drawn_us: i64,
    /// Who.
    pub drawn_by: String,
}

/// A call of a draw's frame.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawCall {
    /// Call.
    pub call_id: String,
    /// Probability with which the draw takes it; `None` where the plan looks at the call's own traits.
    pub probability: Option<f64>,
    /// Probability with which it is heard as a whole, and not only at its flagged places.
    pub whole: Option<f64>,
    /// Whether it was drawn.
    pub picked: bool,
    /// Part of the draw: `plan`, `risk` or `random`.
    pub part: String,
    /// Why, in Chinese.
    pub why: String,
    /// Login name of who hears it.
    pub reviewer: Option<String>,
    /// Login name of who hears it a second time without knowing.
    pub duplicate: Option<String>,
}

/// Where each call stands in the draw, as its record has it.
const IN_ORDER: &str = "UPDATE draw_calls SET position = p.at FROM
    (SELECT w.id AS draw_id, j.key AS at, j.value ->> '$.call_id' AS call_id
     FROM draws w, json_each(CASE WHEN json_valid(w.record) THEN w.record ELSE '{}' END, '$.picked') j
     WHERE w.id = ?1) p
    WHERE draw_calls.draw_id = p.draw_id AND draw_calls.call_id = p.call_id";

fn from_row(r: &Row<'_>) -> rusqlite::Result<DrawRecord> {
    Ok(DrawRecord {
        id: r.get(0)?,
        title: r.get(1)?,
        record: r.get(2)?,
        seed: r.get(3)?,
        frame_hash: r.get(4)?,
        frame_calls: r.get(5)?,
        drawn_us: r.get(6)?,
        drawn_by: r.get(7)?,
    })
}

impl Db {
    /// Keeps a draw with every call of its frame.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn add_draw(&mut self, draw: &DrawRecord, calls: &[DrawCall]) -> Result<i64, ReviewsError> {
        self.alone(|conn| {
            let sql = "INSERT INTO draws (title, record, seed, frame_hash, frame_calls, drawn_us, drawn_by)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let d = draw;
            conn.execute(sql, params![d.title, d.record, d.seed, d.frame_hash, d.frame_calls, d.drawn_us, d.drawn_by])?;
            let id = conn.last_insert_rowid();
            let mut add = conn.prepare(
                "INSERT INTO draw_calls (draw_id, call_id, probability, whole, picked, part, why, reviewer, duplicate)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for c in calls {
                add.execute(params![
                    id,
                    c.call_id,
                    c.probability,
                    c.whole,
                    c.picked,
                    c.part,
                    c.why,
                    c.reviewer,
                    c.duplicate
                ])?;
            }
            conn.execute(IN_ORDER, [id])?;
            Ok(id)
        })
    }

    /// All draws, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn draws(&self) -> Result<Vec<DrawRecord>, ReviewsError> {
        let sql = "SELECT id, title, record, seed, frame_hash, frame_calls, drawn_us, drawn_by FROM draws
                   ORDER BY id DESC";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The calls of a draw's frame, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn draw_calls(&self, draw_id: i64) -> Result<Vec<DrawCall>, ReviewsError> {
        let sql = "SELECT call_id, probability, whole, picked, part, why, reviewer, duplicate FROM draw_calls
                   WHERE draw_id = ?1 ORDER BY call_id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([draw_id], |r| {
            Ok(DrawCall {
                call_id: r.get(0)?,
                probability: r.get(1)?,
                whole: r.get(2)?,
                picked: r.get(3)?,
                part: r.get(4)?,
                why: r.get(5)?,
                reviewer: r.get(6)?,
                duplicate: r.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether this person is to hear the call a second time, blindly, by the last draw that gave it away.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn is_blind_duplicate(&self, call_id: &str, name: &str) -> Result<bool, ReviewsError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM blind_reviews WHERE call_id = ?1 AND name = ?2)";
        Ok(self.conn.prepare_cached(sql)?.query_row([call_id, name], |r| r.get(0))?)
    }

    /// All calls that this person is to hear blindly: nothing that others said of them is for these eyes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn blind_calls(&self, name: &str) -> Result<BTreeSet<String>, ReviewsError> {
        let mut statement = self.conn.prepare_cached("SELECT call_id FROM blind_reviews WHERE name = ?1")?;
        Ok(statement.query_map([name], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{DrawCall, DrawRecord};
    use crate::db::tests::centre;

    /// A draw of this seed.
    pub(crate) fn record(seed: &str) -> DrawRecord {
        DrawRecord {
            id: 0,
            title: "随机".into(),
            record: "{}".into(),
            seed: seed.into(),
            frame_hash: "h".into(),
            frame_calls: 2,
            drawn_us: 1,
            drawn_by: "lead".into(),
        }
    }

    /// A call that chance drew.
    pub(crate) fn drawn(id: &str, reviewer: Option<&str>, duplicate: Option<&str>) -> DrawCall {
        DrawCall {
            call_id: id.into(),
            probability: Some(0.5),
            whole: Some(0.5),
            picked: true,
            part: "random".into(),
            why: "随机".into(),
            reviewer: reviewer.map(str::to_owned),
            duplicate: duplicate.map(str::to_owned),
        }
    }

    #[test]
    fn a_draw_keeps_every_call_of_its_frame() {
        let (_dir, mut db) = centre();
        let left = DrawCall { picked: false, ..drawn("c2", Some("r1"), None) };
        let id = db.add_draw(&record("s"), &[drawn("c1", Some("r1"), Some("r2")), left]).unwrap();
        assert_eq!(db.draw_calls(id).unwrap().len(), 2);
        assert_eq!(db.draws().unwrap()[0].seed, "s");
        for forged in [
            "UPDATE draw_calls SET probability = 0.9",
            "DELETE FROM draws",
            "INSERT OR REPLACE INTO draw_calls (draw_id, call_id, picked, part, why) VALUES (1, 'c1', 0, '', '')",
        ] {
            assert!(db.connection().execute(forged, []).is_err(), "{forged}");
        }
        assert!(db.is_blind_duplicate("c1", "r2").unwrap());
        assert_eq!(db.blind_calls("r2").unwrap().into_iter().collect::<Vec<_>>(), ["c1"]);
        assert!(!db.is_blind_duplicate("c1", "r1").unwrap() && !db.is_blind_duplicate("c2", "r2").unwrap());
    }
}
