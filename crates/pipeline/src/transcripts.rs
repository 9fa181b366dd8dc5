//! Calls that another system transcribed: one JSON object a line, or one array, through everything after recognition.

mod lines;
mod resolve;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use callsift_core::{CallReport, Outcome, Recording, SentimentTrend, StageName, TalkMetrics, Turn};
use callsift_dialogue::{Transcript, lenient};
use callsift_text::decode;

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::input::{bare_meta, plain_id};
use crate::intake::{Intake, NoteKind};
use crate::metadata::{MetadataReader, UNREADABLE_TIME, canonical};
use lines::{Lines, Place};
pub(crate) use resolve::{TranscriptTodo, resolve};

/// A call of the file.
#[derive(Debug)]
struct Entry {
    date: String,
    /// The day is said by the line or the command line, not by the day of the run.
    day_given: bool,
    /// Own id of the call, told apart from others of the file; its line where it has none.
    call_id: String,
    place: Place,
    /// SHA-256 of the line.
    sha256: String,
    /// Why the line is none, where that is known from its head.
    wrong: Option<String>,
}

/// A file of calls that another system transcribed. Only the places of its calls are held in memory, where it is UTF-8 with a
/// call a line.
pub struct Transcripts {
    lines: Lines,
    name: String,
    reader: MetadataReader,
    entries: Vec<Entry>,
    intake: Intake,
}

impl Transcripts {
    /// Finds the calls of a file, sorted by day and id. A line that is malformed will be a failed call under its own id, or
    /// named after its line where it has none; the rest goes on. Calls that share an id are told apart; one that stands twice
    /// word for word counts once.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(
        path: &Path,
        config: &MetadataConfig,
        fallback_date: &str,
        force_date: Option<&str>,
    ) -> Result<Self, PipelineError> {
        let reader = MetadataReader::new(config)?;
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let mut entries = Vec::new();
        let lines = Lines::open(path, &mut |place, line| {
            let head = Head::of(line, &reader);
            let source = format!("{name}:{}", place.line);
            let unreadable = head.unreadable.filter(|_| force_date.is_none());
            let wrong = head.wrong.or_else(|| unreadable.map(|text| unreadable_time(&text)));
            entries.push(Entry {
                day_given: force_date.is_some() || head.date.is_some(),
                date: force_date.map(str::to_owned).or(head.date).unwrap_or_else(|| fallback_date.to_owned()),
                call_id: head.call_id.unwrap_or(source),
                place,
                sha256: callsift_core::hex(&<sha2::Sha256 as sha2::Digest>::digest(line)),
                wrong,
            });
        })?;
        let mut all = Self { lines, name, reader, entries, intake: Intake::default() };
        all.tell_apart();
        all.entries.sort_by(|a, b| (&a.date, &a.call_id, a.place.line).cmp(&(&b.date, &b.call_id, b.place.line)));
        Ok(all)
    }

    /// An id stands once: a call that repeats another word for word goes, others get a suffix. Lines that can be read go first.
    fn tell_apart(&mut self) {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by_key(|i| self.entries[*i].wrong.is_some());
        let (mut seen, mut ids) = (BTreeMap::new(), BTreeSet::new());
        let mut repeated = BTreeSet::new();
        for i in order {
            let entry = &self.entries[i];
            let source = self.source(entry);
            let key = (entry.call_id.clone(), entry.sha256.clone());
            if let Some(first) = seen.get(&key) {
                let text = format!("通话 {} 与 {first} 完全相同，只取一次（repeated）", entry.call_id);
                self.intake.add(NoteKind::RepeatedCall, source, text);
                repeated.insert(i);
                continue;
            }
            seen.insert(key, source.clone());
            if !ids.insert(entry.call_id.clone()) {
                let id = apart(&entry.call_id, &entry.sha256);
                let text = format!("编号 {} 前面已有，已另编为 {id}（duplicate id）", entry.call_id);
                self.intake.add(NoteKind::SharedId, source, text);
                ids.insert(id.clone());
                self.entries[i].call_id = id;
            }
        }
        let mut at = 0..;
        self.entries.retain(|_| at.next().is_none_or(|i| !repeated.contains(&i)));
    }

    /// What was told apart or is doubtful.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Number of calls.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where the file has no call.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Id of a call in the file.
    pub fn call_id(&self, call: usize) -> &str {
        &self.entries[call].call_id
    }

    /// SHA-256 of a call's line: what it was made from.
    pub(crate) fn hash(&self, call: usize) -> &str {
        &self.entries[call].sha256
    }

    fn source(&self, entry: &Entry) -> String {
        format!("{}:{}", self.name, entry.place.line)
    }

    /// Reads a call, not yet judged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, call: usize) -> Result<CallReport, PipelineError> {
        let entry = &self.entries[call];
        let source = self.source(entry);
        let line = self.lines.read(entry.place)?;
        let line = text(&line);
        let mut report = match entry.wrong.clone().map_or_else(|| parse(&line, &source, &self.reader), Err) {
            Ok(report) => report,
            Err(reason) => failed(&line, &source, &reason, &self.reader),
        };
        report.recording.meta.call_id.clone_from(&entry.call_id);
        report.recording.meta.date = Some(entry.date.clone());
        Ok(report)
    }

    /// Reads all calls.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_all(&self) -> Result<Vec<CallReport>, PipelineError> {
        (0..self.len()).map(|call| self.read(call)).collect()
    }
}

/// The id of a call whose own is another's.
fn apart(id: &str, sha256: &str) -> String {
    format!("{id}~{}", &sha256[..8.min(sha256.len())])
}

fn unreadable_time(text: &str) -> String {
    format!("the start time `{text}` has no form that is read: mend `started_at`, or give --dt, and run again")
}

/// A line as text, whatever it was written in; bytes that are none stand as U+FFFD.
fn text(line: &[u8]) -> Cow<'_, str> {
    decode(line).map_or_else(|| String::from_utf8_lossy(line), |decoded| decoded.text)
}

/// What the head of a line says.
struct Head {
    call_id: Option<String>,
    date: Option<String>,
    /// A start time that is not read.
    unreadable: Option<String>,
    wrong: Option<String>,
}

impl Head {
    fn of(line: &[u8], reader: &MetadataReader) -> Self {
        let line = text(line);
        match Transcript::parse_head(&line) {
            Err(reason) => {
                let call_id = lenient::id_in(&line).map(|id| plain_id(&id));
                Self { call_id, date: None, unreadable: None, wrong: Some(reason) }
            }
            Ok((call_id, fields)) => {
                let mut meta = reader.meta(String::new(), canonical(fields));
                let unreadable = meta.extra.remove(UNREADABLE_TIME);
                Self { call_id: Some(plain_id(&call_id)), date: meta.date, unreadable, wrong: None }
            }
        }
    }
}

fn parse(line: &str, source: &str, reader: &MetadataReader) -> Result<CallReport, String> {
    let Transcript { call_id, fields, turns } = Transcript::parse(line)?;
    let fields = canonical(fields);
    // Where the line names no recording, nothing can be heard, and the line itself is where the call comes from.
    let named = fields.get("file").filter(|name| !name.trim().is_empty());
    let name = named.map_or(source, String::as_str).to_owned();
    let meta = reader.meta(call_id, fields);
    let outcome = if turns.is_empty() { Outcome::Empty } else { Outcome::Ok };
    Ok(report(Recording { path: source.into(), name, sha256: String::new(), meta }, outcome, turns))
}

fn report(recording: Recording, outcome: Outcome, turns: Vec<Turn>) -> CallReport {
    CallReport {
        recording,
        outcome,
        audio: None,
        turns,
        metrics: TalkMetrics::default(),
        trend: SentimentTrend::default(),
        findings: Vec::new(),
        score: None,
    }
}

/// A call that cannot be read, with what can: whose it is may still be known.
fn failed(line: &str, source: &str, reason: &str, reader: &MetadataReader) -> CallReport {
    let meta = Transcript::parse_head(line)
        .map_or_else(|_| bare_meta(String::new(), ""), |(id, fields)| reader.meta(id, canonical(fields)));
    let outcome = Outcome::Failed { stage: StageName::Input, reason: format!("{source}: {reason}") };
    let recording = Recording { path: source.into(), name: source.to_owned(), sha256: String::new(), meta };
    report(recording, outcome, Vec::new())
}

#[cfg(test)]
mod tests;
