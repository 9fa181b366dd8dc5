//! A part read a few calls at a time, each with its turns and findings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::arrow::array::RecordBatch;

use crate::error::StoreError;
use crate::lake::Part;
use crate::order::{BLOCK_CALLS, Order, Rows, cannot_read};
use crate::read::{contained, open_columns};
use crate::schema::TableName;
use crate::seal;
use crate::stored::{self, Columns, StoredCall};
use crate::stored_findings::{self, StoredFinding};

/// Calls that follow each other in a part.
#[derive(Debug, Default)]
pub struct CallGroup {
    /// Each with its turns.
    pub calls: Vec<StoredCall>,
    /// Of these calls, in their order; empty where the reader was not asked for them.
    pub findings: Vec<StoredFinding>,
}

/// Reads a part. One that is compacted comes in groups of calls, so that memory does not depend on its size; any
/// other one is a single group.
pub struct PartReader {
    root: PathBuf,
    part: Part,
    with_findings: bool,
    state: State,
}

enum State {
    /// A part whose rows may have any order.
    Whole,
    Ordered(Box<Ordered>),
    Done,
}

struct Ordered {
    calls: Rows,
    turns: Rows,
    findings: Option<Rows>,
}

impl PartReader {
    /// Opens a part.
    ///
    /// # Errors
    /// A file of it cannot be read, or its checksum is not that of its bytes.
    pub fn open(root: &Path, part: &Part, with_findings: bool) -> Result<Self, StoreError> {
        let rows = |table, columns: &[&str]| -> Result<Rows, StoreError> {
            let path = part.path(root, table);
            Ok(Rows::new(&path, open_columns(&path, columns)?))
        };
        // Findings that nobody asked for may be damaged.
        let tables = if with_findings { &TableName::ALL[..] } else { &[TableName::Turns, TableName::Calls] };
        for table in tables {
            seal::verify(&part.path(root, *table))?;
        }
        let state = if Order::of_part(root, part, tables)?.is_none() {
            State::Whole
        } else {
            let findings = || rows(TableName::Findings, &stored_findings::COLUMNS);
            State::Ordered(Box::new(Ordered {
                calls: rows(TableName::Calls, &stored::CALL_COLUMNS)?,
                turns: rows(TableName::Turns, &stored::TURN_COLUMNS)?,
                findings: with_findings.then(findings).transpose()?,
            }))
        };
        Ok(Self { root: root.to_owned(), part: part.clone(), with_findings, state })
    }

    /// The next calls; `None` at the end.
    ///
    /// # Errors
    /// The part cannot be read.
    pub fn next_group(&mut self) -> Result<Option<CallGroup>, StoreError> {
        match &mut self.state {
            State::Done => Ok(None),
            State::Whole => {
                self.state = State::Done;
                let calls = stored::read_part(&self.root, &self.part)?;
                let findings = || stored_findings::read_findings(&self.root, &self.part);
                let findings = if self.with_findings { findings()? } else { Vec::new() };
                Ok(Some(CallGroup { calls, findings }))
            }
            State::Ordered(rows) => {
                let path = self.part.path(&self.root, TableName::Calls);
                let group = contained(&path, || rows.next(&path, &self.part.date))?;
                if group.is_none() {
                    self.state = State::Done;
                }
                Ok(group)
            }
        }
    }
}

impl Ordered {
    fn next(&mut self, path: &Path, date: &str) -> Result<Option<CallGroup>, StoreError> {
        let mut group = CallGroup::default();
        for batch in taken(|out| self.calls.take_rows(BLOCK_CALLS, out))? {
            let columns = Columns { batch: &batch };
            group.calls.extend((0..batch.num_rows()).map(|row| columns.call(row, date)));
        }
        let Some(last) = group.calls.last().map(|call| call.meta.call_id.clone()) else { return Ok(None) };
        if !group.calls.is_sorted_by(|a, b| a.meta.call_id < b.meta.call_id) {
            return Err(cannot_read(path, &"its calls are not in the order that it says"));
        }
        let places: HashMap<String, usize> =
            group.calls.iter().enumerate().map(|(i, call)| (call.meta.call_id.clone(), i)).collect();
        for batch in taken(|out| self.turns.take_to(&last, out))? {
            Columns { batch: &batch }.add_turns(&places, &mut group.calls);
        }
        stored::number_turns(&mut group.calls);
        if let Some(findings) = &mut self.findings {
            for batch in taken(|out| findings.take_to(&last, out))? {
                let columns = Columns { batch: &batch };
                group.findings.extend((0..batch.num_rows()).map(|row| stored_findings::finding(&columns, row)));
            }
        }
        Ok(Some(group))
    }
}

fn taken(take: impl FnOnce(&mut Vec<RecordBatch>) -> Result<(), StoreError>) -> Result<Vec<RecordBatch>, StoreError> {
    let mut out = Vec::new();
    take(&mut out)?;
    Ok(out)
}
