//! `callsift lake check`: which parts are damaged, whose calls are in them, and how they are made again.

use std::fmt::Write;

use anyhow::Result;
use callsift_core::visible_line;
use callsift_pipeline::retain::open;
use callsift_store::{Checked, check};

use crate::args::{LakeArgs, LakeCommand};
use crate::exit::Exit;
use crate::lake;
use crate::output::{emit, emit_json, note};

/// Calls of a part that are named; the rest is counted.
const NAMED: usize = 20;

/// Looks at all parts, and puts the damaged ones aside where that is asked for.
pub fn run(args: &LakeArgs) -> Result<Exit> {
    let LakeCommand::Check { lake, quarantine, json } = &args.command;
    lake::check(lake)?;
    // First, so that nobody writes between what is found and what is done.
    let mut held = quarantine.then(|| open(lake)).transpose()?;
    let checked = check(lake)?;
    let damaged = &checked.damaged;
    if *json {
        emit_json(&format!("{}\n", serde_json::to_string_pretty(damaged)?));
    } else {
        emit(&text(&checked));
    }
    // Findings that a replay makes again stay where they are.
    for part in damaged.iter().filter(|d| !d.by_replay) {
        for to in held.as_mut().map(|lake| lake.quarantine(part)).transpose()?.unwrap_or_default() {
            note(&format!("put aside: {}", to.display()));
        }
    }
    Ok(if damaged.is_empty() { Exit::Done } else { Exit::Some })
}

fn text(checked: &Checked) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "共 {} 份数据，损坏 {} 份", checked.parts, checked.damaged.len());
    if checked.unsealed > 0 {
        let what = "由较早的版本写成，没有校验和：只能查出打不开的（callsift compact 或 replay 重写时会加上）";
        let _ = writeln!(out, "其中 {} 份{what}", checked.unsealed);
    }
    for part in &checked.damaged {
        let _ = writeln!(out, "dt={}", part.part);
        for (table, why) in &part.tables {
            let _ = writeln!(out, "  {table}：{why}");
        }
        let named: Vec<_> = part.calls.iter().map(|id| visible_line(id)).take(NAMED).collect();
        let more = part.calls.len().saturating_sub(NAMED);
        let calls = if named.is_empty() { "无从得知".to_owned() } else { named.join("，") };
        let _ = writeln!(
            out,
            "  涉及的通话：{calls}{}",
            if more > 0 { format!(" 等，另有 {more} 通") } else { String::new() }
        );
        out.push_str(if part.by_replay {
            "  补救：callsift replay --lake LAKE 由对话重新判断\n"
        } else {
            "  补救：加 --quarantine 移到 .quarantine，再用原来的录音或对话文件运行同样的 callsift run，只补做缺的\n"
        });
    }
    out
}
