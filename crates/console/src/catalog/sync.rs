//! Following the lake: parts that appeared, changed or went.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use callsift_core::{Severity, TimeSpan, TimedChar, Turn};
use callsift_store::{CallGroup, Part, PartReader, StoredCall, StoredFinding, TableName, day_commits, stored_parts};
use callsift_text::{mask, sensitive_numbers};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::catalog::{grams, odd, outcomes, place};
use crate::error::ConsoleError;

/// Brings the catalogue up to date; each part in a transaction of its own, so readers never see half a part. A call
/// whose rows are as they were stays as it is, with its numbers, also where it is now in another part: a day that was
/// compacted is read, and hardly written. `progress` is told parts done and parts in all. A part that cannot be read,
/// or a call whose id stands in another part, is written down as odd and stops nothing.
///
/// # Errors
/// The lake's folders cannot be read, or the catalogue not written.
pub(crate) fn sync(
    conn: &mut Connection,
    lake: &Path,
    unit_field: &str,
    mut progress: impl FnMut(usize, usize),
) -> Result<(), ConsoleError> {
    let Changes { gone, new } = changes(conn, lake)?;
    set_aside(conn, &gone)?;
    enter(conn, lake, unit_field, &new, &mut progress)?;
    let left = names(conn, "SELECT name FROM parts WHERE name LIKE 'gone:%'")?;
    take_out(conn, &left)?;
    if !left.is_empty() {
        // The call that was shown in the place of another may have gone.
        take_out(conn, &odd::parts_with_doubles(conn)?)?;
        let new = changes(conn, lake)?.new;
        enter(conn, lake, unit_field, &new, &mut progress)?;
    }
    Ok(())
}

fn enter(
    conn: &mut Connection,
    lake: &Path,
    unit_field: &str,
    new: &[(String, Part, String)],
    progress: &mut impl FnMut(usize, usize),
) -> Result<(), ConsoleError> {
    // A part that could not be read and is no more there is forgotten; one that is, is tried again.
    conn.execute("DELETE FROM odd WHERE call_id IS NULL", [])?;
    for (i, (name, part, stamp)) in new.iter().enumerate() {
        let tx = conn.transaction()?;
        let added = add_part(&tx, lake, name, part, unit_field);
        match added {
            // What was entered of it is taken back.
            Err(ConsoleError::Lake(error)) => {
                drop(tx);
                odd::part(conn, name, &error)?;
                continue;
            }
            added => added?,
        }
        tx.execute("INSERT INTO parts (name, stamp) VALUES (?1, ?2)", params![name, stamp])?;
        tx.commit()?;
        progress(i + 1, new.len());
    }
    Ok(())
}

fn add_part(tx: &Transaction<'_>, lake: &Path, name: &str, part: &Part, unit_field: &str) -> Result<(), ConsoleError> {
    let mut reader = PartReader::open(lake, part, true)?;
    while let Some(CallGroup { calls, findings }) = reader.next_group()? {
        add(tx, name, calls, findings, unit_field)?;
    }
    Ok(())
}

/// Parts that went or changed get another name, until their calls are met again or taken out.
fn set_aside(conn: &mut Connection, gone: &[String]) -> rusqlite::Result<()> {
    let tx = conn.transaction()?;
    for name in gone.iter().filter(|name| !name.starts_with("gone:")) {
        let aside = format!("gone:{name}");
        for (table, column) in [("calls", "part"), ("parts", "name")] {
            let sql = format!("UPDATE OR REPLACE {table} SET {column} = ?2 WHERE {column} = ?1");
            tx.execute(&sql, [name, &aside])?;
        }
        tx.execute("DELETE FROM odd WHERE part = ?1", [name])?;
    }
    tx.commit()
}

fn names(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare(sql)?.query_map([], |r| r.get(0))?.collect()
}

/// How the lake differs from the catalogue.
pub(super) struct Changes {
    /// Parts that the lake no longer has, or no longer as they were.
    pub(super) gone: Vec<String>,
    /// Parts that the catalogue lacks: name, part, stamp.
    new: Vec<(String, Part, String)>,
}

pub(super) fn changes(conn: &Connection, lake: &Path) -> Result<Changes, ConsoleError> {
    let mut statement = conn.prepare("SELECT name, stamp FROM parts ORDER BY name")?;
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let known: BTreeMap<String, String> = rows.collect::<rusqlite::Result<_>>()?;
    let mut there: BTreeMap<String, (Part, String)> = BTreeMap::new();
    for part in stored_parts(lake, None, None)? {
        let stamp = stamp(lake, &part);
        there.insert(format!("{}/{}", part.date, part.number), (part, stamp));
    }
    // A day that is being changed is looked at when it is whole: amid a compaction calls would stand twice.
    let amid: BTreeSet<String> = day_commits(lake)?.into_iter().filter(|d| d.writing).map(|d| d.dt).collect();
    let is_whole = |name: &str| !amid.contains(name.trim_start_matches("gone:").split('/').next().unwrap_or(name));
    let same = |name: &String, stamp: &String| there.get(name).is_some_and(|(_, now)| now == stamp);
    let gone = known
        .iter()
        .filter(|(name, stamp)| is_whole(name) && !same(name, stamp))
        .map(|(name, _)| name.clone())
        .collect();
    let is_new = |(name, (_, stamp)): &(String, (Part, String))| is_whole(name) && known.get(name) != Some(stamp);
    let new = there.into_iter().filter(is_new).map(|(name, (part, stamp))| (name, part, stamp)).collect();
    Ok(Changes { gone, new })
}

/// Takes parts out, each in a transaction of its own.
pub(super) fn take_out(conn: &mut Connection, parts: &[String]) -> rusqlite::Result<()> {
    for name in parts {
        let tx = conn.transaction()?;
        remove(&tx, name)?;
        tx.commit()?;
    }
    Ok(())
}

/// Size and time of the files of a part: they are replaced by rename, never written into.
fn stamp(lake: &Path, part: &Part) -> String {
    let mut out = String::new();
    for table in [TableName::Calls, TableName::Turns, TableName::Findings] {
        let path = part.path(lake, table);
        // A file that is not there is found when the part is read.
        let meta = std::fs::metadata(&path).ok();
        let modified = meta.as_ref().and_then(|m| m.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        // Writing to a text cannot fail.
        let _ = write!(out, "{}@{} ", meta.map_or(0, |m| m.len()), modified.map_or(0, |d| d.as_nanos()));
    }
    out
}

fn remove(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM turns_text WHERE rowid IN
           (SELECT t.id FROM turns t JOIN calls c ON c.id = t.call WHERE c.part = ?1)",
        [name],
    )?;
    tx.execute("DELETE FROM calls WHERE part = ?1", [name])?;
    tx.execute("DELETE FROM odd WHERE part = ?1", [name])?;
    tx.execute("DELETE FROM parts WHERE name = ?1", [name])?;
    Ok(())
}

fn add(
    tx: &Transaction<'_>,
    part: &str,
    calls: Vec<StoredCall>,
    findings: Vec<StoredFinding>,
    unit_field: &str,
) -> Result<(), ConsoleError> {
    let mut by_call: HashMap<String, Vec<StoredFinding>> = HashMap::new();
    for finding in findings {
        by_call.entry(finding.call_id.clone()).or_default().push(finding);
    }
    for call in calls {
        let findings = by_call.remove(&call.meta.call_id).unwrap_or_default();
        let print = fingerprint(&call, &findings, unit_field);
        let known: Option<(i64, String, String)> = tx
            .prepare_cached("SELECT id, part, print FROM calls WHERE call_id = ?1")?
            .query_row([&call.meta.call_id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        match known {
            Some((id, old, same)) if old.starts_with("gone:") && same == print => {
                tx.prepare_cached("UPDATE calls SET part = ?2 WHERE id = ?1")?.execute(params![id, part])?;
                continue;
            }
            Some((id, old, _)) if old.starts_with("gone:") => remove_call(tx, id)?,
            Some((_, other, _)) => {
                odd::double(tx, part, &call.meta.call_id, &other)?;
                continue;
            }
            None => {}
        }
        let id = add_call(tx, part, &call, &findings, unit_field, &print)?;
        add_findings(tx, id, &findings)?;
        outcomes::add(tx, id, &findings)?;
        for turn in &call.turns {
            add_turn(tx, id, turn)?;
        }
    }
    Ok(())
}

/// SHA-256 over all that the catalogue takes of a call: the same for the same rows, wherever they lie.
fn fingerprint(call: &StoredCall, findings: &[StoredFinding], unit_field: &str) -> String {
    struct Sink(Sha256);
    impl Write for Sink {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut sink = Sink(Sha256::new());
    let StoredCall {
        meta,
        recording,
        audio_sha256,
        status,
        fail_reason,
        layout,
        duration_ms,
        score,
        turns,
        audio_marks,
        ..
    } = call;
    // Writing to a hash cannot fail.
    let _ =
        write!(sink, "{unit_field:?} {meta:?} {recording:?} {audio_sha256:?} {status:?} {fail_reason:?} {layout:?}");
    let _ = write!(sink, "{duration_ms:?} {score:?} {audio_marks:?} {findings:?}");
    for turn in turns {
        let Turn { index, role, span, confidence, marks, chars, channel, .. } = turn;
        let _ = write!(
            sink,
            "{index} {role:?} {span:?} {confidence:?} {marks:?} {} {channel} {:?}",
            chars.len(),
            mood(turn)
        );
        for c in chars {
            sink.0.update(u32::from(c.ch).to_le_bytes());
            sink.0.update(c.span.start_ms.to_le_bytes());
            sink.0.update(c.span.end_ms.to_le_bytes());
        }
    }
    callsift_core::hex(&sink.0.finalize())
}

fn remove_call(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM turns_text WHERE rowid IN (SELECT id FROM turns WHERE call = ?1)", [id])?;
    tx.execute("DELETE FROM calls WHERE id = ?1", [id])?;
    Ok(())
}

fn add_call(
    tx: &Transaction<'_>,
    part: &str,
    call: &StoredCall,
    findings: &[StoredFinding],
    unit_field: &str,
    print: &str,
) -> Result<i64, ConsoleError> {
    let meta = &call.meta;
    let hits: Vec<&StoredFinding> = findings.iter().filter(|f| f.verdict == "hit").collect();
    let duration_ms = call.duration_ms.or(call.turns.iter().map(|t| t.span.end_ms).max()).unwrap_or(0);
    let agent_id = meta.agent_id.clone().unwrap_or_default();
    let unit = meta.extra.get(unit_field).cloned().unwrap_or_default();
    // Names of agents and queues are no place for a customer's number: whoever wrote one there did so by mistake.
    let queue = mask(meta.queue.as_deref().unwrap_or_default());
    for (kind, name) in [("unit", &unit), ("queue", &queue)] {
        tx.prepare_cached("INSERT OR IGNORE INTO names (kind, name) SELECT ?1, ?2 WHERE ?2 <> ''")?
            .execute([kind, name])?;
    }
    let agent_name = meta.agent_name.as_deref().map_or_else(|| agent_id.clone(), mask);
    tx.prepare_cached("INSERT OR IGNORE INTO agents (agent_id, agent_name) VALUES (?1, ?2)")?
        .execute([&agent_id, &agent_name])?;
    tx.prepare_cached(
        "INSERT INTO calls (call_id, part, date, started_us, agent_id, agent_name, unit, queue, direction, customer_id,
           order_text, recording, status, fail_reason, layout, duration_ms, score, hits, worst, risk,
           audio_sha256, print, audio_marks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
           ?21, ?22, ?23)",
    )?
    .execute(params![
        meta.call_id,
        part,
        meta.date.clone().unwrap_or_default(),
        meta.started_at_us,
        agent_id,
        agent_name,
        unit,
        queue,
        meta.direction.as_str(),
        meta.customer_id,
        meta.order,
        call.recording,
        call.status,
        call.fail_reason,
        call.layout.map(callsift_core::ChannelLayout::as_str),
        duration_ms,
        call.score,
        hits.len() as i64,
        hits.iter().map(|f| severity_rank(&f.severity)).max().unwrap_or(0),
        hits.is_empty().then_some(0.0),
        call.audio_sha256,
        print,
        call.audio_marks.iter().map(|mark| mark.as_str()).collect::<Vec<_>>().join(","),
    ])?;
    Ok(tx.last_insert_rowid())
}

/// Rank of a severity: 1 minor to 4 fatal; 0 for none.
pub(crate) fn severity_rank(name: &str) -> i64 {
    Severity::parse(name).map_or(0, |s| s as i64 + 1)
}

fn add_findings(tx: &Transaction<'_>, call: i64, findings: &[StoredFinding]) -> Result<(), ConsoleError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO findings (call, rule_id, place, title, category, severity, verdict, reason, points, turn, start_ms,
           end_ms, char_start, char_end, text, match_kind, match_cost, condition, searched_ms, searched_turns,
           searched_confidence, near_text, near_phrase, near_score, near_ms, ruleset_hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
           ?23, ?24, ?25, ?26)",
    )?;
    for f in findings {
        statement.execute(params![
            call,
            f.rule_id,
            place::of_finding(f),
            f.title,
            f.category,
            f.severity,
            f.verdict,
            f.reason,
            f.points,
            f.turn,
            f.start_ms,
            f.end_ms,
            f.char_start,
            f.char_end,
            f.text,
            f.match_kind,
            f.match_cost,
            f.condition,
            f.searched_speech_ms,
            f.searched_turns,
            f.searched_confidence,
            f.near_miss_text,
            f.near_miss_phrase,
            f.near_miss_score,
            f.near_miss_start_ms,
            f.ruleset_hash,
        ])?;
    }
    Ok(())
}

/// How likely the words of a turn are friendly less how likely they are not, −1 to 1; nothing where no model ran.
fn mood(turn: &Turn) -> Option<f64> {
    let prob = |name| turn.label(name).map(|score| score.prob);
    Some(prob("positive")? - prob("negative")?)
}

fn add_turn(tx: &Transaction<'_>, call: i64, turn: &Turn) -> Result<(), ConsoleError> {
    let text = turn.text();
    let marks: Vec<&str> = turn.marks.iter().map(|m| m.as_str()).collect();
    tx.prepare_cached(
        "INSERT INTO turns (call, turn, role, start_ms, end_ms, text, confidence, marks, channel, mood)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        call,
        turn.index,
        turn.role.as_str(),
        turn.span.start_ms,
        turn.span.end_ms,
        text,
        turn.confidence,
        marks.join(","),
        turn.channel,
        mood(turn)
    ])?;
    let id = tx.last_insert_rowid();
    let grams = grams::index(&mask(&text));
    tx.prepare_cached("INSERT INTO turns_text (rowid, grams) VALUES (?1, ?2)")?.execute(params![id, grams])?;
    let chars: Vec<char> = text.chars().collect();
    for range in sensitive_numbers(&chars) {
        let Some(heard) = heard_within(&turn.chars, &range) else { continue };
        tx.prepare_cached(
            "INSERT INTO numbers (call, turn, char_start, char_end, start_ms, end_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            call,
            turn.index,
            range.start as i64,
            range.end as i64,
            heard.start_ms,
            heard.end_ms
        ])?;
    }
    Ok(())
}

/// When a stretch of a turn was said at the latest bounds: characters that follow each other without a gap were not
/// timed one by one but spread over what was heard as a whole, so the number may lie anywhere in it.
fn heard_within(chars: &[TimedChar], range: &Range<usize>) -> Option<TimeSpan> {
    let touch = |i: usize| i > 0 && i < chars.len() && chars[i - 1].span.end_ms >= chars[i].span.start_ms;
    let (mut start, mut end) = (range.start, range.end);
    while touch(start) {
        start -= 1;
    }
    while touch(end) {
        end += 1;
    }
    let (first, last) = (chars.get(start)?, chars.get(end.checked_sub(1)?)?);
    Some(TimeSpan::new(first.span.start_ms, last.span.end_ms))
}

#[cfg(test)]
mod tests {
    use callsift_core::{TimeSpan, TimedChar};

    use super::heard_within;

    #[test]
    fn a_number_without_times_of_its_own_may_lie_anywhere_in_its_stretch() {
        let spread = TimedChar::spread("电话是一三八", TimeSpan::new(0, 20_000), 1.0);
        assert_eq!(heard_within(&spread, &(3..6)), Some(TimeSpan::new(0, 20_000)));
        // Two stretches with a gap between them; the number is in the second.
        let mut chars = TimedChar::spread("我看看", TimeSpan::new(0, 900), 1.0);
        chars.extend(TimedChar::spread("一三八", TimeSpan::new(1500, 2400), 1.0));
        assert_eq!(heard_within(&chars, &(3..5)), Some(TimeSpan::new(1500, 2400)));
    }
}
