//! A finding as a card: what, where, how sure, and what the person says of it.

use callsift_reviews::{Appeal, Cause, VerdictRow};
use maud::{Markup, html};

use crate::app::App;
use crate::auth::Person;
use crate::catalog::{FindingRow, TurnRow, severity_rank};
use crate::lang::{self, Lang, cause, judgement, match_kind, severity, speaker};
use crate::pages::call::{Shown, appeal, talk};
use crate::pages::layout::csrf;
use crate::pages::parts::{fragment, title, visible};
use crate::pages::{clock, points};

/// A rule's hit: one place to judge, and where else the rule hit. It is judged as a whole.
pub(super) fn finding(app: &App, person: &Person, shown: &Shown, f: &FindingRow, others: &[&FindingRow]) -> Markup {
    let l = person.lang;
    let said = shown.verdict_of(&f.rule_id, &f.place);
    let off: f64 = shown.points_off(f, others);
    html! {
        article.finding tabindex="0" data-rule=(f.rule_id) data-place=(f.place) data-seek=[f.span.map(|s| s.start_ms)]
            data-rank=(severity_rank(&f.severity)) data-end=[f.span.map(|s| s.end_ms)] data-verdict=[said.map(|v| v.verdict.as_str())] {
            header {
                @if let Some(span) = f.span { button.time type="button" data-seek=(span.start_ms) { (clock(span.start_ms)) } }
                b { (f.title) }
                span.sev data-rank=(severity_rank(&f.severity)) { (severity(l, &f.severity)) }
                @if off > 0.0 { span.points { "−" (points(off)) } }
            }
            (quotes(person, shown, f))
            (why(app, person, shown, f))
            (proof(person, shown, f))
            (how(l, f))
            (elsewhere(person, shown, others))
            (verdict(app, person, shown, &f.rule_id, &f.place, said))
        }
    }
}

/// What a verdict on a place rests on: the place and the rule's others, or the words of a stretch that a person marked.
pub(crate) fn evidence(app: &App, person: &Person, shown: &Shown, a: &Appeal) -> Markup {
    let of_rule = shown.findings.iter().filter(|f| f.rule_id == a.rule_id && f.verdict == "hit");
    let (own, others): (Vec<&FindingRow>, Vec<&FindingRow>) = of_rule.partition(|f| f.place == a.place);
    let span = shown.span_of(&a.rule_id, &a.place);
    html! {
        @match own.first() {
            Some(f) => { (quotes(person, shown, f)) (why(app, person, shown, f)) (proof(person, shown, f)) (elsewhere(person, shown, &others)) },
            None => @if let Some(span) = span { (stretch(person, shown, span)) },
        }
    }
}

/// What was said in a stretch.
fn stretch(person: &Person, shown: &Shown, (from, to): (i64, i64)) -> Markup {
    let l = person.lang;
    let spoken: Vec<&TurnRow> = shown.turns.iter().filter(|t| t.span.start_ms < to && t.span.end_ms > from).collect();
    html! { @if !spoken.is_empty() { blockquote { @for t in spoken { p {
    button.time type="button" data-seek=(t.span.start_ms) { (clock(t.span.start_ms)) } " " (speaker(l, &t.role)) (l.t("：", ": "))
    (talk::visible(person, t).iter().collect::<String>()) } } } } }
}

/// The words that prove it, between those of the other side; what was measured, as it stands.
fn quotes(person: &Person, shown: &Shown, f: &FindingRow) -> Markup {
    let spoken = exchange(person, shown, f);
    html! {
        @if !spoken.is_empty() { blockquote { @for line in &spoken { p.soft[!line.evidence] {
            button.time type="button" data-seek=(line.start_ms) { (clock(line.start_ms)) } " " (speaker(person.lang, line.role)) (person.lang.t("：", ": "))
            (line.before) @if line.evidence { mark { (line.words) } } @else { (line.words) } (line.after)
        } } } } @else if let Some(quote) = quote(person, shown, f) { blockquote { (quote) } }
    }
}

/// A turn of an exchange, cut around its evidence.
struct Line<'a> {
    role: &'a str,
    start_ms: i64,
    evidence: bool,
    before: String,
    words: String,
    after: String,
}

/// The other side's words belong to an exchange when they lie no farther from it.
const NEAR_MS: i64 = 20_000;

/// The turn with the evidence and the nearest one of the other side, the earlier where both sides speak around it: what somebody
/// said cannot be judged without what it answered. Nothing where the evidence is no words.
fn exchange<'a>(person: &Person, shown: &'a Shown, f: &FindingRow) -> Vec<Line<'a>> {
    let turn = shown.turns.iter().find(|t| Some(t.turn) == f.turn);
    let (Some(turn), Some(chars)) = (turn, f.chars.clone().filter(|c| !c.is_empty())) else { return Vec::new() };
    let text = talk::visible(person, turn);
    let piece = |r: std::ops::Range<usize>| text.get(r).map_or_else(String::new, |c| c.iter().collect());
    let end = chars.end.min(text.len());
    let start = chars.start.min(end);
    let (before, words, after) = (piece(0..start), piece(start..end), piece(end..text.len()));
    let own = Line { role: &turn.role, start_ms: turn.span.start_ms, evidence: true, before, words, after };
    let other = |t: &&TurnRow| t.role != turn.role && t.role != "unknown" && !t.text.is_empty();
    let earlier = shown.turns.iter().rev().filter(|t| t.turn < turn.turn).find(other);
    let earlier = earlier.filter(|t| turn.span.start_ms - t.span.end_ms <= NEAR_MS);
    let later = shown.turns.iter().filter(|t| t.turn > turn.turn).find(other);
    let later = later.filter(|t| t.span.start_ms - turn.span.end_ms <= NEAR_MS);
    let line = |t: &'a TurnRow| Line {
        role: &t.role,
        start_ms: t.span.start_ms,
        evidence: false,
        before: String::new(),
        words: talk::visible(person, t).iter().collect(),
        after: String::new(),
    };
    match (earlier, later) {
        (Some(t), _) => vec![line(t), own],
        (None, Some(t)) => vec![own, line(t)],
        (None, None) => vec![own],
    }
}

/// The other places of a rule: folded for staff where there are many; agents read them all.
fn elsewhere(person: &Person, shown: &Shown, others: &[&FindingRow]) -> Markup {
    const UNFOLDED: usize = 2;
    let l = person.lang;
    if others.is_empty() {
        return html! {};
    }
    html! {
        details open[others.len() <= UNFOLDED || !person.is_staff()] {
            summary { (l.t("共 ", "")) (others.len() + 1) (l.t(" 处，整项判定", " places, judged as one item")) }
            @if person.is_staff() {
                ul.rest { @for f in others { li {
                    @if let Some(span) = f.span { button.time type="button" data-seek=(span.start_ms) { (clock(span.start_ms)) } " " }
                    (quote(person, shown, f).unwrap_or_else(|| reason(person, shown, f)))
                } } }
            } @else { div.rest { @for f in others { (quotes(person, shown, f)) } } }
        }
    }
}

/// A quote of fewer characters does not explain itself.
const SHORT: usize = 4;

/// Reasons of rules that join several conditions; they say nothing of the call.
const JOINTS: [&str; 2] = ["满足其一即可", "须全部满足"];

/// Why it was found. Where enough words are quoted the reason only repeats them; what was measured, or is only a word or
/// two, would be an empty accusation without it.
fn why(app: &App, person: &Person, shown: &Shown, f: &FindingRow) -> Markup {
    let words = f.chars.as_ref().map_or(0, ExactSizeIterator::len);
    // Of what was measured the quote is the measure.
    let measured = words == 0 && f.text.as_ref().is_some_and(|measure| f.reason.contains(measure));
    // The proof of an absence says it better.
    if words >= SHORT || measured || f.searched.is_some() {
        return html! {};
    }
    let whole_call = f.turn.is_none() && f.searched.is_none();
    html! { p.reason {
        @if !JOINTS.contains(&f.reason.as_str()) { (reason(person, shown, f)) " " }
        @if whole_call { (whole(app, person, shown, f)) }
    } }
}

/// What is known of a finding about the call as a whole: its length, and what the rule allows, in the rule's own words.
fn whole(app: &App, person: &Person, shown: &Shown, f: &FindingRow) -> Markup {
    let l = person.lang;
    let seconds = points(shown.call.duration_ms as f64 / 1000.0);
    html! {
        (l.t("本通时长 ", "This call: ")) (seconds) (l.t(" 秒。", " s. "))
        @if let Ok(rule) = app.rules.get(&f.rule_id) { (rule.why.trim()) }
    }
}

/// The evidence, as this person may read it: what was said, or what was measured there.
fn quote(person: &Person, shown: &Shown, f: &FindingRow) -> Option<String> {
    let turn = shown.turns.iter().find(|t| Some(t.turn) == f.turn)?;
    let text = talk::visible(person, turn);
    let quoted: String = text.get(f.chars.clone()?)?.iter().collect();
    if quoted.is_empty() {
        let measured = f.text.as_deref().map(|text| lang::evidence(person.lang, text));
        let measure = measured.map(|text| visible(person, text.trim_matches(['（', '）', '(', ')'])));
        return measure.filter(|text| !text.is_empty());
    }
    Some(format!("{}{}{quoted}", speaker(person.lang, &turn.role), person.lang.t("：", ": ")))
}

/// The machine's reason, as this person may read it: words of the call that it quotes are masked as their turns are.
pub(super) fn reason(person: &Person, shown: &Shown, f: &FindingRow) -> String {
    let mut text = f.reason.clone();
    if let Some((near, _, _, ms)) = f.near.as_ref().filter(|n| !n.0.is_empty()) {
        text = text.replace(near.as_str(), &said_at(person, shown, *ms, near));
    }
    let turn = shown.turns.iter().find(|t| Some(t.turn) == f.turn);
    if let (Some(turn), Some(quoted)) = (turn, f.text.as_deref().filter(|t| !t.is_empty())) {
        text = text.replace(quoted, &fragment(person, &turn.text.iter().collect::<String>(), quoted));
    }
    lang::engine(person.lang, &visible(person, &text))
}

/// Words that were said at this moment, masked as in the turns around it.
fn said_at(person: &Person, shown: &Shown, ms: i64, words: &str) -> String {
    let turns = shown.turns.iter().filter(|t| t.span.start_ms <= ms && ms <= t.span.end_ms);
    let read = turns.map(|t| fragment(person, &t.text.iter().collect::<String>(), words));
    read.into_iter().find(|shown| shown != words).unwrap_or_else(|| visible(person, words))
}

/// The proof of an absence: what was searched, how well it was heard, and what came closest.
fn proof(person: &Person, shown: &Shown, f: &FindingRow) -> Markup {
    let l = person.lang;
    let Some((turns, speech_ms, confidence)) = f.searched else { return html! {} };
    html! {
        dl.proof {
            @if let Some(span) = f.span { dt { (l.t("查找范围", "searched")) } dd { button.time type="button" data-seek=(span.start_ms) { (clock(span.start_ms)) } "–" (clock(span.end_ms)) } }
            dt { (l.t("其中语音", "speech in it")) } dd { (points(speech_ms as f64 / 1000.0)) " s · " (turns) (l.t(" 句", " turns")) }
            dt { (l.t("识别置信度", "ASR confidence")) } dd { (format!("{:.0} %", confidence * 100.0)) }
            dt { (l.t("最接近的话", "closest")) } dd {
                @match &f.near {
                    Some((text, phrase, score, ms)) => {
                        button.time type="button" data-seek=(ms) { (clock(*ms)) } " “" (said_at(person, shown, *ms, text)) "” ≈ “" (phrase) "” " (format!("{score:.2}"))
                    }
                    None => (l.t("没有", "none")),
                }
            }
        }
    }
}

fn how(l: Lang, f: &FindingRow) -> Markup {
    // That the words are the rule's own, or that a thing is missing or measured, can be seen.
    let Some(kind @ ("sound" | "similar" | "model")) = f.match_kind.as_deref() else { return html! {} };
    html! { p.how { (match_kind(l, kind)) } }
}

fn verdict(app: &App, person: &Person, shown: &Shown, rule: &str, place: &str, said: Option<&VerdictRow>) -> Markup {
    let l = person.lang;
    let draft = format!("verdict {} {rule} {place}", person.handle(&shown.call.call_id));
    html! {
        p.said { @if let Some(v) = said { (words(person, v)) } }
        @if let Some(v) = said { (appeal::of(app, person, shown, v)) }
        @if person.reviews() {
            form.verdict action=(format!("{}/verdict", person.call_url(&shown.call.call_id))) method="post" data-draft-of=(draft) {
                (csrf(person))
                input type="hidden" name="rule" value=(rule);
                input type="hidden" name="place" value=(place);
                input type="hidden" name="before" value=[said.map(|v| v.id)];
                // Enter in the remark presses the first button: this one, which does nothing.
                button type="submit" disabled hidden {}
                button name="verdict" value="confirmed" type="submit" { (l.t("属实", "confirm")) kbd { "y" } }
                button name="verdict" value="rejected" type="submit" { (l.t("误报", "reject")) kbd { "n" } }
                button name="verdict" value="unsure" type="submit" { (l.t("存疑", "unsure")) kbd { "u" } }
                (causes(l, said))
                input name="note" placeholder=(l.t("说明（可不填）", "remark")) aria-label=(l.t("说明", "remark")) maxlength="500";
            }
        }
    }
}

/// A verdict: what, why, who, remark.
fn words(person: &Person, v: &VerdictRow) -> Markup {
    let l = person.lang;
    html! {
        b { (judgement(l, v.verdict.as_str())) } @if v.cause.is_some() { (l.t("（", " (")) (cause(l, v.cause)) (l.t("）", ")")) }
        " · " (v.by) @if !v.note.is_empty() { (l.t("：", ": ")) (visible(person, &v.note)) }
    }
}

/// Why it is rejected or doubted; the key is the number. The browser must not fill in what was chosen before a reload.
fn causes(l: Lang, said: Option<&VerdictRow>) -> Markup {
    let chosen = said.and_then(|v| v.cause);
    html! {
        select name="cause" autocomplete="off" aria-label=(l.t("误报或存疑的原因", "why it is rejected or doubted")) {
            option value="" { (l.t("原因 1–5（可不填）", "why, 1–5 (optional)")) }
            @for (i, c) in Cause::ALL.into_iter().enumerate() {
                option value=(c.as_str()) data-word=(cause(l, Some(c))) selected[chosen == Some(c)] { (i + 1) " " (cause(l, Some(c))) }
            }
        }
    }
}

/// A violation that a person marked.
pub(super) fn missed(app: &App, person: &Person, shown: &Shown, v: &VerdictRow) -> Markup {
    let l = person.lang;
    html! {
        article.finding.by-hand tabindex="0" data-rule=(v.rule_id) data-place=(v.place) data-seek=[v.span_ms.map(|s| s.0)] data-end=[v.span_ms.map(|s| s.1)] data-verdict=(v.verdict.as_str()) {
            header {
                @if let Some((start, _)) = v.span_ms { button.time type="button" data-seek=(start) { (clock(start)) } }
                b { (title(app, &v.rule_id)) } span.sev { (l.t("人工补记", "marked by hand")) }
            }
            @if let Some(span) = v.span_ms { (stretch(person, shown, span)) }
            (verdict_of_missed(app, person, shown, v))
        }
    }
}

fn verdict_of_missed(app: &App, person: &Person, shown: &Shown, v: &VerdictRow) -> Markup {
    let l = person.lang;
    html! {
        @if person.reviews() && v.source == "missed" {
            p.said { (words(person, v)) }
            (appeal::of(app, person, shown, v))
            form.verdict action=(format!("{}/verdict", person.call_url(&shown.call.call_id))) method="post" {
                (csrf(person))
                input type="hidden" name="rule" value=(v.rule_id);
                input type="hidden" name="place" value=(v.place);
                input type="hidden" name="before" value=(v.id);
                button name="verdict" value="withdrawn" type="submit" { (l.t("撤回", "withdraw")) }
            }
        } @else { (verdict(app, person, shown, &v.rule_id, &v.place, Some(v))) }
    }
}

pub(super) fn add_missed(person: &Person, shown: &Shown, app: &App) -> Markup {
    let (l, length) = (person.lang, shown.call.duration_ms);
    // Whole tenths, as the fields have them.
    let last = (length > 0).then(|| format!("{:.1}", (length as f64 / 100.0).ceil() / 10.0));
    html! {
        details.add #missed { summary { (l.t("补记漏检", "mark a missed violation")) kbd { "m" } }
            form.stack action=(format!("{}/missed", person.call_url(&shown.call.call_id))) method="post" data-draft-of=(format!("missed {}", person.handle(&shown.call.call_id))) {
                (csrf(person))
                // Nothing is chosen beforehand: a slip must accuse nobody. Scripts lay a box to type in over the list.
                div.combo data-none=(l.t("没有这样的项目", "no such rule")) {
                    label { (l.t("项目", "rule")) select name="rule" required autocomplete="off" {
                        option value="" { (l.t("请选择", "choose")) }
                        @for rule in app.rules.rules() { option value=(rule.id.value) data-keys=(keys(&rule.title, &rule.id.value)) { (rule.title) } } } }
                }
                div.pair {
                    label { (l.t("从（秒）", "from (s)")) input name="from_s" type="number" step="0.1" min="0" max=[last.as_deref()] value="0" required; }
                    label { (l.t("到（秒）", "to (s)")) input name="to_s" type="number" step="0.1" min="0" max=[last.as_deref()] value="1" required; }
                }
                label { (l.t("说明", "remark")) input name="note" maxlength="500"; }
                button type="submit" { (l.t("记录", "record")) }
            }
        }
    }
}

/// What finds a rule by typing: its initials and sounds in pinyin, and its id.
fn keys(title: &str, id: &str) -> String {
    let tones: &[_] = &['0', '1', '2', '3', '4', '5'];
    let sounds: Vec<String> =
        callsift_text::syllables(title).iter().map(|s| s.trim_end_matches(tones).to_owned()).collect();
    let initials: String = sounds.iter().filter_map(|s| s.chars().next()).collect();
    format!("{initials} {} {id}", sounds.concat())
}
