//! Figures of the centre (数据看板) and the half-monthly summary (监听分析表, REQUIREMENTS C4 and C6).

mod control;
mod needs;
mod pictures;
mod report;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use callsift_core::stats::wilson;
use callsift_reviews::Role;
use callsift_sampling::estimate::Listening;
use maud::{Markup, html};

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::catalog::{Odd, odd_things};
use crate::error::ConsoleError;
use crate::figures::cells::last_day;
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::figures::rows::Precision;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::parts::{
    call_name, calls_url, chooser, evidence_url, evident, led, led_items, linked, percent, period_name, proven, range,
    undrawn, without_folders,
};
use crate::pages::raised;
use crate::pages::trend::{self, Step};
use crate::pages::{layout, url};

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/dashboard", get(show)).route("/dashboard/report", get(report::show))
}

type Asked = Query<BTreeMap<String, String>>;

/// What the page shows besides the figures.
struct Board {
    period: Period,
    last_day: String,
    figures: Arc<Figures>,
    /// Appeals that nobody decided, and those of them past their time.
    appeals: (i64, i64),
    /// Faults that nobody acknowledged, and when the oldest was raised.
    raised: (i64, Option<i64>),
    /// What of the lake is not shown as it lies there.
    odd: Vec<Odd>,
}

async fn show(State(app): State<Shared>, person: Person, Query(query): Asked) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let shared = app.clone();
    let board = app
        .run(move |db| {
            let conn = db.connection();
            let last_day = last_day(conn)?;
            let period = Period::of(&query, &last_day);
            let sql = "SELECT count(*), coalesce(sum(a.deadline_us < ?1), 0) FROM appeals a
                       LEFT JOIN decisions d ON d.appeal_id = a.id WHERE d.appeal_id IS NULL";
            let appeals = conn.query_row(sql, [crate::app::now_us()], |r| Ok((r.get(0)?, r.get(1)?)))?;
            let figures = shared.figures.get(conn, &period)?;
            let odd = odd_things(conn).map_err(ConsoleError::from)?;
            let raised = db.raised_open(None)?;
            Ok(Board { period, last_day, figures, appeals, raised, odd })
        })
        .await?;
    Ok(page(&app, &person, &board))
}

fn page(app: &App, person: &Person, board: &Board) -> Markup {
    let (l, f, p) = (person.lang, &board.figures, &board.period);
    layout::page(
        person,
        l.t("数据看板", "Figures"),
        "/dashboard",
        &html! {
            main {
                div.bar { h1 { (l.t("数据看板", "Figures")) " " small { (p.from) " – " (p.to) } } (reports(l, p)) }
                (chooser(l, "/dashboard", p, true))
                (odd(person, &board.odd))
                (proven(app, l))
                (undrawn(l, "/dashboard", f))
                (tiles(l, board))
                div.halves {
                    section.chart { @let step = Step::of(f); h2 { (if step == Step::Day { l.t("逐日趋势", "By day") } else { l.t("每周趋势", "By week") }) } (trend::over_time(l, f, p, step, |_| true, &[])) }
                    section.chart { h2 { (l.t("控制图：属实占比", "Control chart: share confirmed")) } (control::chart(l, f, p)) }
                    section.chart { h2 { (l.t("监听得分分布", "Distribution of scores")) } (pictures::scores(l, f, p)) }
                    section.chart { h2 { (l.t("主要问题（帕累托）", "Main problems (Pareto)")) } (pictures::pareto(app, l, f, p)) }
                }
                section.chart { h2 { (l.t("什么时候出问题", "When it happens")) } (pictures::heat(app, l, f, p)) }
                section.chart { h2 { (l.t("问题分布（通话数）", "Distribution of problems (calls)")) } (tables::distribution(app, l, f, p)) }
                section.chart { h2 { (l.t("各项合格率", "Pass rate per item")) } (tables::pass_rates(app, l, f, p)) }
                section.chart { h2 { (l.t("班组", "Units")) } (tables::units(l, f, p)) }
                section.chart { h2 { (l.t("听音效率", "Review yield")) } (listening(l, f, p)) }
                section.chart { h2 { (l.t("培训需求", "Training needs")) } (needs::needs(app, l, board)) }
            }
        },
    )
}

/// Parts that cannot be read and calls that stand twice: the figures are without them.
fn odd(person: &Person, things: &[Odd]) -> Markup {
    const SHOWN: usize = 10;
    let l = person.lang;
    html! {
        @if !things.is_empty() {
            section.chart #odd {
                h2 { (l.t("数据异常", "odd data")) }
                p.note { (l.t("读不出的：", "What cannot be read: ")) code { "callsift lake check --lake LAKE" } (l.t(" 说明涉及哪些通话、怎样重做。", " says which calls are concerned and how they are made again.")) }
                ul {
                    @for thing in things.iter().take(SHOWN) {
                        li.problem { (call_name(person, &without_folders(&thing.to_string()))) }
                    }
                }
                @if things.len() > SHOWN {
                    p.note { (l.t("另有", "more:")) " " (things.len() - SHOWN) }
                }
            }
        }
    }
}

/// What the order of the queue saves against listening at random.
fn listening(l: Lang, f: &Figures, p: &Period) -> Markup {
    html! {
        @match &f.gain {
            None => p.empty { (l.t("还不能比较：需要按风险挑选的和随机抽取的通话都听过。随机份额由“抽样”里的“风险优先”计划抽取。",
                "Nothing to compare yet: calls chosen by risk and calls drawn at random must both be heard. callsift sample --plan plans/risk-queue.toml --save draws a random share.")) },
            Some(gain) => {
                table {
                    thead { tr { th scope="col" { (l.t("怎样选出", "chosen")) } th.num scope="col" { (l.t("听过（通）", "calls heard")) } th.num scope="col" { (l.t("属实（通）", "confirmed")) }
                        th.num scope="col" { (l.t("用时（小时）", "hours")) } th.num scope="col" { (l.t("每小时属实", "confirmed an hour")) } } }
                    tbody { (way(l.t("按风险挑选", "by risk"), &gain.chosen, p, false)) (way(l.t("随机抽取", "by chance"), &gain.chance, p, true)) }
                }
                p { (l.t(&gain.saved().in_chinese(), &gain.saved().in_english())) (l.t("。", ".")) }
                p.note { (l.t("每通只计一次；用时按听音长度（整通；只听命中处的，从前两秒听起，缺失类要听整通）加每通 15 秒估计。", "A call counts once; time is estimated: the sound heard (all of it, or the flagged places from two seconds before; for what is missing all of it) and 15 s for each call.")) }
            },
        }
    }
}

/// Hours of listening; short ones with so many digits that something is left of them.
fn hours(minutes: f64) -> String {
    let hours = minutes / 60.0;
    if hours > 0.0 && hours < 1.0 { format!("{hours:.2}") } else { format!("{hours:.1}") }
}

fn way(name: &str, heard: &Listening, p: &Period, by_chance: bool) -> Markup {
    let evidence = Evidence::Chosen { by_chance };
    let confirmed = calls_url(p, &[("evidence", &evidence.to_string()), ("state", "confirmed")]);
    html! {
        tr {
            td { (name) } td.num { (evident(heard.calls, p, &evidence, &[])) } td.num { (led(heard.confirmed, &confirmed)) }
            td.num { (hours(heard.minutes)) } td.num { (format!("{:.1}", heard.per_hour().unwrap_or(0.0))) }
        }
    }
}

/// Links to the summaries of the last day's half months and month.
fn reports(l: Lang, p: &Period) -> Markup {
    html! {
        span { (l.t("监听分析表：", "summary: "))
            @for name in Period::names_of(&p.to) { a href=(format!("/dashboard/report?period={}", url(&name))) { (period_name(l, &name)) } " " } }
    }
}

fn tiles(l: Lang, board: &Board) -> Markup {
    let (f, p, sum) = (&board.figures, &board.period, board.figures.rows().total());
    let Precision { right, judged, calls } = f.rows().precision();
    let (low, high) = wilson(right, judged);
    html! {
        div.tiles {
            div.tile { b { (linked(sum.calls, p, &[("state", "understood")])) } (l.t("通话", "calls"))
                @if sum.failed > 0 { small { " · " (linked(sum.failed, p, &[("state", "failed")])) (l.t(" 通处理失败", " failed")) } } }
            div.tile { b { (linked(sum.flagged, p, &[("state", "flagged")])) } (l.t("系统有命中", "flagged by the system")) }
            div.tile { b { (linked(sum.heard, p, &[("state", "done")])) } (l.t("已复核", "reviewed")) }
            div.tile { b { (linked(sum.confirmed, p, &[("state", "confirmed")])) } (l.t("有属实问题", "with confirmed problems")) }
            div.tile { b { @if judged > 0 { (percent(right as f64 / judged as f64)) } @else { "–" } } (l.t("系统命中属实率", "system hits confirmed"))
                small { @if judged > 0 { " " (range(low, high)) } " · " (led_items(judged, &evidence_url(p, &Evidence::Hits, &[]))) (l.t(" 项已判，n=", " judged, n=")) (evident(calls, p, &Evidence::Hits, &[])) } }
            div.tile { b { a href="/appeals?state=open" { (board.appeals.0) } } (l.t("待裁定申诉", "open appeals"))
                @if board.appeals.1 > 0 { small { " " a.problem href="/appeals?state=late" { (board.appeals.1) (l.t(" 件超期", " overdue")) } } } }
            (raised::tile(l, board.raised))
        }
    }
}
