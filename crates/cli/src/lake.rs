//! The lake that a command reads: that it is one, and that it holds calls of the days that were asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use callsift_pipeline::metadata::check_date;
use callsift_store::stored_parts;
use jiff::civil::Date;

use crate::args::DayArgs;
use crate::input;
use crate::nearest::{nearest_path, typed};
use crate::output::note;

/// What only a lake has.
const MARKS: [&str; 3] = ["calls", "commits", "console"];

fn is_lake(folder: &Path) -> bool {
    MARKS.iter().any(|mark| folder.join(mark).is_dir())
}

/// That there is a lake: what only reads one must not make an empty folder of a name that was mistyped.
///
/// # Errors
/// There is none; the error names the nearest.
pub fn check(folder: &Path) -> Result<()> {
    input::of_this_machine(folder)?;
    let shown = folder.display();
    if !folder.exists() {
        match near(folder) {
            Some(near) if is_lake(&near) => bail!("there is no lake at {shown}; did you mean {}?", typed(&near)),
            _ => bail!("there is no lake at {shown}; `callsift run --lake {shown}` makes one"),
        }
    }
    if !folder.is_dir() {
        bail!("{shown} is a file, not a lake; name the folder that `callsift run --lake` wrote");
    }
    let is_empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if !is_lake(folder) && !is_empty {
        let around = lakes_in(folder).into_iter().chain(folder.ancestors().skip(1).map(Path::to_owned));
        let near = around.into_iter().find(|place| is_lake(place));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {}?", typed(&near)));
        bail!("{shown} is not a lake: it has no folder `calls`{near}");
    }
    warn_of_strangers(folder)
}

/// That a lake may be written there.
///
/// # Errors
/// The place is a file.
pub fn check_new(folder: &Path) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!("--lake: {} is a file; name a folder, new or of an earlier run", folder.display());
    }
    warn_of_strangers(folder)
}

/// The lake that was most likely meant.
fn near(folder: &Path) -> Option<PathBuf> {
    let there = nearest_path(folder)?;
    if is_lake(&there) {
        return Some(there);
    }
    lakes_in(&there).into_iter().next().or(Some(there))
}

fn lakes_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut lakes: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_lake(path)).collect();
    lakes.sort();
    lakes
}

/// Names folders and files among the days of a lake that no command reads: copies, mostly.
pub fn warn_of_strangers(lake: &Path) -> Result<()> {
    for path in callsift_store::strangers(lake)? {
        let shown = path.strip_prefix(lake).unwrap_or(&path).display().to_string();
        note(&format!(
            "注意：{shown} 不是 dt=YYYY-MM-DD/part-NNNNN.parquet，所有命令都不读它（ignored by all commands）"
        ));
    }
    Ok(())
}

/// First and last day, each a day of the calendar; nothing where all days are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Days {
    /// As given on the command line.
    ///
    /// # Errors
    /// Not a day; the last before the first.
    pub fn of(args: &DayArgs) -> Result<Self> {
        let day = |day: &Option<String>| day.as_deref().map(check_date).transpose();
        let (one, from, to) = (day(&args.dt)?, day(&args.from)?, day(&args.to)?);
        if let (Some(from), Some(to)) = (&from, &to)
            && from > to
        {
            bail!("--from {from} is after --to {to}; exchange them");
        }
        Ok(Self { from: one.clone().or(from), to: one.or(to) })
    }

    /// For the libraries.
    pub fn pair(&self) -> (Option<&str>, Option<&str>) {
        (self.from.as_deref(), self.to.as_deref())
    }

    fn given(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn shown(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => format!("on {from}"),
            (Some(from), Some(to)) => format!("from {from} to {to}"),
            (Some(from), None) => format!("since {from}"),
            (None, Some(to)) => format!("up to {to}"),
            (None, None) => "at all".to_owned(),
        }
    }
}

/// A lake with calls of the days that were asked for; gives the days, and which of them have calls.
///
/// # Errors
/// There is no lake, or no call of these days in it; the error names the nearest day that has some.
pub fn with_calls(folder: &Path, args: &DayArgs) -> Result<(Days, BTreeSet<String>)> {
    let days = Days::of(args)?;
    check(folder)?;
    let (from, to) = days.pair();
    let found = dates(folder, from, to)?;
    if !found.is_empty() {
        return Ok((days, found));
    }
    let all = dates(folder, None, None)?;
    let shown = folder.display();
    match (all.first(), all.last()) {
        (Some(first), Some(last)) if days.given() => bail!(
            "no calls {} in {shown}; the nearest day with calls is {} (the lake has {first} to {last})",
            days.shown(),
            nearest_day(&days, &all).unwrap_or_else(|| last.clone())
        ),
        _ => bail!("the lake {shown} has no calls yet; `callsift run --recordings DIR --lake {shown}` adds them"),
    }
}

fn dates(lake: &Path, from: Option<&str>, to: Option<&str>) -> Result<BTreeSet<String>> {
    Ok(stored_parts(lake, from, to)?.into_iter().map(|part| part.date).collect())
}

/// The day with the fewest days between it and the first or last that was asked for; of two the earlier.
fn nearest_day(asked: &Days, all: &BTreeSet<String>) -> Option<String> {
    let ends: Vec<Date> = [&asked.from, &asked.to].into_iter().flatten().filter_map(|day| day.parse().ok()).collect();
    let distance = |day: &str| {
        let day: Date = day.parse().ok()?;
        ends.iter().map(|end| (day - *end).get_days().abs()).min()
    };
    all.iter().min_by_key(|day| distance(day).unwrap_or(i32::MAX)).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::{Days, check, nearest_day, with_calls};
    use crate::args::DayArgs;

    #[test]
    fn a_mistyped_lake_names_the_one_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/lake/calls")).unwrap();
        fs::create_dir_all(dir.path().join("data/other")).unwrap();
        fs::write(dir.path().join("data/other/file"), "x").unwrap();
        let why = |path: &str| check(&dir.path().join(path)).unwrap_err().to_string();
        let lake = dir.path().join("data/lake").display().to_string();
        for path in ["data/laek", "dta/lake", "data/nothing", "data", "data/lake/calls"] {
            let why = if path == "data/lake/calls" {
                fs::write(dir.path().join("data/lake/calls/x"), "x").unwrap();
                why(path)
            } else {
                why(path)
            };
            assert!(why.contains(&format!("did you mean {lake}?")), "{path}: {why}");
        }
        assert!(why("data/other/file").contains("is a file"));
        assert!(why("data/other").contains("is not a lake"));
        assert!(check(&dir.path().join("data/lake")).is_ok());
    }

    #[test]
    fn a_day_without_calls_names_the_nearest_with_some() {
        let dir = tempfile::tempdir().unwrap();
        for day in ["2026-11-02", "2026-11-09"] {
            let folder = dir.path().join(format!("calls/dt={day}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("part-00000.parquet"), "x").unwrap();
        }
        let ask = |dt: &str| with_calls(dir.path(), &DayArgs { dt: Some(dt.to_owned()), ..DayArgs::default() });
        assert!(ask("2026-11-09").is_ok());
        let why = ask("2026-11-07").unwrap_err().to_string();
        assert!(
            why.contains("no calls on 2026-11-07") && why.contains("2026-11-09 (the lake has 2026-11-02 to"),
            "{why}"
        );
        assert!(ask("2026-11-31").unwrap_err().to_string().contains("2026-11-31"));
        let all: BTreeSet<String> = ["2026-10-30".to_owned(), "2026-11-02".to_owned()].into();
        let days = |from: &str, to: &str| Days { from: Some(from.into()), to: Some(to.into()) };
        assert_eq!(nearest_day(&days("2026-10-31", "2026-11-01"), &all).unwrap(), "2026-10-30");
        assert_eq!(nearest_day(&days("2027-01-01", "2027-02-01"), &all).unwrap(), "2026-11-02");
    }
}
