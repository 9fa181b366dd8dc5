//! Merging files by call id, block by block.

use std::path::{Path, PathBuf};

use crate::arrow::record_batch::RecordBatch;

use crate::error::StoreError;
use crate::files::TableWriter;
use crate::order::{self, BLOCK_CALLS, Rows, block};
use crate::read::contained;
use crate::schema::TableName;

/// Files of each table that are open at once: more are merged in two passes, so that neither memory nor open files
/// grow with the parts of a day.
const OPEN: usize = 64;

/// Three files with rows of the same calls.
#[derive(Clone)]
pub(crate) struct Source {
    /// In the order of [`TableName::ALL`].
    files: [PathBuf; 3],
    /// Call ids, sorted.
    ids: Vec<String>,
}

impl Source {
    pub(crate) fn open(files: [PathBuf; 3]) -> Result<Self, StoreError> {
        let mut ids = order::ids(&files[2])?;
        ids.sort();
        Ok(Self { files, ids })
    }

    fn file(&self, table: TableName) -> &Path {
        let at = TableName::ALL.iter().position(|t| *t == table).unwrap_or(0);
        &self.files[at]
    }
}

/// Sources in one sequence of calls.
pub(crate) struct Merge {
    sources: Vec<Source>,
    /// Call and source, by call id.
    sequence: Vec<(String, usize)>,
    temporary: Vec<PathBuf>,
}

impl Merge {
    pub(crate) fn of(sources: Vec<Source>) -> Self {
        let mut sequence: Vec<(String, usize)> =
            sources.iter().enumerate().flat_map(|(i, s)| s.ids.iter().map(move |id| (id.clone(), i))).collect();
        sequence.sort();
        Self { sources, sequence, temporary: Vec::new() }
    }

    pub(crate) fn calls(&self) -> usize {
        self.sequence.len()
    }

    pub(crate) fn blocks(&self) -> usize {
        self.sequence.len().div_ceil(BLOCK_CALLS)
    }

    /// A call that stands twice.
    pub(crate) fn double(&self) -> Option<&str> {
        self.sequence.windows(2).find(|w| w[0].0 == w[1].0).map(|w| w[0].0.as_str())
    }

    /// Files that are of no use any more.
    pub(crate) fn temporary(&self) -> &[PathBuf] {
        &self.temporary
    }

    /// The same calls from sources of which few overlap: where many do, groups of them are merged into one each.
    pub(crate) fn narrowed(&self, folder: &Path) -> Result<Self, StoreError> {
        let mut now = Self { sources: self.sources.clone(), sequence: self.sequence.clone(), temporary: Vec::new() };
        while now.overlap() > OPEN {
            let mut sources = std::mem::take(&mut now.sources);
            sources.sort_by(|a, b| a.ids.first().cmp(&b.ids.first()));
            let mut merged = Vec::new();
            for group in sources.chunks(OPEN) {
                let group = Self::of(group.to_vec());
                let number = now.temporary.len() / TableName::ALL.len();
                let files = TableName::ALL.map(|t| folder.join(format!("merge-{}-{number}.tmp", t.as_str())));
                for (table, path) in TableName::ALL.into_iter().zip(&files) {
                    let mut writer = TableWriter::create(path, order::shape(table).0, None)?;
                    group.each_block(table, &mut |_, block| writer.write(block))?;
                    writer.finish()?;
                }
                now.temporary.extend(files.iter().cloned());
                merged.push(Source { files, ids: group.sequence.into_iter().map(|(id, _)| id).collect() });
            }
            now = Self { temporary: now.temporary, ..Self::of(merged) };
        }
        Ok(now)
    }

    /// How many sources are open at once.
    fn overlap(&self) -> usize {
        let mut ends: Vec<(&str, bool)> = Vec::new();
        for source in &self.sources {
            if let (Some(first), Some(last)) = (source.ids.first(), source.ids.last()) {
                ends.extend([(first.as_str(), false), (last.as_str(), true)]);
            }
        }
        ends.sort_unstable();
        let (mut open, mut most) = (0_usize, 0);
        for (_, ends) in ends {
            open = if ends { open.saturating_sub(1) } else { open + 1 };
            most = most.max(open);
        }
        most
    }

    /// Gives the rows of a table, those of [`BLOCK_CALLS`] calls at a time, with the number of the block.
    pub(crate) fn each_block(
        &self,
        table: TableName,
        take: &mut dyn FnMut(usize, &RecordBatch) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let shape = order::shape(table);
        let mut open: Vec<Option<Rows>> = self.sources.iter().map(|_| None).collect();
        for (number, calls) in self.sequence.chunks(BLOCK_CALLS).enumerate() {
            let mut rows = Vec::new();
            let mut path = Path::new("");
            // Calls of one source that follow each other are taken at once.
            for run in calls.chunk_by(|a, b| a.1 == b.1) {
                let Some((last, at)) = run.last() else { continue };
                let source = &self.sources[*at];
                path = source.file(table);
                contained(path, || {
                    let mut from = match open[*at].take() {
                        Some(rows) => rows,
                        None => Rows::by_call(path)?,
                    };
                    from.take_to(last, &mut rows)?;
                    // What ends here is closed.
                    open[*at] = (source.ids.last() != Some(last)).then_some(from);
                    Ok(())
                })?;
            }
            take(number, &block(&shape, &rows, path)?)?;
        }
        Ok(())
    }
}
