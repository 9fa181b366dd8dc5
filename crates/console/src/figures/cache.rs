//! The last few figures: they are the same until the lake or a verdict changes.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::error::ConsoleError;
use crate::figures::cells::last_day;
use crate::figures::period::Period;
use crate::figures::sums::Figures;

/// Figures that are kept.
const KEEP: usize = 6;

/// What figures depend on.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    period: Period,
    /// Last rows of the histories of verdicts, forms and draws, which only grow.
    rows: (i64, i64, i64),
    /// Stamps of all parts of the lake.
    lake: u64,
}

impl Key {
    fn read(conn: &Connection, period: &Period) -> rusqlite::Result<Self> {
        let sql = "SELECT (SELECT coalesce(max(id), 0) FROM verdicts), (SELECT coalesce(max(id), 0) FROM forms),
                          (SELECT coalesce(max(id), 0) FROM draws)";
        let rows = conn.prepare_cached(sql)?.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        let mut hasher = DefaultHasher::new();
        let mut statement = conn.prepare_cached("SELECT name, stamp FROM cat.parts ORDER BY name")?;
        let mut parts = statement.query([])?;
        while let Some(r) = parts.next()? {
            (r.get::<_, String>(0)?, r.get::<_, String>(1)?).hash(&mut hasher);
        }
        Ok(Self { period: period.clone(), rows, lake: hasher.finish() })
    }
}

/// The last few figures.
#[derive(Debug, Default)]
pub(crate) struct FigureCache {
    kept: Mutex<VecDeque<(Key, Arc<Figures>)>>,
    /// Held while figures are made: who asks for the same ones meanwhile waits for them instead of making them twice.
    making: Mutex<()>,
}

impl FigureCache {
    /// The period of an address and its figures.
    pub(crate) fn asked(
        &self,
        conn: &Connection,
        query: &BTreeMap<String, String>,
    ) -> Result<(Period, Arc<Figures>), ConsoleError> {
        let period = Period::of(query, &last_day(conn)?);
        let figures = self.get(conn, &period)?;
        Ok((period, figures))
    }

    /// The figures of a period, from memory where nothing has changed.
    pub(crate) fn get(&self, conn: &Connection, period: &Period) -> Result<Arc<Figures>, ConsoleError> {
        let key = Key::read(conn, period)?;
        if let Some(known) = self.find(&key) {
            return Ok(known);
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.find(&key) {
            return Ok(known);
        }
        let made = Arc::new(Figures::make(conn, period)?);
        let mut kept = self.kept();
        kept.retain(|(k, _)| k.period != *period);
        kept.push_front((key, Arc::clone(&made)));
        kept.truncate(KEEP);
        Ok(made)
    }

    fn find(&self, key: &Key) -> Option<Arc<Figures>> {
        self.kept().iter().find(|(k, _)| k == key).map(|(_, f)| Arc::clone(f))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Key, Arc<Figures>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
