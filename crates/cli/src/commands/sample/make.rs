//! Making a draw: one way for `callsift sample` and the console.

use anyhow::{Result, bail};
use callsift_sampling::plan::{Method, Stratum};
use callsift_sampling::{Drawn, Findings, Frame, Lacks, Plan, assign, draw_with};

use super::Record;
use super::frame::{self, Scope};
use super::keep::{self, Chances, Past};
use super::words;
use crate::args::DataArgs;
use crate::lake;

/// What is to be drawn.
pub struct Order<'a> {
    pub data: &'a DataArgs,
    pub plan: Plan,
    pub seed: &'a str,
    pub days: lake::Days,
    pub reviewers: Vec<String>,
    /// The turn of units and agents; the next one where it is not given.
    pub round: Option<usize>,
    pub unit_field: &'a str,
    pub utc_offset: &'a str,
    /// Who draws.
    pub by: String,
    /// Keeps it in the reviews database.
    pub save: bool,
}

/// A draw that was made.
pub struct Made<T> {
    pub record: Record,
    /// What whoever draws should know.
    pub notes: Vec<String>,
    /// Number of the draw, where it was kept.
    pub saved: Option<i64>,
    /// What `before` gave.
    pub before: T,
}

/// A draw that is not kept yet.
struct Unkept {
    record: Record,
    frame: Frame,
    inclusion: Chances,
    left_out: Vec<(String, Lacks)>,
    let_go: Vec<Stratum>,
    unknown: Vec<String>,
}

/// Draws. `say` gets what is published before the draw is made; `before` runs when it is made and before it is kept:
/// where that fails, nothing is kept.
pub fn make<T>(order: &Order<'_>, say: impl Fn(&str), before: impl FnOnce(&Record) -> Result<T>) -> Result<Made<T>> {
    keep::check_reviewers(&order.reviewers)?;
    // Draws that are saved at one time would each think that nobody has any call.
    let _alone = order.save.then(|| keep::alone(order.data)).transpose()?;
    let made = draw(order, say)?;
    let mut notes = made.unknown;
    notes.extend(words::notes(&made.record, &made.frame, &made.left_out, &made.let_go));
    let before = before(&made.record)?;
    let save = || keep::save(order.data, &made.record, &made.frame, &made.inclusion, &order.by);
    let saved = order.save.then(save).transpose()?;
    Ok(Made { record: made.record, notes, saved, before })
}

fn draw(order: &Order<'_>, say: impl Fn(&str)) -> Result<Unkept> {
    let (lake, plan, seed) = (&order.data.lake, &order.plan, order.seed);
    let lake::Days { from, to } = order.days.clone();
    let (from_day, to_day) = (from.as_deref(), to.as_deref());
    let (unit_field, utc_offset) = (order.unit_field, order.utc_offset);
    let scope = Scope { lake, from: from_day, to: to_day, unit_field, utc_offset };
    let frame = frame::frame(&scope)?;
    if frame.calls().is_empty() {
        bail!("the lake {} has no calls that could be drawn{}", lake.display(), words::days(from_day, to_day));
    }
    let past = Past::read(order.data, plan)?;
    let (findings, unknown) = match findings(plan, &scope, past.records.clone(), past.heard(plan))? {
        Some((findings, unknown)) => (Some(findings), unknown),
        None => (None, Vec::new()),
    };
    // Seed and frame stand before the draw is made, printed and in a file: whoever tries seeds leaves a line for each.
    keep::announce(order.data, &plan.title, seed, &frame, &order.by)?;
    say(&format!("种子 {seed}，可抽 {} 通，名单指纹 {}", frame.calls().len(), frame.hash()));
    let Drawn { draw, inclusion, left_out, let_go } = draw_with(plan, seed, &frame, findings.as_ref())?;
    if let Some(hash) = &draw.findings_hash {
        say(&format!("质检结果与复核记录的指纹 {hash}"));
    }
    let (round, held) = (order.round.unwrap_or(past.round), past.held(&draw.picked));
    let reviewers = order.reviewers.clone();
    let assignments = assign(&draw.picked, &reviewers, round, &held);
    let (unit_field, utc_offset, records) = (unit_field.to_owned(), utc_offset.to_owned(), past.records);
    let record = Record { from, to, unit_field, utc_offset, records, reviewers, round, held, draw, assignments };
    Ok(Unkept { record, frame, inclusion, left_out, let_go, unknown })
}

/// What a plan needs besides the frame, and what whoever draws should know of it.
pub fn findings(
    plan: &Plan,
    scope: &Scope<'_>,
    records: Vec<callsift_sampling::risk::RuleRecord>,
    heard: std::collections::BTreeSet<String>,
) -> Result<Option<(Findings, Vec<String>)>> {
    if !matches!(plan.method, Method::Risk(_)) {
        return Ok(None);
    }
    let machine = frame::machine(scope)?;
    let unknown = words::unknown_priors(plan, &machine.rules);
    Ok(Some((Findings { flags: machine.flags, records, heard }, unknown)))
}
