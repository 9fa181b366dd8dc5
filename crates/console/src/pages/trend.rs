//! Shares over time, as a chart.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::figures::cells::Place;
use crate::figures::evidence::Evidence;
use crate::figures::period::Period;
use crate::figures::rows::{Listened, Sum};
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{CONFIRMED, MACHINE, Point, Series, lines};
use crate::pages::parts::{calls_url, evidence_url};

/// How long a point of the chart is: all calls of a day, or of a week, since an agent's few calls of a day say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Day,
    Week,
}

impl Step {
    /// Weeks where a day has too few calls that were listened to for its share to say anything.
    pub(crate) fn of(f: &Figures) -> Self {
        const ENOUGH: usize = 10;
        let days = &f.listened_days;
        let heard: usize = days.values().map(|d| d.heard).sum();
        if heard < ENOUGH * days.len() { Self::Week } else { Self::Day }
    }

    fn days(self) -> usize {
        match self {
            Self::Day => 1,
            Self::Week => 7,
        }
    }

    /// A point of fewer calls is left out.
    fn least(self) -> usize {
        match self {
            Self::Day => 1,
            Self::Week => 5,
        }
    }
}

/// A share of calls; nothing where there are too few to speak of, and the line has a gap.
fn share(part: usize, of: usize, step: Step) -> Option<f64> {
    (of >= step.least()).then(|| part as f64 / of as f64)
}

/// Calls of a stretch that the machine understood, and flagged; what people listened to there.
#[derive(Debug, Default, Clone, Copy)]
struct Stretch {
    calls: usize,
    flagged: usize,
    listened: Listened,
}

fn stretch(days: &[String], sums: &BTreeMap<String, Sum>, listened: &BTreeMap<String, Listened>) -> Stretch {
    days.iter().fold(Stretch::default(), |mut all, day| {
        if let Some(sum) = sums.get(day) {
            all.calls += usize::try_from(sum.calls).unwrap_or(0);
            all.flagged += usize::try_from(sum.flagged).unwrap_or(0);
        }
        if let Some(day) = listened.get(day) {
            all.listened.heard += day.heard;
            all.listened.confirmed += day.confirmed;
        }
        all
    })
}

/// Calls with a hit among all calls, and with a confirmed violation among those that were **listened to** as a plan or chance had
/// it: divided by all calls the line would follow how much is reviewed, and calls chosen for their risk would lift it on the day
/// when that begins. `filter` limits where points lead.
pub(crate) fn over_time(
    l: Lang,
    f: &Figures,
    p: &Period,
    step: Step,
    of: impl Fn(&Place) -> bool,
    filter: &[(&str, &str)],
) -> Markup {
    let sums = f.rows().sums(|at| of(at).then(|| at.date.clone()));
    let listened = match filter {
        // All of them.
        [] => f.listened_days.clone(),
        _ => f.rows().listened(|at| of(at).then(|| at.date.clone())),
    };
    let days = p.days();
    let parts: Vec<(&[String], Stretch)> =
        days.chunks(step.days()).map(|days| (days, stretch(days, &sums, &listened))).collect();
    let period = |days: &[String]| Period {
        from: days.first().cloned().unwrap_or_default(),
        to: days.last().cloned().unwrap_or_default(),
    };
    let machine = parts.iter().map(|(days, s)| {
        let address = calls_url(&period(days), &[filter, &[("state", "flagged")]].concat());
        Some(Point { share: share(s.flagged, s.calls, step)?, part: s.flagged, of: s.calls, address })
    });
    let people = parts.iter().map(|(days, s)| {
        let Listened { heard, confirmed } = s.listened;
        let address = evidence_url(&period(days), &Evidence::Planned, filter);
        Some(Point { share: share(confirmed, heard, step)?, part: confirmed, of: heard, address })
    });
    let series = [
        Series {
            title: l.t("系统命中率", "system hit rate").to_owned(), colour: MACHINE, points: machine.collect()
        },
        Series {
            title: l.t("抽听中有属实问题的占比", "confirmed, of calls listened to").to_owned(),
            colour: CONFIRMED,
            points: people.collect(),
        },
    ];
    let labels: Vec<String> = parts.iter().map(|(days, _)| days.first().cloned().unwrap_or_default()).collect();
    let n: usize = parts.iter().map(|(_, s)| s.listened.heard).sum();
    html! {
        (lines(&labels, &series, 640.0))
        p.note { (l.t("红线只计监听计划和随机抽到并已提交的 ", "The red line counts submitted calls that a plan or chance chose: ")) (n)
            (l.t(" 通，没有抽听的日子断开；按风险挑选的不计，否则线会跟着复核量走。", " calls, with gaps where none were; calls chosen for their risk would make it follow the reviewing."))
            @if step == Step::Week { (l.t("按周画，不足 5 通的周不画。", " By week; weeks of fewer than five are left out.")) } }
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, share, stretch};
    use crate::figures::rows::{Listened, Sum};

    /// The old line was confirmed calls among all calls: it rose tenfold on the day when ten times as many were reviewed, though
    /// one call in five goes wrong on both days.
    #[test]
    fn the_line_does_not_follow_the_effort() {
        let day = |n: usize| format!("2026-11-{n:02}");
        let sum = |confirmed| Sum { calls: 1000, flagged: 100, confirmed, ..Sum::default() };
        let sums = [(day(1), sum(1)), (day(2), sum(10)), (day(3), sum(0))].into();
        let listened =
            [(day(1), Listened { heard: 5, confirmed: 1 }), (day(2), Listened { heard: 50, confirmed: 10 })].into();
        let people = |n, step| {
            let s = stretch(&[day(n)], &sums, &listened);
            share(s.listened.confirmed, s.listened.heard, step)
        };
        assert_eq!((people(1, Step::Day), people(2, Step::Day)), (Some(0.2), Some(0.2)));
        assert_eq!(people(3, Step::Day), None, "nobody listened: a gap and not a good day");
        let week = stretch(&[day(1), day(2), day(3)], &sums, &listened);
        assert_eq!((week.calls, week.flagged, week.listened.heard), (3000, 300, 55));
        assert_eq!((share(1, 3, Step::Week), share(3, 3, Step::Week)), (None, None), "no zigzag from three calls");
    }
}
