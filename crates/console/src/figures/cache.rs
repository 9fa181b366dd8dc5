//! The last few figures: they are the same until the lake or a verdict changes.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::ConsoleError;
use crate::figures::cells::last_day;
use crate::figures::period::Period;
use crate::figures::sums::Figures;

/// Figures that are kept.
const KEEP: usize = 6;
/// Figures may be so many times as old as it took to make them, so that verdicts that come in all the time cost a twentieth of a
/// core: half a minute over millions of calls.
const STALE: u32 = 20;
/// Figures that are made as quickly as this are always new.
const QUICK: Duration = Duration::from_millis(200);

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

/// Figures, when they were made, and how long that took.
#[derive(Debug)]
struct Kept {
    key: Key,
    figures: Arc<Figures>,
    made: Instant,
    cost: Duration,
}

impl Kept {
    /// Right for what is asked now, or near enough: verdicts came since, and not long ago.
    fn serves(&self, key: &Key) -> bool {
        let same_lake = self.key.period == key.period && self.key.lake == key.lake;
        let soon = self.cost > QUICK && self.made.elapsed() < self.cost * STALE;
        same_lake && (self.key.rows == key.rows || soon)
    }
}

/// The last few figures.
#[derive(Debug, Default)]
pub(crate) struct FigureCache {
    kept: Mutex<VecDeque<Kept>>,
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

    /// The figures of a period, from memory where nothing has changed for long.
    pub(crate) fn get(&self, conn: &Connection, period: &Period) -> Result<Arc<Figures>, ConsoleError> {
        if let Some(known) = self.find(&Key::read(conn, period)?) {
            return Ok(known);
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Again: while this one waited, somebody else made them, and verdicts came in.
        let key = Key::read(conn, period)?;
        if let Some(known) = self.find(&key) {
            return Ok(known);
        }
        let started = Instant::now();
        let figures = Arc::new(Figures::make(conn, period)?);
        let (made, cost) = (Instant::now(), started.elapsed());
        let mut kept = self.kept();
        kept.retain(|k| k.key.period != *period);
        kept.push_front(Kept { key, figures: Arc::clone(&figures), made, cost });
        kept.truncate(KEEP);
        Ok(figures)
    }

    fn find(&self, key: &Key) -> Option<Arc<Figures>> {
        self.kept().iter().find(|k| k.serves(key)).map(|k| Arc::clone(&k.figures))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
