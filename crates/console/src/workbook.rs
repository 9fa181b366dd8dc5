//! Excel workbooks (XLSX), ready to print: A4, all columns on a page, headings repeated. Text is text: no cell is a
//! formula, and ids keep their zeros.

use callsift_core::visible_line;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::spreadsheet::Cell;

/// Longest text of a cell that Excel takes.
const CELL_CHARS: usize = 32_000;
/// Paper of the size A4.
const A4: u8 = 9;

/// A sheet: lines above a table, and the table, whose first row holds its headings.
pub(crate) struct Sheet<'a> {
    pub(crate) name: &'a str,
    pub(crate) head: Vec<Vec<Cell<'static>>>,
    pub(crate) rows: Vec<Vec<Cell<'static>>>,
    /// Widths of columns in characters.
    pub(crate) widths: &'a [u16],
}

/// The bytes of a workbook. The same sheets give the same bytes.
pub(crate) fn write(sheets: &[Sheet<'_>]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // Without it the moment of making would be in the file.
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_author("callsift").set_creation_datetime(&made));
    for sheet in sheets {
        let page = book.add_worksheet();
        page.set_name(sheet.name)?.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
        for (column, width) in (0_u16..).zip(sheet.widths) {
            page.set_column_width(column, f64::from(*width))?;
        }
        fill(page, sheet)?;
    }
    book.save_to_buffer()
}

fn fill(page: &mut Worksheet, sheet: &Sheet<'_>) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let cell = Format::new().set_text_wrap().set_border(FormatBorder::Thin).set_align(FormatAlign::Top);
    let heading = cell.clone().set_bold();
    let plain = Format::new();
    let mut at = 0;
    for (i, row) in sheet.head.iter().enumerate() {
        line(page, at, row, if i == 0 { &bold } else { &plain })?;
        at += 1;
    }
    if at > 0 {
        at += 1;
    }
    let table = at;
    for (i, row) in sheet.rows.iter().enumerate() {
        line(page, at, row, if i == 0 { &heading } else { &cell })?;
        at += 1;
    }
    if !sheet.rows.is_empty() {
        page.set_repeat_rows(table, table)?;
    }
    Ok(())
}

fn line(page: &mut Worksheet, row: u32, cells: &[Cell<'_>], format: &Format) -> Result<(), XlsxError> {
    for (column, cell) in (0_u16..).zip(cells) {
        match cell {
            Cell::Number(number) => match number.parse::<f64>() {
                Ok(n) if n.is_finite() => page.write_number_with_format(row, column, n, format)?,
                _ => page.write_string_with_format(row, column, number, format)?,
            },
            Cell::Text(text) => {
                let shown: String = visible_line(text).chars().take(CELL_CHARS).collect();
                page.write_string_with_format(row, column, shown, format)?
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Sheet, write};
    use crate::spreadsheet::Cell;

    #[test]
    fn the_same_sheets_give_the_same_bytes() {
        let book = || {
            let rows = vec![vec![Cell::from("=1+1"), Cell::Number("62.5".into()), Cell::Number("x".into())]];
            write(&[Sheet { name: "通话", head: vec![vec![Cell::from("\u{1b}[31m")]], rows, widths: &[10] }]).unwrap()
        };
        let bytes = book();
        assert!(bytes.starts_with(b"PK"));
        assert_eq!(bytes, book());
    }
}
