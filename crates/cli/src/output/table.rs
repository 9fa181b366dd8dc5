//! Tables for people: columns that line up for Han and Latin letters and fit the width.

use callsift_core::visible_line;

use super::colour::HEADING;

/// Width that tables keep to where the terminal does not say its own.
const WIDTH: usize = 80;
/// A terminal's width is used between these: narrower nothing is readable, wider no eye finds the row again.
const WIDTHS: (usize, usize) = (60, 160);
/// Columns are never narrower, unless their cells are.
const NARROWEST: usize = 6;
/// Headings are never cut narrower: two Han characters.
const HEADING_WIDTH: usize = 4;
const INDENT: usize = 2;
const GAP: usize = 2;

/// Width of a text on a terminal: Han and full-width characters take two columns.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    if is_wide(c) { 2 } else { 1 }
}

fn is_wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6)
}

/// Words up to so many columns are not cut; rather the table is wider than the terminal.
const WHOLE: usize = 24;

/// Pads to a width on the terminal.
fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Columns of the terminal on standard output; 80 where it is none.
fn limit() -> usize {
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { WIDTH } else { columns.clamp(WIDTHS.0, WIDTHS.1) }
}

/// Rows as a table, the first of them its heading: two spaces between columns, indented by two, cells wrapped where
/// the table would be wider than the terminal.
pub fn table(rows: &[Vec<String>]) -> String {
    table_within(rows, limit())
}

fn table_within(rows: &[Vec<String>], limit: usize) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|r| r.iter().map(|c| visible_line(c).into_owned()).collect()).collect();
    let widths = widths(&rows, limit.saturating_sub(INDENT));
    let mut out = String::new();
    for (i, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<String>> = row.iter().zip(&widths).map(|(cell, (w, cut))| wrap(cell, *w, *cut)).collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let parts = cells.iter().zip(&widths);
            let parts: Vec<String> =
                parts.map(|(cell, (w, _))| pad(cell.get(line).map_or("", String::as_str), *w)).collect();
            if i == 0 && rows.len() > 1 {
                out.push(HEADING);
            }
            out.push_str(format!("{}{}", " ".repeat(INDENT), parts.join(&" ".repeat(GAP))).trim_end());
            out.push('\n');
        }
    }
    out
}

/// Where a cell may be cut, the gentlest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    /// Behind spaces and Han characters.
    Words,
    /// Behind the signs within ids and paths, too.
    Ids,
    /// Anywhere.
    Anywhere,
}

impl Cut {
    fn behind(self, c: char) -> bool {
        // Opening marks never end a line.
        if matches!(c, '（' | '【' | '《' | '“' | '‘') && self < Self::Anywhere {
            return false;
        }
        c == ' '
            || is_wide(c)
            || self >= Self::Ids && matches!(c, '-' | '/' | '_' | '.' | ',')
            || self == Self::Anywhere
    }
}

/// Widths of the columns, each with the cuts that it takes: the widest give way first, as gently as they can.
fn widths(rows: &[Vec<String>], limit: usize) -> Vec<(usize, Cut)> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize, of: &dyn Fn(&str) -> usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|cell| of(cell)).max().unwrap_or(0)
    };
    let mut widths: Vec<(usize, Cut)> = (0..columns).map(|i| (widest(i, &width), Cut::Words)).collect();
    let room = limit.saturating_sub(GAP * columns.saturating_sub(1));
    // Headings over narrow columns give way first.
    let body = rows.get(1..).unwrap_or_default();
    let narrow = |column: usize| {
        let heading = rows.first().and_then(|r| r.get(column)).map_or(0, |cell| longest_piece(cell, Cut::Words));
        let cells = body.iter().filter_map(|r| r.get(column)).map(|cell| width(cell));
        cells.chain([heading, HEADING_WIDTH]).max().unwrap_or(0)
    };
    while widths.iter().map(|(w, _)| w).sum::<usize>() > room {
        let Some(column) = (0..columns).filter(|i| widths[*i].0 > narrow(*i)).max_by_key(|i| widths[*i].0) else {
            break;
        };
        widths[column].0 -= 1;
    }
    for cut in [Cut::Words, Cut::Ids, Cut::Anywhere] {
        let floor = |cell: &str| match cut {
            Cut::Anywhere => longest_piece(cell, Cut::Ids).min(WHOLE),
            gentler => longest_piece(cell, gentler),
        };
        let floors: Vec<usize> = (0..columns).map(|i| widest(i, &floor).max(NARROWEST)).collect();
        while widths.iter().map(|(w, _)| w).sum::<usize>() > room {
            let can = (0..columns).filter(|i| widths[*i].0 > floors[*i]).max_by_key(|i| widths[*i].0);
            let Some(column) = can else { break };
            widths[column] = (widths[column].0 - 1, cut);
        }
    }
    widths
}

fn longest_piece(cell: &str, cut: Cut) -> usize {
    pieces(cell, cut).map(|piece| width(piece.trim_end())).max().unwrap_or(0)
}

/// Marks that never begin a line.
const CLOSING: &str = "，。；：！？、）】》”’,;:)";

fn pieces(cell: &str, cut: Cut) -> impl Iterator<Item = &str> {
    let mut rest = cell;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices().peekable();
        let end = std::iter::from_fn(|| {
            let (_, c) = chars.next()?;
            Some((c, chars.peek().copied()))
        })
        .find_map(|(c, next)| match next {
            Some((at, next)) => (cut.behind(c) && !CLOSING.contains(next)).then_some(at),
            None => Some(rest.len()),
        })?;
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some(piece)
    })
}

/// A cell in lines of a width; pieces that are longer still are cut where the line ends.
fn wrap(cell: &str, columns: usize, cut: Cut) -> Vec<String> {
    if width(cell) <= columns {
        return vec![cell.to_owned()];
    }
    let mut lines = vec![String::new()];
    for piece in pieces(cell, cut.min(Cut::Ids)) {
        let used = lines.last().map_or(0, |line| width(line));
        if used > 0 && used + width(piece.trim_end()) > columns {
            lines.push(String::new());
        }
        for c in piece.chars() {
            let full = lines.last().is_some_and(|line| width(line) + char_width(c) > columns);
            if full && c == ' ' {
                continue;
            }
            if full {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{HEADING, table_within, width};

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|c| (*c).to_owned()).collect()).collect()
    }

    fn plain(cells: &[&[&str]], limit: usize) -> String {
        table_within(&rows(cells), limit).replace(HEADING, "")
    }

    #[test]
    fn columns_line_up_for_han_and_latin() {
        assert_eq!(plain(&[&["规则", "命中"], &["abc", "1"]], 80), "  规则  命中\n  abc   1\n");
        assert_eq!(plain(&[&["a\u{1b}[31m\nb"]], 80), "  a\u{241b}[31m\u{240a}b\n");
        assert!(table_within(&rows(&[&["a"], &["b"]]), 80).starts_with(HEADING));
    }

    #[test]
    fn a_wide_table_is_wrapped_and_its_ids_stay_whole_while_they_can() {
        let cells: &[&[&str]] =
            &[&["规则", "说明"], &["order-readback-missing", "客户说出数量后，坐席没有复述，见第三轮 and more words"]];
        let shown = plain(cells, 48);
        assert!(shown.lines().all(|line| width(line) <= 48), "{shown}");
        assert!(shown.contains("order-readback-missing"), "{shown}");
        let narrow = plain(cells, 30);
        assert!(narrow.lines().all(|line| width(line) <= 30), "{narrow}");
        // Nothing is lost, wherever it was cut.
        let signs = |text: &str| {
            let mut signs: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            signs.sort_unstable();
            signs
        };
        assert_eq!(signs(&narrow), signs(&cells.iter().copied().flatten().copied().collect::<String>()));
    }
}
