//! Printing: data on stdout, messages on stderr; a closed pipe is no error.

mod colour;
mod table;

use std::io::Write;
use std::sync::OnceLock;

use callsift_core::{visible, visible_json, visible_line};

pub use table::table;

use crate::args::LogFormat;

/// Writes data to stdout, without characters that would steer the terminal. A reader that went away (`| head`) ends the output,
/// not the program.
pub fn emit(text: &str) {
    write(&visible(text));
}

/// The same for JSON: such characters stand as their escapes, so that values stay what they are.
pub fn emit_json(json: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(visible_json(json).as_bytes()).and_then(|()| out.flush());
}

/// Any value as JSON, with a line feed at its end.
pub fn emit_value(value: &impl serde::Serialize) -> anyhow::Result<()> {
    emit_json(&format!("{}\n", serde_json::to_string_pretty(value)?));
    Ok(())
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let text = colour::paint(text, colour::is_on(&out));
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

static LOG_FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Sets the form of all messages, once.
pub fn log_as(format: LogFormat) {
    let _ = LOG_FORMAT.set(format);
}

/// Writes a message to stderr, likewise; it is one line, whatever names of files and calls in it hold, lest one forges
/// another message.
pub fn note(text: &str) {
    let text = &*visible_line(text);
    let level =
        if ["注意", "警告", "WARNING"].iter().any(|word| text.starts_with(word)) { "warning" } else { "info" };
    say(level, text);
}

/// Writes a warning in callsift's own words, which may have several lines.
pub fn warning(text: &str) {
    say("warning", text);
}

/// Writes an event to stderr as a line of JSON.
pub fn event(event: &serde_json::Value) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible_json(&event.to_string()));
}

fn say(level: &str, text: &str) {
    if LOG_FORMAT.get() == Some(&LogFormat::Json) {
        let time = jiff::Timestamp::now().to_string();
        let line = serde_json::json!({ "time": time, "level": level, "message": text });
        let _ = writeln!(std::io::stderr().lock(), "{}", visible_json(&line.to_string()));
        return;
    }
    let mut err = std::io::stderr().lock();
    let text = colour::paint(&visible(text), colour::is_on(&err));
    let _ = writeln!(err, "{text}");
}

/// What is said of a part of the lake that cannot be read, wherever figures or work are without it.
pub fn unread(damage: &dyn std::fmt::Display) -> String {
    format!("注意：有一份数据读不出，下面不含它：{damage}；补救办法见 callsift lake check")
}

/// Writes an error with its causes.
pub fn error(error: &anyhow::Error) {
    let mut text = format!("callsift: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !last.contains(&cause) {
            text = format!("{text}\n  because: {cause}");
        }
        last = cause;
    }
    say("error", text.trim_end());
}

/// Milliseconds as `m:ss`.
pub fn clock(ms: i64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

/// Bytes for people: `1.5 KiB`.
pub fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = (0..units.len() - 1).find(|u| bytes >> (10 * u) < 1024).unwrap_or(units.len() - 1);
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{:.1} {}", bytes as f64 / 1024f64.powi(unit as i32), units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::{clock, size};

    #[test]
    fn sizes_read_well() {
        assert_eq!([0, 1023, 1024, 1536, 5 << 30].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
    }

    #[test]
    fn times_read_well() {
        assert_eq!(clock(75_400), "1:15");
    }
}
