//! Draws in the reviews database: who hears what, and how likely every call of the frame was.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::{Context, Result, bail};
use callsift_console::now_us;
use callsift_reviews::{Db, DrawCall, DrawRecord, Role};
use callsift_sampling::risk::{Inclusion, Part, RuleRecord};
use callsift_sampling::{Frame, Picked};
use serde_json::json;

use super::Record;
use crate::args::DataArgs;

/// How often people agreed with the machine, by rule: what calibrates a risk queue. Nothing where there is no database yet.
pub fn records(data: &DataArgs) -> Result<Vec<RuleRecord>> {
    if !data.folder().join(Db::FILE).is_file() {
        return Ok(Vec::new());
    }
    Ok(callsift_console::figures::records(&Db::open_in(&data.folder())?)?)
}

/// File of the data folder with a line for every draw that was begun.
const BEGUN: &str = "draws.jsonl";

/// Writes down what a draw depends on before it is made.
pub fn announce(data: &DataArgs, title: &str, seed: &str, frame: &Frame) -> Result<()> {
    let line = json!({
        "at_us": now_us(), "by": std::env::var("USER").unwrap_or_default(), "plan": title, "seed": seed,
        "frame_hash": frame.hash(), "frame_calls": frame.calls().len(),
    });
    let (folder, path) = (data.folder(), data.folder().join(BEGUN));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write down the seed before the draw, in {}", path.display()))
}

/// That nobody is named twice: a blind duplicate would go to one pair of ears.
pub fn check_reviewers(reviewers: &[String]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match reviewers.iter().find(|r| !seen.insert(r.as_str())) {
        Some(twice) => bail!("--reviewers names {twice} twice"),
        None => Ok(()),
    }
}

/// How likely each call of a frame was to be drawn.
pub type Chances = BTreeMap<String, Inclusion>;

/// Keeps the draw; gives its number.
pub fn save(data: &DataArgs, record: &Record, frame: &Frame, chances: &Chances) -> Result<i64> {
    let mut db = Db::open_in(&data.folder())?;
    check_names(&db, record)?;
    let picked: BTreeMap<&str, &Picked> = record.draw.picked.iter().map(|p| (p.call_id.as_str(), p)).collect();
    let mut hearers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for a in &record.assignments {
        hearers.entry(&a.picked.call_id).or_default().push(&a.reviewer);
    }
    let calls: Vec<DrawCall> = frame
        .calls()
        .iter()
        .map(|call| {
            let id = call.call_id.as_str();
            let (chance, drawn, by) = (chances.get(id), picked.get(id), hearers.get(id));
            let hearer = |i: usize| by.and_then(|h| h.get(i)).map(|name| (*name).to_owned());
            DrawCall {
                call_id: id.to_owned(),
                // Where the plan gives no chance, a call that was drawn for sure has one all the same.
                probability: chance.map(|c| c.flagged).or(drawn.and_then(|p| p.probability)),
                whole: chance.map(|c| c.whole),
                picked: drawn.is_some(),
                part: part(drawn.copied()).to_owned(),
                why: drawn.map_or_else(String::new, |p| p.why.clone()),
                reviewer: hearer(0),
                duplicate: hearer(1),
            }
        })
        .collect();
    let text = serde_json::to_string(record)?;
    if let Some(same) = db.draws()?.iter().find(|d| d.record == text) {
        bail!(
            "this very draw is saved already, as draw {}: saving it again would give everybody the calls twice",
            same.id
        );
    }
    let draw = DrawRecord {
        id: 0,
        title: record.draw.plan.title.clone(),
        record: text,
        seed: record.draw.seed.clone(),
        frame_hash: record.draw.frame_hash.clone(),
        frame_calls: record.draw.frame_calls as i64,
        drawn_us: now_us(),
        drawn_by: std::env::var("USER").unwrap_or_default(),
    };
    Ok(db.add_draw(&draw, &calls)?)
}

fn part(picked: Option<&Picked>) -> &'static str {
    match picked {
        None => "",
        Some(Picked { risk: Some(risk), .. }) => match risk.part {
            Part::Risk => "risk",
            Part::Random => "random",
        },
        Some(_) => "plan",
    }
}

/// That tasks go to people who can log in and review.
fn check_names(db: &Db, record: &Record) -> Result<()> {
    for name in &record.reviewers {
        let (user, _) = db.user_by_name(name)?.with_context(|| {
            format!("--save gives tasks to login names, and nobody is named {name}; see `callsift users list`")
        })?;
        if user.disabled || user.role == Role::Agent {
            let why = if user.disabled { "is disabled" } else { "is an agent" };
            bail!("--save gives tasks to reviewers, and {name} {why}; see `callsift users list`");
        }
    }
    Ok(())
}
