//! How sentiment goes over a call.

use callsift_core::{SentimentTrend, SpeakerRole, Turn};

/// Label of a satisfied or friendly turn.
const POSITIVE: &str = "positive";
/// Label of an annoyed or unhappy turn.
const NEGATIVE: &str = "negative";

/// Mean of P(positive) − P(negative) per quarter of the call and role, weighted by characters spoken.
///
/// The call lasts from 0 to the end of its last turn; a turn counts in the quarter of its middle. Turns without both
/// labels, and turns that may not be judged, do not count.
pub fn trend(turns: &[Turn]) -> SentimentTrend {
    let end = turns.iter().map(|turn| turn.span.end_ms).max().unwrap_or(0).max(1);
    let role = |role| {
        let mut sums = [(0.0, 0.0); 4];
        for turn in turns.iter().filter(|turn| turn.role == role && !turn.is_unusable()) {
            let (Some(positive), Some(negative)) = (turn.label(POSITIVE), turn.label(NEGATIVE)) else { continue };
            let middle = i64::midpoint(turn.span.start_ms, turn.span.end_ms).clamp(0, end - 1);
            let (sum, weight) = &mut sums[(middle * 4 / end) as usize];
            let spoken = turn.spoken_chars().max(1) as f64;
            *sum += spoken * (positive.prob - negative.prob);
            *weight += spoken;
        }
        sums.map(|(sum, weight)| (weight > 0.0).then(|| sum / weight))
    };
    SentimentTrend { agent: role(SpeakerRole::Agent), customer: role(SpeakerRole::Customer) }
}

#[cfg(test)]
mod tests {
    use callsift_core::{LabelScore, Mark, TimeSpan, TimedChar};

    use super::*;

    fn turn(role: SpeakerRole, start_ms: i64, end_ms: i64, text: &str, positive: f64) -> Turn {
        let span = TimeSpan::new(start_ms, end_ms);
        let score = |label: &str, prob| LabelScore { label: label.to_owned(), prob, threshold: None };
        Turn {
            index: 0,
            role,
            role_confidence: 1.0,
            channel: 0,
            span,
            chars: text.chars().map(|ch| TimedChar { ch, span, prob: 1.0 }).collect(),
            confidence: 1.0,
            marks: Vec::new(),
            overlap_ms: 0,
            loudness_dbfs: None,
            alternatives: Vec::new(),
            labels: vec![score("positive", positive), score("negative", 1.0 - positive)],
        }
    }

    #[test]
    fn quarters_are_of_the_call_and_weighted_by_what_was_said() {
        let (agent, customer) = (SpeakerRole::Agent, SpeakerRole::Customer);
        let mut turns = vec![
            turn(agent, 0, 1000, "您好您好", 1.0),
            turn(customer, 1000, 1500, "好，", 1.0),
            turn(customer, 1500, 1900, "不行啊", 0.0),
            turn(customer, 7000, 8000, "算了", 0.25),
        ];
        let got = trend(&turns);
        assert_eq!(got.agent, [Some(1.0), None, None, None]);
        assert_eq!(got.customer, [Some(-0.5), None, None, Some(-0.5)]);
        turns[3].marks.push(Mark::Loop);
        assert_eq!(trend(&turns).customer[3], None);
        assert_eq!(trend(&[]), SentimentTrend::default());
    }
}
