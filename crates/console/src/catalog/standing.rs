//! What has become of calls, in a word each: what every page says beside a call.

use std::collections::HashMap;

use callsift_reviews::STEP_US;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::catalog::outcomes::listed;
use crate::catalog::state::Reader;

/// What has become of a call, as one reader may know it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// The machine failed on it.
    Failed,
    /// The machine found nothing and nobody was at it.
    Quiet,
    /// To be reviewed.
    Open,
    /// Somebody is at it.
    Claimed(String),
    /// Somebody judged a part of it and is not at it now.
    Begun,
    /// A form was handed in, with this score.
    Done(f64),
    /// An appeal is not decided.
    Appealed(f64),
    /// All appeals are decided; whether one was granted.
    Decided(f64, bool),
}

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes<'a> {
    /// Login name of whoever may do blind duplicates; empty for others.
    pub(crate) blind: &'a str,
    /// Agents learn what was handed in and nothing of who works on what.
    pub(crate) staff: bool,
}

/// What has become of these calls; those that the lake does not hold are left out.
pub(crate) fn standings<'a>(
    conn: &Connection,
    calls: impl Iterator<Item = &'a str>,
    now_us: i64,
    eyes: Eyes<'_>,
) -> rusqlite::Result<HashMap<String, Standing>> {
    let mut values: Vec<Value> = vec![listed(calls).into(), now_us.into()];
    let reader = if eyes.blind.is_empty() {
        Reader::Knowing
    } else {
        values.push(eyes.blind.to_owned().into());
        Reader::Blind(3)
    };
    let sql = format!(
        "SELECT x.call_id, x.status, x.hits,
           (SELECT f.score FROM forms f WHERE f.call_id = x.call_id AND f.slot = x.slot ORDER BY f.id DESC LIMIT 1),
           (SELECT u.display FROM claims k JOIN users u ON u.id = k.user_id WHERE k.call_id = x.call_id
            AND k.slot = x.slot AND k.until_us > ?2 AND k.since_us <= ?2 + {STEP_US}),
           EXISTS (SELECT 1 FROM verdicts v WHERE v.call_id = x.call_id AND v.slot = x.slot),
           (SELECT count(*) - count(d.appeal_id) FROM verdicts v JOIN appeals a ON a.verdict_id = v.id
            LEFT JOIN decisions d ON d.appeal_id = a.id WHERE v.call_id = x.call_id AND v.slot = 0 AND x.slot = 0),
           (SELECT max(d.upheld) FROM verdicts v JOIN appeals a ON a.verdict_id = v.id
            JOIN decisions d ON d.appeal_id = a.id WHERE v.call_id = x.call_id AND v.slot = 0 AND x.slot = 0)
         FROM (SELECT c.call_id, c.status, c.hits, {} AS slot
               FROM json_each(?1) j CROSS JOIN cat.calls c ON c.call_id = j.value) x",
        reader.slot("c")
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut out = HashMap::new();
    while let Some(r) = rows.next()? {
        let (status, hits, score): (String, i64, Option<f64>) = (r.get(1)?, r.get(2)?, r.get(3)?);
        let (open, granted): (i64, Option<bool>) = (r.get(6)?, r.get(7)?);
        let claimed: Option<String> = r.get::<_, Option<String>>(4)?.filter(|_| eyes.staff);
        let begun = eyes.staff && r.get::<_, bool>(5)?;
        let standing = match (score, claimed) {
            _ if status == "failed" => Standing::Failed,
            (Some(score), _) if open > 0 => Standing::Appealed(score),
            (_, Some(by)) => Standing::Claimed(by),
            (Some(score), None) => granted.map_or(Standing::Done(score), |g| Standing::Decided(score, g)),
            (None, None) if begun => Standing::Begun,
            (None, None) if hits == 0 => Standing::Quiet,
            (None, None) => Standing::Open,
        };
        out.insert(r.get(0)?, standing);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use callsift_reviews::{Db, Judgement, Slot};

    use super::{Eyes, Standing, standings};
    use crate::figures::tests::{centre, draw, hand_in, say};

    fn of(db: &Db, call: &str, blind: &str, staff: bool) -> Standing {
        let all = standings(db.connection(), std::iter::once(call), 2_000_000, Eyes { blind, staff }).unwrap();
        all[call].clone()
    }

    #[test]
    fn a_call_says_how_far_it_is_and_tells_nobody_too_much() {
        let (_dir, mut db) = centre();
        draw(&mut db, "c1", 0.5, Some("r1"), Some("r2"));
        assert_eq!((of(&db, "c1", "r1", true), of(&db, "c3", "", true)), (Standing::Open, Standing::Quiet));
        say(&mut db, "c1", Slot::First, 1, "rude", Judgement::Confirmed);
        assert_eq!((of(&db, "c1", "r1", true), of(&db, "c1", "r2", true)), (Standing::Begun, Standing::Open));
        assert_eq!(of(&db, "c1", "", false), Standing::Open, "agents do not see who has begun");
        db.claim("c1", Slot::First, 1, 1_500_000, 1_000_000).unwrap();
        assert_eq!(of(&db, "c1", "", true), Standing::Claimed("R1".into()));
        assert_eq!((of(&db, "c1", "", false), of(&db, "c1", "r2", true)), (Standing::Open, Standing::Open));
        hand_in(&mut db, "c1", Slot::First, 1, 62.0);
        assert_eq!((of(&db, "c1", "", true), of(&db, "c1", "r2", true)), (Standing::Done(62.0), Standing::Open));
        let verdict = db.published_of("c1", Slot::First).unwrap()[0].verdict.id;
        let appeal = db.appeal(verdict, "不服", 1, 4).unwrap();
        assert_eq!((of(&db, "c1", "r1", true), of(&db, "c1", "r2", true)), (Standing::Appealed(62.0), Standing::Open));
        db.decide(appeal, false, "听过", 1, 5).unwrap();
        assert_eq!(of(&db, "c1", "", false), Standing::Decided(62.0, false));
    }
}
