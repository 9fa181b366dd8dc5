//! Calls that another system transcribed: one JSON object a line, through everything after recognition.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use callsift_core::{CallReport, Outcome, Recording, SentimentTrend, StageName, TalkMetrics, Turn};
use callsift_dialogue::Transcript;

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::input::bare_meta;
use crate::metadata::MetadataReader;

/// Where a call stands in the file.
#[derive(Debug)]
struct Entry {
    date: String,
    call_id: String,
    offset: u64,
    bytes: usize,
    line: usize,
    /// Why the line is none, where that is known from its head.
    wrong: Option<String>,
}

/// A file of calls that another system transcribed. Only the places of its calls are held in memory.
pub struct Transcripts {
    file: Mutex<File>,
    path: PathBuf,
    name: String,
    reader: MetadataReader,
    entries: Vec<Entry>,
}

impl Transcripts {
    /// Finds the calls of a file, sorted by day and id. A line that is malformed, and a call id that stands on an earlier
    /// line already, will be a failed call named after its line; the rest goes on.
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
        let io = |source| PipelineError::Io { path: path.to_owned(), source };
        let mut input = BufReader::new(File::open(path).map_err(io)?);
        let (mut entries, mut offset, mut line) = (Vec::new(), 0u64, Vec::new());
        for number in 1.. {
            line.clear();
            let bytes = input.read_until(b'\n', &mut line).map_err(io)?;
            if bytes == 0 {
                break;
            }
            if !line.trim_ascii().is_empty() {
                let (call_id, date, wrong) = head(&line, &reader);
                let date = force_date.map(str::to_owned).or(date).unwrap_or_else(|| fallback_date.to_owned());
                entries.push(Entry { date, call_id, offset, bytes, line: number, wrong });
            }
            offset += bytes as u64;
        }
        mark_repeats(&mut entries);
        entries.sort_by(|a, b| (&a.date, &a.call_id, a.line).cmp(&(&b.date, &b.call_id, b.line)));
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        Ok(Self { file: Mutex::new(input.into_inner()), path: path.to_owned(), name, reader, entries })
    }

    /// Number of calls.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where the file has no call.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Id under which a call stands in the lake: its own, or its line where it is none.
    pub fn call_id(&self, call: usize) -> String {
        let entry = &self.entries[call];
        if entry.wrong.is_some() { self.source(entry) } else { entry.call_id.clone() }
    }

    fn source(&self, entry: &Entry) -> String {
        format!("{}:{}", self.name, entry.line)
    }

    /// Reads a call, not yet judged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, call: usize) -> Result<CallReport, PipelineError> {
        let entry = &self.entries[call];
        let source = self.source(entry);
        if let Some(reason) = &entry.wrong {
            return Ok(failed(&source, reason.clone(), &entry.date));
        }
        let mut line = vec![0; entry.bytes];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let read = file.seek(SeekFrom::Start(entry.offset)).and_then(|_| file.read_exact(&mut line));
            read.map_err(|source| PipelineError::Io { path: self.path.clone(), source })?;
        }
        match parse(&line, &source, &self.reader) {
            Ok(mut report) => {
                report.recording.meta.date = Some(entry.date.clone());
                Ok(report)
            }
            Err(reason) => Ok(failed(&source, reason, &entry.date)),
        }
    }

    /// Reads all calls.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_all(&self) -> Result<Vec<CallReport>, PipelineError> {
        (0..self.len()).map(|call| self.read(call)).collect()
    }
}

/// Call id and day of a line, and why it is no call.
fn head(line: &[u8], reader: &MetadataReader) -> (String, Option<String>, Option<String>) {
    match Transcript::parse_head(line) {
        Err(reason) => (String::new(), None, Some(reason)),
        Ok((call_id, fields)) => {
            let date = reader.meta(call_id.clone(), fields).date;
            (call_id, date, None)
        }
    }
}

/// A call id may stand only once: later lines are none.
fn mark_repeats(entries: &mut [Entry]) {
    let mut seen = BTreeSet::new();
    for entry in entries.iter_mut().filter(|e| e.wrong.is_none()) {
        if !seen.insert(entry.call_id.clone()) {
            entry.wrong = Some(format!("call id `{}` stands on an earlier line already", entry.call_id));
        }
    }
}

fn parse(line: &[u8], source: &str, reader: &MetadataReader) -> Result<CallReport, String> {
    let Transcript { call_id, fields, turns } = Transcript::parse(line)?;
    // Where the line names no recording, nothing can be heard, and the line itself is where the call comes from.
    let named =
        ["recording", "file"].iter().find_map(|field| fields.get(*field)).filter(|name| !name.trim().is_empty());
    let name = named.map_or(source, String::as_str).to_owned();
    let meta = reader.meta(call_id, fields);
    let outcome = if turns.is_empty() { Outcome::Empty } else { Outcome::Ok };
    Ok(report(Recording { path: source.into(), name, meta }, outcome, turns))
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

fn failed(source: &str, reason: String, date: &str) -> CallReport {
    let meta = bare_meta(source.to_owned(), date);
    let outcome = Outcome::Failed { stage: StageName::Input, reason };
    report(Recording { path: source.into(), name: source.to_owned(), meta }, outcome, Vec::new())
}

#[cfg(test)]
mod tests {
    use callsift_core::Outcome;

    use super::Transcripts;
    use crate::config::MetadataConfig;

    #[test]
    fn good_lines_are_read_and_bad_ones_are_rows() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let good = r#"{"call_id":"k1","direction":"inbound","queue":"order","agent_id":"3021","recording":"2026/k1.wav","started_at":"2026-11-16T09:00:00+08:00","turns":[{"role":"customer","start_ms":2500,"end_ms":4000,"text":"五条"},{"role":"agent","start_ms":0,"end_ms":2000,"text":"您好"}]}"#;
        std::fs::write(file.path(), format!("{good}\n{{\"call_id\":\"k2\"}}\n{good}\nnot json\n")).unwrap();
        let reports =
            Transcripts::open(file.path(), &MetadataConfig::default(), "2026-11-20", None).unwrap().read_all().unwrap();
        assert_eq!(reports.len(), 4);
        let k1 = reports.iter().find(|r| r.recording.meta.call_id == "k1").unwrap();
        assert_eq!(k1.turns[0].text(), "您好");
        assert_eq!(k1.recording.meta.date.as_deref(), Some("2026-11-16"));
        assert_eq!(k1.recording.name, "2026/k1.wav");
        let failed: Vec<_> = reports.iter().filter(|r| matches!(r.outcome, Outcome::Failed { .. })).collect();
        assert_eq!(failed.len(), 3);
        assert!(failed.iter().all(|r| r.recording.name.contains(':')));
    }
}
