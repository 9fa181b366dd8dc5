//! `callsift retain`: customer data is kept no longer than the centre wants.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use callsift_console::{Forgotten, forget_removed, now_us};
use callsift_pipeline::PipelineError;
use callsift_pipeline::retain::{RetainRequest, RetainSummary, carry_out, open, plan};
use callsift_reviews::{Db, Hold};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::args::RetainArgs;
use crate::exit::Exit;
use crate::output::{emit, emit_json, error, note, size, table, unread};
use crate::{input, lake};

/// Removes what is too old, or says what it would.
pub fn run(args: &RetainArgs) -> Result<Exit> {
    lake::check(&args.data.lake)?;
    input::file("--recordings", args.recordings.as_deref())?;
    let limits = Limits::of(args)?;
    // First, so that nobody writes to the lake between the plan and what is done.
    let mut lake = args.yes.then(|| open(&args.data.lake)).transpose()?;
    let reviews = open_reviews(args)?;
    let held = match &reviews {
        Some(db) => db.holds(limits.now_us)?.into_iter().map(|(call, hold)| (call, hold.as_str())).collect(),
        None => BTreeMap::new(),
    };
    let plan = plan(RetainRequest {
        lake: &args.data.lake,
        recordings: args.recordings.as_deref(),
        calls_before: limits.calls_before.as_deref(),
        recordings_before: limits.recordings_before.as_deref(),
        held: &held,
    })?;
    let Some(lake) = &mut lake else {
        print(args, &plan.summary, None)?;
        return Ok(Exit::Done);
    };
    let mut summary = RetainSummary::default();
    let done = carry_out(&plan, lake, &mut summary);
    // Also after an error: what was removed before it was removed.
    let forgotten = forget_removed(&args.data.folder(), &args.data.lake, summary.calls > 0);
    log(reviews.as_ref(), &summary)?;
    done?;
    print(args, &summary, forgotten.as_ref().ok())?;
    let clean = forgotten.is_ok() && summary.failed.is_empty();
    if let Err(e) = forgotten {
        error(&anyhow::Error::new(e).context("the console's copies of what was removed could not be cleaned"));
    }
    Ok(if clean { Exit::Done } else { Exit::Some })
}

/// The days before which things go.
struct Limits {
    calls_before: Option<String>,
    recordings_before: Option<String>,
    /// What is too late is judged by this moment.
    now_us: i64,
}

impl Limits {
    fn of(args: &RetainArgs) -> Result<Self> {
        if let (Some(days), Some(recordings)) = (args.days, args.recordings_days)
            && recordings > days
        {
            bail!("--recordings-days {recordings} is more than --days {days}: recordings are found by their calls");
        }
        let (today, now_us) = match &args.today {
            None => (jiff::Zoned::now().date(), now_us()),
            Some(day) => {
                let day: Date = day.parse().map_err(|_| PipelineError::BadDate(day.clone()))?;
                // Its first moment: whatever may happen on that day may still happen.
                (day, day.to_zoned(TimeZone::system())?.timestamp().as_microsecond())
            }
        };
        let before = |days: u32| -> Result<String> {
            let day = today.checked_sub(i64::from(days).days()).with_context(|| format!("{days} days are too many"))?;
            Ok(day.to_string())
        };
        Ok(Self {
            calls_before: args.days.map(before).transpose()?,
            recordings_before: args.recordings_days.or(args.days).map(before).transpose()?,
            now_us,
        })
    }
}

/// The reviews database, where there is one. One that was named must be there: without it kept calls would go.
fn open_reviews(args: &RetainArgs) -> Result<Option<Db>> {
    let path = args.data.folder().join(Db::FILE);
    if path.is_file() {
        return Ok(Some(Db::open(&path)?));
    }
    if args.data.data.is_some() {
        bail!("there is no reviews database at {}; without it nothing says which calls must stay", path.display());
    }
    note(&format!("there is no reviews database at {}: no call is held back", path.display()));
    Ok(None)
}

/// One line in the audit log, where anything was removed or should have been.
fn log(reviews: Option<&Db>, s: &RetainSummary) -> Result<()> {
    let Some(db) = reviews.filter(|_| s.calls + s.recordings + s.failed.len() > 0) else { return Ok(()) };
    let user = ["LOGNAME", "USER"].iter().find_map(|v| std::env::var(v).ok()).unwrap_or_default();
    let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "-".to_owned());
    let detail = format!(
        "calls before {}: {} removed, {} held; recordings before {}: {} removed, {} failed",
        day(&s.calls_before),
        s.calls,
        s.held.values().sum::<usize>(),
        day(&s.recordings_before),
        s.recordings,
        s.failed.len()
    );
    // Not a login name of the console: somebody at this machine.
    db.log(now_us(), &format!("os:{user}"), "retain", None, &detail)?;
    Ok(())
}

fn print(args: &RetainArgs, summary: &RetainSummary, forgotten: Option<&Forgotten>) -> Result<()> {
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(summary)?));
    } else {
        emit(&text(summary, forgotten));
    }
    for left in &summary.left {
        note(&format!("{}: left: {}", left.recording, left.why));
    }
    for failed in &summary.failed {
        note(&format!("{}: cannot be removed, its call stays: {}", failed.recording, failed.why));
    }
    Ok(())
}

fn text(s: &RetainSummary, forgotten: Option<&Forgotten>) -> String {
    let mut out = String::new();
    let verb = if s.done { "已删除" } else { "将删除" };
    // How small a part becomes that is written anew is not known before.
    let about = if s.done || s.parts_rewritten == 0 { "" } else { "约 " };
    if let Some(day) = &s.calls_before {
        let (calls, days, parts) = (s.calls, s.days, s.parts_removed + s.parts_rewritten);
        let _ = writeln!(
            out,
            "{verb} {day} 之前的通话 {calls} 通（{days} 天，{parts} 份，其中 {} 份重写）",
            s.parts_rewritten
        );
        let rows = s.bytes.iter().map(|(table, bytes)| vec![(*table).to_owned(), format!("{about}{}", size(*bytes))]);
        out.push_str(&table(&rows.collect::<Vec<_>>()));
    }
    match &s.recordings_before {
        Some(day) => {
            let bytes = size(s.recording_bytes);
            let _ = writeln!(
                out,
                "{verb} {day} 之前的录音 {} 个（{bytes}）；此前已不在的 {} 个",
                s.recordings, s.recordings_missing
            );
        }
        None => out.push_str("录音未处理：用 --recordings DIR 指明录音文件夹\n"),
    }
    for hold in Hold::ALL {
        if let Some(calls) = s.held.get(hold.as_str()) {
            let _ = writeln!(out, "保留 {calls} 通：{}", reason(hold));
        }
    }
    for damage in &s.unread {
        let _ = writeln!(out, "{}", unread(damage));
    }
    if !s.left.is_empty() || !s.failed.is_empty() {
        let _ = writeln!(out, "未删除的录音 {} 个，删除失败 {} 个", s.left.len(), s.failed.len());
    }
    if let Some(Forgotten { sound_files: sound_files @ 1.., .. }) = forgotten {
        let _ = writeln!(out, "质检台的录音缓存已清空（{sound_files} 个文件）");
    }
    if !s.done {
        out.push_str("以上只是预览，什么也没有改动；加上 --yes 才会删除\n");
    }
    out
}

fn reason(hold: Hold) -> &'static str {
    match hold {
        Hold::Training => "留作培训",
        Hold::Appeal => "申诉未裁定",
        Hold::AppealTime => "仍可申诉",
        Hold::Claimed => "正在复核",
    }
}
