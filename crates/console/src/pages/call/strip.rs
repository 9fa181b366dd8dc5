//! The call at a glance: who speaks when, where nobody does, and how friendly the words are.

use maud::{Markup, html};

use crate::catalog::TurnRow;
use crate::lang::{Lang, speaker};
use crate::pages::call::Shown;
use crate::pages::clock;

/// Nobody speaks for so long: a silence that the strip shows.
const SILENCE_MS: i64 = 5_000;
/// Height of the strip, and of one of its rows.
const HEIGHT: i64 = 58;
const ROW: i64 = 14;
/// Middle line of the moods, and how far they reach from it.
const MOOD: i64 = 44;
const REACH: f64 = 13.0;

/// Who speaks on which channel: the role that most of its speech has; nothing for recordings of one channel.
pub(super) fn lanes(shown: &Shown) -> Vec<&str> {
    if shown.call.layout.as_deref() != Some("stereo") {
        return Vec::new();
    }
    let spoken = |channel: i64, role: &str| -> i64 {
        let of = |t: &&TurnRow| t.channel == channel && t.role == role;
        shown.turns.iter().filter(of).map(|t| t.span.len_ms()).sum()
    };
    let role =
        |channel| ["agent", "customer"].into_iter().max_by_key(|role| spoken(channel, role)).unwrap_or("unknown");
    let (first, second) = (role(0), role(1));
    // Where both sound like one, nothing is known of either.
    if first == second { vec!["unknown", "unknown"] } else { vec![first, second] }
}

/// Stretches without speech of either side, from the first word to the end of the call.
fn silences(turns: &[TurnRow], duration_ms: i64) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = turns.iter().map(|t| (t.span.start_ms, t.span.end_ms)).collect();
    spans.sort_unstable();
    let (mut out, mut at) = (Vec::new(), 0);
    for (start, end) in spans.into_iter().chain([(duration_ms, duration_ms)]) {
        if start - at >= SILENCE_MS {
            out.push((at, start));
        }
        at = at.max(end);
    }
    out
}

pub(super) fn strip(l: Lang, shown: &Shown) -> Markup {
    let length = shown.call.duration_ms.max(1);
    if shown.turns.is_empty() {
        return html! {};
    }
    let silences = silences(&shown.turns, shown.call.duration_ms);
    let moods: Vec<(&TurnRow, f64)> = shown.turns.iter().filter_map(|t| Some((t, t.mood?))).collect();
    let height = if moods.is_empty() { 2 * ROW } else { HEIGHT };
    html! {
        svg.strip viewBox=(format!("0 0 {length} {height}")) preserveAspectRatio="none" role="img"
            aria-label=(words(l, &silences, length)) data-tall[!moods.is_empty()] {
            @for (from, to) in &silences {
                rect.silence x=(from) y="0" width=(to - from) height=(2 * ROW) data-seek=(from) {
                    title { (l.t("静音 ", "silence ")) ((to - from) / 1000) (l.t(" 秒", " s")) " @" (clock(*from)) } }
            }
            @for t in &shown.turns {
                rect.(t.role) x=(t.span.start_ms) y=(if t.role == "customer" { ROW + 1 } else { 1 }) height=(ROW - 2)
                    width=(t.span.len_ms().max(length / 600)) data-seek=(t.span.start_ms) {
                    title { (speaker(l, &t.role)) " " (clock(t.span.start_ms)) } }
            }
            @if !moods.is_empty() { line.middle x1="0" x2=(length) y1=(MOOD) y2=(MOOD) {} }
            @for (t, mood) in &moods {
                @let reach = mood.abs().min(1.0) * REACH;
                rect.(if *mood < 0.0 { "bad" } else { "fine" }) x=(t.span.start_ms) width=(t.span.len_ms().max(length / 600))
                    y=(format!("{:.1}", if *mood < 0.0 { MOOD as f64 } else { MOOD as f64 - reach })) height=(format!("{:.1}", reach.max(0.6)))
                    data-seek=(t.span.start_ms) { title { (speaker(l, &t.role)) " " (format!("{mood:+.1}")) " @" (clock(t.span.start_ms)) } }
            }
        }
    }
}

/// The legend below the pictures.
pub(super) fn legend(l: Lang, shown: &Shown) -> Markup {
    let moods = shown.turns.iter().any(|t| t.mood.is_some());
    html! {
        p.legend {
            span.key-agent { "■ " (l.t("坐席", "Agent")) } " " span.key-customer { "■ " (l.t("客户", "Customer")) } " "
            span.key-silence { "■ " (l.t("静音 5 秒以上", "Silence over 5 s")) } " "
            span.key-people { "■ " (l.t("质检结果", "Findings")) } " " span.key-missed { "■ " (l.t("人工补记", "Marked by hand")) }
            @if moods { " " span { (l.t("下方：情绪，上为正面、下为负面", "Below: sentiment, up is positive")) } }
        }
    }
}

/// What the picture says, for those who do not see it.
fn words(l: Lang, silences: &[(i64, i64)], length: i64) -> String {
    let silent: i64 = silences.iter().map(|(a, b)| b - a).sum();
    let share = 100 * silent / length.max(1);
    match l {
        Lang::Zh => format!("说话与静音：{} 段静音，共 {} 秒，占 {share}%", silences.len(), silent / 1000),
        Lang::En => format!("Talk and silence: {} silences, {} s in all, {share} %", silences.len(), silent / 1000),
    }
}

#[cfg(test)]
mod tests {
    use callsift_core::TimeSpan;

    use super::silences;
    use crate::catalog::TurnRow;

    fn turn(start: i64, end: i64) -> TurnRow {
        TurnRow {
            turn: 0,
            role: "agent".into(),
            span: TimeSpan::new(start, end),
            text: Vec::new(),
            confidence: 1.0,
            marks: String::new(),
            channel: 0,
            mood: None,
            numbers: Vec::new(),
        }
    }

    #[test]
    fn silence_is_where_neither_side_speaks() {
        // The second turn lies inside the first.
        let turns = [turn(0, 20_000), turn(1_000, 2_000), turn(26_000, 30_000)];
        assert_eq!(silences(&turns, 34_000), [(20_000, 26_000)]);
        assert_eq!(silences(&turns, 35_000), [(20_000, 26_000), (30_000, 35_000)]);
        assert_eq!(silences(&[], 3_000), []);
    }
}
