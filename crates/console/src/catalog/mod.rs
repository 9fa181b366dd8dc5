//! The catalogue: the lake copied into one `SQLite` file, so that every page is a query of milliseconds.
//!
//! The lake stays the truth: the catalogue is made from it, follows it when parts appear or change, and may be deleted at
//! any time. What people said lies elsewhere, in the reviews database, which is attached to the same connection.

pub(crate) mod counts;
mod forget;
mod grams;
mod odd;
pub(crate) mod outcomes;
mod place;
pub(crate) mod queue;
mod rank;
pub(crate) mod rows;
pub(crate) mod standing;
mod state;
mod sync;

use std::path::Path;

use callsift_reviews::private;
use rusqlite::Connection;

use crate::error::ConsoleError;

pub(crate) use forget::forget;
pub(crate) use grams::query as text_query;
pub(crate) use odd::unread;
pub use odd::{Odd, odd_things};
pub(crate) use rank::rank;
pub(crate) use rows::{CallRow, FindingRow, TurnRow};
pub(crate) use sync::severity_rank;
pub(crate) use sync::sync;

/// Version of the catalogue; another one is made anew.
const VERSION: i64 = 11;
const SCHEMA: &str = include_str!("schema.sql");

/// Opens the catalogue, makes it where it is not there, and makes it anew where it is of another version or broken.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn open(path: &Path) -> Result<Connection, ConsoleError> {
    if let Ok(conn) = connect(path)
        && conn.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0)).is_ok_and(|v| v == VERSION)
    {
        return Ok(conn);
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(ConsoleError::io("cannot replace", path)(e));
            }
            _ => {}
        }
    }
    let conn = connect(path)?;
    conn.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    Ok(conn)
}

fn connect(path: &Path) -> Result<Connection, ConsoleError> {
    private::file(path).map_err(ConsoleError::io("cannot write", path))?;
    let conn = Connection::open(path)?;
    conn.busy_timeout(std::time::Duration::from_secs(30))?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    // It can be made again, so a lost moment costs nothing.
    conn.pragma_update(None, "synchronous", "normal")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // What the lake holds no more is to be gone from this file, too, and not merely marked as free.
    conn.pragma_update(None, "secure_delete", true)?;
    Ok(conn)
}
