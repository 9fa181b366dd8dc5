//! One agent: what people heard and confirmed, appeals; for staff also what the machine says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use callsift_reviews::{Db, SummaryPart};
use maud::{Markup, html};
use rusqlite::params;

use crate::app::{App, Shared, now_us};
use crate::auth::Person;
use crate::catalog::standing::{Eyes, Standing, standings};
use crate::figures::cells::{Heard, Place};
use crate::figures::monthly::{Half, of_agent};
use crate::figures::period::Period;
use crate::figures::rows::Sum;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::page_error::PageError;
use crate::pages::agents::calls::{self, OwnCall};
use crate::pages::agents::monthly;
use crate::pages::chart::{CONFIRMED, MACHINE, bars};
use crate::pages::chip::chip;
use crate::pages::pager::{self, Pages};
use crate::pages::parts::{appeals_linked, call_name, calls_url, chooser, is_violation, led, linked, title, visible};
use crate::pages::summaries;
use crate::pages::trend::{self, Step};
use crate::pages::{clock, layout, points, when};

/// Problems and forms on a page.
const PAGE: usize = 100;

/// What became of an appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disputed {
    No,
    Open,
    Granted,
    Dismissed,
}

impl Disputed {
    fn of(appealed: bool, granted: Option<bool>) -> Self {
        match (appealed, granted) {
            (false, _) => Self::No,
            (true, None) => Self::Open,
            (true, Some(true)) => Self::Granted,
            (true, Some(false)) => Self::Dismissed,
        }
    }
}

/// A confirmed violation.
struct Problem {
    call_id: String,
    date: String,
    started_us: Option<i64>,
    rule: String,
    start_ms: Option<i64>,
    turn: Option<i64>,
    note: String,
    appeal: Disputed,
}

/// All that the page shows.
struct Own {
    agent: String,
    period: Period,
    figures: Arc<Figures>,
    problems: Vec<Problem>,
    /// Forms of the agent's calls.
    heard: Vec<Heard>,
    /// What has become of the calls with a form, and when the agent signed it.
    standings: HashMap<String, Standing>,
    signed: HashMap<String, i64>,
    /// Parts of approved summaries, for the agent.
    parts: Vec<SummaryPart>,
    /// What listening gives to the score of the month.
    halves: [Half; 2],
    /// For the agent, who has no queue: the calls themselves, a page of them.
    calls: Vec<OwnCall>,
    call_pages: Pages,
    query: BTreeMap<String, String>,
}

impl Own {
    /// Which part of a list the address asks for.
    fn pages(&self, name: &str, entries: usize) -> Pages {
        Pages::asked(&self.query, name, entries, PAGE)
    }

    /// Links to the pages of a list that stands under its name on the page at this address.
    fn pager(&self, l: Lang, address: &str, name: &str, pages: Pages) -> Markup {
        pages.show(l, |page| format!("{}#{name}", pager::with(address, &self.query, name, page)))
    }
}

pub(super) async fn show(
    app: Shared,
    person: Person,
    agent: String,
    query: BTreeMap<String, String>,
) -> Result<Markup, PageError> {
    let shared = app.clone();
    let (staff, reader) = (person.is_staff(), person.blind_name());
    let own = app
        .run(move |db| {
            let (period, figures) = shared.figures.asked(db.connection(), &query)?;
            if staff && !figures.names.contains_key(&agent) {
                return Err(PageError::NotFound);
            }
            let (mut problems, blind) = (problems(db, &agent, &period)?, db.blind_calls(&reader)?);
            problems.retain(|x| !blind.contains(&x.call_id));
            let own = figures.rows().heard.iter().filter(|h| h.at.agent == agent && !blind.contains(&h.call_id));
            let mut heard: Vec<Heard> = own.cloned().collect();
            heard.sort_by(|a, b| b.at.date.cmp(&a.at.date));
            let all = figures.rows().sums(|at| (at.agent == agent).then_some(())).remove(&()).unwrap_or_default().calls;
            let call_pages = Pages::asked(&query, "calls", usize::try_from(all).unwrap_or(0), calls::PAGE);
            let calls = if staff { Vec::new() } else { calls::read(db.connection(), &agent, &period, call_pages)? };
            let ids = heard.iter().map(|h| h.call_id.as_str()).chain(calls.iter().map(OwnCall::id));
            let standings = standings(db.connection(), ids, now_us(), Eyes { blind: &reader, staff })?;
            let signed = signed(db, &agent)?;
            let mut halves = of_agent(db.connection(), &agent, &period)?;
            for half in &mut halves {
                half.calls.retain(|(call, _)| !blind.contains(call));
            }
            let parts = if staff { Vec::new() } else { db.summary_parts(&agent)? };
            Ok(Own {
                agent,
                period,
                figures,
                problems,
                heard,
                standings,
                signed,
                parts,
                halves,
                calls,
                call_pages,
                query,
            })
        })
        .await?;
    Ok(page(&app, &person, &own))
}

/// When the agent signed the forms that stand, by call.
fn signed(db: &Db, agent: &str) -> Result<HashMap<String, i64>, PageError> {
    let sql =
        "SELECT c.call_id, r.at_us FROM cat.calls c CROSS JOIN current_forms f ON f.call_id = c.call_id AND f.slot = 0
               JOIN receipts r ON r.form_id = f.id WHERE c.agent_id = ?1";
    let mut statement = db.connection().prepare_cached(sql)?;
    Ok(statement.query_map([agent], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?)
}

/// Confirmed violations that were handed in, and those that an appeal took back.
fn problems(db: &Db, agent: &str, p: &Period) -> Result<Vec<Problem>, PageError> {
    let sql = "SELECT c.call_id, c.date, c.started_us, v.rule_id, v.start_ms,
                 (SELECT min(t.turn) FROM cat.turns t WHERE t.call = c.id AND t.end_ms > v.start_ms), v.note,
                 a.id IS NOT NULL, d.upheld
               FROM cat.calls c CROSS JOIN published_verdicts v ON v.call_id = c.call_id
               LEFT JOIN appeals a ON a.verdict_id = v.id OR (v.source = 'appeal' AND a.verdict_id = v.before)
               LEFT JOIN decisions d ON d.appeal_id = a.id
               WHERE v.slot = 0 AND c.agent_id = ?1 AND c.date BETWEEN ?2 AND ?3
                 AND (v.verdict = 'confirmed' OR v.source = 'appeal')
               ORDER BY c.date DESC, c.started_us DESC, v.start_ms";
    let mut statement = db.connection().prepare_cached(sql)?;
    let rows = statement.query_map(params![agent, p.from, p.to], |r| {
        let (appealed, granted): (bool, Option<bool>) = (r.get(7)?, r.get(8)?);
        Ok(Problem {
            call_id: r.get(0)?,
            date: r.get(1)?,
            started_us: r.get(2)?,
            rule: r.get(3)?,
            start_ms: r.get(4)?,
            turn: r.get(5)?,
            note: r.get(6)?,
            appeal: Disputed::of(appealed, granted),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn page(app: &App, person: &Person, own: &Own) -> Markup {
    let (l, f, p) = (person.lang, &own.figures, &own.period);
    let staff = person.is_staff();
    let address = if staff { format!("/agents/{}", crate::pages::url(&own.agent)) } else { "/mine".to_owned() };
    let name = f.name(&own.agent);
    let is_own = |at: &Place| at.agent == own.agent;
    let sum = f.rows().sums(|at| is_own(at).then_some(())).remove(&()).unwrap_or_default();
    let heading = if staff { name } else { l.t("我的质检", "my calls") };
    layout::page(
        person,
        heading,
        if staff { "/agents" } else { "/mine" },
        &html! {
            main {
                div.bar { h1 { (heading) " " small { (own.agent) } } }
                (chooser(l, &address, p, true))
                (tiles(l, staff, own, sum))
                (monthly::section(person, own.agent.as_str(), &own.halves))
                (summaries::section(app, person, &own.parts))
                @if staff { (machine(app, l, own)) }
                div.halves {
                    section #problems { h2 { (l.t("属实的问题", "Confirmed problems")) } (problem_list(app, person, own, &address)) }
                    section #heard { h2 { (l.t("复核过的通话", "Reviewed calls")) } (words(app, person, own, &address)) }
                }
                @if !staff { (calls::list(app, person, (&own.calls, &own.standings), sum.calls, &own.pager(l, &address, "calls", own.call_pages))) }
            }
        },
    )
}

fn tiles(l: Lang, staff: bool, own: &Own, sum: Sum) -> Markup {
    let (p, agent) = (&own.period, own.agent.as_str());
    let (score, n) = own.figures.rows().score(|at| at.agent == own.agent);
    let confirmed: i64 =
        own.figures.rows().said.iter().filter(|s| s.at.agent == own.agent).map(|s| s.found + s.missed).sum();
    let count = |of: Disputed| own.problems.iter().filter(|x| x.appeal == of).count();
    let (open, granted) = (count(Disputed::Open), count(Disputed::Granted));
    let decided = granted + count(Disputed::Dismissed);
    // An agent has no queue: the calls stand below.
    let number = |n: i64, state: &str| {
        let below = match state {
            _ if staff => calls_url(p, &[("agent", agent), ("state", state)]),
            "done" => "#heard".to_owned(),
            "confirmed" => "#problems".to_owned(),
            _ => "#calls".to_owned(),
        };
        led(usize::try_from(n).unwrap_or(0), &below)
    };
    let appeals = |n: usize, state: &str| {
        let of = if staff { vec![("agent", agent), ("state", state)] } else { vec![("state", state)] };
        appeals_linked(n as i64, p, &of)
    };
    html! {
        div.tiles {
            div.tile { b { (number(sum.calls, "understood")) } (l.t("通话", "calls")) }
            div.tile { b { (number(sum.heard, "done")) } (l.t("已复核", "reviewed")) }
            div.tile { b { (score.map_or_else(|| "–".to_owned(), points)) } (l.t("平均监听得分", "mean listening score")) small { " n=" (number(n as i64, "done")) } }
            div.tile { b { @if confirmed > 0 { a href="#problems" { (confirmed) } } @else { "0" } } (l.t("属实问题", "confirmed problems"))
                small { " · " (number(sum.confirmed, "confirmed")) (l.t(" 通", " calls")) } }
            div.tile { b { (appeals(open, "open")) } (l.t("待裁定申诉", "open appeals"))
                small { " · " (l.t("已裁定 ", "decided ")) (appeals(decided, "decided")) (l.t("，成立 ", ", granted ")) (appeals(granted, "granted")) } }
            @let unsigned = own.heard.iter().filter(|h| !own.signed.contains_key(&h.call_id)).count();
            div.tile { b { @if unsigned > 0 { a href="#heard" { (unsigned) } } @else { "0" } } (l.t("待签收", "not signed")) }
        }
    }
}

fn problem_list(app: &App, person: &Person, own: &Own, address: &str) -> Markup {
    let l = person.lang;
    let pages = own.pages("problems", own.problems.len());
    html! {
        @if own.problems.is_empty() { p.empty { (l.t("没有属实的问题。", "None.")) } } @else {
            table {
                thead { tr { th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("问题", "problem")) } th scope="col" { (l.t("申诉", "appeal")) } } }
                tbody { @for x in pages.cut(&own.problems) { tr {
                    td { a href=(place(person, x)) { (x.started_us.map_or_else(|| x.date.clone(), |t| when(app, t))) @if let Some(ms) = x.start_ms { " @" (clock(ms)) } } small { (call_name(person, &x.call_id)) } }
                    td { (title(app, &x.rule)) @if !x.note.is_empty() { small { (visible(person, &x.note)) } } }
                    td { (appeal(l, x)) }
                } } }
            }
            (own.pager(l, address, "problems", pages))
        }
    }
}

/// The sentence on the page of the call.
fn place(person: &Person, x: &Problem) -> String {
    let turn = x.turn.map_or_else(String::new, |t| format!("#t{t}"));
    person.call_url(&x.call_id) + &turn
}

fn appeal(l: Lang, x: &Problem) -> Markup {
    html! {
        @match x.appeal {
            Disputed::No => "–",
            Disputed::Open => a.busy href="/appeals" { (l.t("待裁定", "open")) },
            Disputed::Granted => a.good href="/appeals" { (l.t("成立，已撤销", "granted")) },
            Disputed::Dismissed => a href="/appeals" { (l.t("维持原判", "dismissed")) },
        }
    }
}

fn words(app: &App, person: &Person, own: &Own, address: &str) -> Markup {
    let l = person.lang;
    let pages = own.pages("heard", own.heard.len());
    html! {
        @if own.heard.is_empty() { p.empty { (l.t("这段时间还没有复核过的通话。复核提交后会出现在这里。", "No call of these days is reviewed yet; they appear here when they are submitted.")) } } @else {
            div.wide { table {
                thead { tr { th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("状态", "state")) } th scope="col" { (l.t("签收", "signed")) } th scope="col" { (l.t("优点", "strengths")) } th scope="col" { (l.t("不足", "weaknesses")) } } }
                tbody { @for h in pages.cut(&own.heard) { tr {
                    td { a href=(person.call_url(&h.call_id)) { (h.at.date) } small { (call_name(person, &h.call_id)) } }
                    td { (chip(person, own.standings.get(&h.call_id))) }
                    td { @match own.signed.get(&h.call_id) { Some(at) => (when(app, *at)), None => span.busy { (l.t("待签收", "not signed")) } } }
                    td.text { (visible(person, &h.strengths)) } td.text { (visible(person, &h.weaknesses)) }
                } } }
            } }
            (own.pager(l, address, "heard", pages))
        }
    }
}

/// Hits of the machine by rule, and the trend; for staff.
fn machine(app: &App, l: Lang, own: &Own) -> Markup {
    let (f, p, agent) = (&own.figures, &own.period, own.agent.as_str());
    let mut rules: Vec<_> =
        f.rows().by_rule(|at| at.agent == agent).into_iter().filter(|(_, s)| s.hit + s.confirmed > 0).collect();
    rules.sort_by_key(|(rule, s)| (-s.hit, *rule));
    let most = rules.iter().map(|(_, s)| s.hit.max(s.confirmed)).max().unwrap_or(0) as f64;
    html! {
        div.halves {
            section.chart { h2 { (l.t("每周趋势", "By week")) } (trend::over_time(l, f, p, Step::Week, |at| at.agent == agent, &[("agent", agent)])) }
            section.chart { h2 { (l.t("系统命中与属实（通话数）", "System hits and confirmed (calls)")) }
                @if rules.is_empty() { p.empty { (l.t("没有命中。", "No hits.")) } }
                table.plain { @for (rule, s) in &rules { tr {
                    td { a href=(format!("/rules/{}", crate::pages::url(rule))) { (title(app, rule)) } @if !is_violation(app, f, rule) { small { (l.t("不扣分", "no points")) } } }
                    td { (bars(&[(s.hit as f64, MACHINE), (s.confirmed as f64, CONFIRMED)], most)) }
                    td.num { (linked(s.hit, p, &[("agent", agent), ("rule", rule), ("state", "understood")])) " / "
                        (linked(s.confirmed, p, &[("agent", agent), ("confirmed", rule), ("state", "all")])) }
                } } }
            }
        }
    }
}
