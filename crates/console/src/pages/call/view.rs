//! How the page of a call looks.

use callsift_core::AudioMark;
use callsift_reviews::Role;
use maud::{Markup, html};

use crate::app::{App, now_us};
use crate::auth::Person;
use crate::catalog::severity_rank;
use crate::lang::{Lang, speaker, verdict};
use crate::pages::call::{Shown, card, form, second, strip, talk};
use crate::pages::chip::chip;
use crate::pages::layout::{self, csrf};
use crate::pages::notice::Notice;
use crate::pages::parts::{call_name, copied, failure, file_name, percent, visible};
use crate::pages::{clock, drafts, from_to, library, points, raised, url, when};
use crate::sound::Own;

/// `sound` says whether the recording is there, and the call's own.
pub(super) fn page(app: &App, person: &Person, shown: &Shown, sound: &Own, notice: Option<&Notice>) -> Markup {
    let (l, c) = (person.lang, &shown.call);
    let time = c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t));
    let title = format!("{} {time}", c.agent_name);
    layout::page(
        person,
        &title,
        match person.role() {
            Role::Agent => "/mine",
            Role::TeamLead => "/team",
            _ => "/queue",
        },
        &html! {
            main.call data-call=(person.call_url(&c.call_id)) data-id=(person.handle(&c.call_id)) data-duration=(c.duration_ms) data-person=(person.user().id)
                data-csrf=(person.session.csrf) {
                @if let Some(notice) = notice { (notice.show(person)) }
                div.bar {
                    h1 { (title) " " small { (call_name(person, &c.call_id)) (copied(l, &call_name(person, &c.call_id))) } }
                    p.facts { (facts(app, l, person, shown)) }
                    @if !c.audio_marks.is_empty() { p.facts { (l.t("录音：", "Recording: ")) (c.audio_marks.iter().map(|m| mark(l, *m)).collect::<Vec<_>>().join(l.t("；", "; "))) } }
                    (head(app, person, shown))
                }
                @if let Some(why) = &c.fail_reason { p.problem { (failure(person, why))
                    @if person.is_staff() { (l.t("。这通不能复核；修好录音后用 callsift run 重跑即可。", ". It cannot be reviewed; mend the recording and run callsift again.")) } } }
                @if matches!(sound, Own::Same(_) | Own::Unchecked(_)) { (player(person, shown)) }
                (unheard(app, person, shown, sound))
                div.columns {
                    section.talk aria-label=(l.t("对话", "conversation")) {
                        @if shown.turns.is_empty() { p.empty { (if c.is_failed() { l.t("录音无法解码，没有对话。", "The recording could not be decoded: there is no conversation.") } else { l.t("没有人说话。", "Nobody spoke.") }) } }
                        @for turn in &shown.turns { (talk::turn(l, person, shown, turn)) }
                    }
                    section.judge aria-label=(l.t("质检", "inspection")) {
                        (findings(app, person, shown))
                        @if person.reviews() && !c.is_failed() { (form::editor(app, person, shown)) } @else { (form::reader(app, person, shown)) }
                        (second::review(app, person, shown))
                    }
                }
                @if person.reviews() { (keys(l)) }
                (drafts::embedded(&shown.drafts))
            }
            @if person.is_staff() || app.options.recordings.is_some() { script src="/static/call.js" defer {} }
        },
    )
}

fn facts(app: &App, l: Lang, person: &Person, shown: &Shown) -> Markup {
    let c = &shown.call;
    let direction = match c.direction.as_str() {
        "inbound" => l.t("呼入", "inbound"),
        "outbound" => l.t("呼出", "outbound"),
        _ => "",
    };
    let layout = match c.layout.as_deref() {
        Some("mono") => l.t("单声道", "mono"),
        Some("fake_stereo") => l.t("假双声道", "same signal twice"),
        _ => "",
    };
    let parts = [
        c.unit.clone(),
        c.queue.clone(),
        direction.to_owned(),
        c.started_us.map_or_else(String::new, |at| from_to(app, at, at + c.duration_ms * 1000)),
        clock(c.duration_ms),
        layout.to_owned(),
    ];
    let agent = c.agent_id.clone();
    html! {
        @if person.is_staff() && !agent.is_empty() { a href=(format!("/agents/{}", url(&agent))) { (agent) } } @else { (agent) }
        @for part in parts.into_iter().filter(|p| !p.is_empty()) { " · " (part) }
        @if let Some(customer) = &c.customer_id { " · " (l.t("客户 ", "customer ")) (visible(person, customer)) }
        @if let Some(order) = &c.order_text { " · " (l.t("订单 ", "order ")) (visible(person, order)) }
    }
}

/// What is or may be wrong with the sound, and what follows from it.
fn mark(l: Lang, mark: AudioMark) -> &'static str {
    match mark {
        AudioMark::Truncated => {
            l.t("中途断了，结尾没有录到，和结尾有关的项目不下结论", "breaks off; nothing is claimed of its end")
        }
        AudioMark::Unfinished => l.t(
            "没有写完，不知道结尾在不在，和结尾有关的项目不下结论",
            "was never finished; nothing is claimed of its end",
        ),
        AudioMark::Unheard => {
            l.t("有一部分没有听到，和结尾有关的项目不下结论", "a part was not heard; nothing is claimed of its end")
        }
        AudioMark::HeaderMismatch => {
            l.t("文件头写的长度不对，全部都听了", "the header names another length; all was heard")
        }
        AudioMark::Chained => l.t("文件里接着几段录音，全部都听了", "several recordings in the file; all were heard"),
        AudioMark::TrailingData => l.t("声音后面还有不是声音的内容", "bytes behind the sound that are none"),
        AudioMark::LeadingData => l.t("声音前面有别的内容，已跳过", "bytes before the sound, passed over"),
        AudioMark::GapFilled => l.t("中间有缺口，按静音算", "silence lies in gaps"),
        AudioMark::TimesGoBack => l.t("时间往回跳过，已首尾相接", "times go back; laid end to end"),
        AudioMark::Damaged => l.t("有损坏的地方，按静音算", "damaged; silence lies in its place"),
    }
}

/// What has become of the call, who is at it, and what the person may do about it.
pub(super) fn head(app: &App, person: &Person, shown: &Shown) -> Markup {
    let l = person.lang;
    if !person.reviews() {
        return html! { div.claim #head { (chip(person, shown.standing.as_ref())) } };
    }
    let mine = shown.claim.as_ref().is_some_and(|c| c.user_id == person.user().id);
    let minutes = |until_us: i64| ((until_us - now_us()) / 60_000_000).max(1);
    let action = |name: &str| format!("{}/{name}", person.call_url(&shown.call.call_id));
    html! {
        div.claim #head {
            (chip(person, shown.standing.as_ref()))
            @if shown.drawn { span.by { (if shown.to_hear_whole { l.t("抽样任务：全程听", "drawn: hear it whole") } else { l.t("抽样任务：只听片段", "drawn: flagged places only") }) } }
            @match &shown.claim {
                Some(_) if !mine => {},
                Some(c) => {
                    span { (l.t("由您复核，还剩 ", "yours, minutes left: ")) (minutes(c.until_us)) (l.t(" 分钟", "")) }
                    form action=(action("release")) method="post" { (csrf(person)) button.link type="submit" { (l.t("释放", "release")) } }
                }
                None if shown.call.is_failed() => {},
                None => form action=(action("claim")) method="post" { (csrf(person))
                    button type="submit" .link[shown.form.is_some()] data-key="c" { (if shown.form.is_some() { l.t("修改复核", "correct the review") } else { l.t("开始复核", "start") }) kbd { "c" } } },
            }
            form action="/queue/next" method="post" { (csrf(person))
                input type="hidden" name="from" value=(if shown.call.is_failed() { String::new() } else { person.handle(&shown.call.call_id) });
                button type="submit" data-key="g" { (l.t("下一通", "next call")) kbd { "g" } } }
            @if app.options.recordings.is_none() { span.problem { (l.t("未指定录音目录，无法播放", "no recordings folder; nothing can be heard")) } }
        }
    }
}

/// Why nothing can be heard, where nothing else says so yet, or why what is heard may not be the call.
fn unheard(app: &App, person: &Person, shown: &Shown, sound: &Own) -> Markup {
    let (l, c) = (person.lang, &shown.call);
    if app.options.recordings.is_none() || c.status == "failed" {
        return html! {};
    }
    let name =
        html! { @if !c.recording.is_empty() { (l.t("（", " (")) (file_name(person, &c.recording)) (l.t("）", ")")) } };
    match sound {
        Own::Same(_) => html! {},
        Own::Unchecked(_) => html! { p.note {
            (l.t("文字来自别的系统，没有录音的校验值：播放的是它所写的文件", "The transcript came from elsewhere without a hash of the recording: what plays is the file that it names"))
            (name) (l.t("。", "."))
        } },
        Own::Missing => html! { p.problem {
            (l.t("录音目录里找不到这通电话的录音", "The recording of this call is not in the recordings folder"))
            (name) @if person.is_staff() { (l.t("，无法播放；可以按文字复核。", ": it cannot be heard, only read.")) } @else { (l.t("，无法播放。", ": it cannot be heard.")) }
        } },
        Own::Other => html! { p.problem {
            (l.t("录音目录里同名的文件", "The file of this name")) (name)
            (l.t("不是质检时的那个录音（校验值不同），不能播放；可以按文字复核。", " is not the recording that was inspected (its hash differs): it is not played; the call can only be read."))
        } },
    }
}

fn player(person: &Person, shown: &Shown) -> Markup {
    let (l, c, address) = (person.lang, &shown.call, person.call_url(&shown.call.call_id));
    if c.status == "failed" {
        return html! {};
    }
    let length = c.duration_ms.max(1);
    html! {
        section.player aria-label=(l.t("播放", "player")) {
            div.wave {
                img src=(format!("{address}/waveform.svg")) alt=(l.t("波形", "waveform"));
                svg viewBox=(format!("0 0 {length} 100")) preserveAspectRatio="none" aria-hidden="true" {
                    @for f in shown.findings.iter().filter(|f| f.verdict == "hit" && f.turn.is_some()) {
                        @if let Some(span) = f.span { rect.hit data-rank=(severity_rank(&f.severity)) x=(span.start_ms) y="0" width=(span.len_ms().max(length / 300)) height="100" data-seek=(span.start_ms) {} }
                    }
                    @for v in shown.missed() {
                        @if let Some((a, b)) = v.span_ms { rect.missed x=(a) y="0" width=((b - a).max(length / 300)) height="100" data-seek=(a) {} }
                    }
                }
                @for (lane, role) in strip::lanes(shown).into_iter().enumerate() { span.lane data-lane=(lane) { (speaker(l, role)) } }
                div.cursor {}
            }
            (strip::strip(l, shown)) (strip::legend(l, shown))
            audio controls preload="none" src=(format!("{address}/audio")) {}
            div.controls {
                button type="button" data-do="back" { "−5 s" kbd { "←" } }
                button type="button" data-do="play" { (l.t("播放 / 暂停", "play / pause")) kbd { (l.t("空格", "space")) } }
                button type="button" data-do="forward" { "+5 s" kbd { "→" } }
                label { (l.t("倍速", "speed")) select data-do="speed" {
                    @for speed in ["0.75", "1", "1.25", "1.5", "2"] { option value=(speed) selected[speed == "1"] { (speed) "×" } } } }
                label { input type="checkbox" data-do="loop"; (l.t("循环本段", "loop this place")) kbd { "l" } }
                a href=(format!("{address}/clip?from=0&to={}", c.duration_ms)) data-do="clip" download { (l.t("导出片段", "export clip")) }
                span.heard data-share=(format!("{:.4}", shown.heard_share())) data-words=(l.t("已听 ", "heard ")) title=(l.t("真正播放过的部分，任何速度，重复只算一次", "what was really played, at any speed, each moment once")) {
                    (l.t("已听 ", "heard ")) (percent(shown.heard_share())) }
                output.now { "0:00 / " (clock(c.duration_ms)) }
            }
        }
    }
}

/// That there is no finding, and whose word that is.
fn nothing(person: &Person, shown: &Shown) -> Option<&'static str> {
    let l = person.lang;
    if !person.is_staff() {
        let none = shown.verdicts.is_empty();
        return none.then(|| l.t("没有经人工确认的问题。", "No violation was confirmed by a person."));
    }
    if shown.call.is_failed() {
        return Some(
            l.t("录音无法解码，系统没有判断。", "The recording could not be decoded; the machine judged nothing."),
        );
    }
    let found = shown.findings.iter().any(|f| f.verdict == "hit");
    (!found).then(|| l.t("系统没有发现问题。", "The machine found nothing."))
}

fn findings(app: &App, person: &Person, shown: &Shown) -> Markup {
    let l = person.lang;
    let of = |verdict: &'static str| shown.findings.iter().filter(move |f| f.verdict == verdict);
    let mut hits = shown.hits();
    // The gravest first, whatever its time; a key turns it round.
    hits.sort_by_key(|(f, _)| (-severity_rank(&f.severity), f.span.map(|s| s.start_ms)));
    html! {
        div.bar { h2 { (l.t("质检结果", "Findings")) " "
            // What the machine thinks is no business of the agent's before a person confirmed it.
            @if person.is_staff() { small { (l.t("系统评分 ", "System score ")) (shown.call.score.map_or_else(|| "–".to_owned(), points)) } } }
            @if person.reviews() && hits.len() > 1 { button.link type="button" data-do="order" data-time=(l.t("按时间排", "by time")) data-grave=(l.t("按严重程度排", "gravest first")) {
                span { (l.t("按时间排", "by time")) } kbd { "o" } } } }
        @if let Some(words) = nothing(person, shown) { p.empty { (words) } }
        div #findings aria-live="polite" {
            @for (f, others) in &hits { (card::finding(app, person, shown, f, others)) }
            @for v in shown.missed() { (card::missed(app, person, shown, v)) }
        }
        @if person.reviews() && !shown.call.is_failed() {
            (card::add_missed(person, shown, app))
            (raised::flagger(person, &shown.call.call_id, shown.call.duration_ms))
            (library::adder(person, &shown.call.call_id, shown.call.duration_ms))
        }
        @if person.is_staff() && !shown.call.is_failed() {
            @for name in ["cannot_tell", "clear", "not_applicable"] {
                @if of(name).next().is_some() {
                    details { summary { (verdict(l, name)) " " (of(name).count()) }
                        ul.rest { @for f in of(name) { li { b { (f.title) } " " (card::reason(person, shown, f)) } } }
                    }
                }
            }
        }
    }
}

fn keys(l: Lang) -> Markup {
    html! {
        dialog #keys {
            h2 { (l.t("键盘", "Keyboard")) }
            dl {
                @for (key, zh, en) in [
                    ("j / k", "下一项 / 上一项，并从前两秒播放", "next / previous finding, played from two seconds before"),
                    ("y", "属实，并跳到下一项未判的", "confirm and go to the next open finding"),
                    ("n / u", "误报 / 存疑", "reject / unsure"),
                    ("1 – 5", "误报、存疑的原因，并跳到下一项未判的", "why it is rejected or doubted, and on to the next open finding"),
                    ("m", "在当前位置补记漏检：输两个字或拼音首字母，回车", "mark a missed violation here: two letters, Enter"),
                    ("Ctrl + Enter", "提交记录表并打开下一通", "submit the form and open the next call"),
                    (l.t("空格", "space"), "播放或暂停", "play or pause"),
                    ("← / →", "后退 / 前进五秒", "back / forward five seconds"),
                    ("[ / ]", "减速 / 加速", "slower / faster"),
                    ("l", "循环本段", "loop this place"),
                    ("c / g", "开始复核 / 下一通（未提交的会保存）", "start / next call (what is not submitted is kept)"),
                    ("f", "跳到监控记录表", "go to the form"),
                    ("o", "按时间 / 按严重程度排列", "order by time / by severity"),
                    ("?", "显示本表", "this table"),
                ] { dt { kbd { (key) } } dd { (l.t(zh, en)) } }
            }
            form method="dialog" { button { (l.t("关闭", "close")) } }
        }
    }
}
