//! Days of which no draw knows: nothing can be inferred of a period that holds one.

use rusqlite::{Connection, params};

use crate::figures::period::Period;

/// Days with calls, and whether a draw covered any of them.
pub(crate) fn days(conn: &Connection, p: &Period) -> rusqlite::Result<Vec<(String, bool)>> {
    let sql = "SELECT d.date, EXISTS (SELECT 1 FROM cat.calls c JOIN draw_calls w ON w.call_id = c.call_id
                 WHERE c.date = d.date AND w.probability IS NOT NULL)
               FROM (SELECT DISTINCT date FROM cat.calls WHERE date BETWEEN ?1 AND ?2 AND status = 'ok') d ORDER BY 1";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_map(params![p.from, p.to], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

/// The longest stretch of days that draws covered, the last where several are as long.
pub(crate) fn covered(days: &[(String, bool)]) -> Option<Period> {
    let runs = days.split(|(_, drawn)| !drawn).filter(|run| !run.is_empty());
    let longest = runs.max_by_key(|run| run.len())?;
    Some(Period { from: longest.first()?.0.clone(), to: longest.last()?.0.clone() })
}

#[cfg(test)]
mod tests {
    use callsift_reviews::Slot;

    use super::{covered, days};
    use crate::figures::sums::Figures;
    use crate::figures::tests::{centre, draw, hand_in, november};

    /// Everything that was drawn is heard, and still nothing can be said of the month: one day of it had no draw.
    #[test]
    fn a_day_without_a_draw_is_named_and_left_out() {
        let (_dir, mut db) = centre();
        for call in ["c2", "c3", "c4"] {
            draw(&mut db, call, 1.0, None, None);
            hand_in(&mut db, call, Slot::First, 1, 100.0);
        }
        let figures = Figures::make(db.connection(), &november()).unwrap();
        assert!(figures.any.as_ref().is_some_and(|any| any.centre.powered.estimate.is_none()));
        let known = days(db.connection(), &november()).unwrap();
        assert_eq!(known, [("2026-11-01".to_owned(), false), ("2026-11-02".to_owned(), true)]);
        let rest = covered(&known).unwrap();
        assert_eq!((rest.from.as_str(), rest.to.as_str()), ("2026-11-02", "2026-11-02"));
        let figures = Figures::make(db.connection(), &rest).unwrap();
        assert!(figures.any.is_some_and(|any| any.centre.powered.estimate.is_some()));
        assert_eq!(covered(&[]), None);
    }
}
