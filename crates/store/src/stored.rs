//! Calls as they lie in the lake, with everything that rules need: for replay, comparison and explanations.

use std::collections::HashMap;
use std::path::Path;

use crate::arrow::array::{Array, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray};
use callsift_core::{
    Alternative, AudioMark, CallMeta, ChannelLayout, Direction, LabelScore, Mark, SpeakerRole, TimeSpan, TimedChar,
    Turn,
};

use crate::error::StoreError;
use crate::lake::Part;
use crate::read::{contained, open_columns, part_files};
use crate::schema::TableName;

/// A call with its turns.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// Metadata.
    pub meta: CallMeta,
    /// Path of the recording, relative to the recordings folder.
    pub recording: String,
    /// SHA-256 of its bytes; `None` where there was none to inspect.
    pub audio_sha256: Option<String>,
    /// `ok`, `empty` or `failed`.
    pub status: String,
    /// Why it failed.
    pub fail_reason: Option<String>,
    /// Layout; `None` for calls without audio.
    pub layout: Option<ChannelLayout>,
    /// Length of the recording in milliseconds.
    pub duration_ms: Option<i64>,
    /// What is or may be wrong with the sound; a mark of a later version is passed over.
    pub audio_marks: Vec<AudioMark>,
    /// Stretches of the recording that hold no sound because nothing was recorded or could be decoded.
    pub gaps: Vec<TimeSpan>,
    /// Machine score.
    pub score: Option<f64>,
    /// Hash of the options that made the call.
    pub config_hash: String,
    /// Who said what.
    pub turns: Vec<Turn>,
}

/// Parts of a lake from one day to another, both included, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn stored_parts(lake: &Path, from: Option<&str>, to: Option<&str>) -> Result<Vec<Part>, StoreError> {
    let parts = part_files(lake, TableName::Calls)?;
    let parts = parts.iter().filter_map(|p| Part::parse(p));
    // ISO days sort as text.
    let wanted = |p: &Part| from.is_none_or(|d| p.date.as_str() >= d) && to.is_none_or(|d| p.date.as_str() <= d);
    Ok(parts.filter(wanted).collect())
}

/// The calls of a part, in order, each with its turns.
///
/// # Errors
/// The part cannot be read.
pub fn read_part(lake: &Path, part: &Part) -> Result<Vec<StoredCall>, StoreError> {
    let mut calls = read_calls(lake, part)?;
    let mut places: HashMap<String, usize> = HashMap::with_capacity(calls.len());
    for (i, call) in calls.iter().enumerate() {
        places.insert(call.meta.call_id.clone(), i);
    }
    each_batch(&part.path(lake, TableName::Turns), &TURN_COLUMNS, |columns| columns.add_turns(&places, &mut calls))?;
    number_turns(&mut calls);
    Ok(calls)
}

/// Rules take the number of a turn for its place; a lake that somebody edited may number otherwise.
pub(crate) fn number_turns(calls: &mut [StoredCall]) {
    for call in calls {
        call.turns.sort_by_key(|t| t.index);
        for (place, turn) in call.turns.iter_mut().enumerate() {
            turn.index = place as u32;
        }
    }
}

/// The calls of a part, in order, without their turns.
///
/// # Errors
/// The part cannot be read.
pub fn read_calls(lake: &Path, part: &Part) -> Result<Vec<StoredCall>, StoreError> {
    let mut calls = Vec::new();
    each_batch(&part.path(lake, TableName::Calls), &CALL_COLUMNS, |columns| {
        calls.extend((0..columns.batch.num_rows()).map(|row| columns.call(row, &part.date)));
    })?;
    Ok(calls)
}

pub(crate) const CALL_COLUMNS: [&str; 20] = [
    "call_id",
    "recording",
    "audio_sha256",
    "fail_reason",
    "started_at",
    "agent_id",
    "agent_name",
    "queue",
    "direction",
    "customer_id",
    "order_record",
    "extra",
    "status",
    "layout",
    "duration_ms",
    "audio_marks",
    "gap_start_ms",
    "gap_end_ms",
    "score",
    "config_hash",
];

pub(crate) const TURN_COLUMNS: [&str; 20] = [
    "call_id",
    "turn",
    "role",
    "role_confidence",
    "channel",
    "start_ms",
    "end_ms",
    "text",
    "char_start_ms",
    "char_end_ms",
    "char_prob",
    "confidence",
    "marks",
    "overlap_ms",
    "loudness_dbfs",
    "labels",
    "label_probs",
    "label_thresholds",
    "alternatives",
    "alternative_scores",
];

pub(crate) fn each_batch(path: &Path, names: &[&str], mut take: impl FnMut(&Columns<'_>)) -> Result<(), StoreError> {
    contained(path, || {
        for batch in open_columns(path, names)? {
            let batch = batch.map_err(|e| StoreError::parquet("cannot read a part of the lake", path)(&e))?;
            take(&Columns { batch: &batch });
        }
        Ok(())
    })
}

/// Typed access to the columns of a batch; a column that is absent or of another type reads as null.
pub(crate) struct Columns<'a> {
    pub(crate) batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    fn typed<T: 'static>(&self, name: &str) -> Option<&'a T> {
        self.batch.column_by_name(name)?.as_any().downcast_ref::<T>()
    }

    pub(crate) fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        self.typed::<StringArray>(name).filter(|a| !a.is_null(row)).map(|a| a.value(row))
    }

    pub(crate) fn int(&self, name: &str, row: usize) -> Option<i64> {
        self.value::<Int64Array>(name, row).map(|a| a.value(row))
    }

    pub(crate) fn small_int(&self, name: &str, row: usize) -> Option<i64> {
        self.value::<Int32Array>(name, row).map(|a| i64::from(a.value(row)))
    }

    /// The column where it has a value in this row.
    pub(crate) fn value<T: Array + 'static>(&self, name: &str, row: usize) -> Option<&'a T> {
        self.typed::<T>(name).filter(|a| !a.is_null(row))
    }

    pub(crate) fn call(&self, row: usize, date: &str) -> StoredCall {
        let owned = |name: &str| self.text(name, row).map(str::to_owned);
        StoredCall {
            meta: CallMeta {
                call_id: owned("call_id").unwrap_or_default(),
                agent_id: owned("agent_id"),
                agent_name: owned("agent_name"),
                queue: owned("queue"),
                direction: Direction::parse(self.text("direction", row).unwrap_or("")),
                customer_id: owned("customer_id"),
                started_at_us: self
                    .typed::<crate::arrow::array::TimestampMicrosecondArray>("started_at")
                    .filter(|a| !a.is_null(row))
                    .map(|a| a.value(row)),
                date: Some(date.to_owned()),
                order: owned("order_record"),
                extra: serde_json::from_str(self.text("extra", row).unwrap_or("{}")).unwrap_or_default(),
            },
            recording: owned("recording").unwrap_or_default(),
            audio_sha256: owned("audio_sha256").filter(|hash| !hash.is_empty()),
            status: owned("status").unwrap_or_default(),
            fail_reason: owned("fail_reason"),
            layout: self.text("layout", row).and_then(ChannelLayout::parse),
            duration_ms: self.int("duration_ms", row),
            audio_marks: self.marks(row),
            gaps: self.gaps(row),
            score: self.typed::<Float64Array>("score").filter(|a| !a.is_null(row)).map(|a| a.value(row)),
            config_hash: owned("config_hash").unwrap_or_default(),
            turns: Vec::new(),
        }
    }

    fn marks(&self, row: usize) -> Vec<AudioMark> {
        let names = strings(self.typed("audio_marks"), row);
        names.iter().filter_map(|name| AudioMark::parse(name)).collect()
    }

    fn gaps(&self, row: usize) -> Vec<TimeSpan> {
        let times = |name: &str| ints(self.typed::<ListArray>(name), row);
        let pairs = times("gap_start_ms").into_iter().zip(times("gap_end_ms"));
        pairs.map(|(start, end)| TimeSpan::new(start, end)).collect()
    }

    /// Adds the turns of the batch to their calls. The columns are found once, not once a row.
    pub(crate) fn add_turns(&self, places: &HashMap<String, usize>, calls: &mut [StoredCall]) {
        let (Some(ids), Some(texts)) = (self.typed::<StringArray>("call_id"), self.typed::<StringArray>("text")) else {
            return;
        };
        let (roles, numbers) = (self.typed::<StringArray>("role"), self.typed::<Int32Array>("turn"));
        let channels = self.typed::<Int32Array>("channel");
        let ints = ["start_ms", "end_ms", "overlap_ms"].map(|n| self.typed::<Int64Array>(n));
        let floats = ["role_confidence", "confidence", "loudness_dbfs"].map(|n| self.typed::<Float64Array>(n));
        let lists = ["char_start_ms", "char_end_ms", "char_prob", "marks", "labels", "label_probs", "label_thresholds"]
            .map(|n| self.typed::<ListArray>(n));
        let readings = ["alternatives", "alternative_scores"].map(|n| self.typed::<ListArray>(n));
        let int = |i: usize, row: usize| ints[i].map_or(0, |a| a.value(row));
        let float = |i: usize, row: usize| floats[i].filter(|a| !a.is_null(row)).map(|a| a.value(row));
        for row in 0..self.batch.num_rows() {
            let Some(call) = places.get(ids.value(row)).and_then(|i| calls.get_mut(*i)) else { continue };
            call.turns.push(Turn {
                index: numbers.map_or(0, |a| a.value(row)) as u32,
                role: roles.map_or(SpeakerRole::Unknown, |a| SpeakerRole::parse(a.value(row))),
                role_confidence: float(0, row).unwrap_or(0.0),
                channel: channels.map_or(0, |a| a.value(row)) as u16,
                span: TimeSpan::new(int(0, row), int(1, row)),
                chars: chars(texts.value(row), [lists[0], lists[1], lists[2]], row),
                confidence: float(1, row).unwrap_or(0.0),
                marks: strings(lists[3], row).iter().filter_map(|m| Mark::parse(m)).collect(),
                overlap_ms: int(2, row),
                loudness_dbfs: float(2, row),
                alternatives: alternatives(readings, row),
                labels: labels([lists[4], lists[5], lists[6]], row),
            });
        }
    }
}

/// First and last element of a row's list in the list's values.
fn bounds(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

fn ints(list: Option<&ListArray>, row: usize) -> Vec<i64> {
    let values = list.and_then(|l| Some((l.values().as_any().downcast_ref::<Int64Array>()?, bounds(l, row))));
    values.map_or_else(Vec::new, |(v, range)| v.values()[range].to_vec())
}

fn chars(text: &str, lists: [Option<&ListArray>; 3], row: usize) -> Vec<TimedChar> {
    let probs = lists[2].and_then(|l| Some((l.values().as_any().downcast_ref::<Float64Array>()?, bounds(l, row))));
    let probs = probs.map_or_else(Vec::new, |(v, range)| v.values()[range].to_vec());
    let times = ints(lists[0], row).into_iter().zip(ints(lists[1], row)).zip(probs);
    text.chars()
        .zip(times)
        .map(|(ch, ((start, end), prob))| TimedChar { ch, span: TimeSpan::new(start, end), prob: prob as f32 })
        .collect()
}

fn strings(list: Option<&ListArray>, row: usize) -> Vec<String> {
    let found = list.and_then(|l| Some((l.values().as_any().downcast_ref::<StringArray>()?, bounds(l, row))));
    found.map_or_else(Vec::new, |(values, range)| range.map(|i| values.value(i).to_owned()).collect())
}

fn alternatives([texts, scores]: [Option<&ListArray>; 2], row: usize) -> Vec<Alternative> {
    let scores = scores.and_then(|l| Some((l.values().as_any().downcast_ref::<Float64Array>()?, bounds(l, row))));
    let scores = scores.map_or_else(Vec::new, |(v, range)| v.values()[range].to_vec());
    strings(texts, row).into_iter().zip(scores).map(|(text, score)| Alternative { text, score }).collect()
}

fn labels([names, probs, thresholds]: [Option<&ListArray>; 3], row: usize) -> Vec<LabelScore> {
    let floats = |list: Option<&ListArray>| -> Vec<Option<f64>> {
        let found = list.and_then(|l| Some((l.values().as_any().downcast_ref::<Float64Array>()?, bounds(l, row))));
        let value = |v: &Float64Array, i: usize| (!v.is_null(i)).then(|| v.value(i));
        found.map_or_else(Vec::new, |(v, range)| range.map(|i| value(v, i)).collect())
    };
    let scores = strings(names, row).into_iter().zip(floats(probs)).zip(floats(thresholds));
    scores.map(|((label, prob), threshold)| LabelScore { label, prob: prob.unwrap_or(0.0), threshold }).collect()
}
