//! `callsift rules`: check, test, explain.

use std::path::Path;

use anyhow::{Context, Result};
use callsift_core::Direction;
use callsift_rules::explain::{describe, explain};
use callsift_rules::{CallFacts, CallView, EvalOptions, run_tests};
use callsift_store::lines::{call_lines, read_turns};

use crate::args::{RulesArgs, RulesCommand};
use crate::exit::Exit;
use crate::load;
use crate::output::emit;

/// Runs the subcommand.
pub fn run(args: &RulesArgs) -> Result<Exit> {
    match &args.command {
        RulesCommand::Check { dir } => check(dir.as_deref()),
        RulesCommand::Test { dir } => test(dir.as_deref()),
        RulesCommand::Explain { id, dir, lake, call } => {
            explain_rule(id, dir.as_deref(), lake.as_deref().zip(call.as_deref()))
        }
    }
}

fn check(dir: Option<&Path>) -> Result<Exit> {
    let rules = load::rules(dir)?;
    emit(&format!("{} rules, all sound (ruleset {})\n", rules.rules().len(), &rules.hash()[..12]));
    Ok(Exit::Done)
}

fn test(dir: Option<&Path>) -> Result<Exit> {
    let rules = load::rules(dir)?;
    let results = run_tests(rules.rules(), &EvalOptions::default());
    let failed: Vec<_> = results.iter().filter(|r| !r.passed()).collect();
    for r in &failed {
        emit(&format!(
            "✗ {} / {}: expected {}, found {} ({})\n",
            r.rule_id,
            r.case,
            r.expected.as_str(),
            r.found.as_str(),
            r.reason
        ));
    }
    emit(&format!("{} passed, {} failed\n", results.len() - failed.len(), failed.len()));
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Some })
}

fn explain_rule(id: &str, dir: Option<&Path>, call: Option<(&Path, &str)>) -> Result<Exit> {
    let rules = load::rules(dir)?;
    let rule = rules.get(id)?;
    let Some((lake, call_id)) = call else {
        emit(&describe(rule));
        return Ok(Exit::Done);
    };
    let line = call_lines(lake, None)?.into_iter().find(|c| c.call_id == call_id);
    let line = line.with_context(|| format!("no call `{call_id}` in {}", lake.display()))?;
    let turns = read_turns(lake, call_id)?;
    let options = EvalOptions::default();
    let facts = CallFacts {
        direction: Direction::parse(&line.direction),
        queue: Some(line.queue).filter(|q| !q.is_empty()),
        layout: line.layout,
    };
    let view = CallView::new(&turns, facts, options.min_role_confidence);
    emit(&explain(rule, &view, &options).1);
    Ok(Exit::Done)
}
