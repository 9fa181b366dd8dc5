//! `callsift reviews`: backup and export of what people said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use callsift_pipeline::metadata::{day_at, offset_s};
use callsift_reviews::{Correction, Db, Form, Slot, VerdictRow, backups, restore};
use callsift_store::people::{forms, reviews, samples, write_days};
use callsift_store::{FormRow, ReviewRow, SampleRow};
use serde_json::json;

use crate::args::{ReviewsArgs, ReviewsCommand};
use crate::exit::Exit;
use crate::output::{emit, emit_value, note};
use crate::{lake, load};

/// Backs up or exports.
pub fn run(args: &ReviewsArgs) -> Result<Exit> {
    let data = args.data.given("reviews");
    lake::check(&data.lake)?;
    let folder = data.folder();
    if let ReviewsCommand::Restore { from } = &args.command {
        let aside = restore(&folder, from)?;
        note(&format!("{} is back at {}", from.display(), folder.join(Db::FILE).display()));
        if let Some(aside) = aside {
            note(&format!("what was there before: {}", aside.display()));
        }
        return Ok(Exit::Done);
    }
    if !backups(&folder).is_empty() || folder.join(Db::FILE).is_file() {
        // Says what is wrong with a file that is damaged or gone.
        drop(Db::open_whole(&folder)?);
    }
    if !folder.join(Db::FILE).is_file() {
        bail!(
            "there is no reviews database at {}: nobody used a console here yet, or --data is another folder",
            folder.display()
        );
    }
    let db = Db::open_in(&folder)?;
    match &args.command {
        ReviewsCommand::Backup { to } => {
            db.backup(to)?;
            note(&format!("backed up to {}", to.display()));
        }
        // Looked through above.
        ReviewsCommand::Check { json: true } => {
            let whole = folder.join(Db::FILE);
            emit_value(&json!({ "database": whole, "sound": true, "copies": backups(&folder) }))?;
        }
        ReviewsCommand::Check { json: false } => {
            emit(&format!("{}: sound\n", folder.join(Db::FILE).display()));
            for copy in backups(&folder) {
                emit(&format!("  {}\n", copy.display()));
            }
        }
        ReviewsCommand::Restore { .. } => {}
        ReviewsCommand::Corrections { to } => corrections(&db, to)?,
        ReviewsCommand::Export { config } => {
            let offset = offset_s(&load::config(config)?.metadata.utc_offset)?;
            export(&db, &data.lake, offset)?;
        }
    }
    Ok(Exit::Done)
}

/// The turns as they were said, in the form of references.
fn corrections(db: &Db, to: &Path) -> Result<()> {
    let all = db.corrections()?;
    let line = |c: &Correction| {
        let (from, to) = c.span_ms;
        json!({ "file": c.recording, "channel": c.channel, "start_ms": from, "end_ms": to, "text": c.said })
    };
    let lines: Vec<String> = all.iter().map(|c| line(c).to_string() + "\n").collect();
    std::fs::write(to, lines.concat()).with_context(|| format!("cannot write {}", to.display()))?;
    note(&format!("{}: {} corrected sentences", to.display(), all.len()));
    Ok(())
}

fn export(db: &Db, lake: &Path, offset_s: i32) -> Result<()> {
    let history = db.history()?;
    let replaced: BTreeSet<i64> = history.iter().filter_map(|v| v.before).collect();
    // Login names, as draws have them: display names are for eyes and need not be different.
    let logins: BTreeMap<i64, String> = db.users()?.into_iter().map(|u| (u.id, u.name)).collect();
    let login = |id: i64| logins.get(&id).cloned().unwrap_or_default();
    let verdicts = history.into_iter().map(|v| ReviewRow { reviewer: login(v.user_id), ..review_row(v, &replaced) });
    let verdicts = by_day(verdicts, |r| day_at(r.at_us, offset_s));
    let sheets = db.forms()?.into_iter().map(|f| FormRow { reviewer: login(f.user_id), ..form_row(f) });
    let mut sheets = by_day(sheets, |r| day_at(r.at_us, offset_s));
    for at_us in db.form_times()? {
        // A day whose forms were all replaced later is written empty.
        sheets.entry(day_at(at_us, offset_s)).or_default();
    }
    let mut drawn: BTreeMap<String, Vec<SampleRow>> = BTreeMap::new();
    // Newest first in the database; the oldest comes first in a table.
    for draw in db.draws()?.into_iter().rev() {
        let rows = db.draw_calls(draw.id)?.into_iter().map(|c| SampleRow {
            draw_id: draw.id,
            title: draw.title.clone(),
            seed: draw.seed.clone(),
            frame_hash: draw.frame_hash.clone(),
            drawn_us: draw.drawn_us,
            call_id: c.call_id,
            picked: c.picked,
            probability: c.probability,
            whole_probability: c.whole,
            part: c.part,
            why: c.why,
            reviewer: c.reviewer,
            duplicate_reviewer: c.duplicate,
        });
        drawn.entry(day_at(draw.drawn_us, offset_s)).or_default().extend(rows);
    }
    write_days(lake, &reviews(), &verdicts)?;
    write_days(lake, &forms(), &sheets)?;
    write_days(lake, &samples(), &drawn)?;
    let count = |rows: usize, what: &str| format!("{rows} {what}");
    let n = [
        count(verdicts.values().map(Vec::len).sum(), "verdicts"),
        count(sheets.values().map(Vec::len).sum(), "forms"),
        count(drawn.values().map(Vec::len).sum(), "calls of draws"),
    ];
    note(&format!("exported to {}: {}", lake.display(), n.join(", ")));
    Ok(())
}

fn by_day<R>(rows: impl Iterator<Item = R>, day: impl Fn(&R) -> String) -> BTreeMap<String, Vec<R>> {
    let mut days: BTreeMap<String, Vec<R>> = BTreeMap::new();
    for row in rows {
        days.entry(day(&row)).or_default().push(row);
    }
    days
}

fn review_row(v: VerdictRow, replaced: &BTreeSet<i64>) -> ReviewRow {
    ReviewRow {
        verdict_id: v.id,
        current: !replaced.contains(&v.id),
        call_id: v.call_id,
        rule_id: v.rule_id,
        place: v.place,
        duplicate: v.slot == Slot::Duplicate,
        source: v.source,
        verdict: v.verdict.as_str().to_owned(),
        replaces: v.before,
        start_ms: v.span_ms.map(|s| s.0),
        end_ms: v.span_ms.map(|s| s.1),
        text: v.text,
        note: v.note,
        reviewer: v.by,
        at_us: v.at_us,
        ruleset_hash: v.ruleset_hash,
        cause: v.cause.map(|c| c.as_str().to_owned()),
    }
}

fn form_row(f: Form) -> FormRow {
    FormRow {
        call_id: f.call_id,
        duplicate: f.slot == Slot::Duplicate,
        score: f.score,
        items: f.items,
        strengths: f.strengths,
        weaknesses: f.weaknesses,
        keep: f.keep,
        whole: f.whole,
        reviewer: f.by,
        at_us: f.at_us,
    }
}
