//! The calls behind a number: what a link from a figure to the queue holds.
//!
//! Each set is made by the code that makes the figure, so that a list never holds other calls than the number counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use callsift_reviews::Cause;
use rusqlite::Connection;

use crate::figures::causes::causes;
use crate::figures::cells;
use crate::figures::hours;
use crate::figures::judged::judged_calls;
use crate::figures::leaning::{self, Which};
use crate::figures::listening::chosen_calls;
use crate::figures::period::Period;
use crate::figures::twice::{self, Twice};

/// A set of calls that people had to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// People judged the rule in the call, or all its rules ([`ANY_RULE`](callsift_sampling::estimate::ANY_RULE)); of
    /// whatever the machine said, or only where it said so (hit: true); with `by_chance` only calls that chance chose.
    Judged { rule: String, machine: Option<bool>, by_chance: bool },
    /// A person gave a verdict on the rule, at whatever place.
    Said { rule: String },
    /// A person rejected a hit of the rule for this cause, or without one.
    Cause { rule: String, cause: Option<Cause> },
    /// A person judged a place of any rule that the machine hit.
    Hits,
    /// Reviewed, and chosen by a listening plan or by chance.
    Planned,
    /// Reviewed with a score of so many whole points, both included.
    Scored { low: u32, high: u32 },
    /// Understood by the machine, on this day of the week from Monday, in this hour of the centre.
    At { day: usize, hour: usize },
    /// Reviewed, and chosen by chance or by risk as far as these are compared.
    Chosen { by_chance: bool },
    /// This person handed a form in on these days: any form, or only of blind duplicates.
    HandedIn { by: String, duplicates: bool, days: Period },
    /// This person judged a hit of the machine on these days.
    Verdicts { by: String, days: Period, which: Which },
    /// Judged by two people, the second time on these days.
    Twice { which: Twice, days: Period },
}

/// Stands for no cause in an address.
const UNSAID: &str = "unsaid";

impl Evidence {
    /// What people judged of a rule.
    pub(crate) fn judged(rule: &str) -> Self {
        Self::Judged { rule: rule.to_owned(), machine: None, by_chance: false }
    }

    /// The same, only calls that chance chose.
    pub(crate) fn chance_of(&self) -> Self {
        match self.clone() {
            Self::Judged { rule, machine, .. } => Self::Judged { rule, machine, by_chance: true },
            other => other,
        }
    }

    /// Whether the set tells who heard a call twice, which only leads may know.
    pub(crate) fn tells_duplicates(&self) -> bool {
        matches!(self, Self::HandedIn { .. } | Self::Verdicts { .. } | Self::Twice { .. })
    }

    /// Whether the set is of this person's own work, duplicates and others alike: it tells nobody which are which.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        matches!(self, Self::HandedIn { by, duplicates: false, .. } if by == name)
    }

    /// How many judgements each call holds, where the number counts judgements and not calls: a call may hold several rules.
    pub(crate) fn items(
        &self,
        conn: &Connection,
        p: &Period,
        offset_s: i32,
    ) -> rusqlite::Result<Option<BTreeMap<String, usize>>> {
        Ok(match self {
            Self::Hits => {
                let mut out = BTreeMap::new();
                for said in cells::said(conn, p)?.into_iter().filter(cells::Said::judged_hit) {
                    *out.entry(said.call_id).or_default() += 1;
                }
                Some(out)
            }
            Self::Verdicts { by, days, which } => {
                Some(leaning::items(&leaning::words(conn, days.times(offset_s))?, by, *which))
            }
            _ => None,
        })
    }

    /// The calls, of this period at least; days of work begin `offset_s` seconds east of UTC. Some may have left the lake.
    pub(crate) fn calls(&self, conn: &Connection, p: &Period, offset_s: i32) -> rusqlite::Result<BTreeSet<String>> {
        let said = |wanted: &dyn Fn(&cells::Said) -> bool| {
            Ok(cells::said(conn, p)?.into_iter().filter(wanted).map(|s| s.call_id).collect())
        };
        match self {
            Self::Judged { rule, machine, by_chance } => judged_calls(conn, p, rule, *machine, *by_chance),
            Self::Said { rule } => said(&|s| s.rule == *rule && s.judged()),
            Self::Cause { rule, cause } => Ok(causes(conn, p, rule)?.remove(cause).unwrap_or_default()),
            Self::Hits | Self::Verdicts { .. } => {
                Ok(self.items(conn, p, offset_s)?.unwrap_or_default().into_keys().collect())
            }
            Self::Planned => Ok(cells::heard(conn, p)?.into_iter().filter(|h| h.planned).map(|h| h.call_id).collect()),
            Self::Scored { low, high } => {
                let within = |h: &cells::Heard| (f64::from(*low)..=f64::from(*high)).contains(&h.score.floor());
                Ok(cells::heard(conn, p)?.into_iter().filter(within).map(|h| h.call_id).collect())
            }
            Self::At { day, hour } => Ok(hours::calls(conn, p, offset_s, (*day, *hour))?.into_iter().collect()),
            Self::Chosen { by_chance } => chosen_calls(conn, p, *by_chance),
            Self::HandedIn { by, duplicates, days } => twice::handed_in(conn, days.times(offset_s), by, *duplicates),
            Self::Twice { which, days } => {
                let (from_us, to_us) = days.times(offset_s);
                Ok(twice::calls(&twice::ratings(conn, from_us, to_us)?, which))
            }
        }
    }

    /// Reads what [`fmt::Display`] writes; nothing where it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split(' ').map(whole).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rule = |rule: &str| rule.to_owned();
        Some(match *words.as_slice() {
            ["judged", id, ref rest @ ..] => {
                let by_chance = rest.last() == Some(&"chance");
                let machine = match rest[..rest.len() - usize::from(by_chance)] {
                    [] => None,
                    ["hit"] => Some(true),
                    ["clear"] => Some(false),
                    _ => return None,
                };
                Self::Judged { rule: rule(id), machine, by_chance }
            }
            ["said", id] => Self::Said { rule: rule(id) },
            ["cause", id, UNSAID] => Self::Cause { rule: rule(id), cause: None },
            ["cause", id, cause] => Self::Cause { rule: rule(id), cause: Some(Cause::parse(cause)?) },
            ["hits"] => Self::Hits,
            ["planned"] => Self::Planned,
            ["scored", low, high] => Self::Scored { low: low.parse().ok()?, high: high.parse().ok()? },
            ["at", day, hour] => {
                Self::At { day: day.parse().ok().filter(|d| *d < 7)?, hour: hour.parse().ok().filter(|h| *h < 24)? }
            }
            ["chosen", "risk"] => Self::Chosen { by_chance: false },
            ["chosen", "chance"] => Self::Chosen { by_chance: true },
            [kind @ ("reviews" | "duplicates"), by, from, to] => {
                Self::HandedIn { by: by.to_owned(), duplicates: kind == "duplicates", days: Period::strict(from, to)? }
            }
            ["verdicts", by, from, to, ref which @ ..] => {
                Self::Verdicts { by: by.to_owned(), days: Period::strict(from, to)?, which: which_of(which)? }
            }
            ["twice", from, to, ref which @ ..] => {
                Self::Twice { which: twice_of(which)?, days: Period::strict(from, to)? }
            }
            _ => return None,
        })
    }
}

fn which_of(words: &[&str]) -> Option<Which> {
    Some(match *words {
        [] => Which::Judged,
        ["confirmed"] => Which::Confirmed,
        ["compared"] => Which::Compared,
        _ => return None,
    })
}

fn twice_of(words: &[&str]) -> Option<Twice> {
    Some(match *words {
        [] => Twice::All,
        ["pair", a, b] => Twice::Pair(a.to_owned(), b.to_owned()),
        ["item", item] => Twice::Item(item.to_owned()),
        ["differ", item] => Twice::Differ(item.to_owned()),
        _ => return None,
    })
}

/// As an address holds it: words with blanks between.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Judged { rule, machine, by_chance } => {
                let machine = machine.map_or("", |hit| if hit { " hit" } else { " clear" });
                write!(f, "judged {}{machine}{}", word(rule), if *by_chance { " chance" } else { "" })
            }
            Self::Said { rule } => write!(f, "said {}", word(rule)),
            Self::Cause { rule, cause } => write!(f, "cause {} {}", word(rule), cause.map_or(UNSAID, Cause::as_str)),
            Self::Hits => f.write_str("hits"),
            Self::Planned => f.write_str("planned"),
            Self::Scored { low, high } => write!(f, "scored {low} {high}"),
            Self::At { day, hour } => write!(f, "at {day} {hour}"),
            Self::Chosen { by_chance } => write!(f, "chosen {}", if *by_chance { "chance" } else { "risk" }),
            Self::HandedIn { by, duplicates, days } => {
                let kind = if *duplicates { "duplicates" } else { "reviews" };
                write!(f, "{kind} {} {} {}", word(by), days.from, days.to)
            }
            Self::Verdicts { by, days, which } => {
                let which = match which {
                    Which::Judged => "",
                    Which::Confirmed => " confirmed",
                    Which::Compared => " compared",
                };
                write!(f, "verdicts {} {} {}{which}", word(by), days.from, days.to)
            }
            Self::Twice { which, days } => {
                write!(f, "twice {} {}", days.from, days.to)?;
                match which {
                    Twice::All => Ok(()),
                    Twice::Pair(a, b) => write!(f, " pair {} {}", word(a), word(b)),
                    Twice::Item(item) => write!(f, " item {}", word(item)),
                    Twice::Differ(item) => write!(f, " differ {}", word(item)),
                }
            }
        }
    }
}

/// A name as one word: login names may hold blanks.
fn word(name: &str) -> String {
    name.replace('%', "%25").replace(' ', "%20")
}

fn whole(word: &str) -> String {
    word.replace("%20", " ").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Period, Twice, Which};

    #[test]
    fn addresses_are_read_back() {
        let days = Period { from: "2026-11-01".into(), to: "2026-11-30".into() };
        let judged = |machine| Evidence::Judged { rule: "rude".into(), machine, by_chance: false };
        let twice = |which| Evidence::Twice { which, days: days.clone() };
        let handed = |by: &str, duplicates| Evidence::HandedIn { by: by.into(), duplicates, days: days.clone() };
        let verdicts = |which| Evidence::Verdicts { by: "王 芳".into(), days: days.clone(), which };
        let all = [
            judged(None),
            judged(Some(true)),
            judged(Some(false)),
            Evidence::judged("*"),
            Evidence::judged("*").chance_of(),
            judged(Some(true)).chance_of(),
            Evidence::Said { rule: "rude".into() },
            Evidence::Cause { rule: "rude".into(), cause: Some(callsift_reviews::Cause::WrongSpeaker) },
            Evidence::Cause { rule: "rude".into(), cause: None },
            Evidence::Hits,
            Evidence::Planned,
            Evidence::Scored { low: 60, high: 69 },
            Evidence::At { day: 6, hour: 23 },
            Evidence::Chosen { by_chance: true },
            Evidence::Chosen { by_chance: false },
            handed("王 芳 50%20", false),
            handed("r1", true),
            verdicts(Which::Judged),
            verdicts(Which::Confirmed),
            verdicts(Which::Compared),
            twice(Twice::All),
            twice(Twice::Pair("a b".into(), "c".into())),
            twice(Twice::Item("rude".into())),
            twice(Twice::Differ("rude".into())),
        ];
        for one in all {
            assert_eq!(Evidence::parse(&one.to_string()), Some(one));
        }
        for nonsense in [
            "",
            "judged",
            "judged rude maybe",
            "judged rude chance hit",
            "twice 2026-11-01",
            "reviews r1 x y",
            "hits hits",
            "at 7 1",
            "at 1 24",
            "scored -1 2",
            "cause rude",
            "cause rude why",
            "verdicts r1 2026-11-01 2026-11-30 all",
        ] {
            assert_eq!(Evidence::parse(nonsense), None, "{nonsense}");
        }
    }
}
