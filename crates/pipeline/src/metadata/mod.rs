//! Metadata of calls: CSV, JSON lines, or the file name.

pub mod cells;
pub mod fields;
mod rows;
pub mod sheet;
pub mod times;

use std::collections::BTreeMap;
use std::path::Path;

use callsift_core::{CallMeta, Direction};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
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
        let offset = times::offset(&config.utc_offset)
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
        canonical(named.filter_map(|n| captures.name(n).map(|m| (n.to_owned(), m.as_str().to_owned()))).collect())
    }

    /// Metadata from fields; unknown fields are kept in `extra`, a time that cannot be read too.
    pub fn meta(&self, call_id: String, mut fields: Fields) -> CallMeta {
        let mut take = |name: &str| fields.remove(name).filter(|v| !v.trim().is_empty());
        let mut meta = CallMeta {
            call_id,
            agent_id: take("agent_id"),
            agent_name: take("agent_name"),
            queue: take("queue"),
            customer_id: take("customer_id"),
            order: take("order"),
            ..CallMeta::default()
        };
        let (direction, started) = (take("direction"), take("started_at"));
        for name in ["call_id", "file", "path", "recording"] {
            fields.remove(name);
        }
        if let Some(text) = direction {
            meta.direction = Direction::parse(&text);
            if meta.direction == Direction::Unknown {
                fields.insert("direction".to_owned(), text);
            }
        }
        if let Some(text) = started {
            match times::parse(&text, &self.zone) {
                Some(when) => {
                    meta.started_at_us = when.at.map(Timestamp::as_microsecond);
                    meta.date = Some(when.date.to_string());
                }
                None => drop(fields.insert(UNREADABLE_TIME.to_owned(), text)),
            }
        }
        meta.extra = fields;
        meta
    }
}

/// Name in `extra` of a start time that has no documented form.
pub const UNREADABLE_TIME: &str = "started_at_unreadable";

/// Fields under the names that callsift gives them; see [`fields::Columns`].
pub fn canonical(fields: Fields) -> Fields {
    let headings: Vec<String> = fields.keys().cloned().collect();
    let names: BTreeMap<String, String> = fields::Columns::of(&headings).taken.into_iter().collect();
    fields.into_iter().map(|(heading, value)| (names.get(&heading).cloned().unwrap_or(heading), value)).collect()
}

/// The fields of each recording by the rows of a sheet; the sheet's notes say which rows found none.
pub fn assign(sheet: &mut sheet::Sheet, root: &Path, names: &[String]) -> Vec<Fields> {
    rows::assign(sheet, root, names)
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
    let offset = times::offset(utc_offset).ok_or_else(|| PipelineError::BadOffset(utc_offset.to_owned()))?;
    Ok(offset.seconds())
}

/// Checks a day given on the command line.
///
/// # Errors
/// Not a day of the calendar in the form `YYYY-MM-DD`.
pub fn check_date(text: &str) -> Result<String, PipelineError> {
    text.parse::<jiff::civil::Date>().map(|d| d.to_string()).map_err(|_| PipelineError::BadDate(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use callsift_core::Direction;

    use super::{MetadataReader, UNREADABLE_TIME, canonical, check_date};
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
    fn what_is_not_understood_is_kept() {
        let fields = [("方向", "转接"), ("开始时间", "昨天"), ("备注", "老客户"), ("工号", "3021")];
        let fields = canonical(fields.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
        let meta = reader("").meta("a".to_owned(), fields);
        assert_eq!((meta.direction, meta.agent_id.as_deref(), meta.date), (Direction::Unknown, Some("3021"), None));
        assert_eq!(
            (meta.extra["direction"].as_str(), meta.extra[UNREADABLE_TIME].as_str(), meta.extra.len()),
            ("转接", "昨天", 3)
        );
    }

    #[test]
    fn days_are_checked() {
        assert_eq!(check_date("2026-11-16").unwrap(), "2026-11-16");
        assert!(check_date("2026-13-40").is_err());
    }
}
