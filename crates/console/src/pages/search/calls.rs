//! Calls by their number or their customer, and agents by number or name.

use rusqlite::{Connection, params};

use crate::auth::Person;
use crate::catalog::CallRow;
use crate::pages::parts::{call_name, visible};

/// Calls and agents that are shown.
const SHOWN: usize = 20;
/// Shorter pieces are looked for at the beginning of numbers only: all calls have them somewhere.
const INSIDE: usize = 4;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) calls: Vec<CallRow>,
    /// There are more.
    pub(super) more: bool,
    /// The first call has just this number.
    pub(super) exact: bool,
    /// A customer's number was asked for, and this person may not see any.
    pub(super) hidden: bool,
    /// Numbers and names.
    pub(super) agents: Vec<(String, String)>,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.agents.is_empty()
    }
}

/// What a person may find: of numbers that are masked for the person, what is hidden is not found either, or one could guess it
/// digit by digit.
pub(super) fn find(conn: &Connection, person: &Person, q: &str) -> rusqlite::Result<Found> {
    let mut out = Found::default();
    if q.is_empty() {
        return Ok(out);
    }
    out.hidden = !person.sees_numbers() && callsift_text::mask(q) != q;
    out.agents = agents(conn, q, person.team())?;
    let readable = |c: &CallRow| {
        let shows = |shown: String| shown.to_lowercase().contains(&q.to_lowercase());
        shows(call_name(person, &c.call_id)) || c.customer_id.as_ref().is_some_and(|id| shows(visible(person, id)))
    };
    let own = |c: &CallRow| person.team().is_none_or(|team| c.unit == team);
    for id in ids(conn, q, person.team())? {
        // Those that only differ in what is hidden fall out here.
        let Some(call) = CallRow::find(conn, &id)?.filter(|c| own(c) && readable(c)) else { continue };
        if !out.calls.iter().any(|c| c.id == call.id) {
            out.calls.push(call);
        }
    }
    out.more = out.calls.len() > SHOWN;
    out.calls.truncate(SHOWN);
    out.exact = out.calls.first().is_some_and(|c| c.call_id == q);
    if out.exact {
        out.calls.truncate(1);
    }
    Ok(out)
}

/// Calls whose number or customer begins so; where no number does, those that have it inside. Of a team where only
/// its calls are the reader's: what others have must not fill the list.
fn ids(conn: &Connection, q: &str, team: Option<&str>) -> rusqlite::Result<Vec<String>> {
    // More than are shown, since some may fall out.
    let most = 5 * SHOWN as i64;
    let after = format!("{q}\u{10ffff}");
    let begin =
        "SELECT call_id FROM (SELECT call_id, 0 AS n FROM cat.calls WHERE call_id >= ?1 AND call_id < ?2
                   AND (?4 IS NULL OR unit = ?4) LIMIT ?3)
                 UNION SELECT call_id FROM (SELECT call_id FROM cat.calls
                   WHERE customer_id >= ?1 AND customer_id < ?2 AND (?4 IS NULL OR unit = ?4) ORDER BY date DESC LIMIT ?3)
                 ORDER BY 1";
    let read = |sql: &str| -> rusqlite::Result<Vec<String>> {
        let mut statement = conn.prepare_cached(sql)?;
        statement.query_map(params![q, after, most, team], |r| r.get(0))?.collect()
    };
    let found = read(begin)?;
    // Over the index of numbers: tens of milliseconds where there are hundreds of thousands.
    if found.is_empty() && q.chars().count() >= INSIDE && q.chars().any(|c| c.is_ascii_digit()) {
        return read(
            "SELECT call_id FROM cat.calls WHERE instr(call_id, ?1) > 0 AND ?2 = ?2 AND (?4 IS NULL OR unit = ?4)
             ORDER BY call_id LIMIT ?3",
        );
    }
    Ok(found)
}

/// Agents whose number begins so, or whose name has it; for a team those who had calls in it.
fn agents(conn: &Connection, q: &str, team: Option<&str>) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT agent_id, max(agent_name) FROM cat.agents
               WHERE agent_id <> '' AND (agent_id = ?1 OR instr(agent_name, ?1) > 0
                 OR (length(?1) > 1 AND substr(agent_id, 1, length(?1)) = ?1))
                 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM cat.calls c WHERE c.agent_id = agents.agent_id AND c.unit = ?3))
               GROUP BY agent_id ORDER BY agent_id <> ?1, agent_id LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    statement.query_map(params![q, SHOWN as i64, team], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

#[cfg(test)]
mod tests {
    use callsift_reviews::{Role, Session, User};

    use super::find;
    use crate::addresses::Addresses;
    use crate::auth::{Person, Waiting};
    use crate::figures::tests::centre;
    use crate::lang::Lang;

    fn person(may_see_numbers: bool) -> Person {
        let user = User {
            id: 1,
            name: "r1".into(),
            display: "R1".into(),
            role: Role::Reviewer,
            agent_id: None,
            unit: None,
            may_see_numbers,
            disabled: false,
        };
        let session = Session { user, csrf: String::new() };
        let addresses = Addresses::new(String::new());
        Person { session, lang: Lang::Zh, waiting: Waiting::default(), addresses, unread: Vec::new() }
    }

    #[test]
    fn hidden_numbers_are_not_found_by_guessing() {
        let (dir, db) = centre();
        let conn = rusqlite::Connection::open(crate::app::catalog_path(dir.path())).unwrap();
        conn.execute_batch(
            "UPDATE calls SET customer_id = '13912345678' WHERE call_id = 'c1';
             UPDATE calls SET customer_id = 'K-0815' WHERE call_id = 'c2';
             UPDATE calls SET call_id = '20261116-0042' WHERE call_id = 'c3';
             UPDATE calls SET call_id = 'rec-13712345678' WHERE call_id = 'c4';",
        )
        .unwrap();
        let ids = |q: &str, sees| -> Vec<String> {
            find(db.connection(), &person(sees), q).unwrap().calls.into_iter().map(|c| c.call_id).collect()
        };
        assert_eq!((ids("13912345678", true), ids("1391", true)), (vec!["c1".to_owned()], vec!["c1".to_owned()]));
        assert!(ids("13912345678", false).is_empty() && ids("1391", false).is_empty());
        assert!(find(db.connection(), &person(false), "13912345678").unwrap().hidden);
        assert_eq!(ids("K-08", false), ["c2"], "what nobody hides is found");
        assert_eq!(
            (ids("20261116-0042", false), ids("0042", false)),
            (vec!["20261116-0042".to_owned()], vec!["20261116-0042".to_owned()])
        );
        assert_eq!((ids("rec-1371", true).len(), ids("rec-1371", false).len(), ids("rec-", false).len()), (1, 0, 1));
        assert!(find(db.connection(), &person(false), "20261116-0042").unwrap().exact);
        let agents = |q: &str| find(db.connection(), &person(false), q).unwrap().agents;
        assert_eq!((agents("张7"), agents("7").len(), agents("%").len()), (vec![("7".into(), "张7".into())], 1, 0));
    }
}
