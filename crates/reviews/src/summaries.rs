//! 监听分析表 as a workflow: draft → submitted → approved, or returned with a remark. Each step is a row that stays; the
//! copy that was submitted is what is approved.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::db::Db;
use crate::error::{Invalid, ReviewsError, TooLate};
use crate::receipts::Parts;

/// So long the manager may take (REQUIREMENTS C4): 3 days.
pub const APPROVE_WITHIN_US: i64 = 3 * 86_400_000_000;

/// How far a summary is; without a step it is a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// 已提交: waits for the manager.
    Submitted,
    /// 已审批: final.
    Approved,
    /// 已退回: a draft again.
    Returned,
}

impl Step {
    /// Name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Returned => "returned",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "submitted" => Self::Submitted,
            "approved" => Self::Approved,
            // The table's CHECK lets no other word in.
            _ => Self::Returned,
        }
    }
}

/// A step of a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryStep {
    /// Row.
    pub id: i64,
    /// Team.
    pub unit: String,
    /// `2026-11-1`, `2026-11-2` or `2026-11`.
    pub period: String,
    /// What was done.
    pub step: Step,
    /// What whoever did it wrote.
    pub remark: String,
    /// Who, by display name.
    pub by: String,
    /// Who.
    pub user_id: i64,
    /// When, microseconds since the epoch.
    pub at_us: i64,
    /// Until when it is to be decided, where it was submitted.
    pub deadline_us: Option<i64>,
}

/// A summary to be submitted.
#[derive(Debug, Clone)]
pub struct NewSummary {
    /// Team.
    pub unit: String,
    /// Period by name.
    pub period: String,
    /// The frozen copy, JSON.
    pub content: String,
    /// What is to be said with it.
    pub remark: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
    /// The step that the person saw as the last one.
    pub before: Option<i64>,
}

/// A part of an approved summary that an agent is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryPart {
    /// The step that approved it.
    pub step_id: i64,
    /// Team.
    pub unit: String,
    /// Period by name.
    pub period: String,
    /// When it was approved.
    pub at_us: i64,
    /// When the agent signed it.
    pub signed_us: Option<i64>,
}

const PARTS: Parts = Parts { key: "step_id", agents: "summary_agents", receipts: "summary_receipts", what: "summary" };
const COLUMNS: &str = "s.id, s.unit, s.period, s.step, s.remark, u.display, s.user_id, s.at_us, s.deadline_us";

fn from_row(r: &Row<'_>) -> rusqlite::Result<SummaryStep> {
    Ok(SummaryStep {
        id: r.get(0)?,
        unit: r.get(1)?,
        period: r.get(2)?,
        step: Step::parse(&r.get::<_, String>(3)?),
        remark: r.get(4)?,
        by: r.get(5)?,
        user_id: r.get(6)?,
        at_us: r.get(7)?,
        deadline_us: r.get(8)?,
    })
}

fn last(conn: &Connection, unit: &str, period: &str) -> Result<Option<SummaryStep>, ReviewsError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM current_summaries s JOIN users u ON u.id = s.user_id WHERE s.unit = ?1 AND s.period = ?2"
    );
    Ok(conn.prepare_cached(&sql)?.query_row([unit, period], from_row).optional()?)
}

impl Db {
    /// Submits a draft, or what was returned, with its frozen copy.
    ///
    /// # Errors
    /// Another step stands than the person saw; it is submitted or approved already.
    pub fn submit_summary(&mut self, new: &NewSummary) -> Result<i64, ReviewsError> {
        self.alone(|conn| {
            let last = last(conn, &new.unit, &new.period)?;
            if last.as_ref().map(|l| l.id) != new.before {
                return Err(ReviewsError::Overtaken { by: last.map_or_else(String::new, |l| l.by) });
            }
            if last.is_some_and(|l| l.step != Step::Returned) {
                return Err(TooLate::Submitted.into());
            }
            let sql =
                "INSERT INTO summary_steps (unit, period, step, content, remark, user_id, at_us, deadline_us, before)
                       VALUES (?1, ?2, 'submitted', ?3, ?4, ?5, ?6, ?7, ?8)";
            let deadline_us = new.at_us + APPROVE_WITHIN_US;
            let n = new;
            conn.execute(
                sql,
                params![n.unit, n.period, n.content, n.remark.trim(), n.user_id, n.at_us, deadline_us, n.before],
            )?;
            Ok(conn.last_insert_rowid())
        })
    }

    /// Approves what was submitted, or returns it with a remark. With the approval each of `agents` gets a part to
    /// sign.
    ///
    /// # Errors
    /// It was decided or replaced meanwhile; it is returned without a remark; it is the person's own.
    pub fn decide_summary(
        &mut self,
        submitted: i64,
        approved: bool,
        remark: &str,
        agents: &[String],
        (user_id, now_us): (i64, i64),
    ) -> Result<i64, ReviewsError> {
        if !approved && remark.trim().is_empty() {
            return Err(Invalid::ReturnReason.into());
        }
        self.alone(|conn| {
            let sql =
                format!("SELECT {COLUMNS} FROM current_summaries s JOIN users u ON u.id = s.user_id WHERE s.id = ?1");
            let found = conn.query_row(&sql, [submitted], from_row).optional()?;
            let Some(s) = found.filter(|s| s.step == Step::Submitted) else {
                return Err(TooLate::SummaryDecided.into());
            };
            if s.user_id == user_id {
                return Err(Invalid::OwnSummary.into());
            }
            let step = if approved { Step::Approved } else { Step::Returned };
            let sql = "INSERT INTO summary_steps (unit, period, step, remark, user_id, at_us, before)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            conn.execute(sql, params![s.unit, s.period, step.as_str(), remark.trim(), user_id, now_us, s.id])?;
            let id = conn.last_insert_rowid();
            for agent in agents.iter().filter(|a| approved && !a.is_empty()) {
                conn.execute("INSERT INTO summary_agents (step_id, agent_id) VALUES (?1, ?2)", params![id, agent])?;
            }
            Ok(id)
        })
    }

    /// The last step of a summary; nothing while it is a draft that nobody submitted.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn summary(&self, unit: &str, period: &str) -> Result<Option<SummaryStep>, ReviewsError> {
        last(&self.conn, unit, period)
    }

    /// The last steps of all summaries of these periods, in order of period and team.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn summaries(&self, periods: &[String]) -> Result<Vec<SummaryStep>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM current_summaries s JOIN users u ON u.id = s.user_id
             WHERE s.period = ?1 ORDER BY s.unit"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut out = Vec::new();
        for period in periods {
            out.extend(statement.query_map([period], from_row)?.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(out)
    }

    /// Summaries that wait for somebody: submitted ones, the most urgent first, then returned ones.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open_summaries(&self) -> Result<Vec<SummaryStep>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM current_summaries s JOIN users u ON u.id = s.user_id
             WHERE s.step <> 'approved' ORDER BY s.step = 'returned', s.deadline_us, s.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// All that became of a summary, the first step first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn summary_history(&self, unit: &str, period: &str) -> Result<Vec<SummaryStep>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM summary_steps s JOIN users u ON u.id = s.user_id
             WHERE s.unit = ?1 AND s.period = ?2 ORDER BY s.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        Ok(statement.query_map([unit, period], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The frozen copy behind a step: its own, or that of what it decided.
    ///
    /// # Errors
    /// There is no such step.
    pub fn summary_content(&self, step_id: i64) -> Result<String, ReviewsError> {
        let sql = "SELECT coalesce(s.content, b.content) FROM summary_steps s
                   LEFT JOIN summary_steps b ON b.id = s.before WHERE s.id = ?1";
        let found =
            self.conn.prepare_cached(sql)?.query_row([step_id], |r| r.get::<_, Option<String>>(0)).optional()?;
        found.flatten().ok_or(ReviewsError::Missing("summary"))
    }

    /// The parts of approved summaries that concern an agent, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn summary_parts(&self, agent_id: &str) -> Result<Vec<SummaryPart>, ReviewsError> {
        let sql = "SELECT s.id, s.unit, s.period, s.at_us, r.at_us FROM summary_agents a JOIN summary_steps s ON s.id = a.step_id
                   LEFT JOIN summary_receipts r ON r.step_id = a.step_id AND r.agent_id = a.agent_id
                   WHERE a.agent_id = ?1 ORDER BY s.id DESC";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([agent_id], |r| {
            let (step_id, unit, period, at_us) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
            Ok(SummaryPart { step_id, unit, period, at_us, signed_us: r.get(4)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Signs the own part of an approved summary. Whoever signed it before keeps the first time.
    ///
    /// # Errors
    /// The summary holds no part of this agent.
    pub fn sign_summary(
        &mut self,
        step_id: i64,
        agent_id: &str,
        user_id: i64,
        now_us: i64,
    ) -> Result<(), ReviewsError> {
        self.alone(|conn| PARTS.sign(conn, (step_id, agent_id), user_id, now_us))
    }

    /// Who signed a summary, and when, by agent.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn summary_receipts(&self, step_id: i64) -> Result<Vec<(String, i64)>, ReviewsError> {
        let sql = "SELECT agent_id, at_us FROM summary_receipts WHERE step_id = ?1 ORDER BY agent_id";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_map([step_id], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{APPROVE_WITHIN_US, NewSummary, Step};
    use crate::db::Db;
    use crate::db::tests::centre;

    fn submit(db: &mut Db, content: &str, before: Option<i64>) -> Result<i64, crate::ReviewsError> {
        let (unit, period, content) = ("一组".into(), "2026-11-1".into(), content.into());
        db.submit_summary(&NewSummary {
            unit, period, content, remark: " 培训 ".into(), user_id: 4, at_us: 10, before
        })
    }

    #[test]
    fn a_summary_is_returned_approved_and_signed_and_never_changes() {
        let (_dir, mut db) = centre();
        let agents = ["8001".to_owned(), String::new()];
        let first = submit(&mut db, "1", None).unwrap();
        assert!(submit(&mut db, "x", None).is_err(), "it is submitted");
        assert!(submit(&mut db, "x", Some(first)).is_err(), "and not returned");
        assert!(db.decide_summary(first, true, "", &agents, (4, 11)).is_err(), "nobody approves the own one");
        assert!(db.decide_summary(first, false, " ", &agents, (3, 11)).is_err(), "returned without a word");
        let returned = db.decide_summary(first, false, "缺培训计划", &agents, (3, 11)).unwrap();
        assert!(db.decide_summary(first, true, "", &agents, (3, 12)).is_err(), "decided");
        assert!(submit(&mut db, "x", Some(first)).is_err(), "not what stands");
        assert!(db.summary_parts("8001").unwrap().is_empty());
        let second = submit(&mut db, "2", Some(returned)).unwrap();
        assert!(db.sign_summary(second, "8001", 1, 13).is_err(), "not approved");
        let approved = db.decide_summary(second, true, "", &agents, (3, 12)).unwrap();
        assert_eq!(
            (db.summary_content(approved).unwrap(), db.summary_content(first).unwrap()),
            ("2".into(), "1".into())
        );
        assert!(submit(&mut db, "3", Some(approved)).is_err(), "final");
        let steps = db.summary_history("一组", "2026-11-1").unwrap();
        let words: Vec<_> = steps.iter().map(|s| (s.step, s.remark.as_str(), s.deadline_us)).collect();
        let due = Some(10 + APPROVE_WITHIN_US);
        let as_done = [
            (Step::Submitted, "培训", due),
            (Step::Returned, "缺培训计划", None),
            (Step::Submitted, "培训", due),
            (Step::Approved, "", None),
        ];
        assert_eq!(words, as_done);
        assert_eq!(db.summaries(&["2026-11-1".into(), "2026-11".into()]).unwrap(), steps[3..]);
        assert!(db.sign_summary(approved, "9999", 1, 13).is_err(), "no part of it");
        db.sign_summary(approved, "8001", 1, 13).unwrap();
        db.sign_summary(approved, "8001", 1, 14).unwrap();
        assert_eq!(db.summary_receipts(approved).unwrap(), [("8001".to_owned(), 13)]);
        assert_eq!(db.summary_parts("8001").unwrap()[0].signed_us, Some(13));
        for forged in [
            "UPDATE summary_steps SET content = '9'",
            "DELETE FROM summary_steps",
            "INSERT OR REPLACE INTO summary_steps (id, unit, period, step, content, remark, user_id, at_us, deadline_us)
             VALUES (1, '一组', '2026-11-1', 'submitted', '9', '', 4, 1, 2)",
            "DELETE FROM summary_receipts",
            "UPDATE summary_receipts SET at_us = 1",
            "DELETE FROM summary_agents",
        ] {
            assert!(db.connection().execute(forged, []).is_err(), "{forged}");
        }
    }
}
