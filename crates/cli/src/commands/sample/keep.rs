//! Draws in the reviews database: who hears what, and how likely every call of the frame was.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::{Context, Result, bail};
use callsift_console::now_us;
use callsift_reviews::{Db, DrawCall, DrawRecord, Holder};
use callsift_sampling::plan::Method;
use callsift_sampling::risk::{Hear, Inclusion, Part, RuleRecord};
use callsift_sampling::{Frame, Held, Picked, Plan};
use serde_json::json;

use super::Record;
use crate::args::DataArgs;

/// What the reviews database knows that a draw depends on; nothing where there is none yet.
#[derive(Default)]
pub struct Past {
    /// How often people agreed with the machine, by rule: what calibrates a risk queue.
    pub records: Vec<RuleRecord>,
    /// Who has which call already.
    holders: BTreeMap<String, Holder>,
    /// The turn of units and agents after that of the last draw of this name.
    pub round: usize,
}

impl Past {
    pub fn read(data: &DataArgs, plan: &Plan) -> Result<Self> {
        if !data.folder().join(Db::FILE).is_file() {
            return Ok(Self::default());
        }
        let db = Db::open_in(&data.folder())?;
        let by_risk = matches!(plan.method, Method::Risk(_));
        let records = if by_risk { callsift_console::figures::records(&db)? } else { Vec::new() };
        let same = db.draws()?.into_iter().find(|d| d.title == plan.title);
        let last = same.and_then(|d| serde_json::from_str::<Record>(&d.record).ok());
        Ok(Self { records, holders: db.holders()?, round: last.map_or(0, |r| r.round + 1) })
    }

    /// Calls that need no place in a risk queue: heard, or given to somebody, as far as the plan would have them heard.
    pub fn heard(&self, plan: &Plan) -> BTreeSet<String> {
        let Method::Risk(risk) = &plan.method else { return BTreeSet::new() };
        let heard = self.holders.iter().filter(|(_, h)| h.settled && (h.whole || risk.hear == Hear::Clips));
        heard.map(|(call, _)| call.clone()).collect()
    }

    /// Who has calls of a draw already.
    pub fn held(&self, picked: &[Picked]) -> BTreeMap<String, Held> {
        let of = |p: &Picked| {
            let Holder { first, second, .. } = self.holders.get(&p.call_id)?.clone();
            let somebody = first.is_some() || second.is_some();
            somebody.then(|| (p.call_id.clone(), Held { first, second }))
        };
        picked.iter().filter_map(of).collect()
    }
}

/// File of the data folder with a line for every draw that was begun.
const BEGUN: &str = "draws.jsonl";

/// Writes down what a draw depends on before it is made.
pub fn announce(data: &DataArgs, title: &str, seed: &str, frame: &Frame, by: &str) -> Result<()> {
    let line = json!({
        "at_us": now_us(), "by": by, "plan": title, "seed": seed,
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

/// Lets one process at a time draw and save; others wait until it ends.
pub fn alone(data: &DataArgs) -> Result<std::fs::File> {
    let (folder, path) = (data.folder(), data.folder().join("draws.lock"));
    let lock = || -> std::io::Result<std::fs::File> {
        std::fs::create_dir_all(&folder)?;
        let file = std::fs::File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().with_context(|| format!("cannot lock {}", path.display()))
}

/// What is written down of a draw.
pub enum Known {
    /// It was saved as this draw.
    Saved(i64),
    /// The draw that was saved with its seed, from its calls, is another one.
    Other(i64),
    /// It was begun, and so often somebody drew from its calls.
    Begun(usize),
    /// Others were begun and it was not.
    Never,
    /// Nothing is written down here.
    NoLog,
}

/// What the data folder knows of a draw from a file.
pub fn known(data: &DataArgs, record: &Record) -> Result<Known> {
    if data.folder().join(Db::FILE).is_file() {
        let draws = Db::open_in(&data.folder())?.draws()?;
        if let Some(saved) = draws.iter().find(|d| is_like(d, record)) {
            let same = serde_json::from_str::<serde_json::Value>(&saved.record)? == serde_json::to_value(record)?;
            return Ok(if same { Known::Saved(saved.id) } else { Known::Other(saved.id) });
        }
    }
    let Ok(log) = std::fs::read_to_string(data.folder().join(BEGUN)) else { return Ok(Known::NoLog) };
    let begun: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let draw = &record.draw;
    let of_frame = || begun.iter().filter(|line| line["frame_hash"] == draw.frame_hash.as_str());
    let it = of_frame().any(|line| line["seed"] == draw.seed.as_str() && line["plan"] == draw.plan.title.as_str());
    Ok(if it { Known::Begun(of_frame().count()) } else { Known::Never })
}

/// Names between commas, Chinese ones too.
pub fn names(given: &[String]) -> Vec<String> {
    let names = given.iter().flat_map(|names| names.split([',', '，', '、'])).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
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
pub fn save(data: &DataArgs, record: &Record, frame: &Frame, chances: &Chances, by: &str) -> Result<i64> {
    let mut db = Db::open_in(&data.folder())?;
    check_names(&db, record)?;
    check_chance(&db, record)?;
    let passed_over: BTreeSet<&str> = record.draw.passed_over.iter().map(String::as_str).collect();
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
            // What was heard before counts as drawn for its risk, and is nobody's task.
            let heard_before = drawn.is_none() && passed_over.contains(id);
            let hearer = |i: usize| by.and_then(|h| h.get(i)).map(|name| (*name).to_owned());
            DrawCall {
                call_id: id.to_owned(),
                // Where the plan gives no chance, a call that was drawn for sure has one all the same.
                probability: chance.map(|c| c.flagged).or(drawn.and_then(|p| p.probability)),
                whole: chance.map(|c| c.whole),
                picked: drawn.is_some() || heard_before,
                part: if heard_before { "risk" } else { part(drawn.copied()) }.to_owned(),
                why: if heard_before { HEARD_BEFORE } else { drawn.map_or("", |p| p.why.as_str()) }.to_owned(),
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
        drawn_by: by.to_owned(),
    };
    Ok(db.add_draw(&draw, &calls)?)
}

/// Why a call has no place in a queue that it is worth.
const HEARD_BEFORE: &str = "风险优先：此前已听或已派发，不再派发";

/// Whether chance chose by the same lots: the same seed, calls, and kind of plan.
fn is_like(saved: &DrawRecord, record: &Record) -> bool {
    // A record holds every call that was drawn: only one of the same seed is read.
    let same_lots = || {
        let plan = serde_json::from_str::<Record>(&saved.record).map(|r| r.draw.plan);
        plan.is_ok_and(|plan| plan.method.draws_like(&record.draw.plan.method))
    };
    saved.seed == record.draw.seed && saved.frame_hash == record.draw.frame_hash && same_lots()
}

/// That chance did not choose by the same seed before: draws count as independent of each other.
fn check_chance(db: &Db, record: &Record) -> Result<()> {
    match db.draws()?.iter().find(|d| is_like(d, record)) {
        Some(same) => bail!(
            "draw {} already used this seed on these calls: chance would choose the same again, and the chances of \
             both together would be wrong; give another --seed to draw more calls",
            same.id
        ),
        None => Ok(()),
    }
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
        if user.disabled || !user.role.reviews() {
            let why = if user.disabled { "is disabled" } else { "reviews no calls" };
            bail!("--save gives tasks to reviewers, and {name} {why}; see `callsift users list`");
        }
    }
    Ok(())
}
