//! Names for places of a call that stay the same when rules are changed and run again.

use callsift_store::StoredFinding;

/// The place of a finding: turn and characters of its evidence, the start where there is no text, nothing for a finding
/// about the whole call. A verdict of a person belongs to rule and place.
pub(crate) fn of_finding(f: &StoredFinding) -> String {
    match (f.turn, f.char_start, f.char_end) {
        (Some(turn), Some(start), Some(end)) if end > start => format!("t{turn}:{start}-{end}"),
        (Some(turn), ..) => format!("t{turn}@{}", f.start_ms.unwrap_or(0)),
        _ => String::new(),
    }
}
