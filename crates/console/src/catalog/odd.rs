//! What of the lake is not shown as it lies there. It stops nothing and is told.

use std::fmt;

use callsift_core::visible_line;
use rusqlite::{Connection, params};

/// A part that cannot be read, or a call that stands in another part already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// The part, `2026-11-16/0`.
    pub part: String,
    /// The call; `None` where the whole part is meant.
    pub call_id: Option<String>,
    /// What is odd.
    pub what: String,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = visible_line(&self.what);
        match &self.call_id {
            Some(call_id) => write!(f, "dt={}：通话 {}：{what}", self.part, visible_line(call_id)),
            None => write!(f, "dt={}：{what}", self.part),
        }
    }
}

/// All of them, by part, from the catalogue that the connection reads as `cat`.
///
/// # Errors
/// The catalogue cannot be read.
pub fn odd_things(conn: &Connection) -> rusqlite::Result<Vec<Odd>> {
    let mut statement = conn.prepare_cached("SELECT part, call_id, what FROM cat.odd ORDER BY part, call_id")?;
    let rows = statement.query_map([], |r| Ok(Odd { part: r.get(0)?, call_id: r.get(1)?, what: r.get(2)? }))?;
    rows.collect()
}

/// Parts of the lake that cannot be read: whatever is shown or counted is without their calls.
pub(crate) fn unread(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT part FROM cat.odd WHERE call_id IS NULL ORDER BY part")?;
    statement.query_map([], |r| r.get(0))?.collect()
}

/// Writes down a part that cannot be read.
pub(super) fn part(conn: &Connection, name: &str, error: &dyn fmt::Display) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM odd WHERE part = ?1", [name])?;
    let what = format!("读不出，未显示（cannot be read）：{error}");
    conn.execute("INSERT INTO odd (part, call_id, what) VALUES (?1, NULL, ?2)", params![name, what])?;
    Ok(())
}

/// Writes down a call whose id stands in another part.
pub(super) fn double(conn: &Connection, part: &str, call_id: &str, other: &str) -> rusqlite::Result<()> {
    let what = format!("编号在 dt={other} 已有，只显示那一通（duplicate id）");
    conn.execute("INSERT INTO odd (part, call_id, what) VALUES (?1, ?2, ?3)", params![part, call_id, what])?;
    Ok(())
}

/// Parts with calls that stand elsewhere, too: to be read again where any part goes.
pub(super) fn parts_with_doubles(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT DISTINCT part FROM odd WHERE call_id IS NOT NULL")?;
    statement.query_map([], |r| r.get(0))?.collect()
}
