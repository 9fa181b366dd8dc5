//! The own calls of an agent, for whom there is no queue.

use std::collections::HashMap;

use maud::{Markup, html};
use rusqlite::{Connection, params};

use crate::app::App;
use crate::auth::Person;
use crate::catalog::standing::Standing;
use crate::figures::period::Period;
use crate::pages::chip::chip;
use crate::pages::pager::Pages;
use crate::pages::parts::call_name;
use crate::pages::{clock, when};

/// Calls on a page.
pub(super) const PAGE: usize = 200;

/// A call of the agent that the machine understood.
pub(super) struct OwnCall {
    call_id: String,
    date: String,
    started_us: Option<i64>,
    duration_ms: i64,
    queue: String,
}

impl OwnCall {
    pub(super) fn id(&self) -> &str {
        &self.call_id
    }
}

/// A page of them, the newest first.
pub(super) fn read(conn: &Connection, agent: &str, p: &Period, pages: Pages) -> rusqlite::Result<Vec<OwnCall>> {
    let sql = "SELECT call_id, date, started_us, duration_ms, queue FROM cat.calls
               WHERE agent_id = ?1 AND date BETWEEN ?2 AND ?3 AND status = 'ok'
               ORDER BY date DESC, started_us DESC, call_id LIMIT ?4 OFFSET ?5";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![agent, p.from, p.to, PAGE as i64, pages.offset() as i64], |r| {
        let (call_id, date, started_us) = (r.get(0)?, r.get(1)?, r.get(2)?);
        Ok(OwnCall { call_id, date, started_us, duration_ms: r.get(3)?, queue: r.get(4)? })
    })?;
    rows.collect()
}

/// The list; `all` calls there are on all pages.
pub(super) fn list(
    app: &App,
    person: &Person,
    (calls, standings): (&[OwnCall], &HashMap<String, Standing>),
    all: i64,
    pager: &Markup,
) -> Markup {
    let l = person.lang;
    html! {
        section #calls { h2 { (l.t("我的通话", "calls")) " " small { (all) } }
            @if calls.is_empty() { p.empty { (l.t("这段时间没有通话。", "No calls in this period.")) } } @else {
                table {
                    thead { tr { th scope="col" { (l.t("时间", "time")) } th scope="col" { (l.t("状态", "state")) } th scope="col" { (l.t("队列", "queue")) } th.num scope="col" { (l.t("时长", "length")) } } }
                    tbody { @for c in calls { tr {
                        td { a href=(person.call_url(&c.call_id)) { (c.started_us.map_or_else(|| c.date.clone(), |t| when(app, t))) } small { (call_name(person, &c.call_id)) } }
                        td { (chip(person, standings.get(&c.call_id))) } td { (c.queue) } td.num { (clock(c.duration_ms)) }
                    } } }
                }
                (pager)
            }
        }
    }
}
