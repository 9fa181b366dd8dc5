//! Putting new findings in the place of a part's old ones, a few calls at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::arrow::array::{ArrayRef, RecordBatch};
use crate::arrow::datatypes::SchemaRef;
use callsift_core::{Finding, Provenance, Verdict};

use crate::error::StoreError;
use crate::files::{TableWriter, staging};
use crate::lake::{Lake, Part, batch, finding_rows};
use crate::order::{self, BLOCK_CALLS, Order, Rows, Upgrade, block};
use crate::read;
use crate::replace::{Step, commit};
use crate::schema::TableName;
use crate::tables::{self, FindingRow};
use crate::value::{Kind, Value};

/// A call's new verdicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Call.
    pub call_id: String,
    /// One per rule in force.
    pub findings: Vec<Finding>,
    /// New score; `None` where the call has none.
    pub score: Option<f64>,
}

/// A part whose findings are being replaced, calls in the order of the part.
pub struct Replacement<'l> {
    lake: &'l Lake,
    part: Part,
    made_by: &'l Provenance,
    order: Option<Order>,
    calls: Rows,
    shape: (SchemaRef, Upgrade),
    findings: TableWriter,
    new_calls: TableWriter,
    moves: [(PathBuf, PathBuf); 2],
}

impl Lake {
    /// Begins to put new findings in the place of a part's: what a replay with other rules does. `made_by` is written
    /// to the part's calls, with their new scores and verdicts; all files change together or not at all, also when
    /// killed.
    ///
    /// # Errors
    /// The part cannot be read, or the disk is full or not writable.
    pub fn replacing<'l>(&'l self, part: &Part, made_by: &'l Provenance) -> Result<Replacement<'l>, StoreError> {
        let (findings, calls) = (part.path(&self.root, TableName::Findings), part.path(&self.root, TableName::Calls));
        let staging = staging(&self.root)?;
        let staged = |i: usize| staging.join(format!("replace-{}-{:05}-{i}.tmp", part.date, part.number));
        let order = read::footer(&calls)?.order;
        let shape = order::shape(TableName::Calls);
        Ok(Replacement {
            lake: self,
            part: part.clone(),
            made_by,
            order,
            calls: Rows::new(&calls, read::open_all(&calls)?),
            findings: TableWriter::create(&staged(0), tables::findings().schema(), order)?,
            new_calls: TableWriter::create(&staged(1), Arc::clone(&shape.0), order)?,
            shape,
            moves: [(staged(0), findings), (staged(1), calls)],
        })
    }

    /// Puts new findings in the place of a part's, all at once.
    ///
    /// # Errors
    /// As [`Lake::replacing`]; the part is as it was then.
    pub fn replace_findings(&self, part: &Part, judged: &[Judged], made_by: &Provenance) -> Result<(), StoreError> {
        let mut new = self.replacing(part, made_by)?;
        for block in judged.chunks(if new.order.is_some() { BLOCK_CALLS } else { judged.len().max(1) }) {
            new.push(block)?;
        }
        new.commit()
    }
}

impl Replacement<'_> {
    /// Adds the next calls of the part: the group that [`crate::PartReader`] gave.
    ///
    /// # Errors
    /// The part cannot be read, or the disk is full or not writable; the part is as it was.
    pub fn push(&mut self, judged: &[Judged]) -> Result<(), StoreError> {
        let hash = &self.made_by.ruleset_hash;
        let findings = judged.iter().flat_map(|j| j.findings.iter().map(|f| (j.call_id.as_str(), f)));
        let rows: Vec<FindingRow<'_>> = findings.flat_map(|(id, finding)| finding_rows(id, finding, hash)).collect();
        self.findings.write(&batch(&tables::findings(), &rows, &self.moves[0].1)?)?;
        self.copy_calls(judged)
    }

    fn copy_calls(&mut self, judged: &[Judged]) -> Result<(), StoreError> {
        let path = &self.moves[1].1;
        // A part without an order is judged at once, and calls that were not judged keep nothing of the old verdicts.
        let rows = if self.order.is_some() { judged.len() } else { usize::MAX };
        let mut taken = Vec::new();
        read::contained(path, || self.calls.take_rows(rows, &mut taken))?;
        let calls = block(&self.shape, &taken, path)?;
        self.new_calls.write(&judged_calls(&calls, judged, self.made_by, path)?)
    }

    /// Puts the new files in the place of the old ones.
    ///
    /// # Errors
    /// Not all calls of the part were judged, or the disk is full or not writable; the part is as it was then.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let mut left = Vec::new();
        self.calls.take_rows(1, &mut left)?;
        if !left.is_empty() {
            return Err(order::cannot_read(&self.moves[1].1, &"not all of its calls were judged"));
        }
        self.findings.finish()?;
        self.new_calls.finish()?;
        let moves = self.moves.map(|(from, to)| Step::Move(from, to));
        commit(&self.lake.root, &self.lake.commits, &self.part, &moves)?;
        self.lake.index.read_again(&self.part)
    }
}

/// Calls with new verdicts, scores and makers; everything else as it was.
fn judged_calls(
    calls: &RecordBatch,
    judged: &[Judged],
    made_by: &Provenance,
    path: &Path,
) -> Result<RecordBatch, StoreError> {
    let fail = |e: &dyn std::fmt::Display| order::cannot_read(path, e);
    let schema = calls.schema();
    let by_id: HashMap<&str, &Judged> = judged.iter().map(|j| (j.call_id.as_str(), j)).collect();
    let ids: Vec<String> = (0..calls.num_rows()).map(|row| read::text(calls, "call_id", row)).collect();
    let rows: Vec<Option<&Judged>> = ids.iter().map(|id| by_id.get(id.as_str()).copied()).collect();
    let mut columns: Vec<ArrayRef> = calls.columns().to_vec();
    let mut put = |name: &str, kind: Kind, new: &dyn Fn(&Judged) -> Value<'_>| -> Result<(), StoreError> {
        let at = schema.index_of(name).map_err(|e| fail(&e))?;
        // A call that was not judged again keeps nothing of the old verdicts: it has none.
        columns[at] = kind.column(rows.iter().map(|r| r.map_or(Value::Null, new)));
        Ok(())
    };
    put("score", Kind::Float64, &|j| j.score.into())?;
    for (name, verdict) in [
        ("rules_hit", Verdict::Hit),
        ("rules_cannot_tell", Verdict::CannotTell),
        ("rules_not_applicable", Verdict::NotApplicable),
    ] {
        put(name, Kind::TextList, &|j| {
            let matching = j.findings.iter().filter(|f| f.verdict == verdict);
            Value::TextList(matching.map(|f| f.rule_id.clone()).collect())
        })?;
    }
    for (name, text) in [("ruleset_hash", &made_by.ruleset_hash), ("config_hash", &made_by.config_hash)] {
        let at = schema.index_of(name).map_err(|e| fail(&e))?;
        columns[at] = Kind::Text.column(rows.iter().map(|_| Value::from(text.as_str())));
    }
    // The schema as it is written, so that the bytes are those of a fresh run.
    RecordBatch::try_new(schema, columns).map_err(|e| fail(&e))
}
