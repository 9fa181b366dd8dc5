//! `callsift replay`: other rules over stored turns.

use std::fmt::Write;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use callsift_core::Provenance;
use callsift_pipeline::{ReplayPlan, ReplaySummary, replay};
use indicatif::ProgressBar;

use crate::args::ReplayArgs;
use crate::commands::run::{cores, stop_on_signal};
use crate::exit::Exit;
use crate::output::{emit, emit_json, table, unread};
use crate::progress;
use crate::{lake, load, rule_folder};

/// Replays and prints what changed.
pub fn run(args: &ReplayArgs) -> Result<Exit> {
    let (days, _) = lake::with_calls(&args.lake, &args.days)?;
    let config = load::config(&args.config)?;
    let rules = rule_folder::load(&args.rules)?;
    let made_by =
        Provenance { ruleset_hash: rules.hash().to_owned(), config_hash: config.hash(), ..Provenance::default() };
    let threads = args.workers.map_or_else(cores, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    let stop = stop_on_signal()?;
    let shown = std::io::stderr().is_terminal() && !args.json;
    let bar = if shown { progress::bar(0, "份") } else { ProgressBar::hidden() };
    let days = days.pair();
    let (options, other_options) = (&config.rules, args.other_options);
    let plan = ReplayPlan { rules: &rules, options, made_by: &made_by, days, other_options };
    let tell = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let summary = pool.install(|| replay(&args.lake, plan, &stop, &tell))?;
    bar.finish_and_clear();
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&summary)?));
    } else {
        emit(&text(&summary));
    }
    Ok(if summary.not_reached > 0 || !summary.unread.is_empty() { Exit::Some } else { Exit::Done })
}

fn text(s: &ReplaySummary) -> String {
    let mut out = String::new();
    let seconds = s.wall_ms.max(1) as f64 / 1000.0;
    let rate = s.calls as f64 / seconds;
    let _ = writeln!(out, "重判 {} 通（{} 份），用时 {seconds:.1} 秒，每秒 {rate:.0} 通", s.calls, s.parts);
    let mut rows = vec![["规则", "此前违规", "现在违规", "变化"].map(str::to_owned).to_vec()];
    for (rule, (before, after)) in &s.hits {
        let change = format!("{:+}", *after as i64 - *before as i64);
        rows.push(vec![rule.clone(), before.to_string(), after.to_string(), change]);
    }
    out.push_str(&table(&rows));
    for damage in &s.unread {
        let _ = writeln!(out, "{}", unread(damage));
    }
    if s.not_reached > 0 {
        let _ = writeln!(out, "提前停止，未处理 {} 份；再次运行同一命令即可继续", s.not_reached);
    }
    out
}
