//! Choosing calls: filters, order, pages.

use callsift_reviews::{HEARD_ENOUGH, STEP_US, Slot};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::catalog::outcomes::listed;
use crate::catalog::state::Reader;
use crate::catalog::{CallRow, text_query};
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;

pub(crate) use crate::catalog::state::State;

/// Stands for no unit and no agent's number in an address, where an empty text means whatever.
pub(crate) const NONE: &str = "∅";
/// Calls on a page.
pub(crate) const PAGE: usize = 100;
/// Turns that a word is looked for in, the newest first.
const TURNS: usize = 5_000;

/// Order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Worth of what a minute of listening is expected to confirm, most first.
    #[default]
    Risk,
    /// Newest first.
    Newest,
    /// Longest first.
    Longest,
    /// Shortest first.
    Shortest,
    /// Lowest machine score first.
    Score,
}

impl Order {
    /// All, with their names in addresses.
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Risk, "risk"),
        (Self::Newest, "newest"),
        (Self::Longest, "longest"),
        (Self::Shortest, "shortest"),
        (Self::Score, "score"),
    ];

    /// Reads the name; the default where it is none.
    pub(crate) fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map_or(Self::default(), |(o, _)| o)
    }

    fn sql(self) -> &'static str {
        match self {
            // Each as an index of the catalogue has it, so that the first page is read and not sorted.
            Self::Risk => "c.risk DESC, c.call_id",
            Self::Newest => "c.date DESC, c.started_us DESC",
            Self::Longest => "c.duration_ms DESC, c.call_id DESC",
            Self::Shortest => "c.duration_ms, c.call_id",
            Self::Score => "c.score IS NULL, c.score, c.call_id",
        }
    }
}

/// What to list. Empty texts mean: whatever.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) agent: String,
    pub(crate) unit: String,
    pub(crate) queue: String,
    pub(crate) rule: String,
    /// Rule that a person confirmed a violation of.
    pub(crate) confirmed: String,
    /// Rule that the machine could judge.
    pub(crate) checked: String,
    /// Login name of who handed the form in, of who is at the call.
    pub(crate) reviewer: String,
    pub(crate) claimed: String,
    /// Only calls that stand behind a number, once [`Self::gather`] has looked them up.
    pub(crate) evidence: Option<Evidence>,
    /// Their ids, as `json_each` reads them.
    pub(crate) among: Option<String>,
    /// How many judgements each of them holds, as `json_each` reads them, where the number counts these.
    pub(crate) items: Option<String>,
    pub(crate) word: String,
    pub(crate) min_s: Option<i64>,
    pub(crate) max_s: Option<i64>,
    pub(crate) state: State,
    pub(crate) order: Order,
    pub(crate) page: usize,
}

/// What stands behind a number and no list can show, since the lake holds it no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) calls: usize,
    /// Judgements in these calls, where the number counts judgements.
    pub(crate) items: usize,
}

/// A call in a list, with what people did to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    pub(crate) call: CallRow,
    /// Titles of its hits, gravest first.
    pub(crate) titles: Vec<String>,
    /// Confirmed violations.
    pub(crate) confirmed: i64,
    /// Violations that a person is expected to confirm, and the minutes that it takes; nothing where nothing was found.
    pub(crate) expected: Option<(f64, f64)>,
}

impl Filter {
    /// Looks up the calls behind the number. Gives what of them the lake holds no more, so that no list can show it.
    pub(crate) fn gather(&mut self, conn: &Connection, offset_s: i32) -> rusqlite::Result<Gone> {
        let Some(evidence) = &self.evidence else { return Ok(Gone::default()) };
        let p = Period::open(&self.from, &self.to);
        let (items, calls) = (evidence.items(conn, &p, offset_s)?, evidence.calls(conn, &p, offset_s)?);
        let among = listed(calls.iter().map(String::as_str));
        let sql = "SELECT value FROM json_each(?1) WHERE value NOT IN (SELECT call_id FROM cat.calls)";
        let mut statement = conn.prepare_cached(sql)?;
        let gone = statement.query_map([&among], |r| r.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        let of = |call: &String| items.as_ref().and_then(|i| i.get(call)).copied().unwrap_or(0);
        let gone = Gone { calls: gone.len(), items: gone.iter().map(of).sum() };
        self.items = items.map(|i| serde_json::json!(i).to_string());
        self.among = Some(among);
        Ok(gone)
    }

    /// Judgements in all calls of the list, where the number behind which they stand counts these.
    pub(crate) fn items_listed(&self, conn: &Connection, reader: &str) -> rusqlite::Result<Option<i64>> {
        let Some(items) = &self.items else { return Ok(None) };
        let (conditions, mut values) = self.conditions(reader);
        values.push(items.clone().into());
        let sql = format!(
            "SELECT coalesce(sum(i.value), 0) FROM json_each(?{}) i CROSS JOIN cat.calls c ON c.call_id = i.key
             WHERE {conditions}",
            values.len()
        );
        conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |r| r.get(0).map(Some))
    }

    /// Whether the word is said so often that only the newest turns are looked at, and the list is not all there is.
    pub(crate) fn cuts_word(&self, conn: &Connection) -> rusqlite::Result<bool> {
        let Some(query) = text_query(&self.word) else { return Ok(false) };
        let sql = format!(
            "SELECT count(*) = {TURNS} FROM (SELECT rowid FROM cat.turns_text WHERE turns_text MATCH ?1 LIMIT {TURNS})"
        );
        conn.prepare_cached(&sql)?.query_row([query], |r| r.get(0))
    }

    /// Conditions and their values.
    pub(super) fn conditions(&self, reader: &str) -> (String, Vec<Value>) {
        let (eyes, mut values) = eyes(reader);
        let mut sql = vec![self.state.sql(eyes)];
        if eyes != Reader::Knowing {
            // A statement must use each of its parameters, and not every state asks for the reader.
            sql.push("?1 IS NOT NULL".to_owned());
        }
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            sql.push(condition.replace("??", &format!("?{}", values.len())));
        };
        let texts = [
            ("c.date >= ??", &self.from),
            ("c.date <= ??", &self.to),
            ("c.queue = ??", &self.queue),
            ("c.id IN (SELECT r.call FROM cat.findings r WHERE r.rule_id = ?? AND r.verdict = 'hit')", &self.rule),
            (
                "c.call_id IN (SELECT v.call_id FROM published_verdicts v
                               WHERE v.slot = 0 AND v.rule_id = ?? AND v.verdict = 'confirmed')",
                &self.confirmed,
            ),
            (
                "c.id IN (SELECT r.call FROM cat.findings r WHERE r.rule_id = ?? AND r.verdict IN ('hit', 'clear'))",
                &self.checked,
            ),
            (
                "c.call_id IN (SELECT k.call_id FROM claims k JOIN users u ON u.id = k.user_id
                               WHERE k.until_us > unixepoch('subsec') * 1000000
                                 AND k.since_us <= unixepoch('subsec') * 1000000 + 60000000 AND u.name = ??)",
                &self.claimed,
            ),
            (
                "c.call_id IN (SELECT g.call_id FROM current_forms g JOIN users u ON u.id = g.user_id
                               WHERE g.slot = 0 AND u.name = ??)",
                &self.reviewer,
            ),
        ];
        for (condition, value) in texts {
            if !value.is_empty() {
                add(condition, value.clone().into());
            }
        }
        match self.agent.as_str() {
            "" => {}
            NONE => add("c.agent_id = ??", String::new().into()),
            agent => {
                // Links give numbers: whoever has another's number for a name is found only where it is nobody's number.
                let named = "SELECT a.agent_id FROM cat.agents a WHERE a.agent_name = ??
                             AND NOT EXISTS (SELECT 1 FROM cat.agents n WHERE n.agent_id = ??)";
                add(&format!("c.agent_id IN (SELECT ?? UNION {named})"), agent.to_owned().into());
            }
        }
        if !self.unit.is_empty() {
            let unit = if self.unit == NONE { String::new() } else { self.unit.clone() };
            add("c.unit = ??", unit.into());
        }
        if self.evidence.is_some() {
            // Nothing gathered holds nothing: a list must not show more than the number counts.
            let among = self.among.clone().unwrap_or_else(|| "[]".to_owned());
            add("c.call_id IN (SELECT value FROM json_each(??))", among.into());
        }
        if let Some(query) = text_query(&self.word) {
            // Bounded: a word that everybody says would otherwise gather every call there is.
            let found = format!(
                "c.id IN (SELECT t.call FROM cat.turns t WHERE t.id IN
                   (SELECT rowid FROM cat.turns_text WHERE turns_text MATCH ?? ORDER BY rowid DESC LIMIT {TURNS}))"
            );
            add(&found, query.into());
        }
        if let Some(s) = self.min_s {
            add("c.duration_ms >= ??", (s.saturating_mul(1000)).into());
        }
        if let Some(s) = self.max_s {
            add("c.duration_ms <= ??", (s.saturating_mul(1000)).into());
        }
        // That a call is in such a list tells what the first review said.
        if !reader.is_empty() && self.tells_reviews(reader) {
            add("c.call_id NOT IN (SELECT b.call_id FROM blind_reviews b WHERE b.name = ??)", reader.to_owned().into());
        }
        (sql.join(" AND "), values)
    }

    /// Whether the choice depends on what other people said or do.
    fn tells_reviews(&self, reader: &str) -> bool {
        let of_others = self.evidence.as_ref().is_some_and(|e| !e.is_own(reader));
        let said = !self.confirmed.is_empty() || !self.reviewer.is_empty() || of_others;
        let at_it = !self.claimed.is_empty() && self.claimed != reader;
        said || at_it
    }

    /// The numbers of the calls of the page: chosen before anything is looked up of them.
    fn picked(&self, reader: &str) -> (String, Vec<Value>) {
        let (conditions, values) = self.conditions(reader);
        let (order, offset) = (self.order.sql(), self.page * PAGE);
        let from = "SELECT c.id AS picked FROM cat.calls c";
        (format!("{from} WHERE {conditions} ORDER BY {order} LIMIT {PAGE} OFFSET {offset}"), values)
    }

    /// The calls of the page.
    /// Of calls that `reader` is to judge blindly it shows nothing that others said or do, and the own review as of any other call.
    pub(crate) fn list(&self, conn: &Connection, reader: &str) -> rusqlite::Result<Vec<Listed>> {
        let (order, (picked, values)) = (self.order.sql(), self.picked(reader));
        let slot = eyes(reader).0.slot("c");
        let sql = format!(
            "SELECT {},
               (SELECT count(*) FROM current_verdicts v
                WHERE v.call_id = c.call_id AND v.slot = {slot} AND v.verdict = 'confirmed'),
               (SELECT group_concat(title, char(10)) FROM
                 (SELECT DISTINCT r.title FROM cat.findings r WHERE r.call = c.id AND r.verdict = 'hit'
                  ORDER BY CASE r.severity WHEN 'fatal' THEN 0 WHEN 'severe' THEN 1 WHEN 'moderate' THEN 2 ELSE 3 END,
                    r.rule_id)),
               c.expected, c.minutes
             FROM ({picked})
             JOIN cat.calls c ON c.id = picked ORDER BY {order}",
            CallRow::COLUMNS,
        );
        let mut statement = conn.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |r| {
            let titles: Option<String> = r.get(CallRow::WIDTH + 1)?;
            Ok(Listed {
                call: CallRow::read(r)?,
                confirmed: r.get(CallRow::WIDTH)?,
                expected: r.get::<_, Option<f64>>(CallRow::WIDTH + 2)?.zip(r.get(CallRow::WIDTH + 3)?),
                titles: titles.map_or_else(Vec::new, |t| t.lines().map(str::to_owned).collect()),
            })
        })?;
        rows.collect()
    }

    /// The worst call that is open for this reader and that nobody is at, and which review of it the reader does.
    pub(crate) fn next(conn: &Connection, now_us: i64, reader: &str) -> rusqlite::Result<Option<(String, Slot)>> {
        let (eyes, mut values) = eyes(reader);
        values.push(now_us.into());
        let (slot, open, now) = (eyes.slot("c"), State::Open.sql(eyes), values.len());
        let sql = format!(
            // Down the list to the first that is free; the planner would rather sort all of them.
            "SELECT c.call_id, {slot} FROM cat.calls c INDEXED BY calls_to_hear WHERE {open} AND NOT EXISTS
               (SELECT 1 FROM claims k WHERE k.call_id = c.call_id AND k.slot = {slot} AND k.until_us > ?{now} AND k.since_us <= ?{now} + {STEP_US})
             ORDER BY c.risk DESC, c.call_id LIMIT 1"
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        rows.next()?.map(|r| Ok((r.get(0)?, Slot::of(r.get(1)?)))).transpose()
    }
}

/// The first task of this person that is still to be heard and that nobody is at, in the order of its draw, the last draw
/// first; and which review of it the person does.
pub(crate) fn task(
    conn: &Connection,
    now_us: i64,
    reader: &str,
    name: &str,
) -> rusqlite::Result<Option<(String, Slot)>> {
    let (eyes, mut values) = eyes(reader);
    values.extend([name.to_owned().into(), now_us.into()]);
    let (slot, name, now) = (eyes.slot("c"), values.len() - 1, values.len());
    let sql = format!(
        "SELECT c.call_id, {slot} FROM draw_calls d CROSS JOIN cat.calls c ON c.call_id = d.call_id
         WHERE d.picked = 1 AND (d.reviewer = ?{name} OR d.duplicate = ?{name}) AND c.status = 'ok'
           AND NOT EXISTS (SELECT 1 FROM current_forms f WHERE f.call_id = c.call_id AND f.slot = {slot} AND {HEARD_ENOUGH})
           AND NOT EXISTS (SELECT 1 FROM claims k WHERE k.call_id = c.call_id AND k.slot = {slot} AND k.until_us > ?{now} AND k.since_us <= ?{now} + {STEP_US})
         ORDER BY d.draw_id DESC, d.position IS NULL, d.position, d.call_id LIMIT 1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    rows.next()?.map(|r| Ok((r.get(0)?, Slot::of(r.get(1)?)))).transpose()
}

/// Whose eyes, and the value of their parameter, which is the first.
fn eyes(reader: &str) -> (Reader, Vec<Value>) {
    if reader.is_empty() { (Reader::Knowing, Vec::new()) } else { (Reader::Blind(1), vec![reader.to_owned().into()]) }
}

/// Units or queues that calls ever had.
pub(crate) fn names(conn: &Connection, kind: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT name FROM cat.names WHERE kind = ?1 ORDER BY name")?;
    statement.query_map([kind], |r| r.get(0))?.collect()
}

#[cfg(test)]
mod tests;
