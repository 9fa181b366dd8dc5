//! Cells as spreadsheets write them.

use std::sync::LazyLock;

use regex::Regex;

/// What a spreadsheet did to a value that is an id or a number of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digits {
    /// Nothing.
    Whole(String),
    /// It was written with a decimal point: `13800138000.0`. This is the number without.
    Point(String),
    /// Digits are lost: `2.02611E+13`.
    Lost,
}

static SCIENTIFIC: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?P<int>\d)(?:\.(?P<frac>\d+))?[Ee]\+?(?P<exp>\d{1,3})$").ok());
static POINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?P<int>\d+)\.0+$").ok());

/// The value of a cell: without blanks around it, without what keeps a number text (`="0021"`, `'0021`).
pub fn value(cell: &str) -> &str {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
    let cell = cell.trim_matches(blank);
    let quoted = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let text = quoted.or(cell.strip_prefix('\'')).unwrap_or(cell);
    text.trim_matches(blank)
}

/// Looks whether an id still has its digits.
pub fn digits(value: &str) -> Digits {
    if let Some(c) = SCIENTIFIC.as_ref().and_then(|r| r.captures(value)) {
        let fraction = c.name("frac").map_or("", |m| m.as_str());
        let exponent: usize = c["exp"].parse().unwrap_or(usize::MAX);
        // With as many digits as the exponent says nothing is lost.
        return if fraction.len() == exponent {
            Digits::Point(format!("{}{fraction}", &c["int"]))
        } else {
            Digits::Lost
        };
    }
    if let Some(c) = POINT.as_ref().and_then(|r| r.captures(value)) {
        return Digits::Point(c["int"].to_owned());
    }
    Digits::Whole(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Digits, digits, value};

    #[test]
    fn what_keeps_numbers_text_is_taken_off() {
        for (cell, wanted) in [
            ("=\"0021\"", "0021"),
            ("'0021", "0021"),
            (" 3021\u{3000}\t", "3021"),
            ("\u{a0}陈晓 ", "陈晓"),
            ("\u{feff}a", "a"),
            ("=1+1", "=1+1"),
            ("", ""),
        ] {
            assert_eq!(value(cell), wanted, "{cell}");
        }
    }

    #[test]
    fn lost_digits_are_seen() {
        for lost in ["2.02611E+13", "2.02611e13", "1E+05", "1.38001E+10"] {
            assert_eq!(digits(lost), Digits::Lost, "{lost}");
        }
        assert_eq!(digits("13800138000.0"), Digits::Point("13800138000".to_owned()));
        assert_eq!(digits("1.3800138E7"), Digits::Point("13800138".to_owned()));
        for whole in
            ["20261116090015001", "20261116090015000", "3021", "0021", "3E5F", "E12", "1.5", "k1.0", "100000000000000"]
        {
            assert_eq!(digits(whole), Digits::Whole(whole.to_owned()), "{whole}");
        }
    }
}
