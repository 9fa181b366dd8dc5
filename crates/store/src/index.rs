//! What the lake knows of its calls, in one file beside it, so that a run does not read every part to learn which
//! calls are done.
//!
//! `<lake>/.index/calls.db` is made from the parts and from the marks in `.sources` and `.removed`, and is never the
//! truth: each of these files stands in it with size, time and place on the disk, and one that differs is read again
//! when the lake is opened. An index that is missing, broken or of another version is made anew; it may be deleted at
//! any time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::StoreError;
use crate::lake::{DoneCall, Part};
use crate::read::{self, CallKey};
use crate::schema::TableName;

/// Version of the index; another one is made anew.
const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE parts (id INTEGER PRIMARY KEY, date TEXT NOT NULL, number INTEGER NOT NULL, stamp TEXT NOT NULL,
                    UNIQUE (date, number)) STRICT;
CREATE TABLE makers (id INTEGER PRIMARY KEY, made_by TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE calls (id INTEGER PRIMARY KEY, call_id TEXT NOT NULL, part INTEGER NOT NULL, audio_sha256 TEXT NOT NULL,
                    recording TEXT NOT NULL, status TEXT NOT NULL, fail_stage TEXT NOT NULL, maker INTEGER NOT NULL) STRICT;
CREATE INDEX calls_by_id ON calls (call_id);
CREATE INDEX calls_by_recording ON calls (recording) WHERE recording <> '';
CREATE INDEX calls_by_sha256 ON calls (audio_sha256) WHERE audio_sha256 <> '';
CREATE INDEX calls_by_part ON calls (part);
CREATE TABLE made (part INTEGER NOT NULL, maker INTEGER NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (part, maker))
    STRICT, WITHOUT ROWID;
CREATE TABLE mark_files (id INTEGER PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL,
                         UNIQUE (folder, name)) STRICT;
CREATE TABLE marks (mark INTEGER NOT NULL, file INTEGER NOT NULL, PRIMARY KEY (mark, file)) STRICT, WITHOUT ROWID;
CREATE INDEX marks_by_file ON marks (file);
";

/// The first of an id is the one that counts; older versions could write an id twice.
const ROWS: &str = "SELECT c.call_id, c.audio_sha256, c.recording, c.status, c.fail_stage, m.made_by, p.date, p.number,
    EXISTS (SELECT 1 FROM calls d JOIN parts q ON q.id = d.part
            WHERE d.call_id = c.call_id AND (q.date, q.number, d.id) < (p.date, p.number, c.id))
  FROM calls c JOIN parts p ON p.id = c.part JOIN makers m ON m.id = c.maker";

/// The open index of a lake that this process holds for writing.
#[derive(Debug)]
pub(crate) struct Index {
    root: PathBuf,
    db: Mutex<Connection>,
}

/// A row of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedCall {
    /// Its id.
    pub call_id: String,
    /// What is known of it.
    pub call: DoneCall,
    /// The id stands in an earlier part already.
    pub double: bool,
}

/// What a file was when it was read.
fn stamp(path: &Path) -> Option<String> {
    let meta = fs::metadata(path).ok()?;
    let time = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Some(format!("{}@{}#{}", meta.len(), time.map_or(0, |t| t.as_nanos()), inode(&meta)))
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

impl Index {
    /// Opens the index and brings it up to date. Gives the parts that cannot be read, too.
    pub(crate) fn open(root: &Path) -> Result<(Self, Vec<StoreError>), StoreError> {
        let folder = root.join(".index");
        // Whatever is wrong with it: it is made anew, once.
        if let Ok(index) = Self::connect(root, &folder) {
            match index.refresh() {
                Err(StoreError::Index { .. }) => {}
                refreshed => return refreshed.map(|unread| (index, unread)),
            }
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(StoreError::io("cannot replace the index of the lake", &folder))?;
        }
        let index = Self::connect(root, &folder)?;
        let unread = index.refresh()?;
        Ok((index, unread))
    }

    fn connect(root: &Path, folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io("cannot write to the lake", folder))?;
        let open = || -> rusqlite::Result<Connection> {
            let db = Connection::open(folder.join("calls.db"))?;
            // One process at a time has it: no shared memory is needed, which network disks may lack.
            db.pragma_update(None, "locking_mode", "exclusive")?;
            db.pragma_update(None, "journal_mode", "wal")?;
            db.pragma_update(None, "synchronous", "normal")?;
            // What was removed for its age is to be gone from here, too.
            db.pragma_update(None, "secure_delete", true)?;
            let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0))?;
            if version == 0 {
                db.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))?;
            } else if version != VERSION {
                return Err(rusqlite::Error::InvalidQuery);
            }
            Ok(db)
        };
        let db = open().map_err(StoreError::index(root))?;
        Ok(Self { root: root.to_owned(), db: Mutex::new(db) })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        ask(&self.db()).map_err(StoreError::index(&self.root))
    }

    fn refresh(&self) -> Result<Vec<StoreError>, StoreError> {
        let mut known: BTreeMap<(String, u32), String> = self.ask(|db| {
            let mut all = db.prepare("SELECT date, number, stamp FROM parts")?;
            all.query_map([], |r| Ok(((r.get(0)?, r.get(1)?), r.get(2)?)))?.collect()
        })?;
        let mut unread = Vec::new();
        for path in read::part_files(&self.root, TableName::Calls)? {
            let Some(part) = Part::parse(&path) else { continue };
            let before = known.remove(&(part.date.clone(), part.number));
            if before.is_some() && before == stamp(&path) {
                continue;
            }
            match self.read_again(&part) {
                Err(damage) if damage.is_damage() => {
                    self.drop_part(&part)?;
                    unread.push(damage);
                }
                read => read?,
            }
        }
        for (date, number) in known.into_keys() {
            self.drop_part(&Part { date, number })?;
        }
        for folder in [crate::sources::FOLDER, crate::removed::FOLDER] {
            self.refresh_marks(folder)?;
        }
        Ok(unread)
    }

    /// Reads a part that was written, or forgets one that is gone.
    pub(crate) fn read_again(&self, part: &Part) -> Result<(), StoreError> {
        let path = part.path(&self.root, TableName::Calls);
        // Before it is read: one that changes meanwhile is read again.
        let Some(stamp) = stamp(&path) else { return self.drop_part(part) };
        let keys = read::call_keys(&path)?;
        let mut db = self.db();
        let enter = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            remove_part(&tx, part)?;
            tx.execute(
                "INSERT INTO parts (date, number, stamp) VALUES (?1, ?2, ?3)",
                params![part.date, part.number, stamp],
            )?;
            let id = tx.last_insert_rowid();
            keys.iter().try_for_each(|key| add_call(&tx, id, key))?;
            tx.commit()
        };
        enter(&mut db).map_err(StoreError::index(&self.root))
    }

    fn drop_part(&self, part: &Part) -> Result<(), StoreError> {
        let mut db = self.db();
        let remove = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            remove_part(&tx, part)?;
            tx.commit()
        };
        remove(&mut db).map_err(StoreError::index(&self.root))
    }

    /// Rows whose id, recording or SHA-256 is this one; empty texts are nobody's.
    pub(crate) fn by_id(&self, id: &str) -> Result<Vec<IndexedCall>, StoreError> {
        self.rows("WHERE c.call_id = ?1", id)
    }

    pub(crate) fn by_recording(&self, name: &str) -> Result<Vec<IndexedCall>, StoreError> {
        self.rows("WHERE c.recording = ?1 AND c.recording <> ''", name)
    }

    pub(crate) fn by_sha256(&self, sha256: &str) -> Result<Vec<IndexedCall>, StoreError> {
        self.rows("WHERE c.audio_sha256 = ?1 AND c.audio_sha256 <> ''", sha256)
    }

    /// All rows.
    pub(crate) fn all(&self) -> Result<Vec<IndexedCall>, StoreError> {
        self.rows("WHERE ?1 = ''", "")
    }

    /// Rows in the order of day, part and row.
    fn rows(&self, which: &str, value: &str) -> Result<Vec<IndexedCall>, StoreError> {
        self.ask(|db| {
            let mut rows = db.prepare_cached(&format!("{ROWS} {which} ORDER BY p.date, p.number, c.id"))?;
            rows.query_map([value], indexed)?.collect()
        })
    }

    /// Calls by what made them.
    pub(crate) fn makers(&self) -> Result<Vec<(String, usize)>, StoreError> {
        self.ask(|db| {
            let mut all = db.prepare_cached(
                "SELECT m.made_by, sum(n.calls) FROM made n JOIN makers m ON m.id = n.maker GROUP BY n.maker",
            )?;
            all.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as usize)))?.collect()
        })
    }

    /// The number after the last part of a day.
    pub(crate) fn next_number(&self, date: &str) -> Result<u32, StoreError> {
        self.ask(|db| {
            db.prepare_cached("SELECT coalesce(max(number) + 1, 0) FROM parts WHERE date = ?1")?
                .query_row([date], |r| r.get(0))
        })
    }
}

fn indexed(row: &Row<'_>) -> rusqlite::Result<IndexedCall> {
    let call = DoneCall {
        audio_sha256: row.get(1)?,
        recording: row.get(2)?,
        status: row.get(3)?,
        fail_stage: row.get(4)?,
        made_by: row.get(5)?,
        part: Part { date: row.get(6)?, number: row.get(7)? },
    };
    Ok(IndexedCall { call_id: row.get(0)?, call, double: row.get(8)? })
}

fn remove_part(db: &Connection, part: &Part) -> rusqlite::Result<()> {
    let id: Option<i64> = db
        .query_row("SELECT id FROM parts WHERE date = ?1 AND number = ?2", params![part.date, part.number], |r| {
            r.get(0)
        })
        .optional()?;
    for sql in
        ["DELETE FROM calls WHERE part = ?1", "DELETE FROM made WHERE part = ?1", "DELETE FROM parts WHERE id = ?1"]
    {
        db.execute(sql, [id])?;
    }
    Ok(())
}

fn add_call(db: &Connection, part: i64, key: &CallKey) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO makers (made_by) VALUES (?1)")?.execute([&key.made_by])?;
    let maker: i64 =
        db.prepare_cached("SELECT id FROM makers WHERE made_by = ?1")?.query_row([&key.made_by], |r| r.get(0))?;
    db.prepare_cached(
        "INSERT INTO calls (call_id, part, audio_sha256, recording, status, fail_stage, maker)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![key.call_id, part, key.audio_sha256, key.recording, key.status, key.fail_stage, maker])?;
    db.prepare_cached(
        "INSERT INTO made (part, maker, calls) VALUES (?1, ?2, 1)
         ON CONFLICT (part, maker) DO UPDATE SET calls = calls + 1",
    )?
    .execute(params![part, maker])?;
    Ok(())
}

mod marks;
#[cfg(test)]
mod tests;
