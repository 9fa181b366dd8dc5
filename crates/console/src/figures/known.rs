//! What people said of rules in calls and how draws came to them, call by call.

use std::collections::{BTreeSet, HashMap};

use callsift_reviews::DRAWN_WHOLE;
use callsift_sampling::estimate::{any_human, any_machine};
use rusqlite::Connection;

use crate::catalog::outcomes::{self, unpack};

/// What people said of the places of a rule in a call.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    confirmed: i64,
    rejected: i64,
    unsure: i64,
}

/// What people said, and which calls they heard as a whole.
#[derive(Debug)]
pub(super) struct People {
    said: HashMap<String, HashMap<String, Said>>,
    whole: HashMap<String, bool>,
    /// Rules whose hits are no violations, by number.
    free: Vec<bool>,
}

impl People {
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let (mut said, mut whole) = (said(conn)?, heard_whole(conn)?);
        for call in unproven(conn)? {
            said.remove(&call);
            whole.remove(&call);
        }
        Ok(Self { said, whole, free: outcomes::free(conn)? })
    }

    /// The calls that they may have judged a rule in; in no other one did they.
    pub(super) fn calls(&self) -> BTreeSet<&str> {
        let whole = self.whole.iter().filter(|(_, whole)| **whole).map(|(call, _)| call);
        self.said.keys().chain(whole).map(String::as_str).collect()
    }

    /// Goes over the rules of a call with what the machine and people say of each; the last one, of the number `names.len()`,
    /// stands for all together that take points off. This alone says what people judged: figures and lists of calls both come from here.
    pub(super) fn each_rule(
        &self,
        call_id: &str,
        names: &[String],
        packed: &[u8],
        mut with: impl FnMut(usize, Option<bool>, Option<bool>),
    ) {
        let (said, whole) = (self.said.get(call_id), self.whole.get(call_id).copied().unwrap_or(false));
        let mut any: Option<(Option<bool>, Option<bool>)> = None;
        for outcome in unpack(packed) {
            // A rule that came with a part after the names were read is looked at the next time.
            let Some(name) = names.get(outcome.rule) else { continue };
            let of_rule = said.and_then(|s| s.get(name)).copied().unwrap_or_default();
            let (machine, human) = (outcome.machine, human(of_rule, outcome.hits, whole));
            with(outcome.rule, machine, human);
            if self.free.get(outcome.rule).copied().unwrap_or(false) {
                continue;
            }
            any = Some(any.map_or((machine, human), |(m, h)| (any_machine(m, machine), any_human(h, human))));
        }
        if let Some((machine, human)) = any {
            with(names.len(), machine, human);
        }
    }
}

/// Whether a person found a violation: one confirmed place suffices; none is said only where every flagged place was rejected,
/// or where nothing is flagged and the call was heard as a whole.
fn human(said: Said, hits: i64, heard_whole: bool) -> Option<bool> {
    if said.confirmed > 0 {
        return Some(true);
    }
    let all_rejected = hits > 0 && said.rejected >= hits;
    let nothing_there = hits == 0 && heard_whole;
    (said.unsure == 0 && (all_rejected || nothing_there)).then_some(false)
}

/// By call and rule, of what was handed in: half a review says too little of a call, and too much of its agent.
fn said(conn: &Connection) -> rusqlite::Result<HashMap<String, HashMap<String, Said>>> {
    // A rejection speaks of the place that was heard: not of a place that rules found later, nor is a mark of a person one of
    // the machine's places.
    let sql = "SELECT v.call_id, v.rule_id, sum(v.verdict = 'confirmed'),
                 sum(v.verdict = 'rejected' AND EXISTS (
                   SELECT 1 FROM cat.calls c JOIN cat.findings f ON f.call = c.id
                   WHERE c.call_id = v.call_id AND f.rule_id = v.rule_id AND f.place = v.place AND f.verdict = 'hit')),
                 sum(v.verdict = 'unsure')
               FROM published_verdicts v WHERE v.slot = 0 GROUP BY v.call_id, v.rule_id";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut out: HashMap<String, HashMap<String, Said>> = HashMap::new();
    while let Some(r) = rows.next()? {
        let said = Said { confirmed: r.get(2)?, rejected: r.get(3)?, unsure: r.get(4)? };
        out.entry(r.get(0)?).or_default().insert(r.get(1)?, said);
    }
    Ok(out)
}

fn heard_whole(conn: &Connection) -> rusqlite::Result<HashMap<String, bool>> {
    let mut statement = conn.prepare_cached("SELECT call_id, whole FROM current_forms WHERE slot = 0")?;
    statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

/// Calls whose review says more than was played, where only what was really played counts.
fn unproven(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT call_id FROM temp.unproven")?;
    statement.query_map([], |r| r.get(0))?.collect()
}

/// What draws said of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    /// Probability that no draw takes its flagged places, and that none takes it whole.
    pub(super) missed: [f64; 2],
    /// Whether one took its flagged places, and whether one took it whole. Who hears a call whole that was drawn for its risk
    /// alone does so because it is risky: counting it as one that chance chose would make every rate far too high.
    pub(super) picked: [bool; 2],
    /// Whether one took it by chance. A queue may have the calls at most risk heard whole, too.
    pub(super) by_chance: bool,
}

impl Drawn {
    /// No draw knows the call.
    pub(super) const NEVER: Self = Self { missed: [1.0; 2], picked: [false; 2], by_chance: false };

    /// The chance that people judge this of a call, and what they said of it as far as it counts: nothing where a plan covers
    /// the call and did not choose it, since why somebody heard it all the same is not known. Where no plan covers it, what
    /// was said stands for itself (chance 0).
    pub(super) fn counted(&self, any: bool, machine: Option<bool>, human: Option<bool>) -> (f64, Option<bool>) {
        // That there is no violation at all is heard only where the call is heard whole.
        let whole = usize::from(any || machine != Some(true));
        let chance = 1.0 - self.missed[whole];
        match (self.picked[whole], chance > 0.0) {
            (true, _) => (chance, human),
            (false, true) => (chance, None),
            (false, false) => (0.0, human),
        }
    }
}

/// Draws are independent of each other, so a call is missed by all with the product of the single probabilities.
pub(super) fn drawn(conn: &Connection) -> rusqlite::Result<HashMap<String, Drawn>> {
    read(conn, "")
}

/// The same of calls that people had to do with, and of no others: frames are large.
pub(super) fn drawn_and_heard(conn: &Connection) -> rusqlite::Result<HashMap<String, Drawn>> {
    read(conn, "WHERE d.call_id IN (SELECT call_id FROM verdicts UNION SELECT call_id FROM forms)")
}

fn read(conn: &Connection, which: &str) -> rusqlite::Result<HashMap<String, Drawn>> {
    let sql = format!(
        "SELECT d.call_id, d.probability, d.whole, d.picked, {DRAWN_WHOLE}, d.picked AND d.part <> 'risk'
         FROM draw_calls d {which} ORDER BY d.draw_id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut out: HashMap<String, Drawn> = HashMap::new();
    while let Some(r) = rows.next()? {
        // A plan that looks at the calls' own traits gives no probability: what it picked stands for itself.
        let Some(flagged) = r.get::<_, Option<f64>>(1)? else { continue };
        let whole = r.get::<_, Option<f64>>(2)?.unwrap_or(flagged);
        let call = out.entry(r.get(0)?).or_insert(Drawn::NEVER);
        call.missed[0] *= 1.0 - flagged;
        call.missed[1] *= 1.0 - whole;
        call.picked[0] |= r.get::<_, bool>(3)?;
        call.picked[1] |= r.get::<_, bool>(4)?;
        call.by_chance |= r.get::<_, bool>(5)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use callsift_reviews::DrawCall;

    use super::{Drawn, Said, drawn, human};
    use crate::figures::tests::{add_draw, centre, drawn_call};

    #[test]
    fn what_was_drawn_for_its_risk_says_nothing_of_calls_heard_whole() {
        let (yes, no) = (Some(true), Some(false));
        let half = |picked| Drawn { missed: [0.0, 0.5], picked, by_chance: picked[1] };
        let (risk, random, neither) = (half([true, false]), half([true, true]), half([false, false]));
        assert_eq!(risk.counted(false, yes, yes), (1.0, yes), "its flagged places were to be heard");
        assert_eq!(risk.counted(false, no, yes), (0.5, None), "a miss found by the way");
        assert_eq!(risk.counted(true, yes, yes), (0.5, None));
        assert_eq!(random.counted(true, yes, no), (0.5, no));
        assert_eq!(neither.counted(false, no, no), (0.5, None), "heard without a plan, where there is one");
        assert_eq!(Drawn::NEVER.counted(false, no, no), (0.0, no), "no plan: it stands for itself");
    }

    #[test]
    fn what_a_queue_has_heard_whole_counts_as_heard_whole() {
        let (_dir, mut db) = centre();
        for (call, whole) in [("c1", 1.0), ("c2", 0.1)] {
            let risk = DrawCall { whole: Some(whole), part: "risk".into(), ..drawn_call(call, 1.0) };
            add_draw(&mut db, risk);
        }
        let drawn = drawn(db.connection()).unwrap();
        assert_eq!((drawn["c1"].picked, drawn["c2"].picked), ([true, true], [true, false]));
        assert!(!drawn["c1"].by_chance && !drawn["c2"].by_chance, "for its risk, however much of it is heard");
    }

    #[test]
    fn silence_is_no_verdict() {
        let said = |confirmed, rejected, unsure| Said { confirmed, rejected, unsure };
        assert_eq!(human(said(1, 2, 0), 3, false), Some(true));
        assert_eq!(human(said(0, 2, 0), 3, true), None, "one place is left");
        assert_eq!(human(said(0, 3, 0), 3, false), Some(false));
        assert_eq!(human(said(0, 2, 1), 3, false), None);
        assert_eq!(human(said(0, 0, 0), 0, false), None, "only its clips were heard");
        assert_eq!(human(said(0, 0, 0), 0, true), Some(false));
        assert_eq!(human(said(1, 0, 0), 0, false), Some(true), "a miss that was marked");
    }
}
