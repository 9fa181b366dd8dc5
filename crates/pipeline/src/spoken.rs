//! Labelled calls that were spoken: what was said, and what was heard of it, as lines of transcripts.

use std::path::Path;

use callsift_core::Turn;
use serde_json::{Map, Value, json};

use crate::error::PipelineError;

/// A labelled call with its recording.
#[derive(Debug, Clone)]
pub struct SpokenCall {
    /// Id of the call.
    pub call_id: String,
    /// Recording, beside the file that names it.
    pub file: String,
    /// The whole line: metadata, turns as said, `expect`.
    line: Map<String, Value>,
}

/// Reads the calls of a file, one a line, as for `--labelled`, with the recording under `file`.
///
/// # Errors
/// The file cannot be read, or a line is no call: with its number.
pub fn read_calls(path: &Path) -> Result<Vec<SpokenCall>, PipelineError> {
    let text = std::fs::read_to_string(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            let wrong = |reason: String| PipelineError::Labelled {
                path: path.to_owned(),
                reason: format!("line {number}: {reason}"),
            };
            let line: Map<String, Value> = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
            let field = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
            let missing = |name: &str| wrong(format!("`{name}` is missing"));
            let call_id = field("call_id").ok_or_else(|| missing("call_id"))?;
            Ok(SpokenCall { call_id, file: field("file").ok_or_else(|| missing("file"))?, line })
        })
        .collect()
}

/// What is known of the calls besides their words, as a table for [`plan_input`](crate::plan_input).
pub fn metadata_csv(calls: &[SpokenCall]) -> String {
    const OWN: [&str; 4] = ["turns", "expect", "voices", "duration_ms"];
    let mut names: Vec<&str> = calls.iter().flat_map(|c| c.line.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !OWN.contains(name));
    let cell = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let row = |cells: Vec<String>| cells.join(",") + "\n";
    let value = |call: &SpokenCall, name: &str| match call.line.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let head = row(names.iter().map(|name| cell((*name).to_owned())).collect());
    let rows = calls.iter().map(|call| row(names.iter().map(|name| cell(value(call, name))).collect()));
    head + &rows.collect::<String>()
}

/// The line of a call with what was heard in place of what was said: a line for `--labelled` or `--transcripts`. Marks and the
/// probability of each character are kept; times of characters are not.
pub fn heard_line(call: &SpokenCall, turns: &[Turn]) -> String {
    let mut line = call.line.clone();
    line.insert("turns".to_owned(), turns.iter().map(heard_turn).collect());
    format!("{}\n", Value::Object(line))
}

fn heard_turn(turn: &Turn) -> Value {
    // Two decimals tell probabilities apart well enough, and a file is read by people, too.
    let probs: Vec<f64> = turn.chars.iter().map(|c| (f64::from(c.prob) * 100.0).round() / 100.0).collect();
    let mut value = json!({
        "role": turn.role.as_str(),
        "start_ms": turn.span.start_ms,
        "end_ms": turn.span.end_ms,
        "text": turn.text(),
        "confidences": probs,
    });
    if let (false, Some(object)) = (turn.marks.is_empty(), value.as_object_mut()) {
        object.insert("marks".to_owned(), turn.marks.iter().map(|m| m.as_str()).collect());
    }
    if let (true, Some(object)) = (turn.role_confidence < 1.0, value.as_object_mut()) {
        object.insert("role_confidence".to_owned(), json!(turn.role_confidence));
    }
    if let (false, Some(object)) = (turn.alternatives.is_empty(), value.as_object_mut()) {
        let readings = turn.alternatives.iter().map(|a| json!([a.text, a.score]));
        object.insert("alternatives".to_owned(), readings.collect());
    }
    value
}
