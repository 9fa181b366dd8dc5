//! `callsift expect`: expected and found verdicts side by side.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use callsift_store::lines::{Rows, call_lines, finding_lines};

use crate::args::ExpectArgs;
use crate::exit::Exit;
use crate::output::{emit, emit_value, table};
use crate::{input, lake};

/// Prints one row per call with what was expected and what was found; exit 1 where anything differs.
pub fn run(args: &ExpectArgs) -> Result<Exit> {
    input::file("", Some(&args.file))?;
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    lake::check(&args.lake)?;
    let status: BTreeMap<String, String> =
        read(call_lines(&args.lake, None)?)?.into_iter().map(|c| (c.call_id, c.status)).collect();
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for f in read(finding_lines(&args.lake, None)?)? {
        found.insert((f.call_id, f.rule_id), f.verdict);
    }
    let mut rows = vec![["通话", "预期", "实际", "结果"].map(str::to_owned).to_vec()];
    let (mut same, mut total, mut differences) = (0, 0, Vec::new());
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let expected: serde_json::Value =
            serde_json::from_str(line).with_context(|| format!("{}:{}", args.file.display(), i + 1))?;
        let call_id = expected["call_id"].as_str().unwrap_or_default().to_owned();
        let wanted = expected["status"].as_str().unwrap_or("ok");
        let actual = status.get(&call_id).map_or("missing", String::as_str);
        let before = differences.len();
        total += 1;
        if wanted == actual {
            same += 1;
        } else {
            differences.push(format!("{call_id} status: expected {wanted}, found {actual}"));
        }
        let empty = serde_json::Map::new();
        let (mut want_hits, mut found_hits) = (Vec::new(), Vec::new());
        for (rule, verdict) in expected["expect"].as_object().unwrap_or(&empty) {
            let verdict = verdict.as_str().unwrap_or_default();
            let got = found.get(&(call_id.clone(), rule.clone())).map_or("missing", String::as_str);
            total += 1;
            same += usize::from(got == verdict);
            if got != verdict {
                differences.push(format!("{call_id} {rule}: expected {verdict}, found {got}"));
            }
            want_hits.extend((verdict == "hit").then(|| rule.clone()));
            found_hits.extend((got == "hit").then(|| rule.clone()));
        }
        let cell = |status: &str, hits: Vec<String>| match (status, hits.is_empty()) {
            ("ok", true) => "无问题".to_owned(),
            ("ok", false) => hits.join(" "),
            ("failed", _) => "失败".to_owned(),
            (other, _) => other.to_owned(),
        };
        let mark = if differences.len() == before { "✓" } else { "✗" };
        rows.push(vec![call_id, cell(wanted, want_hits), cell(actual, found_hits), mark.to_owned()]);
    }
    if args.json {
        emit_value(&serde_json::json!({ "same": same, "total": total, "differences": differences }))?;
        return Ok(if differences.is_empty() { Exit::Done } else { Exit::Some });
    }
    emit(&format!("\n预期与实际\n{}判定一致 {same}/{total}\n", table(&rows)));
    for difference in &differences {
        emit(&format!("  ✗ {difference}\n"));
    }
    Ok(if differences.is_empty() { Exit::Done } else { Exit::Some })
}

/// All rows, or why some cannot be read: what is missing would look like a difference.
fn read<T>(rows: Rows<T>) -> Result<Vec<T>> {
    rows.unread.into_iter().next().map_or(Ok(rows.rows), |error| Err(error.into()))
}
