//! Calls by day of the week and hour.

use rusqlite::{Connection, params};

use crate::figures::period::Period;

/// Quarters of an hour in a week: clocks of the world differ by no less.
const QUARTERS: i64 = 7 * 24 * 4;
const QUARTER_US: i64 = 15 * 60 * 1_000_000;
/// Thursday, on which the epoch began, is the fourth day of a week that begins on Monday.
const THURSDAY: i64 = 3 * 24 * 4;

/// Calls of a quarter of an hour of the week, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quarter {
    at: i64,
    calls: i64,
    flagged: i64,
}

/// What the machine understood of a period, by quarter. Calls without a time are left out.
pub(crate) fn quarters(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<Quarter>> {
    let sql = format!(
        "SELECT (started_us / {QUARTER_US} + {THURSDAY}) % {QUARTERS}, count(*), sum(hits > 0) FROM cat.calls
         WHERE date BETWEEN ?1 AND ?2 AND status = 'ok' AND started_us >= 0 GROUP BY 1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement
        .query_map(params![p.from, p.to], |r| Ok(Quarter { at: r.get(0)?, calls: r.get(1)?, flagged: r.get(2)? }))?;
    rows.collect()
}

/// Calls, and those of them with a hit, by day of the week from Monday and by hour of the centre.
pub(crate) fn hours(quarters: &[Quarter], offset_s: i32) -> [[(i64, i64); 24]; 7] {
    let mut out = [[(0, 0); 24]; 7];
    for q in quarters {
        let at = (q.at + i64::from(offset_s) / 900).rem_euclid(QUARTERS);
        let (day, hour) = ((at / 96) as usize, (at % 96 / 4) as usize);
        if let Some(cell) = out.get_mut(day).and_then(|day| day.get_mut(hour)) {
            cell.0 += q.calls;
            cell.1 += q.flagged;
        }
    }
    out
}

/// The calls of a cell.
pub(crate) fn calls(
    conn: &Connection,
    p: &Period,
    offset_s: i32,
    (day, hour): (usize, usize),
) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT call_id FROM cat.calls WHERE date BETWEEN ?1 AND ?2 AND status = 'ok' AND started_us >= 0
           AND ((started_us / {QUARTER_US} + {THURSDAY} + ?3 + {QUARTERS}) % {QUARTERS}) / 4 = ?4"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let shift = i64::from(offset_s) / 900;
    let rows = statement.query_map(params![p.from, p.to, shift, (day * 24 + hour) as i64], |r| r.get(0))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::{calls, hours, quarters};
    use crate::figures::tests::{centre, november};

    #[test]
    fn a_call_stands_at_the_hour_of_the_centre() {
        let (dir, db) = centre();
        let conn = rusqlite::Connection::open(crate::app::catalog_path(dir.path())).unwrap();
        // Sunday 2026-11-01 23:45 UTC is Monday morning in China.
        conn.execute("UPDATE calls SET started_us = 1793576700000000 WHERE call_id = 'c1'", []).unwrap();
        conn.execute("UPDATE calls SET started_us = 1793577600000000 WHERE call_id = 'c3'", []).unwrap();
        let found = quarters(db.connection(), &november()).unwrap();
        assert_eq!(hours(&found, 0)[6][23], (1, 1));
        let east = hours(&found, 8 * 3600);
        assert_eq!((east[0][7], east[0][8]), ((1, 1), (1, 0)));
        let west = hours(&found, -8 * 3600);
        assert_eq!((west[6][15], west[6][16]), ((1, 1), (1, 0)));
        for (offset, cell) in [(0, (6, 23)), (8 * 3600, (0, 7)), (-8 * 3600, (6, 15))] {
            assert_eq!(calls(db.connection(), &november(), offset, cell).unwrap(), ["c1"]);
        }
    }
}
