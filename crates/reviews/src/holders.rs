//! Who has a call already: by a draw, by a form, or by a verdict. What somebody has is given to nobody else.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::Db;
use crate::error::ReviewsError;

/// What people have to do with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Login name of whose review counts: who handed in the form, else who is to hear it, else who began by the way.
    pub first: Option<String>,
    /// Login name of who heard it blindly or is to.
    pub second: Option<String>,
    /// Whether the first review is handed in or given to somebody, and not only begun by the way.
    pub settled: bool,
    /// Whether that review is of the whole call and not of its flagged places.
    pub whole: bool,
}

macro_rules! drawn_whole {
    () => {
        "(d.picked = 1 AND (d.part <> 'risk' OR d.whole >= 1.0))"
    };
}

/// Condition on a row `d` of `draw_calls`: the draw has the call heard whole, not by its flagged places.
pub const DRAWN_WHOLE: &str = drawn_whole!();

/// Condition on a form `f` of a call that a draw gave as `d`: what was heard is what the draw asked for. A call of which only the
/// flagged places were heard is still to be heard whole where chance chose it, or rates would lack just the calls at risk.
pub const HEARD_ENOUGH: &str = concat!("(f.whole = 1 OR NOT ", drawn_whole!(), ")");

/// Who said something last of a call, where that person is still at work; a decision on an appeal is no review.
const BEGUN: &str =
    "SELECT v.call_id, v.slot, u.name, max(v.id) FROM current_verdicts v JOIN users u ON u.id = v.user_id
    WHERE v.source <> 'appeal' AND u.disabled = 0 GROUP BY v.call_id, v.slot";

impl Db {
    /// Whether a draw chose the call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn drawn(&self, call_id: &str) -> Result<bool, ReviewsError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM draw_calls d WHERE d.call_id = ?1 AND d.picked = 1)";
        Ok(self.conn.prepare_cached(sql)?.query_row([call_id], |r| r.get(0))?)
    }

    /// Whether a draw has the call heard whole.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn drawn_whole(&self, call_id: &str) -> Result<bool, ReviewsError> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM draw_calls d WHERE d.call_id = ?1 AND {DRAWN_WHOLE})");
        Ok(self.conn.prepare_cached(&sql)?.query_row([call_id], |r| r.get(0))?)
    }

    /// Calls that somebody has, by call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn holders(&self) -> Result<BTreeMap<String, Holder>, ReviewsError> {
        let mut holders = BTreeMap::new();
        self.handed_in(&mut holders)?;
        self.given(&mut holders)?;
        self.begun(&mut holders)?;
        // Nobody is the second to oneself.
        holders.values_mut().filter(|h| h.second == h.first).for_each(|h| h.second = None);
        Ok(holders)
    }

    fn handed_in(&self, holders: &mut BTreeMap<String, Holder>) -> Result<(), ReviewsError> {
        let sql = "SELECT f.call_id, f.slot, u.name, f.whole FROM current_forms f JOIN users u ON u.id = f.user_id";
        let mut statement = self.conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(r) = rows.next()? {
            let holder = holders.entry(r.get(0)?).or_default();
            if r.get::<_, i64>(1)? == 0 {
                (holder.first, holder.settled, holder.whole) = (r.get(2)?, true, r.get(3)?);
            } else {
                holder.second = r.get(2)?;
            }
        }
        Ok(())
    }

    fn begun(&self, holders: &mut BTreeMap<String, Holder>) -> Result<(), ReviewsError> {
        let mut statement = self.conn.prepare(BEGUN)?;
        let mut rows = statement.query([])?;
        while let Some(r) = rows.next()? {
            let holder = holders.entry(r.get(0)?).or_default();
            let of = if r.get::<_, i64>(1)? == 0 { &mut holder.first } else { &mut holder.second };
            if of.is_none() {
                *of = r.get(2)?;
            }
        }
        Ok(())
    }

    /// By earlier draws; what a person had who may not log in any more is free again.
    fn given(&self, holders: &mut BTreeMap<String, Holder>) -> Result<(), ReviewsError> {
        let active: BTreeSet<String> = self.users()?.into_iter().filter(|u| !u.disabled).map(|u| u.name).collect();
        let sql = format!(
            "SELECT d.call_id, d.reviewer, d.duplicate, {DRAWN_WHOLE} FROM draw_calls d
             WHERE d.picked = 1 AND (d.reviewer IS NOT NULL OR d.duplicate IS NOT NULL) ORDER BY d.draw_id, d.call_id"
        );
        let mut statement = self.conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(r) = rows.next()? {
            let at_work = |name: Option<String>| name.filter(|n| active.contains(n));
            let (first, second, whole) = (at_work(r.get(1)?), at_work(r.get(2)?), r.get::<_, bool>(3)?);
            let holder = holders.entry(r.get(0)?).or_default();
            holder.settled |= first.is_some();
            holder.whole |= whole && first.is_some();
            holder.first = holder.first.take().or(first);
            holder.second = holder.second.take().or(second);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use crate::claims::Slot;
    use crate::db::Db;
    use crate::db::tests::centre;
    use crate::draws::DrawCall;
    use crate::draws::tests::{drawn, record};
    use crate::verdicts::Judgement;
    use crate::verdicts::tests::verdict;

    fn holder(db: &Db) -> Option<Holder> {
        db.holders().unwrap().remove("c1")
    }

    #[test]
    fn a_call_stays_with_whoever_got_it_first() {
        let (_dir, mut db) = centre();
        assert_eq!(holder(&db), None);
        let risk = |reviewer: &str| DrawCall { part: "risk".into(), ..drawn("c1", Some(reviewer), None) };
        db.add_draw(&record("a"), &[risk("r1")]).unwrap();
        let name = |n: &str| Some(n.to_owned());
        let first = Holder { first: name("r1"), second: None, settled: true, whole: false };
        assert_eq!(holder(&db), Some(first.clone()));
        // A later draw has it heard whole, and once more by somebody else.
        db.add_draw(&record("b"), &[drawn("c1", Some("r1"), Some("r2"))]).unwrap();
        assert_eq!(holder(&db), Some(Holder { second: name("r2"), whole: true, ..first }));
    }

    #[test]
    fn who_began_goes_on() {
        let (_dir, mut db) = centre();
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        db.record(&verdict(Judgement::Confirmed, None, 1)).unwrap();
        let user = db.users().unwrap().into_iter().find(|u| u.id == 2).unwrap().name;
        assert_eq!(holder(&db), Some(Holder { first: Some(user), ..Holder::default() }));
    }

    #[test]
    fn what_somebody_had_who_left_is_free() {
        let (_dir, mut db) = centre();
        db.add_draw(&record("a"), &[drawn("c1", Some("nobody"), None)]).unwrap();
        assert_eq!(holder(&db), Some(Holder::default()));
    }
}
