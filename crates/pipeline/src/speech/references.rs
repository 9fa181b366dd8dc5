//! What was said, and what a recogniser heard.

use std::path::Path;

use callsift_core::{TimeSpan, TimedChar, Turn};
use callsift_text::scored_form;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::PipelineError;

/// One turn of a reference: a line of `references.jsonl`. Other fields of the line are left alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SpokenTurn {
    /// The recording, relative to the file of references.
    pub file: String,
    /// Channel, from 0.
    pub channel: u16,
    /// Where the sound of the turn begins, milliseconds.
    pub start_ms: i64,
    /// Where it ends, milliseconds.
    pub end_ms: i64,
    /// What was said.
    pub text: String,
}

/// The scored characters of one channel of a recording, in order of time, each with where it was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Characters in the form of [`scored_form`].
    pub chars: Vec<(char, TimeSpan)>,
}

impl Heard {
    /// Adds a stretch of text whose characters have times.
    pub fn add(&mut self, chars: &[TimedChar]) {
        let text: String = chars.iter().map(|c| c.ch).collect();
        let form = scored_form(&text);
        for (i, c) in form.chars().iter().enumerate() {
            let origin = form.to_original(i..i + 1);
            if let (Some(first), Some(last)) = (chars.get(origin.start), chars.get(origin.end.saturating_sub(1))) {
                self.chars.push((*c, first.span.union(last.span)));
            }
        }
    }

    /// What was heard on one channel, from its turns. Text that is marked as unusable counts: it is in the transcript.
    pub fn of_turns(turns: &[Turn], channel: u16) -> Self {
        let mut heard = Self::default();
        for turn in turns.iter().filter(|t| t.channel == channel) {
            heard.add(&turn.chars);
        }
        heard
    }
}

/// Reads the turns of a file of references.
///
/// # Errors
/// The file cannot be read, or a line is no turn: with its number.
pub fn read_references(file: &Path) -> Result<Vec<SpokenTurn>, PipelineError> {
    read_lines(file)
}

/// Reads what another recogniser heard: lines in the shape of references, with the time spread evenly over each; by file and
/// channel.
///
/// # Errors
/// As [`read_references`].
pub fn read_hypotheses(file: &Path) -> Result<impl Fn(&str, u16) -> Heard + use<>, PipelineError> {
    let mut lines: Vec<SpokenTurn> = read_lines(file)?;
    lines.sort_by_key(|line| (line.start_ms, line.end_ms));
    Ok(move |file: &str, channel: u16| {
        let mut heard = Heard::default();
        for line in lines.iter().filter(|l| l.file == file && l.channel == channel) {
            heard.add(&TimedChar::spread(&line.text, TimeSpan::new(line.start_ms, line.end_ms), 1.0));
        }
        heard
    })
}

fn read_lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, PipelineError> {
    let text = std::fs::read_to_string(file).map_err(|source| PipelineError::Io { path: file.to_owned(), source })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(i, line)| {
        serde_json::from_str(line)
            .map_err(|e| PipelineError::Labelled { path: file.to_owned(), reason: format!("line {}: {e}", i + 1) })
    });
    read.collect()
}
