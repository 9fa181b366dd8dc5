//! Reading a metadata file: CSV in whatever encoding and with whatever separator, JSON lines, or one JSON array.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use callsift_text::{Decoded, decode};
use encoding_rs::{BIG5, GB18030};
use serde_json::{Map, Value};

use crate::error::PipelineError;
use crate::intake::{Intake, NoteKind};
use crate::metadata::Fields;
use crate::metadata::cells::{self, Digits};
use crate::metadata::fields::{Columns, field};

/// Fields that are ids: their digits must be whole.
const IDS: [&str; 4] = ["call_id", "agent_id", "customer_id", "file"];
/// Digits from which a number with a decimal point and nothing behind it is an id or a telephone number.
const LONG_NUMBER: usize = 8;
/// Line breaks in one cell from which a quote was left open.
const OPEN_QUOTE: usize = 10;

/// A row with its line in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line.
    pub line: usize,
    /// Values by field.
    pub fields: Fields,
}

/// The rows of a metadata file.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Name of the file, for notes.
    pub name: String,
    /// In the order of the file.
    pub rows: Vec<Row>,
    /// How it was read, and what was odd.
    pub intake: Intake,
}

impl Sheet {
    /// Where a row stands, for notes.
    pub fn place(&self, row: &Row) -> String {
        format!("{}:{}", self.name, row.line)
    }
}

/// Reads a metadata file; each row has `file` or `call_id`, or both.
///
/// # Errors
/// The file cannot be read, is no text, or no column says which recording a row is about.
pub fn read_sheet(path: &Path) -> Result<Sheet, PipelineError> {
    let bytes = std::fs::read(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
    let wrong = |line: usize, reason: String| PipelineError::Metadata { path: path.to_owned(), line, reason };
    if let Some(reason) = no_text(&bytes) {
        return Err(wrong(1, reason.to_owned()));
    }
    let decoded = decoded(&bytes)
        .ok_or_else(|| wrong(1, "neither UTF-8, UTF-16, GBK (GB18030) nor Big5: save it as CSV UTF-8".to_owned()))?;
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut sheet = Sheet { name, ..Sheet::default() };
    let first = decoded.text.trim_start().chars().next();
    match first {
        Some('{') => sheet.json_lines(&decoded, &wrong)?,
        Some('[') => sheet.json_array(&decoded, &wrong)?,
        _ => sheet.csv(&decoded, &wrong)?,
    }
    Ok(sheet)
}

/// The text of a file. Bytes of Big5 mostly make characters of GBK, too: of the two the one counts in which headings are
/// known.
fn decoded(bytes: &[u8]) -> Option<Decoded<'_>> {
    let usual = decode(bytes);
    if usual.as_ref().is_some_and(|d| d.encoding != GB18030.name()) {
        return usual;
    }
    // The separator may stand in a line before the header.
    let known = |text: &str| -> usize {
        let lines = text.lines().filter(|l| !l.trim().is_empty()).take(2);
        lines
            .map(|line| SEPARATORS.iter().map(|(sep, _)| known_cells(line, *sep)).max().unwrap_or(0))
            .max()
            .unwrap_or(0)
    };
    let big5 = BIG5.decode_without_bom_handling_and_without_replacement(bytes);
    match big5 {
        Some(text) if known(&text) > usual.as_ref().map_or(0, |d| known(&d.text)) => {
            Some(Decoded { text, encoding: BIG5.name(), damaged: false })
        }
        _ => usual,
    }
}

type Wrong<'a> = &'a dyn Fn(usize, String) -> PipelineError;

/// Files that spreadsheets make and that are no text.
fn no_text(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("an Excel workbook: save it as CSV UTF-8"),
        _ if bytes.trim_ascii_start().starts_with(b"<") => Some("a web page or XML, not CSV: save it as CSV UTF-8"),
        _ => None,
    }
}

const SEPARATORS: [(char, &str); 4] = [(',', "逗号"), (';', "分号"), ('\t', "制表符"), ('|', "竖线")];

/// The separator that makes the most known columns of a header, then the most columns; the comma where none does.
fn separator(header: &str) -> (u8, &'static str) {
    let count = |sep: char| (known_cells(header, sep), header.split(sep).count());
    // Of equals the last counts: the comma is tried last.
    let best = SEPARATORS.into_iter().rev().max_by_key(|(sep, _)| count(*sep));
    best.map_or((b',', "逗号"), |(sep, name)| (sep as u8, name))
}

/// Cells of a header that callsift knows.
fn known_cells(header: &str, separator: char) -> usize {
    header.split(separator).filter(|c| field(c.trim().trim_matches('"')).is_some()).count()
}

impl Sheet {
    fn csv(&mut self, decoded: &Decoded<'_>, wrong: Wrong<'_>) -> Result<(), PipelineError> {
        let (mut text, mut before) = (decoded.text.as_ref(), 0);
        // Excel writes and reads the separator in a line of its own.
        let first = text.lines().next().unwrap_or("");
        let told = first.strip_prefix("sep=").and_then(|s| s.chars().next()).filter(char::is_ascii);
        if told.is_some() {
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
            before = 1;
        }
        let header = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
        let (found, name) = separator(header);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(told.map_or(found, |c| c as u8))
            .flexible(true)
            .from_reader(text.as_bytes());
        let headings = reader.headers().map_err(|e| wrong(1, e.to_string()))?;
        let headings: Vec<String> = headings.iter().map(|h| cells::value(h).to_owned()).collect();
        let columns = self.columns(decoded, name, &headings);
        if !columns.say_which() {
            return Err(wrong(1 + before, no_column(decoded.encoding, name, header, &headings)));
        }
        for record in reader.records() {
            let record = record.map_err(|e| {
                let line = e.position().map_or(0, |p| p.line() as usize);
                wrong(line + before, e.to_string())
            })?;
            let line = record.position().map_or(0, |p| p.line() as usize) + before;
            if record.iter().all(|cell| cells::value(cell).is_empty()) {
                continue;
            }
            let bad = bad_record(&record, headings.len());
            if let Some(reason) = bad.or_else(|| swallowed(&record, told.unwrap_or(found as char), headings.len())) {
                self.intake.add(NoteKind::BadRow, format!("{}:{line}", self.name), reason);
                continue;
            }
            let cells = record.iter().map(|cell| cells::value(cell).to_owned());
            let named = columns.taken.iter().map(|(_, field)| field.clone());
            self.add(line, named.zip(cells.chain(std::iter::repeat(String::new()))));
        }
        Ok(())
    }

    fn json_lines(&mut self, decoded: &Decoded<'_>, wrong: Wrong<'_>) -> Result<(), PipelineError> {
        let mut objects = Vec::new();
        // Only a line feed ends a line: other signs that do so elsewhere may stand in a text.
        for (i, line) in decoded.text.split('\n').enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            objects.push((i + 1, serde_json::from_str(line).map_err(|e| wrong(i + 1, e.to_string()))?));
        }
        self.objects(decoded, objects, wrong)
    }

    fn json_array(&mut self, decoded: &Decoded<'_>, wrong: Wrong<'_>) -> Result<(), PipelineError> {
        let objects: Vec<Map<String, Value>> =
            serde_json::from_str(&decoded.text).map_err(|e| wrong(e.line(), e.to_string()))?;
        self.objects(decoded, (1..).zip(objects).collect(), wrong)
    }

    fn objects(
        &mut self,
        decoded: &Decoded<'_>,
        objects: Vec<(usize, Map<String, Value>)>,
        wrong: Wrong<'_>,
    ) -> Result<(), PipelineError> {
        let mut headings: Vec<String> = Vec::new();
        for key in objects.iter().flat_map(|(_, o)| o.keys()) {
            if !headings.contains(key) {
                headings.push(key.clone());
            }
        }
        let columns = self.columns(decoded, "", &headings);
        let names: BTreeMap<&str, &str> = columns.taken.iter().map(|(h, f)| (h.as_str(), f.as_str())).collect();
        for (line, object) in objects {
            if !object.keys().any(|k| matches!(names.get(k.as_str()), Some(&("file" | "call_id")))) {
                return Err(wrong(line, "a row needs `file` (recording) or `call_id`".to_owned()));
            }
            let cells =
                object.iter().map(|(k, v)| (names.get(k.as_str()).copied().unwrap_or(k).to_owned(), text_of(v)));
            self.add(line, cells);
        }
        Ok(())
    }

    /// Understands the headings and notes how.
    fn columns(&mut self, decoded: &Decoded<'_>, separator: &str, headings: &[String]) -> Columns {
        let columns = Columns::of(headings);
        let same = |h: &str, f: &str| if h == f { h.to_owned() } else { format!("{h}→{f}") };
        let mapped: Vec<String> = columns.mapped().into_iter().map(|(h, f)| same(&h, &f)).collect();
        let kept: Vec<&str> =
            columns.taken.iter().filter(|(h, _)| field(h).is_none()).map(|(h, _)| h.as_str()).collect();
        let mut parts = vec![decoded.encoding.to_owned()];
        parts.extend((!separator.is_empty()).then(|| format!("{separator}分隔")));
        parts.extend((!mapped.is_empty()).then(|| format!("列 {}", mapped.join("，"))));
        parts.extend((!kept.is_empty()).then(|| format!("原样保留：{}", kept.join("、"))));
        self.intake.add(NoteKind::HowRead, self.name.clone(), parts.join("；"));
        for (heading, field) in &columns.alike {
            let text = format!("列“{heading}”像是 {field}，未采用，按原名保留");
            self.intake.add(NoteKind::ColumnNotTaken, self.name.clone(), text);
        }
        if decoded.damaged {
            let text = "文件有损坏的字节，已用 � 代替（encoding damaged）";
            self.intake.add(NoteKind::BadRow, self.name.clone(), text);
        }
        columns
    }

    fn add(&mut self, line: usize, cells: impl Iterator<Item = (String, String)>) {
        let mut fields = Fields::new();
        for (field, value) in cells {
            let is_id = IDS.contains(&field.as_str());
            let value =
                if is_id { self.whole(line, &field, value, &mut fields) } else { self.other(line, &field, value) };
            // Of two columns with one heading the first that says something counts.
            if fields.get(&field).is_none_or(String::is_empty) {
                fields.insert(field, value);
            }
        }
        let says_which = ["file", "call_id"].iter().any(|f| fields.get(*f).is_some_and(|v| !v.is_empty()));
        if says_which {
            self.rows.push(Row { line, fields });
        } else {
            let text = "没有可用的 file（录音）或 call_id（通话编号）：no match possible";
            self.intake.add(NoteKind::BadRow, format!("{}:{line}", self.name), text);
        }
    }

    /// Other columns may hold telephone numbers and ids as well: they are kept, and what a spreadsheet did is said.
    fn other(&mut self, line: usize, field: &str, value: String) -> String {
        let place = format!("{}:{line}", self.name);
        match cells::digits(&value) {
            Digits::Point(number) if number.len() >= LONG_NUMBER && field != "started_at" => {
                self.intake.add(NoteKind::DecimalPoint, place, format!("{field} {value} 读作 {number}"));
                number
            }
            Digits::Lost => {
                let text =
                    format!("{field} {value} 已丢失末尾数字（digits lost），按原样保留：请把该列设为文本后重新导出");
                self.intake.add(NoteKind::DigitsLost, place, text);
                value
            }
            _ => value,
        }
    }

    /// An id with all its digits; empty where a spreadsheet dropped some, and what was there is kept under another name.
    fn whole(&mut self, line: usize, field: &str, value: String, fields: &mut Fields) -> String {
        let place = format!("{}:{line}", self.name);
        match cells::digits(&value) {
            Digits::Whole(value) => value,
            Digits::Point(number) => {
                self.intake.add(NoteKind::DecimalPoint, place, format!("{field} {value} 读作 {number}"));
                number
            }
            Digits::Lost => {
                let text = format!("{field} {value} 已丢失末尾数字（digits lost）：请把该列设为文本后重新导出");
                self.intake.add(NoteKind::DigitsLost, place, text);
                fields.insert(format!("{field}_digits_lost"), value);
                String::new()
            }
        }
    }
}

/// A cell with line breaks in it that hold as many separators as a row has: a quote that was never closed.
fn swallowed(record: &csv::StringRecord, separator: char, columns: usize) -> Option<String> {
    let rows = |cell: &str| {
        cell.lines().skip(1).filter(|line| columns > 1 && line.matches(separator).count() + 1 >= columns).count()
    };
    let lost: usize = record.iter().map(rows).sum();
    (lost > 0).then(|| format!("引号没有成对（quote never closed），其后{lost}行并入这一格，均未采用"))
}

/// Why a record cannot be trusted.
fn bad_record(record: &csv::StringRecord, columns: usize) -> Option<String> {
    let more = record.iter().skip(columns).any(|cell| !cells::value(cell).is_empty());
    if more {
        return Some(format!("有 {} 格，表头只有 {columns} 列：单元格里的分隔符要加引号", record.len()));
    }
    let open = record.iter().any(|cell| cell.matches('\n').count() >= OPEN_QUOTE);
    open.then(|| "一格里有很多行：前面的引号没有闭合？".to_owned())
}

fn no_column(encoding: &str, separator: &str, header: &str, headings: &[String]) -> String {
    let full_width = header.contains(['，', '；']) && headings.len() == 1;
    let hint = if full_width { "; the header has full-width separators: write `,` or `;`" } else { "" };
    format!(
        "no column says which recording a row is about; name one `file` (录音) or `call_id` (通话编号). Read as {encoding}, separator \
         {separator}{hint}; columns: {}",
        headings.join(" | ")
    )
}

/// A JSON value as a cell has it; a whole number without a decimal point.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(s) => cells::value(s).to_owned(),
        Value::Null => String::new(),
        Value::Number(n) => number(n).into_owned(),
        other => other.to_string(),
    }
}

/// Whole numbers that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn number(n: &serde_json::Number) -> Cow<'static, str> {
    match n.as_f64() {
        // 2.02611e13: nobody writes a number so whose last digits matter.
        Some(f) if n.is_f64() && f.abs() >= 1e9 && f % 1e5 == 0.0 => format!("{f:E}").into(),
        Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < EXACT => format!("{f:.0}").into(),
        // As a spreadsheet would have it: whoever needs the digits sees that they are gone.
        Some(f) if n.is_f64() && f.abs() >= EXACT => format!("{f:.4E}").into(),
        _ => n.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::GBK;

    use super::{Sheet, read_sheet};
    use crate::intake::NoteKind;

    #[test]
    fn a_quote_that_is_never_closed_swallows_no_row_in_silence() {
        let sheet = read("a.csv", "file,agent_id,agent_name\na.wav,3021,\"王芳\nb.wav,3022,李四\n".as_bytes()).unwrap();
        assert!(sheet.rows.is_empty());
        assert!(sheet.intake.notes.iter().any(|n| n.kind == NoteKind::BadRow && n.text.contains("引号")));
    }

    #[test]
    fn a_number_with_an_exponent_is_no_id() {
        let sheet = read("a.json", br#"[{"file":"b.wav","call_id":2.02611e13}]"#).unwrap();
        assert_eq!(sheet.rows[0].fields["call_id"], "");
    }

    #[test]
    fn tables_from_taiwan_and_hong_kong_are_read() {
        let text = "錄音檔名,員工編號,客服姓名,備註\r\nk1.wav,0021,陳曉,訂貨\r\nk2.wav,0022,許功蓋,老客戶\r\n";
        let sheet = read("a.csv", &encoding_rs::BIG5.encode(text).0).unwrap();
        let row = |i: usize, field: &str| sheet.rows[i].fields.get(field).map(String::as_str);
        assert_eq!(
            (row(0, "file"), row(0, "agent_id"), row(0, "agent_name")),
            (Some("k1.wav"), Some("0021"), Some("陳曉"))
        );
        assert_eq!((row(1, "agent_name"), row(1, "備註")), (Some("許功蓋"), Some("老客戶")));
        assert!(sheet.intake.notes.iter().any(|n| n.text.contains("Big5")), "{:?}", sheet.intake.notes);
        // What is GBK stays so, also with English headings and words that Big5 could read.
        let text = "file,agent_id,agent_name\r\nk1.wav,0021,王芳\r\n";
        let sheet = read("a.csv", &GBK.encode(text).0).unwrap();
        assert_eq!(sheet.rows[0].fields["agent_name"], "王芳");
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Sheet, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_sheet(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn encodings_and_separators_of_spreadsheets_mean_the_same() {
        let text = |sep: &str| format!("录音{sep}工号{sep}备注\r\nk1.wav{sep}=\"0021\"{sep}老客户 \r\n{sep}{sep}\r\n");
        let units: Vec<u8> = text("\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, bytes) in [
            ("a.csv", text(",").into_bytes()),
            ("b.csv", GBK.encode(&text(",")).0.into_owned()),
            ("c.txt", [b"\xff\xfe".to_vec(), units].concat()),
            ("d.csv", text(";").into_bytes()),
            ("e.csv", format!("sep=;\r\n{}", text(";")).into_bytes()),
            ("f.csv", text("\t").replace('\r', "").into_bytes()),
        ] {
            let sheet = read(name, &bytes).unwrap();
            assert_eq!(sheet.rows.len(), 1, "{name}");
            let of = |f: &str| sheet.rows[0].fields[f].as_str();
            assert_eq!((of("file"), of("agent_id"), of("备注")), ("k1.wav", "0021", "老客户"), "{name}");
            assert_eq!(sheet.intake.count(NoteKind::HowRead), 1, "{name}");
        }
    }

    #[test]
    fn what_spreadsheets_did_to_numbers_is_said_and_nothing_is_booked_by_it() {
        let sheet =
            read("a.csv", b"call_id,file,customer_id\n2.02611E+13,k1.wav,13800138000.0\n2.02611E+13,,1\n").unwrap();
        assert_eq!(sheet.rows.len(), 1);
        let fields = &sheet.rows[0].fields;
        assert_eq!((fields["call_id"].as_str(), fields["customer_id"].as_str()), ("", "13800138000"));
        assert_eq!(fields["call_id_digits_lost"], "2.02611E+13");
        let count = |kind| sheet.intake.count(kind);
        assert_eq!((count(NoteKind::DigitsLost), count(NoteKind::DecimalPoint), count(NoteKind::BadRow)), (2, 1, 1));
        let sheet = read("c.csv", b"file,phone,share\na.wav,13800138000.0,1.0\nb.wav,1.38E+10,5.0\n").unwrap();
        let of = |row: usize, field: &str| sheet.rows[row].fields[field].as_str();
        assert_eq!((of(0, "phone"), of(0, "share"), of(1, "phone")), ("13800138000", "1.0", "1.38E+10"));
        assert_eq!((sheet.intake.count(NoteKind::DigitsLost), sheet.intake.count(NoteKind::DecimalPoint)), (1, 1));
        let json =
            "{\"call_id\":202611160900100001,\"customer_id\":1.3800138e10}\n{\"call_id\":20261116090010000123456}\n";
        let sheet = read("b.jsonl", json.as_bytes()).unwrap();
        assert_eq!(sheet.rows[0].fields["call_id"], "202611160900100001");
        assert_eq!(sheet.rows[0].fields["customer_id"], "13800138000");
        assert_eq!((sheet.rows.len(), sheet.intake.count(NoteKind::DigitsLost)), (1, 1));
    }

    #[test]
    fn rows_that_do_not_fit_the_header_are_not_used() {
        let sheet = read("a.csv", "file,agent_id\na.wav,3021,x\nb.wav,3021,\nc.wav\n".as_bytes()).unwrap();
        assert_eq!(
            sheet.rows.iter().map(|r| (r.line, r.fields["file"].as_str())).collect::<Vec<_>>(),
            [(3, "b.wav"), (4, "c.wav")]
        );
        // After how it was read.
        assert_eq!(sheet.intake.notes[1].place, "a.csv:2");
    }

    #[test]
    fn what_is_no_list_is_refused_with_the_reason() {
        for (bytes, says) in [
            (&b"PK\x03\x04rest"[..], "Excel workbook"),
            (b"<html><table>", "web page"),
            ("姓名，工号\n陈，3021\n".as_bytes(), "full-width"),
            (b"name,age\nx,3\n", "columns: name | age"),
            (b"file,\xff\xff\xff\xff\n", "GB18030"),
        ] {
            let error = read("a.csv", bytes).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn json_is_lines_or_one_array() {
        let array = "\u{feff}[{\"file\":\"a.wav\",\"工号\":21},\n{\"file\":\"b.wav\",\"note\":\"a\u{2028}b\"}]";
        let sheet = read("a.json", array.as_bytes()).unwrap();
        assert_eq!((sheet.rows.len(), sheet.rows[0].fields["agent_id"].as_str()), (2, "21"));
        assert!(read("b.jsonl", b"{\"file\":\"a\"}\n{oops\n").unwrap_err().contains("b.jsonl:2:"));
    }
}
