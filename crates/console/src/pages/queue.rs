//! The queue (复核队列): what to hear next, worst and unreviewed first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use callsift_core::Severity;
use callsift_reviews::{Db, Role};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::{Guarded, Person};
use crate::catalog::queue::{Filter, Gone, Listed, NONE, Order, PAGE, State as CallState, names, task};
use crate::catalog::standing::{Standing, standings};
use crate::catalog::text_query;
use crate::figures::evidence::Evidence;
use crate::lang::{Lang, severity};
use crate::page_error::PageError;
use crate::pages::chip::{chip, eyes};
use crate::pages::layout::{csrf, page};
use crate::pages::notice::Notice;
use crate::pages::pager::Pages;
use crate::pages::parts::{call_name, failure};
use crate::pages::{clock, evidence, pager, points, url, when};

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/queue", get(show)).route("/queue/next", post(next))
}

/// The filter of an address.
pub(super) fn filter(query: &BTreeMap<String, String>) -> Result<Filter, PageError> {
    let text = |name: &str| query.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
    let number = |name: &str| text(name).parse::<i64>().ok().filter(|n| *n >= 0);
    let evidence = match text("evidence").as_str() {
        "" => None,
        // Without it the list would be of other calls than the link says.
        asked => Some(
            Evidence::parse(asked)
                .ok_or_else(|| PageError::Bad("没有这样的通话集合 · there is no such set of calls".to_owned()))?,
        ),
    };
    let word = text("word");
    if !word.is_empty() && text_query(&word).is_none() {
        return Err(PageError::Bad("“通话内容包含”里没有字可查 · there is no word to look for".to_owned()));
    }
    Ok(Filter {
        from: day(text("from"))?,
        to: day(text("to"))?,
        agent: text("agent"),
        unit: text("unit"),
        queue: text("queue"),
        rule: text("rule"),
        confirmed: text("confirmed"),
        checked: text("checked"),
        claimed: text("claimed"),
        reviewer: text("reviewer"),
        word,
        min_s: number("min_s"),
        max_s: number("max_s"),
        state: CallState::parse(&text("state")),
        order: Order::parse(&text("order")),
        page: number("page").unwrap_or(0) as usize,
        evidence,
        ..Filter::default()
    })
}

/// A day of an address, or none. What is no day would leave an empty list that says nothing of why.
pub(super) fn day(text: String) -> Result<String, PageError> {
    if text.is_empty() || text.parse::<jiff::civil::Date>().is_ok() {
        return Ok(text);
    }
    Err(PageError::Bad("日期应写作 2026-11-16 · a date is written 2026-11-16".to_owned()))
}

/// What this person may ask: nobody learns from a list who heard a call twice, or which of the own tasks were duplicates.
fn allowed(person: &Person, mut filter: Filter) -> Result<Filter, PageError> {
    if !person.is_lead() {
        if filter.reviewer != person.user().name {
            filter.reviewer.clear();
        }
        if filter.claimed != person.user().name {
            filter.claimed.clear();
        }
        let name = person.user().name.as_str();
        if filter.evidence.as_ref().is_some_and(|e| e.tells_duplicates() && !e.is_own(name)) {
            return Err(PageError::NotFound);
        }
    }
    Ok(filter)
}

/// A page of calls, and what there is to choose from.
struct Found {
    filter: Filter,
    /// Calls behind the number that the lake holds no more.
    gone: Gone,
    /// The word is said too often to look at all of its turns.
    cut: bool,
    rows: Vec<Listed>,
    standings: HashMap<String, Standing>,
    notice: Option<Notice>,
    /// Calls on all pages, and judgements in them where the number behind which they stand counts those.
    count: i64,
    items: Option<i64>,
    pages: Pages,
    units: Vec<String>,
    queues: Vec<String>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let mut asked = allowed(&person, filter(&query)?)?;
    let (name, offset_s, shared) = (person.blind_name(), app.options.utc_offset_s, Arc::clone(&app));
    let (reader, noticed) = (person.clone(), query.clone());
    let found = app
        .run(move |db| {
            let conn = db.connection();
            let gone = asked.gather(conn, offset_s)?;
            let (count, items) = (shared.counts.of(&asked, conn, &name)?, asked.items_listed(conn, &name)?);
            let pages = Pages::of(asked.page, usize::try_from(count).unwrap_or(0), PAGE);
            asked.page = pages.page;
            // To find that nothing fits takes a look at every call, and the count took it.
            let rows = if count > 0 { asked.list(conn, &name)? } else { Vec::new() };
            let ids = rows.iter().map(|r| r.call.call_id.as_str());
            let standings = standings(conn, ids, now_us(), eyes(&reader, &name))?;
            let notice = Notice::read(db, &reader, &noticed)?;
            let cut = asked.cuts_word(conn)?;
            let (units, queues) = (names(conn, "unit")?, names(conn, "queue")?);
            Ok(Found { filter: asked, gone, cut, rows, standings, notice, count, items, pages, units, queues })
        })
        .await?;
    let l = person.lang;
    let rules: Vec<(&str, &str)> = app.rules.rules().iter().map(|r| (r.id.value.as_str(), r.title.as_str())).collect();
    Ok(page(
        &person,
        l.t("复核队列", "queue"),
        "/queue",
        &html! {
            main {
                @if let Some(notice) = &found.notice { (notice.show(&person)) }
                div.bar {
                    h1 { (l.t("复核队列", "queue")) " " small { (found.count) (l.t(" 通", " calls")) @if let Some(n) = found.items { " · " (n) (l.t(" 项", " judgements")) } } }
                    @if person.reviews() { form action="/queue/next" method="post" {
                        (csrf(&person))
                        button.primary type="submit" data-key="g" { (l.t("复核下一通 ▸", "review the next ▸")) kbd { "g" } }
                    } }
                }
                (filters(l, &found.filter, &found.units, &found.queues, &rules))
                (notes(&app, l, &found))
                (list(&app, &person, &found.rows, &found.standings))
                (found.pages.show(l, |page| pager::with("/queue", &query, "page", page)))
            }
        },
    ))
}

/// What the list leaves out, and what its calls have in common.
fn notes(app: &App, l: Lang, found: &Found) -> Markup {
    html! {
        @if let Some(evidence) = &found.filter.evidence { p.note { (evidence::words(app, l, evidence))
            @if found.gone.calls > 0 { (l.t("。另有 ", ". Not listed: ")) (found.gone.calls) (l.t(" 通", " calls"))
                @if found.gone.items > 0 { (l.t("（", " (")) (found.gone.items) (l.t(" 项）", " judgements)")) } (l.t("已过保存期限，不在库中", " that the lake holds no more")) } } }
        @if found.cut { p.note { (l.t("说过这个词的话很多，只查了最新的五千句。", "The word is said so often that only the newest five thousand turns were looked at.")) } }
    }
}

fn filters(l: Lang, f: &Filter, units: &[String], queues: &[String], rules: &[(&str, &str)]) -> Markup {
    let any = l.t("全部", "any");
    html! {
        form.filters action="/queue" method="get" {
            label { (l.t("从", "from")) input type="date" name="from" value=(f.from); }
            label { (l.t("到", "to")) input type="date" name="to" value=(f.to); }
            label { (l.t("工号或姓名", "agent")) input name="agent" value=(f.agent) size="8"; }
            (select(l.t("班组", "unit"), "unit", &f.unit, any, units.iter().map(|u| (u.as_str(), u.as_str()))
                .chain((f.unit == NONE).then(|| (NONE, l.t("（未分组）", "(no unit)"))))))
            (select(l.t("队列", "queue"), "queue", &f.queue, any, queues.iter().map(|u| (u.as_str(), u.as_str()))))
            (select(l.t("规则", "rule"), "rule", &f.rule, any, rules.iter().copied()))
            label { (l.t("时长（秒）", "seconds")) span.pair {
                input type="number" name="min_s" min="0" value=[f.min_s] aria-label=(l.t("至少", "at least"));
                "–" input type="number" name="max_s" min="0" value=[f.max_s] aria-label=(l.t("至多", "at most")); } }
            label { (l.t("通话内容包含", "said")) input name="word" value=(f.word) size="10"; }
            (select(l.t("状态", "state"), "state", name_of(&CallState::ALL, f.state), "", states(l).into_iter()))
            (select(l.t("排序", "order"), "order", name_of(&Order::ALL, f.order), "", orders(l).into_iter()))
            // Links from other pages set these; nobody types them.
            @for (name, title, value) in [
                ("confirmed", l.t("属实的规则", "confirmed rule"), &f.confirmed), ("checked", l.t("系统判过的规则", "rule that the machine judged"), &f.checked),
                ("reviewer", l.t("复核人", "reviewed by"), &f.reviewer), ("claimed", l.t("复核中的人", "in review by"), &f.claimed),
                ("evidence", l.t("数字背后的通话", "calls behind a number"), &f.evidence.as_ref().map(ToString::to_string).unwrap_or_default()),
            ] {
                @if !value.is_empty() { label { (title) input name=(name) value=(value) size="12"; } }
            }
            button type="submit" { (l.t("筛选", "filter")) }
            a href="/queue" { (l.t("清除", "clear")) }
        }
    }
}

fn name_of<T: PartialEq + Copy>(all: &[(T, &'static str)], value: T) -> &'static str {
    all.iter().find(|(v, _)| *v == value).map_or("", |(_, name)| name)
}

fn states(l: Lang) -> [(&'static str, &'static str); 8] {
    [
        ("open", l.t("待复核", "to review")),
        ("done", l.t("已复核", "reviewed")),
        ("confirmed", l.t("有属实问题", "with confirmed faults")),
        ("flagged", l.t("系统有命中", "with hits")),
        ("kept", l.t("留作培训", "kept for training")),
        ("understood", l.t("已转写", "transcribed")),
        ("failed", l.t("处理失败", "failed")),
        ("all", l.t("全部", "all")),
    ]
}

fn orders(l: Lang) -> [(&'static str, &'static str); 5] {
    [
        ("risk", l.t("风险最高", "worst first")),
        ("newest", l.t("最新", "newest")),
        ("longest", l.t("最长", "longest")),
        ("shortest", l.t("最短", "shortest")),
        ("score", l.t("系统评分最低", "lowest score")),
    ]
}

/// A choice; `any` stands for no choice where it is not empty.
fn select<'a>(
    title: &str,
    name: &str,
    chosen: &str,
    any: &str,
    options: impl Iterator<Item = (&'a str, &'a str)>,
) -> Markup {
    html! {
        label { (title)
            select name=(name) {
                @if !any.is_empty() { option value="" { (any) } }
                @for (value, text) in options { option value=(value) selected[value == chosen] { (text) } }
            }
        }
    }
}

/// A table of calls, each a link to its page.
pub(super) fn list(app: &App, person: &Person, rows: &[Listed], standings: &HashMap<String, Standing>) -> Markup {
    let l = person.lang;
    html! {
        @if rows.is_empty() {
            p.empty { (l.t("没有符合条件的通话。换个条件，或", "No call fits. Choose otherwise, or ")) a href="/queue" { (l.t("清除筛选", "clear the filter")) }
                (l.t("，看看", ", or look at ")) a href="/queue?state=all&order=newest" { (l.t("全部通话", "all calls")) } (l.t("。", ".")) }
        } @else {
            div.wide { table.calls {
                caption.unseen { (l.t("通话", "Calls")) }
                thead { tr {
                    th scope="col" { (l.t("时间", "time")) } th scope="col" { (l.t("坐席", "agent")) } th scope="col" { (l.t("班组 / 队列", "unit / queue")) }
                    th.num scope="col" { (l.t("时长", "length")) } th.num scope="col" { (l.t("系统评分", "score")) } th scope="col" { (l.t("质检结果", "findings")) }
                    th scope="col" { (l.t("状态", "state")) }
                } }
                tbody { @for row in rows { (line(app, person, row, standings.get(&row.call.call_id))) } }
            } }
        }
    }
}

fn line(app: &App, person: &Person, row: &Listed, standing: Option<&Standing>) -> Markup {
    let (l, c) = (person.lang, &row.call);
    html! {
        tr {
            td { a href=(person.call_url(&c.call_id)) { (c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t))) }
                 small { (call_name(person, &c.call_id)) } }
            td { (c.agent_name) @if c.agent_id != c.agent_name { small { (c.agent_id) } } }
            td { (c.unit) @if !c.unit.is_empty() && !c.queue.is_empty() { " / " } (c.queue) }
            td.num { (clock(c.duration_ms)) }
            td.num { (c.score.map_or_else(|| "–".to_owned(), points)) }
            td.text { @if c.worst > 0 { span.sev data-rank=(c.worst) { (severity(l, rank_name(c.worst))) } " " }
                 @for title in &row.titles { span.tag { (title) } " " }
                 @if let Some((expected, minutes)) = row.expected { small {
                     (l.t("预计属实 ", "expected ")) (format!("{expected:.1}")) (l.t(" 项 · 约听 ", " · to hear ")) (spoken(l, minutes)) } } @if let Some(why) = &c.fail_reason { span.problem { (failure(person, why)) } } }
            td { (chip(person, standing)) @if row.confirmed > 0 { small { (row.confirmed) (l.t(" 项属实", " confirmed")) } } }
        }
    }
}

/// Minutes as people say them: seconds below two minutes.
fn spoken(l: Lang, minutes: f64) -> String {
    let seconds = minutes * 60.0;
    if seconds < 119.5 {
        format!("{seconds:.0}{}", l.t(" 秒", " s"))
    } else {
        format!("{minutes:.0}{}", l.t(" 分钟", " min"))
    }
}

/// The severity of a rank: 1 minor to 4 fatal.
fn rank_name(rank: i64) -> &'static str {
    let index = usize::try_from(rank - 1).unwrap_or_default();
    Severity::ALL.get(index).map_or("", |s| s.as_str())
}

/// Opens the next call. Whoever leaves another one unfinished is told that it is kept.
async fn next(State(app): State<Shared>, guarded: Guarded) -> Result<Redirect, PageError> {
    guarded.person.must_review()?;
    let from = guarded.text("from").to_owned();
    let shared = app.clone();
    let found = app.run(move |db| {
        let next = claim_next(db, &shared, &guarded.person)?;
        Ok(next.map(|id| guarded.person.call_url(&id)))
    });
    let found = found.await?;
    let left = if from.is_empty() { String::new() } else { format!("?left={}", url(&from)) };
    Ok(Redirect::to(&(found.unwrap_or_else(|| "/queue".to_owned()) + &left)))
}

/// Claims the person's first open task; without one the worst open call that nobody is at, also one that is to be heard a second
/// time. Two people who press at once get two calls.
pub(super) fn claim_next(db: &mut Db, app: &App, person: &Person) -> Result<Option<String>, PageError> {
    let (user, hold_us) = (person.user().id, app.options.claim_minutes * 60_000_000);
    let (reader, name) = (person.blind_name(), person.user().name.clone());
    for _ in 0..20 {
        let Some((call_id, slot)) = task(db.connection(), now_us(), &reader, &name)?
            .map_or_else(|| Filter::next(db.connection(), now_us(), &reader), |own| Ok(Some(own)))?
        else {
            return Ok(None);
        };
        match db.claim(&call_id, slot, user, now_us(), hold_us) {
            Ok(()) => return Ok(Some(call_id)),
            Err(e) if e.is_conflict() => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(None)
}
