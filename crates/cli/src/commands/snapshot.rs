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
    let _ = writeln!(
        out,
        "这里的通话、对话和结果互相对应，不再改变，像数据湖一样查询，例如：\n  \
         duckdb -c \"SELECT verdict, count(*) FROM read_parquet('{}/findings/*/*.parquet') GROUP BY 1\"\n\
         原来的数据湖正在改写时怎样直接读：callsift schema 里的 Reading while others write；用完可以删除这个文件夹",
        args.out.display()
    );
    emit(&out);
    Ok(Exit::Done)
}
