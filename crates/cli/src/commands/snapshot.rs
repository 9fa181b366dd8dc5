//! `callsift snapshot`: a lake to read from while others write.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, bail};
use callsift_store::snapshot;

use crate::args::SnapshotArgs;
use crate::exit::Exit;
use crate::lake;
use crate::output::{emit, emit_json};

/// Between two attempts while a replay is at work.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes the snapshot and says what it holds.
pub fn run(args: &SnapshotArgs) -> Result<Exit> {
    lake::check(&args.lake)?;
    if args.out.exists() {
        bail!("--out: {} exists already; name a folder that does not", args.out.display());
    }
    let found = snapshot(&args.lake, &args.out, &mut || std::thread::sleep(PAUSE))?;
    if args.json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(&found)?));
        return Ok(Exit::Done);
    }
    let mut out = format!("快照 {}：{} 份\n", args.out.display(), found.parts);
    for (rules, calls) in &found.rule_sets {
        let _ = writeln!(out, "  ruleset_hash {rules}：{calls} 通");
    }
    emit(&out);
    Ok(Exit::Done)
}
