//! Faults that are raised the same day (REQUIREMENTS C7): what was raised, who acknowledged it, and what is still to
//! be told to another system.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::db::Db;
use crate::error::ReviewsError;
use crate::password;

/// Why something was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaisedKind {
    /// A grave fault was confirmed and submitted.
    Grave,
    /// A reviewer flagged it.
    Flag,
}

impl RaisedKind {
    /// Name in the database and in what is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grave => "grave",
            Self::Flag => "flag",
        }
    }
}

/// Something to be raised.
#[derive(Debug, Clone)]
pub struct NewRaised {
    /// Why.
    pub kind: RaisedKind,
    /// Call.
    pub call_id: String,
    /// Team of the call.
    pub unit: String,
    /// Agent of the call.
    pub agent_id: String,
    /// Rule; empty where it is about none.
    pub rule_id: String,
    /// Severity of the rule; empty where it is about none.
    pub severity: String,
    /// From and to in the call, milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What the reviewer wrote.
    pub note: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
}

/// Something that was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Row.
    pub id: i64,
    /// What receivers know it by.
    pub event: String,
    /// Why.
    pub kind: RaisedKind,
    /// Call.
    pub call_id: String,
    /// Team of the call.
    pub unit: String,
    /// Agent of the call.
    pub agent_id: String,
    /// Rule; empty where it is about none.
    pub rule_id: String,
    /// Severity of the rule.
    pub severity: String,
    /// From and to in the call, milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What the reviewer wrote.
    pub note: String,
    /// Who raised it, by display name.
    pub by: String,
    /// When.
    pub at_us: i64,
    /// Remark, who by display name, and when it was acknowledged.
    pub ack: Option<(String, String, i64)>,
    /// The fault stands: it was flagged, or its rule is still confirmed in the call.
    pub stands: bool,
}

/// A notice that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub raised: Raised,
    /// How often it was tried.
    pub tries: u32,
}

const COLUMNS: &str =
    "r.id, r.event, r.kind, r.call_id, r.unit, r.agent_id, r.rule_id, r.severity, r.start_ms, r.end_ms, r.note,
    u.display, r.at_us, a.remark, b.display, a.at_us,
    r.kind = 'flag' OR EXISTS (SELECT 1 FROM published_verdicts v WHERE v.call_id = r.call_id AND v.slot = 0
      AND v.rule_id = r.rule_id AND v.verdict = 'confirmed')";
const TABLES: &str = "raised r JOIN users u ON u.id = r.user_id LEFT JOIN raised_acks a ON a.raised_id = r.id
    LEFT JOIN users b ON b.id = a.user_id";

fn from_row(r: &Row<'_>) -> rusqlite::Result<Raised> {
    let (start, end): (Option<i64>, Option<i64>) = (r.get(8)?, r.get(9)?);
    let acked: Option<i64> = r.get(15)?;
    let ack = match acked {
        Some(at_us) => Some((r.get(13)?, r.get(14)?, at_us)),
        None => None,
    };
    Ok(Raised {
        id: r.get(0)?,
        event: r.get(1)?,
        kind: if r.get::<_, String>(2)? == "flag" { RaisedKind::Flag } else { RaisedKind::Grave },
        call_id: r.get(3)?,
        unit: r.get(4)?,
        agent_id: r.get(5)?,
        rule_id: r.get(6)?,
        severity: r.get(7)?,
        span_ms: start.zip(end),
        note: r.get(10)?,
        by: r.get(11)?,
        at_us: r.get(12)?,
        ack,
        stands: r.get(16)?,
    })
}

/// Raises something. A grave fault that was raised for this call and rule before is not raised again.
pub(crate) fn raise(conn: &Connection, new: &NewRaised, notify: bool) -> Result<Option<i64>, ReviewsError> {
    let known = "SELECT 1 FROM raised WHERE kind = 'grave' AND call_id = ?1 AND rule_id = ?2";
    if new.kind == RaisedKind::Grave
        && conn.query_row(known, [&new.call_id, &new.rule_id], |_| Ok(())).optional()?.is_some()
    {
        return Ok(None);
    }
    let sql = "INSERT INTO raised (event, kind, call_id, unit, agent_id, rule_id, severity, start_ms, end_ms, note, user_id, at_us)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    conn.execute(
        sql,
        params![
            password::random_token()?,
            new.kind.as_str(),
            new.call_id,
            new.unit,
            new.agent_id,
            new.rule_id,
            new.severity,
            new.span_ms.map(|s| s.0),
            new.span_ms.map(|s| s.1),
            new.note,
            new.user_id,
            new.at_us
        ],
    )?;
    let id = conn.last_insert_rowid();
    if notify {
        conn.execute("INSERT INTO notices (raised_id, next_us) VALUES (?1, ?2)", params![id, new.at_us])?;
    }
    Ok(Some(id))
}

impl Db {
    /// Raises something; `notify` tells that another system is to be told.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn raise(&mut self, new: &NewRaised, notify: bool) -> Result<Option<i64>, ReviewsError> {
        self.alone(|conn| raise(conn, new, notify))
    }

    /// What was raised: open ones first, the oldest first, then the newest; of one team where one is given.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn raised(&self, unit: Option<&str>, open: bool) -> Result<Vec<Raised>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE (?1 IS NULL OR r.unit = ?1) AND (?2 = 0 OR a.raised_id IS NULL)
             ORDER BY a.raised_id IS NOT NULL, CASE WHEN a.raised_id IS NULL THEN r.id ELSE -r.id END"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        Ok(statement.query_map(params![unit, open], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none of this number.
    pub fn raised_one(&self, id: i64) -> Result<Raised, ReviewsError> {
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ?1");
        self.conn.prepare_cached(&sql)?.query_row([id], from_row).optional()?.ok_or(ReviewsError::Missing("fault"))
    }

    /// Acknowledges it, once. That it is the person's to do is the caller's to check.
    ///
    /// # Errors
    /// It was acknowledged before, or there is none of this number.
    pub fn acknowledge(&mut self, id: i64, remark: &str, user_id: i64, now_us: i64) -> Result<(), ReviewsError> {
        if remark.trim().is_empty() {
            return Err(crate::error::Invalid::AckRemark.into());
        }
        let raised = self.raised_one(id)?;
        if let Some((_, by, _)) = raised.ack {
            return Err(ReviewsError::Overtaken { by });
        }
        self.alone(|conn| {
            let sql = "INSERT INTO raised_acks (raised_id, remark, user_id, at_us) SELECT ?1, ?2, ?3, ?4
                       WHERE NOT EXISTS (SELECT 1 FROM raised_acks WHERE raised_id = ?1)";
            match conn.execute(sql, params![id, remark.trim(), user_id, now_us])? {
                1 => Ok(()),
                _ => Err(ReviewsError::Overtaken { by: String::new() }),
            }
        })
    }

    /// How many are open, and when the oldest of them was raised; of one team where one is given.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn raised_open(&self, unit: Option<&str>) -> Result<(i64, Option<i64>), ReviewsError> {
        let sql = "SELECT count(*), min(r.at_us) FROM raised r
                   WHERE (?1 IS NULL OR r.unit = ?1) AND NOT EXISTS (SELECT 1 FROM raised_acks a WHERE a.raised_id = r.id)";
        Ok(self.conn.prepare_cached(sql)?.query_row([unit], |r| Ok((r.get(0)?, r.get(1)?)))?)
    }

    /// Notices whose time has come, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn notices_due(&self, now_us: i64, most: u32) -> Result<Vec<Notice>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS}, n.tries FROM {TABLES} JOIN notices n ON n.raised_id = r.id
             WHERE n.sent_us IS NULL AND n.next_us <= ?1 ORDER BY n.next_us, r.id LIMIT ?2"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows =
            statement.query_map(params![now_us, most], |r| Ok(Notice { raised: from_row(r)?, tries: r.get(17)? }))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps that a notice was taken, or why not and when it is tried again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn notice_tried(
        &mut self,
        raised_id: i64,
        now_us: i64,
        failed: Option<(&str, i64)>,
    ) -> Result<(), ReviewsError> {
        let sql = "UPDATE notices SET tries = tries + 1, sent_us = ?2, failure = ?3, next_us = coalesce(?4, next_us)
                   WHERE raised_id = ?1 AND sent_us IS NULL";
        let sent = failed.is_none().then_some(now_us);
        self.alone(|conn| {
            let (why, next) = (failed.map_or("", |f| f.0), failed.map(|f| f.1));
            conn.execute(sql, params![raised_id, sent, why, next])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{NewRaised, RaisedKind};
    use crate::claims::Slot;
    use crate::db::Db;
    use crate::db::tests::centre;
    use crate::forms::With;
    use crate::forms::tests::form;
    use crate::verdicts::Judgement;
    use crate::verdicts::tests::verdict;

    fn fault(kind: RaisedKind, unit: &str) -> NewRaised {
        NewRaised {
            kind,
            call_id: "c1".into(),
            unit: unit.into(),
            agent_id: "8001".into(),
            rule_id: "greeting-missing".into(),
            severity: "fatal".into(),
            span_ms: Some((1, 2)),
            note: String::new(),
            user_id: 2,
            at_us: 5,
        }
    }

    fn submit(db: &mut Db, at_us: i64, before: Option<i64>) -> i64 {
        let raised = [fault(RaisedKind::Grave, "一组")];
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.submit_form_with(&form("c1", at_us, before), &With { raised: &raised, notify: true, ..With::default() })
            .unwrap()
    }

    #[test]
    fn a_grave_fault_is_raised_once_with_its_form() {
        let (_dir, mut db) = centre();
        let raised = [fault(RaisedKind::Grave, "一组")];
        let with = With { raised: &raised, ..With::default() };
        assert!(db.submit_form_with(&form("c1", 3, None), &with).is_err(), "not claimed");
        assert!(db.raised(None, false).unwrap().is_empty(), "nothing without its form");
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let said = db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        let first = submit(&mut db, 3, None);
        let again = submit(&mut db, 4, Some(first));
        let all = db.raised(None, true).unwrap();
        assert_eq!((all.len(), all[0].stands, all[0].span_ms), (1, true, Some((1, 2))));
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.record(&verdict(Judgement::Rejected, Some(said), 6)).unwrap();
        submit(&mut db, 7, Some(again));
        assert!(!db.raised_one(all[0].id).unwrap().stands, "the reviewer took it back");
        assert!(db.connection().execute("DELETE FROM raised", []).is_err());
    }

    #[test]
    fn it_is_open_for_its_team_until_somebody_acknowledges_it() {
        let (_dir, mut db) = centre();
        let one = db.raise(&fault(RaisedKind::Flag, "一组"), false).unwrap().unwrap();
        db.raise(&NewRaised { at_us: 9, ..fault(RaisedKind::Flag, "二组") }, false).unwrap();
        assert_eq!(db.raised(Some("一组"), true).unwrap().len(), 1);
        assert_eq!(
            (db.raised_open(None).unwrap(), db.raised_open(Some("二组")).unwrap()),
            ((2, Some(5)), (1, Some(9)))
        );
        assert!(db.acknowledge(one, " ", 4, 10).is_err(), "without a word");
        db.acknowledge(one, "已谈话", 4, 10).unwrap();
        assert!(db.acknowledge(one, "再次", 3, 11).is_err());
        assert_eq!(db.raised_one(one).unwrap().ack, Some(("已谈话".into(), "lead".into(), 10)));
        assert_eq!(db.raised_open(None).unwrap().0, 1);
        assert!(db.connection().execute("UPDATE raised_acks SET remark = ''", []).is_err());
    }

    #[test]
    fn a_notice_waits_until_it_is_taken() {
        let (_dir, mut db) = centre();
        let id = db.raise(&fault(RaisedKind::Flag, "一组"), true).unwrap().unwrap();
        db.raise(&fault(RaisedKind::Flag, "一组"), false).unwrap();
        assert!(db.notices_due(4, 9).unwrap().is_empty(), "before its time");
        assert_eq!(db.notices_due(5, 9).unwrap().len(), 1, "only where somebody is to be told");
        db.notice_tried(id, 6, Some(("503", 20))).unwrap();
        assert!(db.notices_due(19, 9).unwrap().is_empty());
        assert_eq!(db.notices_due(20, 9).unwrap()[0].tries, 1);
        db.notice_tried(id, 21, None).unwrap();
        assert!(db.notices_due(i64::MAX, 9).unwrap().is_empty());
    }
}
