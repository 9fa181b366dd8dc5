//! Which call each recording is: one that the lake holds, one that changed, or a new one, and under which id.
//!
//! The rules, in the order in which they are tried; each row of the lake is claimed by one recording at most:
//! 0. The id or name of a call that another system transcribed: that call; it is done.
//! 1. Same name and same bytes as a row: that call; it is done.
//! 2. Same bytes under another name (moved, renamed, another folder was given): that call, unless both days are known and differ.
//! 3. The very file that a row was made from, or its name where the lake did not write down the file, with other bytes: the
//!    recording changed; it is inspected again and replaces the row under its id. Not so where the metadata gives another id or
//!    day: then the file name was used again for another call.
//! 4. Anything else is a new call. Its id is the one that it claims; where that is another's, the first eight digits of the
//!    SHA-256 of its bytes are put behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use callsift_core::{Recording, StageName};
use callsift_store::{DoneCall, IndexedCall, KnownSource, Lake, StoreError};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::front::{Failed, recording_sha256};
use crate::input::{Day, Planned, default_id};
use crate::intake::{Intake, NoteKind};
use crate::metadata::UNREADABLE_TIME;

/// A recording to be inspected.
#[derive(Debug, Clone)]
pub struct Job {
    /// Under the id that the call gets.
    pub recording: Recording,
    /// Why it is not inspected but a failed row: the stage that it counts for, and the reason.
    pub refused: Option<Failed>,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Todo {
    /// Sorted by day and id.
    pub jobs: Vec<Job>,
    /// Recordings whose calls are done, or were removed for their age.
    pub skipped: usize,
    /// Calls told apart, replaced, or doubtful.
    pub intake: Intake,
}

/// Source of a call that was made from a recording: its true path.
pub(crate) fn source(path: &Path) -> Vec<u8> {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string().into_encoded_bytes()
}

/// A row of the lake that may be the call of a recording of this run.
struct Row {
    id: String,
    call: DoneCall,
    /// To be done again.
    forgotten: bool,
}

impl Row {
    fn failed(&self) -> bool {
        self.call.status == "failed"
    }
}

/// Reads the recordings' bytes, where nobody did.
pub(crate) fn hash(planned: &mut [Planned]) {
    planned.par_iter_mut().filter(|p| p.recording.sha256.is_empty()).for_each(|p| {
        p.recording.sha256 = recording_sha256(&p.recording.path);
    });
}

/// Decides for all recordings of a run. Reads each file once.
///
/// # Errors
/// The index of the lake cannot be read.
pub fn resolve(lake: &Lake, mut planned: Vec<Planned>) -> Result<Todo, StoreError> {
    hash(&mut planned);
    let mut all = Resolver::new(lake, &planned)?;
    let rules: [fn(&Resolver<'_>, &Planned) -> Found; 4] =
        [|all, p| Ok(all.transcribed(p)), |all, p| all.same(p), |all, p| Ok(all.moved(p)), |all, p| all.changed(p)];
    for rule in rules {
        for (i, p) in planned.iter().enumerate() {
            if all.match_of[i].is_none()
                && let Some(row) = rule(&all, p)?
            {
                all.taken.insert(row);
                all.match_of[i] = Some(row);
            }
        }
    }
    all.todo(planned)
}

struct Resolver<'l> {
    lake: &'l Lake,
    rows: Vec<Row>,
    by_name: HashMap<String, Vec<usize>>,
    by_sha: HashMap<String, Vec<usize>>,
    by_id: HashMap<String, Vec<usize>>,
    /// Rows that a recording of this run is.
    taken: BTreeSet<usize>,
    match_of: Vec<Option<usize>>,
}

impl<'l> Resolver<'l> {
    /// Looks only at rows that have the id, the name or the bytes of a recording: their number follows the run, not
    /// the lake.
    fn new(lake: &'l Lake, planned: &[Planned]) -> Result<Self, StoreError> {
        let mut found: BTreeMap<_, IndexedCall> = BTreeMap::new();
        for p in planned {
            let r = &p.recording;
            for row in lake.rows_like(&r.meta.call_id, &r.name, &r.sha256)? {
                // Rows that count come first, by id; then those whose id stands before; then what is done again.
                let rank = (lake.is_forgotten(&row), row.double, row.call_id.clone(), row.call.part.clone());
                found.insert(rank, row);
            }
        }
        let rows: Vec<Row> = found
            .into_iter()
            .map(|((forgotten, ..), IndexedCall { call_id, call, .. })| Row { id: call_id, call, forgotten })
            .collect();
        let index = |key: fn(&Row) -> &str| {
            let mut map: HashMap<String, Vec<usize>> = HashMap::new();
            for (i, row) in rows.iter().enumerate().filter(|(_, row)| !key(row).is_empty()) {
                map.entry(key(row).to_owned()).or_default().push(i);
            }
            map
        };
        Ok(Self {
            by_name: index(|r| &r.call.recording),
            by_sha: index(|r| &r.call.audio_sha256),
            by_id: index(|r| &r.id),
            lake,
            rows,
            taken: BTreeSet::new(),
            match_of: vec![None; planned.len()],
        })
    }

    fn free<'a>(&'a self, map: &'a HashMap<String, Vec<usize>>, key: &str) -> impl Iterator<Item = usize> + 'a {
        map.get(key).into_iter().flatten().copied().filter(|row| !self.taken.contains(row))
    }

    /// Whether a recording may be a row's call by the ids: it claims none, or the row's, or the row's was only made
    /// from a name.
    fn may_be(p: &Planned, row: &Row) -> bool {
        let made_of = |id: &str| row.id == id || row.id.strip_prefix(id).is_some_and(|rest| rest.starts_with('~'));
        let name = &row.call.recording;
        !p.claimed || made_of(&p.recording.meta.call_id) || made_of(&default_id(name)) || row.id == *name
    }

    /// Whether both days are known and differ.
    fn other_day(p: &Planned, row: &Row) -> bool {
        p.day == Day::Given && p.recording.meta.date.as_deref() != Some(row.call.part.date.as_str())
    }

    /// A call with its id or recording that another system transcribed: done, unless both days are known and differ.
    /// Only such calls are understood without the bytes of a recording.
    fn transcribed(&self, p: &Planned) -> Option<usize> {
        let r = &p.recording;
        let fits = |row: &Row| row.call.audio_sha256.is_empty() && !row.failed() && !Self::other_day(p, row);
        let by_id = || self.free(&self.by_id, &r.meta.call_id);
        self.free(&self.by_name, &r.name).chain(by_id()).find(|i| fits(&self.rows[*i]))
    }

    /// Rule 1. A row without a hash is of an older lake, and failed: its name has to do.
    fn same(&self, p: &Planned) -> Found {
        let r = &p.recording;
        let fits = |row: &Row| -> Result<bool, StoreError> {
            let bytes = row.call.audio_sha256 == r.sha256 && !r.sha256.is_empty();
            let unknown = row.call.audio_sha256.is_empty() && !self.is_other_file(p, row)?;
            // Empty files are all alike: one of another folder and another day is another call.
            let other = Self::other_day(p, row) && self.is_other_file(p, row)?;
            Ok((bytes || unknown) && !other && Self::may_be(p, row))
        };
        first(self.free(&self.by_name, &r.name), |i| fits(&self.rows[i]))
    }

    /// Rule 2.
    fn moved(&self, p: &Planned) -> Option<usize> {
        let r = &p.recording;
        let file = |name: &str| name.rsplit('/').next().map(str::to_owned);
        let fits = |row: &Row| {
            // What failed may be empty, and empty files are all alike.
            let telling = !row.failed() || file(&row.call.recording) == file(&r.name);
            telling && Self::may_be(p, row) && !Self::other_day(p, row)
        };
        // Of several the one whose name has most of its end in common.
        let alike = |i: &usize| {
            let other = &self.rows[*i].call.recording;
            r.name.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count()
        };
        let fitting: Vec<usize> = self.free(&self.by_sha, &r.sha256).filter(|i| fits(&self.rows[*i])).collect();
        fitting.into_iter().rev().max_by_key(alike)
    }

    /// Rule 3.
    fn changed(&self, p: &Planned) -> Found {
        let r = &p.recording;
        let fits = |row: &Row| -> Result<bool, StoreError> {
            let day = match p.day {
                Day::Given => !Self::other_day(p, row),
                // Nobody says which day it is of. A row that failed tells nothing that could be lost.
                Day::Assumed | Day::Unreadable => row.failed() || r.meta.date.as_ref() == Some(&row.call.part.date),
            };
            Ok(day && Self::may_be(p, row) && !self.is_other_file(p, row)?)
        };
        if let Some(row) = first(self.free(&self.by_name, &r.name), |i| fits(&self.rows[i]))? {
            return Ok(Some(row));
        }
        let by_id = self.free(&self.by_id, &r.meta.call_id);
        first(by_id, |i| Ok(self.is_file(p, &self.rows[i])? && fits(&self.rows[i])?))
    }

    fn is_file(&self, p: &Planned, row: &Row) -> Result<bool, StoreError> {
        Ok(self.lake.source_of(&row.id, &source(&p.recording.path))? == KnownSource::Same)
    }

    fn is_other_file(&self, p: &Planned, row: &Row) -> Result<bool, StoreError> {
        Ok(self.lake.source_of(&row.id, &source(&p.recording.path))? == KnownSource::Other)
    }

    fn todo(self, planned: Vec<Planned>) -> Result<Todo, StoreError> {
        let mut todo = Todo::default();
        let mut ids = Ids { lake: self.lake, used: BTreeMap::new() };
        let mut new = Vec::new();
        for (p, matched) in planned.into_iter().zip(&self.match_of) {
            match matched {
                Some(row) => Self::again(p, &self.rows[*row], &mut todo),
                None => new.push(p),
            }
        }
        for p in new {
            self.reused(&p, &mut todo)?;
            ids.enter(p, &mut todo)?;
        }
        let key = |job: &Job| (job.recording.meta.date.clone(), job.recording.meta.call_id.clone());
        todo.jobs.sort_by_cached_key(key);
        Ok(todo)
    }

    /// A recording that is a row's call: done, or to be done again under the row's id.
    fn again(mut p: Planned, row: &Row, todo: &mut Todo) {
        let now = &p.recording.sha256;
        let changed = !row.call.audio_sha256.is_empty() && row.call.audio_sha256 != *now;
        if changed && now.is_empty() && !row.failed() {
            todo.skipped += 1;
            let text = "录音现在打不开，库中的质检结果保留";
            return todo.intake.add(NoteKind::NowUnreadable, p.recording.name, text);
        }
        // A row that says nothing but that the start time could not be read.
        let mended = row.call.fail_stage == "input" && p.day != Day::Unreadable;
        if !changed && !mended && !row.forgotten {
            todo.skipped += 1;
            return;
        }
        row.id.clone_into(&mut p.recording.meta.call_id);
        if !row.forgotten {
            let why = if changed { "录音内容有变化" } else { "元数据已更正" };
            let text = format!("{why}，通话 {} 重新质检并替换原记录（{}）", row.id, row.call.part.date);
            todo.intake.add(NoteKind::Replaced, p.recording.name.clone(), text);
        }
        todo.jobs.push(job(p));
    }

    /// Says that a file bears a name that the lake knows and is another call.
    fn reused(&self, p: &Planned, todo: &mut Todo) -> Result<(), StoreError> {
        let name = &p.recording.name;
        let others = self.by_name.get(name.as_str()).into_iter().flatten().copied();
        if let Some(row) = first(others.rev(), |i| self.is_file(p, &self.rows[i]))? {
            let row = &self.rows[row];
            let text = format!(
                "{} 的通话 {} 也来自这个文件，内容不同：两通都保留；若是同一通，请用元数据或 --dt 给出日期后重跑",
                row.call.part.date, row.id
            );
            todo.intake.add(NoteKind::ReusedName, name.clone(), text);
        }
        Ok(())
    }
}

/// A row of the lake, by its place among those looked at.
type Found = Result<Option<usize>, StoreError>;

/// The first row that fits.
fn first(mut rows: impl Iterator<Item = usize>, fits: impl Fn(usize) -> Result<bool, StoreError>) -> Found {
    rows.find_map(|row| fits(row).map(|fits| fits.then_some(row)).transpose()).transpose()
}

pub(crate) fn job(p: Planned) -> Job {
    let text = p.recording.meta.extra.get(UNREADABLE_TIME).cloned().unwrap_or_default();
    let refused = (p.day == Day::Unreadable).then(|| {
        let why = "mend `started_at` in the metadata, or give --dt, and run again";
        (StageName::Input, format!("the start time `{text}` has no form that is read: {why}"))
    });
    Job { recording: p.recording, refused }
}

/// Ids that are taken.
struct Ids<'l> {
    lake: &'l Lake,
    /// By calls of this run, with the recording that has each.
    used: BTreeMap<String, String>,
}

impl Ids<'_> {
    /// The recording that has an id, in this run or the lake.
    fn owner(&self, id: &str) -> Result<Option<String>, StoreError> {
        if let Some(name) = self.used.get(id) {
            return Ok(Some(name.clone()));
        }
        Ok(self.lake.rows_like(id, "", "")?.into_iter().next().map(|row| row.call.recording))
    }

    /// Gives a new call its id, unless it was removed for its age.
    fn enter(&mut self, mut p: Planned, todo: &mut Todo) -> Result<(), StoreError> {
        let claim = p.recording.meta.call_id.clone();
        let apart = apart(&claim, &p.recording);
        let sha256 = || p.recording.sha256.clone();
        if self.lake.was_removed(&claim, sha256)? || self.lake.was_removed(&apart, sha256)? {
            todo.skipped += 1;
            return Ok(());
        }
        let mut id = claim.clone();
        let mut others = std::iter::once(apart.clone()).chain((2..).map(|n: u64| format!("{apart}~{n}")));
        while self.owner(&id)?.is_some()
            && let Some(other) = others.next()
        {
            id = other;
        }
        if id != claim {
            let other = self.owner(&claim)?.unwrap_or_default();
            let text = format!("与 {other} 同用编号 {claim}，已另编为 {id}（duplicate id）");
            todo.intake.add(NoteKind::SharedId, p.recording.name.clone(), text);
        }
        self.used.insert(id.clone(), p.recording.name.clone());
        p.recording.meta.call_id = id;
        todo.jobs.push(job(p));
        Ok(())
    }
}

/// The id of a call whose claim is another's: with its bytes, or its name where they cannot be read.
fn apart(claim: &str, recording: &Recording) -> String {
    let hash = match recording.sha256.as_str() {
        "" => callsift_core::hex(&Sha256::digest(recording.name.as_bytes())),
        sha256 => sha256.to_owned(),
    };
    format!("{claim}~{}", &hash[..8.min(hash.len())])
}

#[cfg(test)]
mod tests;
