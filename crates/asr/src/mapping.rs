//! From the window's clock to utterances on the recording's clock.

use callsift_core::{TimeSpan, TimedChar, Utterance};

use crate::decode::{Decoded, DecodedChar, DecodedText};
use crate::window::{Piece, Window};

/// Share of a text's time that must lie in one piece for the whole text to belong to it.
const SNAP_SHARE: f64 = 0.6;
/// Share of another piece that such a text may cover.
const GRAZE_SHARE: f64 = 0.25;
/// Longest time given to one character where the end mark is missing, milliseconds.
const CHAR_MS: i64 = 250;
/// Longest time of a measured character: the last before a pause reaches to the next otherwise, milliseconds.
const LONGEST_CHAR_MS: i64 = 600;

/// One utterance per piece that has text, in order; pieces without text are left out.
pub fn to_utterances(window: &Window, decoded: &Decoded) -> Vec<Utterance> {
    let mut per_piece: Vec<Vec<TimedChar>> = vec![Vec::new(); window.pieces.len()];
    for text in &decoded.texts {
        place(window, text, &mut per_piece);
    }
    window
        .pieces
        .iter()
        .zip(per_piece)
        .filter(|(_, chars)| chars.iter().any(|c| c.ch.is_alphanumeric()))
        .map(|(piece, mut chars)| {
            make_monotonic(&mut chars);
            Utterance {
                channel: window.channel,
                span: piece.source(),
                chars,
                mean_logprob: decoded.mean_logprob,
                marks: Vec::new(),
            }
        })
        .collect()
}

/// Gives each character of a text a time and a piece.
fn place(window: &Window, text: &DecodedText, per_piece: &mut [Vec<TimedChar>]) {
    let chars = simplified(&text.chars);
    if chars.iter().all(|c| c.span.is_some()) {
        place_measured(window, &chars, per_piece);
    } else {
        place_by_marks(window, text, &chars, per_piece);
    }
}

/// Each character where it was heard: in the piece that holds most of its time.
fn place_measured(window: &Window, chars: &[DecodedChar], per_piece: &mut [Vec<TimedChar>]) {
    let mut last = None;
    for c in chars {
        let span = c.span.unwrap_or_default();
        let heard = || {
            let overlap = |i: &usize| window.pieces[*i].window.overlap_ms(span);
            let most = (0..window.pieces.len()).max_by_key(|i| (overlap(i), std::cmp::Reverse(*i)));
            most.filter(|i| overlap(i) > 0)
                .unwrap_or_else(|| window.piece_at(i64::midpoint(span.start_ms, span.end_ms)))
        };
        // Punctuation stays with the character before it.
        let index = last.filter(|_| weight(c.ch) == 0).unwrap_or_else(heard);
        last = Some(index);
        let piece = &window.pieces[index];
        let start = piece.to_source(span.start_ms);
        let end = piece.to_source(span.end_ms).min(start + LONGEST_CHAR_MS);
        per_piece[index].push(TimedChar { ch: c.ch, span: TimeSpan::new(start, end), prob: c.prob });
    }
}

/// Characters without times of their own share the time between the marks around them.
fn place_by_marks(window: &Window, text: &DecodedText, chars: &[DecodedChar], per_piece: &mut [Vec<TimedChar>]) {
    let span = text_span(window, text);
    let home = home_of(window, span);
    let span = home.map_or(span, |i| clamp(span, window.pieces[i].window));
    let weights: Vec<i64> = chars.iter().map(|c| weight(c.ch)).collect();
    let total: i64 = weights.iter().sum::<i64>().max(1);
    let (mut done, mut last_piece) = (0, None);
    for (c, weight) in chars.iter().zip(weights) {
        let start = span.start_ms + span.len_ms() * done / total;
        done += weight;
        let end = span.start_ms + span.len_ms() * done / total;
        // Punctuation stays with the character before it.
        let index = match (home, last_piece) {
            (Some(home), _) => home,
            (None, Some(last)) if weight == 0 => last,
            (None, _) => window.piece_at(i64::midpoint(start, end)),
        };
        last_piece = Some(index);
        let piece = &window.pieces[index];
        per_piece[index].push(TimedChar {
            ch: c.ch,
            span: TimeSpan::new(piece.to_source(start), piece.to_source(end)),
            prob: c.prob,
        });
    }
}

/// The piece that a text belongs to as a whole: most of its time lies there, and it only grazes any other.
fn home_of(window: &Window, span: TimeSpan) -> Option<usize> {
    let grazes = |p: &Piece| p.window.overlap_ms(span) as f64 <= GRAZE_SHARE * p.window.len_ms() as f64;
    let home = window
        .pieces
        .iter()
        .position(|p| span.len_ms() > 0 && p.window.overlap_ms(span) as f64 >= SNAP_SHARE * span.len_ms() as f64)?;
    window.pieces.iter().enumerate().all(|(i, p)| i == home || grazes(p)).then_some(home)
}

fn text_span(window: &Window, text: &DecodedText) -> TimeSpan {
    let len = window.len_ms();
    let start = text.start_ms.clamp(0, len);
    let longest = text.chars.len() as i64 * CHAR_MS;
    let end = if text.end_ms > start { text.end_ms } else { start + longest };
    TimeSpan::new(start, end.min(len))
}

fn clamp(span: TimeSpan, to: TimeSpan) -> TimeSpan {
    TimeSpan::new(span.start_ms.max(to.start_ms), span.end_ms.min(to.end_ms))
}

/// Relative time that a character takes: Han 5, letters and digits 3, punctuation and space none.
fn weight(c: char) -> i64 {
    match c {
        c if c.is_ascii_alphanumeric() => 3,
        c if c.is_alphanumeric() => 5,
        _ => 0,
    }
}

/// In simplified characters, without tags such as `[BLANK_AUDIO]`, which nobody said.
fn simplified(chars: &[DecodedChar]) -> Vec<DecodedChar> {
    let text: Vec<char> = chars.iter().map(|c| c.ch).collect();
    let tags = callsift_text::find_tags(&text).ranges;
    let chars: Vec<DecodedChar> =
        (0..chars.len()).filter(|i| !tags.iter().any(|t| t.contains(i))).map(|i| chars[i]).collect();
    let text: String = chars.iter().map(|c| c.ch).collect();
    callsift_text::to_simplified(&text).chars().zip(chars).map(|(ch, c)| DecodedChar { ch, ..c }).collect()
}

/// Times never run backwards inside an utterance, whatever marks the model set.
fn make_monotonic(chars: &mut [TimedChar]) {
    let mut floor = i64::MIN;
    for c in chars {
        let start = c.span.start_ms.max(floor);
        c.span = TimeSpan::new(start, c.span.end_ms.max(start));
        floor = c.span.start_ms;
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::TimeSpan;
    use proptest::prelude::*;

    use super::to_utterances;
    use crate::decode::{Decoded, DecodedChar, DecodedText};
    use crate::window::Window;

    fn window() -> Window {
        let mut w = Window::new(1);
        w.append(&vec![0.1; 16 * 2000], 10_000, 300);
        w.append(&vec![0.1; 16 * 1000], 20_000, 300);
        w
    }

    fn text(start_ms: i64, end_ms: i64, text: &str) -> DecodedText {
        let char = |ch| DecodedChar { ch, prob: 0.9, span: None };
        DecodedText { start_ms, end_ms, chars: text.chars().map(char).collect() }
    }

    fn utterances(texts: Vec<DecodedText>) -> Vec<(i64, String)> {
        let decoded = Decoded { texts, mean_logprob: -0.1, cut_off: false };
        to_utterances(&window(), &decoded).into_iter().map(|u| (u.chars[0].span.start_ms, u.text())).collect()
    }

    #[test]
    fn marks_lead_to_their_piece_even_when_a_little_off() {
        let found = utterances(vec![text(0, 2100, "您好，"), text(2200, 3300, "请講。")]);
        assert_eq!(found, vec![(10_000, "您好，".to_owned()), (20_000, "请讲。".to_owned())]);
    }

    #[test]
    fn one_text_over_two_pieces_is_split_at_the_gap() {
        let found = utterances(vec![text(0, 3300, "一二三四五六七八九十。")]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.chars().count() + found[1].1.chars().count(), 11);
        assert!(found[1].1.ends_with('。'));
    }

    #[test]
    fn measured_characters_lie_where_they_were_heard_whatever_the_marks_say() {
        let mut whole = text(0, 3300, "您好请");
        for (c, (from, to)) in whole.chars.iter_mut().zip([(100, 900), (900, 2250), (2250, 3200)]) {
            c.span = Some(TimeSpan::new(from, to));
        }
        let decoded = Decoded { texts: vec![whole], mean_logprob: -0.1, cut_off: false };
        let spans: Vec<Vec<(i64, i64)>> = to_utterances(&window(), &decoded)
            .iter()
            .map(|u| u.chars.iter().map(|c| (c.span.start_ms, c.span.end_ms)).collect())
            .collect();
        assert_eq!(spans, [vec![(10_100, 10_700), (10_900, 11_500)], vec![(20_000, 20_600)]]);
    }

    proptest! {
        #[test]
        fn no_character_is_lost_and_all_lie_in_their_piece(a in -500i64..5000, b in -500i64..5000, c in -500i64..5000, d in -500i64..5000) {
            let decoded = Decoded { texts: vec![text(a, b, "甲乙丙丁"), text(c, d, "戊己，庚")], mean_logprob: 0.0, cut_off: false };
            let out = to_utterances(&window(), &decoded);
            prop_assert_eq!(out.iter().map(|u| u.chars.len()).sum::<usize>(), 8);
            for u in &out {
                for c in &u.chars {
                    prop_assert!(c.span.start_ms >= u.span.start_ms && c.span.end_ms <= u.span.end_ms);
                }
                prop_assert!(u.chars.windows(2).all(|w| w[0].span.start_ms <= w[1].span.start_ms));
            }
        }
    }
}
