//! `callsift rules`: check, test, explain, diff.

mod diff;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use callsift_core::visible_line;
use callsift_pipeline::facts;
use callsift_rules::explain::{describe, explain};
use callsift_rules::profile::{self, Profile};
use callsift_rules::{CaseResult, EvalOptions, NoiseResult, run_noisy, run_tests};
use callsift_store::{Part, PartReader, StoreError, StoredCall, stored_parts};
use serde_json::{Value, json};

use crate::args::{DayArgs, RulesArgs, RulesCommand};
use crate::exit::Exit;
use crate::nearest::did_you_mean;
use crate::output::{emit, emit_value, note, table, unread};
use crate::{lake, rule_folder};

/// Rates of noise, as shares of the characters.
const NOISE: [f64; 3] = [0.05, 0.10, 0.20];
/// More false accusations than this share of the noisy runs fail the test.
const MAX_ACCUSED: f64 = 0.05;

/// Runs the subcommand.
pub fn run(args: &RulesArgs) -> Result<Exit> {
    match &args.command {
        RulesCommand::Check { folder } => check(folder.folder()),
        RulesCommand::Test { folder, noise: false, json, .. } => test(folder.folder(), *json),
        RulesCommand::Test { folder, repeats, json, .. } => noisy(folder.folder(), *repeats, *json),
        RulesCommand::Explain { id, rules, lake, call } => {
            explain_rule(id, rules.as_deref(), lake.as_deref().zip(call.as_deref()))
        }
        RulesCommand::Diff { old, new, lake, days, examples, profile, json, config } => diff::run(&diff::Asked {
            folders: [old, new],
            profile: profile.as_ref(),
            lake,
            days,
            examples: *examples,
            json: *json,
            config,
        }),
    }
}

fn check(dir: Option<&Path>) -> Result<Exit> {
    let rules = rule_folder::all(dir)?;
    let folder = rule_folder::folder(dir)?;
    let profiles = profile::names(&folder);
    for name in &profiles {
        Profile::load(&folder, name)?.select(&mut rules.rules().to_vec())?;
    }
    let count = rules.rules().len();
    emit(&format!("{count} rules, {} profiles, all sound (ruleset {})\n", profiles.len(), &rules.hash()[..12]));
    Ok(Exit::Done)
}

fn test(dir: Option<&Path>, json: bool) -> Result<Exit> {
    let rules = rule_folder::all(dir)?;
    let results = run_tests(&rules, &EvalOptions::default());
    let failed: Vec<_> = results.iter().filter(|r| !r.passed()).collect();
    let exit = if failed.is_empty() { Exit::Done } else { Exit::Some };
    if json {
        emit_value(&results.iter().map(case).collect::<Vec<_>>())?;
        return Ok(exit);
    }
    for r in &failed {
        let (expected, found) = (r.expected.as_str(), r.found.as_str());
        emit(&format!("✗ {} / {}: expected {expected}, found {found} ({})\n", r.rule_id, r.case, r.reason));
    }
    emit(&format!("{} passed, {} failed\n", results.len() - failed.len(), failed.len()));
    Ok(exit)
}

fn case(r: &CaseResult) -> Value {
    let verdicts = (r.expected.as_str(), r.found.as_str());
    json!({
        "rule_id": r.rule_id, "case": r.case, "passed": r.passed(), "expected": verdicts.0, "found": verdicts.1,
        "reason": r.reason,
    })
}

/// Prints, per rule and rate, the share of hits that survive and of clean calls that are accused.
fn noisy(dir: Option<&Path>, repeats: u64, json: bool) -> Result<Exit> {
    let rules = rule_folder::all(dir)?;
    let runs: Vec<Vec<NoiseResult>> =
        NOISE.iter().map(|rate| run_noisy(&rules, &EvalOptions::default(), *rate, repeats.max(1))).collect();
    let mut rows =
        vec![["规则", "误字率5% 命中", "误判", "10% 命中", "误判", "20% 命中", "误判"].map(str::to_owned).to_vec()];
    let share = |(all, hit): (usize, usize)| match all {
        0 => "–".to_owned(),
        _ => format!("{:.0}%", hit as f64 * 100.0 / all as f64),
    };
    let mut totals = vec![NoiseResult::default(); NOISE.len()];
    for (i, first) in runs[0].iter().enumerate() {
        let mut row = vec![first.rule_id.clone()];
        for (run, total) in runs.iter().zip(&mut totals) {
            row.extend([share(run[i].hits), share(run[i].accused)]);
            for (sum, part) in [(&mut total.hits, run[i].hits), (&mut total.accused, run[i].accused)] {
                *sum = (sum.0 + part.0, sum.1 + part.1);
            }
        }
        rows.push(row);
    }
    let mut last = vec!["合计".to_owned()];
    last.extend(totals.iter().flat_map(|t| [share(t.hits), share(t.accused)]));
    rows.push(last);
    let worst = totals.iter().map(|t| t.accused.1 as f64 / t.accused.0.max(1) as f64).fold(0.0, f64::max);
    let exit = if worst <= MAX_ACCUSED { Exit::Done } else { Exit::Some };
    if json {
        emit_value(&noise(&runs))?;
        return Ok(exit);
    }
    emit(&table(&rows));
    emit("命中：应违规的用例加噪后仍判违规的比例；误判：不违规的用例加噪后被判违规的比例\n");
    Ok(exit)
}

/// By rate, then by rule: runs of cases that should hit and that did, runs of clean cases and those that were accused.
fn noise(runs: &[Vec<NoiseResult>]) -> BTreeMap<String, BTreeMap<&str, Value>> {
    let rates = NOISE.iter().map(ToString::to_string);
    rates.zip(runs.iter().map(|run| run.iter().map(noise_line).collect())).collect()
}

fn noise_line(r: &NoiseResult) -> (&str, Value) {
    let counts = json!({ "should_hit": r.hits.0, "hit": r.hits.1, "clean": r.accused.0, "accused": r.accused.1 });
    (r.rule_id.as_str(), counts)
}

fn explain_rule(id: &str, dir: Option<&Path>, call: Option<(&Path, &str)>) -> Result<Exit> {
    let rules = rule_folder::all(dir)?;
    let rule = rule_folder::rule(&rules, id)?;
    let Some((lake, call_id)) = call else {
        emit(&describe(rule));
        return Ok(Exit::Done);
    };
    let call = find(lake, call_id)?;
    let options = EvalOptions::default();
    let view = rules.view(&call.turns, facts::of_stored(&call), &options);
    emit(&explain(rule, &view, &options).1);
    Ok(Exit::Done)
}

/// Looks for a call part by part; the error names the id most like it.
fn find(lake: &Path, call_id: &str) -> Result<StoredCall> {
    lake::with_calls(lake, &DayArgs::default())?;
    let mut others = Vec::new();
    for part in stored_parts(lake, None, None)? {
        match find_in(lake, &part, call_id, &mut others) {
            Err(damage) if damage.is_damage() => note(&unread(&damage)),
            found => {
                if let Some(call) = found? {
                    return Ok(call);
                }
            }
        }
    }
    let near = did_you_mean(call_id, others.iter().map(String::as_str));
    bail!("no call `{}` in {}{near}", visible_line(call_id), lake.display())
}

fn find_in(
    lake: &Path,
    part: &Part,
    call_id: &str,
    others: &mut Vec<String>,
) -> Result<Option<StoredCall>, StoreError> {
    let mut reader = PartReader::open(lake, part, false)?;
    while let Some(group) = reader.next_group()? {
        for call in group.calls {
            if call.meta.call_id == call_id {
                return Ok(Some(call));
            }
            others.push(call.meta.call_id);
        }
    }
    Ok(None)
}
