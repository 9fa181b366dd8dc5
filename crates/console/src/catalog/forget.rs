//! Taking out of the catalogue what the lake no longer holds, so that nothing of it is left in the file.

use std::path::Path;

use rusqlite::Connection;

use crate::catalog::sync::{changes, take_out};
use crate::error::ConsoleError;

/// Takes out parts that went or changed; changed ones come back when the console looks at the lake next. Then writes the
/// file anew where anything was deleted: the search index keeps deleted entries until its pieces are merged, and pages
/// that were moved keep copies. `deleted` says that somebody else may have taken the parts out already.
///
/// # Errors
/// The lake cannot be read; the catalogue is in use for longer than a writer waits, or the disk is full.
pub(crate) fn forget(conn: &mut Connection, lake: &Path, deleted: bool) -> Result<usize, ConsoleError> {
    let gone = changes(conn, lake)?.gone;
    take_out(conn, &gone)?;
    let free: i64 = conn.query_row("PRAGMA freelist_count", [], |r| r.get(0))?;
    if deleted || !gone.is_empty() || free > 0 {
        conn.execute("INSERT INTO turns_text (turns_text) VALUES ('optimize')", [])?;
        conn.execute_batch("VACUUM")?;
    }
    flush(conn)?;
    Ok(gone.len())
}

/// Writes the log into the file and empties it: until then the file holds pages as they were.
fn flush(conn: &Connection) -> Result<(), ConsoleError> {
    let busy: bool = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
    if busy {
        let why = "the catalogue is in use, its old pages are still in the file; run the command again";
        return Err(ConsoleError::Option(why.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::forget;
    use crate::catalog::{grams, open};

    const CALL: &str = "INSERT INTO calls (id, call_id, part, date, agent_id, agent_name, unit, queue, direction,
        recording, status, duration_ms, hits, worst, risk)
        VALUES (1, 'c', '2026-05-01/0', '2026-05-01', '', '', '', '', '', '', 'ok', 0, 0, 0, 0)";

    #[test]
    fn nothing_of_a_part_that_went_is_left_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        let text = "我家住建设路二十三号";
        let mut conn = open(&path).unwrap();
        // The log goes into the file, as it does with time, so that there is something to clean.
        conn.execute_batch(&format!(
            "INSERT INTO parts VALUES ('2026-05-01/0', ''); {CALL};
             INSERT INTO turns VALUES (1, 1, 0, 'customer', 0, 1, '{text}', 1, '', 0, NULL);
             INSERT INTO turns_text (rowid, grams) VALUES (1, '{}');
             PRAGMA wal_checkpoint(TRUNCATE);
             CREATE VIRTUAL TABLE temp.words USING fts5vocab (main, turns_text, row);",
            grams::index(text)
        ))
        .unwrap();
        let holds = || std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes());
        let words = |conn: &rusqlite::Connection| -> i64 {
            conn.query_row("SELECT count(*) FROM temp.words", [], |r| r.get(0)).unwrap()
        };
        assert!(holds() && words(&conn) > 0);
        assert_eq!(forget(&mut conn, dir.path(), false).unwrap(), 1);
        assert!(!holds());
        assert_eq!((words(&conn), std::fs::metadata(dir.path().join("catalog.db-wal")).unwrap().len()), (0, 0));
        assert_eq!(forget(&mut conn, dir.path(), false).unwrap(), 0);
    }
}
