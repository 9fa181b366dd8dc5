//! What rules may ask of a call besides its turns, from a fresh report or from the lake: the same answer both times.

use callsift_core::{AudioMark, CallMeta, CallReport, ChannelLayout, TimeSpan};
use callsift_rules::CallFacts;
use callsift_store::StoredCall;

/// Facts of a call that is on its way to the lake.
pub fn of_report(report: &CallReport) -> CallFacts {
    let audio = report.audio.as_ref();
    let facts = facts(&report.recording.meta, audio.map(|a| a.layout), audio.map(|a| a.duration_ms));
    match audio {
        Some(a) => heard(facts, &a.marks, &a.gaps),
        None => facts,
    }
}

/// Facts of a call of the lake.
pub fn of_stored(call: &StoredCall) -> CallFacts {
    heard(facts(&call.meta, call.layout, call.duration_ms), &call.audio_marks, &call.gaps)
}

/// What is missing of the recording.
fn heard(facts: CallFacts, marks: &[AudioMark], gaps: &[TimeSpan]) -> CallFacts {
    CallFacts { end_open: marks.iter().any(|mark| mark.leaves_end_open()), gaps: gaps.to_vec(), ..facts }
}

/// Calls transcribed elsewhere may give `duration_ms` and `layout` as metadata; where they do not, each side is taken to
/// have a channel of its own, for their roles are given.
fn facts(meta: &CallMeta, layout: Option<ChannelLayout>, duration_ms: Option<i64>) -> CallFacts {
    let given = |name: &str| meta.extra.get(name).map(String::as_str);
    CallFacts {
        layout: layout.or(given("layout").and_then(ChannelLayout::parse)).or(Some(ChannelLayout::Stereo)),
        duration_ms: duration_ms.or(given("duration_ms").and_then(|v| v.parse().ok())),
        meta: meta.clone(),
        ..CallFacts::default()
    }
}
