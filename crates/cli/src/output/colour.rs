//! Colour, on a terminal only: of signs and of headings, never of what data say.

use std::io::IsTerminal;

/// Begins the heading of a table; never printed.
pub const HEADING: char = '\u{e000}';

const OFF: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";

/// Whether a stream takes colour: a terminal that can, where nobody said otherwise (`NO_COLOR`, see no-color.org).
pub fn is_on(stream: &impl IsTerminal) -> bool {
    let said = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    said("NO_COLOR").is_none() && said("TERM").is_none_or(|term| term != "dumb") && stream.is_terminal()
}

/// Signs and words with their colour.
const SIGNS: [(&str, &str); 6] =
    [("✓", GREEN), ("✗", RED), ("MISSING", RED), ("CHANGED", RED), ("警告", RED), ("WARNING", RED)];

/// Words that begin a line, with their colour.
const BEGINNINGS: [(&str, &str); 2] = [("注意：", YELLOW), ("callsift:", RED)];

/// Text with colour, or without the marks of headings.
pub fn paint(text: &str, colour: bool) -> String {
    text.split_inclusive('\n').map(|line| if colour { painted(line) } else { line.replace(HEADING, "") }).collect()
}

fn painted(line: &str) -> String {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    if let Some(heading) = body.strip_prefix(HEADING) {
        return format!("{BOLD}{heading}{OFF}{end}");
    }
    let mut out = body.replace(HEADING, "");
    for (word, colour) in BEGINNINGS {
        if let Some(rest) = out.strip_prefix(word) {
            out = format!("{colour}{word}{OFF}{rest}");
        }
    }
    for (sign, colour) in SIGNS {
        out = out.replace(sign, &format!("{colour}{sign}{OFF}"));
    }
    out + end
}

#[cfg(test)]
mod tests {
    use super::{HEADING, paint};

    #[test]
    fn signs_and_headings_are_painted_where_colour_is_on() {
        let text = format!("{HEADING}  规则  命中\n  abc   1 ✓\n注意：x\n");
        assert_eq!(paint(&text, false), "  规则  命中\n  abc   1 ✓\n注意：x\n");
        assert_eq!(
            paint(&text, true),
            "\u{1b}[1m  规则  命中\u{1b}[0m\n  abc   1 \u{1b}[32m✓\u{1b}[0m\n\u{1b}[33m注意：\u{1b}[0mx\n"
        );
    }
}
