//! Times as people and spreadsheets write them. Only the forms listed in docs/input.md are read; everything else is none,
//! and never a guess: a day before a month, or a year of two digits, could be read in two ways.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use regex::Regex;
use std::sync::LazyLock;

/// When a call began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// Its day at the centre.
    pub date: Date,
    /// The instant; `None` where only the day was given.
    pub at: Option<Timestamp>,
}

/// Days and hours of the date forms: `2026-11-5`, `2026/11/5`, `2026.11.5`, `2026年11月5日`, `20261105`.
const DATE: &str = r"(?:(?P<y>\d{4})(?:-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})|/(?P<m2>\d{1,2})/(?P<d2>\d{1,2})|\.(?P<m3>\d{1,2})\.(?P<d3>\d{1,2})|\s?年\s?(?P<m4>\d{1,2})\s?月\s?(?P<d4>\d{1,2})\s?[日号])|(?P<compact>\d{8}))";
/// Clocks: `9:03`, `9:03:07.25`, `9时03分07秒`, `090307`, each with 上午, 下午, AM or PM before or behind it.
const CLOCK: &str = r"(?P<before>上午|下午|[AP]\.?M\.?)?\s?(?:(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?|(?P<h2>\d{1,2})[时點点](?P<min2>\d{1,2})分(?:(?P<s2>\d{1,2})秒)?|(?P<hms>\d{6}|\d{4})(?:[.,](?P<f2>\d{1,9}))?)\s?(?P<behind>上午|下午|[AP]\.?M\.?)?";
/// Offsets from UTC: `Z`, `UTC`, `GMT`, `+08`, `+0800`, `+08:00`, `UTC+8`; the name of a zone in brackets behind one says nothing new.
const ZONE: &str = r"(?:\s?(?P<zone>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)(?:\[[A-Z_/+-]+\])?)?";

/// A date, then perhaps a clock and an offset; or the clock first, as 下午 03:05:09 2026/11/16.
static FORMS: LazyLock<[Option<Regex>; 2]> = LazyLock::new(|| {
    let form = |text: String| Regex::new(&format!("(?i)^{text}$")).ok();
    [form(format!(r"{DATE}(?:(?:\s?[T_ -]\s?|\s)?{CLOCK}{ZONE})?")), form(format!(r"{CLOCK}{ZONE}\s{DATE}"))]
});
static SERIAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\d{5}(?:\.\d+)?$").ok());

/// Excel's day numbers from 2000-01-01 to 2099-12-31, in the 1900 system.
const SERIALS: std::ops::RangeInclusive<i64> = 36_526..=73_050;

/// Reads a time; times without an offset are in `zone`. `None` where the text has no documented form.
pub fn parse(text: &str, zone: &TimeZone) -> Option<When> {
    let text = plain(text);
    if SERIAL.as_ref().is_some_and(|r| r.is_match(&text)) {
        return serial(&text, zone);
    }
    let captures = FORMS.iter().flatten().find_map(|form| form.captures(&text))?;
    let of = |names: &[&str]| names.iter().find_map(|n| captures.name(n)).map(|m| m.as_str());
    let date = match of(&["compact"]) {
        Some(digits) => date(&digits[..4], &digits[4..6], &digits[6..])?,
        None => date(of(&["y"])?, of(&["m1", "m2", "m3", "m4"])?, of(&["d1", "d2", "d3", "d4"])?)?,
    };
    let hms = of(&["hms"]);
    let (hour, minute) = match hms {
        // Digits alone are a clock only behind a day of digits: 2026-11-16 0903 may as well be an offset or a number.
        Some(digits) => {
            of(&["compact"])?;
            (&digits[..2], &digits[2..4])
        }
        None => match of(&["h", "h2"]) {
            Some(hour) => (hour, of(&["min", "min2"])?),
            None => return Some(When { date, at: None }),
        },
    };
    let second = hms.map_or_else(|| of(&["s", "s2"]), |digits| digits.get(4..)).filter(|s| !s.is_empty());
    let half = half_of_day(of(&["before"]), of(&["behind"]))?;
    let clock = Clock { hour: hour.parse().ok()?, half };
    let (hour, next_day) = clock.hour(minute, second, of(&["f", "f2"]))?;
    let nanos = of(&["f", "f2"]).map_or(Some(0), |f| format!("{f:0<9}").parse().ok())?;
    let second = second.map_or(Some(0), |s| s.parse().ok())?;
    let time = Time::new(hour, minute.parse().ok()?, second, nanos).ok()?;
    let date = if next_day { date.checked_add(Span::new().days(1)).ok()? } else { date };
    let given = of(&["zone"]).map(offset).map_or(Some(None), |o| o.map(Some))?;
    let civil = date.to_datetime(time);
    instant(civil, given.map_or_else(|| zone.clone(), TimeZone::fixed), zone)
}

fn instant(civil: DateTime, given: TimeZone, zone: &TimeZone) -> Option<When> {
    let at = civil.to_zoned(given).ok()?.timestamp();
    Some(When { date: at.to_zoned(zone.clone()).date(), at: Some(at) })
}

/// Full-width signs as half-width ones, every kind of blank as one blank.
fn plain(text: &str) -> String {
    let half = text.chars().map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c if c.is_whitespace() => ' ',
        c => c,
    });
    let half: String = half.collect();
    half.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (1990..=2200).contains(&date.year()).then_some(date)
}

/// `Some(None)` where no half is named; `None` where two are.
#[expect(clippy::option_option, reason = "no half, a half, and a contradiction are three things")]
fn half_of_day(before: Option<&str>, behind: Option<&str>) -> Option<Option<bool>> {
    let is_pm = |half: &str| half == "下午" || half.starts_with(['P', 'p']);
    match (before, behind) {
        (Some(_), Some(_)) => None,
        (one, other) => Some(one.or(other).map(is_pm)),
    }
}

struct Clock {
    hour: i8,
    /// True after noon.
    half: Option<bool>,
}

impl Clock {
    /// The hour of the day, and whether it is that of the next day (24:00). 上午 12 is midnight, 下午 12 is noon; an hour of 13 to
    /// 23 may stand beside 下午, which then says nothing new.
    fn hour(&self, minute: &str, second: Option<&str>, fraction: Option<&str>) -> Option<(i8, bool)> {
        let zero = |digits: &str| digits.bytes().all(|b| b == b'0');
        match (self.hour, self.half) {
            (24, None) => [Some(minute), second, fraction].into_iter().flatten().all(zero).then_some((0, true)),
            (hour @ 0..=23, None) | (hour @ 13..=23, Some(true)) | (hour @ 0..=11, Some(false)) => Some((hour, false)),
            (12, Some(pm)) => Some((if pm { 12 } else { 0 }, false)),
            (hour @ 1..=11, Some(true)) => Some((hour + 12, false)),
            _ => None,
        }
    }
}

/// Reads an offset from UTC: `Z`, `UTC`, `GMT`, or a sign with hours and perhaps minutes.
pub fn offset(text: &str) -> Option<Offset> {
    let upper = text.trim().to_ascii_uppercase();
    let signed = upper.strip_prefix("UTC").or(upper.strip_prefix("GMT")).unwrap_or(&upper);
    if upper == "Z" || signed.is_empty() && !upper.is_empty() {
        return Some(Offset::UTC);
    }
    let sign = match signed.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &signed[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let number = |text: &str, most: i32| -> Option<i32> {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| is_number && *n <= most)
    };
    Offset::from_seconds(sign * (number(hours, 14)? * 3600 + number(minutes, 59)? * 60)).ok()
}

/// A day number of Excel, to the second; a whole one is a day.
fn serial(text: &str, zone: &TimeZone) -> Option<When> {
    let (days, fraction) = text.split_once('.').unwrap_or((text, ""));
    let days = days.parse::<i64>().ok().filter(|d| SERIALS.contains(d))?;
    let date = Date::new(1899, 12, 30).ok()?.checked_add(Span::new().days(days)).ok()?;
    if fraction.is_empty() {
        return Some(When { date, at: None });
    }
    let seconds = (format!("0.{fraction}").parse::<f64>().ok()? * 86_400.0).round() as i64;
    let civil = date.to_datetime(Time::midnight()).checked_add(Span::new().seconds(seconds)).ok()?;
    instant(civil, zone.clone(), zone)
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::{offset, parse};

    fn read(text: &str) -> Option<String> {
        let zone = TimeZone::fixed(Offset::constant(8));
        let when = parse(text, &zone)?;
        Some(match when.at {
            Some(at) => at.to_zoned(zone).datetime().to_string(),
            None => when.date.to_string(),
        })
    }

    #[test]
    fn every_documented_form_is_read() {
        for (text, true_time) in [
            ("2026/11/5 9:03", "2026-11-05T09:03:00"),
            ("2026-1-11 10:23:45.6", "2026-01-11T10:23:45.6"),
            ("2026-1-11 1:23:45.67", "2026-01-11T01:23:45.67"),
            ("2026.11.5 09:03:07", "2026-11-05T09:03:07"),
            ("2026年11月5日 9:03", "2026-11-05T09:03:00"),
            ("2026年11月5日9时03分07秒", "2026-11-05T09:03:07"),
            ("2026-11-05T09:03:07,250", "2026-11-05T09:03:07.25"),
            ("20261105T090307", "2026-11-05T09:03:07"),
            ("20261105090307", "2026-11-05T09:03:07"),
            ("20261105090307.5", "2026-11-05T09:03:07.5"),
            ("20261105_090307", "2026-11-05T09:03:07"),
            ("20261105-0903", "2026-11-05T09:03:00"),
            ("20261105 9:03", "2026-11-05T09:03:00"),
            ("2026/11/16 下午 03:05:09", "2026-11-16T15:05:09"),
            ("下午 3:05:09 2026/11/16", "2026-11-16T15:05:09"),
            ("2026/11/16 下午3:05", "2026-11-16T15:05:00"),
            ("2026/11/16 上午 12:05:09", "2026-11-16T00:05:09"),
            ("2026/11/16 下午 12:05:09", "2026-11-16T12:05:09"),
            ("2026-11-16 12:05 AM", "2026-11-16T00:05:00"),
            ("2026-11-16 12:05 p.m.", "2026-11-16T12:05:00"),
            ("2026-11-16 03:05:09\u{202f}PM", "2026-11-16T15:05:09"),
            ("2026-11-16 下午 15:05", "2026-11-16T15:05:00"),
            ("２０２６-11-16　０９：０３", "2026-11-16T09:03:00"),
            ("2026-11-16 24:00:00", "2026-11-17T00:00:00"),
            ("2026-12-31 24:00", "2027-01-01T00:00:00"),
            ("2026-11-16T01:12:30Z", "2026-11-16T09:12:30"),
            ("2026-11-16 01:12:30 UTC", "2026-11-16T09:12:30"),
            ("2026-11-16 01:12:30 GMT", "2026-11-16T09:12:30"),
            ("2026-11-16 09:12:30+08", "2026-11-16T09:12:30"),
            ("2026-11-16T09:12:30 +0800", "2026-11-16T09:12:30"),
            ("2026-11-16T09:12:30+08:00[Asia/Shanghai]", "2026-11-16T09:12:30"),
            ("2026-11-15 20:12:30-05:00", "2026-11-16T09:12:30"),
            ("2026-11-16 09:12:30 UTC+8", "2026-11-16T09:12:30"),
            ("20261116T011230Z", "2026-11-16T09:12:30"),
            ("46331.37708", "2026-11-05T09:03:00"),
            ("46331.999999", "2026-11-06T00:00:00"),
            ("46331", "2026-11-05"),
            ("2026/11/16", "2026-11-16"),
            ("20261116", "2026-11-16"),
        ] {
            assert_eq!(read(text).as_deref(), Some(true_time), "{text}");
        }
    }

    #[test]
    fn the_day_is_the_centre_s() {
        let zone = TimeZone::fixed(Offset::constant(8));
        assert_eq!(parse("2026-11-15T20:00:00Z", &zone).unwrap().date.to_string(), "2026-11-16");
        assert_eq!(parse("2026-11-16T20:00:00-05:00", &zone).unwrap().date.to_string(), "2026-11-17");
    }

    #[test]
    fn nothing_else_is_guessed() {
        for text in [
            "",
            "yesterday",
            "5/11/2026 9:03",
            "16/11/2026",
            "11-16-2026 9:03",
            "26-11-16 09:03",
            "2026-13-01",
            "2026-02-29",
            "2026-11-16 25:00",
            "2026-11-16 24:00:01",
            "2026-11-16 09:60",
            "2026-11-16 09:03:60",
            "2026-11-16 9",
            "2026-11-16 上午 13:05",
            "2026-11-16 下午 0:05",
            "2026-11-16 0:05 PM",
            "上午 2026-11-16 09:03 下午",
            "2026-11-16 24:00 PM",
            "2026-11/16 09:03",
            "1794000000",
            "1794000000000",
            "2026111609123",
            "202611160912301",
            "99999",
            "12345",
            "2026-11-16 0903",
            "2026-11-16 09:03 CST",
            "2026-11-16 09:03 +25:00",
            "2026-11-16 09:03 +08:75",
            "2026-11-16 09:03 and more",
            "9:03",
            "0000-01-01 09:03",
            "-2026-11-16",
            "4.633E+04",
            "2026-11-16 09:03 AM PM",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_have_one_sign_and_real_minutes() {
        assert_eq!(offset("+08:00").unwrap().seconds(), 28_800);
        assert_eq!(offset("-05:30").unwrap().seconds(), -19_800);
        for wrong in ["", "8", "+", "+08:-30", "+8:0", "+15", "+08:60", "UTC+", "++08"] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }
}
