//! Stereo calls whose legs are not what they are said to be: exchanged, with one side only, or with a sentence on both.

use callsift_core::{LevelTrack, SpeakerRole, TimeSpan, Utterance};
use callsift_text::{Normalizer, SoundText, likeness};

use crate::roles::log_odds;

/// Confidence of a role that may as well be the other one: under every sensible limit of the rules.
pub(crate) const UNSURE: f64 = 0.5;
/// How much more the words of the customer's leg must be an agent's (log-odds) before the legs are doubted. Of 714 labelled
/// calls none reaches 1.7.
const DOUBT: f64 = 2.0;
/// The same before they are taken for exchanged.
const EXCHANGED: f64 = 5.0;
/// Log-odds that speak for the legs as they were configured.
const PRIOR: f64 = 4.0;
/// Shorter sentences are really said by both at a time: 再见, 好的.
const LEAST_CHARS: usize = 4;
/// Likeness by sound from which two sentences are one.
const SAME: f64 = 0.75;
/// The same sentence begins on both channels within this time, milliseconds.
const TOGETHER_MS: i64 = 700;
/// Difference in level from which the louder channel is the speaker's, dB.
const LOUDER_DB: f64 = 3.0;

/// True where speech lies on one channel only: not even words that could not be understood are on the other.
pub(crate) fn is_one_sided(utterances: &[Utterance]) -> bool {
    let first = utterances.first().map(|u| u.channel);
    utterances.iter().all(|u| Some(u.channel) == first)
}

/// The roles of the channels, checked against what is said on them, and how sure they are.
pub(crate) fn roles(utterances: &[Utterance], configured: &[SpeakerRole]) -> (Vec<SpeakerRole>, f64) {
    let place = |role| configured.iter().position(|r| *r == role);
    let (Some(agent), Some(customer)) = (place(SpeakerRole::Agent), place(SpeakerRole::Customer)) else {
        return (configured.to_vec(), 1.0);
    };
    let normalizer = Normalizer::matching();
    let said = |channel: usize| -> f64 {
        let own = utterances.iter().filter(|u| usize::from(u.channel) == channel);
        let usable = own.filter(|u| !u.marks.iter().any(|mark| mark.is_unusable()));
        usable.map(|u| log_odds(&normalizer.normalize(&u.text()).text())).sum()
    };
    let against = said(customer) - said(agent);
    if against < DOUBT {
        return (configured.to_vec(), 1.0);
    }
    if against < EXCHANGED {
        return (configured.to_vec(), UNSURE);
    }
    let mut exchanged = configured.to_vec();
    exchanged.swap(agent, customer);
    (exchanged, 1.0 / (1.0 + (PRIOR - against).exp()))
}

/// Takes a sentence that both channels hold off the quieter one. Gives for each utterance that stays whether it is not sure
/// whose it was.
pub(crate) fn drop_doubles(utterances: &mut Vec<Utterance>, levels: &[LevelTrack]) -> Vec<bool> {
    let mut gone = vec![false; utterances.len()];
    let mut unsure = gone.clone();
    for later in 0..utterances.len() {
        // Sorted by their starts: what began long before is not met again.
        let near = (0..later)
            .rev()
            .take_while(|&earlier| utterances[later].span.start_ms - utterances[earlier].span.start_ms <= TOGETHER_MS);
        for earlier in near {
            let (a, b) = (&utterances[earlier], &utterances[later]);
            if gone[earlier] || gone[later] || !is_double(a, b) {
                continue;
            }
            let (loud_a, loud_b) = (level(a, levels), level(b, levels));
            let keep = if loud_b > loud_a + LOUDER_DB { later } else { earlier };
            gone[earlier + later - keep] = true;
            unsure[keep] |= (loud_a - loud_b).abs() < LOUDER_DB;
        }
    }
    let mut kept = gone.iter();
    utterances.retain(|_| kept.next().is_some_and(|gone| !gone));
    unsure.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(unsure, _)| unsure).collect()
}

fn level(utterance: &Utterance, levels: &[LevelTrack]) -> f64 {
    let track = levels.get(usize::from(utterance.channel));
    track.and_then(|track| track.mean_dbfs(utterance.span)).unwrap_or(0.0)
}

fn is_double(a: &Utterance, b: &Utterance) -> bool {
    let shorter = |a: TimeSpan, b: TimeSpan| a.len_ms().min(b.len_ms());
    let spoken = |u: &Utterance| u.chars.iter().filter(|c| c.ch.is_alphanumeric()).count();
    a.channel != b.channel
        && 2 * a.span.overlap_ms(b.span) >= shorter(a.span, b.span)
        && spoken(a).min(spoken(b)) >= LEAST_CHARS
        && {
            let normalizer = Normalizer::matching();
            let sounds = |u: &Utterance| SoundText::new(normalizer.normalize(&u.text()).chars());
            likeness(&sounds(a), &sounds(b)) >= SAME
        }
}

#[cfg(test)]
mod tests {
    use callsift_core::{LevelTrack, SpeakerRole, TimeSpan, TimedChar, Utterance};

    use super::{UNSURE, drop_doubles, is_one_sided, roles};

    fn say(channel: u16, start_ms: i64, text: &str) -> Utterance {
        let span = TimeSpan::new(start_ms, start_ms + 250 * text.chars().count() as i64);
        Utterance { channel, span, chars: TimedChar::spread(text, span, 0.9), mean_logprob: -0.1, marks: Vec::new() }
    }

    const LEGS: [SpeakerRole; 2] = [SpeakerRole::Agent, SpeakerRole::Customer];

    #[test]
    fn the_words_tell_legs_that_are_exchanged() {
        let greeting = "您好，订货中心，工号三零二一为您服务，请问有什么可以帮您？";
        let call = |agent: u16| vec![say(agent, 0, greeting), say(1 - agent, 8_000, "我要订五条红塔山")];
        assert_eq!(roles(&call(0), &LEGS), (LEGS.to_vec(), 1.0));
        let (found, confidence) = roles(&call(1), &LEGS);
        assert!(found == [SpeakerRole::Customer, SpeakerRole::Agent] && confidence > 0.9);
        let doubtful = [say(0, 0, "喂"), say(1, 1_000, "请问您是哪位")];
        assert_eq!(roles(&doubtful, &LEGS), (LEGS.to_vec(), UNSURE));
        let plain = [say(0, 0, "您好，请讲"), say(1, 1_000, "您好，您那里有货吗")];
        assert!(roles(&plain, &LEGS).1 > 0.99, "a polite customer is no agent");
        assert!(roles(&call(1), &[SpeakerRole::Unknown]).1 > 0.99);
    }

    #[test]
    fn a_sentence_on_both_channels_stays_on_the_louder_one() {
        let mut tracks = vec![LevelTrack::default(), LevelTrack::default()];
        tracks[0].push(&vec![0.02; 160_000]);
        tracks[1].push(&vec![0.2; 160_000]);
        let both = || vec![say(0, 0, "我要订五条红塔山"), say(1, 200, "我要定五条红塔山"), say(0, 4_000, "好的")];
        let (mut calls, mut equal) = (both(), both());
        assert_eq!(drop_doubles(&mut calls, &tracks), [false, false]);
        assert_eq!(calls.iter().map(|u| u.channel).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(drop_doubles(&mut equal, &[]), [true, false], "without levels nobody knows whose it was");
        let mut farewell = vec![say(0, 0, "再见"), say(1, 100, "再见")];
        assert_eq!(drop_doubles(&mut farewell, &tracks).len(), 2, "both say it");
        let mut echo = vec![say(0, 0, "五条红塔山"), say(1, 1_500, "五条红塔山")];
        assert_eq!(drop_doubles(&mut echo, &tracks).len(), 2, "one after the other");
    }

    #[test]
    fn one_side_is_seen() {
        assert!(is_one_sided(&[say(0, 0, "喂"), say(0, 900, "您好")]) && is_one_sided(&[]));
        assert!(!is_one_sided(&[say(0, 0, "喂"), say(1, 900, "")]));
    }
}
