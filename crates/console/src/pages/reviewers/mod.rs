//! Reviewers: what they did, how far they agree, and who differs from the others.

mod leaning;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use callsift_core::stats::wilson;
use callsift_reviews::Role;
use callsift_sampling::agreement::{Agreement, Rating, alpha, kappa};
use callsift_sampling::leniency::{Leniency, leniency};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use maud::{Markup, html};

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::figures::evidence::Evidence;
use crate::figures::leaning::{Word, counts, words};
use crate::figures::period::Period;
use crate::figures::twice::{self, Load, Twice};
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::parts::{chooser, led, percent, range, title};
use crate::pages::{layout, points, url};

/// Fewer calls heard twice than this say nothing about agreement, and fewer than the second number little.
const LEAST: usize = 5;
const ENOUGH: usize = 30;
/// Seed of the intervals: the same page shows the same interval every time.
const SEED: &str = "callsift reviewers";

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/reviewers", get(show))
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    // Work is counted by the day it was done, so the period ends today and not with the lake.
    let offset_s = app.options.utc_offset_s;
    let zone = TimeZone::fixed(Offset::from_seconds(offset_s).unwrap_or(Offset::UTC));
    let period = Period::of(&query, &Timestamp::now().to_zoned(zone).date().to_string());
    let (from_us, to_us) = period.times(offset_s);
    let lead = person.is_lead();
    let (mut loads, ratings, words) = app
        .run(move |db| {
            let conn = db.connection();
            let loads = twice::loads(conn, from_us, to_us, now_us(), offset_s)?;
            let words = if lead { words(conn, (from_us, to_us))? } else { Vec::new() };
            Ok((loads, twice::ratings(conn, from_us, to_us)?, words))
        })
        .await?;
    if !lead {
        loads.retain(|load| load.name == person.user().name);
    }
    let names: BTreeMap<String, String> = loads.iter().map(|l| (l.name.clone(), l.display.clone())).collect();
    let made =
        app.run(move |_| Ok(Made { agree: Agree::of(&ratings), people: leniency(&counts(&words)), words })).await?;
    Ok(page(&app, &person, &period, &loads, &names, &made))
}

/// What takes a moment to make.
struct Made {
    agree: Agree,
    /// For leads only; empty for others.
    people: Vec<Leniency>,
    words: Vec<Word>,
}

/// Agreement of all, of each pair, and by item.
struct Agree {
    all: Agreement,
    pairs: Vec<(String, String, Agreement)>,
    items: Vec<(String, twice::Item)>,
}

impl Agree {
    fn of(ratings: &[Rating]) -> Self {
        let pair = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned(), kappa(ratings, a, b, SEED));
        let mut items: Vec<_> = twice::items(ratings).into_iter().map(|(i, n)| (i.to_owned(), n)).collect();
        items.sort_by_key(|(item, n)| (usize::MAX - n.differ, item.clone()));
        Self { all: alpha(ratings, SEED), pairs: twice::pairs(ratings).into_iter().map(pair).collect(), items }
    }
}

fn page(
    app: &App,
    person: &Person,
    p: &Period,
    loads: &[Load],
    names: &BTreeMap<String, String>,
    made: &Made,
) -> Markup {
    let l = person.lang;
    layout::page(
        person,
        l.t("质检员", "reviewers"),
        "/reviewers",
        &html! {
            main {
                div.bar { h1 { (l.t("质检员", "reviewers")) } }
                (chooser(l, "/reviewers", p, false))
                (load_table(person, p, loads))
                section.chart { h2 { (l.t("一致性", "agreement")) } (agreement(app, person, p, names, &made.agree)) }
                @if person.is_lead() { section.chart #leaning { h2 { (l.t("宽严", "strict or lenient")) } (leaning::table(l, p, names, &made.words, &made.people)) } }
            }
        },
    )
}

/// Work counts by the day it was done, whatever the day of the call: the evidence holds the days, the address none.
fn evidence_address(evidence: &Evidence) -> String {
    format!("/queue?state=all&evidence={}", url(&evidence.to_string()))
}

/// A number of calls that two people judged; reviewers must not learn which ones these are.
fn judged_twice(person: &Person, p: &Period, n: usize, which: Twice) -> Markup {
    let evidence = Evidence::Twice { which, days: p.clone() };
    html! { @if person.is_lead() { (led(n, &evidence_address(&evidence))) } @else { (n) } }
}

/// Duplicates stay blind: reviewers see all calls that they handed in, but not which or how many of them were duplicates.
fn load_table(person: &Person, p: &Period, loads: &[Load]) -> Markup {
    let (l, lead) = (person.lang, person.is_lead());
    let handed_in = |n: i64, by: &str, duplicates| {
        let evidence = Evidence::HandedIn { by: by.to_owned(), duplicates, days: p.clone() };
        led(usize::try_from(n).unwrap_or(0), &evidence_address(&evidence))
    };
    html! {
        @if loads.is_empty() { p.empty { (l.t("没有复核记录。", "Nothing was reviewed.")) } } @else { div.wide { table {
            thead { tr { th scope="col" { (l.t("质检员", "reviewer")) } th.num scope="col" { (l.t("复核通话", "calls reviewed")) } @if lead { th.num scope="col" { (l.t("其中重复", "blind duplicates")) } }
                th.num scope="col" { (l.t("实听（小时）", "played (h)")) } th.num scope="col" { (l.t("听音约（分钟）", "heard, about (min)")) } th.num scope="col" { (l.t("每天（通）", "calls a day")) } th.num scope="col" { (l.t("复核中", "In review")) } th.num scope="col" { (l.t("平均给分", "mean score")) } } }
            tbody { @for x in loads { tr {
                td { (x.display) small { (x.name) } }
                td.num { (handed_in(x.calls, &x.name, false)) }
                @if lead { td.num { (handed_in(x.duplicates, &x.name, true)) } } td.num { (format!("{:.1}", x.played_ms as f64 / 3_600_000.0)) } td.num { (points(x.heard_ms as f64 / 60_000.0)) }
                td.num { @if x.days > 0 { (points(x.calls as f64 / x.days as f64)) small { (x.days) (l.t(" 天", if x.days == 1 { " day" } else { " days" })) } } @else { "–" } }
                td.num { @if x.claims > 0 { a href=(format!("/queue?state=all&claimed={}", url(&x.name))) { (x.claims) } } @else { "0" } } td.num { (x.score.map_or_else(|| "–".to_owned(), points)) }
            } } }
        } } }
        p.note { (l.t("实听：真正播放过的部分，任何速度，每处只算一次。听音约：整通已听的按通话时长，其余按命中处（从前两秒听起）估计，缺失类按整通。工作按提交的日期计。", "Played: what was really played, at any speed, each moment once. Heard, about: whole calls by their length, others by their flagged places from two seconds before, and as a whole for what is missing. Work counts on the day it was handed in.")) }
    }
}

fn agreement(app: &App, person: &Person, p: &Period, names: &BTreeMap<String, String>, agree: &Agree) -> Markup {
    let l = person.lang;
    let all = judged_twice(person, p, agree.all.calls, Twice::All);
    html! {
        p.note { (l.t("由盲复核（同一通话由两人各自判断，互不知情）计算，只计两人中至少一人标记过的项目；申诉改判不计。1 为完全一致，0 为与随机无异。",
            "From blind duplicates: two people judge the same call without knowing of each other. Only items that one of them marked count; appeals do not. 1: they always agree, 0: no more than by chance.")) }
        @if agree.all.calls < LEAST || agree.all.estimate.is_none() {
            p.empty { (l.t("重复复核不足，暂无法计算（n=", "too few calls were reviewed twice (n=")) (all) (l.t("）", ")")) }
        } @else {
            p { b { (figure(l, &agree.all)) } " " (l.t("Krippendorff α（全体）", "Krippendorff's alpha, all")) " · n=" (all)
                @if agree.all.calls < ENOUGH { " " span.soft { (l.t("通话不足 30 通，区间偏窄", "fewer than 30 calls: the interval is too narrow")) } } }
        }
        @if person.is_lead() { (pairs(person, p, names, agree)) (items(app, person, p, agree)) }
    }
}

fn figure(l: Lang, a: &Agreement) -> String {
    match a.estimate {
        Some(e) => format!("{e:.2}{}", l.brackets(&format!("{:.2} … {:.2}", a.interval.low, a.interval.high))),
        None => "–".to_owned(),
    }
}

fn pairs(person: &Person, p: &Period, names: &BTreeMap<String, String>, agree: &Agree) -> Markup {
    let l = person.lang;
    let name = |id: &String| names.get(id).unwrap_or(id).clone();
    html! {
        @if !agree.pairs.is_empty() {
            h3 { (l.t("两人之间（Cohen κ）", "pairs (Cohen's kappa)")) }
            table { thead { tr { th scope="col" { (l.t("质检员", "reviewers")) } th scope="col" { "κ" (l.t("（95% 区间）", " (95 %)")) } th.num scope="col" { (l.t("通话", "calls")) } } }
                tbody { @for (a, b, k) in &agree.pairs { tr {
                    td { (name(a)) " – " (name(b)) }
                    td { @if k.calls < LEAST || k.estimate.is_none() { span.soft { (l.t("重复复核不足，暂无法计算", "too few calls were reviewed twice")) } } @else { (figure(l, k)) } }
                    td.num { (judged_twice(person, p, k.calls, Twice::Pair(a.clone(), b.clone()))) }
                } } } }
        }
    }
}

fn items(app: &App, person: &Person, p: &Period, agree: &Agree) -> Markup {
    let l = person.lang;
    html! {
        @if !agree.items.is_empty() {
            h3 { (l.t("各项分歧", "disagreement by item")) }
            table { thead { tr { th scope="col" { (l.t("项目", "item")) } th.num scope="col" { (l.t("两人都判", "judged by both")) } th.num scope="col" { (l.t("不一致", "differ")) } th scope="col" { (l.t("分歧率（95% 区间）", "share (95 %)")) } } }
                tbody { @for (item, n) in &agree.items { @let (low, high) = wilson(n.differ, n.both); tr {
                    td { a href=(format!("/rules/{}", url(item))) { (title(app, item)) } }
                    td.num { (judged_twice(person, p, n.both, Twice::Item(item.clone()))) } td.num { (judged_twice(person, p, n.differ, Twice::Differ(item.clone()))) } td { (percent(n.differ as f64 / n.both.max(1) as f64)) (l.brackets(&range(low, high))) }
                } } } }
        }
    }
}
