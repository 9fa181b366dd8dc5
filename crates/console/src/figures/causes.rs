//! Why people rejected hits of a rule, call by call.

use std::collections::{BTreeMap, BTreeSet};

use callsift_reviews::Cause;
use rusqlite::{Connection, params};

use crate::figures::period::Period;

/// Calls with a rejected hit of the rule by cause; without one where nobody said why. First reviews, as they stand. Where the
/// places of a call have different causes it counts for each of them.
pub(crate) fn causes(
    conn: &Connection,
    p: &Period,
    rule: &str,
) -> rusqlite::Result<BTreeMap<Option<Cause>, BTreeSet<String>>> {
    let sql = "SELECT v.cause, v.call_id FROM current_verdicts v CROSS JOIN cat.calls c ON c.call_id = v.call_id
               WHERE v.slot = 0 AND v.rule_id = ?1 AND v.verdict = 'rejected' AND NOT v.missed
                 AND c.date BETWEEN ?2 AND ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![rule, p.from, p.to])?;
    let mut out: BTreeMap<Option<Cause>, BTreeSet<String>> = BTreeMap::new();
    while let Some(r) = rows.next()? {
        let cause: Option<String> = r.get(0)?;
        out.entry(cause.as_deref().and_then(Cause::parse)).or_default().insert(r.get(1)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use callsift_reviews::{Cause, Judgement, NewVerdict, Slot};

    use super::causes;
    use crate::figures::evidence::Evidence;
    use crate::figures::period::Period;
    use crate::figures::tests::{centre, november, said};

    #[test]
    fn calls_are_counted_once_for_a_cause_and_by_the_last_word() {
        let (_dir, mut db) = centre();
        let mut say = |call: &str, slot, place: &str, verdict, cause, before| {
            db.claim(call, slot, 1, 1, 1_000_000).unwrap();
            let new = NewVerdict { place: place.into(), cause, before, ..said(call, slot, 1, "rude", verdict) };
            db.record(&new).unwrap()
        };
        let (misheard, context) = (Some(Cause::Misheard), Some(Cause::Context));
        let first = say("c1", Slot::First, "t1:0-2", Judgement::Rejected, None, None);
        say("c1", Slot::First, "t1:0-2", Judgement::Rejected, misheard, Some(first));
        say("c1", Slot::First, "t2:0-2", Judgement::Rejected, misheard, None);
        say("c1", Slot::First, "t3:0-2", Judgement::Rejected, context, None);
        say("c2", Slot::First, "t1:0-2", Judgement::Rejected, None, None);
        say("c2", Slot::Duplicate, "t1:0-2", Judgement::Rejected, misheard, None);
        say("c3", Slot::First, "t1:0-2", Judgement::Unsure, context, None);
        let conn = db.connection();
        let counted = causes(conn, &november(), "rude").unwrap();
        let calls = |cause| counted.get(&cause).map(|c| c.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            (calls(misheard), calls(context), calls(None)),
            (Some(vec!["c1"]), Some(vec!["c1"]), Some(vec!["c2"]))
        );
        assert_eq!(counted.len(), 3, "a doubt is no false hit, a duplicate does not count");
        for (cause, calls) in counted {
            let evidence = Evidence::Cause { rule: "rude".into(), cause };
            assert_eq!(evidence.calls(conn, &november(), 0).unwrap(), calls);
        }
        let first_day = Period::strict("2026-11-01", "2026-11-01").unwrap();
        assert_eq!(causes(conn, &first_day, "rude").unwrap().len(), 2);
        assert!(causes(conn, &november(), "greeting").unwrap().is_empty());
    }
}
