//! What every page needs: connections, rules, the clock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use callsift_reviews::Db;
use callsift_reviews::heard::WHOLE;
use callsift_rules::RuleSet;

use crate::addresses::Addresses;
use crate::auth::Limiter;
use crate::catalog::counts::Counts;
use crate::error::ConsoleError;
use crate::figures::cache::FigureCache;
use crate::options::ConsoleOptions;
use crate::page_error::PageError;
use crate::sound::{Hashes, SoundCache};
use crate::turns::Turns;

/// Name of the catalogue in the console's folder.
pub(crate) const CATALOG: &str = "catalog.db";
/// Name of the folder of decoded sound.
pub(crate) const SOUND: &str = "sound";
/// Connections that are kept open while nobody uses them.
const KEEP: usize = 8;

/// The console.
pub(crate) struct App {
    pub(crate) options: ConsoleOptions,
    pub(crate) rules: RuleSet,
    pub(crate) addresses: Addresses,
    pub(crate) limiter: Limiter,
    /// Guesses at the present password by whoever has a session.
    pub(crate) own_limiter: Limiter,
    pub(crate) turns: Turns,
    pub(crate) sounds: SoundCache,
    pub(crate) hashes: Hashes,
    pub(crate) figures: FigureCache,
    pub(crate) counts: Counts,
    pool: Mutex<Vec<Db>>,
}

/// Shared by all requests.
pub(crate) type Shared = Arc<App>;

impl App {
    pub(crate) fn new(options: ConsoleOptions, rules: RuleSet, addresses: Addresses) -> Result<Self, ConsoleError> {
        let sounds = SoundCache::open(options.data.join(SOUND), options.audio.clone())?;
        Ok(Self {
            options,
            rules,
            addresses,
            limiter: Limiter::default(),
            own_limiter: Limiter::default(),
            turns: Turns::default(),
            sounds,
            hashes: Hashes::default(),
            figures: FigureCache::default(),
            counts: Counts::default(),
            pool: Mutex::default(),
        })
    }

    /// Runs `work` on a thread that may wait, with a connection that reads the catalogue as `cat`.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Db) -> Result<T, PageError> + Send + 'static,
    ) -> Result<T, PageError> {
        let app = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let mut db = app.connection()?;
            let out = work(&mut db);
            let mut pool = app.pool.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.len() < KEEP {
                pool.push(db);
            }
            out
        });
        task.await.unwrap_or_else(|e| Err(PageError::Internal(ConsoleError::Option(format!("a page failed: {e}")))))
    }

    fn connection(&self) -> Result<Db, ConsoleError> {
        if let Some(db) = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(db);
        }
        open_for(&self.options.data, self.options.proven)
    }
}

/// Calls with a review that says more than was played.
const UNPROVEN: &str = "SELECT f.call_id FROM main.current_forms f JOIN cat.calls c ON c.call_id = f.call_id
    WHERE f.slot = 0 AND f.whole = 1 AND coalesce(f.heard_ms, 0) < WHOLE * c.duration_ms";

/// Pages of the catalogue that a connection keeps, in kilobytes.
const CACHE_KB: i64 = 16 * 1024;

/// The catalogue of a console's folder.
pub(crate) fn catalog_path(data: &Path) -> PathBuf {
    data.join(CATALOG)
}

/// As [`open_for`], with every review.
#[cfg(test)]
pub(crate) fn open_both(data: &Path) -> Result<Db, ConsoleError> {
    open_for(data, false)
}

/// The reviews database of a console's folder; the catalogue beside it is readable as `cat`, and only readable: a
/// transaction that writes would otherwise wait for whoever writes the catalogue, though it touches the reviews
/// alone. With `proven` reviews that say "heard as a whole" count for estimates only where nearly all of the call was
/// really played, whatever the reason that was given: the others are as if nobody had reviewed those calls.
pub(crate) fn open_for(data: &Path, proven: bool) -> Result<Db, ConsoleError> {
    let db = Db::open_in(data)?;
    let conn = db.connection();
    let path = catalog_path(data).to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    conn.execute("ATTACH DATABASE ?1 AS cat", [format!("file:{path}?mode=ro")])?;
    // Figures go over whole tables by their indexes: with the two megabytes that SQLite gives, they read most pages many times.
    conn.pragma_update(Some("cat"), "cache_size", -CACHE_KB)?;
    conn.set_prepared_statement_cache_capacity(64);
    let unproven = if proven { UNPROVEN } else { "SELECT '' AS call_id WHERE 0" };
    conn.execute_batch(&format!("CREATE TEMP VIEW unproven AS {}", unproven.replace("WHOLE", &WHOLE.to_string())))?;
    Ok(db)
}

/// Now, in microseconds since the Unix epoch.
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}
