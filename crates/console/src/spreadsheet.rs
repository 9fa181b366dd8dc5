//! Lists that people open in a spreadsheet.
//!
//! UTF-8 with a byte order mark, so that Excel reads Chinese; no cell that a spreadsheet would run as a formula; and what only
//! looks like a number, a date or an exponent (ids, with their zeros and all their digits) stays text.

use std::borrow::Cow;
use std::io::Write;

use callsift_core::visible_line;

/// A cell.
pub enum Cell<'a> {
    /// Text: a name, an id, words.
    Text(Cow<'a, str>),
    /// A number of ours, to be calculated with.
    Number(String),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

/// Signs that begin a formula, full-width ones as well: some spreadsheets take them, too.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2212}', '\u{fe62}'];
/// Digits of the longest number that Excel shows in full.
const SHOWN_DIGITS: usize = 11;

/// Writes rows.
///
/// # Errors
/// The disk is full or not writable.
pub fn write(to: impl Write, rows: &[Vec<Cell<'_>>]) -> std::io::Result<()> {
    let mut to = to;
    to.write_all("\u{feff}".as_bytes())?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    for row in rows {
        writer.write_record(row.iter().map(|cell| cell_text(cell).into_owned())).map_err(std::io::Error::other)?;
    }
    writer.flush()
}

fn cell_text<'a>(cell: &'a Cell<'_>) -> Cow<'a, str> {
    let text = match cell {
        Cell::Number(number) => return number.as_str().into(),
        Cell::Text(text) => visible_line(text),
    };
    let first = text.trim_start().chars().next();
    // A returned or tabbed beginning was made visible above; blanks before a sign hide nothing from a spreadsheet.
    if first.is_some_and(|c| FORMULA.contains(&c)) {
        return format!("'{text}").into();
    }
    // A tab behind it makes a spreadsheet take the cell for text and shows nothing.
    if is_taken_for_a_number(&text) { format!("{text}\t").into() } else { text }
}

/// Whether a spreadsheet would make another thing of it: long or padded numbers, exponents, dates, times, shares.
fn is_taken_for_a_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = digits == text.len();
    let short = plain && digits <= SHOWN_DIGITS && (digits == 1 || !text.starts_with('0'));
    let is_day = text.len() == 10 && text.split('-').map(str::len).eq([4, 2, 2]) && digits == 8;
    let signs = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b':' | b'/' | b'-' | b'+' | b'e' | b'E' | b' ');
    digits > 0
        && !short
        && !is_day
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.bytes().all(signs)
}

#[cfg(test)]
mod tests {
    use super::{Cell, write};

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, &[vec![Cell::from(text), Cell::Number("-0.5".to_owned())]]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_reader(text.strip_prefix('\u{feff}').unwrap().as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(&record[1], "-0.5");
        record[0].to_owned()
    }

    #[test]
    fn nothing_runs_in_a_spreadsheet() {
        for text in ["=1+1", "+8613800138000-1", "-2+3", "@SUM(1)", " =1", "\u{ff1d}1+1", "=cmd|'/C calc'!A0"] {
            assert_eq!(written(text), format!("'{text}"));
        }
        assert_eq!(
            (written("\t=1+1"), written("\r=1"), written("a\u{1b}[31m\nb")),
            ("\u{2409}=1+1".into(), "\u{240d}=1".into(), "a\u{241b}[31m\u{240a}b".into())
        );
    }

    #[test]
    fn ids_keep_their_digits_and_words_stay_as_they_are() {
        for text in ["20261116090015001", "00042", "3E5", "1-2", "2026/11/16", "9:03", "1,5", "13800138000123"] {
            assert_eq!(written(text), format!("{text}\t"));
        }
        for text in ["3021", "0", "2026-11-16", "正常，带逗号", "带\"引号\"", "k1", "20261116-0042a", "", "E12"]
        {
            assert_eq!(written(text), text);
        }
    }
}
