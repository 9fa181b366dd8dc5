//! The half-monthly or monthly summary of each unit (监听分析表, C4), to be printed and signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use callsift_reviews::Role;
use callsift_sampling::estimate::ANY_RULE;
use maud::{Markup, html};
use rusqlite::params;

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::figures::cells::last_day;
use crate::figures::evidence::Evidence;
use crate::figures::monthly::{counted, halves};
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::dashboard::needs::worst;
use crate::pages::parts::{Share, appeals_linked, calls_url, evident, led, linked, percent, period_name, visible};
use crate::pages::summaries::{self, remarks};
use crate::pages::{layout, points, url};

/// Appeals by unit: made, and granted.
type Appeals = BTreeMap<String, (i64, i64)>;

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Reviewer)?;
    let shared = app.clone();
    let asked = query.get("period").cloned();
    let (name, period, figures, appeals) = app
        .run(move |db| {
            let conn = db.connection();
            let last = last_day(conn)?;
            // Without a name: the half month of the last day.
            let [first, second, _] = Period::names_of(&last);
            let half = if last.get(8..).is_some_and(|day| day <= "15") { first } else { second };
            let name = asked.unwrap_or(half);
            let unknown = || PageError::Bad("没有这个周期，例如 2026-11-1、2026-11 · no such period".to_owned());
            let period = Period::named(&name).ok_or_else(unknown)?;
            let figures = shared.figures.get(conn, &period)?;
            Ok((name, period.clone(), figures, appeals(conn, &period)?))
        })
        .await?;
    Ok(page(&app, &person, &name, &period, &figures, &appeals))
}

fn appeals(conn: &rusqlite::Connection, p: &Period) -> rusqlite::Result<Appeals> {
    let sql =
        "SELECT c.unit, count(*), coalesce(sum(d.upheld), 0) FROM appeals a JOIN verdicts v ON v.id = a.verdict_id
               JOIN cat.calls c ON c.call_id = v.call_id LEFT JOIN decisions d ON d.appeal_id = a.id
               WHERE c.date BETWEEN ?1 AND ?2 GROUP BY 1";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_map(params![p.from, p.to], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?))))?.collect()
}

fn page(app: &App, person: &Person, name: &str, p: &Period, f: &Arc<Figures>, appeals: &Appeals) -> Markup {
    let l = person.lang;
    let heading = format!("{} {}", l.t("监听分析表", "listening summary"), period_name(l, name));
    layout::page(
        person,
        &heading,
        "/dashboard",
        &html! {
            main.report {
                div.bar { h1 { (heading) " " small { (p.from) " – " (p.to) } }
                    span.screen { @for other in Period::names_of(&p.to) { a href=(format!("/dashboard/report?period={}", url(&other))) { (period_name(l, &other)) } " " }
                        a href=(format!("/dashboard?period={}", url(name))) { (l.t("看板", "figures")) } } }
                @if f.units().is_empty() { p.empty { (l.t("这段时间没有通话。", "No calls in this period.")) } }
                @for unit in f.units() { (of_unit(app, person, p, f, unit, appeals.get(unit).copied().unwrap_or_default())) }
                p.signed { (l.t("制表：", "made by: ")) (person.user().display) span { (l.t("经理审批（三日内）：", "approved by the manager (within three days):")) } span { (l.t("日期：", "date:")) } }
            }
        },
    )
}

fn of_unit(app: &App, person: &Person, p: &Period, f: &Figures, unit: &str, appeals: (i64, i64)) -> Markup {
    let l = person.lang;
    let name = Period::names_of(&p.to).into_iter().find(|name| Period::named(name).as_ref() == Some(p));
    let name = name.as_deref();
    let rows = f.rows().unit(unit);
    let (sum, (score, n)) = (rows.total(), rows.score(|_| true));
    let with = |state| [("unit", unit), ("state", state)];
    html! {
        section.card {
            h2 { @if unit.is_empty() { (l.t("（未分组）", "(no unit)")) } @else { (unit) } @if let Some(name) = name { " " a.screen href=(summaries::address(unit, name)) { (l.t("提交、审批", "submit, approve")) } } }
            p { (l.t("通话 ", "calls ")) (linked(sum.calls, p, &with("understood"))) (l.t(" · 监听 ", " · heard ")) (linked(sum.heard, p, &with("done")))
                (l.t(" · 平均监听得分 ", " · mean score ")) b { (score.map_or_else(|| "–".to_owned(), points)) } (l.t("（n=", " (n=")) (led(n, &calls_url(p, &with("done")))) (l.t("）", ")"))
                (l.t(" · 有属实问题 ", " · with confirmed problems ")) (linked(sum.confirmed, p, &with("confirmed")))
                (l.t(" · 申诉 ", " · appeals ")) (appeals_linked(appeals.0, p, &[("unit", unit)])) (l.t("，成立 ", ", granted ")) (appeals_linked(appeals.1, p, &[("unit", unit), ("state", "granted")]))
                (rate(l, f, p, unit)) }
            @if is_month(p) { p.note { (l.t("上半月、下半月：监听计划或随机抽到的通话的平均监听得分；按风险挑选的通话不计入，否则谁被挑得多谁的分就低。两半平均后按 70% 计入月度服务质量得分，缺一半不计。",
                "Halves: mean score of calls that a listening plan or chance chose; calls chosen for their risk do not count, or whoever is looked at most would score lowest. The mean of both counts 70 % of the month's score; not while a half is missing.")) } }
            p { b { (l.t("主要问题与培训建议：", "main problems, to be trained: ")) } (worst(app, l, f, rows, p, |_| true, &[("unit", unit)])) }
            div.wide { table {
                thead { tr { th scope="col" { (l.t("坐席", "agent")) } th.num scope="col" { (l.t("通话", "calls")) } th.num scope="col" { (l.t("监听", "heard")) } th.num scope="col" { (l.t("平均得分", "mean score")) }
                    @if is_month(p) { th.num scope="col" { (l.t("上半月", "first half")) } th.num scope="col" { (l.t("下半月", "second half")) } th.num scope="col" { (l.t("计入月度（×70%）", "counts 70 %")) } }
                    th.num scope="col" { (l.t("属实", "confirmed")) } th scope="col" { (l.t("主要问题", "main problems")) } th scope="col" { (l.t("评语", "remarks")) } } }
                tbody { @for agent in f.agents(unit) { (of_agent(app, person, p, f, unit, agent)) } }
            } }
        }
    }
}

fn rate(l: Lang, f: &Figures, p: &Period, unit: &str) -> Markup {
    let rate = f.any.as_ref().and_then(|a| a.units.iter().find(|u| u.unit == unit));
    let by_chance = f.by_chance(|r| r.rule_id == ANY_RULE && r.unit == unit);
    let share = rate.and_then(|u| Share::of_rate(&u.rate.powered, by_chance));
    html! { @if let Some(s) = share { (l.t(" · 推断违规率 ", " · estimated violation rate ")) (percent(s.at)) (l.t("（", " (")) (s.words(l)) (l.t("，", ", ")) (s.count(l, &s.behind(p, ANY_RULE, &[("unit", unit)]))) (l.t("）", ")")) } }
}

/// The remarks on an agent; how often each was made leads to the agent's page, where they stand beside their calls.
fn remarked(person: &Person, p: &Period, agent: &str, words: &[(String, usize)]) -> Markup {
    let l = person.lang;
    let beside = format!("/agents/{}?from={}&to={}#heard", url(agent), p.from, p.to);
    html! {
        @for (i, (word, n)) in words.iter().enumerate() {
            @if i > 0 { (l.t("；", "; ")) }
            (visible(person, word))
            @if *n > 1 { (l.t("（", " (")) @if agent.is_empty() { (n) } @else { a href=(beside) { (n) } } (l.t("）", ")")) }
        }
    }
}

fn of_agent(app: &App, person: &Person, p: &Period, f: &Figures, unit: &str, agent: &str) -> Markup {
    let l = person.lang;
    let rows = f.rows().agent(unit, agent);
    let (sum, (score, _)) = (rows.total(), rows.score(|_| true));
    let words = remarks(rows.heard.iter().map(|h| h.weaknesses.as_str()));
    let whose = [("agent", agent), ("unit", unit)];
    let with = |state| [whose[0], whose[1], ("state", state)];
    html! {
        tr {
            td { (f.name(agent)) @if f.name(agent) != agent { small { (agent) } } }
            td.num { (linked(sum.calls, p, &with("understood"))) } td.num { (linked(sum.heard, p, &with("done"))) }
            td.num { (shown(score)) }
            @if is_month(p) { @let halves = halves(p).map(|half| { let score = rows.planned_score(|at| half.holds(&at.date)); (half, score) });
                @for (half, (score, n)) in &halves { td.num { (shown(*score)) @if *n > 0 { small { "n=" (evident(*n, half, &Evidence::Planned, &whose)) } } } }
                td.num { (shown(counted(halves[0].1.0, halves[1].1.0))) } }
            td.num { (linked(sum.confirmed, p, &with("confirmed"))) }
            td { (worst(app, l, f, rows, p, |_| true, &whose)) } td { (remarked(person, p, agent, &words)) }
        }
    }
}

fn shown(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), points)
}

fn is_month(p: &Period) -> bool {
    p.from.get(..7) == p.to.get(..7) && p.from.ends_with("-01") && p.to.get(8..).is_some_and(|day| day > "15")
}

#[cfg(test)]
mod tests {
    use super::is_month;
    use crate::figures::period::Period;

    #[test]
    fn a_month_is_told_from_its_halves() {
        assert!(is_month(&Period::named("2026-11").unwrap()) && !is_month(&Period::named("2026-11-1").unwrap()));
        assert!(!is_month(&Period::named("2026-11-2").unwrap()));
    }
}
