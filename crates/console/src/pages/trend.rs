//! Shares by day, as a chart.

use maud::Markup;

use crate::figures::cells::Place;
use crate::figures::period::Period;
use crate::figures::rows::Sum;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{CONFIRMED, MACHINE, Series, lines};
use crate::pages::parts::calls_url;

/// Calls with a machine hit, and with a confirmed violation, among all calls of a day. `filter` limits where points lead.
pub(crate) fn by_day(l: Lang, f: &Figures, p: &Period, of: impl Fn(&Place) -> bool, filter: &[(&str, &str)]) -> Markup {
    let sums = f.rows().sums(|at| of(at).then(|| at.date.clone()));
    let days = p.days();
    let points = |state: &str, count: fn(&Sum) -> i64| {
        let point = |day: &String| {
            let sum = sums.get(day).filter(|s| s.calls > 0)?;
            let day = Period { from: day.clone(), to: day.clone() };
            let address = calls_url(&day, &[filter, &[("state", state)]].concat());
            Some((count(sum) as f64 / sum.calls as f64, address))
        };
        days.iter().map(point).collect::<Vec<_>>()
    };
    let series = [
        Series {
            title: l.t("机器命中的通话占比", "calls with a machine hit").to_owned(),
            colour: MACHINE,
            points: points("flagged", |s| s.flagged),
        },
        Series {
            title: l.t("已确认违规的通话占比", "calls with a confirmed fault").to_owned(),
            colour: CONFIRMED,
            points: points("confirmed", |s| s.confirmed),
        },
    ];
    lines(&days, &series, 640.0)
}
