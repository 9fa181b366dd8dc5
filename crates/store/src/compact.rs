//! A day's parts made few, large and ordered.
//!
//! The rows of all parts of a day are merged by call id, block by block, into new files beside the lake; then one
//! journal ([`crate::replace`]) puts them in the place of the old ones. Until the journal is written nothing has
//! changed, and from then on all of it will: a kill costs the work on one day, and the next compaction does it. The
//! new rows come before the old ones go, so that who reads meanwhile may meet a call twice, and never misses one;
//! [`crate::commits`] tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::error::StoreError;
use crate::files::{TableWriter, remove, staging};
use crate::lake::{Lake, Part};
use crate::merge::{Merge, Source};
use crate::order::{self, Order};
use crate::read;
use crate::replace::{self, Step};
use crate::schema::{SCHEMA_VERSION, TableName};
use crate::stored::stored_parts;

/// Size of a part's `turns` from which the next part begins, unless somebody names another: 128 MiB.
pub const TARGET_BYTES: u64 = 128 << 20;

/// What became of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayCompaction {
    /// It is as it should be.
    AsItWas,
    /// It was written anew.
    Done(CompactedDay),
    /// It stays as it is, and why.
    Left(String),
}

/// A day that was written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct CompactedDay {
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// Calls.
    pub calls: usize,
    /// Parts before.
    pub parts_before: usize,
    /// Parts after.
    pub parts_after: usize,
    /// Bytes of its files before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

impl Lake {
    /// Makes a day few parts of at least `target_bytes` of `turns` each (the last may have less), in the lake's order.
    ///
    /// # Errors
    /// The disk is full or not writable; the day is as it was then. A part of it is of a later version.
    pub fn compact_day(&mut self, date: &str, target_bytes: u64) -> Result<DayCompaction, StoreError> {
        let parts = stored_parts(&self.root, Some(date), Some(date))?;
        let order = Order { target_bytes };
        let begun = (|| Ok((self.is_compact(&parts, order)?, self.sources(&parts)?)))();
        let (compact, sources) = match begun {
            Err(damage) if StoreError::is_damage(&damage) => return Ok(DayCompaction::Left(damage.to_string())),
            begun => begun?,
        };
        if compact {
            return Ok(DayCompaction::AsItWas);
        }
        let merge = Merge::of(sources);
        if let Some(id) = merge.double() {
            let why = format!("dt={date}: call `{id}` stands twice; remove one of the two before");
            return Ok(DayCompaction::Left(why));
        }
        let bytes_before = self.bytes(&parts);
        let staging = staging(&self.root)?;
        let written = Writing { date, order, staging: &staging }.write(&merge);
        let new = match written {
            Err(damage) if damage.is_damage() => {
                fs::remove_dir_all(&staging).map_err(StoreError::io("cannot clean up", &staging))?;
                return Ok(DayCompaction::Left(damage.to_string()));
            }
            written => written?,
        };
        let after: Vec<Part> = new.iter().map(|n| n.part.clone()).collect();
        self.swap_day(date, &parts, &new)?;
        parts.iter().chain(&after).try_for_each(|part| self.index.read_again(part))?;
        Ok(DayCompaction::Done(CompactedDay {
            date: date.to_owned(),
            calls: merge.calls(),
            parts_before: parts.len(),
            parts_after: after.len(),
            bytes_before,
            bytes_after: self.bytes(&after),
        }))
    }

    /// Whether a day's parts are what a compaction made, or what replays and removals left of it.
    fn is_compact(&self, parts: &[Part], order: Order) -> Result<bool, StoreError> {
        let mut small = 0;
        for part in parts {
            let footer = read::footer(&part.path(&self.root, TableName::Calls))?;
            if footer.version != SCHEMA_VERSION || footer.order != Some(order) {
                return Ok(false);
            }
            let turns = fs::metadata(part.path(&self.root, TableName::Turns)).map_or(0, |m| m.len());
            small += usize::from(turns < order.target_bytes / 2);
        }
        // What is left after many removals is put together again.
        Ok(small <= 1)
    }

    fn sources(&self, parts: &[Part]) -> Result<Vec<Source>, StoreError> {
        parts.iter().map(|part| Source::open(TableName::ALL.map(|table| part.path(&self.root, table)))).collect()
    }

    fn bytes(&self, parts: &[Part]) -> u64 {
        let of = |part: &Part| crate::retain::part_bytes(&self.root, part).iter().map(|(_, bytes)| *bytes).sum::<u64>();
        parts.iter().map(of).sum()
    }

    fn swap_day(&self, date: &str, old: &[Part], new: &[NewPart]) -> Result<(), StoreError> {
        let parts: BTreeSet<Part> = new.iter().map(|n| n.part.clone()).collect();
        let mut steps = Vec::new();
        // `calls` last: whoever sees them finds the rest. Then what is no more goes, `calls` first.
        for (i, table) in TableName::ALL.into_iter().enumerate() {
            let staged = new.iter().map(|n| (n.files[i].clone(), n.part.path(&self.root, table)));
            steps.extend(staged.map(|(from, to)| Step::Move(from, to)));
        }
        for table in TableName::ALL.into_iter().rev() {
            let gone = old.iter().filter(|part| !parts.contains(part));
            steps.extend(gone.map(|part| Step::Remove(part.path(&self.root, table))));
        }
        replace::commit(&self.root, &self.commits, &Part { date: date.to_owned(), number: 0 }, &steps)
    }
}

/// A part that was written and has no name yet.
struct NewPart {
    part: Part,
    /// In the order of [`TableName::ALL`].
    files: [PathBuf; 3],
}

struct Writing<'a> {
    date: &'a str,
    order: Order,
    staging: &'a std::path::Path,
}

impl Writing<'_> {
    fn write(&self, merge: &Merge) -> Result<Vec<NewPart>, StoreError> {
        let merge = merge.narrowed(self.staging)?;
        // How many blocks each part has: its turns decide, which replays leave alone.
        let cuts = self.write_turns(&merge)?;
        for table in [TableName::Findings, TableName::Calls] {
            self.write_table(&merge, table, &cuts)?;
        }
        for path in merge.temporary() {
            remove(path)?;
        }
        let parts = (0..cuts.len())
            .map(|i| NewPart { part: self.part(i), files: TableName::ALL.map(|table| self.staged(table, i)) });
        Ok(parts.collect())
    }

    fn part(&self, number: usize) -> Part {
        Part { date: self.date.to_owned(), number: u32::try_from(number).unwrap_or(u32::MAX) }
    }

    fn staged(&self, table: TableName, number: usize) -> PathBuf {
        self.staging.join(format!("compact-{}-{}-{number:05}.tmp", table.as_str(), self.date))
    }

    fn create(&self, table: TableName, number: usize) -> Result<TableWriter, StoreError> {
        TableWriter::create(&self.staged(table, number), order::shape(table).0, Some(self.order))
    }

    fn write_turns(&self, merge: &Merge) -> Result<Vec<usize>, StoreError> {
        let (mut cuts, mut begun) = (Vec::new(), 0);
        let mut open: Option<TableWriter> = None;
        merge.each_block(TableName::Turns, &mut |number, block| {
            let mut writer = match open.take() {
                Some(writer) => writer,
                None => self.create(TableName::Turns, cuts.len())?,
            };
            writer.write(block)?;
            if writer.bytes() >= self.order.target_bytes {
                cuts.push(number + 1 - begun);
                begun = number + 1;
                return writer.finish();
            }
            open = Some(writer);
            Ok(())
        })?;
        if let Some(writer) = open {
            writer.finish()?;
            cuts.push(merge.blocks() - begun);
        }
        Ok(cuts)
    }

    fn write_table(&self, merge: &Merge, table: TableName, cuts: &[usize]) -> Result<(), StoreError> {
        let (mut number, mut left) = (0, cuts.first().copied().unwrap_or(0));
        let mut open = Some(self.create(table, 0)?);
        merge.each_block(table, &mut |_, block| {
            if left == 0 {
                open.take().map(TableWriter::finish).transpose()?;
                number += 1;
                left = cuts.get(number).copied().unwrap_or(usize::MAX);
                open = Some(self.create(table, number)?);
            }
            left -= 1;
            open.as_mut().map_or(Ok(()), |writer| writer.write(block))
        })?;
        open.map_or(Ok(()), TableWriter::finish)
    }
}

#[cfg(test)]
mod tests;
