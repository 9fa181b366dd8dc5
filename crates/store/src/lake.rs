//! Writing parts so that no reader ever sees half a file, and finding out what is done.
//!
//! A part is three files of one number, one per table. They are written to `<lake>/.staging`, synced, and renamed
//! into place, `calls` last: a part counts as done when its `calls` file is there. Opening the lake removes what a
//! killed run left behind: staged files, and parts of `turns` and `findings` without their `calls`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::arrow::record_batch::RecordBatch;
use callsift_core::{CallReport, Finding, Provenance};
use callsift_text::Segmenter;

use crate::commits::{self, Commits};
use crate::error::StoreError;
use crate::files::{publish, staging, write_parquet};
use crate::index::{Index, IndexedCall};
use crate::lock::lock;
use crate::read;
use crate::replace;
use crate::schema::{Table, TableName};
use crate::tables::{self, CallRow, FindingRow, TurnRow};

/// What the lake knows of a call that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneCall {
    /// SHA-256 of its recording; empty where the recording could not be read or there is none.
    pub audio_sha256: String,
    /// Path of its recording, relative to the folder that the run was given.
    pub recording: String,
    /// `ok`, `empty` or `failed`.
    pub status: String,
    /// Stage that failed; empty where none did.
    pub fail_stage: String,
    /// Rules, options and models that made it, joined; see [`DoneCall::is_stale`].
    pub made_by: String,
    /// The part that holds it.
    pub part: Part,
}

impl DoneCall {
    /// True where other rules, options or models made the row than would make it now.
    pub fn is_stale(&self, now: &Provenance) -> bool {
        self.made_by != read::made_by(now)
    }
}

/// A part: partition and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// Number inside the day, from 0.
    pub number: u32,
}

impl Part {
    /// The part's file of a table.
    pub fn path(&self, root: &Path, table: TableName) -> PathBuf {
        root.join(table.as_str()).join(format!("dt={}", self.date)).join(format!("part-{:05}.parquet", self.number))
    }

    /// The part that a file belongs to; `None` where its name is not just as parts are named.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let number = name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()?;
        let date = read::day_of(path.parent()?)?.to_owned();
        (name == format!("part-{number:05}.parquet")).then_some(Self { date, number })
    }
}

/// An open lake; one process at a time may hold it for writing.
pub struct Lake {
    pub(crate) root: PathBuf,
    pub(crate) words: Segmenter,
    pub(crate) index: Index,
    /// Failed rows are to be done again: their recordings keep their ids.
    failed_again: bool,
    /// New parts get the free number that is the lowest of `first`, `first + step`, ….
    pub(crate) numbers: (u32, u32),
    /// Rows that go when a call is written: its id, theirs.
    pub(crate) replaced: BTreeMap<String, Vec<String>>,
    /// Parts of `calls` that cannot be read: their calls count as not done.
    unread: Vec<StoreError>,
    pub(crate) commits: Commits,
    /// Held for its advisory lock until the lake is dropped.
    _lock: File,
}

impl Lake {
    /// Opens or makes a lake for writing, cleans up after a killed run, and reads which calls are done.
    ///
    /// # Errors
    /// Another process holds the lake; it has another schema version; it cannot be read or written.
    pub fn open(root: &Path, words: Segmenter) -> Result<Self, StoreError> {
        Self::opened(root, words, lock(root)?)
    }

    pub(crate) fn opened(root: &Path, words: Segmenter, lock: File) -> Result<Self, StoreError> {
        replace::finish(root)?;
        replace::clean(root)?;
        commits::settle(root)?;
        let (index, unread) = Index::open(root)?;
        Ok(Self {
            root: root.to_owned(),
            words,
            index,
            failed_again: false,
            numbers: (0, 1),
            replaced: BTreeMap::new(),
            unread,
            commits: Commits::default(),
            _lock: lock,
        })
    }

    /// The call of an id, where it is done.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn done_call(&self, id: &str) -> Result<Option<DoneCall>, StoreError> {
        let rows = self.index.by_id(id)?;
        Ok(rows.into_iter().find(|row| !row.double && !self.is_forgotten(row)).map(|row| row.call))
    }

    /// Rows that may be the call of a recording: of its id, its name or its bytes, in the order of day, part and row.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn rows_like(&self, id: &str, recording: &str, audio_sha256: &str) -> Result<Vec<IndexedCall>, StoreError> {
        let mut rows = self.index.by_id(id)?;
        rows.extend(self.index.by_recording(recording)?);
        rows.extend(self.index.by_sha256(audio_sha256)?);
        Ok(rows)
    }

    /// Whether a row is to be done again.
    pub fn is_forgotten(&self, row: &IndexedCall) -> bool {
        self.failed_again && row.call.status == "failed"
    }

    /// All calls that are done, by id.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn done(&self) -> Result<BTreeMap<String, DoneCall>, StoreError> {
        let rows = self.index.all()?.into_iter().filter(|row| !row.double && !self.is_forgotten(row));
        Ok(rows.map(|row| (row.call_id, row.call)).collect())
    }

    /// Calls whose id stands in an earlier part already, as older versions wrote them.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn doubles(&self) -> Result<Vec<IndexedCall>, StoreError> {
        Ok(self.index.all()?.into_iter().filter(|row| row.double).collect())
    }

    /// Calls that other rules, options or models made than would make them now.
    ///
    /// # Errors
    /// The index of the lake cannot be read.
    pub fn stale(&self, now: &Provenance) -> Result<usize, StoreError> {
        let now = read::made_by(now);
        Ok(self.index.makers()?.into_iter().filter(|(made_by, _)| *made_by != now).map(|(_, calls)| calls).sum())
    }

    /// Parts that cannot be read. Their calls are made again by a run that finds their recordings.
    pub fn unread(&self) -> &[StoreError] {
        &self.unread
    }

    /// Has all failed calls done again: each stays until it is written anew, and goes in that moment.
    pub fn forget_failed(&mut self) {
        self.failed_again = true;
    }

    /// Writes one part with these calls, in the order given, and publishes it. A row of the lake with the id of one
    /// of them goes out of its part in the same moment: an id stands once.
    ///
    /// # Errors
    /// The disk is full or not writable; nothing of the part is visible then.
    pub fn write_part(
        &mut self,
        date: &str,
        reports: &[CallReport],
        provenance: &Provenance,
    ) -> Result<Part, StoreError> {
        let number = self.free_number(date)?;
        let part = Part { date: date.to_owned(), number };
        let staging = staging(&self.root)?;
        let mut staged = Vec::new();
        for (table, batch) in self.batches(reports, provenance, &part)? {
            let path = staging.join(format!("{}-{date}-{number:05}.tmp", table.as_str()));
            write_parquet(&path, &batch)?;
            staged.push((path, part.path(&self.root, table)));
        }
        let going = self.going(reports)?;
        if going.is_empty() {
            let publish = || staged.iter().try_for_each(|(from, to)| publish(from, to));
            self.commits.make(&self.root, &[date], publish)?;
        } else {
            self.swap(&part, staged, &going)?;
        }
        for changed in going.keys().chain([&part]) {
            self.index.read_again(changed)?;
        }
        Ok(part)
    }

    /// The lowest number of ours that is free: parts that were taken out are filled again.
    fn free_number(&self, date: &str) -> Result<u32, StoreError> {
        let used = |n: u32| Part { date: date.to_owned(), number: n }.path(&self.root, TableName::Calls).exists();
        // A part that cannot be read is in no index, and has its number.
        let end = self.index.next_number(date)?;
        let (first, step) = self.numbers;
        Ok((first..=u32::MAX).step_by(step as usize).find(|n| !used(*n)).unwrap_or(end))
    }

    fn batches(
        &self,
        reports: &[CallReport],
        provenance: &Provenance,
        part: &Part,
    ) -> Result<[(TableName, RecordBatch); 3], StoreError> {
        let calls: Vec<CallRow<'_>> = reports.iter().map(|report| CallRow { report, provenance }).collect();
        let turns: Vec<TurnRow<'_>> = reports
            .iter()
            .flat_map(|report| report.turns.iter().map(|turn| TurnRow { report, turn, words: &self.words }))
            .collect();
        let mut findings: Vec<FindingRow<'_>> = Vec::new();
        for report in reports {
            for finding in &report.findings {
                findings.extend(finding_rows(&report.recording.meta.call_id, finding, &provenance.ruleset_hash));
            }
        }
        let path = |table| part.path(&self.root, table);
        Ok([
            (TableName::Turns, batch(&tables::turns(), &turns, &path(TableName::Turns))?),
            (TableName::Findings, batch(&tables::findings(), &findings, &path(TableName::Findings))?),
            (TableName::Calls, batch(&tables::calls(), &calls, &path(TableName::Calls))?),
        ])
    }
}

/// A hit has one row per place; every other verdict, and a proven absence, has one.
pub(crate) fn finding_rows<'a>(
    call_id: &'a str,
    finding: &'a Finding,
    ruleset_hash: &'a str,
) -> impl Iterator<Item = FindingRow<'a>> {
    (0..finding.evidence.len().max(1)).map(move |hit| FindingRow { call_id, finding, hit, ruleset_hash })
}

pub(crate) fn batch<R>(table: &Table<R>, rows: &[R], path: &Path) -> Result<RecordBatch, StoreError> {
    table.batch(rows).map_err(|e| StoreError::parquet("cannot build the table", path)(&e))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use callsift_core::{
        AudioInfo, CallMeta, CallReport, ChannelLayout, Evidence, Finding, MatchKind, Outcome, Provenance, Recording,
        SentimentTrend, Severity, SpeakerRole, StageName, TalkMetrics, TimeSpan, Turn, Verdict,
    };
    use callsift_text::Segmenter;

    use super::Lake;
    use crate::error::StoreError;

    fn turn(text: &str) -> Turn {
        Turn::from_text(0, SpeakerRole::Agent, TimeSpan::new(0, 2000), text, 0.9)
    }

    fn finding() -> Finding {
        let evidence = Evidence {
            turn: 0,
            role: SpeakerRole::Agent,
            char_start: 0,
            char_end: 4,
            span: TimeSpan::new(0, 900),
            text: "爱买不买".to_owned(),
            kind: MatchKind::Exact,
            cost: 0.0,
            condition: "condition.keyword".to_owned(),
        };
        Finding {
            rule_id: "forbidden-phrase".to_owned(),
            title: "使用服务禁用语".to_owned(),
            category: "language".to_owned(),
            severity: Severity::Severe,
            points: 30.0,
            verdict: Verdict::Hit,
            reason: "“爱买不买”".to_owned(),
            evidence: vec![evidence.clone(), evidence],
            proof: None,
        }
    }

    pub(crate) fn report(id: &str, failed: bool) -> CallReport {
        let outcome = if failed {
            Outcome::Failed { stage: StageName::Audio, reason: "file is empty".to_owned() }
        } else {
            Outcome::Ok
        };
        let audio = AudioInfo {
            sha256: format!("sha-{id}"),
            format: "wav/alaw".to_owned(),
            decoder: "callsift-riff".to_owned(),
            sample_rate: 8000,
            channels: 2,
            layout: ChannelLayout::Stereo,
            duration_ms: 2000,
            quality: Vec::new(),
            marks: Vec::new(),
            gaps: Vec::new(),
            levels: Vec::new(),
        };
        CallReport {
            recording: Recording {
                path: PathBuf::from(id),
                name: format!("{id}.wav"),
                sha256: String::new(),
                meta: CallMeta { call_id: id.to_owned(), ..CallMeta::default() },
            },
            outcome,
            audio: (!failed).then_some(audio),
            turns: vec![turn("爱买不买，您好。")],
            metrics: TalkMetrics::default(),
            trend: SentimentTrend::default(),
            findings: vec![finding()],
            score: Some(70.0),
        }
    }

    pub(crate) fn open(root: &Path) -> Result<Lake, StoreError> {
        Lake::open(root, Segmenter::default())
    }

    fn write(root: &Path, ids: &[&str]) {
        let reports: Vec<CallReport> = ids.iter().map(|id| report(id, id.starts_with('f'))).collect();
        open(root).unwrap().write_part("2026-11-16", &reports, &Provenance::default()).unwrap();
    }

    #[test]
    fn parts_are_numbered_and_the_next_run_knows_what_is_done() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a", "b"]);
        write(folder.path(), &["c"]);
        let lake = open(folder.path()).unwrap();
        assert_eq!(lake.done().unwrap().keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(lake.done().unwrap()["b"].audio_sha256, "sha-b");
        assert_eq!(lake.done().unwrap()["c"].part.number, 1);
        assert!(!lake.done().unwrap()["a"].is_stale(&Provenance::default()));
        let other = Provenance { ruleset_hash: "new".to_owned(), ..Provenance::default() };
        assert!(lake.done().unwrap()["a"].is_stale(&other));
        assert!(folder.path().join("findings/dt=2026-11-16/part-00001.parquet").exists());
    }

    #[test]
    fn the_same_reports_make_the_same_bytes() {
        let bytes = |folder: &Path| {
            write(folder, &["a", "b"]);
            ["calls", "turns", "findings"]
                .map(|t| fs::read(folder.join(t).join("dt=2026-11-16/part-00000.parquet")).unwrap())
        };
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(bytes(one.path()), bytes(two.path()));
    }

    #[test]
    fn what_a_killed_run_left_is_cleaned_away() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, &["a"]);
        write(root, &["b"]);
        // Killed after two of three renames: turns and findings are there, the commit mark is not.
        fs::remove_file(root.join("calls/dt=2026-11-16/part-00001.parquet")).unwrap();
        fs::create_dir_all(root.join(".staging")).unwrap();
        fs::write(root.join(".staging/half.tmp"), b"PAR1").unwrap();
        let lake = open(root).unwrap();
        assert_eq!(lake.done().unwrap().keys().collect::<Vec<_>>(), ["a"]);
        assert!(!root.join("turns/dt=2026-11-16/part-00001.parquet").exists());
        assert!(!root.join(".staging").exists());
    }

    #[test]
    fn failed_calls_are_done_again_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a", "f1"]);
        write(folder.path(), &["b"]);
        let mut lake = open(folder.path()).unwrap();
        lake.forget_failed();
        let done = |lake: &super::Lake| lake.done().unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(done(&lake), ["a", "b"]);
        let part = lake.write_part("2026-11-16", &[report("f1", false)], &Provenance::default()).unwrap();
        assert_eq!(part.number, 2);
        drop(lake);
        let calls = open(folder.path()).unwrap().done().unwrap();
        let known: Vec<_> = calls.iter().map(|(id, c)| (id.as_str(), c.status.as_str(), c.part.number)).collect();
        assert_eq!(known, [("a", "ok", 0), ("b", "ok", 1), ("f1", "ok", 2)]);
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _held = open(folder.path()).unwrap();
        assert!(matches!(open(folder.path()), Err(StoreError::Locked(_))));
    }

    /// A lake that callsift wrote when the tables had version 2.
    pub(crate) fn version_2() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-data/v2");
        for table in ["calls", "turns", "findings"] {
            let part = Path::new(table).join("dt=2026-11-16/part-00000.parquet");
            fs::create_dir_all(folder.path().join(&part).parent().unwrap()).unwrap();
            fs::copy(from.join(&part), folder.path().join(&part)).unwrap();
        }
        folder
    }

    #[test]
    fn parts_of_older_versions_are_read_and_become_new_where_they_are_rewritten() {
        let folder = version_2();
        let root = folder.path();
        let mut lake = open(root).unwrap();
        assert_eq!(lake.done().unwrap().keys().collect::<Vec<_>>(), ["c08", "c12", "c14"]);
        let old = lake.done().unwrap()["c08"].part.clone();
        let new = lake.write_part("2026-11-16", &[report("n", false)], &Provenance::default()).unwrap();
        for part in [&old, &new] {
            let calls = crate::read_part(root, part).unwrap();
            assert!(calls.iter().all(|c| c.audio_marks.is_empty() && c.gaps.is_empty()));
            assert!(calls.iter().any(|c| !c.turns.is_empty()));
        }
        let judged = crate::Judged { call_id: "c08".to_owned(), findings: vec![finding()], score: Some(70.0) };
        lake.replace_findings(&old, &[judged], &Provenance::default()).unwrap();
        lake.remove_calls(&old, &std::collections::BTreeSet::from(["c12"])).unwrap();
        let columns = |part: &super::Part| {
            let path = part.path(root, crate::TableName::Calls);
            let batch = crate::read::open_all(&path).unwrap().next().unwrap().unwrap();
            (batch.schema(), batch.num_rows())
        };
        assert_eq!(columns(&old), (columns(&new).0, 2), "rewritten parts have the columns of today");
        let calls = crate::read_part(root, &old).unwrap();
        assert_eq!((calls[0].score, calls[0].audio_marks.len()), (Some(70.0), 0));
    }

    #[test]
    fn parts_of_a_later_version_are_refused_by_name() {
        let folder = version_2();
        let path = folder.path().join("calls/dt=2026-11-16/part-00000.parquet");
        let batch = crate::read::open_all(&path).unwrap().next().unwrap().unwrap();
        for (version, read) in [("1", true), ("3", true), ("4", true), ("5", false), ("none", false)] {
            let named = std::collections::HashMap::from([("callsift.schema_version".to_owned(), version.to_owned())]);
            let schema = std::sync::Arc::new(batch.schema().as_ref().clone().with_metadata(named));
            let rows = batch.clone().with_schema(std::sync::Arc::clone(&schema)).unwrap();
            let mut writer =
                parquet::arrow::ArrowWriter::try_new(fs::File::create(&path).unwrap(), schema, None).unwrap();
            writer.write(&rows).unwrap();
            writer.close().unwrap();
            let error = open(folder.path()).err().map(|e| e.to_string());
            assert_eq!(error.is_none(), read, "version {version}: {error:?}");
            assert!(error.is_none_or(|e| e.contains("part-00000.parquet") && e.contains("newer callsift")));
        }
    }

    #[test]
    fn a_damaged_part_is_named_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a"]);
        fs::write(folder.path().join("calls/dt=2026-11-16/part-00000.parquet"), b"not parquet").unwrap();
        let lake = open(folder.path()).unwrap();
        let told: Vec<String> = lake.unread().iter().map(ToString::to_string).collect();
        assert!(
            lake.done().unwrap().is_empty() && told.len() == 1 && told[0].contains("part-00000.parquet"),
            "{told:?}"
        );
        // What comes next takes no name that the damaged part has.
        drop(lake);
        write(folder.path(), &["b"]);
        assert!(folder.path().join("calls/dt=2026-11-16/part-00001.parquet").exists());
    }
}
