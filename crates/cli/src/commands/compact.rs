//! `callsift compact`: few large files in place of many small ones.

use std::fmt::Write;
use std::io::IsTerminal;

use anyhow::Result;
use callsift_pipeline::config::LakeConfig;
use callsift_pipeline::{CompactSummary, compact};
use indicatif::ProgressBar;

use crate::args::CompactArgs;
use crate::commands::run::stop_on_signal;
use crate::exit::Exit;
use crate::output::{emit, emit_json, size};
use crate::progress;
use crate::{lake, load};

/// Compacts and prints what became of the days.
pub fn run(args: &CompactArgs) -> Result<Exit> {
    lake::check(&args.lake)?;
    let config = load::config(&args.config)?.lake;
    let target = LakeConfig { part_mib: args.part_mib.unwrap_or(config.part_mib), ..config }.part_bytes();
    // A night without new calls is no mistake; a day that was named and has none is.
    let days = if args.days.is_any() { lake::with_calls(&args.lake, &args.days)?.0 } else { lake::Days::default() };
    let stop = stop_on_signal()?;
    let shown = std::io::stderr().is_terminal() && !args.json;
    let bar = if shown { progress::bar(0, "天") } else { ProgressBar::hidden() };
    let mut tell = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let summary = compact(&args.lake, days.pair(), target, &stop, &mut tell)?;
    bar.finish_and_clear();
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&summary)?));
    } else {
        emit(&text(&summary));
    }
    Ok(if summary.left.is_empty() && summary.not_reached == 0 { Exit::Done } else { Exit::Some })
}

fn text(s: &CompactSummary) -> String {
    let mut out = String::new();
    let all = |get: fn(&callsift_pipeline::CompactedDay) -> u64| s.compacted.iter().map(get).sum::<u64>();
    let _ = writeln!(
        out,
        "共 {} 天，合并 {} 天：{} 份 → {} 份，{} → {}，用时 {:.1} 秒",
        s.days,
        s.compacted.len(),
        all(|d| d.parts_before as u64),
        all(|d| d.parts_after as u64),
        size(all(|d| d.bytes_before)),
        size(all(|d| d.bytes_after)),
        s.wall_ms as f64 / 1000.0
    );
    for why in &s.left {
        let _ = writeln!(out, "未合并：{why}");
    }
    if s.not_reached > 0 {
        let _ = writeln!(out, "提前停止，未处理 {} 天；再次运行同一命令即可继续", s.not_reached);
    }
    out
}
