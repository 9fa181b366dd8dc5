//! Calls that another system transcribed: one JSON object a line, through everything after recognition.

use std::path::Path;

use callsift_core::{
    CallReport, Outcome, Recording, SentimentTrend, SpeakerRole, StageName, TalkMetrics, TimeSpan,
    TimedChar, Turn,
};
use serde::Deserialize;

use crate::config::MetadataConfig;
use crate::error::PipelineError;
use crate::input::bare_meta;
use crate::metadata::{Fields, MetadataReader};

/// One line of a transcripts file. Fields besides the named ones are kept as metadata.
#[derive(Debug, Deserialize)]
struct Line {
    call_id: String,
    turns: Vec<LineTurn>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineTurn {
    role: String,
    start_ms: i64,
    end_ms: i64,
    text: String,
    #[serde(default)]
    confidence: Option<f32>,
}

/// Reads transcripts; a line that is malformed becomes a failed call named after its number, and the rest goes on.
///
/// # Errors
/// The file cannot be read.
pub fn read_transcripts(
    path: &Path,
    config: &MetadataConfig,
    fallback_date: &str,
    force_date: Option<&str>,
) -> Result<Vec<CallReport>, PipelineError> {
    let reader = MetadataReader::new(config)?;
    let text = std::fs::read_to_string(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    let mut reports: Vec<CallReport> = lines
        .map(|(i, line)| {
            let source = format!("{name}:{}", i + 1);
            match parse(line, &source, &reader) {
                Ok(mut report) => {
                    let meta = &mut report.recording.meta;
                    let date = force_date.map(str::to_owned).or(meta.date.take());
                    meta.date = Some(date.unwrap_or_else(|| fallback_date.to_owned()));
                    report
                }
                Err(reason) => failed(&source, reason, force_date.unwrap_or(fallback_date)),
            }
        })
        .collect();
    reports.sort_by(|a, b| {
        let key = |r: &CallReport| (r.recording.meta.date.clone(), r.recording.meta.call_id.clone());
        key(a).cmp(&key(b))
    });
    mark_repeats(&mut reports);
    Ok(reports)
}

fn parse(line: &str, source: &str, reader: &MetadataReader) -> Result<CallReport, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| e.to_string())?;
    if line.call_id.trim().is_empty() {
        return Err("`call_id` is empty".to_owned());
    }
    let turns = turns(line.turns)?;
    let rest = line.rest.into_iter().filter(|(k, _)| k != "expect");
    let fields: Fields = rest
        .map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
        .filter(|(_, v)| v != "null")
        .collect();
    let meta = reader.meta(line.call_id, fields);
    let outcome = if turns.is_empty() { Outcome::Empty } else { Outcome::Ok };
    Ok(report(Recording { path: source.into(), name: source.to_owned(), meta }, outcome, turns))
}

/// Turns in order of time; what was said is spread evenly over each turn, with probability 1 where none is given.
fn turns(lines: Vec<LineTurn>) -> Result<Vec<Turn>, String> {
    let mut turns = Vec::with_capacity(lines.len());
    for (i, line) in lines.into_iter().enumerate() {
        if line.start_ms < 0 || line.end_ms < line.start_ms {
            return Err(format!("turn {i}: `start_ms` {} and `end_ms` {} are no span", line.start_ms, line.end_ms));
        }
        let role = SpeakerRole::parse(&line.role);
        let span = TimeSpan::new(line.start_ms, line.end_ms);
        let prob = line.confidence.unwrap_or(1.0).clamp(0.0, 1.0);
        turns.push(Turn {
            index: 0,
            role,
            role_confidence: if role == SpeakerRole::Unknown { 0.0 } else { 1.0 },
            channel: u16::from(role == SpeakerRole::Customer),
            span,
            chars: TimedChar::spread(&line.text, span, prob),
            confidence: f64::from(prob),
            marks: Vec::new(),
            overlap_ms: 0,
            loudness_dbfs: None,
            labels: Vec::new(),
        });
    }
    turns.sort_by_key(|t: &Turn| (t.span.start_ms, t.span.end_ms, t.channel));
    for (index, turn) in turns.iter_mut().enumerate() {
        turn.index = index as u32;
    }
    callsift_dialogue::mark_overlap(&mut turns);
    Ok(turns)
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

/// A call id may stand only once: later ones become failed rows under the name of their line.
fn mark_repeats(reports: &mut [CallReport]) {
    let mut seen = std::collections::BTreeSet::new();
    for r in reports {
        let id = r.recording.meta.call_id.clone();
        if !seen.insert(id.clone()) {
            let date = r.recording.meta.date.clone().unwrap_or_default();
            let name = r.recording.name.clone();
            *r = failed(&name, format!("call id `{id}` stands on an earlier line already"), &date);
        }
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::Outcome;

    use super::read_transcripts;
    use crate::config::MetadataConfig;

    #[test]
    fn good_lines_are_read_and_bad_ones_are_rows() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let good = r#"{"call_id":"k1","direction":"inbound","queue":"order","agent_id":"3021","started_at":"2026-11-16T09:00:00+08:00","turns":[{"role":"customer","start_ms":2500,"end_ms":4000,"text":"五条"},{"role":"agent","start_ms":0,"end_ms":2000,"text":"您好"}]}"#;
        std::fs::write(file.path(), format!("{good}\n{{\"call_id\":\"k2\"}}\n{good}\nnot json\n")).unwrap();
        let reports = read_transcripts(file.path(), &MetadataConfig::default(), "2026-11-20", None).unwrap();
        assert_eq!(reports.len(), 4);
        let k1 = reports.iter().find(|r| r.recording.meta.call_id == "k1").unwrap();
        assert_eq!(k1.turns[0].text(), "您好");
        assert_eq!(k1.recording.meta.date.as_deref(), Some("2026-11-16"));
        let failed: Vec<_> = reports.iter().filter(|r| matches!(r.outcome, Outcome::Failed { .. })).collect();
        assert_eq!(failed.len(), 3);
        assert!(failed.iter().all(|r| r.recording.name.contains(':')));
    }
}
