//! Text that somebody else wrote, made safe to show.
//!
//! Ids, names and words come from files of other systems. Whatever is shown to people (terminal, log, report, page, CSV)
//! goes through [`visible`]; tables keep what was given.

use std::borrow::Cow;
use std::fmt::Write;

/// Stands for a character that has no picture of its own.
const STAND_IN: char = '\u{fffd}';

/// True for characters that steer a terminal or change the order of what is read, and show nothing themselves: C0 and C1
/// controls (line feed and tab excepted), DEL, bidirectional marks, embeddings, overrides and isolates, line and paragraph
/// separators, and tags.
pub fn is_steering(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with each such character replaced by one that is seen: `\u{1b}` by `\u{241b}`, others by `\u{fffd}`. As many characters
/// as before; a carriage return before a line feed stays.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let keep = !is_steering(c) || (c == '\r' && chars.peek() == Some(&'\n'));
        out.push(if keep { c } else { picture(c) });
    }
    Cow::Owned(out)
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or(STAND_IN),
        '\u{7f}' => '\u{2421}',
        _ => STAND_IN,
    }
}

/// The same for text that stands in one line or cell: line feeds, returns and tabs are replaced, too.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    let steers = |c: char| is_steering(c) || matches!(c, '\n' | '\t');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if steers(c) { picture(c) } else { c }).collect())
}

/// JSON with each such character written as its escape: the values stay what they are.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_steering) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_steering(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{is_steering, visible, visible_json, visible_line};

    #[test]
    fn what_steers_is_seen_and_the_rest_stays() {
        assert_eq!(
            visible("a\u{1b}[31mb\u{7}\0\u{7f}\u{9b}\u{202e}c\td\n"),
            "a\u{241b}[31mb\u{2407}\u{2400}\u{2421}\u{fffd}\u{fffd}c\td\n"
        );
        assert_eq!(visible("a\r\nb\rc"), "a\r\nb\u{240d}c");
        assert_eq!(visible_line("a\tb\nc\r\n"), "a\u{2409}b\u{240a}c\u{240d}\u{240a}");
        let plain = "\u{5de5}\u{53f7} 3021 \u{1f60a}\u{200d} \u{ff0c}e\u{301}";
        assert!(matches!(visible(plain), std::borrow::Cow::Borrowed(_)));
        for c in ('\0'..='\u{10ffff}').filter(|c| is_steering(*c)) {
            assert!(!visible_line(&c.to_string()).contains(is_steering), "{c:?}");
        }
    }

    #[test]
    fn json_keeps_its_values() {
        let text = "a\u{9b}\u{202e}\u{e0041}b";
        let json = serde_json::to_string(text).unwrap();
        assert!(!visible_json(&json).contains(is_steering));
        assert_eq!(serde_json::from_str::<String>(&visible_json(&json)).unwrap(), text);
    }
}
