//! The audit log, newest first; for the administrator.

mod words;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use callsift_reviews::{AuditEntry, Role};
use maud::{Markup, html};
use rusqlite::{Connection, params};

use crate::app::{App, Shared};
use crate::auth::Person;
use crate::figures::period::Period;
use crate::page_error::PageError;
use crate::pages::layout::page;
use crate::pages::parts::call_name;
use crate::pages::queue::day;
use crate::pages::{url, when};

/// Lines on a page.
const PAGE: usize = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/audit", get(show))
}

/// What to list; empty texts mean whatever.
#[derive(Debug, Default)]
struct Asked {
    who: String,
    action: String,
    from: String,
    to: String,
    /// First and last microsecond of these days.
    between: Option<(i64, i64)>,
    /// Only lines older than this row.
    before: Option<i64>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Markup, PageError> {
    person.must_be(Role::Admin)?;
    let text = |name: &str| query.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
    let (from, to) = (day(text("from"))?, day(text("to"))?);
    let ends = |day: &str, other: &str| if day.is_empty() { other.to_owned() } else { day.to_owned() };
    let days = Period::strict(&ends(&from, "2000-01-01"), &ends(&to, "2999-12-31"));
    let between = days.map(|days| days.times(app.options.utc_offset_s));
    let before = text("before").parse().ok();
    let asked = Asked { who: text("who"), action: text("action"), from, to, between, before };
    let (asked, lines, actions) = app
        .run(move |db| {
            let lines = lines(db.connection(), &asked)?;
            let actions = actions(db.connection())?;
            Ok((asked, lines, actions))
        })
        .await?;
    Ok(view(&app, &person, &asked, &lines, &actions))
}

fn lines(conn: &Connection, asked: &Asked) -> rusqlite::Result<Vec<(i64, AuditEntry)>> {
    // A decision names its appeal, and the appeal its call.
    let sql = "SELECT id, at_us, who, action,
                 CASE WHEN action = 'decide' AND call_id IS NULL AND detail LIKE 'appeal %' THEN
                   (SELECT v.call_id FROM appeals p JOIN verdicts v ON v.id = p.verdict_id
                    WHERE p.id = CAST(substr(detail, 8) AS INTEGER)) ELSE call_id END,
                 detail FROM audit
               WHERE (?1 = '' OR who = ?1) AND (?2 = '' OR action = ?2) AND id < ?3
                 AND at_us BETWEEN ?5 AND ?6 ORDER BY id DESC LIMIT ?4";
    let mut statement = conn.prepare_cached(sql)?;
    let before = asked.before.unwrap_or(i64::MAX);
    let (from_us, to_us) = asked.between.unwrap_or((i64::MIN, i64::MAX));
    let rows = statement.query_map(params![asked.who, asked.action, before, PAGE as i64, from_us, to_us], |r| {
        let (at_us, who, action) = (r.get(1)?, r.get(2)?, r.get(3)?);
        Ok((r.get(0)?, AuditEntry { at_us, who, action, call_id: r.get(4)?, detail: r.get(5)? }))
    })?;
    rows.collect()
}

fn actions(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT action FROM audit ORDER BY 1 LIMIT 100")?;
    statement.query_map([], |r| r.get(0))?.collect()
}

fn view(app: &App, person: &Person, asked: &Asked, lines: &[(i64, AuditEntry)], actions: &[String]) -> Markup {
    let l = person.lang;
    page(
        person,
        l.t("操作日志", "audit log"),
        "/audit",
        &html! {
            main {
                div.bar { h1 { (l.t("操作日志", "audit log")) } }
                form.filters action="/audit" method="get" {
                    label { (l.t("从", "from")) input type="date" name="from" value=(asked.from); }
                    label { (l.t("到", "to")) input type="date" name="to" value=(asked.to); }
                    label { (l.t("登录名", "login")) input name="who" value=(asked.who); }
                    label { (l.t("操作", "action")) select name="action" { option value="" { (l.t("全部", "any")) }
                        @for a in actions { option value=(a) selected[*a == asked.action] { (words::action(l, a)) } } } }
                    button type="submit" { (l.t("筛选", "filter")) }
                    a href="/audit" { (l.t("清除", "clear")) }
                }
                @if lines.is_empty() { p.empty { (l.t("这些条件下没有记录，清除筛选看全部。", "No lines fit; clear the filter to see all.")) } } @else { div.wide { table.calls {
                    caption.unseen { (l.t("日志", "Log")) }
                    thead { tr { th scope="col" { (l.t("时间", "time")) } th scope="col" { (l.t("谁", "who")) } th scope="col" { (l.t("操作", "action")) } th scope="col" { (l.t("通话", "call")) } th scope="col" { (l.t("详情", "detail")) } } }
                    tbody { @for (_, e) in lines { tr {
                        td { (when(app, e.at_us)) } td { (e.who) } td { (words::action(l, &e.action)) }
                        td { @if let Some(id) = &e.call_id { a href=(person.call_url(id)) { (call_name(person, id)) } } } td.text { (words::detail(app, l, e)) }
                    } } }
                } } }
                p.pager { @if lines.len() == PAGE { @if let Some((last, _)) = lines.last() {
                    a href=(format!("/audit?from={}&to={}&who={}&action={}&before={last}", asked.from, asked.to, url(&asked.who), url(&asked.action))) rel="next" { (l.t("更早 ▸", "older ▸")) } } } }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{Asked, actions, lines};

    #[test]
    fn the_log_is_filtered_and_paged() {
        let dir = tempfile::tempdir().unwrap();
        let db = callsift_reviews::Db::open(&dir.path().join("reviews.db")).unwrap();
        for i in 0..150 {
            db.log(i, if i % 2 == 0 { "a" } else { "b" }, if i < 10 { "login" } else { "listen" }, None, "").unwrap();
        }
        let of = |asked: &Asked| lines(db.connection(), asked).unwrap();
        let first = of(&Asked::default());
        assert_eq!((first.len(), first[0].1.at_us), (100, 149), "newest first");
        let days = of(&Asked { between: Some((20, 29)), ..Asked::default() });
        assert_eq!((days.len(), days[0].1.at_us, days[9].1.at_us), (10, 29, 20), "both ends belong to it");
        let rest = of(&Asked { before: Some(first[99].0), ..Asked::default() });
        assert_eq!((rest.len(), rest[0].1.at_us), (50, 49));
        let some = of(&Asked { who: "b".into(), action: "login".into(), ..Asked::default() });
        assert_eq!(some.iter().map(|l| l.1.at_us).collect::<Vec<_>>(), [9, 7, 5, 3, 1]);
        assert!(of(&Asked { who: "' OR 1 --".into(), ..Asked::default() }).is_empty());
        assert_eq!(actions(db.connection()).unwrap(), ["listen", "login"]);
    }
}
