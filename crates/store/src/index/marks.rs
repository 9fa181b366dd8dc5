//! Marks of calls in the files of `.sources` and `.removed`.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::{Connection, params};

use super::{Index, stamp};
use crate::error::StoreError;
use crate::removed;

impl Index {
    /// Whether a file of the folder holds the mark.
    pub(crate) fn has_mark(&self, folder: &str, mark: u64) -> Result<bool, StoreError> {
        self.ask(|db| {
            db.prepare_cached(
                "SELECT 1 FROM marks m JOIN mark_files f ON f.id = m.file WHERE m.mark = ?1 AND f.folder = ?2",
            )?
            .exists(params![mark.cast_signed(), folder])
        })
    }

    /// Whether any file of the folder holds marks.
    pub(crate) fn any_mark(&self, folder: &str) -> Result<bool, StoreError> {
        self.ask(|db| db.prepare_cached("SELECT 1 FROM mark_files WHERE folder = ?1")?.exists([folder]))
    }

    /// Reads the files of a folder that are new or changed, and forgets those that are gone.
    pub(super) fn refresh_marks(&self, folder: &str) -> Result<(), StoreError> {
        let mut known: BTreeMap<String, String> = self.ask(|db| {
            let mut all = db.prepare("SELECT name, stamp FROM mark_files WHERE folder = ?1")?;
            all.query_map([folder], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
        })?;
        let path = self.root.join(folder);
        let fail = |e| StoreError::io("cannot read the lake", &path)(e);
        let entries = if path.is_dir() { Some(fs::read_dir(&path).map_err(fail)?) } else { None };
        for entry in entries.into_iter().flatten() {
            let file = entry.map_err(fail)?.path();
            let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            // Half files are no files.
            if !file.is_file() || file.extension().is_some_and(|e| e == "tmp") {
                continue;
            }
            let before = known.remove(&name);
            if before.is_none() || before != stamp(&file) {
                self.read_marks_again(folder, &name)?;
            }
        }
        for name in known.keys() {
            self.drop_marks(folder, name)?;
        }
        Ok(())
    }

    /// Reads a file of marks as it is now.
    fn read_marks_again(&self, folder: &str, name: &str) -> Result<(), StoreError> {
        let file = self.root.join(folder).join(name);
        // Before it is read: one that changes meanwhile is read again.
        let Some(stamp) = stamp(&file) else { return self.drop_marks(folder, name) };
        let marks: Vec<u64> = removed::read(&file)?.collect();
        self.drop_marks(folder, name)?;
        self.enter_marks(folder, name, &stamp, &marks)
    }

    /// Says that marks were added to a file by this process.
    pub(crate) fn marks_added(&self, folder: &str, name: &str, marks: &[u64]) -> Result<(), StoreError> {
        let stamp = stamp(&self.root.join(folder).join(name)).unwrap_or_default();
        self.enter_marks(folder, name, &stamp, marks)
    }

    fn drop_marks(&self, folder: &str, name: &str) -> Result<(), StoreError> {
        let drop = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            let which = "SELECT id FROM mark_files WHERE folder = ?1 AND name = ?2";
            tx.execute(&format!("DELETE FROM marks WHERE file = ({which})"), [folder, name])?;
            tx.execute("DELETE FROM mark_files WHERE folder = ?1 AND name = ?2", [folder, name])?;
            tx.commit()
        };
        drop(&mut self.db()).map_err(StoreError::index(&self.root))
    }

    fn enter_marks(&self, folder: &str, name: &str, stamp: &str, marks: &[u64]) -> Result<(), StoreError> {
        let enter = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction()?;
            tx.execute(
                "INSERT INTO mark_files (folder, name, stamp) VALUES (?1, ?2, ?3)
                 ON CONFLICT (folder, name) DO UPDATE SET stamp = ?3",
                [folder, name, stamp],
            )?;
            let sql = "SELECT id FROM mark_files WHERE folder = ?1 AND name = ?2";
            let id: i64 = tx.query_row(sql, [folder, name], |r| r.get(0))?;
            {
                let mut add = tx.prepare_cached("INSERT OR IGNORE INTO marks (mark, file) VALUES (?1, ?2)")?;
                marks.iter().try_for_each(|mark| add.execute(params![mark.cast_signed(), id]).map(drop))?;
            }
            tx.commit()
        };
        enter(&mut self.db()).map_err(StoreError::index(&self.root))
    }
}
