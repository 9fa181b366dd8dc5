//! The listening form (电话监控记录表): what a person says of a whole call.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::claims::{Slot, must_hold};
use crate::db::Db;
use crate::drafts;
use crate::error::{Invalid, ReviewsError};
use crate::raised::{NewRaised, raise};

/// A form to be kept.
#[derive(Debug, Clone)]
pub struct NewForm {
    /// Call.
    pub call_id: String,
    /// Which review.
    pub slot: Slot,
    /// Points off by item, a JSON object.
    pub items: String,
    /// Listening score, 0 to 100.
    pub score: f64,
    /// 优点.
    pub strengths: String,
    /// 不足.
    pub weaknesses: String,
    /// Keep the recording for training (C3).
    pub keep: bool,
    /// The whole call was heard, not only its flagged places: what the machine did not flag counts as looked at.
    pub whole: bool,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
    /// The version that the person saw and replaces.
    pub before: Option<i64>,
}

/// A form as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// Row.
    pub id: i64,
    /// Call.
    pub call_id: String,
    /// Which review.
    pub slot: Slot,
    /// Points off by item, a JSON object.
    pub items: String,
    /// Listening score.
    pub score: f64,
    /// 优点.
    pub strengths: String,
    /// 不足.
    pub weaknesses: String,
    /// Kept for training.
    pub keep: bool,
    /// The whole call was heard.
    pub whole: bool,
    /// Who, by display name.
    pub by: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
    /// How much of the call its author had played, milliseconds; nothing in forms from before that was measured.
    pub heard_ms: Option<i64>,
    /// Why the whole call counts as heard where less was played.
    pub whole_reason: String,
    /// Version of the centre's own items that it was filled in with.
    pub sheet: Option<String>,
}

/// What belongs to a form that is handed in.
#[derive(Debug, Clone, Copy, Default)]
pub struct With<'a> {
    /// Why the whole call counts as heard though not all of it was played.
    pub whole_reason: &'a str,
    /// Version of the centre's own items.
    pub sheet: Option<&'a str>,
    /// Grave faults that it publishes: raised together with it, or not at all.
    pub raised: &'a [NewRaised],
    /// Another system is told of them.
    pub notify: bool,
}

const COLUMNS: &str = "f.id, f.call_id, f.slot, f.items, f.score, f.strengths, f.weaknesses, f.keep, f.whole,
    u.display, f.user_id, f.at_us, f.heard_ms, f.whole_reason, f.sheet";

fn from_row(r: &Row<'_>) -> rusqlite::Result<Form> {
    Ok(Form {
        id: r.get(0)?,
        call_id: r.get(1)?,
        slot: Slot::of(r.get(2)?),
        items: r.get(3)?,
        score: r.get(4)?,
        strengths: r.get(5)?,
        weaknesses: r.get(6)?,
        keep: r.get(7)?,
        whole: r.get(8)?,
        by: r.get(9)?,
        user_id: r.get(10)?,
        at_us: r.get(11)?,
        heard_ms: r.get(12)?,
        whole_reason: r.get(13)?,
        sheet: r.get(14)?,
    })
}

impl Db {
    /// Keeps a form and gives the call back: it is reviewed.
    ///
    /// # Errors
    /// As [`Db::record`]; a score that is no number from 0 to 100.
    pub fn submit_form(&mut self, form: &NewForm) -> Result<i64, ReviewsError> {
        self.submit_form_with(form, &With::default())
    }

    /// The same with what belongs to it. How much its author played is kept with the form.
    ///
    /// # Errors
    /// As [`Db::submit_form`].
    pub fn submit_form_with(&mut self, form: &NewForm, with: &With<'_>) -> Result<i64, ReviewsError> {
        if !(0.0..=100.0).contains(&form.score) {
            return Err(Invalid::Score.into());
        }
        self.alone(|conn| {
            must_hold(conn, &form.call_id, form.slot, form.user_id, form.at_us)?;
            let last = "SELECT f.id, u.display FROM current_forms f JOIN users u ON u.id = f.user_id
                        WHERE f.call_id = ?1 AND f.slot = ?2";
            let row = |r: &Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?));
            let last = conn.query_row(last, params![form.call_id, form.slot.number()], row).optional()?;
            if last.as_ref().map(|l| l.0) != form.before {
                return Err(ReviewsError::Overtaken { by: last.map_or_else(String::new, |l| l.1) });
            }
            let sql = "INSERT INTO forms (call_id, slot, items, score, strengths, weaknesses, keep, whole, user_id,
                         at_us, before, whole_reason, sheet, upto, heard_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                         (SELECT coalesce(max(id), 0) FROM verdicts WHERE call_id = ?1 AND slot = ?2),
                         coalesce((SELECT ms FROM heard WHERE user_id = ?9 AND call_id = ?1), 0))";
            conn.execute(
                sql,
                params![
                    form.call_id,
                    form.slot.number(),
                    form.items,
                    form.score,
                    form.strengths,
                    form.weaknesses,
                    form.keep,
                    form.whole,
                    form.user_id,
                    form.at_us,
                    form.before,
                    with.whole_reason.trim(),
                    with.sheet
                ],
            )?;
            let id = conn.last_insert_rowid();
            let give_back = "DELETE FROM claims WHERE call_id = ?1 AND slot = ?2 AND user_id = ?3";
            conn.execute(give_back, params![form.call_id, form.slot.number(), form.user_id])?;
            drafts::forget(conn, form.user_id, &form.call_id)?;
            for new in with.raised {
                raise(conn, new, with.notify)?;
            }
            Ok(id)
        })
    }

    /// The form that stands for a call.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn form_of(&self, call_id: &str, slot: Slot) -> Result<Option<Form>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM current_forms f JOIN users u ON u.id = f.user_id
             WHERE f.call_id = ?1 AND f.slot = ?2"
        );
        Ok(self.conn.prepare_cached(&sql)?.query_row(params![call_id, slot.number()], from_row).optional()?)
    }

    /// When forms were handed in, also those that others replaced: an export must not leave them behind in older days.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn form_times(&self) -> Result<Vec<i64>, ReviewsError> {
        let mut statement = self.conn.prepare("SELECT at_us FROM forms ORDER BY at_us")?;
        Ok(statement.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
    }

    /// All forms that stand, in the order they were made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn forms(&self) -> Result<Vec<Form>, ReviewsError> {
        let sql = format!("SELECT {COLUMNS} FROM current_forms f JOIN users u ON u.id = f.user_id ORDER BY f.id");
        let mut statement = self.conn.prepare(&sql)?;
        let rows = statement.query_map([], from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Listening score (监听得分): 100 less the points off, not below 0.
pub fn score(items: &BTreeMap<String, f64>) -> f64 {
    (100.0 - items.values().sum::<f64>()).clamp(0.0, 100.0)
}

/// Takes a rule's item off the form that stands, where nothing of the rule is confirmed any more: an appeal was granted. The new
/// version is still the reviewer's work of that day; the decision tells who changed it and when.
pub(crate) fn take_off(conn: &Connection, call_id: &str, rule_id: &str) -> Result<(), ReviewsError> {
    let sql = "SELECT id, items FROM current_forms WHERE call_id = ?1 AND slot = 0 AND NOT EXISTS (
                 SELECT 1 FROM current_verdicts
                 WHERE call_id = ?1 AND slot = 0 AND rule_id = ?2 AND verdict = 'confirmed')";
    let row = |r: &Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?));
    let Some((id, items)) = conn.query_row(sql, params![call_id, rule_id], row).optional()? else { return Ok(()) };
    // What cannot be read has no item of the rule.
    let mut items: BTreeMap<String, f64> = serde_json::from_str(&items).unwrap_or_default();
    if items.remove(rule_id).is_none() {
        return Ok(());
    }
    // Numbers by text always serialise.
    let text = serde_json::to_string(&items).unwrap_or_else(|_| "{}".to_owned());
    let sql = "INSERT INTO forms (call_id, slot, items, score, strengths, weaknesses, keep, whole, user_id, at_us, upto,
                 heard_ms, whole_reason, sheet, before)
               SELECT call_id, slot, ?1, ?2, strengths, weaknesses, keep, whole, user_id, at_us, upto, heard_ms, whole_reason, sheet, id
               FROM forms WHERE id = ?3";
    conn.execute(sql, params![text, score(&items), id])?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::NewForm;
    use crate::claims::Slot;
    use crate::db::tests::centre;

    /// A form of person 2 without points off.
    pub(crate) fn form(call: &str, at_us: i64, before: Option<i64>) -> NewForm {
        NewForm {
            call_id: call.into(),
            slot: Slot::First,
            items: "{}".into(),
            score: 100.0,
            strengths: String::new(),
            weaknesses: String::new(),
            keep: false,
            whole: true,
            user_id: 2,
            at_us,
            before,
        }
    }

    #[test]
    fn a_form_ends_the_claim_and_has_versions() {
        let (_dir, mut db) = centre();
        let form = NewForm {
            call_id: "c1".into(),
            slot: Slot::First,
            items: "{}".into(),
            score: 95.0,
            strengths: "耐心".into(),
            weaknesses: String::new(),
            keep: true,
            whole: true,
            user_id: 2,
            at_us: 1,
            before: None,
        };
        assert!(db.submit_form(&form).is_err(), "not claimed");
        db.claim("c1", Slot::First, 2, 0, 100).unwrap();
        assert!(db.submit_form(&NewForm { score: f64::NAN, ..form.clone() }).is_err());
        let first = db.submit_form(&form).unwrap();
        assert!(db.claim_of("c1", Slot::First, 2).unwrap().is_none());
        db.claim("c1", Slot::First, 2, 2, 100).unwrap();
        assert!(db.submit_form(&NewForm { at_us: 3, ..form.clone() }).is_err(), "there is a newer one");
        db.submit_form(&NewForm { at_us: 3, score: 90.0, before: Some(first), ..form }).unwrap();
        assert!((db.form_of("c1", Slot::First).unwrap().unwrap().score - 90.0).abs() < 1e-9);
        assert_eq!(db.forms().unwrap().len(), 1);
    }
}
