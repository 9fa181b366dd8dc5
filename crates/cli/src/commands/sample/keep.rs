//! Draws in the reviews database: who hears what, and how likely every call of the frame was.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use callsift_console::now_us;
use callsift_reviews::{Db, DrawCall, DrawRecord};
use callsift_sampling::risk::{Inclusion, Part, RuleRecord};
use callsift_sampling::{Frame, Picked};

use super::Record;
use crate::args::DataArgs;

/// How often people agreed with the machine, by rule: what calibrates a risk queue. Nothing where there is no database yet.
pub fn records(data: &DataArgs) -> Result<Vec<RuleRecord>> {
    if !data.folder().join(Db::FILE).is_file() {
        return Ok(Vec::new());
    }
    Ok(callsift_console::figures::records(&Db::open_in(&data.folder())?)?)
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
    let draw = DrawRecord {
        id: 0,
        title: record.draw.plan.title.clone(),
        record: serde_json::to_string(record)?,
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

/// That tasks go to people who can log in.
fn check_names(db: &Db, record: &Record) -> Result<()> {
    for a in &record.assignments {
        db.user_by_name(&a.reviewer)?.with_context(|| {
            format!("--save gives tasks to login names, and nobody is named {}; see `callsift users list`", a.reviewer)
        })?;
    }
    Ok(())
}
