//! A call that another system transcribed: one line of JSON to turns.

use std::collections::BTreeMap;

use callsift_core::{SpeakerRole, TimeSpan, Turn};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::mark_overlap;

/// Times beyond this are a mistake: thirty days in milliseconds.
const MAX_MS: i64 = 30 * 24 * 3_600_000;

/// A call of a transcripts file.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// Id of the call.
    pub call_id: String,
    /// Fields besides id, turns and `expect`: metadata, as text.
    pub fields: BTreeMap<String, String>,
    /// Turns in order of time.
    pub turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Line<T> {
    call_id: String,
    turns: T,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineTurn {
    role: String,
    start_ms: i64,
    end_ms: i64,
    text: String,
    #[serde(default)]
    confidence: Option<f32>,
}

impl Transcript {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let line: Line<Vec<LineTurn>> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        Ok(Self { call_id: id(line.call_id)?, turns: turns(line.turns)?, fields: fields(line.rest) })
    }

    /// Reads only id and metadata of a line; whether its turns are sound remains to be seen.
    ///
    /// # Errors
    /// As above.
    pub fn parse_head(line: &[u8]) -> Result<(String, BTreeMap<String, String>), String> {
        let line: Line<IgnoredAny> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        Ok((id(line.call_id)?, fields(line.rest)))
    }
}

fn id(id: String) -> Result<String, String> {
    if id.trim().is_empty() { Err("`call_id` is empty".to_owned()) } else { Ok(id) }
}

fn fields(rest: Map<String, Value>) -> BTreeMap<String, String> {
    let rest = rest.into_iter().filter(|(k, v)| k != "expect" && !v.is_null());
    rest.map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect()
}

/// Turns in order of time; what was said is spread evenly over each turn, with probability 1 where none is given.
fn turns(lines: Vec<LineTurn>) -> Result<Vec<Turn>, String> {
    let mut turns = Vec::with_capacity(lines.len());
    for (i, line) in lines.into_iter().enumerate() {
        if line.start_ms < 0 || line.end_ms < line.start_ms || line.end_ms > MAX_MS {
            return Err(format!("turn {i}: `start_ms` {} and `end_ms` {} are no span", line.start_ms, line.end_ms));
        }
        let role = SpeakerRole::parse(&line.role);
        let span = TimeSpan::new(line.start_ms, line.end_ms);
        let given = line.confidence.unwrap_or(1.0);
        let prob = if given.is_nan() { 0.0 } else { given.clamp(0.0, 1.0) };
        let spoken = callsift_text::spoken(&line.text);
        if spoken.is_silence {
            continue;
        }
        let mut turn = Turn::from_text(0, role, span, &spoken.text, prob);
        turn.marks = spoken.marks;
        turns.push(turn);
    }
    turns.sort_by_key(|t: &Turn| (t.span.start_ms, t.span.end_ms, t.channel));
    for (turn, index) in turns.iter_mut().zip(0u32..) {
        turn.index = index;
    }
    mark_overlap(&mut turns);
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use callsift_core::Mark;

    use super::Transcript;

    #[test]
    fn turns_are_sorted_and_metadata_is_kept() {
        let line = r#"{"call_id":"k","queue":"order","tenure_months":8,"expect":{"a":"hit"},"turns":[
            {"role":"customer","start_ms":2500,"end_ms":4000,"text":"五条"},
            {"role":"agent","start_ms":0,"end_ms":2600,"text":"您好","confidence":0.5}]}"#;
        let call = Transcript::parse(line.as_bytes()).unwrap();
        assert_eq!(call.turns[0].text(), "您好");
        assert_eq!((call.turns[0].overlap_ms, call.turns[1].overlap_ms), (100, 100));
        assert_eq!(call.fields["tenure_months"], "8");
        assert!(!call.fields.contains_key("expect"));
    }

    #[test]
    fn what_no_person_said_is_left_out_or_marked() {
        let line = r#"{"call_id":"k","turns":[
            {"role":"agent","start_ms":0,"end_ms":2000,"text":"<|zh|><|NEUTRAL|>您好"},
            {"role":"agent","start_ms":2000,"end_ms":3000,"text":"[BLANK_AUDIO]"},
            {"role":"agent","start_ms":3000,"end_ms":4000,"text":"请不吝点赞订阅"},
            {"role":"customer","start_ms":4000,"end_ms":5000,"text":"（听不清）"}]}"#;
        let call = Transcript::parse(line.as_bytes()).unwrap();
        let seen: Vec<_> = call.turns.iter().map(|t| (t.text(), t.marks.clone())).collect();
        assert_eq!(
            seen,
            [
                ("您好".to_owned(), vec![]),
                ("请不吝点赞订阅".to_owned(), vec![Mark::Hallucination]),
                (String::new(), vec![Mark::Uncovered])
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let of = |line: &str| Transcript::parse(line.as_bytes()).unwrap_err();
        assert!(of("{\"call_id\":\"\",\"turns\":[]}").contains("empty"));
        assert!(of("{\"call_id\":\"a\"}").contains("turns"));
        let span = r#"{"call_id":"a","turns":[{"role":"agent","start_ms":5,"end_ms":9223372036854775807,"text":"x"}]}"#;
        assert!(of(span).contains("no span"));
    }
}
