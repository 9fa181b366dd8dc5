//! Draws that a lead asks for in the console: made as `callsift sample --save` makes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use callsift_console::{Load, Outcome, PlanName, Sampler, Wish};
use callsift_sampling::Plan;

use super::make::{Order, make};
use super::{plan_folders, words};
use crate::args::{DataArgs, DayArgs};
use crate::lake;

/// Draws over one lake.
#[derive(Debug)]
struct Draws {
    data: DataArgs,
    unit_field: String,
    utc_offset: String,
}

/// What draws for a console over this lake.
pub fn sampler(data: &DataArgs, unit_field: &str, utc_offset: &str) -> Arc<dyn Sampler> {
    let data = DataArgs { lake: data.lake.clone(), data: data.data.clone() };
    Arc::new(Draws { data, unit_field: unit_field.to_owned(), utc_offset: utc_offset.to_owned() })
}

/// The files of the plans that come with callsift, by name; the first folder that has one counts.
fn files() -> Vec<(String, PathBuf)> {
    let mut out: Vec<(String, PathBuf)> = Vec::new();
    for folder in plan_folders() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for path in entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| is_plan(p)) {
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            if !out.iter().any(|(known, _)| *known == name) {
                out.push((name, path));
            }
        }
    }
    out.sort();
    out
}

fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml") && path.is_file()
}

impl Sampler for Draws {
    fn plans(&self) -> Vec<PlanName> {
        let named = |(name, path): (String, PathBuf)| Plan::load(&path).ok().map(|p| PlanName { name, title: p.title });
        files().into_iter().filter_map(named).collect()
    }

    fn draw(&self, wish: &Wish) -> Result<Outcome, String> {
        self.make(wish).map_err(|e| format!("{e:#}"))
    }
}

impl Draws {
    fn make(&self, wish: &Wish) -> Result<Outcome> {
        let file = files().into_iter().find(|(name, _)| *name == wish.plan).map(|(_, path)| path);
        let plan = Plan::load(&file.with_context(|| format!("there is no plan `{}`", wish.plan))?)?;
        let given = DayArgs { from: Some(wish.from.clone()), to: Some(wish.to.clone()), ..DayArgs::default() };
        let (days, _) = lake::with_calls(&self.data.lake, &given)?;
        let order = Order {
            data: &self.data,
            plan,
            seed: &wish.seed,
            days,
            reviewers: wish.reviewers.clone(),
            round: None,
            unit_field: &self.unit_field,
            utc_offset: &self.utc_offset,
            by: wish.by.clone(),
            save: wish.save,
        };
        let made = make(&order, |_| {}, |_| Ok(()))?;
        let picked = &made.record.draw.picked;
        let agents: BTreeSet<&str> = picked.iter().map(|p| p.agent_id.as_str()).collect();
        let of = |(reviewer, load): (String, words::Load)| Load {
            reviewer,
            calls: load.calls,
            held: load.held,
            minutes: load.minutes,
        };
        Ok(Outcome {
            frame_calls: made.record.draw.frame_calls,
            calls: picked.len(),
            agents: agents.len(),
            loads: words::loads(&made.record).into_iter().map(of).collect(),
            notes: made.notes,
            saved: made.saved,
        })
    }
}
