//! What the machine said of rules in calls, what people said, and how likely the calls were to be heard; alike ones counted.

use std::cmp::Ordering;
use std::collections::HashMap;

use callsift_sampling::estimate::{ANY_RULE, Judged, any_human, any_machine};
use rusqlite::Connection;

use crate::catalog::outcomes::{self, unpack};
use crate::error::ConsoleError;
use crate::figures::period::Period;

/// What people said of the places of a rule in a call.
#[derive(Default, Clone, Copy)]
struct Said {
    confirmed: i64,
    rejected: i64,
    unsure: i64,
}

/// What draws said of a call.
#[derive(Default, Clone, Copy)]
struct Drawn {
    /// Probability that no draw takes its flagged places, and that none takes it whole.
    missed: [f64; 2],
    picked: bool,
}

/// What estimates are made of.
#[derive(Debug, Default)]
pub struct Judgements {
    /// For each rule: calls that are alike in agent, unit, chance and what machine and people said, as one row.
    pub rows: Vec<Judged>,
    /// The same for any violation of any rule ([`ANY_RULE`]).
    pub any: Vec<Judged>,
}

/// Calls that are counted together: agent, unit, and how likely each is heard where flagged and where not, as bits.
type Alike = (String, String, [u64; 2], bool);
/// Calls by what the machine said (nothing, clear, hit) and what people said (nothing, none, violation).
type Counts = [[usize; 3]; 3];

/// All calls from one day to another, both included. Calls must lie in a catalogue that is attached as `cat`. A call that
/// people judged though no draw picked it stands for itself only: its probability is 0.
///
/// # Errors
/// The databases cannot be read.
pub fn judged(conn: &Connection, from: &str, to: &str) -> Result<Judgements, ConsoleError> {
    let (said, whole, drawn) = (said(conn)?, heard_whole(conn)?, drawn(conn)?);
    let names = outcomes::rules(conn)?;
    let period = Period { from: from.to_owned(), to: to.to_owned() };
    let mut counted: HashMap<Alike, Vec<Counts>> = HashMap::new();
    outcomes::each(conn, &period, |row, packed| {
        let call_id = row.get_ref(0)?.as_str()?;
        let of_call = Call {
            said: said.get(call_id),
            whole: whole.get(call_id).copied().unwrap_or(false),
            drawn: drawn.get(call_id).copied().unwrap_or(Drawn { missed: [1.0; 2], picked: false }),
        };
        let alike = (row.get(1)?, row.get(2)?, of_call.drawn.missed.map(f64::to_bits), of_call.drawn.picked);
        // The last one counts any violation.
        let counts = counted.entry(alike).or_insert_with(|| vec![Counts::default(); names.len() + 1]);
        let mut any: Option<(Option<bool>, Option<bool>)> = None;
        for outcome in unpack(packed) {
            let Some(name) = names.get(outcome.rule) else { continue };
            let human = of_call.human(name, outcome.hits);
            counts[outcome.rule][state(outcome.machine)][state(human)] += 1;
            any = Some(
                any.map_or((outcome.machine, human), |(m, h)| (any_machine(m, outcome.machine), any_human(h, human))),
            );
        }
        if let Some((machine, human)) = any {
            counts[names.len()][state(machine)][state(human)] += 1;
        }
        Ok(())
    })?;
    let (mut rows, mut any) = (Vec::new(), Vec::new());
    for (alike, counts) in &counted {
        for (rule, counts) in counts.iter().enumerate() {
            let (into, name) = names.get(rule).map_or((&mut any, ANY_RULE), |name| (&mut rows, name.as_str()));
            into.extend(rows_of(alike, name, counts));
        }
    }
    rows.sort_by(order);
    any.sort_by(order);
    Ok(Judgements { rows, any })
}

/// A call as people and draws know it.
struct Call<'a> {
    said: Option<&'a HashMap<String, Said>>,
    whole: bool,
    drawn: Drawn,
}

impl Call<'_> {
    fn human(&self, rule: &str, hits: i64) -> Option<bool> {
        let said = self.said.and_then(|s| s.get(rule)).copied().unwrap_or_default();
        human(said, hits, self.whole)
    }
}

fn row(alike: &Alike, rule: &str, machine: Option<bool>, human: Option<bool>, calls: usize) -> Judged {
    let (agent_id, unit, missed, picked) = alike;
    // That there is no violation at all is heard only where the call is heard whole.
    let missed = f64::from_bits(missed[usize::from(rule == ANY_RULE || machine != Some(true))]);
    let probability = if human.is_some() && !picked { 0.0 } else { 1.0 - missed };
    Judged {
        call_id: String::new(),
        calls,
        agent_id: agent_id.clone(),
        unit: unit.clone(),
        rule_id: rule.to_owned(),
        machine,
        human,
        probability,
    }
}

const STATES: [Option<bool>; 3] = [None, Some(false), Some(true)];

fn state(said: Option<bool>) -> usize {
    said.map_or(0, |yes| 1 + usize::from(yes))
}

/// The rows of a rule in calls that were counted together.
fn rows_of<'a>(alike: &'a Alike, rule: &'a str, counts: &'a Counts) -> impl Iterator<Item = Judged> + 'a {
    let cells =
        STATES.iter().zip(counts).flat_map(|(m, people)| STATES.iter().zip(people).map(move |(h, n)| (m, h, *n)));
    cells.filter(|(_, _, n)| *n > 0).map(move |(m, h, n)| row(alike, rule, *m, *h, n))
}

/// By rule, unit and agent: figures must not hang on the order of a hash map.
fn order(a: &Judged, b: &Judged) -> Ordering {
    let key = |r: &Judged| (state(r.machine), state(r.human));
    (&a.rule_id, &a.unit, &a.agent_id, key(a))
        .cmp(&(&b.rule_id, &b.unit, &b.agent_id, key(b)))
        .then(a.probability.total_cmp(&b.probability))
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

/// By call and rule.
fn said(conn: &Connection) -> rusqlite::Result<HashMap<String, HashMap<String, Said>>> {
    let sql = "SELECT call_id, rule_id, sum(verdict = 'confirmed'), sum(verdict = 'rejected'), sum(verdict = 'unsure')
               FROM current_verdicts WHERE slot = 0 GROUP BY call_id, rule_id";
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

/// Draws are independent of each other, so a call is missed by all with the product of the single probabilities.
fn drawn(conn: &Connection) -> rusqlite::Result<HashMap<String, Drawn>> {
    let sql = "SELECT call_id, probability, whole, picked FROM draw_calls ORDER BY draw_id";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut out: HashMap<String, Drawn> = HashMap::new();
    while let Some(r) = rows.next()? {
        // A plan that looks at the calls' own traits gives no probability: what it picked stands for itself.
        let Some(flagged) = r.get::<_, Option<f64>>(1)? else { continue };
        let whole = r.get::<_, Option<f64>>(2)?.unwrap_or(flagged);
        let call = out.entry(r.get(0)?).or_insert(Drawn { missed: [1.0; 2], picked: false });
        call.missed[0] *= 1.0 - flagged;
        call.missed[1] *= 1.0 - whole;
        call.picked |= r.get::<_, bool>(3)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{Said, human};

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
