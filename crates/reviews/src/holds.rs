//! Calls that may not be removed yet, however old they are.

use std::collections::BTreeMap;

use rusqlite::ToSql;

use crate::appeals::MAY_APPEAL_US;
use crate::db::Db;
use crate::error::ReviewsError;

/// Why a call must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// Its form says so, or a stretch of it is in the training library.
    Training,
    /// An appeal is not decided.
    Appeal,
    /// The agent may still appeal.
    AppealTime,
    /// Somebody is at it now.
    Claimed,
}

impl Hold {
    /// All of them, the one that lasts longest first.
    pub const ALL: [Self; 4] = [Self::Training, Self::Appeal, Self::AppealTime, Self::Claimed];

    /// Name for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Appeal => "appeal",
            Self::AppealTime => "appeal_time",
            Self::Claimed => "claimed",
        }
    }

    /// Its calls. A verdict confirmed again by a decision is final: nothing runs any more.
    fn sql(self) -> &'static str {
        match self {
            Self::Training => {
                "SELECT call_id FROM current_forms WHERE keep <> 0
                 UNION SELECT l.call_id FROM lessons l
                 WHERE NOT EXISTS (SELECT 1 FROM lesson_ends e WHERE e.lesson_id = l.id)"
            }
            Self::Appeal => {
                "SELECT v.call_id FROM appeals a JOIN verdicts v ON v.id = a.verdict_id
                 WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.appeal_id = a.id)"
            }
            Self::AppealTime => {
                // The time counts from the form; what is not handed in yet waits for it.
                "SELECT v.call_id FROM published_verdicts v
                 WHERE v.slot = 0 AND v.verdict = 'confirmed' AND v.source <> 'appeal' AND v.published_us >= :since
                   AND NOT EXISTS (SELECT 1 FROM appeals a WHERE a.verdict_id = v.id)
                 UNION
                 SELECT v.call_id FROM current_verdicts v
                 WHERE v.slot = 0 AND v.verdict = 'confirmed' AND v.source <> 'appeal' AND v.at_us >= :since
                   AND NOT EXISTS (SELECT 1 FROM appeals a WHERE a.verdict_id = v.id)"
            }
            Self::Claimed => "SELECT call_id FROM claims WHERE until_us > :now",
        }
    }
}

impl Db {
    /// Calls that must stay, each with the reason that lasts longest.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn holds(&self, now_us: i64) -> Result<BTreeMap<String, Hold>, ReviewsError> {
        let mut holds = BTreeMap::new();
        for hold in Hold::ALL {
            let mut statement = self.conn.prepare(hold.sql())?;
            let since = now_us.saturating_sub(MAY_APPEAL_US);
            let clock: &[(&str, &dyn ToSql)] = match hold {
                Hold::Training | Hold::Appeal => &[],
                Hold::AppealTime => &[(":since", &since)],
                Hold::Claimed => &[(":now", &now_us)],
            };
            let rows = statement.query_map(clock, |r| r.get::<_, String>(0))?;
            for call_id in rows {
                holds.entry(call_id?).or_insert(hold);
            }
        }
        Ok(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::Hold;
    use crate::appeals::MAY_APPEAL_US;
    use crate::claims::Slot;
    use crate::db::Db;
    use crate::db::tests::centre;
    use crate::forms::NewForm;
    use crate::verdicts::Judgement;
    use crate::verdicts::tests::verdict;

    fn hold(db: &Db, now_us: i64) -> Option<Hold> {
        db.holds(now_us).unwrap().get("c1").copied()
    }

    fn form(keep: bool, before: Option<i64>, at_us: i64) -> NewForm {
        NewForm {
            call_id: "c1".into(),
            slot: Slot::First,
            items: "{}".into(),
            score: 95.0,
            strengths: String::new(),
            weaknesses: String::new(),
            keep,
            whole: true,
            user_id: 2,
            at_us,
            before,
        }
    }

    #[test]
    fn a_call_stays_while_its_appeal_runs_and_not_longer() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        assert_eq!((hold(&db, 1), hold(&db, 101)), (Some(Hold::Claimed), None));
        let id = db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        assert_eq!(hold(&db, 1 + MAY_APPEAL_US), Some(Hold::AppealTime), "not handed in yet");
        assert_eq!(hold(&db, 2 + MAY_APPEAL_US), None);
        db.submit_form(&form(false, None, 50)).unwrap();
        assert_eq!(hold(&db, 50 + MAY_APPEAL_US), Some(Hold::AppealTime), "counts from the form");
        assert_eq!(hold(&db, 51 + MAY_APPEAL_US), None);
        let appeal = db.appeal(id, "我说了您好", 1, 52).unwrap();
        assert_eq!(hold(&db, i64::MAX), Some(Hold::Appeal), "however long a decision takes");
        db.decide(appeal, false, "没有问候", 4, 5).unwrap();
        assert_eq!(hold(&db, 101), None, "a decision is final");
    }

    #[test]
    fn the_form_that_stands_says_whether_a_call_is_kept() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        let first = db.submit_form(&form(true, None, 1)).unwrap();
        assert_eq!(hold(&db, i64::MAX), Some(Hold::Training));
        db.claim("c1", Slot::First, 2, 2, 100).unwrap();
        db.submit_form(&form(false, Some(first), 3)).unwrap();
        assert_eq!(hold(&db, i64::MAX), None);
    }
}
