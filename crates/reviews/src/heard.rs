//! Proven listening: what a person really played of a call, each moment once.

use rusqlite::{OptionalExtension, params};

use crate::db::Db;
use crate::error::ReviewsError;

/// From this share on a call was heard as a whole.
pub const WHOLE: f64 = 0.95;
/// Stretches that are kept of a call; more are no listening but a script.
const MOST: usize = 2_000;

/// Stretches as their union, in order.
fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.retain(|(from, to)| *from >= 0 && from < to);
    spans.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out.truncate(MOST);
    out
}

impl Db {
    /// Adds stretches of a call that a person played, milliseconds; gives how much of it was played in all.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn add_heard(
        &mut self,
        user_id: i64,
        call_id: &str,
        spans: &[(i64, i64)],
        now_us: i64,
    ) -> Result<i64, ReviewsError> {
        self.alone(|conn| {
            let sql = "SELECT spans FROM heard WHERE user_id = ?1 AND call_id = ?2";
            let known: Option<String> =
                conn.prepare_cached(sql)?.query_row(params![user_id, call_id], |r| r.get(0)).optional()?;
            // What cannot be read is nothing.
            let mut all: Vec<(i64, i64)> = known.and_then(|k| serde_json::from_str(&k).ok()).unwrap_or_default();
            all.extend(spans);
            let all = union(all);
            let ms: i64 = all.iter().map(|(from, to)| to - from).sum();
            // Numbers always serialise.
            let text = serde_json::to_string(&all).unwrap_or_else(|_| "[]".to_owned());
            let sql = "INSERT INTO heard (user_id, call_id, spans, ms, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO UPDATE SET spans = ?3, ms = ?4, at_us = ?5";
            conn.prepare_cached(sql)?.execute(params![user_id, call_id, text, ms, now_us])?;
            Ok(ms)
        })
    }

    /// How much of a call a person played, milliseconds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn heard_ms(&self, user_id: i64, call_id: &str) -> Result<i64, ReviewsError> {
        let sql = "SELECT ms FROM heard WHERE user_id = ?1 AND call_id = ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row(params![user_id, call_id], |r| r.get(0)).optional()?.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::union;
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::forms::With;
    use crate::forms::tests::form;

    #[test]
    fn a_moment_counts_once_and_for_its_listener() {
        let (_dir, mut db) = centre();
        assert_eq!(db.add_heard(2, "c1", &[(0, 1000), (500, 2000)], 1).unwrap(), 2000);
        assert_eq!(db.add_heard(2, "c1", &[(1500, 1800), (5000, 6000), (9, 3), (-5, 9)], 2).unwrap(), 3000);
        assert_eq!((db.heard_ms(2, "c1").unwrap(), db.heard_ms(3, "c1").unwrap()), (3000, 0));
        assert!(db.connection().execute("UPDATE heard SET ms = 1", []).is_err(), "it only grows");
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.submit_form_with(&form("c1", 3, None), &With { whole_reason: "录音有一段是等待音乐", ..With::default() })
            .unwrap();
        let kept = db.form_of("c1", Slot::First).unwrap().unwrap();
        assert_eq!((kept.heard_ms, kept.whole_reason.as_str()), (Some(3000), "录音有一段是等待音乐"));
    }

    /// The union holds the very milliseconds of its parts, each once, whatever they are.
    #[test]
    fn the_union_is_the_milliseconds_of_its_parts() {
        let within = |spans: &[(i64, i64)], ms: i64| spans.iter().any(|(from, to)| *from <= ms && ms < *to);
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as i64 % 60
        };
        for round in 0..500 {
            let spans: Vec<(i64, i64)> = (0..round % 20).map(|_| (next(), next())).collect();
            let all = union(spans.clone());
            assert!((0..60).all(|ms| within(&all, ms) == within(&spans, ms)), "{spans:?} {all:?}");
            assert!(all.windows(2).all(|w| w[0].1 < w[1].0), "{all:?}");
        }
    }
}
