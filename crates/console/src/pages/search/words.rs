//! Search over everything that was said.

use std::collections::{BTreeMap, HashMap};

use maud::{Markup, html};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::auth::Person;
use crate::catalog::standing::Standing;
use crate::catalog::text_query;
use crate::lang::{Lang, speaker};
use crate::page_error::PageError;
use crate::pages::chip::chip;
use crate::pages::clock;
use crate::pages::parts::{call_name, copied, visible};
use crate::pages::queue::day;
use crate::pages::search::highlight::highlit;

/// Turns on a page.
pub(super) const PAGE: usize = 100;
/// Pages that are looked at.
const MOST: usize = 1_000;
/// With filters so many of the newest turns are looked at.
const TURNS: usize = 20_000;

/// What is asked; empty texts mean whatever.
pub(super) struct Asked {
    pub(super) q: String,
    from: String,
    to: String,
    agent: String,
    unit: String,
    role: String,
    pub(super) page: usize,
}

impl Asked {
    pub(super) fn of(query: &BTreeMap<String, String>, q: String) -> Result<Self, PageError> {
        let text = |name: &str| query.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
        let role = Some(text("role")).filter(|r| ["agent", "customer"].contains(&r.as_str())).unwrap_or_default();
        let page = query.get("page").and_then(|n| n.trim().parse().ok()).unwrap_or(0_usize).min(MOST);
        let (from, to) = (day(text("from"))?, day(text("to"))?);
        Ok(Self { q, from, to, agent: text("agent"), unit: text("unit"), role, page })
    }

    /// The same within a team, for whoever sees no other.
    pub(super) fn within(self, team: Option<&str>) -> Self {
        let unit = team.map_or(self.unit, str::to_owned);
        Self { unit, ..self }
    }

    /// Conditions on a turn `t` and its call `c`.
    fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        for (condition, value) in [
            ("c.date >= ??", &self.from),
            ("c.date <= ??", &self.to),
            ("(c.agent_id = ?? OR c.agent_name = ??)", &self.agent),
            ("c.unit = ??", &self.unit),
            ("t.role = ??", &self.role),
        ] {
            if !value.is_empty() {
                values.push(value.clone().into());
                sql += " AND ";
                sql += &condition.replace("??", &format!("?{}", values.len()));
            }
        }
        sql
    }
}

/// A turn that was found.
pub(super) struct Turn {
    pub(super) call_id: String,
    date: String,
    agent: String,
    index: i64,
    role: String,
    start_ms: i64,
    text: String,
}

/// A page of turns.
#[derive(Default)]
pub(super) struct Found {
    pub(super) turns: Vec<Turn>,
    /// There is another page. Counting all would cost as much as reading them.
    pub(super) more: bool,
    /// Not all turns that say so were looked at.
    pub(super) cut: bool,
}

/// Newest part first, as turns were entered: a page of turns and one more.
pub(super) fn find(conn: &Connection, asked: &Asked) -> rusqlite::Result<Found> {
    let Some(words) = text_query(&asked.q) else { return Ok(Found::default()) };
    let mut values: Vec<Value> = vec![words.clone().into()];
    let conditions = asked.conditions(&mut values);
    let (limit, offset) = (PAGE + 1, asked.page * PAGE);
    // Without a condition every turn of the index counts, so the page is cut there.
    let (inner, outer) = if conditions.is_empty() {
        (format!("LIMIT {limit} OFFSET {offset}"), String::new())
    } else {
        (format!("LIMIT {TURNS}"), format!("LIMIT {limit} OFFSET {offset}"))
    };
    let sql = format!(
        "SELECT c.call_id, c.date, c.agent_name, t.turn, t.role, t.start_ms, t.text
         FROM (SELECT rowid FROM cat.turns_text WHERE turns_text MATCH ?1 ORDER BY rowid DESC {inner}) x
         CROSS JOIN cat.turns t ON t.id = x.rowid CROSS JOIN cat.calls c ON c.id = t.call
         WHERE 1{conditions} ORDER BY t.id DESC {outer}"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |r| {
        let (call_id, date, agent, index) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        Ok(Turn { call_id, date, agent, index, role: r.get(4)?, start_ms: r.get(5)?, text: r.get(6)? })
    })?;
    let mut turns: Vec<Turn> = rows.collect::<rusqlite::Result<_>>()?;
    let more = turns.len() > PAGE;
    turns.truncate(PAGE);
    let cut = !conditions.is_empty() && is_cut(conn, &words)?;
    Ok(Found { turns, more, cut })
}

/// Whether more turns say so than are looked at.
fn is_cut(conn: &Connection, words: &str) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT count(*) = {TURNS} FROM (SELECT rowid FROM cat.turns_text WHERE turns_text MATCH ?1 LIMIT {TURNS})"
    );
    conn.prepare_cached(&sql)?.query_row([words], |r| r.get(0))
}

pub(super) fn filters(l: Lang, a: &Asked, units: &[String]) -> Markup {
    html! {
        form.filters action="/search" method="get" {
            input type="hidden" name="q" value=(a.q);
            label { (l.t("从", "from")) input type="date" name="from" value=(a.from); }
            label { (l.t("到", "to")) input type="date" name="to" value=(a.to); }
            label { (l.t("工号或姓名", "agent")) input name="agent" value=(a.agent) size="8"; }
            label { (l.t("班组", "unit")) select name="unit" { option value="" { (l.t("全部", "any")) }
                @for unit in units { option value=(unit) selected[*unit == a.unit] { (unit) } } } }
            label { (l.t("谁说的", "said by")) select name="role" { option value="" { (l.t("双方", "both")) }
                @for role in ["agent", "customer"] { option value=(role) selected[role == a.role] { (speaker(l, role)) } } } }
            button type="submit" { (l.t("筛选", "filter")) }
            a href=(format!("/search?q={}", crate::pages::url(&a.q))) { (l.t("清除", "clear")) }
        }
    }
}

pub(super) fn table(person: &Person, found: &Found, q: &str, standings: &HashMap<String, Standing>) -> Markup {
    let l = person.lang;
    html! { div.wide { table.calls { tbody { @for t in &found.turns { tr {
        td { a href=(format!("{}#t{}", person.call_url(&t.call_id), t.index)) { (t.date) } small { (call_name(person, &t.call_id)) (copied(l, &call_name(person, &t.call_id))) " · " (l.t("通话中 ", "at ")) (clock(t.start_ms)) (l.t("", " of the call")) } }
        td { (t.agent) } td { (chip(person, standings.get(&t.call_id))) }
        td.text { (speaker(l, &t.role)) (l.t("：", ": ")) (highlit(&visible(person, &t.text), q)) }
    } } } } } }
}
