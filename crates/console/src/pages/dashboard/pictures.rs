//! Pictures of the centre: scores, hours of the week, problems by weight.

use maud::{Markup, html};

use crate::app::App;
use crate::figures::evidence::Evidence;
use crate::figures::hours::hours;
use crate::figures::period::Period;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::chart::{CONFIRMED, MACHINE, bars};
use crate::pages::parts::{evidence_url, is_violation, led, linked, percent, title};
use crate::pages::url;

/// Fewer calls in an hour show their number and no share.
const LEAST: i64 = 5;
/// Shades of the heat map.
const SHADES: f64 = 5.0;
/// Rules of the Pareto picture.
const RULES: usize = 12;

/// How many calls got which score: people's scores, of all submitted calls.
pub(super) fn scores(l: Lang, f: &Figures, p: &Period) -> Markup {
    let heard = f.rows().heard;
    let counts = BANDS.map(|(low, high)| heard.iter().filter(|h| (low..=high).contains(&h.score.floor())).count());
    let most = counts.iter().max().copied().unwrap_or(0) as f64;
    html! {
        @if heard.is_empty() { p.empty { (l.t("还没有提交的记录表。复核提交后这里显示得分分布。", "No form is submitted yet; the scores appear here.")) } } @else {
            table.plain { caption { (l.t("已提交 ", "submitted: ")) (linked(heard.len() as i64, p, &[("state", "done")])) (l.t(" 通", " calls")) }
                tbody { @for ((low, high), n) in BANDS.iter().zip(counts) {
                @let evidence = Evidence::Scored { low: *low as u32, high: *high as u32 };
                tr { th scope="row" { @if (low - high).abs() < 0.5 { (low) } @else { (low) "–" (high) } }
                    td { (bars(&[(n as f64, MACHINE)], most)) } td.num { (led(n, &evidence_url(p, &evidence, &[]))) } }
            } } }
        }
    }
}

/// Whole points, both included.
const BANDS: [(f64, f64); 6] = [(0.0, 59.0), (60.0, 69.0), (70.0, 79.0), (80.0, 89.0), (90.0, 99.0), (100.0, 100.0)];

/// When the machine hits: share of calls with a hit by day of the week and hour.
pub(super) fn heat(app: &App, l: Lang, f: &Figures, p: &Period) -> Markup {
    const DAYS: [(&str, &str); 7] = [
        ("周一", "Mon"),
        ("周二", "Tue"),
        ("周三", "Wed"),
        ("周四", "Thu"),
        ("周五", "Fri"),
        ("周六", "Sat"),
        ("周日", "Sun"),
    ];
    let cells = hours(&f.quarters, app.options.utc_offset_s);
    let used: Vec<usize> = (0..24).filter(|h| cells.iter().any(|day| day[*h].0 > 0)).collect();
    let (Some(first), Some(last)) = (used.first(), used.last()) else {
        return html! { p.empty { (l.t("没有带时间的通话。", "No call has a time.")) } };
    };
    let share = |(calls, flagged): (i64, i64)| flagged as f64 / calls.max(1) as f64;
    let enough = cells.iter().flatten().filter(|c| c.0 >= LEAST).copied();
    let most = enough.map(share).fold(0.0, f64::max);
    let tone = |cell: (i64, i64)| if most > 0.0 { (share(cell) / most * SHADES).ceil() as u32 } else { 0 };
    html! {
        div.wide { table.heat { caption { (l.t("系统命中率（未经人工核实）与通话数；不足 5 通只写通数。点通数看通话。", "System hit rate, checked by nobody, and calls; under five only the number. The number leads to the calls.")) }
            thead { tr { th scope="col" {} @for hour in *first..=*last { th scope="col" { (hour) (l.t("时", "h")) } } } }
            tbody { @for (day, (row, name)) in cells.iter().zip(DAYS).enumerate() { @if row.iter().any(|c| c.0 > 0) { tr {
                th scope="row" { (l.t(name.0, name.1)) }
                @for hour in *first..=*last { @let cell = row[hour];
                    @if cell.0 == 0 { td {} } @else {
                        td data-shade=[(cell.0 >= LEAST).then(|| tone(cell))] {
                            @if cell.0 >= LEAST { b { (percent(share(cell))) } }
                            small { (linked(cell.0, p, &[("evidence", &Evidence::At { day, hour }.to_string()), ("state", "understood")])) } }
                    } }
            } } } }
        } }
    }
}

/// Few rules make up most of what goes wrong: which, and how much of it.
pub(super) fn pareto(app: &App, l: Lang, f: &Figures, p: &Period) -> Markup {
    let mut rules: Vec<(&str, i64)> = f
        .rows()
        .by_rule(|_| true)
        .into_iter()
        .filter(|(rule, s)| s.confirmed > 0 && is_violation(app, f, rule))
        .map(|(rule, s)| (rule, s.confirmed))
        .collect();
    rules.sort_by_key(|(rule, n)| (-n, *rule));
    let total: i64 = rules.iter().map(|(_, n)| n).sum();
    let most = rules.first().map_or(0, |(_, n)| *n) as f64;
    let mut sum = 0;
    let shown: Vec<(&str, i64, i64)> = rules
        .iter()
        .take(RULES)
        .map(|(rule, n)| {
            sum += n;
            (*rule, *n, sum)
        })
        .collect();
    html! {
        @if shown.is_empty() { p.empty { (l.t("还没有属实的问题。复核提交后，这里按数量排出最该先抓的项目。", "Nothing is confirmed yet; the items that matter most appear here.")) } } @else {
            table.plain { caption { (l.t("人工属实共 ", "confirmed in all: ")) (total) (l.t(" 项（一通里一条规则算一项），累计占比在右", ", a rule of a call counts once; running share on the right")) }
                tbody { @for (rule, n, sum) in shown { tr {
                    td { a href=(format!("/rules/{}", url(rule))) { (title(app, rule)) } } td { (bars(&[(n as f64, CONFIRMED)], most)) }
                    td.num { (linked(n, p, &[("confirmed", rule), ("state", "all")])) } td.num { (percent(sum as f64 / total as f64)) }
                } } }
            }
        }
    }
}
