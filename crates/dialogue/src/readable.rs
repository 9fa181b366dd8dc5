//! Text for people: marks where the recogniser gave none.
//!
//! Only what is shown changes. Turns, tables and what rules read stay as recognised, so no mark that was put in can
//! accuse anybody, and evidence keeps its places.

use callsift_core::Turn;
use callsift_text::punctuate;

/// A call with fewer marks than one in so many spoken characters has none that help a reader.
const SPARSE: usize = 40;

/// True where the turns of a call hold hardly any punctuation.
pub fn lacks_punctuation(turns: &[Turn]) -> bool {
    let marks = turns.iter().flat_map(|t| &t.chars).filter(|c| "，。？！,?!".contains(c.ch)).count();
    let spoken: usize = turns.iter().map(Turn::spoken_chars).sum();
    marks * SPARSE < spoken
}

/// A turn's text with ，。？ put in by its words and the pauses between its characters; every character stays.
pub fn readable(turn: &Turn) -> String {
    let chars: Vec<char> = turn.chars.iter().map(|c| c.ch).collect();
    let pauses: Vec<i64> = turn.chars.windows(2).map(|w| w[1].span.start_ms - w[0].span.end_ms).collect();
    let mut marks = punctuate(&chars, &pauses, true).into_iter().peekable();
    let mut text = String::with_capacity(chars.len() * 3);
    for (i, c) in chars.into_iter().enumerate() {
        text.push(c);
        text.extend(marks.next_if(|(at, _)| *at == i).map(|(_, mark)| mark));
    }
    text
}

#[cfg(test)]
mod tests {
    use callsift_core::{SpeakerRole, TimeSpan, Turn};

    use super::{lacks_punctuation, readable};

    fn turn(text: &str) -> Turn {
        Turn::from_text(0, SpeakerRole::Agent, TimeSpan::new(0, 3000), text, 0.9)
    }

    #[test]
    fn bare_text_is_punctuated_and_nothing_else_changes() {
        let bare = turn("您好工号三零二一为您服务");
        assert_eq!(readable(&bare), "您好，工号三零二一为您服务。");
        assert_eq!(bare.text(), "您好工号三零二一为您服务");
        assert_eq!(readable(&turn("")), "");
    }

    #[test]
    fn a_silence_between_characters_is_a_mark() {
        let mut paused = turn("红塔山五条云烟两条");
        for c in &mut paused.chars[5..] {
            c.span = TimeSpan::new(c.span.start_ms + 900, c.span.end_ms + 900);
        }
        assert!(readable(&paused).starts_with("红塔山五条，"), "{}", readable(&paused));
    }

    #[test]
    fn a_call_with_its_own_marks_is_left_alone() {
        assert!(lacks_punctuation(&[turn("您好请问要几条"), turn("五条")]));
        assert!(!lacks_punctuation(&[turn("您好，请问要几条？"), turn("五条")]));
        assert!(!lacks_punctuation(&[]));
    }
}
