//! Joining utterances into turns.

use callsift_core::{ChannelLayout, LevelTrack, SpeakerRole, TimedChar, Turn, Utterance};

use crate::{DialogueOptions, legs, roles};

pub(crate) fn build(
    mut utterances: Vec<Utterance>,
    layout: ChannelLayout,
    levels: &[LevelTrack],
    options: &DialogueOptions,
) -> Vec<Turn> {
    // A stereo call of which one channel only holds speech: perhaps both people are on it.
    let one_channel = layout != ChannelLayout::Stereo || legs::is_one_sided(&utterances);
    if one_channel {
        // On one channel two people may share an utterance; a sentence is one person's.
        utterances = utterances.into_iter().flat_map(roles::sentences).collect();
    }
    utterances.sort_by_key(|u| (u.span.start_ms, u.span.end_ms, u.channel));
    let speakers = if one_channel {
        roles::by_text(&utterances)
    } else {
        let unsure = legs::drop_doubles(&mut utterances, levels);
        let (roles, confidence) = legs::roles(&utterances, &options.channel_roles);
        let role = |u: &Utterance| roles.get(usize::from(u.channel)).copied().unwrap_or_default();
        let sure = |doubtful: bool| if doubtful { confidence.min(legs::UNSURE) } else { confidence };
        utterances.iter().zip(unsure).map(|(u, doubtful)| (role(u), sure(doubtful))).collect()
    };
    let mut turns: Vec<Turn> = Vec::new();
    for (utterance, (role, confidence)) in utterances.into_iter().zip(speakers) {
        match turns.last_mut().filter(|last| joins(last, &utterance, role, options)) {
            Some(last) => extend(last, utterance, confidence),
            None => turns.push(open(utterance, role, confidence)),
        }
    }
    for (index, turn) in turns.iter_mut().enumerate() {
        turn.index = index as u32;
        turn.confidence = mean_prob(&turn.chars);
    }
    mark_overlap(&mut turns);
    turns
}

fn joins(last: &Turn, next: &Utterance, role: SpeakerRole, options: &DialogueOptions) -> bool {
    let usable = |marks: &[callsift_core::Mark]| !marks.iter().any(|m| m.is_unusable());
    last.channel == next.channel
        && last.role == role
        && next.span.start_ms - last.span.end_ms <= options.merge_gap_ms
        && usable(&last.marks) == usable(&next.marks)
        && last.chars.is_empty() == next.chars.is_empty()
}

fn open(u: Utterance, role: SpeakerRole, role_confidence: f64) -> Turn {
    Turn {
        index: 0,
        role,
        role_confidence,
        channel: u.channel,
        span: u.span,
        chars: u.chars,
        confidence: 0.0,
        marks: u.marks,
        overlap_ms: 0,
        loudness_dbfs: None,
        labels: Vec::new(),
        alternatives: Vec::new(),
    }
}

fn extend(turn: &mut Turn, u: Utterance, role_confidence: f64) {
    turn.span = turn.span.union(u.span);
    turn.chars.extend(u.chars);
    turn.marks.extend(u.marks);
    turn.marks.sort_unstable();
    turn.marks.dedup();
    turn.role_confidence = turn.role_confidence.min(role_confidence);
}

/// Mean probability of the characters that are spoken.
fn mean_prob(chars: &[TimedChar]) -> f64 {
    let spoken: Vec<f64> = chars.iter().filter(|c| c.ch.is_alphanumeric()).map(|c| f64::from(c.prob)).collect();
    if spoken.is_empty() { 0.0 } else { spoken.iter().sum::<f64>() / spoken.len() as f64 }
}

/// Fills in each turn's time shared with the other channels.
pub fn mark_overlap(turns: &mut [Turn]) {
    let spans: Vec<_> = turns.iter().map(|t| (t.channel, t.span)).collect();
    for turn in turns.iter_mut() {
        let others = spans.iter().filter(|(channel, _)| *channel != turn.channel);
        turn.overlap_ms = others.map(|(_, span)| span.overlap_ms(turn.span)).sum();
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::{ChannelLayout, Mark, SpeakerRole, Stage, TimeSpan, TimedChar, Turn, Utterance};

    use crate::{DialogueOptions, TurnBuilder, talk_metrics};

    fn say(channel: u16, start_ms: i64, end_ms: i64, text: &str) -> Utterance {
        let span = TimeSpan::new(start_ms, end_ms);
        Utterance { channel, span, chars: TimedChar::spread(text, span, 0.9), mean_logprob: -0.1, marks: Vec::new() }
    }

    fn turns(layout: ChannelLayout, utterances: Vec<Utterance>) -> Vec<Turn> {
        let (mut builder, mut out) = (TurnBuilder::new(layout, &DialogueOptions::default()), Vec::new());
        for u in utterances {
            builder.push(u, &mut out).unwrap();
        }
        builder.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn channels_interleave_in_order_of_time_and_pauses_join() {
        let out = turns(
            ChannelLayout::Stereo,
            vec![
                say(1, 3000, 4000, "五条"),
                say(0, 0, 1000, "您好，"),
                say(0, 1400, 2500, "请讲。"),
                say(0, 5000, 6000, "好的。"),
            ],
        );
        let seen: Vec<_> = out.iter().map(|t| (t.role, t.text())).collect();
        assert_eq!(
            seen,
            vec![
                (SpeakerRole::Agent, "您好，请讲。".to_owned()),
                (SpeakerRole::Customer, "五条".to_owned()),
                (SpeakerRole::Agent, "好的。".to_owned())
            ]
        );
    }

    #[test]
    fn marked_text_is_never_joined_to_good_text() {
        let mut bad = say(0, 1100, 2000, "谢谢观看");
        bad.marks = vec![Mark::Hallucination];
        assert_eq!(turns(ChannelLayout::Stereo, vec![say(0, 0, 1000, "您好"), bad]).len(), 2);
    }

    #[test]
    fn measures_of_a_small_talk() {
        let out = turns(
            ChannelLayout::Stereo,
            vec![
                say(0, 0, 3000, "您好请问您要订什么货呢"),
                say(1, 1500, 4000, "我先说我要投诉你们"),
                say(0, 6000, 7000, "好的"),
            ],
        );
        let m = talk_metrics(&out, &DialogueOptions::default());
        assert_eq!((m.agent_speech_ms, m.customer_speech_ms), (4000, 2500));
        assert_eq!((m.overlap_ms, m.silence_ms, m.longest_silence_ms), (1500, 2000, 2000));
        assert_eq!((m.agent_interruptions, m.customer_interruptions), (0, 1));
        assert!((m.agent_cpm - 13.0 / 4000.0 * 60_000.0).abs() < 1e-9);
        assert!((m.agent_talk_share - 4000.0 / 6500.0).abs() < 1e-9);
    }

    #[test]
    fn mono_roles_come_from_the_words_and_say_how_sure_they_are() {
        let out = turns(
            ChannelLayout::Mono,
            vec![
                say(0, 0, 3000, "您好，订货中心，工号三零二一为您服务，请问有什么可以帮您？"),
                say(0, 4000, 6000, "我要订五条红塔山。"),
                say(0, 7000, 9000, "好的，请您稍等，我帮您查一下。"),
                say(0, 10_500, 11_000, "嗯。"),
            ],
        );
        let roles: Vec<_> = out.iter().map(|t| t.role).collect();
        assert_eq!(roles[..3], [SpeakerRole::Agent, SpeakerRole::Customer, SpeakerRole::Agent]);
        assert!(out[0].role_confidence > 0.9);
        assert!(out[3].role_confidence < out[0].role_confidence);
    }

    #[test]
    fn two_people_in_one_utterance_of_a_mono_call_are_told_apart() {
        let text = "您好，工号三一四八为您服务。你好，我要加两条中华。好的，请问您的客户编码是多少？";
        let out = turns(ChannelLayout::Mono, vec![say(0, 0, 12_000, text)]);
        let seen: Vec<_> = out.iter().map(|t| (t.role, t.spoken_chars())).collect();
        assert_eq!(seen, vec![(SpeakerRole::Agent, 12), (SpeakerRole::Customer, 9), (SpeakerRole::Agent, 13)]);
        assert!(out[0].span.end_ms <= out[1].span.start_ms);
    }

    #[test]
    fn nothing_said_gives_nothing() {
        assert!(turns(ChannelLayout::Mono, Vec::new()).is_empty());
        assert_eq!(talk_metrics(&[], &DialogueOptions::default()), callsift_core::TalkMetrics::default());
    }
}
