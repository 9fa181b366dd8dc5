//! The conversation: turns with their evidence marked and numbers masked.

use std::ops::Range;

use callsift_text::mask_range;
use maud::{Markup, html};

use crate::auth::Person;
use crate::catalog::{FindingRow, TurnRow, severity_rank};
use crate::lang::{Lang, speaker};
use crate::pages::call::{Shown, correct};
use crate::pages::clock;

pub(super) fn turn(l: Lang, person: &Person, shown: &Shown, turn: &TurnRow) -> Markup {
    let text = visible(person, turn);
    let doubtful = !turn.marks.is_empty();
    html! {
        article.turn.(turn.role) .doubtful[doubtful] #{ "t" (turn.turn) } data-start=(turn.span.start_ms) data-end=(turn.span.end_ms) {
            button.time type="button" data-seek=(turn.span.start_ms) { (clock(turn.span.start_ms)) }
            span.speaker { (speaker(l, &turn.role)) }
            p { @for (piece, rule) in pieces(&text, &evidence(shown, turn)) {
                @match rule { Some(f) => mark title=(f.title) data-rank=(severity_rank(&f.severity)) { (piece) }, None => (piece) }
            } }
            @if doubtful { small { (doubts(l, &turn.marks)) } }
            (correct::below(person, shown, turn))
        }
    }
}

/// The characters of a turn that this person may read.
pub(super) fn visible(person: &Person, turn: &TurnRow) -> Vec<char> {
    let mut text = turn.text.clone();
    if !person.sees_numbers() {
        for range in &turn.numbers {
            mask_range(&mut text, range.clone());
        }
    }
    text
}

/// The same as text.
pub(crate) fn said(person: &Person, turn: &TurnRow) -> String {
    visible(person, turn).into_iter().collect()
}

fn doubts(l: Lang, marks: &str) -> String {
    let name = |m: &str| match m {
        "hallucination" => l.t("疑似幻听", "may be a hallucination").to_owned(),
        "loop" => l.t("重复识别", "loop").to_owned(),
        "low_confidence" => l.t("听不清", "heard badly").to_owned(),
        "too_fast" => l.t("语速异常", "too fast to be true").to_owned(),
        "uncovered" => l.t("有语音未识别", "speech left out").to_owned(),
        other => other.to_owned(),
    };
    marks.split(',').map(name).collect::<Vec<_>>().join(l.t("，", ", "))
}

/// Evidence in the turn: characters and the finding.
fn evidence<'a>(shown: &'a Shown, turn: &TurnRow) -> Vec<(Range<usize>, &'a FindingRow)> {
    let hits = shown.findings.iter().filter(|f| f.verdict == "hit" && f.turn == Some(turn.turn));
    let mut out: Vec<_> = hits.filter_map(|f| Some((f.chars.clone()?, f))).collect();
    out.sort_by_key(|(r, _)| (r.start, r.end));
    out
}

/// Text cut where evidence begins and ends; overlapping evidence is cut off at its forerunner's end.
fn pieces<T: Copy>(text: &[char], evidence: &[(Range<usize>, T)]) -> Vec<(String, Option<T>)> {
    let (mut out, mut at) = (Vec::new(), 0);
    let slice = |r: Range<usize>| text.get(r).map_or_else(String::new, |c| c.iter().collect());
    for (range, what) in evidence {
        let (start, end) = (range.start.clamp(at, text.len()), range.end.clamp(at, text.len()));
        if start > at {
            out.push((slice(at..start), None));
        }
        if end > start {
            out.push((slice(start..end), Some(*what)));
        }
        at = end.max(start);
    }
    if at < text.len() {
        out.push((slice(at..text.len()), None));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn text_is_cut_and_nothing_is_lost() {
        let text: Vec<char> = "您好这里是订货中心".chars().collect();
        let cut = pieces(&text, &[(0..2, "a"), (1..4, "b"), (7..99, "c")]);
        let joined: String = cut.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(joined, "您好这里是订货中心");
        assert_eq!(cut[0], ("您好".into(), Some("a")));
        assert_eq!(cut[1], ("这里".into(), Some("b")));
        assert_eq!(cut.last().unwrap(), &("中心".into(), Some("c")));
    }
}
