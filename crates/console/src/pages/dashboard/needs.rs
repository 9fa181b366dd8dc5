//! What to train (培训需求): the items that go wrong most, per unit and agent, and today's frequent errors (C7).

use maud::{Markup, html};

use crate::app::App;
use crate::figures::cells::Place;
use crate::figures::period::Period;
use crate::figures::rows::Rows;
use crate::figures::sums::Figures;
use crate::lang::Lang;
use crate::pages::dashboard::Board;
use crate::pages::parts::{is_violation, linked, source, title};
use crate::pages::url;

/// Items that are named for each.
const NAMED: usize = 3;

pub(super) fn needs(app: &App, l: Lang, board: &Board) -> Markup {
    let (f, p) = (&*board.figures, &board.period);
    let today = Period { from: board.last_day.clone(), to: board.last_day.clone() };
    html! {
        p.note { (l.t("每个班组、坐席属实最多的三项；一项属实都没有时列系统命中最多的三项，供参考。不扣分的规则不算违规，不计。", "The three items with most confirmed violations; where none is confirmed, those with most machine hits, as a hint. Rules without points make no violation and do not count.")) }
        @if p.from <= today.from && today.from <= p.to {
            h3 { (l.t("最近一天的常见错误", "frequent errors of the last day")) " " small { (today.from) } }
            (worst(app, l, f, f.rows(), &today, |at| at.date == today.from, &[]))
        }
        h3 { (l.t("按班组", "by unit")) }
        table.plain { @for unit in f.units() { tr {
            th { @if unit.is_empty() { (l.t("（未分组）", "(no unit)")) } @else { (unit) } }
            td { (worst(app, l, f, f.rows().unit(unit), p, |_| true, &[("unit", unit)])) }
        } } }
        details { summary { (l.t("按坐席", "by agent")) }
            table.plain { @for (unit, agent) in agents(f) { tr {
                th { a href=(format!("/agents/{}?from={}&to={}", url(agent), p.from, p.to)) { (f.name(agent)) } " " small { (unit) } }
                td { (worst(app, l, f, f.rows().agent(unit, agent), p, |_| true, &[("agent", agent), ("unit", unit)])) }
            } } }
        }
    }
}

fn agents(f: &Figures) -> Vec<(&str, &str)> {
    let of_unit = |unit| f.agents(unit).into_iter().filter(|agent| !agent.is_empty()).map(move |agent| (unit, agent));
    f.units().into_iter().flat_map(of_unit).collect()
}

/// The worst items of some calls, each with its number of calls.
pub(super) fn worst(
    app: &App,
    l: Lang,
    f: &Figures,
    rows: Rows<'_>,
    p: &Period,
    of: impl Fn(&Place) -> bool,
    filter: &[(&str, &str)],
) -> Markup {
    let (rules, machine) = rows.worst(NAMED, of, |rule| is_violation(app, f, rule));
    let by = if machine { "rule" } else { "confirmed" };
    html! {
        @if rules.is_empty() { span.soft { (l.t("没有发现问题", "nothing found")) } } @else {
            (source(l, !machine)) " "
            @for (i, (rule, n)) in rules.iter().enumerate() {
                @if i > 0 { (l.t("，", ", ")) }
                (title(app, rule)) " " (linked(*n, p, &[filter, &[(by, *rule), ("state", if machine { "understood" } else { "all" })]].concat()))
            }
        }
    }
}
