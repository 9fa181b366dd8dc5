//! The frame: every call that could be drawn.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A call that could be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameCall {
    /// Call.
    pub call_id: String,
    /// Agent's number (工号).
    pub agent_id: String,
    /// Agent's name; the number where it is not known.
    pub agent_name: String,
    /// Unit (班组); empty where it is not known.
    pub unit: String,
    /// Queue; empty where it is not known.
    pub queue: String,
    /// Day at the centre, `YYYY-MM-DD`.
    pub date: String,
    /// Start, microseconds since the Unix epoch; 0 where it is not known.
    pub started_at_us: i64,
    /// Hour of the day at the centre, 0 to 23.
    pub hour: i8,
    /// Length in milliseconds.
    pub duration_ms: i64,
    /// Machine score, 0 to 100; `None` where there is none.
    pub score: Option<f64>,
}

/// Every call that could be drawn, sorted, with its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    calls: Vec<FrameCall>,
    hash: String,
}

impl Frame {
    /// A frame of these calls, whatever their order. A call that stands twice counts once.
    pub fn new(mut calls: Vec<FrameCall>) -> Self {
        calls.sort_by(|a, b| (&a.date, a.started_at_us, &a.call_id).cmp(&(&b.date, b.started_at_us, &b.call_id)));
        let mut seen = std::collections::HashSet::new();
        calls.retain(|call| seen.insert(call.call_id.clone()));
        let mut hasher = Sha256::new();
        for call in &calls {
            // What a recording is, so that nobody can steer a draw by touching a field; not what a rule says of it, or
            // whoever changes the points of a rule would have chance choose again.
            let line = format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                call.call_id,
                call.agent_id,
                call.unit,
                call.queue,
                call.date,
                call.started_at_us,
                call.hour,
                call.duration_ms,
            );
            hasher.update(line.as_bytes());
        }
        let hash = callsift_core::hex(&hasher.finalize());
        Self { calls, hash }
    }

    /// The calls, in order of day, start and id.
    pub fn calls(&self) -> &[FrameCall] {
        &self.calls
    }

    /// SHA-256 over the calls, without their machine scores.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// SHA-256 over the machine scores, for plans that look at them.
    pub fn scores_hash(&self) -> String {
        let mut hasher = Sha256::new();
        for call in &self.calls {
            let score = call.score.map_or_else(String::new, |s| format!("{s:.2}"));
            hasher.update(format!("{}\t{score}\n", call.call_id).as_bytes());
        }
        callsift_core::hex(&hasher.finalize())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Frame, FrameCall};

    /// A call for tests: agent, day, minute of the day, seconds.
    pub(crate) fn call(agent: &str, date: &str, minute: i64, seconds: i64) -> FrameCall {
        FrameCall {
            call_id: format!("{agent}-{date}-{minute:04}"),
            agent_id: agent.to_owned(),
            agent_name: agent.to_owned(),
            unit: "一组".to_owned(),
            queue: "order".to_owned(),
            date: date.to_owned(),
            started_at_us: minute * 60_000_000,
            hour: (minute / 60) as i8,
            duration_ms: seconds * 1000,
            score: Some(90.0),
        }
    }

    #[test]
    fn the_hash_knows_the_calls_and_not_their_order() {
        let (a, b) = (call("1", "2026-11-02", 500, 60), call("1", "2026-11-02", 600, 90));
        let one = Frame::new(vec![a.clone(), b.clone()]);
        assert_eq!(one.hash(), Frame::new(vec![b.clone(), a.clone(), a.clone()]).hash());
        let longer = FrameCall { duration_ms: 1, ..b.clone() };
        assert_ne!(one.hash(), Frame::new(vec![a.clone(), longer]).hash());
        // Rules that ran again change what plans may look at, and not what chance chooses.
        let worse = Frame::new(vec![a, FrameCall { score: Some(10.0), ..b }]);
        assert!(one.hash() == worse.hash() && one.scores_hash() != worse.scores_hash());
    }
}
