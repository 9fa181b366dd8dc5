//! What the machine said of rules in calls, what people said, and how likely the calls were to be heard; alike ones counted.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use callsift_sampling::estimate::{ANY_RULE, Judged};
use rusqlite::Connection;

use crate::catalog::outcomes;
use crate::error::ConsoleError;
use crate::figures::known::{Drawn, People, drawn, drawn_and_heard};
use crate::figures::period::Period;

/// What estimates are made of.
#[derive(Debug, Default)]
pub struct Judgements {
    /// For each rule: calls that are alike in agent, unit, chance and what machine and people said, as one row.
    pub rows: Vec<Judged>,
    /// The same for any violation of any rule ([`ANY_RULE`]).
    pub any: Vec<Judged>,
    /// Those rows of both that people judged and that a draw picked by chance, not by risk: part of what rates rest on.
    pub by_chance: Vec<Judged>,
}

/// Calls that are counted together: agent, unit, and how likely each is heard where flagged and where not, as bits.
type Alike = (String, String, [u64; 2], [bool; 2], bool);
/// Calls by what the machine said (nothing, clear, hit) and what people said (nothing, none, violation).
type Counts = [[usize; 3]; 3];

/// All calls from one day to another, both included. Calls must lie in a catalogue that is attached as `cat`. What counts as
/// judged by people is told by `Drawn::counted`.
///
/// # Errors
/// The databases cannot be read.
pub fn judged(conn: &Connection, from: &str, to: &str) -> Result<Judgements, ConsoleError> {
    let (people, drawn, names) = (People::read(conn)?, drawn(conn)?, outcomes::rules(conn)?);
    let period = Period { from: from.to_owned(), to: to.to_owned() };
    let mut counted: HashMap<Alike, Vec<Counts>> = HashMap::new();
    outcomes::each(conn, &period, |row, packed| {
        let call_id = row.get_ref(0)?.as_str()?;
        let Drawn { missed, picked, by_chance } = drawn.get(call_id).copied().unwrap_or(Drawn::NEVER);
        let alike = (row.get(1)?, row.get(2)?, missed.map(f64::to_bits), picked, by_chance);
        // The last one counts any violation.
        let counts = counted.entry(alike).or_insert_with(|| vec![Counts::default(); names.len() + 1]);
        people.each_rule(call_id, &names, packed, |rule, machine, human| {
            counts[rule][state(machine)][state(human)] += 1;
        });
        Ok(())
    })?;
    let (mut rows, mut any, mut by_chance) = (Vec::new(), Vec::new(), Vec::new());
    for (alike, counts) in &counted {
        for (rule, counts) in counts.iter().enumerate() {
            let (into, name) = names.get(rule).map_or((&mut any, ANY_RULE), |name| (&mut rows, name.as_str()));
            let of_rule: Vec<Judged> = rows_of(alike, name, counts).collect();
            by_chance.extend(of_rule.iter().filter(|r| alike.4 && r.human.is_some()).cloned());
            into.extend(of_rule);
        }
    }
    rows.sort_by(order);
    any.sort_by(order);
    by_chance.sort_by(order);
    Ok(Judgements { rows, any, by_chance })
}

/// The calls that count as judged by people in [`judged`]: of a rule or of all together ([`ANY_RULE`]), of whatever the
/// machine said or only where it said so; with `by_chance` only those that a draw picked by chance. Looks at the calls that
/// people had to do with and at no others.
pub(crate) fn judged_calls(
    conn: &Connection,
    p: &Period,
    rule: &str,
    wanted: Option<bool>,
    by_chance: bool,
) -> rusqlite::Result<BTreeSet<String>> {
    let (people, drawn, names) = (People::read(conn)?, drawn_and_heard(conn)?, outcomes::rules(conn)?);
    let number = if rule == ANY_RULE { Some(names.len()) } else { names.iter().position(|name| name == rule) };
    let mut found = BTreeSet::new();
    outcomes::each_of(conn, p, people.calls(), |row, packed| {
        let call_id = row.get_ref(0)?.as_str()?;
        let drawn = drawn.get(call_id).copied().unwrap_or(Drawn::NEVER);
        if by_chance && !drawn.by_chance {
            return Ok(());
        }
        people.each_rule(call_id, &names, packed, |rule, machine, human| {
            let counts = || drawn.counted(rule == names.len(), machine, human).1.is_some();
            if Some(rule) == number && (wanted.is_none() || machine == wanted) && counts() {
                found.insert(call_id.to_owned());
            }
        });
        Ok(())
    })?;
    Ok(found)
}

fn row(alike: &Alike, rule: &str, machine: Option<bool>, human: Option<bool>, calls: usize) -> Judged {
    let (agent_id, unit, missed, picked, by_chance) = alike;
    let drawn = Drawn { missed: missed.map(f64::from_bits), picked: *picked, by_chance: *by_chance };
    let (probability, human) = drawn.counted(rule == ANY_RULE, machine, human);
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
