//! Periods of figures: days from and to, half months and months.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, ToSpan};

/// Later than any day of a call.
const NEVER: &str = "9999-12-31";
/// Days that are shown where nobody asks for others.
const DAYS: i64 = 30;

/// From one day to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Period {
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Period {
    /// The period of an address: `period`, else `from` and `to`; what is missing or no day is filled up so that the period
    /// ends with the last day there is.
    pub(crate) fn of(query: &BTreeMap<String, String>, last_day: &str) -> Self {
        if let Some(named) = query.get("period").and_then(|name| Self::named(name)) {
            return named;
        }
        let day = |name: &str| query.get(name).and_then(|text| text.trim().parse::<Date>().ok());
        let last = last_day.parse::<Date>().unwrap_or_default();
        let (from, to) = match (day("from"), day("to")) {
            (Some(from), Some(to)) => (from.min(to), from.max(to)),
            (Some(from), None) => (from, from.max(last)),
            (None, to) => (before(to.unwrap_or(last), (DAYS - 1).days()), to.unwrap_or(last)),
        };
        Self { from: from.to_string(), to: to.to_string() }
    }

    /// From one day to another, where an empty text means no limit.
    pub(crate) fn open(from: &str, to: &str) -> Self {
        Self { from: from.to_owned(), to: if to.is_empty() { NEVER } else { to }.to_owned() }
    }

    /// Two days as an address holds them; nothing where they are no days.
    pub(crate) fn strict(from: &str, to: &str) -> Option<Self> {
        let day = |text: &str| text.parse::<Date>().ok().map(|d| d.to_string());
        Some(Self { from: day(from)?, to: day(to)? })
    }

    /// Whether a day lies in it.
    pub(crate) fn holds(&self, day: &str) -> bool {
        (self.from.as_str()..=self.to.as_str()).contains(&day)
    }

    /// First and last microsecond, where days begin at midnight `offset_s` seconds east of UTC.
    pub(crate) fn times(&self, offset_s: i32) -> (i64, i64) {
        let zone = TimeZone::fixed(Offset::from_seconds(offset_s).unwrap_or(Offset::UTC));
        let start = |day: Date| day.to_zoned(zone.clone()).map_or(0, |z| z.timestamp().as_microsecond());
        let day = |text: &str| text.parse::<Date>().unwrap_or_default();
        let after = day(&self.to).checked_add(1.days()).unwrap_or(Date::MAX);
        (start(day(&self.from)), start(after).saturating_sub(1))
    }

    /// `2026-11` is the month, `2026-11-1` its first half to the 15th, `2026-11-2` the rest.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (month, half) = match name.trim().split('-').collect::<Vec<_>>().as_slice() {
            [y, m] => (format!("{y}-{m}"), None),
            [y, m, h @ ("1" | "2")] => (format!("{y}-{m}"), Some(*h)),
            _ => return None,
        };
        let first = format!("{month}-01").parse::<Date>().ok()?;
        let (middle, last) = (first.checked_add(14.days()).ok()?, first.last_of_month());
        let (from, to) = match half {
            None => (first, last),
            Some("1") => (first, middle),
            Some(_) => (middle.tomorrow().ok()?, last),
        };
        Some(Self { from: from.to_string(), to: to.to_string() })
    }

    /// The name of the half month that a day lies in, and of its month.
    pub(crate) fn names_of(day: &str) -> [String; 3] {
        let month = day.get(..7).unwrap_or(day);
        [format!("{month}-1"), format!("{month}-2"), month.to_owned()]
    }

    /// Every day, for charts that must show the gaps.
    pub(crate) fn days(&self) -> Vec<String> {
        let (Ok(from), Ok(to)) = (self.from.parse::<Date>(), self.to.parse::<Date>()) else { return Vec::new() };
        // A typed century would be a chart of points that nobody can tell apart.
        from.series(1.days()).take_while(|d| *d <= to).take(400).map(|d| d.to_string()).collect()
    }
}

fn before(day: Date, span: Span) -> Date {
    day.checked_sub(span).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Period;

    fn of(pairs: &[(&str, &str)]) -> (String, String) {
        let query: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let p = Period::of(&query, "2026-11-16");
        (p.from, p.to)
    }

    #[test]
    fn what_is_missing_or_nonsense_is_filled_up() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of(&[]), pair("2026-10-18", "2026-11-16"));
        assert_eq!(of(&[("from", "2026-11-01")]), pair("2026-11-01", "2026-11-16"));
        assert_eq!(of(&[("to", "2026-03-01")]), pair("2026-01-31", "2026-03-01"));
        assert_eq!(of(&[("from", "2026-11-09"), ("to", "2026-11-02")]), pair("2026-11-02", "2026-11-09"));
        assert_eq!(of(&[("from", "'; DROP"), ("to", "2026-13-40")]), pair("2026-10-18", "2026-11-16"));
        assert_eq!(of(&[("from", "2027-01-01")]), pair("2027-01-01", "2027-01-01"));
        assert_eq!(of(&[("period", "2026-11-1"), ("from", "2020-01-01")]), pair("2026-11-01", "2026-11-15"));
        assert_eq!(Period::of(&BTreeMap::new(), "").days().len(), 30, "an empty lake");
    }

    #[test]
    fn days_begin_at_midnight_of_the_centre() {
        let p = Period { from: "1970-01-02".into(), to: "1970-01-02".into() };
        assert_eq!(p.times(8 * 3600), (16 * 3_600_000_000, 40 * 3_600_000_000 - 1));
        let (from, to) = Period { from: "x".into(), to: "9999-12-31".into() }.times(8 * 3600);
        assert!(from < to, "nonsense");
        assert!(Period::strict("1970-01-02", "x").is_none() && Period::strict(&p.from, &p.to) == Some(p));
        assert!(Period::open("", "").holds("2026-11-16") && !Period::open("2026-12-01", "").holds("2026-11-16"));
    }

    #[test]
    fn halves_and_months_have_names() {
        let named = |name: &str| Period::named(name).map(|p| format!("{} {}", p.from, p.to));
        assert_eq!(named("2026-11").as_deref(), Some("2026-11-01 2026-11-30"));
        assert_eq!(named("2026-02-2").as_deref(), Some("2026-02-16 2026-02-28"));
        assert_eq!(named("2028-02-2").as_deref(), Some("2028-02-16 2028-02-29"));
        for nonsense in ["", "2026", "2026-11-3", "2026-13", "2026-11-1-1", "x-y"] {
            assert_eq!(named(nonsense), None, "{nonsense}");
        }
        assert_eq!(Period::names_of("2026-11-16"), ["2026-11-1", "2026-11-2", "2026-11"]);
        assert_eq!(Period::names_of("?"), ["?-1", "?-2", "?"]);
    }
}
