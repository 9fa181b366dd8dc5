//! Progress of a run: a bar with time left on a terminal, plain lines otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use callsift_core::{Outcome, visible_line};
use callsift_pipeline::{Event, Intake, Note};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

/// Plain lines come at most so often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Notes of one kind that are shown; `--json` has them all.
const SHOWN: usize = 5;

/// What was passed over, told apart or doubtful: a line per kind, and the first of each.
fn tell(intake: &Intake) {
    for (kind, count) in &intake.counts {
        note(&format!("{}：{count}", kind.title()));
        for Note { place, text, .. } in intake.notes.iter().filter(|n| n.kind == *kind).take(SHOWN) {
            note(&format!("  {}：{}", visible_line(place), visible_line(text)));
        }
        if *count > SHOWN {
            note(&format!("  …… 另有 {}；用 --json 可得全部", count - SHOWN));
        }
    }
}

/// A bar that counts in a unit and tells the time left.
pub fn bar(length: u64, unit: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:30}} {{pos}}/{{len}} {unit}  已用 {{elapsed}}  剩余约 {{eta}}  {{msg}}"
    ));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Shows events of a run on stderr.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    started: Instant,
    last_line: Instant,
    calls: usize,
    failed: usize,
    audio_ms: i64,
}

impl Progress {
    /// Progress for a run; `quiet` shows failures only.
    pub fn new(quiet: bool) -> Self {
        let now = Instant::now();
        Self { bar: None, quiet, started: now, last_line: now, calls: 0, failed: 0, audio_ms: 0 }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { calls, skipped, stale, intake } => {
                tell(intake);
                self.start(*calls, *skipped, *stale);
            }
            Event::Part => {}
            Event::Call { report, done } => {
                self.audio_ms += report.audio.as_ref().map_or(0, |a| a.duration_ms);
                if let Outcome::Failed { stage, reason } = &report.outcome {
                    self.failed += 1;
                    self.say(&format!("失败 {}（{}）：{reason}", report.recording.meta.call_id, stage.as_str()));
                }
                self.step(*done);
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, calls: usize, skipped: usize, outdated: usize) {
        self.calls = calls;
        if self.quiet {
            return;
        }
        if skipped > 0 {
            note(&format!("已完成 {skipped} 通，跳过；待处理 {calls} 通"));
        }
        if outdated > 0 {
            note(&format!(
                "注意：库中有 {outdated} 通由另一套规则、模型或配置得出，不会重做；要统一重做请换一个 --lake"
            ));
        }
        if calls > 0 && std::io::stderr().is_terminal() {
            let bar = bar(calls as u64, "通");
            bar.enable_steady_tick(Duration::from_millis(500));
            self.bar = Some(bar);
        }
    }

    fn step(&mut self, done: usize) {
        let elapsed = self.started.elapsed();
        let rtf = if self.audio_ms > 0 { elapsed.as_millis() as f64 / self.audio_ms as f64 } else { 0.0 };
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(format!("实时率 {rtf:.3}  失败 {}", self.failed));
        } else if !self.quiet && (self.last_line.elapsed() >= LINE_EVERY || done == self.calls) {
            self.last_line = Instant::now();
            let left = elapsed.as_secs_f64() / done.max(1) as f64 * (self.calls - done) as f64;
            note(&format!("{done}/{} 通，实时率 {rtf:.3}，失败 {}，剩余约 {left:.0} 秒", self.calls, self.failed));
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }
}
