//! What a run did, as Prometheus reads it: a text file for the textfile collector of `node_exporter`.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use callsift_pipeline::Summary;

/// Writes the file as a whole, so that nobody reads half of it; `None` where the run ended with an error.
pub fn written(file: Option<&Path>, summary: Option<&Summary>) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    let now = jiff::Timestamp::now().as_second();
    let part = file.with_added_extension("part");
    let write = || std::fs::write(&part, text(summary, now)).and_then(|()| std::fs::rename(&part, file));
    write().with_context(|| format!("cannot write the metrics: {}", file.display()))
}

/// A gauge with its help and its lines: labels and value.
fn gauge(out: &mut String, name: &str, help: &str, lines: &[(String, f64)]) {
    let _ = writeln!(out, "# HELP callsift_{name} {help}\n# TYPE callsift_{name} gauge");
    for (labels, value) in lines {
        let _ = writeln!(out, "callsift_{name}{labels} {value}");
    }
}

fn label(key: &str, value: &str) -> String {
    format!("{{{key}=\"{}\"}}", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn text(summary: Option<&Summary>, now_s: i64) -> String {
    let mut out = String::new();
    let one = |value: f64| vec![(String::new(), value)];
    gauge(&mut out, "run_end_timestamp_seconds", "When the last run ended, Unix time.", &one(now_s as f64));
    gauge(
        &mut out,
        "run_completed",
        "1 if the last run went to its end, 0 if an error stopped it.",
        &one(f64::from(u8::from(summary.is_some_and(|s| s.not_reached == 0)))),
    );
    gauge(&mut out, "build_info", "Version of callsift.", &[(label("version", env!("CARGO_PKG_VERSION")), 1.0)]);
    let Some(s) = summary else { return out };
    let calls = [
        ("inspected", s.ok),
        ("silent", s.empty),
        ("failed", s.failed),
        ("done_before", s.skipped),
        ("not_reached", s.not_reached),
    ];
    let calls = calls.map(|(outcome, n)| (label("outcome", outcome), n as f64));
    gauge(&mut out, "run_calls", "Calls of the last run by outcome.", &calls);
    gauge(&mut out, "run_audio_seconds", "Length of the recordings of the last run.", &one(s.audio_ms as f64 / 1000.0));
    gauge(&mut out, "run_wall_seconds", "Time that the last run took.", &one(s.wall_ms as f64 / 1000.0));
    let stages = s.stage_ms.iter().map(|(stage, ms)| (label("stage", stage), *ms as f64 / 1000.0));
    gauge(&mut out, "run_stage_seconds", "Time by stage, over all threads.", &stages.collect::<Vec<_>>());
    gauge(&mut out, "run_unread_parts", "Damaged parts of the lake.", &one(s.unread.len() as f64));
    let kind = |kind: &callsift_pipeline::NoteKind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned);
    let notes = s.intake.counts.iter().filter_map(|(k, n)| Some((label("kind", &kind(k)?), *n as f64)));
    gauge(&mut out, "run_intake_notes", "What was odd in the input, by kind.", &notes.collect::<Vec<_>>());
    out
}

#[cfg(test)]
mod tests {
    use callsift_pipeline::Summary;

    use super::{label, text, written};

    #[test]
    fn every_line_is_one_that_prometheus_reads() {
        let summary = Summary { ok: 3, failed: 1, audio_ms: 61_500, ..Summary::default() };
        let said = text(Some(&summary), 1_800_000_000);
        assert!(said.contains("callsift_run_calls{outcome=\"failed\"} 1\n") && said.contains("_audio_seconds 61.5\n"));
        assert!(said.contains("callsift_run_completed 1\n"));
        assert!(text(None, 0).contains("callsift_run_completed 0\n"));
        for line in said.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("callsift_") && value.parse::<f64>().is_ok(), "{line}");
        }
        assert_eq!(label("a", "b\"\\"), "{a=\"b\\\"\\\\\"}");
        let folder = tempfile::tempdir().unwrap();
        written(Some(&folder.path().join("c.prom")), None).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
