//! Metadata of calls: CSV, JSON lines, or the file name.

use std::collections::BTreeMap;
use std::path::Path;

use callsift_core::{CallMeta, Direction};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use regex::Regex;

use crate::config::MetadataConfig;
use crate::error::PipelineError;

/// One call's fields by name, as the source has them.
pub type Fields = BTreeMap<String, String>;

/// Turns fields into metadata.
pub struct MetadataReader {
    filename: Option<Regex>,
    zone: TimeZone,
}

impl MetadataReader {
    /// Prepares the file name pattern and the offset.
    ///
    /// # Errors
    /// The pattern or the offset is wrong.
    pub fn new(config: &MetadataConfig) -> Result<Self, PipelineError> {
        let wrong = |reason: String| PipelineError::Config { path: "metadata".into(), reason };
        let filename = if config.filename.is_empty() {
            None
        } else {
            Some(Regex::new(&config.filename).map_err(|e| wrong(format!("metadata.filename: {e}")))?)
        };
        let offset = parse_offset(&config.utc_offset)
            .ok_or_else(|| wrong(format!("metadata.utc_offset: write `+08:00`, not `{}`", config.utc_offset)))?;
        Ok(Self { filename, zone: TimeZone::fixed(offset) })
    }

    /// Fields that the pattern finds in a recording's relative path.
    pub fn from_filename(&self, name: &str) -> Fields {
        let Some(captures) = self.filename.as_ref().and_then(|r| r.captures(name).map(|c| (r, c))) else {
            return Fields::new();
        };
        let (regex, captures) = captures;
        let named = regex.capture_names().flatten();
        named.filter_map(|n| captures.name(n).map(|m| (n.to_owned(), m.as_str().to_owned()))).collect()
    }

    /// Metadata from fields; unknown fields are kept in `extra`, a time that cannot be read too.
    pub fn meta(&self, call_id: String, mut fields: Fields) -> CallMeta {
        let mut take = |names: &[&str]| names.iter().find_map(|n| fields.remove(*n)).filter(|v| !v.trim().is_empty());
        let mut meta = CallMeta {
            call_id,
            agent_id: take(&["agent_id", "工号"]),
            agent_name: take(&["agent_name", "坐席"]),
            queue: take(&["queue", "队列"]),
            direction: take(&["direction", "方向"]).map_or(Direction::Unknown, |d| Direction::parse(&d)),
            customer_id: take(&["customer_id", "customer", "客户编码"]),
            order: take(&["order", "订单"]),
            ..CallMeta::default()
        };
        let started = take(&["started_at", "start_time", "开始时间"]);
        for name in ["call_id", "file", "path", "recording"] {
            fields.remove(name);
        }
        if let Some(text) = started {
            match self.time(&text) {
                Some(at) => {
                    meta.started_at_us = Some(at.timestamp().as_microsecond());
                    meta.date = Some(at.date().to_string());
                }
                None => {
                    fields.insert("started_at_unreadable".to_owned(), text);
                }
            }
        }
        meta.extra = fields;
        meta
    }

    /// Reads `2026-11-16T09:12:30+08:00`, `2026-11-16 09:12:30`, `20261116T091230`, `20261116091230`.
    fn time(&self, text: &str) -> Option<Zoned> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(instant.to_zoned(self.zone.clone()));
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let compact = (digits.len() == 14).then(|| DateTime::strptime("%Y%m%d%H%M%S", &digits).ok()).flatten();
        compact.or_else(|| text.parse::<DateTime>().ok())?.to_zoned(self.zone.clone()).ok()
    }
}

/// Hour of the day at the centre, 0 to 23.
///
/// # Errors
/// The offset is none.
pub fn hour_at(started_at_us: i64, utc_offset: &str) -> Result<i8, PipelineError> {
    let offset = Offset::from_seconds(offset_s(utc_offset)?).unwrap_or(Offset::UTC);
    let instant = Timestamp::from_microsecond(started_at_us).unwrap_or_default();
    Ok(instant.to_zoned(TimeZone::fixed(offset)).hour())
}

/// Day at the centre, `YYYY-MM-DD`, so many seconds east of UTC.
pub fn day_at(at_us: i64, offset_s: i32) -> String {
    let offset = Offset::from_seconds(offset_s).unwrap_or(Offset::UTC);
    Timestamp::from_microsecond(at_us).unwrap_or_default().to_zoned(TimeZone::fixed(offset)).date().to_string()
}

/// Seconds east of UTC of an offset such as `+08:00`.
///
/// # Errors
/// It is none.
pub fn offset_s(utc_offset: &str) -> Result<i32, PipelineError> {
    let offset = parse_offset(utc_offset).ok_or_else(|| PipelineError::BadOffset(utc_offset.to_owned()))?;
    Ok(offset.seconds())
}

fn parse_offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

/// Checks a day given on the command line.
///
/// # Errors
/// Not a day of the calendar in the form `YYYY-MM-DD`.
pub fn check_date(text: &str) -> Result<String, PipelineError> {
    text.parse::<jiff::civil::Date>().map(|d| d.to_string()).map_err(|_| PipelineError::BadDate(text.to_owned()))
}

/// Reads a sidecar: CSV with a header, or JSON lines; each row has `file` or `call_id`, or both.
///
/// # Errors
/// The file cannot be read or a line is malformed, with its number.
pub fn read_sidecar(path: &Path) -> Result<Vec<Fields>, PipelineError> {
    let text = std::fs::read_to_string(path).map_err(|source| PipelineError::Io { path: path.to_owned(), source })?;
    let wrong = |line: usize, reason: String| PipelineError::Metadata { path: path.to_owned(), line, reason };
    let text = text.trim_start_matches('\u{feff}');
    let is_csv = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let rows = if is_csv { csv_rows(text, &wrong)? } else { json_rows(text, &wrong)? };
    for (line, row) in &rows {
        if !["file", "path", "recording", "call_id"].iter().any(|key| row.contains_key(*key)) {
            return Err(wrong(*line, "a row needs `file` (recording) or `call_id`".to_owned()));
        }
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

type Numbered = Vec<(usize, Fields)>;

fn csv_rows(text: &str, wrong: &dyn Fn(usize, String) -> PipelineError) -> Result<Numbered, PipelineError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| wrong(1, e.to_string()))?.clone();
    let mut rows = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record = record.map_err(|e| wrong(i + 2, e.to_string()))?;
        let pairs = header.iter().zip(record.iter()).map(|(k, v)| (k.to_owned(), v.to_owned()));
        rows.push((i + 2, pairs.collect()));
    }
    Ok(rows)
}

fn json_rows(text: &str, wrong: &dyn Fn(usize, String) -> PipelineError) -> Result<Numbered, PipelineError> {
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).map_err(|e| wrong(i + 1, e.to_string()))?;
        let field = |v: serde_json::Value| match v {
            serde_json::Value::String(s) => s,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        rows.push((i + 1, object.into_iter().map(|(k, v)| (k, field(v))).collect()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use callsift_core::Direction;

    use super::{MetadataReader, check_date, read_sidecar};
    use crate::config::MetadataConfig;

    fn reader(filename: &str) -> MetadataReader {
        MetadataReader::new(&MetadataConfig { filename: filename.to_owned(), ..MetadataConfig::default() }).unwrap()
    }

    #[test]
    fn file_names_carry_metadata() {
        let reader = reader(r"(?<agent_id>\d{4})_(?<started_at>\d{8}T\d{6})_(?<desk>\w+)\.");
        let fields = reader.from_filename("day/3021_20261116T091230_north.wav");
        let meta = reader.meta("x".to_owned(), fields);
        assert_eq!(meta.agent_id.as_deref(), Some("3021"));
        assert_eq!(meta.date.as_deref(), Some("2026-11-16"));
        assert_eq!(meta.extra["desk"], "north");
    }

    #[test]
    fn times_with_and_without_offset_mean_the_same() {
        let reader = reader("");
        let at = |text: &str| {
            let fields = [("started_at".to_owned(), text.to_owned())].into_iter().collect();
            reader.meta(String::new(), fields).started_at_us
        };
        let expected = at("2026-11-16T09:12:30+08:00");
        assert!(expected.is_some());
        for same in ["2026-11-16 09:12:30", "20261116091230", "2026-11-16T01:12:30Z"] {
            assert_eq!(at(same), expected, "{same}");
        }
        assert_eq!(at("yesterday"), None);
    }

    #[test]
    fn sidecars_are_read_and_mistakes_have_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("calls.csv");
        std::fs::write(&csv, "\u{feff}file,方向,备注\na.wav,呼出,老客户\n").unwrap();
        let rows = read_sidecar(&csv).unwrap();
        let meta = reader("").meta("a".to_owned(), rows[0].clone());
        assert_eq!((meta.direction, meta.extra["备注"].as_str()), (Direction::Outbound, "老客户"));
        let json = folder.path().join("calls.jsonl");
        std::fs::write(&json, "{\"file\":\"a.wav\"}\n{oops\n").unwrap();
        assert!(read_sidecar(&json).unwrap_err().to_string().contains("calls.jsonl:2:"));
    }

    #[test]
    fn days_are_checked() {
        assert_eq!(check_date("2026-11-16").unwrap(), "2026-11-16");
        assert!(check_date("2026-13-40").is_err());
    }
}
