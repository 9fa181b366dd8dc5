//! Rows of the catalogue as pages read them.

use callsift_core::{AudioMark, TimeSpan};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallRow {
    pub(crate) id: i64,
    pub(crate) call_id: String,
    pub(crate) date: String,
    pub(crate) started_us: Option<i64>,
    pub(crate) agent_id: String,
    pub(crate) agent_name: String,
    pub(crate) unit: String,
    pub(crate) queue: String,
    pub(crate) direction: String,
    pub(crate) customer_id: Option<String>,
    pub(crate) order_text: Option<String>,
    pub(crate) recording: String,
    pub(crate) audio_sha256: Option<String>,
    pub(crate) status: String,
    pub(crate) fail_reason: Option<String>,
    pub(crate) layout: Option<String>,
    pub(crate) audio_marks: Vec<AudioMark>,
    pub(crate) duration_ms: i64,
    pub(crate) score: Option<f64>,
    pub(crate) hits: i64,
    pub(crate) worst: i64,
}

impl CallRow {
    /// Columns of `cat.calls c`, in the order that [`Self::read`] expects.
    pub(crate) const COLUMNS: &str = "c.id, c.call_id, c.date, c.started_us, c.agent_id, c.agent_name, c.unit, c.queue,
        c.direction, c.customer_id, c.order_text, c.recording, c.status, c.fail_reason, c.layout, c.duration_ms, c.score,
        c.hits, c.worst, c.audio_sha256, c.audio_marks";
    /// How many.
    pub(crate) const WIDTH: usize = 21;

    pub(crate) fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            call_id: r.get(1)?,
            date: r.get(2)?,
            started_us: r.get(3)?,
            agent_id: r.get(4)?,
            agent_name: r.get(5)?,
            unit: r.get(6)?,
            queue: r.get(7)?,
            direction: r.get(8)?,
            customer_id: r.get(9)?,
            order_text: r.get(10)?,
            recording: r.get(11)?,
            status: r.get(12)?,
            fail_reason: r.get(13)?,
            layout: r.get(14)?,
            duration_ms: r.get(15)?,
            score: r.get(16)?,
            hits: r.get(17)?,
            worst: r.get(18)?,
            audio_sha256: r.get(19)?,
            audio_marks: r.get::<_, String>(20)?.split(',').filter_map(AudioMark::parse).collect(),
        })
    }

    /// The machine could not make anything of the recording.
    pub(crate) fn is_failed(&self) -> bool {
        self.status == "failed"
    }

    /// The call with this id.
    pub(crate) fn find(conn: &Connection, call_id: &str) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {} FROM cat.calls c WHERE c.call_id = ?1", Self::COLUMNS);
        conn.prepare_cached(&sql)?.query_row([call_id], Self::read).optional()
    }
}

/// A turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TurnRow {
    pub(crate) turn: i64,
    pub(crate) role: String,
    pub(crate) span: TimeSpan,
    pub(crate) text: Vec<char>,
    pub(crate) confidence: f64,
    pub(crate) marks: String,
    /// Channel in the recording.
    pub(crate) channel: i64,
    /// Friendly less unfriendly, −1 to 1; nothing where no model ran.
    pub(crate) mood: Option<f64>,
    /// Characters of numbers that not everybody may see.
    pub(crate) numbers: Vec<std::ops::Range<usize>>,
}

/// The turns of a call, in order.
pub(crate) fn turns(conn: &Connection, call: i64) -> rusqlite::Result<Vec<TurnRow>> {
    let sql = "SELECT turn, role, start_ms, end_ms, text, confidence, marks, channel, mood FROM cat.turns WHERE call = ?1 ORDER BY turn";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([call], |r| {
        Ok(TurnRow {
            turn: r.get(0)?,
            role: r.get(1)?,
            span: TimeSpan::new(r.get(2)?, r.get(3)?),
            text: r.get::<_, String>(4)?.chars().collect(),
            confidence: r.get(5)?,
            marks: r.get(6)?,
            channel: r.get(7)?,
            mood: r.get(8)?,
            numbers: Vec::new(),
        })
    })?;
    let mut turns: Vec<TurnRow> = rows.collect::<rusqlite::Result<_>>()?;
    for number in numbers(conn, call)? {
        if let Some(turn) = turns.iter_mut().find(|t| t.turn == number.turn) {
            turn.numbers.push(number.chars);
        }
    }
    Ok(turns)
}

/// A number that not everybody may see or hear.
pub(crate) struct Number {
    turn: i64,
    chars: std::ops::Range<usize>,
    /// When it is said.
    pub(crate) span: TimeSpan,
}

/// The numbers of a call.
pub(crate) fn numbers(conn: &Connection, call: i64) -> rusqlite::Result<Vec<Number>> {
    let sql = "SELECT turn, char_start, char_end, start_ms, end_ms FROM cat.numbers WHERE call = ?1 ORDER BY start_ms";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([call], |r| {
        let chars = r.get::<_, i64>(1)? as usize..r.get::<_, i64>(2)? as usize;
        Ok(Number { turn: r.get(0)?, chars, span: TimeSpan::new(r.get(3)?, r.get(4)?) })
    })?;
    rows.collect()
}

/// A finding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FindingRow {
    pub(crate) rule_id: String,
    pub(crate) place: String,
    pub(crate) title: String,
    pub(crate) category: String,
    pub(crate) severity: String,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) points: f64,
    pub(crate) turn: Option<i64>,
    pub(crate) span: Option<TimeSpan>,
    pub(crate) chars: Option<std::ops::Range<usize>>,
    pub(crate) text: Option<String>,
    pub(crate) match_kind: Option<String>,
    pub(crate) match_cost: Option<f64>,
    pub(crate) searched: Option<(i64, i64, f64)>,
    pub(crate) near: Option<(String, String, f64, i64)>,
    pub(crate) ruleset_hash: String,
}

/// The findings of a call: hits in order of time, then the rest.
pub(crate) fn findings(conn: &Connection, call: i64) -> rusqlite::Result<Vec<FindingRow>> {
    let sql =
        "SELECT rule_id, place, title, category, severity, verdict, reason, points, turn, start_ms, end_ms, char_start,
                 char_end, text, match_kind, match_cost, searched_turns, searched_ms, searched_confidence, near_text,
                 near_phrase, near_score, near_ms, ruleset_hash
               FROM cat.findings WHERE call = ?1
               ORDER BY CASE verdict WHEN 'hit' THEN 0 WHEN 'cannot_tell' THEN 1 WHEN 'clear' THEN 2 ELSE 3 END,
                 start_ms, rule_id, id";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![call], |r| {
        let span: (Option<i64>, Option<i64>) = (r.get(9)?, r.get(10)?);
        let chars: (Option<i64>, Option<i64>) = (r.get(11)?, r.get(12)?);
        let searched: (Option<i64>, Option<i64>, Option<f64>) = (r.get(16)?, r.get(17)?, r.get(18)?);
        let near: (Option<String>, Option<String>, Option<f64>, Option<i64>) =
            (r.get(19)?, r.get(20)?, r.get(21)?, r.get(22)?);
        Ok(FindingRow {
            rule_id: r.get(0)?,
            place: r.get(1)?,
            title: r.get(2)?,
            category: r.get(3)?,
            severity: r.get(4)?,
            verdict: r.get(5)?,
            reason: r.get(6)?,
            points: r.get(7)?,
            turn: r.get(8)?,
            span: span.0.zip(span.1).map(|(a, b)| TimeSpan::new(a, b)),
            chars: chars.0.zip(chars.1).map(|(a, b)| a as usize..b as usize),
            text: r.get(13)?,
            match_kind: r.get(14)?,
            match_cost: r.get(15)?,
            searched: searched.0.zip(searched.1).zip(searched.2).map(|((a, b), c)| (a, b, c)),
            near: near.0.zip(near.1).zip(near.2).zip(near.3).map(|(((a, b), c), d)| (a, b, c, d)),
            ruleset_hash: r.get(23)?,
        })
    })?;
    rows.collect()
}
