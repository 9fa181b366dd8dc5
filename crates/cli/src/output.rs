//! Printing: data on stdout, messages on stderr; a closed pipe is no error.

use std::borrow::Cow;
use std::io::Write;

use callsift_core::{visible, visible_json, visible_line};

/// Writes data to stdout, without characters that would steer the terminal. A reader that went away (`| head`) ends the output,
/// not the program.
pub fn emit(text: &str) {
    write(&visible(text));
}

/// The same for JSON: such characters stand as their escapes, so that values stay what they are.
pub fn emit_json(json: &str) {
    write(&visible_json(json));
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a message to stderr, likewise.
pub fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{}", visible(text));
}

/// What is said of a part of the lake that cannot be read, wherever figures or work are without it.
pub fn unread(damage: &dyn std::fmt::Display) -> String {
    format!("注意：有一份数据读不出，下面不含它：{damage}；补救办法见 callsift lake check")
}

/// Writes an error with its causes.
pub fn error(error: &anyhow::Error) {
    note(&format!("callsift: {error}"));
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !last.contains(&text) {
            note(&format!("  because: {text}"));
        }
        last = text;
    }
}

/// Width of a text on a terminal: Han and full-width characters take two columns.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6)
}

/// Pads to a width on the terminal.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Rows as a table: columns as wide as their widest cell, two spaces between, indented by two.
pub fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> = rows.iter().map(|r| r.iter().map(|c| visible_line(c)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..columns).map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| width(c)).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| pad(cell, *w)).collect();
        out.push_str(format!("  {}", cells.join("  ")).trim_end());
        out.push('\n');
    }
    out
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
    use super::{clock, size, table};

    #[test]
    fn sizes_read_well() {
        assert_eq!([0, 1023, 1024, 1536, 5 << 30].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
    }

    #[test]
    fn columns_line_up_for_han_and_latin() {
        let rows = vec![vec!["规则".to_owned(), "命中".to_owned()], vec!["abc".to_owned(), "1".to_owned()]];
        assert_eq!(table(&rows), "  规则  命中\n  abc   1\n");
        assert_eq!(clock(75_400), "1:15");
        assert_eq!(table(&[vec!["a\u{1b}[31m\nb".to_owned()]]), "  a\u{241b}[31m\u{240a}b\n");
    }
}
