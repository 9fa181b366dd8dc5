//! Which calls of a transcripts file are to be done, and under which ids.

use callsift_store::{DoneCall, KnownSource, Lake, StoreError};

use super::{Entry, Transcripts, apart};
use crate::intake::{Intake, NoteKind};

/// What there is to do.
#[derive(Debug, Default)]
pub(crate) struct TranscriptTodo {
    /// Number in the file and id in the lake, sorted by day and id.
    pub(crate) calls: Vec<(usize, String)>,
    /// Calls that are done, or were removed for their age.
    pub(crate) skipped: usize,
    pub(crate) intake: Intake,
}

/// What a row of the lake means for a line.
enum Next {
    Done,
    /// The line takes the place of the row.
    Replace(&'static str),
    /// The row is another call.
    Apart,
}

/// Decides for all calls of a file: done, to be done, in the place of a failed or changed row, or told apart from another call
/// with its id.
pub(crate) fn resolve(lake: &mut Lake, calls: &Transcripts) -> Result<TranscriptTodo, StoreError> {
    let mut todo = TranscriptTodo { intake: calls.intake.clone(), ..TranscriptTodo::default() };
    let mut mended = Vec::new();
    for (i, entry) in calls.entries.iter().enumerate() {
        let source = calls.source(entry);
        let mut id = entry.call_id.clone();
        let row = lake.done_call(&id)?;
        let mut next = row.map(|row| next(lake, &id, &row, entry, id == source)).transpose()?;
        if matches!(next, Some(Next::Apart)) {
            let own = apart(&id, &entry.sha256);
            let text = format!("编号 {id} 在库中是另一通，已另编为 {own}（duplicate id）");
            id = own;
            next = lake.done_call(&id)?.map(|_| Next::Done);
            if next.is_none() {
                todo.intake.add(NoteKind::SharedId, source.clone(), text);
            }
        }
        match next {
            Some(Next::Replace(why)) => {
                todo.intake.add(NoteKind::Replaced, source.clone(), format!("通话 {id}：{why}，替换原记录"));
            }
            Some(_) => {
                todo.skipped += 1;
                continue;
            }
            None if lake.was_removed(&id, String::new)? => {
                todo.skipped += 1;
                continue;
            }
            None => {}
        }
        if let Some(old) = unnamed(lake, entry, &source, &id)? {
            let text = format!("通话 {id} 已可读取，替换 {old} 的失败记录");
            todo.intake.add(NoteKind::Replaced, source, text);
            mended.push((id.clone(), old));
        }
        todo.calls.push((i, id));
    }
    for (id, old) in mended {
        lake.replace_when_written(&id, &old);
    }
    let day = |i: usize| &calls.entries[i].date;
    todo.calls.sort_by(|a, b| (day(a.0), &a.1).cmp(&(day(b.0), &b.1)));
    Ok(todo)
}

fn next(lake: &Lake, id: &str, row: &DoneCall, entry: &Entry, unnamed: bool) -> Result<Next, StoreError> {
    let other_day = entry.day_given && row.part.date != entry.date;
    if !row.audio_sha256.is_empty() {
        // That call was heard here: it is not done again from what another system made of it.
        return Ok(if other_day { Next::Apart } else { Next::Done });
    }
    Ok(match (row.status.as_str(), lake.source_of(id, entry.sha256.as_bytes())?) {
        (_, KnownSource::Same) => Next::Done,
        // A line without an id of its own goes by its place: another file has such a line, too.
        ("failed", KnownSource::Other) if unnamed => Next::Apart,
        ("failed", _) if entry.wrong.is_none() => Next::Replace("原先读不出的行已更正"),
        ("failed", _) | (_, KnownSource::Unknown) => Next::Done,
        (_, KnownSource::Other) if other_day => Next::Apart,
        // What can be read is not given up for what cannot.
        (_, KnownSource::Other) if entry.wrong.is_some() => Next::Done,
        (_, KnownSource::Other) => Next::Replace("内容有变化"),
    })
}

/// The failed row of this line from a time when its id could not be read: it was named after the line.
fn unnamed(lake: &Lake, entry: &Entry, source: &str, id: &str) -> Result<Option<String>, StoreError> {
    let could = entry.wrong.is_none() && id != source;
    let Some(row) = lake.done_call(source)?.filter(|_| could) else { return Ok(None) };
    let same_day = !entry.day_given || row.part.date == entry.date;
    let is_line = row.status == "failed" && row.recording == source;
    Ok((is_line && same_day).then(|| source.to_owned()))
}
