//! Appeals (申诉): an agent disputes a confirmed violation, a lead decides once and for all.

use rusqlite::{OptionalExtension, Row, params};

use crate::claims::Slot;
use crate::db::Db;
use crate::error::{Invalid, ReviewsError, TooLate};
use crate::forms::take_off;
use crate::verdicts::{Judgement, NewVerdict, Source, insert};

/// So long after a verdict was handed in an agent may appeal: 7 days.
pub const MAY_APPEAL_US: i64 = 7 * 86_400_000_000;
/// So long a lead may take (REQUIREMENTS C4): 3 days.
pub const DECIDE_WITHIN_US: i64 = 3 * 86_400_000_000;

/// An appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Row.
    pub id: i64,
    /// The verdict that is disputed.
    pub verdict_id: i64,
    /// Its call.
    pub call_id: String,
    /// Its rule.
    pub rule_id: String,
    /// Its place.
    pub place: String,
    /// Who gave the verdict, by display name.
    pub reviewer: String,
    /// What the agent says.
    pub reason: String,
    /// The agent, by display name.
    pub by: String,
    /// When.
    pub at_us: i64,
    /// Until when it is to be decided.
    pub deadline_us: i64,
    /// The decision: granted or not, why, by whom, when.
    pub decision: Option<(bool, String, String, i64)>,
}

/// Which appeals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppealFilter<'a> {
    /// All.
    All,
    /// Those without a decision.
    Open,
    /// Those of one person.
    Of(i64),
    /// Those about one call.
    Call(&'a str),
}

fn from_row(r: &Row<'_>) -> rusqlite::Result<Appeal> {
    let upheld: Option<bool> = r.get(10)?;
    let decision = match upheld {
        Some(upheld) => Some((upheld, r.get(11)?, r.get(12)?, r.get(13)?)),
        None => None,
    };
    Ok(Appeal {
        id: r.get(0)?,
        verdict_id: r.get(1)?,
        call_id: r.get(2)?,
        rule_id: r.get(3)?,
        place: r.get(4)?,
        reviewer: r.get(5)?,
        reason: r.get(6)?,
        by: r.get(7)?,
        at_us: r.get(8)?,
        deadline_us: r.get(9)?,
        decision,
    })
}

impl Db {
    /// Makes an appeal against a confirmed violation that was handed in. That the call is the person's own is the caller's to check.
    ///
    /// # Errors
    /// The verdict does not stand, is not handed in, confirms nothing, is too old or was disputed before.
    pub fn appeal(&mut self, verdict_id: i64, reason: &str, user_id: i64, now_us: i64) -> Result<i64, ReviewsError> {
        if reason.trim().is_empty() {
            return Err(Invalid::AppealReason.into());
        }
        self.alone(|conn| {
            // What the reviewer is changing just now has a newer row, which an appeal could not come after.
            let sql = "SELECT v.verdict, v.source, v.published_us,
                         EXISTS (SELECT 1 FROM appeals a WHERE a.verdict_id = v.id),
                         EXISTS (SELECT 1 FROM verdicts n WHERE n.before = v.id)
                       FROM published_verdicts v WHERE v.id = ?1 AND v.slot = 0";
            let row = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?));
            let found: Option<(String, String, i64, bool, bool)> = conn.query_row(sql, [verdict_id], row).optional()?;
            let (verdict, source, published_us, disputed, changing) = found.ok_or(ReviewsError::Missing("verdict"))?;
            if verdict != Judgement::Confirmed.as_str() || source == Source::Appeal.as_str() {
                return Err(TooLate::NotConfirmed.into());
            }
            if disputed {
                return Err(TooLate::Appealed.into());
            }
            if changing {
                return Err(TooLate::Changing.into());
            }
            if now_us > published_us + MAY_APPEAL_US {
                return Err(TooLate::TimeOver.into());
            }
            let sql = "INSERT INTO appeals (verdict_id, reason, user_id, at_us, deadline_us)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            conn.execute(sql, params![verdict_id, reason.trim(), user_id, now_us, now_us + DECIDE_WITHIN_US])?;
            Ok(conn.last_insert_rowid())
        })
    }

    /// Decides an appeal, finally. The verdict that follows is added to the history: rejected where the appeal is granted,
    /// confirmed again where it is not.
    ///
    /// # Errors
    /// There is no such appeal, it is decided, or no reason is given.
    pub fn decide(
        &mut self,
        appeal_id: i64,
        granted: bool,
        reason: &str,
        user_id: i64,
        now_us: i64,
    ) -> Result<(), ReviewsError> {
        if reason.trim().is_empty() {
            return Err(Invalid::DecisionReason.into());
        }
        self.alone(|conn| {
            let sql = "SELECT a.verdict_id, EXISTS (SELECT 1 FROM decisions d WHERE d.appeal_id = a.id)
                       FROM appeals a WHERE a.id = ?1";
            let found = conn.query_row(sql, [appeal_id], |r| Ok((r.get::<_, i64>(0)?, r.get(1)?))).optional()?;
            let (verdict_id, decided): (i64, bool) = found.ok_or(ReviewsError::Missing("appeal"))?;
            if decided {
                return Err(TooLate::Decided.into());
            }
            let sql = "INSERT INTO decisions (appeal_id, upheld, reason, user_id, at_us) VALUES (?1, ?2, ?3, ?4, ?5)";
            conn.execute(sql, params![appeal_id, granted, reason.trim(), user_id, now_us])?;
            let sql =
                "SELECT call_id, rule_id, place, start_ms, end_ms, text, ruleset_hash FROM verdicts WHERE id = ?1";
            let next = conn.query_row(sql, [verdict_id], |r| {
                let span: (Option<i64>, Option<i64>) = (r.get(3)?, r.get(4)?);
                Ok(NewVerdict {
                    call_id: r.get(0)?,
                    slot: Slot::First,
                    rule_id: r.get(1)?,
                    place: r.get(2)?,
                    source: Source::Appeal,
                    verdict: if granted { Judgement::Rejected } else { Judgement::Confirmed },
                    cause: None,
                    span_ms: span.0.zip(span.1),
                    text: r.get(5)?,
                    note: reason.trim().to_owned(),
                    ruleset_hash: r.get(6)?,
                    user_id,
                    at_us: now_us,
                    before: Some(verdict_id),
                })
            })?;
            insert(conn, &next)?;
            if granted {
                take_off(conn, &next.call_id, &next.rule_id)?;
            }
            Ok(())
        })
    }

    /// Appeals, those to be decided first, then the newest.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn appeals(&self, filter: AppealFilter<'_>) -> Result<Vec<Appeal>, ReviewsError> {
        let sql = "SELECT a.id, a.verdict_id, v.call_id, v.rule_id, v.place, r.display, a.reason, u.display, a.at_us,
                     a.deadline_us, d.upheld, d.reason, l.display, d.at_us
                   FROM appeals a JOIN verdicts v ON v.id = a.verdict_id JOIN users r ON r.id = v.user_id
                   JOIN users u ON u.id = a.user_id LEFT JOIN decisions d ON d.appeal_id = a.id
                   LEFT JOIN users l ON l.id = d.user_id
                   WHERE (?1 = 0 OR d.appeal_id IS NULL) AND (?2 IS NULL OR a.user_id = ?2)
                     AND (?3 IS NULL OR v.call_id = ?3)
                   ORDER BY d.appeal_id IS NOT NULL, a.deadline_us, a.id DESC";
        let (open, of, call) = match filter {
            AppealFilter::All => (false, None, None),
            AppealFilter::Open => (true, None, None),
            AppealFilter::Of(user) => (false, Some(user), None),
            AppealFilter::Call(call) => (false, None, Some(call)),
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![open, of, call], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{AppealFilter, MAY_APPEAL_US};
    use crate::claims::Slot;
    use crate::db::Db;
    use crate::db::tests::centre;
    use crate::error::{ReviewsError, TooLate};
    use crate::forms::NewForm;
    use crate::forms::tests::form;
    use crate::verdicts::tests::verdict;
    use crate::verdicts::{Judgement, NewVerdict};

    #[test]
    fn an_appeal_is_decided_once_and_changes_the_verdict() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let id = db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        assert!(db.appeal(id, "我说了您好", 1, 2).is_err(), "not handed in");
        db.submit_form(&form("c1", 2, None)).unwrap();
        assert!(db.appeal(id, "我说了您好", 1, MAY_APPEAL_US + 3).is_err(), "too late");
        assert!(db.appeal(id, "  ", 1, 2).is_err(), "no reason");
        let appeal = db.appeal(id, "我说了您好", 1, MAY_APPEAL_US + 2).unwrap();
        assert!(db.appeal(id, "还是不服", 1, 3).is_err(), "twice");
        db.claim("c1", Slot::First, 2, 3, 100).unwrap();
        let changed = db.record(&verdict(Judgement::Rejected, Some(id), 4));
        assert!(changed.is_err(), "the reviewer cannot slip away: {changed:?}");
        assert_eq!(db.appeals(AppealFilter::Open).unwrap().len(), 1);
        db.decide(appeal, true, "确有问候", 4, 5).unwrap();
        assert!(db.decide(appeal, false, "改主意", 4, 6).is_err(), "final");
        let standing = db.verdicts_of("c1", Slot::First).unwrap();
        assert_eq!((standing[0].verdict, standing[0].source.as_str()), (Judgement::Rejected, "appeal"));
        assert!(db.appeals(AppealFilter::Open).unwrap().is_empty());
        assert!(db.appeals(AppealFilter::Of(1)).unwrap()[0].decision.as_ref().is_some_and(|d| d.0));
        assert!(db.appeals(AppealFilter::Of(2)).unwrap().is_empty());
    }

    /// What a person says is published with the form: what comes after it waits for the next version, and the seven days count
    /// from the version that first held it.
    #[test]
    fn what_is_not_handed_in_is_not_published() {
        let (_dir, mut db) = centre();
        let published = |db: &Db| -> Vec<(String, Judgement, i64)> {
            let rows = db.published_of("c1", Slot::First).unwrap();
            rows.into_iter().map(|p| (p.verdict.place, p.verdict.verdict, p.published_us)).collect()
        };
        let at = |place: &str, said, before, at_us| NewVerdict { place: place.into(), ..verdict(said, before, at_us) };
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let first = db.record(&at("t1", Judgement::Confirmed, None, 5)).unwrap();
        assert_eq!(published(&db), []);
        // The clock is set back before the form is handed in: the verdict is in it all the same.
        let form_id = db.submit_form(&form("c1", 3, None)).unwrap();
        assert_eq!(published(&db), [("t1".into(), Judgement::Confirmed, 3)]);
        db.claim("c1", Slot::First, 2, 6, 100).unwrap();
        db.record(&at("t1", Judgement::Rejected, Some(first), 7)).unwrap();
        db.record(&at("t2", Judgement::Confirmed, None, 8)).unwrap();
        assert_eq!(published(&db), [("t1".into(), Judgement::Confirmed, 3)], "still what was handed in");
        let changing = db.appeal(first, "不服", 1, 9);
        assert!(matches!(changing, Err(ReviewsError::TooLate(TooLate::Changing))), "{changing:?}");
        db.submit_form(&form("c1", 10, Some(form_id))).unwrap();
        let both = [("t1".into(), Judgement::Rejected, 10), ("t2".into(), Judgement::Confirmed, 10)];
        assert_eq!(published(&db), both);
    }

    #[test]
    fn a_granted_appeal_gives_the_points_back() {
        let (_dir, mut db) = centre();
        let of = |rule: &str, place: &str| NewVerdict {
            rule_id: rule.into(),
            place: place.into(),
            ..verdict(Judgement::Confirmed, None, 1)
        };
        db.claim("c1", Slot::First, 2, 0, 10).unwrap();
        let said = [of("rude", "t1"), of("rude", "t2"), of("late", "t3")].map(|v| db.record(&v).unwrap());
        let form = NewForm {
            call_id: "c1".into(),
            slot: Slot::First,
            items: r#"{"late":10.0,"rude":30.0}"#.into(),
            score: 60.0,
            strengths: "好".into(),
            weaknesses: String::new(),
            keep: true,
            whole: true,
            user_id: 2,
            at_us: 2,
            before: None,
        };
        db.submit_form(&form).unwrap();
        let mut grant = |verdict: i64, granted: bool| {
            let appeal = db.appeal(verdict, "不服", 1, 3).unwrap();
            db.decide(appeal, granted, "听过", 4, 4).unwrap();
            let form = db.form_of("c1", Slot::First).unwrap().unwrap();
            (form.score, form.items, form.user_id, form.strengths)
        };
        let as_it_was = (60.0, form.items.clone(), 2, "好".to_owned());
        assert_eq!(grant(said[2], false), as_it_was, "refused");
        assert_eq!(grant(said[0], true), as_it_was, "the other place of the rule still stands");
        assert_eq!(grant(said[1], true), (90.0, r#"{"late":10.0}"#.to_owned(), 2, "好".to_owned()));
        assert_eq!(db.forms().unwrap().len(), 1);
    }
}
