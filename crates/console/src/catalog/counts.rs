//! How many calls a list holds: all of them, however many; remembered for a moment where counting takes long.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::catalog::queue::Filter;

/// Counts that are kept.
const KEEP: usize = 64;
/// A count may be so many times as old as it took to make: whoever turns pages of a large lake counts it once, and a list that many
/// people look at costs a twentieth of a core.
const STALE: u32 = 20;
/// Counts that are made as quickly as this are always new.
const QUICK: Duration = Duration::from_millis(20);

/// What is counted: conditions with their values.
type Asked = (String, Vec<Value>);

struct Kept {
    asked: Asked,
    count: i64,
    made: Instant,
    cost: Duration,
}

impl Kept {
    fn serves(&self, asked: &Asked) -> bool {
        self.made.elapsed() < self.cost * STALE && self.asked == *asked
    }
}

/// The last few counts that took a while.
#[derive(Default)]
pub(crate) struct Counts(Mutex<VecDeque<Kept>>);

impl Counts {
    /// How many calls the filter leaves for this reader. All calls are counted once for everybody: a reader sees others only among
    /// the own blind duplicates, which are few.
    pub(crate) fn of(&self, filter: &Filter, conn: &Connection, reader: &str) -> rusqlite::Result<i64> {
        let knowing = filter.conditions("");
        if reader.is_empty() {
            return self.of_all(conn, knowing);
        }
        let own = |asked| duplicates(conn, asked, reader);
        let (seen, not_seen) = (own(filter.conditions(reader))?, own(filter.conditions(""))?);
        Ok(self.of_all(conn, knowing)? + seen - not_seen)
    }

    /// How many calls meet conditions.
    fn of_all(&self, conn: &Connection, asked: Asked) -> rusqlite::Result<i64> {
        if let Some(known) = self.kept().iter().find(|k| k.serves(&asked)) {
            return Ok(known.count);
        }
        let started = Instant::now();
        let count = count(conn, &asked)?;
        let (made, cost) = (Instant::now(), started.elapsed());
        let mut kept = self.kept();
        kept.retain(|k| k.asked != asked);
        if cost > QUICK {
            kept.push_front(Kept { asked, count, made, cost });
            kept.truncate(KEEP);
        }
        Ok(count)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(conn: &Connection, (conditions, values): &Asked) -> rusqlite::Result<i64> {
    let sql = format!("SELECT count(*) FROM cat.calls c WHERE {conditions}");
    conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |r| r.get(0))
}

/// How many calls that the reader hears a second time, blindly, meet conditions.
fn duplicates(conn: &Connection, (conditions, mut values): Asked, reader: &str) -> rusqlite::Result<i64> {
    values.push(reader.to_owned().into());
    let sql = format!(
        "SELECT count(*) FROM (SELECT DISTINCT b.call_id FROM blind_reviews b WHERE b.name = ?{}) b
         CROSS JOIN cat.calls c ON c.call_id = b.call_id WHERE {conditions}",
        values.len()
    );
    conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |r| r.get(0))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Counts, Kept};
    use crate::catalog::queue::{Filter, State};
    use crate::figures::tests::centre;

    #[test]
    fn a_list_of_any_length_is_counted_to_its_end() {
        let (dir, db) = centre();
        let mut conn = crate::catalog::open(&crate::app::catalog_path(dir.path())).unwrap();
        let tx = conn.transaction().unwrap();
        let sql =
            "INSERT INTO calls (call_id, part, date, agent_id, agent_name, unit, queue, direction, recording, status,
                     duration_ms, hits, worst)
                   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                   SELECT 'n' || i, 'p', '2026-11-03', '9', '', '', '', '', '', 'ok', 1, 0, 0 FROM n";
        tx.execute(sql, []).unwrap();
        tx.commit().unwrap();
        let all = Filter { state: State::All, ..Filter::default() };
        assert_eq!(Counts::default().of(&all, db.connection(), "").unwrap(), 1504);
    }

    #[test]
    fn only_what_took_long_is_remembered_and_not_for_long() {
        let (_dir, db) = centre();
        let (counts, filter) = (Counts::default(), Filter { state: State::All, ..Filter::default() });
        let count = || counts.of(&filter, db.connection(), "").unwrap();
        assert_eq!((count(), counts.kept().len()), (4, 0), "quick ones are always new");
        let slow = |cost| Kept { asked: filter.conditions(""), count: 9, made: Instant::now(), cost };
        counts.kept().push_front(slow(Duration::from_mins(1)));
        assert_eq!(count(), 9);
        assert_eq!(counts.of(&Filter::default(), db.connection(), "").unwrap(), 2, "another list");
        counts.kept()[0] = slow(Duration::ZERO);
        assert_eq!((count(), counts.kept().len()), (4, 0), "too old");
    }
}
