//! `callsift rules`: check, test, explain, diff.

use std::path::Path;

use anyhow::{Context, Result};
use callsift_core::Verdict;
use callsift_pipeline::{Change, compare, facts};
use callsift_rules::explain::{describe, explain};
use callsift_rules::profile::{self, Profile};
use callsift_rules::{EvalOptions, NoiseResult, RuleSet, run_noisy, run_tests};
use callsift_store::{Part, PartReader, StoreError, StoredCall, stored_parts};

use crate::args::{ConfigArgs, DayArgs, RuleArgs, RulesArgs, RulesCommand};
use crate::exit::Exit;
use crate::load;
use crate::output::{clock, emit, emit_json, note, table, unread};

/// Rates of noise, as shares of the characters.
const NOISE: [f64; 3] = [0.05, 0.10, 0.20];
/// More false accusations than this share of the noisy runs fail the test.
const MAX_ACCUSED: f64 = 0.05;

/// Runs the subcommand.
pub fn run(args: &RulesArgs) -> Result<Exit> {
    match &args.command {
        RulesCommand::Check { dir } => check(dir.as_deref()),
        RulesCommand::Test { dir, noise: false, .. } => test(dir.as_deref()),
        RulesCommand::Test { dir, repeats, .. } => noisy(dir.as_deref(), *repeats),
        RulesCommand::Explain { id, dir, lake, call } => {
            explain_rule(id, dir.as_deref(), lake.as_deref().zip(call.as_deref()))
        }
        RulesCommand::Diff { old, new, lake, days, examples, profile, json, config } => {
            let sets =
                [old, new].map(|dir| load::rules(&RuleArgs { rules: Some(dir.clone()), profile: profile.clone() }));
            let [old, new] = sets;
            diff(&old?, &new?, lake, days, *examples, *json, config)
        }
    }
}

fn check(dir: Option<&Path>) -> Result<Exit> {
    let rules = load::all_rules(dir)?;
    let folder = load::rules_folder(dir)?;
    let profiles = profile::names(&folder);
    for name in &profiles {
        Profile::load(&folder, name)?.select(&mut rules.rules().to_vec())?;
    }
    let count = rules.rules().len();
    emit(&format!("{count} rules, {} profiles, all sound (ruleset {})\n", profiles.len(), &rules.hash()[..12]));
    Ok(Exit::Done)
}

fn test(dir: Option<&Path>) -> Result<Exit> {
    let rules = load::all_rules(dir)?;
    let results = run_tests(&rules, &EvalOptions::default());
    let failed: Vec<_> = results.iter().filter(|r| !r.passed()).collect();
    for r in &failed {
        let (expected, found) = (r.expected.as_str(), r.found.as_str());
        emit(&format!("✗ {} / {}: expected {expected}, found {found} ({})\n", r.rule_id, r.case, r.reason));
    }
    emit(&format!("{} passed, {} failed\n", results.len() - failed.len(), failed.len()));
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Some })
}

/// Prints, per rule and rate, the share of hits that survive and of clean calls that are accused.
fn noisy(dir: Option<&Path>, repeats: u64) -> Result<Exit> {
    let rules = load::all_rules(dir)?;
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
    emit(&table(&rows));
    let worst = totals.iter().map(|t| t.accused.1 as f64 / t.accused.0.max(1) as f64).fold(0.0, f64::max);
    emit("命中：应违规的用例加噪后仍判违规的比例；误判：不违规的用例加噪后被判违规的比例\n");
    Ok(if worst <= MAX_ACCUSED { Exit::Done } else { Exit::Some })
}

fn explain_rule(id: &str, dir: Option<&Path>, call: Option<(&Path, &str)>) -> Result<Exit> {
    let rules = load::all_rules(dir)?;
    let rule = rules.get(id)?;
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

fn find(lake: &Path, call_id: &str) -> Result<StoredCall> {
    load::warn_of_strangers(lake)?;
    for part in stored_parts(lake, None, None)? {
        match find_in(lake, &part, call_id) {
            Err(damage) if damage.is_damage() => note(&unread(&damage)),
            found => {
                if let Some(call) = found? {
                    return Ok(call);
                }
            }
        }
    }
    Err(anyhow::anyhow!("no call `{call_id}`")).with_context(|| format!("cannot find it in {}", lake.display()))
}

fn find_in(lake: &Path, part: &Part, call_id: &str) -> Result<Option<StoredCall>, StoreError> {
    let mut reader = PartReader::open(lake, part, false)?;
    while let Some(group) = reader.next_group()? {
        if let Some(call) = group.calls.into_iter().find(|c| c.meta.call_id == call_id) {
            return Ok(Some(call));
        }
    }
    Ok(None)
}

fn diff(
    old: &RuleSet,
    new: &RuleSet,
    lake: &Path,
    days: &DayArgs,
    examples: usize,
    json: bool,
    config: &ConfigArgs,
) -> Result<Exit> {
    load::warn_of_strangers(lake)?;
    let options = load::config(config)?.rules;
    let (from, to) = load::days(days)?;
    let differences = compare(lake, old, new, &options, (from.as_deref(), to.as_deref()))?;
    differences.unread.iter().for_each(|damage| note(&unread(damage)));
    let exit = if differences.changes.is_empty() { Exit::Done } else { Exit::Some };
    if json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&differences)?));
        return Ok(exit);
    }
    for (rule, changes) in &differences.changes {
        let count = |was: bool, is: bool| {
            let hit = |v: Option<Verdict>| v == Some(Verdict::Hit);
            changes.iter().filter(|c| hit(c.old) == was && hit(c.new) == is).count()
        };
        let (gained, lost, other) = (count(false, true), count(true, false), count(false, false) + count(true, true));
        emit(&format!("{rule}：新增违规 {gained}，减少违规 {lost}，其他变化 {other}\n"));
        changes.iter().take(examples).for_each(|c| emit(&example(c)));
    }
    let (gained, lost) = differences.gained_and_lost();
    emit(&format!("比较 {} 通：新增违规 {gained} 处，减少违规 {lost} 处\n", differences.calls));
    Ok(exit)
}

fn example(change: &Change) -> String {
    let name = |v: Option<Verdict>| v.map_or("（无此规则）", Verdict::as_str);
    let (old, new) = (name(change.old), name(change.new));
    let (date, call, at) = (&change.date, &change.call_id, clock(change.start_ms));
    format!("  {date} {call} {at}  {old} → {new}  {}\n", change.reason)
}
