//! Verdicts of people on findings, and violations that the machine missed.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::causes::Cause;
use crate::claims::{Slot, must_hold};
use crate::db::Db;
use crate::error::{Invalid, ReviewsError, TooLate};

/// What a person says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// 属实: it is a violation.
    Confirmed,
    /// 误报: it is none.
    Rejected,
    /// 存疑: cannot be decided.
    Unsure,
    /// A miss that was marked by mistake.
    Withdrawn,
}

impl Judgement {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::Rejected, Self::Unsure, Self::Withdrawn];

    /// Name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Unsure => "unsure",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|j| j.as_str() == name)
    }
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A finding of the machine.
    Finding,
    /// A violation that the machine did not find.
    Missed,
    /// The decision of an appeal.
    Appeal,
}

impl Source {
    /// Name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Missed => "missed",
            Self::Appeal => "appeal",
        }
    }
}

/// A verdict to be recorded.
#[derive(Debug, Clone)]
pub struct NewVerdict {
    /// Call.
    pub call_id: String,
    /// Which review.
    pub slot: Slot,
    /// Rule.
    pub rule_id: String,
    /// The place in the call, the same for the same evidence whatever the version of the rules.
    pub place: String,
    /// What it is about; a person gives [`Source::Finding`] or [`Source::Missed`].
    pub source: Source,
    /// What the person says.
    pub verdict: Judgement,
    /// Why, where it is rejected or doubted and the person says so.
    pub cause: Option<Cause>,
    /// Where in the recording, milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What was said there.
    pub text: Option<String>,
    /// Remark.
    pub note: String,
    /// Hash of the rules that made the finding.
    pub ruleset_hash: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
    /// The row that the person saw and replaces; `None` where there was none.
    pub before: Option<i64>,
}

/// A verdict as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRow {
    /// Row.
    pub id: i64,
    /// Call.
    pub call_id: String,
    /// Which review.
    pub slot: Slot,
    /// Rule.
    pub rule_id: String,
    /// Place.
    pub place: String,
    /// `finding`, `missed` or `appeal`.
    pub source: String,
    /// What was said.
    pub verdict: Judgement,
    /// Why.
    pub cause: Option<Cause>,
    /// Where, milliseconds.
    pub span_ms: Option<(i64, i64)>,
    /// What was said there.
    pub text: Option<String>,
    /// Remark.
    pub note: String,
    /// Hash of the rules that made the finding.
    pub ruleset_hash: String,
    /// Who, by display name.
    pub by: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
    /// The row that it replaced.
    pub before: Option<i64>,
}

/// A verdict that was handed in with a form, or decides an appeal against one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The verdict.
    pub verdict: VerdictRow,
    /// When the first version of the form that holds it was handed in; of a decision when it was made.
    pub published_us: i64,
}

const COLUMNS: &str = "v.id, v.call_id, v.slot, v.rule_id, v.place, v.source, v.verdict, v.start_ms, v.end_ms, v.text,
    v.note, v.ruleset_hash, u.display, v.user_id, v.at_us, v.before, v.cause";

fn from_row(r: &Row<'_>) -> rusqlite::Result<VerdictRow> {
    let verdict: String = r.get(6)?;
    let span: (Option<i64>, Option<i64>) = (r.get(7)?, r.get(8)?);
    let cause: Option<String> = r.get(16)?;
    Ok(VerdictRow {
        id: r.get(0)?,
        call_id: r.get(1)?,
        slot: Slot::of(r.get(2)?),
        rule_id: r.get(3)?,
        place: r.get(4)?,
        source: r.get(5)?,
        // The table's CHECK lets nothing else in.
        verdict: Judgement::parse(&verdict).unwrap_or(Judgement::Unsure),
        cause: cause.as_deref().and_then(Cause::parse),
        span_ms: span.0.zip(span.1),
        text: r.get(9)?,
        note: r.get(10)?,
        ruleset_hash: r.get(11)?,
        by: r.get(12)?,
        user_id: r.get(13)?,
        at_us: r.get(14)?,
        before: r.get(15)?,
    })
}

fn last_of(
    conn: &Connection,
    call_id: &str,
    slot: Slot,
    rule_id: &str,
    place: &str,
) -> rusqlite::Result<Option<(i64, String)>> {
    let sql = "SELECT v.id, u.display FROM current_verdicts v JOIN users u ON u.id = v.user_id
               WHERE v.call_id = ?1 AND v.slot = ?2 AND v.rule_id = ?3 AND v.place = ?4";
    let row = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?));
    conn.prepare_cached(sql)?.query_row(params![call_id, slot.number(), rule_id, place], row).optional()
}

/// Adds a verdict of who has the call, where nobody and no appeal came between.
fn add(conn: &Connection, verdict: &NewVerdict) -> Result<i64, ReviewsError> {
    if verdict.cause.is_some() && !verdict.verdict.has_cause() {
        return Err(Invalid::Cause.into());
    }
    must_hold(conn, &verdict.call_id, verdict.slot, verdict.user_id, verdict.at_us)?;
    let last = last_of(conn, &verdict.call_id, verdict.slot, &verdict.rule_id, &verdict.place)?;
    if last.as_ref().map(|l| l.0) != verdict.before {
        let by = last.map_or_else(String::new, |l| l.1);
        return Err(ReviewsError::Overtaken { by });
    }
    let under_appeal = "SELECT EXISTS (SELECT 1 FROM verdicts v LEFT JOIN appeals a ON a.verdict_id = v.id
                        WHERE v.id = ?1 AND (v.source = 'appeal' OR a.id IS NOT NULL))";
    if conn.query_row(under_appeal, [verdict.before], |r| r.get(0))? {
        return Err(TooLate::UnderAppeal.into());
    }
    insert(conn, verdict)
}

/// Adds a row; the caller made sure that nothing came between.
pub(crate) fn insert(conn: &Connection, v: &NewVerdict) -> Result<i64, ReviewsError> {
    let sql = "INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, start_ms, end_ms, text, note,
                 ruleset_hash, user_id, at_us, before, cause)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    conn.prepare_cached(sql)?.execute(params![
        v.call_id,
        v.slot.number(),
        v.rule_id,
        v.place,
        v.source.as_str(),
        v.verdict.as_str(),
        v.span_ms.map(|s| s.0),
        v.span_ms.map(|s| s.1),
        v.text,
        v.note,
        v.ruleset_hash,
        v.user_id,
        v.at_us,
        v.before,
        v.cause.map(Cause::as_str),
    ])?;
    Ok(conn.last_insert_rowid())
}

impl Db {
    /// Records a verdict. When this returns, it is on the disk.
    ///
    /// # Errors
    /// As [`Self::record_with`].
    pub fn record(&mut self, verdict: &NewVerdict) -> Result<i64, ReviewsError> {
        self.record_with(verdict, &[])
    }

    /// Records a verdict and what follows from it for other places of the call: all of it or nothing. A place under appeal keeps
    /// what the appeal says where it is one of the others. Gives the number of the first. When this returns, all is on the disk.
    ///
    /// # Errors
    /// [`ReviewsError::Claimed`] or [`ReviewsError::NotClaimed`]: the call is not this person's.
    /// [`ReviewsError::Overtaken`]: a place has a newer verdict than the person saw.
    /// [`ReviewsError::TooLate`]: an appeal decided it. [`Invalid::Cause`]: such a verdict has no cause.
    pub fn record_with(&mut self, verdict: &NewVerdict, others: &[NewVerdict]) -> Result<i64, ReviewsError> {
        self.alone(|conn| {
            let row = add(conn, verdict)?;
            for other in others {
                match add(conn, other) {
                    Ok(_) | Err(ReviewsError::TooLate(_)) => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(row)
        })
    }

    /// The verdicts that stand on a call, of one review.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn verdicts_of(&self, call_id: &str, slot: Slot) -> Result<Vec<VerdictRow>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM current_verdicts v JOIN users u ON u.id = v.user_id
             WHERE v.call_id = ?1 AND v.slot = ?2 ORDER BY v.start_ms, v.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![call_id, slot.number()], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The verdicts on a call that were handed in, as they were then, and what appeals made of them since: all that the agent may
    /// know. None where no form stands.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn published_of(&self, call_id: &str, slot: Slot) -> Result<Vec<Published>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS}, coalesce(v.published_us, v.at_us) FROM published_verdicts v JOIN users u ON u.id = v.user_id
             WHERE v.call_id = ?1 AND v.slot = ?2 ORDER BY v.start_ms, v.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![call_id, slot.number()], |r| {
            Ok(Published { verdict: from_row(r)?, published_us: r.get(17)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The row of a place that was marked and taken back, which a new mark on it replaces.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn withdrawn(
        &self,
        call_id: &str,
        slot: Slot,
        rule_id: &str,
        place: &str,
    ) -> Result<Option<i64>, ReviewsError> {
        let sql = "SELECT id FROM current_verdicts
                   WHERE call_id = ?1 AND slot = ?2 AND rule_id = ?3 AND place = ?4 AND verdict = 'withdrawn'";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row(params![call_id, slot.number(), rule_id, place], |r| r.get(0)).optional()?)
    }

    /// The verdict of a row of the history, standing or not.
    ///
    /// # Errors
    /// There is none.
    pub fn verdict(&self, id: i64) -> Result<VerdictRow, ReviewsError> {
        let sql = format!("SELECT {COLUMNS} FROM verdicts v JOIN users u ON u.id = v.user_id WHERE v.id = ?1");
        self.conn.query_row(&sql, [id], from_row).optional()?.ok_or(ReviewsError::Missing("verdict"))
    }

    /// In how many calls people confirmed, and only rejected, what the machine found, by rule; first reviews, as they stand.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn agreement_by_rule(&self) -> Result<Vec<(String, u64, u64)>, ReviewsError> {
        let sql = "SELECT rule_id, sum(yes), sum(no AND NOT yes) FROM
                     (SELECT rule_id, max(verdict = 'confirmed') AS yes, max(verdict = 'rejected') AS no
                      FROM current_verdicts WHERE slot = 0 AND NOT missed GROUP BY rule_id, call_id)
                   GROUP BY rule_id ORDER BY rule_id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], |r| {
            Ok((r.get(0)?, r.get::<_, i64>(1)?.unsigned_abs(), r.get::<_, i64>(2)?.unsigned_abs()))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What people said of a place, one after the other.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn history_of(
        &self,
        call_id: &str,
        slot: Slot,
        rule_id: &str,
        place: &str,
    ) -> Result<Vec<VerdictRow>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM verdicts v JOIN users u ON u.id = v.user_id
             WHERE v.call_id = ?1 AND v.slot = ?2 AND v.rule_id = ?3 AND v.place = ?4 ORDER BY v.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![call_id, slot.number(), rule_id, place], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The whole history in the order it was made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn history(&self) -> Result<Vec<VerdictRow>, ReviewsError> {
        let sql = format!("SELECT {COLUMNS} FROM verdicts v JOIN users u ON u.id = v.user_id ORDER BY v.id");
        let mut statement = self.conn.prepare(&sql)?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Judgement, NewVerdict, Source};
    use crate::claims::Slot;
    use crate::db::tests::centre;
    use crate::error::ReviewsError;

    /// A verdict of person 2 on call c1.
    pub(crate) fn verdict(verdict: Judgement, before: Option<i64>, at_us: i64) -> NewVerdict {
        NewVerdict {
            call_id: "c1".into(),
            slot: Slot::First,
            rule_id: "greeting-missing".into(),
            place: String::new(),
            source: Source::Finding,
            verdict,
            cause: None,
            span_ms: Some((0, 5000)),
            text: None,
            note: String::new(),
            ruleset_hash: "h".into(),
            user_id: 2,
            at_us,
            before,
        }
    }

    #[test]
    fn a_verdict_on_several_places_is_whole_or_not_there() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let at = |place: &str, before| NewVerdict { place: place.into(), ..verdict(Judgement::Rejected, before, 1) };
        let overtaken = db.record_with(&at("t1:0-2", None), &[at("t2:0-2", None), at("t3:0-2", Some(9))]);
        assert!(matches!(overtaken, Err(ReviewsError::Overtaken { .. })), "{overtaken:?}");
        assert!(db.history().unwrap().is_empty(), "nothing of it");
        let row = db.record_with(&at("t1:0-2", None), &[at("t2:0-2", None)]).unwrap();
        assert_eq!((db.verdict(row).unwrap().place.as_str(), db.history().unwrap().len()), ("t1:0-2", 2));
    }

    #[test]
    fn history_grows_and_the_last_row_stands() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let first = db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        let second = db.record(&verdict(Judgement::Rejected, Some(first), 2)).unwrap();
        let standing = db.verdicts_of("c1", Slot::First).unwrap();
        assert_eq!(standing.iter().map(|v| (v.id, v.verdict)).collect::<Vec<_>>(), [(second, Judgement::Rejected)]);
        assert_eq!(db.history().unwrap().len(), 2);
        assert!(db.verdicts_of("c1", Slot::Duplicate).unwrap().is_empty());
    }

    #[test]
    fn who_saw_an_older_state_or_lost_the_claim_is_told() {
        let (_dir, mut db) = centre();
        assert!(matches!(db.record(&verdict(Judgement::Confirmed, None, 1)), Err(ReviewsError::NotClaimed)));
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        let late = db.record(&verdict(Judgement::Rejected, None, 2));
        assert!(matches!(late, Err(ReviewsError::Overtaken { by }) if by == "r1"));
        db.claim("c1", Slot::First, 3, 101, 100).unwrap();
        let lost = db.record(&verdict(Judgement::Rejected, Some(1), 102));
        assert!(matches!(lost, Err(ReviewsError::Claimed { by, .. }) if by == "r2"));
    }
}
