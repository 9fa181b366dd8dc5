//! Looking at every byte of a lake that readers would look at, and putting aside what is damaged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::lake::{Lake, Part};
use crate::read::{contained, open, text};
use crate::schema::TableName;
use crate::seal;
use crate::stored::stored_parts;

/// Where damaged parts go.
pub const QUARANTINE: &str = ".quarantine";

/// A part that cannot be read as a whole.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Damaged {
    /// The part, `2026-11-16/0`.
    pub part: String,
    /// Its tables that are damaged or missing, and how.
    pub tables: Vec<(&'static str, String)>,
    /// Its calls, as far as the other tables tell.
    pub calls: BTreeSet<String>,
    /// Calls and turns can be read: `replay` makes the findings again. Otherwise `run` makes the calls again, once the part is
    /// put aside or not.
    pub by_replay: bool,
}

/// What all parts of a lake are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Parts, all in all.
    pub parts: usize,
    /// Of them without a checksum in one table or more, since an earlier version wrote them: a byte that changed is
    /// found only where it makes them unreadable.
    pub unsealed: usize,
    /// Those that are damaged.
    pub damaged: Vec<Damaged>,
}

/// Compares every part with its checksums, and reads all of it.
///
/// # Errors
/// The lake's folders cannot be read, or a part is of a newer version.
pub fn check(root: &Path) -> Result<Checked, StoreError> {
    // Without its commit mark a part is none: the next run clears it.
    let parts = stored_parts(root, None, None)?;
    let (mut damaged, mut unsealed) = (Vec::new(), 0);
    for part in &parts {
        let mut found = Damaged {
            part: format!("{}/{}", part.date, part.number),
            tables: Vec::new(),
            calls: BTreeSet::new(),
            by_replay: false,
        };
        let mut sealed = true;
        for table in TableName::ALL {
            let path = part.path(root, table);
            match seal::verify(&path).and_then(|s| ids(&path, None).map(|ids| (s, ids))) {
                Ok((is_sealed, ids)) => {
                    sealed &= is_sealed;
                    found.calls.extend(ids);
                }
                Err(e) if e.is_damage() => {
                    found.tables.push((table.as_str(), e.to_string()));
                    // What can still be read of it tells whom it is about.
                    found.calls.extend(ids(&path, Some(&["call_id"])).unwrap_or_default());
                }
                Err(e) => return Err(e),
            }
        }
        unsealed += usize::from(!sealed);
        if !found.tables.is_empty() {
            found.by_replay = found.tables.iter().all(|(table, _)| *table == TableName::Findings.as_str());
            damaged.push(found);
        }
    }
    Ok(Checked { parts: parts.len(), unsealed, damaged })
}

/// The ids in a file, after these columns were read, or all.
fn ids(path: &Path, columns: Option<&[&str]>) -> Result<BTreeSet<String>, StoreError> {
    contained(path, || {
        let mut ids = BTreeSet::new();
        for batch in open(path, columns)? {
            let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", path)(&e))?;
            ids.extend((0..batch.num_rows()).map(|row| text(&batch, "call_id", row)));
        }
        Ok(ids)
    })
}

impl Lake {
    /// Puts a damaged part aside, all tables of it, `calls` first: what is left of it then counts for nothing. Nothing is removed.
    /// Gives where its files are now.
    ///
    /// # Errors
    /// The disk is full or not writable.
    pub fn quarantine(&mut self, damaged: &Damaged) -> Result<Vec<PathBuf>, StoreError> {
        let part = damaged.part.split_once('/').and_then(|(date, number)| Some((date, number.parse().ok()?)));
        let Some((date, number)) = part else { return Ok(Vec::new()) };
        let part = Part { date: date.to_owned(), number };
        let mut moved = Vec::new();
        for table in TableName::ALL.into_iter().rev() {
            let from = part.path(&self.root, table);
            if !from.exists() {
                continue;
            }
            let folder = self.root.join(QUARANTINE).join(table.as_str()).join(format!("dt={date}"));
            fs::create_dir_all(&folder).map_err(StoreError::io("cannot write to the lake", &folder))?;
            let free =
                (0..10_000).map(|i| folder.join(format!("part-{number:05}.{i}.parquet"))).find(|to| !to.exists());
            let Some(to) = free else { continue };
            fs::rename(&from, &to).map_err(StoreError::io("cannot put a part aside", &from))?;
            moved.push(to);
        }
        self.index.read_again(&part)?;
        Ok(moved)
    }
}
