//! Measures of a conversation, from the times of its turns.

use callsift_core::{SpeakerRole, TalkMetrics, TimeSpan, Turn};

use crate::DialogueOptions;

/// Measures a call. Turns are in order of start time.
pub fn talk_metrics(turns: &[Turn], options: &DialogueOptions) -> TalkMetrics {
    let agent = speech(turns, SpeakerRole::Agent);
    let customer = speech(turns, SpeakerRole::Customer);
    let (silence_ms, longest_silence_ms) = silence(turns);
    let both = agent.0 + customer.0;
    TalkMetrics {
        agent_speech_ms: agent.0,
        customer_speech_ms: customer.0,
        overlap_ms: turns.iter().filter(|t| t.role == SpeakerRole::Agent).map(|t| t.overlap_ms).sum(),
        silence_ms,
        longest_silence_ms,
        agent_interruptions: interruptions(turns, SpeakerRole::Agent, options),
        customer_interruptions: interruptions(turns, SpeakerRole::Customer, options),
        agent_cpm: pace(agent),
        customer_cpm: pace(customer),
        agent_talk_share: if both == 0 { 0.0 } else { agent.0 as f64 / both as f64 },
    }
}

/// Milliseconds and characters that a role spoke.
fn speech(turns: &[Turn], role: SpeakerRole) -> (i64, usize) {
    let own = turns.iter().filter(|t| t.role == role);
    own.fold((0, 0), |(ms, chars), t| (ms + t.span.len_ms(), chars + t.spoken_chars()))
}

/// Characters per minute of speech.
fn pace((ms, chars): (i64, usize)) -> f64 {
    if ms == 0 { 0.0 } else { chars as f64 * 60_000.0 / ms as f64 }
}

/// Total and longest time in which nobody speaks, between the first and the last word.
fn silence(turns: &[Turn]) -> (i64, i64) {
    let (mut total, mut longest, mut end) = (0, 0, None::<i64>);
    for turn in turns {
        if let Some(end) = end {
            let gap = TimeSpan::new(end, turn.span.start_ms).len_ms();
            total += gap;
            longest = longest.max(gap);
        }
        end = Some(end.map_or(turn.span.end_ms, |e| e.max(turn.span.end_ms)));
    }
    (total, longest)
}

fn interruptions(turns: &[Turn], role: SpeakerRole, options: &DialogueOptions) -> i64 {
    let by_role = turns.iter().filter(|t| t.role == role && t.spoken_chars() >= options.interruption_min_chars);
    by_role
        .filter(|t| {
            turns.iter().any(|other| {
                other.channel != t.channel
                    && other.span.start_ms < t.span.start_ms
                    && other.span.overlap_ms(t.span) > options.interruption_ms
            })
        })
        .count() as i64
}
