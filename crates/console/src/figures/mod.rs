//! Figures from what people said: the rows that estimates are made of.

pub(crate) mod cache;
pub(crate) mod causes;
pub(crate) mod cells;
pub(crate) mod evidence;
#[cfg(test)]
mod evidence_tests;
pub(crate) mod hours;
mod judged;
mod known;
pub(crate) mod leaning;
pub(crate) mod limits;
pub(crate) mod listening;
pub(crate) mod monthly;
pub(crate) mod period;
pub(crate) mod rows;
pub(crate) mod sums;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod twice;
pub(crate) mod undrawn;

use std::path::Path;

use callsift_reviews::Db;
use callsift_sampling::agreement::Rating;
use callsift_sampling::risk::RuleRecord;
use rusqlite::{Connection, OptionalExtension};

use crate::error::ConsoleError;
use crate::{app, catalog};

pub use crate::catalog::{Odd, odd_things};
pub use judged::{Judgements, judged};
pub use listening::gain;

/// How often people agreed with the machine, by rule: what calibrates the order of the queue.
///
/// # Errors
/// The database cannot be read.
pub fn records(db: &Db) -> Result<Vec<RuleRecord>, ConsoleError> {
    let of = |(rule_id, confirmed, rejected)| RuleRecord { rule_id, confirmed, rejected };
    Ok(db.agreement_by_rule()?.into_iter().map(of).collect())
}

/// What two reviewers said of each call that was ever heard twice, for measures of agreement.
///
/// # Errors
/// The database cannot be read.
pub fn ratings(conn: &Connection) -> Result<Vec<Rating>, ConsoleError> {
    Ok(twice::ratings(conn, i64::MIN, i64::MAX)?)
}

/// Login names of every two who heard the same calls.
pub fn pairs(ratings: &[Rating]) -> Vec<(String, String)> {
    twice::pairs(ratings).into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// The team of an agent, by the newest call with one.
///
/// # Errors
/// The catalogue cannot be read.
pub fn unit_of(db: &Db, agent_id: &str) -> Result<Option<String>, ConsoleError> {
    let sql = "SELECT unit FROM cat.calls WHERE agent_id = ?1 AND unit <> '' ORDER BY date DESC, call_id LIMIT 1";
    Ok(db.connection().query_row(sql, [agent_id], |r| r.get(0)).optional()?)
}

/// Opens the reviews database of `data` beside a catalogue of the lake that is up to date, for [`judged`]. With
/// `proven` reviews of whole calls count only where nearly all was really played.
///
/// # Errors
/// A file cannot be read or written.
pub fn open(
    lake: &Path,
    data: &Path,
    unit_field: &str,
    proven: bool,
    progress: impl FnMut(usize, usize),
) -> Result<Db, ConsoleError> {
    // Makes the folder, too.
    drop(Db::open_in(data)?);
    catalog::sync(&mut catalog::open(&app::catalog_path(data))?, lake, unit_field, progress)?;
    app::open_for(data, proven)
}
